"""Which option each customer gets: the one worth most, at the prices of the limits where limits hold over all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.allocating.allocation import Allocation, Fairness, Limit, allocation
from cxml.prescriptive.allocating.relaxation import first_best
from cxml.prescriptive.allocating.schedule import DailyLimit, scheduled_days
from cxml.prescriptive.draws import Drawn, drawn, keys_of
from cxml.prescriptive.exploring import exploration
from cxml.prescriptive.groups import group_codes
from cxml.prescriptive.limit_prices import as_neighbours, beyond_limits, charges, scarcity_prices
from cxml.prescriptive.options import FIRED, Floats, Looked, Run, limit_use, looked, utc
from cxml.prescriptive.policy import Policy
from cxml.schema.allocated import Allocated, LimitUse

_NO_DAY: Final = -1
_LEAST_SHARE: Final = 1e-9


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


def arbitrated(policy: Policy, run: Run, customers: Sequence[str]) -> tuple[Looked, Drawn, Choice]:
    """Look at every option of the customers of a run, draw what is left to chance, and choose for each."""
    look = looked(policy, run)
    uses = uses_of(policy, run, look)
    share, odds = exploration(policy, run, look)
    draws = drawn(
        keys_of(customers),
        run.moments,
        look.status == FIRED,
        [(limit.amount, use) for limit, use in zip(policy.limits, uses, strict=True)],
        nothing=policy.nothing,
        holdout_share=policy.holdout_share,
        exploration_share=share,
        odds=odds,
    )
    return look, draws, choice(policy, run, look, draws, uses)


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
    n_rows = run.n_rows
    chosen = np.where(draws.explored, draws.option, policy.nothing)
    free = np.flatnonzero(~(draws.holdout | draws.explored))
    if not policy.limits and not policy.fairness:
        best = _best(look.priority)
        chosen[free] = best[free]
        free_of_charge = np.broadcast_to(0.0, look.priority.shape)
        day, limited = np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows, dtype=bool)
        return Choice(chosen, best, look.priority, free_of_charge, day, limited, None)
    daily = _daily(policy, uses)
    # Who is explored with comes first, in no order of worth.
    chosen[_days(policy, run, chosen, np.zeros(n_rows), daily) == _NO_DAY] = policy.nothing
    rows = slice(None) if len(free) == n_rows else free
    limits = [
        Limit(limit.name, max(limit.amount - _used(use, chosen), 0.0), use if use.ndim == 1 else use[rows])
        for limit, use in zip(policy.limits, uses, strict=True)
    ]
    groups = {
        rule.by: group_codes(rule.by, run.columns[rule.by], where="policy.guard_rails.fairness")
        for rule in policy.fairness
    }
    fairness = [
        Fairness(rule.name, groups[rule.by][rows], _places(policy, rule.options), rule.max_difference)
        for rule in policy.fairness
    ]
    worth = look.priority[rows]
    first = allocation(worth, policy.nothing, limits, fairness)
    found, day = first, np.zeros(n_rows, dtype=np.int64)
    if daily:
        order = np.where(draws.explored, np.inf, 0.0)
        solve = partial(allocation, nothing=policy.nothing, limits=limits, fairness=fairness, exact_up_to=0)
        found, day = _spread(policy, run, (chosen, free), (worth, order), first, solve, daily)
    chosen[free] = found.chosen
    scarcity = scarcity_prices(worth, limits, first, [limit.amount for limit in policy.limits])
    prices = first.prices | scarcity
    charge = charges(policy, run.n_rows, list(zip(limits, uses, strict=True)), groups, first, scarcity)
    net = look.priority - charge
    beyond = np.broadcast_to(beyond_limits(limits, uses, chosen, draws.explored), net.shape)
    best = _best(np.where(beyond, -np.inf, net))
    best[free] = chosen[free]
    as_neighbours(best, free, look.priority, net, beyond)
    charge[beyond], net[beyond] = np.inf, -np.inf
    limited = (chosen == policy.nothing) & (_best(look.priority) != policy.nothing)
    told = [
        LimitUse(limit.name, limit.amount, _used(use, chosen), prices[limit.name])
        for limit, use in zip(policy.limits, uses, strict=True)
    ]
    told += [
        LimitUse(
            f"{rule.name}, points",
            100 * rule.max_difference,
            100 * found.used[rule.name],
            first.prices[rule.name] / 100,
        )
        for rule in policy.fairness
    ]
    value = float(look.priority[free, chosen[free]].sum())
    report = Allocated(first.method, len(free), value, max(first.bound, value), tuple(told))
    return Choice(chosen, best, net, charge, day, limited, report)


def _spread(
    policy: Policy,
    run: Run,
    chosen_free: tuple[NDArray[np.intp], NDArray[np.intp]],
    worth_order: tuple[Floats, Floats],
    found: Allocation,
    solve: Callable[[Floats], Allocation],
    daily: Sequence[DailyLimit],
) -> tuple[Allocation, NDArray[np.int64]]:
    """Return an allocation that the days of the plan have room for, and the day of each choice.

    Whom no day has room for gets something that takes nothing of a day, while the others keep what they have or give it
    up, so that the days hold.

    Parameters
    ----------
    policy, run, daily : what a day allows
    chosen_free : the choices of those who are not decided by worth, and who the others are
    worth_order : what each option is worth for the others; who comes first among all
    found : the allocation of the others that knows nothing of days
    solve : the allocation of other worths within the same limits
    """
    (chosen, free), (worth, order) = chosen_free, worth_order
    chosen, order, at = chosen.copy(), order.copy(), np.arange(len(free))
    share = np.zeros((run.n_rows, len(policy.options)))  # the largest of a day that an option takes
    for limit in daily:
        np.maximum(share, limit.use / max(limit.amount, np.finfo(np.float64).tiny), out=share)
    share = share[free]
    taking = share > 0
    otherwise = np.where(taking, -np.inf, worth).max(axis=1)
    chosen[free] = found.chosen
    gain, size = worth[at, found.chosen] - otherwise, np.maximum(share[at, found.chosen], _LEAST_SHARE)
    best: tuple[Allocation, NDArray[np.int64]] | None = None
    # First who gains most over what takes nothing of a day; or, if more fits so, who gains most by what is taken of
    # one, or who takes most of one.
    for first in (gain, gain / size, size):
        order[free] = first
        day = _days(policy, run, chosen, order, daily)
        kept = np.zeros_like(taking)
        housed = day[free] != _NO_DAY
        kept[at[housed], found.chosen[housed]] = True
        settled = found if housed.all() else solve(np.where(taking & ~kept, -np.inf, worth))
        if best is None or settled.value > best[0].value:
            best = settled, day
        if housed.all():
            break
    assert best is not None  # there are ways
    found, day = best
    day[free[~taking[at, found.chosen]]] = 0
    return found, day


def uses_of(policy: Policy, run: Run, look: Looked) -> list[Floats]:
    """Return what each choice uses of each limit of the policy: (n_options,), or (n_rows, n_options)."""
    return [limit_use(policy, limit, run.columns, look.cost) for limit in policy.limits]


def _daily(policy: Policy, uses: Sequence[Floats]) -> list[DailyLimit]:
    """Return what a day of the plan may use; nothing where the plan is of one day, which is the run."""
    return [
        DailyLimit(limit.name, limit.per_day, use)
        for use, limit in zip(uses, policy.limits, strict=True)
        if limit.per_day is not None and policy.plan_days > 1
    ]


def _days(
    policy: Policy, run: Run, chosen: NDArray[np.intp], order: Floats, daily: Sequence[DailyLimit]
) -> NDArray[np.int64]:
    """Return the day of the plan of each choice, the highest in order first, `_NO_DAY` where it fits on none."""
    if not daily:
        return np.zeros(len(chosen), dtype=np.int64)
    day = scheduled_days(chosen, order, daily, policy.plan_days)
    for j, option in enumerate(policy.options):
        if option.valid_until is not None:
            late = run.moments + day * np.timedelta64(1, "D") >= utc(option.valid_until)
            day[(chosen == j) & late] = _NO_DAY
    return day


def _best(net: Floats) -> NDArray[np.int64]:
    """Return the option of each row that is worth most, the first of equals."""
    return first_best(net.T)[1]


def _used(use: Floats, chosen: NDArray[np.intp]) -> float:
    return float((use[chosen] if use.ndim == 1 else use[np.arange(len(chosen)), chosen]).sum())


def _places(policy: Policy, options: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.isin(np.arange(len(policy.options)), options)
