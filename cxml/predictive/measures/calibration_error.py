"""The expected calibration error, and the noise floor: what a perfectly calibrated model would show on such rows.

An error of calibration is never 0, even of the truth itself: shares of few rows miss their probability by chance.
What counts is whether it is larger than that of a model whose probabilities are right, with the same probabilities,
weights and customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.measures.probability import Array, Codes

# Tenths, as in lift and in Hosmer and Lemeshow: fewer hide a bend, more measure noise.
N_BINS: Final = 10
N_SIMULATIONS: Final = 500


@dataclass(frozen=True)
class Floor:
    """The calibration error of perfectly calibrated models: mean, 5% and 95% quantiles over simulated outcomes."""

    mean: float
    low: float
    high: float


def equal_mass_bins(score: Array, weight: Array, n_bins: int = N_BINS) -> NDArray[np.intp]:
    """Return the bin of each row, 0 upwards, of about the same weight each; rows of one score are in one bin.

    Parameters
    ----------
    score, weight : arrays of shape (n_rows,)
    n_bins : the most bins; fewer where many rows share a score
    """
    order = np.argsort(score, kind="stable")
    new = np.concatenate([[True], np.diff(score[order]) != 0])
    w = np.add.reduceat(weight[order], np.flatnonzero(new))
    middle = (w.cumsum() - w / 2) / w.sum()
    found = np.minimum((middle * n_bins).astype(np.intp), n_bins - 1)
    _, found = np.unique(found, return_inverse=True)
    bins = np.empty(len(score), dtype=np.intp)
    bins[order] = found[new.cumsum() - 1]
    return bins


def ece(classes: Codes, p: Array, weight: Array, *, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error: how far, on average, the share that came true lies from the mean p.

    Over bins of equal weight by p. With two classes that of class 1; with more, the mean over the classes, each
    binned by its own p. Parameters are those of `cxml.predictive.measures.log_loss`; compare with `ece_floor`.

    References
    ----------
    Naeini, Cooper and Hauskrecht, AAAI 2015; equal-mass bins: Nguyen and O'Connor, EMNLP 2015; the mean over classes:
    Kull et al., "Beyond temperature scaling", NeurIPS 2019.
    """
    return mean_gap(binned(p, weight, n_bins), classes, p, weight)


@dataclass(frozen=True, eq=False)
class _ClassBins:
    """The bins of the rows by the probability of one class."""

    k: int
    bins: NDArray[np.intp]


def binned(p: Array, weight: Array, n_bins: int = N_BINS) -> tuple[_ClassBins, ...]:
    """Return the bins by the probability of each class; of class 1 alone where there are two."""
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    return tuple(_ClassBins(k, equal_mass_bins(p[:, k], weight, n_bins)) for k in classes)


def mean_gap(by_class: tuple[_ClassBins, ...], classes: Codes, p: Array, weight: Array) -> float:
    """Return `ece` in bins that are given, which then stay the same while the weights or the outcomes change."""
    gaps = [
        np.abs(np.bincount(one.bins, weights=weight * ((classes == one.k) - p[:, one.k]))).sum() for one in by_class
    ]
    return float(np.mean(gaps) / weight.sum())


def customer_likeness(
    classes: Codes, p: Array, weight: Array, customers: ArrayLike | None, *, n_bins: int = N_BINS
) -> float:
    """Return how alike the outcomes of one customer are beyond their probabilities: 0 independent, 1 the same.

    How far what came true minus p goes together in rows of one customer in one bin, relative to rows that share their
    luck: the part of it that widens the bins' errors. 0 where each row is another customer. Parameters are those of
    `ece`.

    Probabilities that are off by d make it too large by about d^2 / (p (1 - p)), .01 for .05 off. Taking the bins'
    errors off first made it too small by a tenth, and 8% of perfect models passed the floor of 500 customers.
    """
    if customers is None:
        return 0.0
    _, who = np.unique(np.asarray(customers), return_inverse=True)
    found = possible = 0.0
    for k, said in enumerate(p.cumsum(axis=1).T[:-1]):
        bins = equal_mass_bins(said, weight, n_bins)
        _, together = np.unique(who * (bins.max() + 1) + bins, return_inverse=True)
        if together.max() + 1 == len(together):
            continue  # each row is alone
        found += _pairs(weight * ((classes <= k) - said), together)
        possible += _shared_pairs(said, weight, together)
    return float(np.clip(found / possible, 0.0, 1.0)) if possible > 0 else 0.0


def _pairs(values: Array, together: NDArray[np.intp]) -> float:
    """Return the sum of the products of all pairs of different rows that stand together."""
    return float((np.bincount(together, weights=values) ** 2).sum() - (values**2).sum())


def _shared_pairs(p: Array, weight: Array, together: NDArray[np.intp]) -> float:
    """Return what `_pairs` expects where rows that stand together share their luck: min(p, q) - p q for each pair."""
    order = np.lexsort([p, together])
    p, w, together = p[order], weight[order], together[order]
    upto = w.cumsum()
    last = np.concatenate([np.flatnonzero(np.diff(together)), [len(together) - 1]])
    after = upto[last][together] - upto  # the weight of the rows with a larger p that stand with it
    return float(2 * (w * p * after).sum()) - _pairs(w * p, together)


def perfect_outcomes(
    p: Array, customers: ArrayLike | None, likeness: float, *, n_simulations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Draw what comes true where the probabilities are exactly right, again and again.

    Parameters
    ----------
    p : array of shape (n_rows, n_classes) or (n_rows, n_classes, n_repeats); the repeats share their luck
    customers : array of shape (n_rows,), optional
    likeness : correlation of the outcomes of one customer, from `customer_likeness`

    Yields
    ------
    array of shape (n_rows,) or (n_rows, n_repeats), the index of the class
    """
    upto = np.ascontiguousarray(np.moveaxis(p.cumsum(axis=1)[:, :-1], 1, 0))
    zero = np.zeros(upto.shape[1:], dtype=np.intp)
    names, who = np.unique(np.arange(len(p)) if customers is None else np.asarray(customers), return_inverse=True)
    each = np.sqrt(likeness)  # so that two rows of a customer share their luck with probability `likeness`
    for _ in range(n_simulations):
        luck = rng.random(len(p))
        if each:
            luck = np.where(rng.random(len(p)) < each, rng.random(len(names))[who], luck)
        # Class by class: a sum over so short an axis takes ten times as long.
        yield sum((luck.reshape((-1,) + (1,) * (p.ndim - 2)) >= step for step in upto), zero)


def ece_floor(
    classes: Codes,
    p: Array,
    weight: Array,
    customers: ArrayLike | None = None,
    *,
    n_bins: int = N_BINS,
    random_state: int = 0,
) -> Floor:
    """Return the `ece` that a perfectly calibrated model would show, with the same p, weights and customers.

    Outcomes are drawn from the probabilities themselves; the rows of one customer are as alike as those observed are.

    Parameters
    ----------
    classes, weight : arrays of shape (n_rows,)
    p : array of shape (n_rows, n_classes), or (n_rows, n_classes, n_repeats): then of the mean over the repeats
    customers : array of shape (n_rows,), optional; without it, rows are independent
    random_state : int

    Returns
    -------
    Floor
        An `ece` above ``high`` is more than noise (95%, one-sided).

    References
    ----------
    Consistency bars: Broecker and Smith, Weather and Forecasting 22, 2007; as a test of calibration: Vaicenavicius et
    al., "Evaluating model calibration in classification", AISTATS 2019.
    """
    repeats = p[:, :, None] if p.ndim == 2 else p
    each = range(repeats.shape[2])
    bins = [binned(repeats[:, :, r], weight, n_bins) for r in each]
    likeness = float(np.mean([customer_likeness(classes, repeats[:, :, r], weight, customers) for r in each]))
    drawn = perfect_outcomes(
        repeats, customers, likeness, n_simulations=N_SIMULATIONS, rng=np.random.default_rng(random_state)
    )
    found = [np.mean([mean_gap(bins[r], true[:, r], repeats[:, :, r], weight) for r in each]) for true in drawn]
    low, high = np.quantile(found, [0.05, 0.95])
    return Floor(float(np.mean(found)), float(low), float(high))
