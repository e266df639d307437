"""Measures as the mean over held-out folds: how published figures are often computed, beside those of all rows at once.

A fold has fewer rows. The ROC hull of fewer rows fits more of their noise, so that ``empc_folds`` is above ``empc`` for
the same model: by about .1 of 10.3 on 5 folds of 7,043 customers. Compare a published figure with the one that was
computed as it was.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.measures.intervals import Measure, bootstrap_measure, reflected, resampled
from cxml.predictive.measures.probability import Array, Codes
from cxml.predictive.measures.profit import RetentionCosts, expected_maximum_profit, roc_hull
from cxml.predictive.measures.ranking import Ranking, lift, ranked_auc, roc_area


def fold_measured(
    classes: ArrayLike,
    p: Array,
    customers: ArrayLike,
    folds: NDArray[np.intp],
    *,
    weight: ArrayLike | None = None,
    costs: RetentionCosts | None = None,
    random_state: int = 0,
) -> tuple[Measure, ...]:
    """Measure the ranking within each held-out fold, and take the mean over folds and repeats.

    Parameters
    ----------
    classes, customers, weight, costs, random_state : as for `cxml.predictive.measures.measured`
    p : array of shape (n_rows, n_classes, n_repeats)
    folds : array of shape (n_rows, n_repeats), the fold that each row was held out in

    Returns
    -------
    tuple of Measure
        For two classes ``auc_folds, lift_at_10_percent_folds, empc_folds``; for more ``auc_folds``.
    """
    codes = np.asarray(classes, dtype=np.intp)
    case = np.ones(len(codes)) if weight is None else np.asarray(weight, dtype=np.float64)
    judges = [
        _judge(codes, p[:, :, r], np.flatnonzero(folds[:, r] == fold), costs or RetentionCosts())
        for r in range(p.shape[2])
        for fold in np.unique(folds[:, r])
    ]

    def mean(of_weight: Array) -> dict[str, float]:
        found = [judge(of_weight) for judge in judges]
        return {name: float(np.nanmean([one[name] for one in found])) for name in found[0]}

    drawn = resampled(customers, np.random.default_rng(random_state))
    value, resamples = mean(case), [mean(case * counts) for counts in drawn]
    measures = []
    for name in value:
        spread = np.array([one[name] for one in resamples])
        spread = reflected(value[name], spread) if name == "empc_folds" else spread
        measures.append(bootstrap_measure(name, value[name], spread))
    return tuple(measures)


def _judge(
    codes: Codes, p: Array, rows: NDArray[np.intp], costs: RetentionCosts
) -> Callable[[Array], dict[str, float]]:
    """Return the measures of one fold as a function of the weights of all rows."""
    if p.shape[1] > 2:
        area = ranked_auc(codes[rows], p[rows])
        return lambda weight: {"auc_folds": area(weight[rows])}
    ranking = Ranking.of(codes[rows] == 1, p[rows, 1])

    def of_weight(weight: Array) -> dict[str, float]:
        hits, misses = ranking.counts(weight[rows])
        return {
            "auc_folds": roc_area(hits, misses),
            "lift_at_10_percent_folds": lift(hits, misses, 0.1),
            "empc_folds": expected_maximum_profit(*roc_hull(hits, misses), costs),
        }

    return of_weight
