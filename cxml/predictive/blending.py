"""How much each member of a head counts: weights found by log loss on rows that no member has seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A member that moves the log-odds by less than this share of what all move is not worth its time in service.
_LEAST_SHARE = 0.02
# Pseudo-rows that pull the weights to equal ones: nothing beside thousands of rows, a hold where there are a hundred.
_PRIOR_ROWS = 5.0


def blended(raw: Array, hits: Array, weight: Array) -> tuple[Array, float]:
    """Return the weights of members, none below 0, and the constant that make their sum the log-odds of a hit.

    Parameters
    ----------
    raw : array of shape (n_rows, n_members), raw scores of rows that the members have not seen
    hits : array of shape (n_rows,), 1.0 or 0.0
    weight : array of shape (n_rows,)

    Returns
    -------
    weights : array of shape (n_members,), 0 where a member is not worth having beside the others
    bias : float

    References
    ----------
    Wolpert, "Stacked generalization", 1992; weights not below 0 after Breiman, "Stacked regressions", 1996.
    """
    kept = np.flatnonzero(raw.std(axis=0) > 0)
    weights = np.zeros(raw.shape[1])
    while True:
        weights[:] = 0.0
        weights[kept], bias = _fitted(raw[:, kept], hits, weight)
        moved = weights * raw.std(axis=0)
        weak = [j for j in kept if moved[j] < _LEAST_SHARE * moved.sum()]
        if not weak or len(weak) == len(kept):
            return np.round(weights, 9), round(bias, 9)
        kept = np.array([j for j in kept if j not in weak], dtype=np.intp)


def _fitted(raw: Array, hits: Array, weight: Array) -> tuple[Array, float]:
    from scipy.optimize import minimize

    n_members = raw.shape[1]
    signs = np.where(hits > 0, -1.0, 1.0)
    share = weight / weight.sum()
    pull = _PRIOR_ROWS / len(hits)
    start = np.append(np.full(n_members, 1 / max(n_members, 1)), 0.0)

    def loss(found: Array) -> tuple[float, Array]:
        z = signs * (raw @ found[:-1] + found[-1])
        slope = share * signs / (1 + np.exp(-np.clip(z, -700, 700)))
        away = (found - start) * np.append(np.ones(n_members), 0.0)
        value = float(share @ np.logaddexp(0.0, z)) + pull * float(away @ away)
        return value, np.append(raw.T @ slope, slope.sum()) + 2 * pull * away

    bounds = [(0, None)] * n_members + [(None, None)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
    return np.asarray(best.x[:-1]), float(best.x[-1])
