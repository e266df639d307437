"""How good probabilities are, each measure with an interval from resampling customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
N_RESAMPLES: Final = 200


@dataclass(frozen=True)
class Measure:
    """A measure with its 95% interval (percentile bootstrap, customers resampled whole)."""

    name: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def log_loss(classes: Codes, p: Array, weight: Array) -> float:
    """Return the mean negative log probability of the class that came true; 0 is perfect (Good, 1952).

    ``classes`` has shape (n_rows,), ``p`` (n_rows, n_classes), ``weight`` (n_rows,).
    """
    return float(np.average(row_losses(classes, p), weights=weight))


def row_losses(classes: Codes, p: Array) -> Array:
    """Return the negative log probability of the class that came true, of each row; see `log_loss`."""
    return np.asarray(-np.log(np.clip(p[np.arange(len(classes)), classes], 1e-15, None)))


def rps(classes: Codes, p: Array, weight: Array) -> float:
    """Return the ranked probability score of ordered classes, 0 perfect to 1 (Epstein 1969, divided by K - 1).

    Parameters are those of `log_loss`.
    """
    came_true = np.arange(p.shape[1])[None, :] >= classes[:, None]
    steps = (p.cumsum(axis=1) - came_true)[:, :-1]
    return float(np.average((steps**2).mean(axis=1), weights=weight))


def auc(classes: Codes, p: Array, weight: Array) -> float:
    """Return the area under the ROC curve; with more than two classes, the mean of one class against the rest.

    Parameters are those of `log_loss`.
    """
    return ranked_auc(classes, p)(weight)


def ranked_auc(classes: Codes, p: Array) -> Callable[[Array], float]:
    """Return `auc` as a function of the weights alone: the rows are ranked once, however often they are reweighted."""
    ranked = [1] if p.shape[1] == 2 else range(p.shape[1])
    areas = [_area(classes == k, p[:, k]) for k in ranked]

    def of_weight(weight: Array) -> float:
        found = [area for area in (of(weight) for of in areas) if area == area]
        return float(np.mean(found)) if found else float("nan")

    return of_weight


def _area(hit: NDArray[np.bool_], score: Array) -> Callable[[Array], float]:
    """Return the area under one ROC curve as a function of the weights: of pairs, those in order and half the ties."""
    order = np.argsort(score, kind="stable")
    hit = hit[order]
    ties = np.flatnonzero(np.concatenate([[True], np.diff(score[order]) != 0]))

    def of_weight(weight: Array) -> float:
        w = weight[order]
        hits = np.add.reduceat(np.where(hit, w, 0.0), ties)
        misses = np.add.reduceat(np.where(hit, 0.0, w), ties)
        pairs = hits.sum() * misses.sum()
        return float((hits * (misses.cumsum() - misses / 2)).sum() / pairs) if pairs else float("nan")

    return of_weight


def lift_at_10_percent(classes: Codes, p: Array, weight: Array) -> float:
    """Return how often class 1 came true in the tenth with the highest p, relative to everyone.

    Parameters are those of `log_loss`; the row on the edge of the tenth counts by the part of it that is inside.
    """
    order = np.argsort(-p[:, 1], kind="stable")
    w = weight[order]
    inside = np.clip(0.1 * w.sum() - (w.cumsum() - w), 0, w)
    hits = classes[order] == 1
    return float((inside[hits].sum() / inside.sum()) / (w[hits].sum() / w.sum()))


def resampled(customers: ArrayLike, rng: np.random.Generator) -> Array:
    """Return how often each row is in each of 200 resamples of whole customers; shape (n_resamples, n_rows)."""
    _, who = np.unique(np.asarray(customers), return_inverse=True)
    n_customers = int(who.max()) + 1
    weights = np.empty((N_RESAMPLES, len(who)))
    for drawn in weights:
        drawn[:] = np.bincount(rng.integers(n_customers, size=n_customers), minlength=n_customers)[who]
    return weights


_BINARY: Final[Mapping[str, Callable[[Codes, Array, Array], float]]] = {
    "auc": auc,
    "log_loss": log_loss,
    "lift_at_10_percent": lift_at_10_percent,
}
_ORDINAL: Final[Mapping[str, Callable[[Codes, Array, Array], float]]] = {"auc": auc, "log_loss": log_loss, "rps": rps}


def measured(
    classes: ArrayLike, p: Array, customers: ArrayLike, *, base: ArrayLike, random_state: int = 0
) -> tuple[Measure, ...]:
    """Measure probabilities on rows that the model has not seen.

    Parameters
    ----------
    classes : array of shape (n_rows,)
        The index of the class that came true.
    p : array of shape (n_rows, n_classes), or (n_rows, n_classes, n_repeats) where each row was predicted several
        times by different folds; the measure is then the mean over the repeats
    customers : array of shape (n_rows,)
        The customer of each row; resampled whole, for the rows of one customer are not independent.
    base : array of shape (n_classes,)
        Shares of the classes in training: what the model has to beat, reported as ``base_log_loss``.
    random_state : int

    Returns
    -------
    tuple of Measure
        AUC, log loss and, for two classes, lift at 10%, else RPS; then ``base_log_loss``.
    """
    codes = np.asarray(classes, dtype=np.intp)
    repeats = p[:, :, None] if p.ndim == 2 else p
    prior = np.broadcast_to(np.asarray(base, dtype=np.float64), repeats.shape[:2])
    named: dict[str, Callable[[Array], float]] = {
        name: lambda weight, measure=measure: float(  # type: ignore[misc]
            np.mean([measure(codes, repeats[:, :, r], weight) for r in range(repeats.shape[2])])
        )
        for name, measure in (_BINARY if p.shape[1] == 2 else _ORDINAL).items()
    }
    named["base_log_loss"] = lambda weight: log_loss(codes, prior, weight)
    drawn = resampled(customers, np.random.default_rng(random_state))
    ones = np.ones(len(codes))
    found = []
    for name, measure in named.items():
        low, high = np.nanquantile([measure(weight) for weight in drawn], [0.025, 0.975])
        found.append(Measure(name, measure(ones), float(low), float(high)))
    return tuple(found)
