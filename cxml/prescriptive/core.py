"""The customers whose choice is still open once prices and a first allocation are known.

A choice that at the best prices leaves less than the customer's best choice by as much as the bound is above the value
of an allocation cannot be part of a better one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxml.prescriptive.relaxation import Booleans, Floats, Integers, Point, Relaxation


@dataclass(frozen=True, eq=False)
class Core:
    """Some customers, what the others use, and how far from the best a choice may be.

    ``loss`` (k, c) is by how much less a choice leaves than the customer's best; all losses together stay below
    ``gap``. ``complete`` says that no other customer's choice is open.
    """

    customers: Integers
    problem: Relaxation
    chosen: Integers
    loss: Floats
    gap: float
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


def open_core(
    relaxation: Relaxation, point: Point, best: Integers, margin: Floats, chosen: Integers, gap: float, most: int
) -> Core:
    """Return those whose choice is open, or as many of them as ``most``: who was moved, then the least clear.

    Parameters
    ----------
    relaxation : Relaxation
    point : the best prices
    best, margin : the best choice of each customer at these prices, and by how much it beats the next best (n,)
    chosen : choices (n,) within every limit
    gap : by how much the bound is above their value, in the relaxation's unit
    """
    customers = np.flatnonzero((margin < gap) | (best != chosen))
    complete = len(customers) <= most
    if not complete:
        order = np.lexsort((margin[customers], best[customers] == chosen[customers]))
        others, customers = np.sort(customers[order[most:]]), np.sort(customers[order[:most]])
        net = relaxation.taken(others).nets(point, slice(None))
        at = np.arange(len(others))
        gap -= float((net[best[others], at] - net[chosen[others], at]).sum())
    problem = relaxation.taken(customers)
    net = problem.nets(point, slice(None))
    rest = np.ones(len(chosen), dtype=bool)
    rest[customers] = False
    used, counts = relaxation.used(chosen, slice(None), rest)
    loss = net.max(axis=0, initial=0.0) - net
    return Core(customers, problem, chosen[customers], loss, gap, used, counts, complete)
