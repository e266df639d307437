"""From which weight on a model is believed rather than the log: the threshold of the switch estimator."""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.evaluating.intervals import cluster_sums
from cxml.prescriptive.evaluating.logged import Floats, Logged

N_THRESHOLDS: Final = 21


def switch_threshold(logged: Logged, weight: Floats, correction: Floats, direct: Floats) -> float:
    """Return the threshold with the smallest estimated error: variance plus the square of the largest possible bias.

    Parameters
    ----------
    logged : Logged
    weight : array of shape (n_rows,)
        How much likelier each logged action is under the policy than it was.
    correction : array of shape (n_rows,)
        Weight times what the model missed of each reward.
    direct : array of shape (n_rows,)
        What the model expects of the policy's decisions.

    Returns
    -------
    float
        One of 21 thresholds between the 5% and the 95% quantile of the weights of matched rows, evenly spaced on a
        logarithmic scale, or infinite: no weight is left to the model, the estimate is the doubly robust one.

    Notes
    -----
    The bias is bounded by the range of rewards times the share of the policy's decisions whose weight is above the
    threshold. Only the propensity of the action taken is logged, so that share is the sum of the weights above it.

    References
    ----------
    Wang, Agarwal and Dudik, "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits", ICML 2017, section 5.
    """
    matched = weight[weight > 0]
    low, high = np.quantile(matched, (0.05, 0.95))
    thresholds = [*np.geomspace(low, high, N_THRESHOLDS), np.inf]
    reach = float(np.ptp(logged.reward))
    errors = []
    for threshold in thresholds:
        kept = weight <= threshold
        rows = direct + np.where(kept, correction, 0.0)
        sums = cluster_sums(rows - rows.mean(), logged.customer)
        bias = reach * float(weight[~kept].sum()) / logged.n_rows
        errors.append(float((sums**2).sum()) / logged.n_rows**2 + bias**2)
    return float(thresholds[int(np.argmin(errors[::-1])) * -1 - 1])  # of equal ones, the largest
