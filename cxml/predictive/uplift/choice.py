"""Which learner is used, and how far it is shrunk: by held-out doubly robust effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.estimates import Mean, clustered_mean, saved_share
from cxml.predictive.uplift.nuisances import Fold

Array = NDArray[np.float64]
_MOST: Final = 2.0  # a learner's spread is at most doubled


def shrinkage(said: Array, measured: Array, weight: Array) -> tuple[float, float]:
    """Return intercept and slope of the measured effects by the predicted ones; a negative slope is 0.

    References
    ----------
    Chernozhukov et al., "Generic machine learning inference on heterogeneous treatment effects", Econometrica 2025:
    the best linear predictor.
    """
    mean, level = float(np.average(said, weights=weight)), float(np.average(measured, weights=weight))
    off = said - mean
    spread = float(weight @ off**2)
    slope = min(max(float(weight @ (off * (measured - level))) / spread, 0.0), _MOST) if spread > 0 else 0.0
    return level - slope * mean, slope


def held_out_shrunk(said: Array, measured: Array, weight: Array, folds: Sequence[Fold]) -> Array:
    """Return predicted effects shrunk as the rows of the other folds support them, (n_rows,)."""
    shrunk = np.empty_like(said)
    for train, test in folds:
        intercept, slope = shrinkage(said[train], measured[train], weight[train])
        shrunk[test] = intercept + slope * said[test]
    return shrunk


def chosen_learner(
    shrunk: Mapping[str, Array], measured: Array, average: float, weight: Array, customers: NDArray[Any]
) -> tuple[str, dict[str, Mean]]:
    """Return the learner to use and the held-out DR score of each, given what they say of rows unseen.

    The first is used, unless another is better by more than the standard error of the difference. Where the scores are
    as close as the noise of a few thousand rows makes them, the best of several is the luckiest of several (Breiman et
    al., "Classification and Regression Trees", 1984: one standard error).
    """
    scores = {name: saved_share(said, measured, average, weight, customers) for name, said in shrunk.items()}
    first, *others = shrunk
    best = first
    for name in others:
        gain = clustered_mean((measured - shrunk[first]) ** 2 - (measured - shrunk[name]) ** 2, weight, customers)
        if gain.value > gain.standard_error and scores[name].value > scores[best].value:
            best = name
    return best, scores
