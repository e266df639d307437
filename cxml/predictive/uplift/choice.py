"""Which learner is used, and how far it is shrunk: by held-out doubly robust effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.estimates import clustered_mean
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
    studies: Sequence[tuple[Mapping[str, Array], Array]], weight: Array, customers: NDArray[np.intp]
) -> str:
    """Return the learner to use of several actions, one for all: their effects are to be compared.

    ``studies`` are, of each action, what the learners say of rows that they have not seen, and the measured effects.

    The first is used, unless another is better by more than the standard error of the difference. Where the losses are
    as close as the noise of a few thousand rows makes them, the best of several is the luckiest of several (Breiman et
    al., "Classification and Regression Trees", 1984: one standard error). All are shrunk as they would be served: with
    slopes of the other folds, one odd fold of three could make a learner look worse by four standard errors.
    """
    losses: dict[str, Array] = {}
    for said, measured in studies:
        for name, one in said.items():
            intercept, slope = shrinkage(one, measured, weight)
            losses[name] = losses.get(name, np.zeros(len(weight))) + (measured - intercept - slope * one) ** 2
    first, *others = losses
    best, most = first, 0.0
    for name in others:
        gain = clustered_mean(losses[first] - losses[name], weight, customers)
        if gain.value > max(gain.standard_error, most):
            best, most = name, gain.value
    return best
