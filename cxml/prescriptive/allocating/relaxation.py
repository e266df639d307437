"""The allocation with its limits turned into prices: what each customer would choose, and what that adds up to.

Worth is counted from that of doing nothing, and each limit's use in shares of its amount, so that a price is the part
of all worth that the limit takes, and every figure is near one whatever the currency or the unit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

# Customers taken at once: what belongs to them stays in the cache of a core (4,096 to 16,384 take the same time).
BLOCK: Final = 8192
_THREADS: Final = 4
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Varying:
    """A use that differs by customer: ``amounts`` (n,), and the share of each limit that a unit of it is (m,)."""

    amounts: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class Parity:
    """A fairness limit: the group of each customer (n,), ``len(sizes)`` where none, and the options compared (k,).

    ``names`` are the groups' own numbers, ``sizes`` how many customers they have.
    """

    group: NDArray[np.int16]
    names: Integers
    sizes: Integers
    options: Booleans
    max_difference: float

    def counts(self, chosen: Integers) -> Integers:
        """Return how many of each group have one of the options."""
        return np.bincount(self.group[self.options[chosen]], minlength=len(self.sizes) + 1)[:-1]


@dataclass(frozen=True, eq=False)
class Point:
    """Prices: of the m limits, and for each fairness limit what each of its groups pays or, below zero, is paid."""

    limits: Floats
    groups: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """What all choose at some prices: the sum of what is left of their worth, the shares used, the counts by group."""

    rest: float
    used: Floats
    counts: tuple[Integers, ...]


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The problem, a row for each option.

    ``worth`` has shape (k, n), in parts of ``unit``, -inf where a choice is impossible; ``constant`` (k, m) and
    ``varying`` (some for each option) say what share of each limit a choice uses. ``settled`` is what those customers
    add who were left out because their choice is known: its ``rest`` is their worth, before prices.
    """

    worth: Floats
    constant: Floats
    varying: tuple[tuple[Varying, ...], ...]
    parities: tuple[Parity, ...]
    nothing: int
    unit: float
    settled: Answer | None = None

    @property
    def n_customers(self) -> int:
        """The number of customers whose choice is open."""
        return int(self.worth.shape[1])

    @property
    def n_limits(self) -> int:
        """The number of limits that anything uses."""
        return int(self.constant.shape[1])

    def nets(self, point: Point, rows: slice) -> Floats:
        """Return what is left of each worth at these prices, shape (k, rows)."""
        return self._charged(self.worth[:, rows].copy(), point, rows)

    def uses(self, rows: Integers) -> Floats:
        """Return what share of each limit each option uses for some customers, shape (m, k, rows)."""
        uses = np.repeat(self.constant.T[:, :, None], len(rows), axis=2)
        for j, columns in enumerate(self.varying):
            for column in columns:
                uses[:, j] += column.shares[:, None] * column.amounts[rows]
        return uses

    def used(self, chosen: Integers, rows: slice, who: Booleans | None = None) -> tuple[Floats, tuple[Integers, ...]]:
        """Return the shares of the limits that the choices of these customers use, and their counts by group."""
        counted = chosen if who is None else chosen[who]
        used = (np.bincount(counted, minlength=len(self.constant))[:, None] * self.constant).sum(axis=0)
        for j, columns in enumerate(self.varying):
            if columns:
                theirs = chosen == j if who is None else (chosen == j) & who
                for column in columns:
                    used += column.shares * float((column.amounts[rows] * theirs).sum())
        counts = []
        for parity in self.parities:
            get = parity.options[chosen] if who is None else parity.options[chosen] & who
            counts.append(np.bincount(parity.group[rows][get], minlength=len(parity.sizes) + 1)[:-1])
        return used, tuple(counts)

    def answer(self, point: Point) -> Answer:
        """Return what all choose at these prices, added up in the order of the customers."""

        def block(rows: slice) -> Answer:
            best, chosen = first_best(self.nets(point, rows))
            return Answer(float(best.sum()), *self.used(chosen, rows))

        parts = in_blocks(block, self.n_customers)
        if (known := self.settled) is not None:
            paid = float((known.used * point.limits).sum())
            for price, count, parity in zip(point.groups, known.counts, self.parities, strict=True):
                paid += float((price / parity.sizes * count).sum())
            parts.append(replace(known, rest=known.rest - paid))
        return self._sum(parts)

    def choices(self, point: Point) -> tuple[Integers, Floats]:
        """Return each customer's choice at these prices, and by how much it beats the next best (inf: no other)."""

        def block(rows: slice) -> tuple[Integers, Floats]:
            net = self.nets(point, rows)
            best, chosen = first_best(net)
            net[chosen, np.arange(net.shape[1])] = -np.inf
            return chosen, best - net.max(axis=0)

        parts = in_blocks(block, self.n_customers)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def taken(self, rows: Integers) -> Relaxation:
        """Return the problem of some of the customers, with the same units and limits."""
        return replace(
            self,
            worth=self.worth[:, rows],
            varying=tuple(tuple(Varying(v.amounts[rows], v.shares) for v in columns) for columns in self.varying),
            parities=tuple(replace(parity, group=parity.group[rows]) for parity in self.parities),
            settled=None,
        )

    def sampled(self, rows: Integers) -> Relaxation:
        """Return the problem of a sample, in which each one drawn counts for as many as there are for each."""
        times = self.n_customers / len(rows)
        part = self.taken(rows)
        sizes = [np.bincount(parity.group, minlength=len(parity.sizes) + 1)[:-1] for parity in part.parities]
        return replace(
            part,
            worth=part.worth * times,
            constant=part.constant * times,
            varying=tuple(tuple(Varying(v.amounts, v.shares * times) for v in columns) for columns in part.varying),
            parities=tuple(replace(p, sizes=np.maximum(n, 1)) for p, n in zip(part.parities, sizes, strict=True)),
        )

    def settled_within(self, point: Point, reach: Point) -> Relaxation:
        """Return the problem of those whose choice may change within ``reach`` of these prices; the others are settled.

        Beyond that reach its sums are those of a lower bound.
        """

        def block(rows: slice) -> tuple[Booleans, Answer]:
            net = self.nets(point, rows)
            spread = self._charged(np.zeros(net.shape), reach, rows)
            np.negative(spread, out=spread)
            best, chosen = first_best(net)
            columns = np.arange(net.shape[1])
            low = best - spread[chosen, columns]
            net += spread
            net[chosen, columns] = -np.inf
            still_open = net.max(axis=0) > low
            known = ~still_open
            worth = float(self.worth[:, rows][chosen[known], columns[known]].sum())
            return still_open, Answer(worth, *self.used(chosen, rows, known))

        parts = in_blocks(block, self.n_customers)
        rows = np.flatnonzero(np.concatenate([p[0] for p in parts]))
        return replace(self.taken(rows), settled=self._sum([p[1] for p in parts]))

    def _charged(self, net: Floats, point: Point, rows: slice) -> Floats:
        """Take the prices off, in place."""
        net -= (self.constant * point.limits).sum(axis=1)[:, None]
        for j, columns in enumerate(self.varying):
            for column in columns:
                if price := float((column.shares * point.limits).sum()):
                    net[j] -= price * column.amounts[rows]
        for fees, parity in zip(point.groups, self.parities, strict=True):
            if fees.any():
                net[parity.options] -= np.append(fees / parity.sizes, 0.0)[parity.group[rows]]
        return net

    def _sum(self, parts: list[Answer]) -> Answer:
        used = sum((part.used for part in parts), np.zeros(self.n_limits))
        counts = tuple(sum(c) for c in zip(*(part.counts for part in parts), strict=True))
        return Answer(sum(part.rest for part in parts), used, counts)


def first_best(net: Floats) -> tuple[Floats, Integers]:
    """Return the highest of each column (k, n) and the first row that has it."""
    best, chosen = net[0].copy(), np.zeros(net.shape[1], dtype=np.int64)
    for j in range(1, len(net)):
        np.copyto(chosen, j, where=net[j] > best)
        np.maximum(best, net[j], out=best)
    return best, chosen


def in_blocks(work: Callable[[slice], T], n: int) -> list[T]:
    """Return what ``work`` gives for each block of n customers, in their order, whatever the number of threads."""
    blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, max(n, 1), BLOCK)]
    if len(blocks) < _THREADS:
        return [work(rows) for rows in blocks]
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, blocks))
