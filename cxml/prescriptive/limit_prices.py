"""What limits ask of each customer at their prices, and how it is told what whom chance decides would have got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.allocating.allocation import Allocation, Limit
from cxml.prescriptive.allocating.relaxation import first_best
from cxml.prescriptive.options import Floats
from cxml.prescriptive.policy import Policy

_ROUNDING: Final = 1e-12
_TIED: Final = 1e-5
"""Of what an option is worth, by how much prices may be off: nobody is told apart by less."""


def scarcity_prices(
    worth: Floats, limits: Sequence[Limit], found: Allocation, amounts: Sequence[float]
) -> dict[str, float]:
    """Return the price of each limit of which what was explored left too little for anybody else who wants of it.

    The prices of an allocation are those of what is left, and what does not fit asks for none: it is what the best gain
    would bring by unit.

    Parameters
    ----------
    worth : of each option for those who are free, shape (n_free, n_options)
    limits : what was left to them
    found : their allocation
    amounts : of each limit, with what was explored
    """
    prices = {}
    for limit, amount in zip(limits, amounts, strict=True):
        if found.prices[limit.name] > 0 or limit.amount >= amount:
            continue
        gain = worth - worth[np.arange(len(worth)), found.chosen][:, None]
        wanted = (gain > 0) & (limit.use > limit.amount) & (limit.use <= amount)
        if wanted.any():
            prices[limit.name] = float((gain[wanted] / np.broadcast_to(limit.use, gain.shape)[wanted]).max())
    return prices


def charges(
    policy: Policy,
    n_rows: int,
    limits: Sequence[tuple[Limit, Floats]],
    groups: Mapping[str, NDArray[np.int64]],
    found: Allocation,
    scarcity: Mapping[str, float],
) -> Floats:
    """Return what the limits ask for each option at their prices, shape (n_rows, n_options).

    Parameters
    ----------
    policy, n_rows : of the run
    limits : what was left of each to those who are free, with what each option uses of it
    groups : of each fairness limit
    found : the allocation of the free
    scarcity : the prices of what does not fit in what was left, as `scarcity_prices` gives them
    """
    charge: Floats = np.zeros((len(policy.options), n_rows)).T
    for limit, use in limits:
        if price := found.prices[limit.name]:
            charge += price * use
        elif price := scarcity.get(limit.name, 0.0):
            charge += np.where(use > limit.amount, price * use, 0.0)
    for rule in policy.fairness:
        if (fees := found.fees[rule.name]).any():
            charge[:, rule.options] += fees[groups[rule.by]][:, None]
    return charge


def beyond_limits(
    limits: Sequence[Limit], uses: Sequence[Floats], chosen: NDArray[np.intp], explored: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return whether an option takes more of a limit than the explored left; broadcasts to (n_rows, n_options).

    To whom was explored with, what it took itself is left too.
    """
    beyond = np.zeros((len(chosen), 1), dtype=bool)
    at = np.arange(len(chosen))
    for limit, use in zip(limits, uses, strict=True):
        own = np.where(explored, use[chosen] if use.ndim == 1 else use[at, chosen], 0.0)
        beyond = beyond | (use > ((limit.amount + own) * (1 + _ROUNDING))[:, None])
    return beyond


def as_neighbours(
    best: NDArray[np.int64], free: NDArray[np.intp], priority: Floats, net: Floats, beyond: NDArray[np.bool_]
) -> None:
    """Give whom chance decides what the free customer got who is nearest to it, in place.

    Prices do not tell all: a limit may cut through customers to whom an option is worth, at its price, exactly as much
    as another, and what is left of it after the last that fits goes to others. So each is taken as the one before it
    among those who stand between the same two options, by how far they are apart at the prices, and then by row.

    Parameters
    ----------
    best : what is worth most to each customer at the prices, shape (n_rows,), and what the free got
    free : rows of those who are free
    priority, net : what each option is worth, and what is left of that, shapes (n_rows, n_options)
    beyond : whether it takes more than was left, (n_rows, n_options)
    """
    drawn = np.ones(len(best), dtype=bool)
    drawn[free] = False
    if not drawn.any() or drawn.all():
        return
    at = np.arange(len(net))
    first = first_best(net.T)[1]
    others = net.copy()
    others[at, first] = -np.inf
    second = first_best(others.T)[1]
    low, high = np.minimum(first, second), np.maximum(first, second)
    apart = net[at, low] - net[at, high]
    most = np.abs(priority).max(axis=1, where=priority > -np.inf, initial=0.0)
    apart[np.abs(apart) <= _TIED * most] = 0.0
    between = low * net.shape[1] + high
    order = np.lexsort((at, apart, between))
    among, places = between[order], at
    before = np.maximum.accumulate(np.where(drawn[order], -1, places))
    behind = np.minimum.accumulate(np.where(drawn[order], len(order), places)[::-1])[::-1]
    near = np.where((before >= 0) & (among[before] == among), before, np.minimum(behind, len(order) - 1))
    rows, likes = order[drawn[order]], order[near[drawn[order]]]
    option = best[likes]
    may = ~drawn[likes] & (between[likes] == between[rows]) & (net[rows, option] > -np.inf) & ~beyond[rows, option]
    best[rows[may]] = option[may]
