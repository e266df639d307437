"""A cell of a plan as a function of one customer at one moment: places in sorted times, and totals between them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from math import fsum, log2, sqrt
from typing import Any, Final

from cxml.conditions.closures import value
from cxml.conditions.tree import Tree
from cxml.descriptive.plain import DAY_US
from cxml.descriptive.plan import IN_FORCE, WEIGHTED, Cell
from cxml.descriptive.series import Series
from cxml.schema import columns as c

# Variances from running totals lose digits where values are far from zero and close together; then both passes are run.
_CANCELLED: Final = 1e-4
# Each different name costs a search, each fact a step: from so many facts a name the searches are faster.
_FACTS_A_NAME: Final = 8


class Moment:
    """One customer at one moment: the series of each table as known then, the customer's row, what others share.

    ``midnight`` is that before it, with the series that the surroundings were exported with, where segments are read.
    """

    __slots__ = ("as_of", "customer", "midnight", "series", "surroundings")

    def __init__(self, as_of: int, series: Sequence[Sequence[Series]], customer: Any, surroundings: Any) -> None:
        self.as_of, self.series, self.customer, self.surroundings = as_of, series, customer, surroundings
        self.midnight: Moment | None = None


Reader = Callable[[Moment], Any]
Span = Callable[[Sequence[int], int], tuple[int, int]]
Ask = Callable[..., tuple[int, int]]
"""Gives the number of a table and the place in it of the series of a value, and adds to what is kept of that."""

EVERY_ROW: Final[Tree] = ["number", 1.0]
WHOLE_ROW: Final[Tree] = ["row"]
"""Stands for the value that is the row itself."""


def cell_reader(cell: Cell, ask: Ask, *, weighted: bool) -> Reader:
    """Return the function that gives the value of a cell, None where it is unknown.

    Parameters
    ----------
    cell : Cell
    ask : what gives the place of the series of a value, under the condition of the cell
    weighted : whether the table has a confidence
    """
    if cell.aggregate in IN_FORCE:
        return _of_term(cell, ask)
    reader = _windowed(cell, ask, weighted=weighted and cell.aggregate in WEIGHTED)
    return (lambda m: None if m.midnight is None else reader(m.midnight)) if cell.by_day else reader


def _windowed(cell: Cell, ask: Ask, *, weighted: bool) -> Reader:
    if cell.aggregate in _OF_ROWS:
        table, place = ask(EVERY_ROW, days=cell.aggregate == "days_active")
        return _looked_at(cell, table, place, _OF_ROWS[cell.aggregate])
    if cell.aggregate == "count":
        table, place = ask(cell.value or EVERY_ROW, totals=("weight",) if weighted else (), weights=weighted)
        return _looked_at(cell, table, place, _weights if weighted else _number)
    if cell.aggregate == "mean":
        table, place = ask(
            cell.value or EVERY_ROW,
            totals=("weighted", "weight") if weighted else ("value",),
            values=True,
            weights=weighted,
        )
        return _looked_at(cell, table, place, _weighted_mean if weighted else _mean)
    if cell.aggregate == "sum":
        total = _weighted_sum if weighted else _sum
        return _zero_without_rows(
            cell, ask, total, totals=("weighted" if weighted else "value",), values=True, weights=weighted
        )
    if cell.aggregate == "decay" and cell.half_life_days is not None:
        days = cell.half_life_days

        def decayed(series: Series, i: int, j: int, as_of: int) -> float:
            return series.decays[days].between(i, j, as_of)

        return _zero_without_rows(
            cell, ask, decayed, half_lives=(days,), values=cell.value is not None, weights=weighted
        )
    totals = ("value", "square") if cell.aggregate == "std" else ()
    table, place = ask(
        cell.value or EVERY_ROW, totals=totals, names=cell.aggregate in ("distinct", "entropy"), values=True
    )
    return _looked_at(cell, table, place, _OF_VALUES[cell.aggregate])


def _span(cell: Cell) -> Span:
    """Return the function that gives the places of a window in sorted times."""
    if cell.begin_days is None:
        return lambda times, as_of: (0, bisect_left(times, as_of))
    begin, end = cell.begin_days * DAY_US, cell.end_days * DAY_US
    return lambda times, as_of: (bisect_left(times, as_of - begin), bisect_left(times, as_of - end))


def _looked_at(cell: Cell, table: int, place: int, found: Callable[[Series, int, int, int], Any]) -> Reader:
    """Return the reader of what is found in the window of a cell."""
    begin, span = (cell.begin_days or 0) * DAY_US, _span(cell)

    def of_all(m: Moment) -> Any:
        series, as_of = m.series[table][place], m.as_of
        return found(series, 0, bisect_left(series.times, as_of), as_of)

    def of_trailing(m: Moment) -> Any:
        series, as_of = m.series[table][place], m.as_of
        times = series.times
        return found(series, bisect_left(times, as_of - begin), bisect_left(times, as_of), as_of)

    def of_earlier(m: Moment) -> Any:
        series, as_of = m.series[table][place], m.as_of
        return found(series, *span(series.times, as_of), as_of)

    return of_all if cell.begin_days is None else of_earlier if cell.end_days else of_trailing


def _zero_without_rows(cell: Cell, ask: Ask, found: Callable[[Series, int, int, int], float], **kept: Any) -> Reader:
    """Return the reader of a total that is 0 without a fact, and unknown where facts have no known value."""
    span = _span(cell)
    table, rows = ask(EVERY_ROW)
    _, place = ask(cell.value or EVERY_ROW, **kept)

    def reader(m: Moment) -> float | None:
        series, as_of = m.series[table][place], m.as_of
        i, j = span(series.times, as_of)
        if i < j:
            return found(series, i, j, as_of)
        i, j = span(m.series[table][rows].times, as_of)
        return None if i < j else 0.0

    return reader


def _of_term(cell: Cell, ask: Ask) -> Reader:
    """Return the reader of what is said of the contract in force: the last of those that have not ended."""
    table, place = ask(WHOLE_ROW, values=True)
    said = (
        _OF_TERM[cell.aggregate] if cell.value is None else _column(value(cell.value), flag=cell.value_kind == "flag")
    )

    def reader(m: Moment) -> Any:
        series, as_of = m.series[table][place], m.as_of
        rows = series.values
        for i in range(bisect_left(series.times, as_of) - 1, -1, -1):
            if rows[i][c.END_TIME] >= as_of:
                return said(rows, i, as_of)
        return None

    return reader


def _column(of_row: Callable[[Any], Any], *, flag: bool) -> Callable[[Sequence[Any], int, int], Any]:
    def said(rows: Sequence[Any], i: int, as_of: int) -> Any:
        found = of_row(rows[i])
        return float(found) if flag and found is not None else found

    return said


def _price_change(rows: Sequence[Any], i: int, as_of: int) -> float | None:
    """Return the price minus that of the term before; the first term has none before it."""
    price, before = rows[i][c.PRICE], rows[i - 1][c.PRICE] if i else None
    return None if price is None or before is None else price - before


def _number(series: Series, i: int, j: int, as_of: int) -> float:
    return float(j - i)


def _weights(series: Series, i: int, j: int, as_of: int) -> float:
    return series.totals["weight"].between(i, j)


def _sum(series: Series, i: int, j: int, as_of: int) -> float:
    return series.totals["value"].between(i, j)


def _weighted_sum(series: Series, i: int, j: int, as_of: int) -> float:
    return series.totals["weighted"].between(i, j)


def _mean(series: Series, i: int, j: int, as_of: int) -> float | None:
    return series.totals["value"].between(i, j) / (j - i) if i < j else None


def _weighted_mean(series: Series, i: int, j: int, as_of: int) -> float | None:
    weights = series.totals["weight"].between(i, j)
    return series.totals["weighted"].between(i, j) / weights if weights else None


def _std(series: Series, i: int, j: int, as_of: int) -> float | None:
    n = j - i
    if n < 2:
        return None
    squares, mean = series.totals["square"].between(i, j), series.totals["value"].between(i, j) / n
    rest = squares - n * mean * mean
    if not rest > _CANCELLED * squares:  # also where it is no number
        rest = fsum((x - mean) ** 2 for x in series.values[i:j])
    return sqrt(rest / (n - 1))


def _distinct(series: Series, i: int, j: int, as_of: int) -> float:
    return float(len(_counts(series, i, j)))


def _entropy(series: Series, i: int, j: int, as_of: int) -> float | None:
    n = j - i
    return abs(fsum(k / n * log2(k / n) for k in _counts(series, i, j))) if n else None


def _counts(series: Series, i: int, j: int) -> Sequence[int]:
    """Return how often each value is there."""
    names = series.names
    if names is None or len(names.times) * _FACTS_A_NAME >= j - i:
        return list(Counter(series.values[i:j]).values())
    times = series.times
    begin, last = times[i], times[j - 1]
    counts = (bisect_left(of, last + 1) - bisect_left(of, begin) for of in names.times.values())
    return [k for k in counts if k]


_OF_ROWS: Final[dict[str, Callable[[Series, int, int, int], Any]]] = {
    "rows": _number,
    "newest": lambda series, i, j, as_of: (as_of - series.times[j - 1]) / DAY_US if i < j else None,
    "oldest": lambda series, i, j, as_of: (as_of - series.times[i]) / DAY_US if i < j else None,
    "days_active": lambda series, i, j, as_of: float(series.days.between(i, j)) if i < j and series.days else 0.0,
}
_OF_VALUES: Final[dict[str, Callable[[Series, int, int, int], Any]]] = {
    "std": _std,
    "distinct": _distinct,
    "entropy": _entropy,
    "min": lambda series, i, j, as_of: min(series.values[i:j]) if i < j else None,
    "max": lambda series, i, j, as_of: max(series.values[i:j]) if i < j else None,
    "last": lambda series, i, j, as_of: series.values[j - 1] if i < j else None,
    "first": lambda series, i, j, as_of: series.values[i] if i < j else None,
}
_OF_TERM: Final[dict[str, Callable[[Sequence[Any], int, int], Any]]] = {
    "days_since_start": lambda rows, i, as_of: (as_of - rows[i][c.START_TIME]) / DAY_US,
    "days_to_end": lambda rows, i, as_of: (rows[i][c.END_TIME] - as_of) / DAY_US,
    "price_change": _price_change,
}
