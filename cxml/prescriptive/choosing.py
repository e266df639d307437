"""Which option each customer gets: the one worth most, or, where limits hold over all, the one worth most at their prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.allocation import Fairness, Limit, allocation
from cxml.prescriptive.draws import Drawn
from cxml.prescriptive.options import Floats, Looked, Run, limit_use
from cxml.prescriptive.policy import Policy
from cxml.prescriptive.schedule import scheduled_days

_NO_DAY: Final = -1


@dataclass(frozen=True)
class LimitUse:
    """One limit of a run: how much there was, how much was used, and what one more unit would be worth."""

    name: str
    amount: float
    used: float
    price: float


@dataclass(frozen=True)
class Allocated:
    """How well the limits of a run were used: ``value`` is what the choices are ranked by, added up; no choice within
    the limits is worth more than ``bound``.

    ``n_customers`` were decided by worth: neither held out nor explored with.
    """

    method: str
    n_customers: int
    value: float
    bound: float
    limits: tuple[LimitUse, ...]

    @property
    def gap(self) -> float:
        """How far the value may be from the best, as a share of the best."""
        return max(self.bound - self.value, 0.0) / abs(self.bound) if self.bound else 0.0


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen; arrays of shape (n_rows,), or (n_rows, n_options).

    ``best`` is what a customer gets, or would have got, where nothing is drawn; ``charge`` what the limits ask for each
    option at their prices, ``net`` what remains of its priority; ``day`` the day of the plan. ``limited`` says who gets
    nothing for want of room.
    """

    chosen: NDArray[np.intp]
    best: NDArray[np.intp]
    net: Floats
    charge: Floats
    day: NDArray[np.int64]
    limited: NDArray[np.bool_]
    allocated: Allocated | None


def choice(policy: Policy, run: Run, look: Looked, draws: Drawn, uses: Sequence[Floats]) -> Choice:
    """Choose an option for each customer.

    Parameters
    ----------
    policy : Policy
    run : the customers
    look : every option for every customer
    draws : who is held out, and who is explored with
    uses : what each choice uses of each limit of the policy, as `cxml.prescriptive.options.limit_use` gives it
    """
    n_rows, nothing = run.n_rows, policy.nothing
    chosen = np.where(draws.explored, draws.option, nothing)
    free = np.flatnonzero(~(draws.holdout | draws.explored))
    if not policy.limits and not policy.fairness:
        best = _best(look.priority)
        chosen[free] = best[free]
        free_of_charge = np.broadcast_to(0.0, look.priority.shape)
        day, limited = np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows, dtype=bool)
        return Choice(chosen, best, look.priority, free_of_charge, day, limited, None)
    everyone = len(free) == n_rows
    rows = slice(None) if everyone else free
    limits = [
        Limit(limit.name, max(limit.amount - _used(use, chosen), 0.0), use if use.ndim == 1 else use[rows])
        for limit, use in zip(policy.limits, uses, strict=True)
    ]
    groups = {rule.by: _codes(run.columns[rule.by]) for rule in policy.fairness}
    fairness = [
        Fairness(rule.name, groups[rule.by][rows], _places(policy, rule.options), rule.max_difference)
        for rule in policy.fairness
    ]
    worth = look.priority[rows]
    found = allocation(worth, nothing, limits, fairness)
    charge: Floats = np.broadcast_to(0.0, look.priority.shape)
    for limit, use in zip(policy.limits, uses, strict=True):
        if price := found.prices[limit.name]:
            charge = charge + price * use
    net = look.priority - charge
    chosen[free] = found.chosen
    best = _best(net)
    best[free] = found.chosen
    day = _days(policy, look, chosen, uses)
    limited = (chosen == nothing) & (_best(look.priority) != nothing) | (day == _NO_DAY)
    chosen[day == _NO_DAY] = nothing
    best[day == _NO_DAY] = nothing
    took = [(limit, _used(use, chosen)) for limit, use in zip(policy.limits, uses, strict=True)]
    report = Allocated(
        found.method,
        len(free),
        float(look.priority[free, chosen[free]].sum()),
        found.bound,
        tuple(LimitUse(limit.name, limit.amount, used, found.prices[limit.name]) for limit, used in took),
    )
    return Choice(chosen, best, net, charge, np.maximum(day, 0), limited, report)


def uses_of(policy: Policy, run: Run, look: Looked) -> list[Floats]:
    """Return what each choice uses of each limit of the policy: (n_options,), or (n_rows, n_options)."""
    return [limit_use(policy, limit, run.columns, look.cost) for limit in policy.limits]


def _days(policy: Policy, look: Looked, chosen: NDArray[np.intp], uses: Sequence[Floats]) -> NDArray[np.int64]:
    """Return the day of the plan of each choice, `_NO_DAY` where it fits on none."""
    daily = [(use, limit.per_day) for use, limit in zip(uses, policy.limits, strict=True) if limit.per_day is not None]
    if policy.plan_days == 1 or not daily:
        return np.zeros(len(chosen), dtype=np.int64)
    priority = look.priority[np.arange(len(chosen)), chosen]
    return scheduled_days(chosen, priority, daily, policy.plan_days)


def _best(net: Floats) -> NDArray[np.intp]:
    """Return the option of each row that is worth most, the first of equals."""
    best = np.zeros(len(net), dtype=np.intp)
    highest = net[:, 0].copy()
    for j in range(1, net.shape[1]):
        better = net[:, j] > highest
        best[better] = j
        np.maximum(highest, net[:, j], out=highest)
    return best


def _used(use: Floats, chosen: NDArray[np.intp]) -> float:
    return float((use[chosen] if use.ndim == 1 else use[np.arange(len(chosen)), chosen]).sum())


def _codes(values: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the groups that a column tells as whole numbers, -1 where it is unknown."""
    known = [value for value in dict.fromkeys(values.tolist()) if value is not None and value == value]
    codes = {value: code for code, value in enumerate(sorted(known))}
    return np.array([codes.get(value, -1) for value in values.tolist()], dtype=np.int64)


def _places(policy: Policy, options: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.isin(np.arange(len(policy.options)), options)
