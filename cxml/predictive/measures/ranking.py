"""Whether those who did it were ranked above those who did not: AUC, PR-AUC, lift and gain.

The rows are ranked once and reweighted as often as one likes; rows of one score stand together, so that no measure
depends on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.measures.probability import Array, Codes


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows in falling order of score: ``order`` (n_rows,), ``hit`` in that order, where each score begins."""

    order: NDArray[np.intp]
    hit: NDArray[np.bool_]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, hit: NDArray[np.bool_], score: Array) -> Self:
        """Rank rows by score."""
        order = np.argsort(-score, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(score[order]) != 0]))
        return cls(order, hit[order], starts)

    def counts(self, weight: Array) -> tuple[Array, Array]:
        """Return the weight of the hits and of the misses at each score, in falling order of score."""
        w = weight[self.order]
        hits = np.where(self.hit, w, 0.0)
        return np.add.reduceat(hits, self.starts), np.add.reduceat(w - hits, self.starts)


def auc(classes: Codes, p: Array, weight: Array) -> float:
    """Return the area under the ROC curve; with more than two classes, the mean of one class against the rest.

    Parameters are those of `cxml.predictive.measures.log_loss`. Hanley and McNeil, Radiology 1982; for more classes
    Provost and Domingos, 2000, each class counting the same.
    """
    return ranked_auc(classes, p)(weight)


def ranked_auc(classes: Codes, p: Array) -> Callable[[Array], float]:
    """Return `auc` as a function of the weights alone: the rows are ranked once, however often they are reweighted."""
    ranked = [1] if p.shape[1] == 2 else range(p.shape[1])
    return mean_area([Ranking.of(classes == k, p[:, k]) for k in ranked])


def auc_ordinal(classes: Codes, p: Array, weight: Array) -> float:
    """Return the area under the ROC curve of ordered classes: the mean over the steps of the scale.

    At each step k the rows above it are ranked against the others by P(class > k): detractors against the rest, then
    promoters against the rest, each by the probability that the scale itself orders. With two classes it is `auc`.
    Parameters are those of `cxml.predictive.measures.log_loss`.

    References
    ----------
    Waegeman, De Baets and Boullart, "ROC analysis in ordinal regression learning", Pattern Recognition Letters 29,
    2008.
    """
    return ranked_auc_ordinal(classes, p)(weight)


def ranked_auc_ordinal(classes: Codes, p: Array) -> Callable[[Array], float]:
    """Return `auc_ordinal` as a function of the weights alone; see `ranked_auc`."""
    above = p[:, ::-1].cumsum(axis=1)[:, ::-1]
    return mean_area([Ranking.of(classes >= k, above[:, k]) for k in range(1, p.shape[1])])


def mean_area(rankings: list[Ranking]) -> Callable[[Array], float]:
    """Return the mean area under several ROC curves as a function of the weights; a curve without hits is left out."""

    def of_weight(weight: Array) -> float:
        found = [area for area in (roc_area(*ranking.counts(weight)) for ranking in rankings) if area == area]
        return float(np.mean(found)) if found else float("nan")

    return of_weight


def roc_area(hits: Array, misses: Array) -> float:
    """Return the area under one ROC curve: of the pairs of a hit and a miss, those in order and half the ties."""
    below = misses.sum() - misses.cumsum() + misses / 2
    pairs = hits.sum() * misses.sum()
    return float((hits * below).sum() / pairs) if pairs else float("nan")


def pr_auc(classes: Codes, p: Array, weight: Array) -> float:
    """Return the area under the precision-recall curve of class 1, as average precision: without interpolation.

    Parameters are those of `cxml.predictive.measures.log_loss`. Davis and Goadrich, ICML 2006, on why not to join the
    points by lines; Manning, Raghavan and Schuetze, "Introduction to Information Retrieval", 2008, chapter 8.
    """
    return average_precision(*Ranking.of(classes == 1, p[:, 1]).counts(weight))


def average_precision(hits: Array, misses: Array) -> float:
    """Return the precision down to each score, averaged over the hits."""
    found, contacted = hits.cumsum(), (hits + misses).cumsum()
    if not found[-1]:
        return float("nan")
    precision = found / np.where(contacted > 0, contacted, 1.0)
    return float((hits * precision).sum() / found[-1])


def lift_at_10_percent(classes: Codes, p: Array, weight: Array) -> float:
    """Return how often class 1 came true in the tenth with the highest p, relative to everyone.

    Parameters are those of `cxml.predictive.measures.log_loss`; the rows on the edge of the tenth, all that share one
    p, count by the part of them that is inside.
    """
    return lift(*Ranking.of(classes == 1, p[:, 1]).counts(weight), 0.1)


def lift(hits: Array, misses: Array, share: float) -> float:
    """Return the rate of hits in the top share of rows, relative to the rate in all of them."""
    w = hits + misses
    if not hits.sum():
        return float("nan")
    inside = np.clip(share * w.sum() - (w.cumsum() - w), 0, w) / np.where(w > 0, w, 1.0)
    return float((inside * hits).sum() / share / hits.sum())


@dataclass(frozen=True, eq=False)
class GainCurve:
    """Whom one finds by going down the ranking: shares of all customers ``contacted`` and of all hits ``found``.

    Both have shape (n_scores + 1,) and begin at 0 and end at 1; in between, the curve is a line.
    """

    contacted: Array
    found: Array

    @property
    def lift(self) -> Array:
        """Share of hits found for each share contacted, relative to contacting at random; the first is the second."""
        ratio = self.found[1:] / self.contacted[1:]
        return np.asarray(np.concatenate([ratio[:1], ratio]))


def gain_curve(classes: Codes, p: Array, weight: Array) -> GainCurve:
    """Return the cumulative gains of contacting customers from the highest p of class 1 down.

    Parameters are those of `cxml.predictive.measures.log_loss`; rows of weight 0 are left out.
    """
    hits, misses = Ranking.of(classes == 1, p[:, 1]).counts(weight)
    here = hits + misses > 0
    hits, misses = hits[here], misses[here]
    contacted, found = (hits + misses).cumsum(), hits.cumsum()
    return GainCurve(
        np.concatenate([[0.0], contacted / contacted[-1]]),
        np.concatenate([[0.0], found / found[-1] if found[-1] else np.full(len(found), np.nan)]),
    )
