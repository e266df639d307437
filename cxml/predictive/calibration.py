"""Probabilities that mean what they say: a temperature fitted on rows the model has not seen, applied in NumPy.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: raw scores divided by one number before they become
probabilities. It keeps the order of customers and cannot overfit a few rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def probabilities(raw_scores: Array, temperature: float) -> Array:
    """Turn raw scores into probabilities.

    Parameters
    ----------
    raw_scores : array of shape (n_rows, n_classes), or (n_rows, 1) for a binary model
    temperature : above 0; 1 changes nothing

    Returns
    -------
    array of shape (n_rows, n_classes), each row adding up to 1; (n_rows, 2) for a binary model
    """
    scaled = raw_scores / temperature
    if scaled.shape[1] == 1:
        scaled = np.concatenate([np.zeros_like(scaled), scaled], axis=1)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    # Added up column by column: the sum over an axis may take another order for one row than for many.
    total = powers[:, 0].copy()
    for k in range(1, powers.shape[1]):
        total += powers[:, k]
    return np.asarray(powers / total[:, None], dtype=np.float64)


def fitted_temperature(raw_scores: Array, classes: NDArray[np.intp]) -> float:
    """Return the temperature with the least log loss on held-out rows.

    Parameters
    ----------
    raw_scores : array of shape (n_rows, n_classes), or (n_rows, 1) for a binary model, from models that have not seen
        these rows
    classes : array of shape (n_rows,), the index of the class that came true
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        p = probabilities(raw_scores, float(np.exp(log_temperature)))[rows, classes]
        return float(-np.log(np.clip(p, 1e-15, None)).mean())

    # A temperature outside 1/8..8 would mean that the raw scores are not log-odds at all.
    best = minimize_scalar(loss, bounds=(-np.log(8), np.log(8)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x))
