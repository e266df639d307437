"""An allocation by prices: the best prices, the choices at them, repaired, and improved where few are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from cxml.prescriptive.beam import best_combination
from cxml.prescriptive.core import Core, open_core
from cxml.prescriptive.exact import exact_choices
from cxml.prescriptive.exchange import exchanged
from cxml.prescriptive.prices import best_prices, dual_value
from cxml.prescriptive.relaxation import Booleans, Integers, Point, Relaxation
from cxml.prescriptive.repair import Repair

_ACCURACY: Final = 1e-7
# Prices below this part of all worth are those of limits that do not bind.
_NO_PRICE: Final = 1e-9
_CLOSED: Final = 1e-9
_MOST_COMBINED: Final = 400
# Beyond this many open customers, combining some of them no longer helps: the gap is small where there are many.
_MOST_OPEN: Final = 5_000


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
    point = best_prices(relaxation, accuracy=_ACCURACY)
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
    chosen = _held(repair, over)
    if relaxation.parities and len(best) <= _MOST_OPEN:
        for levels in _levels(repair):
            other = _held(repair, over, levels)
            if other is not None and worth(other) > worth(chosen):
                chosen = other
    value, exact = worth(chosen), False

    def with_core(core: Core, choices: Integers) -> tuple[Integers, float]:
        """Return the better of two: the choices so far, and those with other choices of the core."""
        if np.array_equal(choices, core.chosen):
            return chosen, value
        other = chosen.copy()
        other[core.customers] = choices
        if over(other).any():
            other = held(other)
        return (other, worth(other)) if worth(other) > value else (chosen, value)

    def n_open() -> int:
        return int(np.count_nonzero((margin < bound - value) | (best != chosen)))

    if bound - value > _CLOSED * bound and n_open() <= _MOST_OPEN:
        core = open_core(relaxation, point, best, margin, chosen, bound - value, _MOST_COMBINED)
        choices, proven = best_combination(core)
        chosen, value = with_core(core, choices)
        if proven:
            bound = value
        if not proven:
            core = open_core(relaxation, point, best, margin, chosen, bound - value, _MOST_COMBINED)
            chosen, value = with_core(core, exchanged(core))
    if bound - value > _CLOSED * bound and n_open() <= exact_up_to:
        core = open_core(relaxation, point, best, margin, chosen, bound - value, exact_up_to)
        if np.count_nonzero(core.possible) <= exact_up_to and (found := exact_choices(core)) is not None:
            choices, core_bound = found
            others = value - float(core.problem.worth[core.chosen, np.arange(len(choices))].sum())
            chosen, value = with_core(core, choices)
            bound, exact = min(bound, others + core_bound), True
    return Priced(chosen, point, value, max(bound, value), exact)


def _held(
    repair: Repair, over: Callable[[Integers], Booleans], levels: tuple[float | None, ...] | None = None
) -> Integers | None:
    """Return choices within every limit as it is really added up, which may differ in the last places."""
    chosen = repair.run(levels)
    less = 1e-12
    while chosen is not None and (too_much := over(chosen)).any():
        repair.capacity[too_much] = 1.0 - less
        less *= 4.0
        chosen = repair.run(levels)
    return chosen


def _levels(repair: Repair) -> Iterator[tuple[float | None, ...]]:
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
