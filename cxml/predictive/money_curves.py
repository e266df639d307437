"""The Tweedie regression that `cxml.predictive.splines` fits to money: what the additive model of money learns by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.splines import Columns, Fits

Array = NDArray[np.float64]
# Between 1 (Poisson: as many equal payments as there are) and 2 (gamma: one payment): some payments of some size each,
# zero where there are none. Jorgensen, "The theory of dispersion models", 1997; LightGBM's default too.
POWER: Final = 1.5


def deviance(money: Array, expected: Array, weight: Array) -> float:
    """Return the mean Tweedie deviance of expected money, without what depends on the money alone; less is better.

    Each customer counts by the variance that so much expected money has, so that the few who bring most do not decide
    alone. ``expected`` must be above 0.
    """
    found = -money * expected ** (1 - POWER) / (1 - POWER) + expected ** (2 - POWER) / (2 - POWER)
    return float(np.average(found, weights=weight))


def tweedie_path(columns: Columns, money: Array, weight: Array, strengths: Sequence[float]) -> Fits:
    """Return the regression of each strength, each fit starting from the one before; it tells the logarithm of money.

    Parameters
    ----------
    columns : array of shape (n_rows, n_columns)
    money : array of shape (n_rows,), 0 or more, about 1 on average: the penalty is in that scale
    weight : array of shape (n_rows,)
    strengths : rising
    """
    exact = columns.astype(np.float64)
    mean = float(np.average(money, weights=weight)) if weight.sum() else 0.0
    if exact.shape[1] == 0 or mean <= 0:
        return [(np.zeros(exact.shape[1]), float(np.log(max(mean, 1e-6))))] * len(strengths)
    fits, start = [], np.append(np.zeros(exact.shape[1]), np.log(mean))
    for strength in strengths:
        start = _fitted(exact, money, weight, 1 / (strength * len(money)), start)
        fits.append((start[:-1], float(start[-1])))
    return fits


def _fitted(columns: Array, money: Array, weight: Array, penalty: float, start: Array) -> Array:
    """Return the weights of the columns, and the intercept last, that have the least deviance and penalty."""
    from scipy.optimize import minimize

    share = weight / weight.sum()

    def loss(found: Array) -> tuple[float, Array]:
        half = np.clip(columns @ found[:-1] + found[-1], -60, 60) / 2
        paid, expected = share * money * np.exp(-half), share * np.exp(half)  # of `deviance`, with a power of 1.5
        slope = expected - paid
        value = 2 * float(paid.sum() + expected.sum()) + penalty / 2 * float(found[:-1] @ found[:-1])
        return value, np.append(columns.T @ slope + penalty * found[:-1], slope.sum())

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-10, "gtol": 1e-5})
    return np.asarray(best.x)
