"""The facts of one customer in one table: sorted out by the conditions of the features, and as they were once known.

Each fact goes into the series of every condition that lets it through, as soon as it comes in. Where a fact became
known after it happened, or a contract's outcome is not known yet, a moment before that has series of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cxml.conditions.closures import Row, Truth, Value
from cxml.descriptive.plain import Rows
from cxml.descriptive.series import Kept, Series
from cxml.schema import columns as c

# Moments of the past for which series are kept at a time: a midnight and an hour or two.
_MOST_KEPT: Final = 4


@dataclass(frozen=True)
class Stream:
    """A condition (None: every fact), and of what it lets through, the values of which series are kept."""

    where: Truth | None
    series: tuple[tuple[int, Value, Kept], ...]
    """The place of each series, the value of a row (None: the fact is left out), and what is kept of them."""


@dataclass(frozen=True)
class Layout:
    """What is kept of one table: how its rows are read, and the streams they go into.

    ``time`` is the column from which a row is a fact; ``known`` says whether it can become known later, ``weighted``
    whether it counts for its confidence, ``outcome`` whether something is asked of how a contract ended.
    """

    table: str
    rows: Rows
    time: str
    known: bool
    weighted: bool
    outcome: bool
    streams: tuple[Stream, ...]
    n_series: int


class _Fact(NamedTuple):
    order: Any  # by which the facts of a table are sorted; of the same, the one added later is the later one
    time: int
    known: int  # when it became known
    ended: int | None  # when its outcome became known, where there is one
    row: Row


class Streams:
    """The facts of one customer in one table."""

    def __init__(self, layout: Layout, rows: Iterable[Row] = ()) -> None:
        self.layout = layout
        self._facts = sorted((self._fact(row) for row in rows), key=_order)
        self._refresh()

    def rows(self) -> list[Row]:
        """Return the rows that were handed over, in the order in which they count."""
        return [fact.row for fact in self._facts]

    def add(self, row: Row) -> None:
        """Add a row; a contract takes the place of the one with its id."""
        fact = self._fact(row)
        if self.layout.table == "contracts":
            kept = [old for old in self._facts if old.row[c.CONTRACT_ID] != row[c.CONTRACT_ID]]
            self._facts = sorted([*kept, fact], key=_order)
            self._refresh()
            return
        facts = self._facts
        if not facts or facts[-1].order <= fact.order:
            facts.append(fact)
        else:
            facts.insert(bisect_right(facts, fact.order, key=_order), fact)
        self._as_known.clear()
        if fact.known > fact.time:
            insort(self._changes, fact.known)
        self._insert(self._now, fact)

    def series(self, as_of: int) -> list[Series]:
        """Return the series of what was known before a moment; facts at or after it may be among them."""
        changes = self._changes
        if not changes or changes[-1] < as_of:
            return self._now
        since = bisect_left(changes, as_of)  # what is known is the same from one change to the next
        if (found := self._as_known.get(since)) is not None:
            return found
        # A fact that was known at once is among them whenever it was: the series know its time.
        known = (fact for fact in self._facts if fact.known < as_of or fact.known == fact.time)
        found = self._filled(_without_outcome(fact, as_of) for fact in known)
        if len(self._as_known) >= _MOST_KEPT:
            self._as_known.clear()
        self._as_known[since] = found
        return found

    def _refresh(self) -> None:
        known = [fact.known for fact in self._facts if fact.known > fact.time]
        self._changes = sorted([*known, *(fact.ended for fact in self._facts if fact.ended is not None)])
        self._as_known: dict[int, list[Series]] = {}
        self._now = self._filled(self._facts)

    def _fact(self, row: Row) -> _Fact:
        layout, time = self.layout, row[self.layout.time]
        known = row[c.KNOWN_TIME] if layout.known else None
        order = (time, row[c.CONTRACT_ID]) if layout.table == "contracts" else time
        ended = row[c.END_TIME] if layout.outcome and row[c.RENEWED] is not None else None
        return _Fact(order, time, time if known is None else max(known, time), ended, row)

    def _filled(self, facts: Iterable[_Fact]) -> list[Series]:
        found: list[Series | None] = [None] * self.layout.n_series
        facts = list(facts)
        for stream in self.layout.streams:
            let_through = [f for f in facts if stream.where is None or stream.where(f.row) is True]
            for place, value, kept in stream.series:
                of_facts = ((f.time, value(f.row), self._weight(f)) for f in let_through)
                found[place] = Series(kept, (fact for fact in of_facts if fact[1] is not None))
        return found  # type: ignore[return-value]  # every place is filled

    def _insert(self, series: list[Series], fact: _Fact) -> None:
        row, time, weight = fact.row, fact.time, self._weight(fact)
        for stream in self.layout.streams:
            if stream.where is None or stream.where(row) is True:
                for place, value, _ in stream.series:
                    if (x := value(row)) is not None:
                        series[place].insert(time, x, weight)

    def _weight(self, fact: _Fact) -> float:
        if not self.layout.weighted:
            return 1.0
        confidence: float | None = fact.row[c.CONFIDENCE]
        return 1.0 if confidence is None else confidence


def _order(fact: _Fact) -> Any:
    return fact.order


def _without_outcome(fact: _Fact, as_of: int) -> _Fact:
    """Return a fact without the outcome that is not known before a moment."""
    if fact.ended is None or fact.ended < as_of:
        return fact
    return fact._replace(row={**fact.row, c.RENEWED: None})
