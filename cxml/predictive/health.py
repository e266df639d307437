"""Health, 0-100: how likely the customer is to stay and to speak well, in one number that falls with either."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HealthWeights:
    """Weight of staying and of speaking well; only their ratio counts."""

    renewal: float
    advocacy: float


def health(renewal_risk: Array, p_detractor: Array, p_promoter: Array, weights: HealthWeights) -> Array:
    """Return the health of each customer on 0-100.

    Staying is 1 - renewal risk; advocacy is the customer's expected NPS brought to 0-1,
    (1 + p_promoter - p_detractor) / 2. Where one of the two is unknown (NaN), health is the other alone.

    Parameters
    ----------
    renewal_risk, p_detractor, p_promoter : arrays of shape (n_rows,), probabilities or NaN
    weights : HealthWeights

    Returns
    -------
    array of shape (n_rows,), NaN where both are unknown

    Examples
    --------
    >>> half = np.array([0.5])
    >>> health(half, np.array([0.2]), np.array([0.6]), HealthWeights(0.6, 0.4)).round(6)
    array([58.])
    """
    staying, advocacy = 1.0 - renewal_risk, (1.0 + p_promoter - p_detractor) / 2.0
    w_staying = np.where(np.isnan(staying), 0.0, weights.renewal)
    w_advocacy = np.where(np.isnan(advocacy), 0.0, weights.advocacy)
    total = w_staying + w_advocacy
    known = w_staying * np.nan_to_num(staying) + w_advocacy * np.nan_to_num(advocacy)
    return np.asarray(100.0 * known / np.where(total > 0, total, np.nan))
