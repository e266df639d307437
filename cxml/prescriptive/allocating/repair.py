"""From what all would choose at some prices to choices within every limit, and what is left of the limits put to use.

Those who lose least for what they give back move first; then those who gain most at these prices move, as far as it
fits. Customers whose choice is least clear come first, so that few of many have to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cxml.prescriptive.allocating.relaxation import Booleans, Floats, Integers, Parity, Point, Relaxation, in_blocks

_FIRST: Final = 50_000
_THEN: Final = 100_000
_ROUNDS: Final = 60
_ONE_BY_ONE: Final = 200
# Sums of shares are compared with a limit to this accuracy; the caller adds up what was really used.
ROUNDING: Final = 1e-12


def most_fair(counts: Integers, parity: Parity) -> Integers:
    """Return how many of each group may get an option, given the group with the lowest rate, in whole customers."""
    sizes = parity.sizes
    least = int(np.argmin(counts / sizes))
    base, allowed = counts[least] * sizes, parity.max_difference * (sizes * sizes[least])
    most = np.minimum(((base + allowed) // sizes[least]).astype(np.int64) + 1, sizes)
    for _ in range(2):
        most = np.where(most * sizes[least] - base <= allowed, most, most - 1)
    return np.asarray(most)


def is_fair(counts: Integers, parity: Parity) -> bool:
    """Return whether no two groups' rates differ by more than allowed."""
    return bool((counts <= most_fair(counts, parity)).all())


@dataclass(frozen=True, eq=False)
class _Core:
    """Some customers, everything dense: worth and what is left of it (k, c), uses (rows, k, c)."""

    customers: Integers
    worth: Floats
    net: Floats
    uses: Floats


class Repair:
    """Choices (n,) that are changed until every limit holds.

    The rows are the limits, in shares of their amounts; the groups of the fairness limits, in shares of the group; and
    the same groups with the sign turned, as a limit from below. ``capacity`` (m,) is what may be used of each limit;
    ``levels``, where given, the rates that no group is to be below, for each fairness limit.
    """

    def __init__(self, relaxation: Relaxation, point: Point, chosen: Integers, margin: Floats) -> None:
        self.relaxation, self.point, self.margin = relaxation, point, margin
        self.first, self.chosen = chosen, chosen
        self.m = relaxation.n_limits
        self.levels: tuple[float, ...] | None = None
        self.capacity = np.full(self.m, 1.0 + ROUNDING)
        parts = in_blocks(lambda rows: relaxation.used(chosen[rows], rows), relaxation.n_customers)
        counts = [sum(c) for c in zip(*(part[1] for part in parts), strict=True)]
        rates = [count / parity.sizes for count, parity in zip(counts, relaxation.parities, strict=True)]
        used = sum((part[0] for part in parts), np.zeros(self.m))
        self.at_first = np.concatenate([used, *rates, *(-rate for rate in rates)])
        self.value = self.at_first
        self._first_core: _Core | None = None

    def run(self) -> Integers:
        """Return choices within every limit, that no customer can improve alone.

        Given levels are kept as far as that is possible; then the lowest group is wherever that takes it.
        """
        self.chosen, self.value = self.first.copy(), self.at_first
        free = (None,) * len(self.relaxation.parities)
        if self.levels and self._relieved(self.levels, "any"):
            self._filled(self.levels)
        while not self._relieved(free, "any"):
            self._relieved(free, "nothing")
        while self._filled(free):
            pass
        return self.chosen

    def rates(self) -> list[Floats]:
        """Return the rates of the groups of each fairness limit."""
        return self._split(self.value)

    def first_rates(self) -> list[Floats]:
        """Return the rates at the choices that are repaired."""
        return self._split(self.at_first)

    def _split(self, value: Floats) -> list[Floats]:
        sizes = np.cumsum([len(parity.sizes) for parity in self.relaxation.parities])
        rates = value[self.m :]
        return np.split(rates[: len(rates) // 2], sizes[:-1]) if len(sizes) else []

    def _high(self, levels: Sequence[float | None]) -> Floats:
        """Return what no row may be above."""
        most, least = [], []
        for rate, parity, level in zip(self.rates(), self.relaxation.parities, levels, strict=True):
            counts = np.rint(rate * parity.sizes).astype(np.int64)
            lowest = int(np.argmin(counts / parity.sizes))
            low = counts[lowest] / parity.sizes[lowest] if level is None else level
            allowed = most_fair(counts, parity) / parity.sizes if level is None else level + parity.max_difference
            most.append(np.broadcast_to(allowed + ROUNDING, rate.shape))
            least.append(np.full(len(rate), -low + ROUNDING))
        return np.concatenate([self.capacity, *most, *least])

    def _relieved(self, levels: Sequence[float | None], to: Literal["any", "nothing"]) -> bool:
        """Move customers until every row is within its bounds; return whether that was possible.

        Moves to nothing may take a group below the lowest rate: then that is another.
        """
        high = self._high(levels)
        if to == "nothing":
            high[(len(high) + self.m) // 2 :] = np.inf
        if (self.value <= high).all():
            return True
        for core in self._slices():
            for turn in range(_ROUNDS + len(self.value)):
                if (self.value <= high).all():
                    return True
                if not self._relief(core, high, "any" if to == "any" and turn < _ROUNDS else "nothing"):
                    break
        return bool((self.value <= high).all())

    def _relief(self, core: _Core, high: Floats, to: Literal["any", "nothing"]) -> bool:
        """Move those who lose least for what they give back, until a row that was too high no longer is."""
        over = self.value > high
        weight = np.where(over, self.value - high, 0.0)
        chosen, at = self.chosen[core.customers], np.arange(len(core.customers))
        now, now_net = core.uses[:, chosen, at], core.net[chosen, at]
        best, option = np.full(len(at), np.inf), np.full(len(at), -1)
        for j in range(len(core.worth)) if to == "any" else [self.relaxation.nothing]:
            change = core.uses[:, j] - now
            relief = -(weight[over, None] * change[over]).sum(axis=0)
            possible = (relief > 0) & np.isfinite(core.worth[j]) & (change[over] <= 0).all(axis=0)
            possible &= self._fits(change, np.where(over, np.inf, high))
            loss = np.maximum(now_net - core.net[j], 0.0)
            ratio = np.divide(loss, relief, out=np.full(len(at), np.inf), where=possible)
            better = possible & ((ratio < best) | (option < 0))
            best[better], option[better] = ratio[better], j
        moved = np.flatnonzero(option >= 0)
        if not len(moved):
            return False
        moved = moved[np.argsort(best[moved], kind="stable")]
        change = core.uses[:, option[moved], moved] - now[:, moved]
        then = self.value[:, None] + np.cumsum(change, axis=1)
        enough = (then[over] <= high[over, None]).any(axis=0)
        too_far = ((then > high[:, None]) & ~over[:, None]).any(axis=0)
        stop = min(_first(enough) + 1, _first(too_far), len(moved))
        self._move(core, moved[:stop], option[moved[:stop]], change[:, :stop])
        return True

    def _filled(self, levels: Sequence[float | None]) -> bool:
        """Move customers to what is worth more and fits; return whether there may be more to do.

        Where the lowest rate of groups rises, there is room again for the others.
        """
        any_moved = False
        for core in self._slices():
            moved = False
            for _ in range(_ROUNDS):
                if not self._fill(core, self._high(levels)):
                    break
                moved = any_moved = True
            if not moved:
                break
        return any_moved and len(levels) > 0

    def _fill(self, core: _Core, high: Floats) -> bool:
        chosen, at = self.chosen[core.customers], np.arange(len(core.customers))
        now, now_worth, now_net = core.uses[:, chosen, at], core.worth[chosen, at], core.net[chosen, at]
        best, option = np.full(len(at), -np.inf), np.full(len(at), -1)
        for j in range(len(core.worth)):
            better = (core.worth[j] > now_worth) & ((core.net[j] - now_net > best) | (option < 0))
            if better.any():
                who = np.flatnonzero(better)
                who = who[self._fits(core.uses[:, j, who] - now[:, who], high)]
                best[who], option[who] = core.net[j, who] - now_net[who], j
        moved = np.flatnonzero(option >= 0)
        if not len(moved):
            return False
        moved = moved[np.argsort(-best[moved], kind="stable")]
        change = core.uses[:, option[moved], moved] - now[:, moved]
        then = self.value[:, None] + np.cumsum(change, axis=1)
        stop = min(_first((then > high[:, None]).any(axis=0)), len(moved))
        self._move(core, moved[:stop], option[moved[:stop]], change[:, :stop])
        for i in range(stop, min(stop + _ONE_BY_ONE, len(moved))):
            if self._fits(change[:, i : i + 1], high)[0]:
                self._move(core, moved[i : i + 1], option[moved[i : i + 1]], change[:, i : i + 1])
        return True

    def _fits(self, change: Floats, high: Floats) -> Booleans:
        then = self.value[:, None] + change
        # Who changes nothing in a row does not break it, wherever it is.
        return np.asarray(((then <= high[:, None]) | (change <= 0)).all(axis=0))

    def _move(self, core: _Core, moved: Integers, option: Integers, change: Floats) -> None:
        self.chosen[core.customers[moved]] = option
        self.value = self.value + change.sum(axis=1)

    def _slices(self) -> Iterator[_Core]:
        """Yield the customers, those with the least clear choice first."""
        n = len(self.chosen)
        if self._first_core is not None:
            yield self._first_core
            first = self._first_core.customers
        elif n <= _FIRST:
            yield self._core(0, np.arange(n))
            return
        else:
            first = np.sort(np.argpartition(self.margin, _FIRST)[:_FIRST])
            yield self._core(0, first)
        if n <= _FIRST:
            return
        order = np.argsort(self.margin, kind="stable")
        seen = np.zeros(n, dtype=bool)
        seen[first] = True
        order = order[~seen[order]]
        for start in range(0, len(order), _THEN):
            yield self._core(1 + start, np.sort(order[start : start + _THEN]))

    def _core(self, key: int, customers: Integers) -> _Core:
        if key == 0 and self._first_core is not None:
            return self._first_core
        part = self.relaxation.taken(customers)
        uses, gets = part.uses(np.arange(len(customers))), [np.zeros((0, *part.worth.shape))]
        for parity in part.parities:
            of_group = np.arange(len(parity.sizes))[:, None] == parity.group
            gets.append((of_group / parity.sizes[:, None])[:, None, :] * parity.options[:, None])
        rates = np.concatenate(gets)
        core = _Core(customers, part.worth, part.nets(self.point, slice(None)), np.concatenate([uses, rates, -rates]))
        if key == 0:
            self._first_core = core
        return core


def _first(true: Booleans | np.bool_) -> int:
    """Return the first place that is true, or one past the end."""
    return int(np.argmax(true)) if true.any() else np.size(true)
