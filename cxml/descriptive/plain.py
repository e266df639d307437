"""Rows as a service hands them over, brought to plain values: numbers, texts, flags, and times as whole microseconds.

A time is counted in microseconds since 1970 in UTC; one without a zone is in UTC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, Final, NamedTuple

import numpy as np

from cxml.errors import SchemaError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.tables import Column, Kind, Schema

DAY_US: Final = 86_400_000_000
EPOCH: Final = datetime(1970, 1, 1)

_REMEDY: Final = (
    "Correct it; a fact is given as the tables have it once they are read, a score on its instrument's scale."
)
_SAYS: Final[Mapping[Kind, str]] = {
    "key": "must be text",
    "category": "must be text",
    "text": "must be text",
    "number": "must be a finite number",
    "flag": "must be true or false",
    "time": "must be a time such as 2024-05-31T14:00:00Z",
}


class Rows:
    """What a row of one table holds: the columns that can be there, and those that are read.

    Parameters
    ----------
    table : its name, for the messages of errors
    kinds : the kind of every column that can be there
    needed : the columns that must be there, known or not
    optional : columns that are read where they are there, and unknown where they are left out
    filled : columns that must be known
    schema : Schema, optional
        Its ranges and rules are kept, as the tables keep them; those columns are read as well.
    """

    def __init__(
        self,
        table: str,
        kinds: Mapping[str, Kind],
        needed: Iterable[str],
        *,
        optional: Iterable[str] = (),
        filled: Iterable[str] = (),
        schema: Schema | None = None,
    ) -> None:
        self.table, self.kinds, self.filled = table, kinds, tuple(filled)
        self.needed = tuple(dict.fromkeys((*needed, *self.filled)))
        self._known = frozenset((*kinds, c.CUSTOMER_ID))
        self._needed = tuple((name, _READERS[kinds[name]]) for name in self.needed)
        self._rules = () if schema is None else tuple(_rules(schema, kinds))
        read = dict.fromkeys((*optional, *(name for rule in self._rules for name in rule.needs)))
        self._optional = tuple((name, _READERS[kinds[name]]) for name in read if name not in self.needed)

    def plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a row that are read, as plain values.

        Raises
        ------
        SchemaError
            If a column is unknown, a needed one is missing, a value is of another kind or out of range, or a rule of
            the table is broken; all faults together.
        """
        try:
            found = {name: read(row[name]) for name, read in self._needed}
            for name, read in self._optional:
                found[name] = read(row.get(name))
        except (KeyError, ValueError, TypeError, AttributeError):
            raise SchemaError(self._faults(row)) from None
        if not row.keys() <= self._known or any(found[name] is None for name in self.filled):
            raise SchemaError(self._faults(row))
        for rule in self._rules:
            if rule.breaks(found):
                raise SchemaError(self._faults(row))
        return found

    def _faults(self, row: Any) -> str:
        if not isinstance(row, Mapping):
            return f"{self.table}: a row must be a dict; it is a {type(row).__name__}."
        faults = [
            f"{self.table}: has no column {name!r}{near_miss(str(name), self._known) or '.'}"
            for name in row
            if name not in self._known
        ]
        faults += [
            f"{self.table}.{name}: is missing."
            + ("" if name in self.filled else " A value that is not known is given as None, not left out.")
            for name in self.needed
            if name not in row
        ]
        found = {}
        for name, read in (*self._needed, *self._optional):
            try:
                found[name] = read(row.get(name))
                if found[name] is None and name in self.filled and name in row:
                    faults.append(f"{self.table}.{name}: must be filled.")
            except (ValueError, TypeError, AttributeError):
                faults.append(f"{self.table}.{name}: {_SAYS[self.kinds[name]]}; it is {row[name]!r}.")
        faults += [
            f"{self.table}.{rule.column}: {rule.says}; it is {row.get(rule.column)!r}. {_REMEDY}"
            for rule in self._rules
            if found.keys() >= set(rule.needs) and rule.breaks(found)
        ]
        return listed(faults)


class _Rule(NamedTuple):
    """A rule over one row of plain values: a range of the schema, or one of its rules."""

    column: str
    says: str
    needs: tuple[str, ...]
    breaks: Callable[[Mapping[str, Any]], bool]


def _rules(schema: Schema, kinds: Mapping[str, Kind]) -> Iterator[_Rule]:
    """Return what can be broken by a row with these columns."""
    for column in schema.columns:
        if column.name in kinds and (column.low is not None or column.high is not None):
            yield _Rule(column.name, column.range_says, (column.name,), _out_of_range(column))
    for rule in schema.rules:
        if rule.breaks is not None and kinds.keys() >= set(rule.needs):
            yield _Rule(rule.column, rule.says, rule.needs, rule.breaks)


def _out_of_range(column: Column) -> Callable[[Mapping[str, Any]], bool]:
    name = column.name
    low, high = (-math.inf if column.low is None else column.low), (math.inf if column.high is None else column.high)

    def breaks(row: Mapping[str, Any]) -> bool:
        found = row[name]
        return found is not None and not low <= found <= high

    return breaks


def microseconds(moment: Any, name: str) -> int:
    """Return a moment in microseconds since 1970 in UTC.

    Raises
    ------
    SchemaError
        If it is no moment.
    """
    try:
        found = _time(moment)
    except (ValueError, TypeError, AttributeError):
        found = None
    if found is None:
        raise SchemaError(f"{name}: {_SAYS['time']}; it is {moment!r}.")
    return found


def utc(since_1970_us: int) -> datetime:
    """Return microseconds since 1970 as a naive datetime in UTC."""
    return EPOCH + timedelta(microseconds=since_1970_us)


def _unknown(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT (both are unequal to themselves), or pandas' NA, known by its name."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _number(value: Any) -> float | None:
    if type(value) is not float and _unknown(value):
        return None
    if not isinstance(value, float | Real | np.bool_ | Decimal):
        raise TypeError
    number = float(value)
    if math.isinf(number):
        raise ValueError
    return number if number == number else None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if _unknown(value):
        return None
    raise TypeError


def _flag(value: Any) -> bool | None:
    if value is True or value is False:
        return value
    if _unknown(value):
        return None
    if isinstance(value, Real | np.bool_) and value in (0, 1):
        return bool(value)
    raise TypeError


def _time(value: Any) -> int | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif _unknown(value):
        return None
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        since: timedelta = value - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").astype(np.int64))
    if isinstance(value, date):
        return (value - EPOCH.date()).days * DAY_US
    raise TypeError


_READERS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "key": _text,
    "category": _text,
    "text": _text,
    "number": _number,
    "flag": _flag,
    "time": _time,
}
