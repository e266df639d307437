"""Periods that figures are reported for: months, days, and spans of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cxml.errors import ConfigError

MONTH = "month"


@dataclass(frozen=True)
class Period:
    """From a moment (included) to a moment (excluded), naive UTC; None is open."""

    name: str
    begin: datetime | None = None
    end: datetime | None = None

    def within(self, time: str) -> str:
        """Return the SQL condition that a column of times lies in the period."""
        bounds = [f"{time} >= TIMESTAMP '{self.begin}'"] if self.begin else []
        bounds += [f"{time} < TIMESTAMP '{self.end}'"] if self.end else []
        return " AND ".join(bounds) or "TRUE"

    def begins_in(self, other: Period) -> bool:
        """Return whether the period begins within another; an open beginning lies in an open one alone."""
        if self.begin is None:
            return other.begin is None
        after = other.begin is None or other.begin <= self.begin
        return after and (other.end is None or self.begin < other.end)

    def overlaps(self, other: Period) -> bool:
        """Return whether some moment is in both."""
        begins = [period.begin for period in (self, other) if period.begin]
        ends = [period.end for period in (self, other) if period.end]
        return not begins or not ends or max(begins) < min(ends)


ALL_TIME = Period("all")


def period_of(text: str) -> Period:
    """Return the period that a text names, both ends included: ``2024-01:2024-03``, ``2023``, ``2023-12-15:``.

    Raises
    ------
    ConfigError
        If the text is not a year, a month, a day or a span of them, or the span ends before it begins.
    """
    first, colon, last = text.partition(":")
    if not colon:
        last = first
    try:
        begin = _moment(first)[0] if first else None
        end = _moment(last)[1] if last else None
    except ValueError:
        raise ConfigError(
            f"period: must be a year, a month, a day, or a span of them; it is {text!r}. Write it as 2023, 2024-05, "
            f"2024-01:2024-03 or 2024-01-15:2024-02-14; either end may be left out."
        ) from None
    if begin and end and begin >= end:
        raise ConfigError(f"period: must not end before it begins; {text!r} does.")
    return Period(text if first or last else ALL_TIME.name, begin, end)


def month_of(name: str) -> Period:
    """Return the period of a month such as ``2024-05``."""
    return Period(name, *_moment(name))


def _moment(text: str) -> tuple[datetime, datetime]:
    """Return when a day, a month or a year begins, and when the next one does."""
    if len(text) == len("2024"):
        begin = datetime.strptime(text, "%Y")
        return begin, begin.replace(year=begin.year + 1)
    if len(text) == len("2024-05"):
        begin = datetime.strptime(text, "%Y-%m")
        return begin, (begin + timedelta(days=31)).replace(day=1)
    begin = datetime.strptime(text, "%Y-%m-%d")
    return begin, begin + timedelta(days=1)
