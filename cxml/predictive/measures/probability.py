"""Proper scores of probabilities: how far what was said lies from what came true, customer by customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def log_loss(classes: Codes, p: Array, weight: Array) -> float:
    """Return the mean negative log probability of the class that came true; 0 is perfect (Good, 1952).

    ``classes`` has shape (n_rows,), ``p`` (n_rows, n_classes), ``weight`` (n_rows,).
    """
    return float(np.average(row_losses(classes, p), weights=weight))


def row_losses(classes: Codes, p: Array) -> Array:
    """Return the negative log probability of the class that came true, of each row; see `log_loss`."""
    return np.asarray(-np.log(np.clip(p[np.arange(len(classes)), classes], 1e-15, None)))


def brier(classes: Codes, p: Array, weight: Array) -> float:
    """Return the mean squared distance of the probabilities from what came true, 0 perfect to 1 (Brier, 1950).

    Brier's sum over the classes is halved, which for two classes is (p_1 - hit)^2 and keeps more classes on 0-1 too.
    Parameters are those of `log_loss`.
    """
    return float(np.average(row_squares(classes, p), weights=weight))


def row_squares(classes: Codes, p: Array) -> Array:
    """Return half the squared distance of the probabilities from what came true, of each row; see `brier`."""
    came_true = np.arange(p.shape[1])[None, :] == classes[:, None]
    return np.asarray(((p - came_true) ** 2).sum(axis=1) / 2)


def rps(classes: Codes, p: Array, weight: Array) -> float:
    """Return the ranked probability score of ordered classes, 0 perfect to 1 (Epstein 1969, divided by K - 1).

    Parameters are those of `log_loss`.
    """
    return float(np.average(row_steps(classes, p), weights=weight))


def row_steps(classes: Codes, p: Array) -> Array:
    """Return the mean squared distance of the cumulative probabilities from what came true, of each row; see `rps`."""
    came_true = np.arange(p.shape[1])[None, :] >= classes[:, None]
    steps = (p.cumsum(axis=1) - came_true)[:, :-1]
    return np.asarray((steps**2).mean(axis=1))
