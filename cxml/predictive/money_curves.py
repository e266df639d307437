"""Training of the additive model of money: a Tweedie regression, of its logarithm, on splines of every feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.additive import Additive
from cxml.predictive.splines import MOST_ROWS, STRENGTHS, Basis
from cxml.predictive.splits import Rows

Array = NDArray[np.float64]
# Between 1 (Poisson: as many equal payments as there are) and 2 (gamma: one payment): some payments of some size each,
# zero where there are none. Jorgensen, "The theory of dispersion models", 1997; LightGBM's default too.
POWER: Final = 1.5


def held_out_money_curves(
    matrix: Array, names: dict[int, int], money: Array, weight: Array, train: Rows, test: Rows, *, random_state: int
) -> Array:
    """Return the logarithms that regressions of each strength, fitted on ``train``, say: (n_strengths, n_test).

    Parameters are those of `fitted_money_curves`.
    """
    basis, fits = _path(matrix[train], names, money[train], weight[train], STRENGTHS, random_state)
    columns = basis.columns(matrix[test])
    return np.stack([columns @ weights + intercept for weights, intercept in fits])


def fitted_money_curves(
    matrix: Array, names: dict[int, int], money: Array, weight: Array, strength: float, *, random_state: int
) -> Additive:
    """Return the additive model of one strength; its raw score is the logarithm of money.

    Parameters
    ----------
    matrix : array of shape (n_rows, n_features), NaN where unknown, codes for names
    names : which features are codes of names, and how many levels each has
    money : array of shape (n_rows,), 0 or more, about 1 on average: the penalty is in that scale
    weight : array of shape (n_rows,)
    strength : inverse of the ridge penalty; one of ``STRENGTHS``
    random_state : of the rows that are taken where there are more than 50,000
    """
    path = STRENGTHS[: STRENGTHS.index(strength) + 1]
    basis, fits = _path(matrix, names, money, weight, path, random_state)
    return basis.additive(*fits[-1], matrix)


def deviance(money: Array, expected: Array, weight: Array) -> float:
    """Return the mean Tweedie deviance of expected money, without what depends on the money alone; less is better.

    Each customer counts by the variance that so much expected money has, so that the few who bring most do not decide
    alone. ``expected`` must be above 0.
    """
    found = -money * expected ** (1 - POWER) / (1 - POWER) + expected ** (2 - POWER) / (2 - POWER)
    return float(np.average(found, weights=weight))


def _path(
    matrix: Array, names: dict[int, int], money: Array, weight: Array, strengths: Sequence[float], random_state: int
) -> tuple[Basis, list[tuple[Array, float]]]:
    """Return the weights and intercept for each strength, each fit starting from the one before."""
    rows = np.arange(len(money))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(random_state).choice(len(rows), MOST_ROWS, replace=False))
    basis = Basis(matrix[rows], names)
    columns = basis.columns(matrix[rows]).astype(np.float64)
    mean = float(np.average(money[rows], weights=weight[rows])) if weight[rows].sum() else 0.0
    if columns.shape[1] == 0 or mean <= 0:
        return basis, [(np.zeros(columns.shape[1]), float(np.log(max(mean, 1e-6))))] * len(strengths)
    fits, start = [], np.append(np.zeros(columns.shape[1]), np.log(mean))
    for strength in strengths:
        start = _fitted(columns, money[rows], weight[rows], 1 / (strength * len(rows)), start)
        fits.append((start[:-1], float(start[-1])))
    return basis, fits


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
