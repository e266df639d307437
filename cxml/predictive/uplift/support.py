"""Whether there is enough to learn an effect from: treated and untreated rows, and that either speak for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.measures.intervals import effective_size
from cxml.predictive.uplift.evidence import Overlap
from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.nuisances import LEAST_PROPENSITY, Fold

Array = NDArray[np.float64]
LEAST_CUSTOMERS: Final = 50  # a difference of renewal of .8 against .7 of 50 each is known to about +-.17
_MOST_CLIPPED: Final = 0.2
_THIN: Final = 0.3  # effective size over the rows that were treated, or were not


def too_little(experiment: Experiment, k: int, folds: Sequence[Fold]) -> str:
    """Return why there are too few rows for the effect of action k, in one sentence; empty where there are enough."""
    action = experiment.actions[k - 1]
    for which, name in ((experiment.action == k, f"with {action!r}"), (experiment.action == 0, "with nothing done")):
        n = len(np.unique(experiment.customer_codes[which]))
        if n < LEAST_CUSTOMERS:
            return (
                f"an effect of {action!r} needs at least {LEAST_CUSTOMERS} customers {name} and a known outcome; "
                f"there are {n:,}. Keep a share of customers for trying it (exploration, holdout)."
            )
        came = experiment.outcome[which]
        if len(np.unique(came)) < 2:
            return (
                f"an effect of {action!r} needs rows {name} of different outcomes; all {len(came):,} have "
                f"{came[0]:g}. Wait for more outcomes."
            )
        for train, test in folds:
            seen = experiment.outcome[train[which[train]]]
            if not which[test].any() or len(np.unique(seen)) < 2:
                return (
                    f"an effect of {action!r} needs rows {name} of different outcomes in every fold of customers; "
                    f"of one there are {int(which[test].sum()):,}. Use fewer folds or wait for more outcomes."
                )
    return ""


def overlap_of(experiment: Experiment, k: int, propensities: Array | None) -> tuple[Overlap, str]:
    """Return how treated and untreated rows overlap, and why an effect cannot be learnt, empty where it can.

    Parameters
    ----------
    experiment : Experiment
    k : the action
    propensities : array of shape (n_rows, n_actions + 1) where they were estimated; None where they were logged
    """
    on, off = experiment.action == k, experiment.action == 0
    action, n = experiment.actions[k - 1], len(experiment)
    taken = experiment.propensity if propensities is None else propensities[np.arange(n), experiment.action]
    both = taken[on | off]
    if propensities is None:
        n_clipped = int((both < LEAST_PROPENSITY).sum())
    else:  # known of every row: whoever could hardly have been treated, or left alone
        n_clipped = int((propensities[:, [0, k]].min(axis=1) < LEAST_PROPENSITY).sum())
    weight = experiment.rows.weight / np.maximum(taken, LEAST_PROPENSITY)
    effective = [
        effective_size(weight[rows]) / rows.sum() if rows.any() and np.isfinite(weight[rows]).all() else np.nan
        for rows in (on, off)
    ]
    warnings = []
    if n_clipped:
        warnings.append(
            f"{n_clipped:,} rows had a propensity below {LEAST_PROPENSITY:g}, which counts as {LEAST_PROPENSITY:g}"
        )
    for name, share in zip((f"with {action!r}", "with nothing done"), effective, strict=True):
        if share < _THIN:
            warnings.append(f"the rows {name} count for {share:.0%} of their number: few of them speak for many")
    lowest = float(np.min(both)) if len(both) and np.isfinite(both).all() else float("nan")
    reason = ""
    if n_clipped > _MOST_CLIPPED * n:
        reason = (
            f"an effect of {action!r} needs customers who could have had it or nothing; {n_clipped:,} of {n:,} rows "
            f"had less than {LEAST_PROPENSITY:.0%} of a chance of either. Draw the action by chance for some of them."
        )
    overlap = Overlap(
        propensities is not None, lowest, float(effective[0]), float(effective[1]), n_clipped, tuple(warnings)
    )
    return overlap, reason
