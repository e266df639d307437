"""What follows from probabilities of ordered classes: the class that is named, and the NPS of all customers."""

from __future__ import annotations

import numpy as np

from cxml.predictive.measures.probability import Array, Codes


def qwk(classes: Codes, p: Array, weight: Array) -> float:
    """Return Cohen's kappa with quadratic weights of the most probable class: 1 perfect, 0 no better than chance.

    The most probable class, as everywhere that kappa is printed beside accuracy or F1; the class of the expected rank
    would favour the middle, that is the passives. Parameters are those of `cxml.predictive.measures.log_loss`.

    References
    ----------
    Cohen, "Weighted kappa", Psychological Bulletin 70, 1968.
    """
    return quadratic_kappa(confusion(classes, p.argmax(axis=1), weight, p.shape[1]))


def macro_f1(classes: Codes, p: Array, weight: Array) -> float:
    """Return the mean over the classes of the F1 score of the most probable class, 0 to 1 perfect.

    A class that neither came true nor was named is left out. Parameters are those of
    `cxml.predictive.measures.log_loss`. Van Rijsbergen, "Information Retrieval", 1979; the arithmetic mean of F1
    scores, Opitz and Burst, "Macro F1 and Macro F1", 2019.
    """
    return mean_f1(confusion(classes, p.argmax(axis=1), weight, p.shape[1]))


def nps_error(classes: Codes, p: Array, weight: Array) -> float:
    """Return the predicted minus the answered NPS of the same rows, in points (-200 to 200; 0 is best).

    The NPS is 100 x (share of the highest class - share of the lowest); predicted, the shares are mean probabilities.
    Parameters are those of `cxml.predictive.measures.log_loss`. Reichheld, Harvard Business Review, 2003.
    """
    return float(np.average(row_nps_errors(classes, p), weights=weight))


def row_nps_errors(classes: Codes, p: Array) -> Array:
    """Return what each row adds to the predicted minus the answered NPS, in points; see `nps_error`."""
    answered = (classes == p.shape[1] - 1).astype(np.float64) - (classes == 0)
    return np.asarray(100 * (p[:, -1] - p[:, 0] - answered))


def confusion(classes: Codes, named: Codes, weight: Array, n_classes: int) -> Array:
    """Return the weight of each pair (class that came true, class that was named); shape (n_classes, n_classes)."""
    pairs = np.bincount(classes * n_classes + named, weights=weight, minlength=n_classes**2)
    return np.asarray(pairs.reshape(n_classes, n_classes))


def quadratic_kappa(table: Array) -> float:
    """Return 1 - squared distance between the two classes, relative to that of pairs drawn independently."""
    ranks = np.arange(len(table))
    far = (ranks[:, None] - ranks[None, :]) ** 2
    expected = (far * np.outer(table.sum(axis=1), table.sum(axis=0))).sum() / table.sum()
    return float(1 - (far * table).sum() / expected) if expected else float("nan")


def mean_f1(table: Array) -> float:
    """Return the mean over the classes of 2 x right / (came true + named)."""
    either = table.sum(axis=0) + table.sum(axis=1)
    return float(np.mean(2 * table.diagonal()[either > 0] / either[either > 0]))
