"""Whether a head's probabilities came true: overall, and in every segment and month, beyond what chance shows.

Looked at in enough groups, a perfect model misses in one of them. So the groups share one error: their limits are set
such that 95% of perfect models stay inside all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.measures import N_BINS, Array, Floor, customer_likeness, equal_mass_bins, perfect_outcomes

N_SIMULATIONS: Final = 1_000
# Fewer rows in a bin measure their own noise: a group of 150 rows has one bin, a bias of the whole group.
ROWS_PER_BIN: Final = 100
_Z: Final = 1.959963984540054


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of about the same probability: what was said, and what came true with its 95% interval."""

    n: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupReliability:
    """How far the probabilities of one group are off, and how far those of a perfect model would be.

    ``factor`` and ``level`` name the group, such as ``segment`` and ``basic``; both are empty for all rows.
    ``predicted`` and ``observed`` are the group's means, ``low`` and ``high`` the 95% interval of what came true.
    ``limit`` is what ``ece`` may reach: the floor's 95% for all rows; for a group, that of all groups at once, which is
    further up.
    """

    factor: str
    level: str
    n: int
    predicted: float
    observed: float
    low: float
    high: float
    ece: float
    floor: Floor
    limit: float
    bins: tuple[ReliabilityBin, ...]

    @property
    def inside(self) -> bool:
        """Whether the error is one that a perfectly calibrated model would show too."""
        return self.ece <= self.limit

    def __str__(self) -> str:
        name = f"{self.factor} {self.level}: " if self.factor else ""
        verdict = "inside" if self.inside else "outside"
        return (
            f"{name}said {self.predicted:.3f}, came true {self.observed:.3f}, ECE {self.ece:.3f}, {verdict} the "
            f"{self.limit:.3f} of a perfect model"
        )


@dataclass(frozen=True)
class Reliability:
    """A head's reliability over all rows and in each group."""

    overall: GroupReliability
    groups: tuple[GroupReliability, ...]

    @property
    def outside(self) -> tuple[GroupReliability, ...]:
        """The groups whose error is more than chance, worst first; empty in 95% of perfectly calibrated models."""
        found = [group for group in self.groups if not group.inside]
        return tuple(sorted(found, key=lambda group: group.limit - group.ece))


def reliability(
    hits: ArrayLike,
    p: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    customers: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    random_state: int = 0,
) -> Reliability:
    """Compare what a binary head said with what came true, on rows that it has not seen.

    Parameters
    ----------
    hits : array of shape (n_rows,), 1 where it happened, else 0
    p : array of shape (n_rows,), the probability that it happens
        Or (n_rows, n_repeats) where each row was predicted several times: errors and floors are then means over the
        repeats, the bins are of all that was said, and the repeats share what came true.
    weight : array of shape (n_rows,), optional
        For how many customers each row speaks; 1 each where it is not given.
    customers : array of shape (n_rows,), optional
        The customer of each row; without it, each row is another customer.
    groups : mapping from the name of a factor, such as ``segment`` or ``month``, to its level on each row
        A row whose level is missing (None or NaN) is in no group of that factor.
    random_state : int

    Returns
    -------
    Reliability

    References
    ----------
    Broecker and Smith, Weather and Forecasting 22, 2007 (consistency of reliability diagrams); Westfall and Young,
    "Resampling-Based Multiple Testing", 1993 (one limit for the largest of many).
    """
    true = np.asarray(hits).astype(np.intp)
    said = np.asarray(p, dtype=np.float64).reshape(len(true), -1)
    w = np.ones(len(said)) if weight is None else np.asarray(weight, dtype=np.float64)
    both = np.stack([1 - said, said], axis=1)
    each = range(said.shape[1])
    likeness = float(np.mean([customer_likeness(true, both[:, :, r], w, customers) for r in each]))
    parts = [_Part("", "", np.arange(len(said)), said, w), *_parts(groups or {}, said, w)]
    rng = np.random.default_rng(random_state)
    drawn = perfect_outcomes(both, customers, likeness, n_simulations=N_SIMULATIONS, rng=rng)
    noise = _errors(parts, drawn)
    mean, spread = noise.mean(axis=0), np.maximum(noise.std(axis=0), 1e-12)
    limits = np.quantile(noise, 0.95, axis=0)
    if len(parts) > 1:
        # The groups' errors in units of their own noise; the largest of them sets the limit for each.
        largest = ((noise - mean) / spread)[:, 1:].max(axis=1)
        limits[1:] = mean[1:] + np.quantile(largest, 0.95) * spread[1:]
    who = np.arange(len(said)) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
    low, high = np.quantile(noise, [0.05, 0.95], axis=0)
    errors = _errors(parts, [np.broadcast_to(true[:, None], said.shape)])[0].tolist()
    overall, *others = (
        part.judged(true, who, errors[g], Floor(float(mean[g]), float(low[g]), float(high[g])), float(limits[g]))
        for g, part in enumerate(parts)
    )
    return Reliability(overall, tuple(others))


class _Part:
    """The rows of one group, in bins of their own for each repeat: ``p`` and ``bins`` are (n_rows, n_repeats)."""

    def __init__(self, factor: str, level: str, rows: NDArray[np.intp], p: Array, weight: Array) -> None:
        self.factor, self.level, self.rows = factor, level, rows
        self.p, self.weight = p[rows], weight[rows]
        self.most = int(np.clip(len(rows) // ROWS_PER_BIN, 1, N_BINS))
        self.bins = np.empty(self.p.shape, dtype=np.intp)
        self.n_bins = 0
        for r, said in enumerate(self.p.T):
            found = equal_mass_bins(said, self.weight, self.most)
            self.bins[:, r] = self.n_bins + found
            self.n_bins += int(found.max()) + 1

    def judged(
        self, outcome: NDArray[np.intp], who: NDArray[np.intp], error: float, floor: Floor, limit: float
    ) -> GroupReliability:
        hits, who = outcome[self.rows].astype(np.float64), who[self.rows]
        predicted = float(np.average(self.p.mean(axis=1), weights=self.weight))
        observed = float(np.average(hits, weights=self.weight))
        interval = share_interval(hits, self.weight, who)
        bins = equal_mass_bins(self.p.ravel(), np.repeat(self.weight, self.p.shape[1]), self.most)
        bins = bins.reshape(self.p.shape)
        found = tuple(self._bin(bins == b, hits, who) for b in range(int(bins.max()) + 1))
        name = self.factor, self.level, len(self.rows)
        return GroupReliability(*name, predicted, observed, *interval, error, floor, limit, found)

    def _bin(self, here: NDArray[np.bool_], hits: Array, who: NDArray[np.intp]) -> ReliabilityBin:
        """Return one bin, in which a row counts by the share of its repeats that are in it."""
        share = here.mean(axis=1)
        rows = np.flatnonzero(share)
        weight = self.weight[rows] * share[rows]
        said = (self.p * here).sum(axis=1)[rows] / here.sum(axis=1)[rows]
        predicted, observed = (float(np.average(values, weights=weight)) for values in (said, hits[rows]))
        return ReliabilityBin(round(share.sum()), predicted, observed, *share_interval(hits[rows], weight, who[rows]))


def _errors(parts: Sequence[_Part], outcomes: Iterable[NDArray[np.intp]]) -> Array:
    """Return the calibration error of each part, once for each (n_rows, n_repeats) outcome: (n_outcomes, n_parts)."""
    starts = np.cumsum([0, *(part.n_bins for part in parts)])
    rows = np.concatenate([part.rows for part in parts])
    bins = np.concatenate([part.bins + start for part, start in zip(parts, starts, strict=False)])
    p = np.concatenate([part.p for part in parts])
    weight = np.concatenate([part.weight / (part.weight.sum() * part.p.shape[1]) for part in parts])[:, None]
    gaps = (np.bincount(bins.ravel(), weights=(weight * (outcome[rows] - p)).ravel()) for outcome in outcomes)
    return np.array([np.add.reduceat(np.abs(gap), starts[:-1]) for gap in gaps])


def _parts(groups: Mapping[str, ArrayLike], p: Array, weight: Array) -> Iterator[_Part]:
    for factor, given in groups.items():
        levels: NDArray[Any] = np.asarray(given, dtype=object)
        known = np.array([level is not None and level == level for level in levels], dtype=bool)
        rows = np.flatnonzero(known & (weight > 0))
        names, code = np.unique(np.array([str(level) for level in levels[rows]]), return_inverse=True)
        for k, name in enumerate(names):
            yield _Part(factor, str(name), rows[code == k], p, weight)


def share_interval(hits: Array, weight: Array, customers: ArrayLike) -> tuple[float, float]:
    """Return the 95% interval of a weighted share of rows of which several may be of one customer.

    Wilson's interval for as many rows as would be known that well if each were of another customer and of equal weight:
    Korn and Graubard, Survey Methodology 24, 1998.

    Parameters
    ----------
    hits, weight, customers : arrays of shape (n_rows,)
    """
    _, who = np.unique(np.asarray(customers), return_inverse=True)
    share = float(np.average(hits, weights=weight))
    of_customer = np.bincount(who, weights=weight)
    n_customers = float(of_customer.sum() ** 2 / (of_customer**2).sum())
    variance = float((np.bincount(who, weights=weight * (hits - share)) ** 2).sum() / weight.sum() ** 2)
    n = min(share * (1 - share) / variance, float(len(hits))) if variance > 0 else n_customers
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)))
    # Of 0 and 1 the interval ends there, but for the last bit.
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
