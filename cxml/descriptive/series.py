"""The facts of a customer that a feature looks at, in time order, with running totals that answer any window at once.

Running totals are kept as pairs of floats (a sum and the error of its rounding), so that the difference of two of them
is as exact as the sum of the window alone, however large what came before.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum, isfinite
from operator import mul
from typing import Any, Final, Protocol

from cxml.descriptive.plain import DAY_US

# Where less than this share is left of what a difference was taken from, it is computed anew from the window alone:
# of single floats 16 digits are right, of pairs of them 32.
_CANCELLED: Final = 1e-3
_CANCELLED_OF_PAIRS: Final = 1e-16


@dataclass(frozen=True)
class Kept:
    """What a series is asked for, beside its times.

    ``totals`` are kept of ``"value"``, ``"square"``, ``"weight"`` and ``"weighted"`` (value times weight). Without
    ``values`` every fact is worth 1, without ``weights`` every one counts in full.
    """

    totals: tuple[str, ...] = ()
    half_lives: tuple[float, ...] = ()
    days: bool = False
    names: bool = False
    values: bool = False
    weights: bool = False


class Series:
    """Times (microseconds), values and weights of some facts, by time; those of one time as their table has them.

    A fact is told of by its place: those from ``i`` up to before ``j`` are a window.
    """

    __slots__ = ("_kept", "_running", "days", "decays", "names", "times", "totals", "values", "weights")

    def __init__(self, kept: Kept, facts: Iterable[tuple[int, Any, float]] = ()) -> None:
        facts = list(facts)
        self.times = [time for time, _, _ in facts]
        self.values: list[Any] = [value for _, value, _ in facts] if kept.values else []
        self.weights = [weight for _, _, weight in facts] if kept.weights else []
        self._kept = kept
        self.totals = {of: Total(self, of) for of in kept.totals}
        self.decays = {days: Decay(self, days) for days in kept.half_lives}
        self.days = Days(self) if kept.days else None
        self.names = Names(self) if kept.names else None
        running = (*self.totals.values(), *self.decays.values(), self.days, self.names)
        self._running: list[_Running] = [part for part in running if part is not None]
        for part in self._running:
            part.refill(0)

    def insert(self, time: int, value: Any, weight: float) -> None:
        """Add a fact, after those of the same time."""
        times, kept = self.times, self._kept
        i = len(times) if not times or times[-1] <= time else bisect_right(times, time)
        times.insert(i, time)
        if kept.values:
            self.values.insert(i, value)
        if kept.weights:
            self.weights.insert(i, weight)
        for part in self._running:
            part.refill(i)

    def worth(self, i: int) -> float:
        """Return the value of a fact times its weight."""
        kept = self._kept
        return (self.values[i] if kept.values else 1.0) * (self.weights[i] if kept.weights else 1.0)


class _Running(Protocol):
    def refill(self, begin: int) -> None:
        """Bring what is kept up to date from a place on: the fact there is new."""


class Total:
    """Running totals of a series."""

    __slots__ = ("_errors", "_of", "_series", "_sums")

    def __init__(self, series: Series, of: str) -> None:
        self._series, self._of = series, of
        self._sums, self._errors = [0.0], [0.0]

    def refill(self, begin: int) -> None:
        """Bring what is kept up to date from a place on."""
        sums, errors = self._sums, self._errors
        if len(sums) > begin + 1:
            del sums[begin + 1 :], errors[begin + 1 :]
        total, error = sums[begin], errors[begin]
        for x in self._terms(begin, None):
            before, total = total, total + x
            rest = total - before
            error += (before - (total - rest)) + (x - rest)  # what the rounding of this sum lost, exactly (Knuth 1969)
            sums.append(total)
            errors.append(error)

    def between(self, i: int, j: int) -> float:
        """Return the total of a window."""
        sums, errors = self._sums, self._errors
        late, early = sums[j], sums[i]
        found = late - early
        rest = found - late
        found += (late - (found - rest)) - (early + rest) + (errors[j] - errors[i])
        if isfinite(found) and abs(found) >= _CANCELLED_OF_PAIRS * abs(early):
            return found
        return sum(self._terms(i, j))

    def _terms(self, i: int, j: int | None) -> Iterable[float]:
        series, of = self._series, self._of
        if of == "weight":
            return series.weights[i:j]
        values: list[float] = series.values[i:j]
        if of == "value":
            return values
        return map(mul, values, values if of == "square" else series.weights[i:j])


class Decay:
    """Totals in which a fact so many days old counts half, as of the time of each fact."""

    __slots__ = ("_series", "_sizes", "_sums", "half_life_us")

    def __init__(self, series: Series, half_life_days: float) -> None:
        self._series, self.half_life_us = series, half_life_days * DAY_US
        self._sums: list[float] = []
        self._sizes: list[float] = []  # the same of absolute values: how much can have been lost in cancelling

    def refill(self, begin: int) -> None:
        """Bring what is kept up to date from a place on."""
        series, sums, sizes = self._series, self._sums, self._sizes
        del sums[begin:], sizes[begin:]
        total, size, before = (sums[-1], sizes[-1], series.times[begin - 1]) if begin else (0.0, 0.0, 0)
        for i in range(begin, len(series.times)):
            time, x = series.times[i], series.worth(i)
            left = 0.5 ** ((time - before) / self.half_life_us) if i else 0.0
            total, size, before = total * left + x, size * left + abs(x), time
            sums.append(total)
            sizes.append(size)

    def between(self, i: int, j: int, as_of: int) -> float:
        """Return the decayed total of a window that is not empty, as of a moment after it."""
        times, half_life = self._series.times, self.half_life_us
        last = times[j - 1]
        found = self._sums[j - 1]
        if i:
            found -= self._sums[i - 1] * 0.5 ** ((last - times[i - 1]) / half_life)
        if not abs(found) > _CANCELLED * self._sizes[j - 1]:  # also where it is no number
            worth = self._series.worth
            return fsum(worth(k) * 0.5 ** ((as_of - times[k]) / half_life) for k in range(i, j))
        left: float = 0.5 ** ((as_of - last) / half_life)
        return found * left


class Days:
    """How many different days of the calendar the facts up to each one are on."""

    __slots__ = ("_counts", "_series")

    def __init__(self, series: Series) -> None:
        self._series = series
        self._counts: list[int] = []

    def refill(self, begin: int) -> None:
        """Bring what is kept up to date from a place on."""
        times, counts = self._series.times, self._counts
        del counts[begin:]
        for i in range(begin, len(times)):
            new = not i or times[i] // DAY_US != times[i - 1] // DAY_US
            counts.append((counts[-1] if i else 0) + new)

    def between(self, i: int, j: int) -> int:
        """Return the number of days of a window that is not empty."""
        return self._counts[j - 1] - self._counts[i] + 1


class Names:
    """The times of each different value."""

    __slots__ = ("_series", "times")

    def __init__(self, series: Series) -> None:
        self._series = series
        self.times: dict[Any, list[int]] = {}

    def refill(self, begin: int) -> None:
        """Bring what is kept up to date from a place on."""
        series = self._series
        end = len(series.times) if begin == 0 else begin + 1  # later ones keep their times
        if begin == 0:
            self.times = {}
        for i in range(begin, end):
            insort(self.times.setdefault(series.values[i], []), series.times[i])
