"""The minimum of a small convex quadratic function under linear inequalities, by an interior-point method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def quadratic_minimum(
    curvature: Floats, slope: Floats, rows: Floats, limits: Floats, start: Floats, *, accuracy: float = 1e-9
) -> tuple[Floats, Floats]:
    """Minimise ``curvature @ x**2 / 2 + slope @ x`` under ``rows @ x <= limits``.

    Parameters
    ----------
    curvature, slope, start : shape (n,), curvature >= 0
    rows, limits : shape (m, n) and (m,); the rows should have entries near one
    accuracy : the residuals and the mean complementarity at which it stops, relative to the size of slope and limits

    Returns
    -------
    tuple of x (n,) and the multipliers of the rows (m,)

    References
    ----------
    Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal on Optimization 2, 1992.
    """
    x, m = start.astype(float), len(limits)
    slack = np.maximum(limits - rows @ x, 0.1)
    price = np.ones(m)
    size = 1.0 + max(np.abs(slope).max(initial=0.0), np.abs(limits).max(initial=0.0))
    for _ in range(60):
        dual = curvature * x + slope + price @ rows
        primal = rows @ x + slack - limits
        gap = float(slack @ price) / m
        if max(np.abs(dual).max(), np.abs(primal).max(), gap) <= accuracy * size:
            break
        weight = price / slack
        matrix = (rows.T * weight) @ rows
        matrix[np.diag_indices_from(matrix)] += curvature + 1e-13 * (1.0 + np.trace(matrix) / len(x))
        inverse = np.linalg.inv(matrix)

        def direction(
            target: Floats,
            dual: Floats = dual,
            primal: Floats = primal,
            inverse: Floats = inverse,
            slack: Floats = slack,
            price: Floats = price,
        ) -> tuple[Floats, Floats, Floats]:
            # slack * d_price + price * d_slack = target - slack * price
            short = (target - slack * price + price * primal) / slack
            dx = inverse @ (-dual - short @ rows)
            d_slack = -primal - rows @ dx
            return dx, d_slack, (target - slack * price - price * d_slack) / slack

        _, d_slack, d_price = direction(np.zeros(m))
        ahead = min(_step(slack, d_slack), _step(price, d_price))
        then = float((slack + ahead * d_slack) @ (price + ahead * d_price)) / m
        dx, d_slack, d_price = direction((then / gap) ** 3 * gap - d_slack * d_price)
        step = 0.99 * min(_step(slack, d_slack), _step(price, d_price))
        x, slack, price = x + step * dx, slack + step * d_slack, price + step * d_price
    return x, price


def _step(values: Floats, change: Floats) -> float:
    """Return the longest step, at most one, that keeps the values positive."""
    falling = change < -1e-300
    with np.errstate(over="ignore"):
        return min(1.0, float((-values[falling] / change[falling]).min(initial=1.0)))
