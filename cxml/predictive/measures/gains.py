"""The gain curve with its interval: whom one finds by contacting the customers with the highest probabilities first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from cxml.predictive.measures.intervals import resampled
from cxml.predictive.measures.probability import Array
from cxml.predictive.measures.ranking import Ranking

_SHARES: Final = np.arange(1, 51) / 50


@dataclass(frozen=True)
class GainPoint:
    """Of all hits, the share ``found`` among the ``contacted`` share of customers, with its 95% interval.

    ``lift`` is how much more that is than by contacting at random.
    """

    contacted: float
    found: float
    low: float
    high: float

    @property
    def lift(self) -> float:
        """Share found, relative to contacting at random."""
        return self.found / self.contacted


def gain_points(
    hits: ArrayLike, p: Array, customers: ArrayLike, *, weight: ArrayLike | None = None, random_state: int = 0
) -> tuple[GainPoint, ...]:
    """Return 50 points of the gain curve, from a share of 2% to everyone.

    Parameters
    ----------
    hits : array of shape (n_rows,), 1 where it happened
    p : array of shape (n_rows, n_repeats), the probability that it happens; the curve is the mean over the repeats
    customers : array of shape (n_rows,), resampled whole for the intervals (percentile bootstrap, point by point)
    weight : array of shape (n_rows,), optional
        For how many customers each row speaks.
    random_state : int
    """
    hit = np.asarray(hits).astype(bool)
    case = np.ones(len(hit)) if weight is None else np.asarray(weight, dtype=np.float64)
    rankings = [Ranking.of(hit, said) for said in p.T]
    curve = _curve(rankings, case)
    drawn = [_curve(rankings, case * counts) for counts in resampled(customers, np.random.default_rng(random_state))]
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    points = np.column_stack([_SHARES, curve, low, high]).tolist()
    return tuple(GainPoint(*point) for point in points)


def _curve(rankings: list[Ranking], weight: Array) -> Array:
    """Return the share found at each share contacted; within one score the curve is a line."""
    found = []
    for ranking in rankings:
        hits, misses = ranking.counts(weight)
        total, contacted = hits.sum(), (hits + misses).cumsum()
        upto = np.concatenate([[0.0], hits.cumsum() / total if total else np.full(len(hits), np.nan)])
        found.append(np.interp(_SHARES, np.concatenate([[0.0], contacted / contacted[-1]]), upto))
    return np.asarray(np.minimum(np.mean(found, axis=0), 1.0))  # weights add up to 1 but for their last bits
