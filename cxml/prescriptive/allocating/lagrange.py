"""An allocation by prices: the best prices, the choices at them, repaired, and improved where few are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from cxml.prescriptive.allocating.beam import best_combination
from cxml.prescriptive.allocating.core import Core, core_of, open_customers
from cxml.prescriptive.allocating.exact import exact_choices
from cxml.prescriptive.allocating.exchange import exchanged
from cxml.prescriptive.allocating.prices import best_prices, dual_value
from cxml.prescriptive.allocating.relaxation import Booleans, Integers, Point, Relaxation
from cxml.prescriptive.allocating.repair import Repair, is_fair

_ACCURACY: Final = 1e-7
# Prices below this part of all worth are those of limits that do not bind.
_NO_PRICE: Final = 1e-9
# A gap that is closed; of many customers, one not worth closing.
_CLOSED: Final = 1e-9
_CLOSED_OF_MANY: Final = 1e-5
_MOST_COMBINED: Final = 400
# Beyond this many open customers, combining some of them no longer helps: the gap is small where there are many.
_MOST_OPEN: Final = 5_000
# Where more than this part of the bound may be missing, some open customers at a time are combined anew.
_LITTLE: Final = 0.001
_TOGETHER: Final = 24
_ROUNDS: Final = 40


@dataclass(frozen=True, eq=False)
class Priced:
    """Choices (n,), prices, and value and bound in the relaxation's unit."""

    chosen: Integers
    point: Point
    value: float
    bound: float
    exact: bool


def priced(relaxation: Relaxation, over: Callable[[Integers], Booleans], exact_up_to: int) -> Priced:
    """Return the best allocation found within every limit.

    Parameters
    ----------
    relaxation : Relaxation
    over : which limits (m,) choices really exceed, with every use added up
    exact_up_to : the most open pairs of a customer and an option for which HiGHS is asked
    """
    point, rates = best_prices(relaxation, accuracy=_ACCURACY)
    limits = np.where(point.limits < _NO_PRICE, 0.0, point.limits)
    groups = tuple(np.where(np.abs(price) < _NO_PRICE, 0.0, price) for price in point.groups)
    point = Point(limits, groups)
    bound = dual_value(relaxation.answer(point), point, relaxation.parities)
    best, margin = relaxation.choices(point)

    def held(chosen: Integers) -> Integers:
        return _held(Repair(relaxation, point, chosen, margin), over)

    def worth(chosen: Integers) -> float:
        return float(relaxation.worth[chosen, np.arange(len(chosen))].sum())

    repair = Repair(relaxation, point, best, margin)
    repair.levels = rates
    chosen = _held(repair, over)
    few = len(best) <= _MOST_OPEN
    if relaxation.parities and (few or bound - worth(chosen) > _LITTLE * bound):
        for levels in (None, *(_levels(repair) if few else ())):
            repair.levels = levels
            if worth(other := _held(repair, over)) > worth(chosen):
                chosen = other
    value, exact = worth(chosen), False

    def still_open() -> Integers:
        return open_customers(best, margin, chosen, bound - value)

    def core(customers: Integers, of: Integers) -> Core:
        others = of[~np.isin(of, customers)]
        return core_of(relaxation, point, chosen, bound - value, np.sort(customers), others)

    def with_core(part: Core, choices: Integers) -> tuple[Integers, float]:
        """Return the better of two: the choices so far, and those with other choices of the core."""
        other = chosen.copy()
        other[part.customers] = choices
        if over(other).any() or not all(is_fair(p.counts(other), p) for p in relaxation.parities):
            other = held(other)
        return (other, worth(other)) if worth(other) > value else (chosen, value)

    def much_missing(part: float) -> bool:
        return bound - value > part * bound

    enough = _CLOSED if len(chosen) <= _MOST_OPEN else _CLOSED_OF_MANY
    if much_missing(enough) and len(open_ := still_open()) <= _MOST_OPEN:
        part = core(open_[:_MOST_COMBINED], open_)
        choices, proven = best_combination(part)
        chosen, value = with_core(part, choices)
        if proven:
            bound = value
        else:
            open_ = still_open()
            part = core(open_[:_MOST_COMBINED], open_)
            chosen, value = with_core(part, exchanged(part))
    if much_missing(enough) and len(open_ := still_open()) <= exact_up_to:
        part = core(open_, open_)
        if np.count_nonzero(part.possible) <= exact_up_to and (found := exact_choices(part)) is not None:
            choices, core_bound = found
            others = value - float(part.problem.worth[part.chosen, np.arange(len(choices))].sum())
            chosen, value = with_core(part, choices)
            bound, exact = min(bound, others + core_bound), True
    random = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        if exact or not much_missing(_LITTLE) or len(open_ := still_open()) > _MOST_OPEN:
            break
        part = core(random.choice(open_, min(_TOGETHER, len(open_)), replace=False), open_)
        chosen, value = with_core(part, best_combination(part)[0])
    return Priced(chosen, point, value, max(bound, value), exact)


def _held(repair: Repair, over: Callable[[Integers], Booleans]) -> Integers:
    """Return choices within every limit as it is really added up, which may differ in the last places."""
    chosen = repair.run()
    less = 1e-12
    while (too_much := over(chosen)).any():
        repair.capacity[too_much] = 1.0 - less
        less *= 4.0
        chosen = repair.run()
    return chosen


def _levels(repair: Repair) -> Iterator[tuple[float, ...]]:
    """Yield rates that no group is to be below, around those of the first choices."""
    rates = repair.first_rates()
    parities = repair.relaxation.parities
    tried = []
    for rate, parity in zip(rates, parities, strict=True):
        middle = max((float(rate.min() + rate.max()) - parity.max_difference) / 2, 0.0)
        whole = np.unique(np.concatenate([np.arange(size + 1) / size for size in parity.sizes]))
        nearest = whole[np.argsort(np.abs(whole - middle), kind="stable")]
        few = nearest[: 12 if len(parities) == 1 else 4]
        tried.append(np.unique(np.concatenate([few, whole[[0, -1]]])))
    yield from product(*tried)
