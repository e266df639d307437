"""What the effects of a bundle say of customers: each effect with its range, as columns beside the predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.effect import Effect
from cxml.schema import columns as c
from cxml.schema.figures import Z_95

Array = NDArray[np.float64]


def served(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """Return the effects of which there is enough evidence to say anything."""
    return tuple(effect for effect in effects if not effect.too_little)


def uplift_columns(effects: Sequence[Effect]) -> tuple[str, ...]:
    """Return the names of the columns that tell effects, in their order: each effect, its low and its high end."""
    return tuple(name for effect in effects for name in c.uplift_columns(effect.outcome, effect.action))


def uplifts(effects: Sequence[Effect], matrix: Array, risk: Array | None) -> dict[str, Array]:
    """Return what each action is found to change for each customer, with the 95% interval of customers like them.

    Parameters
    ----------
    effects : those that are served
    matrix : features, shape (n_rows, n_features)
    risk : of no renewal, shape (n_rows,): an effect on renewal speaks where it is known, and lets nobody's probability
        to stay leave 0 to 1; None where no model tells it

    Returns
    -------
    dict from `uplift_columns` to arrays of shape (n_rows,)
        Of probability for ``renewal``, of money for ``value``, of points for ``nps``.
    """
    found: dict[str, Array] = {}
    scored: dict[bytes, Array] = {}
    for effect in effects:
        value = effect.effects(matrix, scored)
        half = Z_95 * effect.standard_errors(value)
        told = [value, value - half, value + half]
        if effect.outcome == "renewal" and risk is not None:
            told = [np.clip(one, risk - 1, risk) for one in told]
        found |= dict(zip(c.uplift_columns(effect.outcome, effect.action), told, strict=True))
    return found
