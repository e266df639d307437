"""The heads that health is made of, for rows of features: what each says, and what each feature adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask
from cxml.predictive.bundle import Bundle, Model
from cxml.predictive.calibration import Calibration
from cxml.predictive.heads import falling
from cxml.predictive.health_items import Head, Held

Array = NDArray[np.float64]
NPS: Final = "nps"
RENEWAL: Final = "renewal"
# Half of the step of log-odds over which the slope at a base is taken: narrow beside what features add, and wider than
# the steps of a calibration that has some.
_STEP: Final = 0.25


def health_heads(bundle: Bundle, typed: Mapping[str, NDArray[Any]], matrix: Array) -> list[Head]:
    """Return the heads of a bundle's models that count in health, with what they say of some rows.

    Staying is 1 - P(lost), the one head of the renewal model; advocacy the mean of the NPS model's P(above detractor)
    and P(above passive), which is (1 + p_promoter - p_detractor) / 2: `cxml.predictive.health.health` is their sum.

    Parameters
    ----------
    bundle : Bundle
    typed, matrix : the features as `Encoding` gives them, of n_rows rows

    Returns
    -------
    list of Head, those of renewal first; none where no model counts
        Every number of a row is that of the row alone, whatever other rows there are.
    """
    found = []
    for name, weight in ((RENEWAL, bundle.health.renewal), (NPS, bundle.health.advocacy)):
        if name in bundle.models and weight > 0:
            model = bundle.models[name]
            found += _heads(name, model, speaks(model, typed, len(matrix)), matrix, weight)
    return found


def speaks(model: Model, typed: Mapping[str, NDArray[Any]], n_rows: int) -> NDArray[np.bool_]:
    """Return of which rows a model speaks; shape (n_rows,)."""
    return np.ones(n_rows, dtype=bool) if model.applies is None else mask(model.applies, typed, n_rows)


def _heads(name: str, model: Model, spoken: NDArray[np.bool_], matrix: Array, weight: float) -> list[Head]:
    heads = model.heads
    rows = np.ascontiguousarray(matrix[spoken])
    added, base = heads.contributions(rows if len(rows) else np.full((1, matrix.shape[1]), np.nan))
    own, own_base = heads.own_exceedances(heads.raw_scores(rows)), heads.own_exceedances(base[None, :])
    p, p_base = falling(own), falling(own_base)
    n_heads = len(heads.heads)
    return [
        Head(
            name,
            _spread(p[:, k], spoken, np.nan),
            float(p_base[0, k]),
            _spread(added[: len(rows), k], spoken, 0.0),
            weight / n_heads,
            raises=name != RENEWAL,
            slope=_slope(heads.heads[k].calibration, float(base[k])),
            held=_held(own, own_base, added[: len(rows)], spoken, k) if k else None,
        )
        for k in range(n_heads)
    ]


def _held(own: Array, own_base: Array, added: Array, spoken: NDArray[np.bool_], k: int) -> Held:
    """Return what a head says on its own, and the sizes of the contributions to the heads that hold it down."""
    holder, at_base = own[:, : k + 1].argmin(axis=1), int(own_base[0, : k + 1].argmin())
    sizes = np.zeros((len(own), added.shape[2]))
    for h in range(k):  # one that holds it down at its base does so in every row
        sizes += ((holder == h) + float(at_base == h))[:, None] * np.abs(added[:, h])
    return Held(_spread(own[:, k], spoken, np.nan), float(own_base[0, k]), _spread(sizes, spoken, 0.0))


def _spread(values: Array, spoken: NDArray[np.bool_], missing: float) -> Array:
    """Return values of the rows that are spoken of in the places of all rows."""
    out = np.full((len(spoken), *values.shape[1:]), missing)
    out[spoken] = values
    return out


def _slope(calibration: Calibration, raw: float) -> float:
    """Return the slope of a calibration at a raw score, over a step of log-odds."""
    below, above = calibration.probability(np.array([raw - _STEP, raw + _STEP]))
    return float(above - below) / (2 * _STEP)
