"""Sets of the values that one column can have: numbers as intervals, texts by name, and NULL, which may be one too."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, Self

Interval = tuple[float, float]


class Values(Protocol):
    """Known values of one column, with the algebra of sets."""

    def __and__(self, other: Self, /) -> Self: ...
    def __or__(self, other: Self, /) -> Self: ...
    def __invert__(self) -> Self: ...
    def __bool__(self) -> bool: ...


@dataclass(frozen=True)
class Numbers:
    """Numbers as closed intervals, sorted and apart. float64 has a next number, so what is open is closed there."""

    intervals: tuple[Interval, ...]

    def __and__(self, other: Numbers) -> Numbers:
        found, i, j = list[Interval](), 0, 0
        while i < len(self.intervals) and j < len(other.intervals):
            (a, b), (x, y) = self.intervals[i], other.intervals[j]
            if max(a, x) <= min(b, y):
                found.append((max(a, x), min(b, y)))
            i, j = (i + 1, j) if b < y else (i, j + 1)
        return Numbers(tuple(found))

    def __or__(self, other: Numbers) -> Numbers:
        found = list[Interval]()
        for low, high in sorted((*self.intervals, *other.intervals)):
            if found and low <= _next(found[-1][1]):
                found[-1] = (found[-1][0], max(found[-1][1], high))
            else:
                found.append((low, high))
        return Numbers(tuple(found))

    def __invert__(self) -> Numbers:
        found, start = list[Interval](), -math.inf
        for low, high in self.intervals:
            if low > start:
                found.append((start, _before(low)))
            if high == math.inf:
                return Numbers(tuple(found))
            start = _next(high)
        return Numbers((*found, (start, math.inf)))

    def __bool__(self) -> bool:
        return bool(self.intervals)

    @property
    def hull(self) -> Interval:
        """The lowest and the highest of them."""
        return (self.intervals[0][0], self.intervals[-1][1]) if self.intervals else (math.inf, -math.inf)


@dataclass(frozen=True)
class Texts:
    """Some texts, or all texts but some."""

    texts: frozenset[str]
    others: bool = False

    def __and__(self, other: Texts) -> Texts:
        if self.others and other.others:
            return Texts(self.texts | other.texts, others=True)
        if self.others:
            return Texts(other.texts - self.texts)
        return Texts(self.texts - other.texts if other.others else self.texts & other.texts)

    def __or__(self, other: Texts) -> Texts:
        return ~(~self & ~other)

    def __invert__(self) -> Texts:
        return Texts(self.texts, others=not self.others)

    def __bool__(self) -> bool:
        return self.others or bool(self.texts)


Known = Numbers | Texts
NUMBERS: Final = Numbers(((-math.inf, math.inf),))
FLAGS: Final = Numbers(((0.0, 0.0), (1.0, 1.0)))
TEXTS: Final = Texts(frozenset(), others=True)


def points(numbers: Iterable[float]) -> Numbers:
    """Return a set of single numbers."""
    return Numbers(()) | Numbers(tuple((x + 0.0, x + 0.0) for x in sorted(set(numbers))))


def compared(op: str, number: float) -> Numbers:
    """Return the numbers of which a comparison with a number is true."""
    low, high = {
        "=": (number, number),
        "<": (-math.inf, _before(number)),
        "<=": (-math.inf, number),
        ">": (_next(number), math.inf),
        ">=": (number, math.inf),
    }.get(op, (number, number))
    found = Numbers(((low, high),) if low <= high else ())
    return ~found if op == "<>" else found


def _next(x: float) -> float:
    return math.nextafter(x, math.inf)


def _before(x: float) -> float:
    return math.nextafter(x, -math.inf)


@dataclass(frozen=True)
class Domain:
    """What a column can be: NULL or not, and which known values."""

    null: bool
    known: Known

    def __and__(self, other: Domain) -> Domain:
        return Domain(self.null and other.null, self.known & other.known)  # type: ignore[operator]

    def __or__(self, other: Domain) -> Domain:
        return Domain(self.null or other.null, self.known | other.known)  # type: ignore[operator]

    def __invert__(self) -> Domain:
        return Domain(not self.null, ~self.known)

    def __bool__(self) -> bool:
        return self.null or bool(self.known)
