"""Indicators, comparisons and KPIs as text that a manager can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from cxml.report.aligned_text import aligned
from cxml.schema import columns as c
from cxml.schema.figures import FIGURES

if TYPE_CHECKING:
    import pandas as pd

_WIDTH: Final = 100


def indicator_text(frame: pd.DataFrame) -> str:
    """Return an INDICATORS frame as text: value, interval, answers and customers of each group, figure by figure."""
    monthly, label = frame[c.PERIOD].nunique() > 1, _labels(frame)
    lines: list[Sequence[str]] = []
    for name, rows in frame.groupby(c.INDICATOR, sort=False):
        figure = FIGURES[str(name)]
        lines.append([figure.title, *(["period"] if monthly else []), "value", "95% interval", "n", "customers"])
        for row in _rows(rows):
            shown = [figure.written(row.value), _interval(figure.written, row.low, row.high)]
            period = [row.period] if monthly else []
            lines.append([label(row), *period, *shown, f"{row.n:,}", f"{row.n_customers:,}"])
        lines.append([])
    return "\n".join(
        [
            *aligned(lines, left=1 + monthly),
            "An interval takes the answers for a random sample; who did not answer may think otherwise.",
        ]
    )


def comparison_text(frame: pd.DataFrame, before: str, after: str) -> str:
    """Return a COMPARISONS frame as text; a star marks what Holm's adjustment leaves below 0.05."""
    lines: list[Sequence[str]] = []
    label = _labels(frame)
    for name, rows in frame.groupby(c.INDICATOR, sort=False):
        figure = FIGURES[str(name)]
        lines.append([figure.title, before, "n", after, "n", "change", "95% interval", "p", "Holm", ""])
        for row in _rows(rows):
            old, new = figure.written(row.value_before), figure.written(row.value_after)
            change = [figure.change(row.difference), _interval(figure.change, row.low, row.high)]
            p = [_p(row.p_value), _p(row.p_holm), "*" if row.p_holm < 0.05 else ""]
            lines.append([label(row), old, f"{row.n_before:,}", new, f"{row.n_after:,}", *change, *p])
        lines.append([])
    return "\n".join(
        [
            *aligned(lines, left=1),
            "Shares change by points. p: the probability of a change at least as large by chance alone; Holm: adjusted",
            "for the rows of the same grouping. * below 0.05 after that.",
        ]
    )


def kpi_text(frame: pd.DataFrame, *, currency: str, unfinished: str | None = None) -> str:
    """Return a frame of KPIs as text: a row per month, in as many tables as it takes to stay 100 columns wide.

    Parameters
    ----------
    frame : INDICATORS frame by month, as `cxml.descriptive.kpi.kpi` gives it
    currency : of its sums of money
    unfinished : the month that was not over at the moment of the data, such as ``2024-06``
    """
    found = {(row.indicator, row.period): row for row in _rows(frame)}
    months = sorted(frame[c.PERIOD].unique())
    shown = ["month", *(f"{month}{' so far' if month == unfinished else ''}" for month in months)]
    blocks: list[list[list[str]]] = []
    for name in frame[c.INDICATOR].unique():
        column = [_heading(name, currency), *(_cell(name, found.get((name, month))) for month in months)]
        if not blocks or _width([shown, *blocks[-1], column]) > _WIDTH:
            blocks.append([])
        blocks[-1].append(column)
    lines = [line for block in blocks for line in (*_headed([shown, *block]), "")]
    return "\n".join([*lines, *_kpi_notes(frame)])


def _kpi_notes(frame: pd.DataFrame) -> Iterator[str]:
    yield "± is half of the 95% interval, ? where it cannot be known. Months that a table does not cover are empty."
    n = frame.groupby(c.INDICATOR)[c.N].sum()
    ended, known = (int(n.get(name, 0)) for name in ("contracts_ended", "renewal_rate"))
    if known < ended:
        yield f"{ended - known:,} of {ended:,} contracts that ended: not known whether they were renewed."
    priced = int(n.get("revenue_kept", 0) + n.get("revenue_lost", 0))
    if "revenue_kept" in n and priced < known:
        yield f"{known - priced:,} of {known:,} contracts that were renewed or not: no price, so in no revenue."


def _heading(name: str, currency: str) -> str:
    figure = FIGURES[name]
    title = figure.title.split(" (")[0]
    return f"{title} {currency}" if figure.unit == "money" else title


def _cell(name: str, row: Any) -> str:
    if row is None:
        return ""
    figure = FIGURES[name]
    if figure.unit in ("count", "money"):
        return figure.written(row.value)
    half = (row.high - row.low) / 2
    return f"{figure.written(row.value)} ±{figure.change(half).lstrip('+') or '?'}"


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(2 + max(*map(len, column[0].split()), *map(len, column[1:])) for column in columns) - 2


def _headed(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return columns as lines, the words of their headings one below the other."""
    heads = [column[0].split() for column in columns]
    depth = max(map(len, heads))
    top = [[([""] * (depth - len(head)) + head)[i] for head in heads] for i in range(depth)]
    return aligned([*top, *zip(*(column[1:] for column in columns), strict=True)], left=1)


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _labels(frame: pd.DataFrame) -> Callable[[Any], str]:
    """Return what labels a row by its grouping and group."""
    width = max(map(len, frame[c.BY]))

    def label(row: Any) -> str:
        if row.by == "all":
            return str(row.by)
        return f"{row.by:<{width}}  {row.group if isinstance(row.group, str) else '(unknown)'}"

    return label


def _interval(written: Callable[[float], str], low: float, high: float) -> str:
    return f"[{written(low)}, {written(high)}]" if isfinite(low) else "unknown"


def _p(p: float) -> str:
    return "" if not isfinite(p) else "<0.001" if p < 0.001 else f"{p:.3f}"
