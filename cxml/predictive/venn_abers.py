"""Venn-Abers predictors as a table: the isotonic fits with one more row at every score, all in one pass.

Vovk, Petej and Fedorova, "Large-scale probabilistic predictors with and without guarantees of validity", NeurIPS 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Point = tuple[float, float]


def venn_abers_table(at: Array, hits: Array, mass: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the merged probability p1 / (1 - p0 + p1) below, on, between and above the scores.

    p1 and p0 are what isotonic regression gives a new row of weight 1 once it is added as a hit and as a miss.

    Parameters
    ----------
    at : array of shape (n_scores,), the different raw scores, rising
    hits, mass : arrays of shape (n_scores,), the weight of the hits and of all rows at each score

    Returns
    -------
    knots : tuple of length n_knots
        Scores at which the probability changes.
    levels : tuple of length 2 n_knots + 1
        Rising: below the first knot, on it, between it and the next, and so on.
    """
    p1 = added_hit(hits, mass)
    # As a miss, seen from the other end: hits are misses and the highest score is the lowest.
    p0 = 1 - added_hit((mass - hits)[::-1], mass[::-1])[::-1]
    # Between two scores a hit joins what is above it, and a miss what is below.
    low, high = np.empty(2 * len(at) + 1), np.empty(2 * len(at) + 1)
    low[0], low[1::2], low[2::2] = 0.0, p0, p0
    high[-1], high[1::2], high[:-1:2] = 1.0, p1, p1
    levels = np.maximum.accumulate(high / (1 - low + high))
    kept = ~((levels[:-1:2] == levels[1::2]) & (levels[1::2] == levels[2::2]))
    kept[0] = True  # a table has a knot even where nothing changes
    steps = np.column_stack([levels[:-1:2], levels[1::2]])[kept].ravel()
    return tuple(at[kept].tolist()), (*steps.tolist(), float(levels[-1]))


def added_hit(hits: Array, mass: Array) -> Array:
    """Return what isotonic regression gives at each score once a hit of weight 1 is added there.

    In the diagram of cumulated mass and hits, the isotonic fit is the slope of the greatest convex minorant. The new
    hit is one more piece of slope 1; it starts left of all scores and is handed on to the right, score by score, with
    the corners of the minorant on a stack. The paper's algorithms 1 and 2, for rows of any weight.
    """
    xs = [0.0, *mass.cumsum().tolist()]
    ys = [0.0, *hits.cumsum().tolist()]
    corners: list[Point] = [(-1.0, -1.0)]
    for point in zip(xs, ys, strict=True):
        while len(corners) > 1 and not _convex(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    corners.reverse()
    found = np.empty(len(mass))
    before = (-1.0, -1.0)
    for i in range(len(mass)):
        (x0, y0), (x1, y1) = corners[-1], corners[-2]
        found[i] = (y1 - y0) / (x1 - x0)
        # The score's own piece now comes before the new hit instead of after it.
        before = (xs[i + 1] - 1.0, ys[i + 1] - 1.0)
        if (before[1] - y0) * (x1 - x0) >= (before[0] - x0) * (y1 - y0):
            continue
        corners.pop()
        while len(corners) > 1 and not _convex(before, corners[-1], corners[-2]):
            corners.pop()
        corners.append(before)
    return np.clip(found, 0.0, 1.0)


def _convex(a: Point, b: Point, c: Point) -> bool:
    """Return whether the path from a over b to c bends upwards."""
    return (b[0] - a[0]) * (c[1] - b[1]) > (c[0] - b[0]) * (b[1] - a[1])
