"""What limits ask of each customer at their prices, and how it is told what whom chance decides would have got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.allocating.allocation import Allocation, Limit
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
            prices[limit.name] = float((gain / np.where(limit.use > 0, limit.use, np.inf))[wanted].max())
    return prices


def charges(
    policy: Policy,
    n_rows: int,
    uses: Sequence[Floats],
    groups: Mapping[str, NDArray[np.int64]],
    prices_fees: tuple[Mapping[str, float], Mapping[str, Floats]],
) -> Floats:
    """Return what the limits ask for each option at their prices, shape (n_rows, n_options)."""
    prices, group_fees = prices_fees
    charge: Floats = np.zeros((len(policy.options), n_rows)).T
    for limit, use in zip(policy.limits, uses, strict=True):
        if price := prices[limit.name]:
            charge += price * use
    for rule in policy.fairness:
        if (fees := group_fees[rule.name]).any():
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


def as_twins(
    best: NDArray[np.int64], free: NDArray[np.intp], priority: Floats, net: Floats, uses: Sequence[Floats]
) -> None:
    """Give whom chance decides what a free customer who is worth the same got, where prices do not tell: in place.

    A limit may cut through customers who are worth exactly alike. At its price they are worth the same with an option
    as without, and who gets it is a matter of their order: so each is taken as the one before it, among its like.
    """
    drawn = np.ones(len(best), dtype=bool)
    drawn[free] = False
    second = net.copy()
    np.put_along_axis(second, best[:, None], -np.inf, axis=1)
    behind = np.abs(np.take_along_axis(net, best[:, None], axis=1)[:, 0] - second.max(axis=1))
    rows = np.flatnonzero(behind <= _TIED * np.abs(priority).max(axis=1, where=priority > -np.inf, initial=0.0))
    if not drawn[rows].any():
        return
    told = [priority[rows], net[rows], *(use[rows] for use in uses if use.ndim == 2)]
    like = np.unique(np.concatenate(told, axis=1), axis=0, return_inverse=True)[1].reshape(-1)  # NumPy 2.0: a column
    rows, like = (found[np.lexsort((rows, like))] for found in (rows, like))
    before = np.maximum.accumulate(np.where(drawn[rows], -1, np.arange(len(rows))))
    has = drawn[rows] & (before >= 0) & (like[before] == like)
    best[rows[has]] = best[rows[before[has]]]
