"""The customers whose choice is still open once prices and a first allocation are known.

A choice that at the best prices leaves less than the customer's best choice by as much as the bound is above the value
of an allocation cannot be part of a better one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxml.prescriptive.allocating.relaxation import Booleans, Floats, Integers, Point, Relaxation


@dataclass(frozen=True, eq=False)
class Core:
    """Some customers, what the others use, and how far from the best a choice may be.

    ``loss`` (k, c) is by how much less a choice leaves than the customer's best; all losses together stay below
    ``gap``. ``prices`` are those of the
    limits; ``complete`` says that no other customer's choice is open.
    """

    customers: Integers
    problem: Relaxation
    chosen: Integers
    loss: Floats
    gap: float
    prices: Floats
    used: Floats
    counts: tuple[Integers, ...]
    complete: bool

    @property
    def possible(self) -> Booleans:
        """The choices (k, c) that may be part of something better."""
        return np.asarray(self.loss < self.gap * (1 - 1e-9))

    @property
    def gets(self) -> Integers:
        """Whether a choice counts for a group of a fairness limit, 0 or 1, shape (groups of all limits, k, c)."""
        gets = [
            (np.arange(len(p.sizes))[:, None] == p.group)[:, None, :] & p.options[:, None]
            for p in self.problem.parities
        ]
        return np.concatenate([np.zeros((0, *self.loss.shape), dtype=np.int64), *gets])


def open_customers(best: Integers, margin: Floats, chosen: Integers, gap: float) -> Integers:
    """Return those whose choice is open: who was moved, then who has the least clear choice.

    Parameters
    ----------
    best, margin : the best choice of each customer at the best prices, and by how much it beats the next best (n,)
    chosen : choices (n,) within every limit
    gap : by how much the bound is above their value, in the relaxation's unit
    """
    customers = np.flatnonzero((margin < gap) | (best != chosen))
    return customers[np.lexsort((margin[customers], best[customers] == chosen[customers]))]


def core_of(
    relaxation: Relaxation, point: Point, chosen: Integers, gap: float, customers: Integers, others: Integers
) -> Core:
    """Return the core of some open customers, while the other open ones keep what they have."""
    problem = relaxation.taken(customers)
    net = problem.nets(point, slice(None))
    rest = np.ones(len(chosen), dtype=bool)
    rest[customers] = False
    used, counts = relaxation.used(chosen, slice(None), rest)
    loss = net.max(axis=0, initial=0.0) - net
    if len(others):
        kept = relaxation.taken(others).nets(point, slice(None))
        gap -= float((kept.max(axis=0) - kept[chosen[others], np.arange(len(others))]).sum())
    return Core(customers, problem, chosen[customers], loss, gap, point.limits, used, counts, not len(others))
