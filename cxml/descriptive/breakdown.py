"""The indicators of a company, by group and month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from typing import TYPE_CHECKING, Any, Final

from cxml.descriptive.facts import Facts, answers_sql, facts_of, groupable, groups_of
from cxml.descriptive.indicators import indicator
from cxml.descriptive.intervals import Sample
from cxml.descriptive.periods import MONTH, Period, period_of
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.figures import FIGURES
from cxml.schema.frames import INDICATORS
from cxml.schema.sql import literal

if TYPE_CHECKING:
    import pandas as pd

ALL: Final = "all"
SUMS: Final = "sum({m}), count({m}), sum({s}), sum({s} * {s}), sum({s} * {m}), sum({m} * {m})"
"""SQL of the fields of a `Sample`, over customers with answers."""


def indicators(tables: Tables, by: Sequence[str] = (), *, period: str = ":") -> pd.DataFrame:
    """Return every indicator that a company's tables can give, for everyone and by group.

    An answer counts when it was given (``response_time``, in UTC), an invitation when it was sent; the invitations of
    the last 14 days, which may still be answered, do not count yet.

    Parameters
    ----------
    tables : Tables
    by : names of columns, each a grouping of its own
        Names or flags of `surveys` (``touchpoint``, ``channel``, ...) or of the customers (``segment``, ``region``,
        ...); ``month`` among them splits every group, and everyone, by month.
    period : what is looked at, such as ``2024-01:2024-03``; see `cxml.descriptive.periods.period_of`

    Returns
    -------
    DataFrame, an INDICATORS frame
        One row per ``indicator``, ``by`` (``all``, or the column), ``group`` (missing where it is not known) and
        ``period``: ``n`` answers of ``n_customers`` customers, ``value`` and its 95% interval from ``low`` to ``high``
        in ``unit`` (points of NPS, share 0-1, score of the instrument's own scale). A group without answers has no
        row; an interval that cannot be known, of a single customer, is missing.

    Raises
    ------
    ConfigError
        If there is nothing to report on, or a column to group by is not there.
    SchemaError
        If a sentiment is not from -1 to 1.
    """
    span, groupings = period_of(period), [column for column in dict.fromkeys(by) if column != MONTH]
    facts = facts_for(tables, groupings)
    if not (rows := measured(tables, facts, groupings, span, monthly=MONTH in by)):
        raise ConfigError(
            f"indicators: there is nothing to report on in {span.name}{_reach(tables)}; they take `surveys`, and "
            f"`contracts` that have ended. Bring one, or choose another period."
        )
    return figure_frame(rows)


def measured(
    tables: Tables, facts: Sequence[Facts], by: Sequence[str], span: Period, *, monthly: bool
) -> list[tuple[Any, ...]]:
    """Return the rows of an INDICATORS frame: each figure for everyone and by group, in a span or each month of it."""
    period, rows = "strftime(time, '%Y-%m')" if monthly else literal(span.name), []
    for fact in facts:
        for column in (None, *groups_of(tables, fact, by)):
            found = tables.con.execute(f"""
                SELECT grp, period, {SUMS.format(m="m", s="s")}
                FROM (SELECT grp, {period} AS period, CAST(count(*) AS DOUBLE) AS m, sum(x) AS s
                      FROM ({answers_sql(tables, fact, column)}) WHERE {span.within("time")}
                      GROUP BY {c.CUSTOMER_ID}, grp, period)
                GROUP BY grp, period ORDER BY grp NULLS LAST, period
            """).fetchall()  # fmt: skip
            for group, when, n, n_customers, *sums in found:
                figure = indicator(fact.name, Sample(int(n), int(n_customers), *sums))
                interval = (figure.value, figure.low, figure.high)
                rows.append(figure_row(fact.name, when, int(n), int(n_customers), *interval, by=column, group=group))
    return rows


def figure_row(
    name: str,
    period: str,
    n: int,
    n_customers: int,
    value: float,
    low: float = nan,
    high: float = nan,
    *,
    by: str | None = None,
    group: str | None = ALL,
) -> tuple[Any, ...]:
    """Return a row of an INDICATORS frame, of everyone where no grouping is named."""
    return name, by or ALL, group, period, FIGURES[name].unit, n, n_customers, value, low, high


def figure_frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows as a checked INDICATORS frame, in the order of the figures."""
    import pandas as pd

    columns = [column.name for column in INDICATORS.columns]
    frame = pd.DataFrame(in_order(rows), columns=columns)
    return checked_frame(frame, INDICATORS)


def facts_for(tables: Tables, by: Sequence[str]) -> tuple[Facts, ...]:
    """Return what indicators are made of, or raise `ConfigError` where there is nothing, or nothing to group by."""
    facts = facts_of(tables)
    if not facts:
        raise ConfigError(
            f"indicators: need `surveys`, `contracts` or a number `sentiment` in `events`; this company has "
            f"{_and(tables.kinds)} alone. Add a table of answers to the tables section."
        )
    groupable(tables, facts, by)
    return facts


def in_order(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows that begin with the name of a figure in the order of the figures, and as they came within it."""
    order = list(FIGURES)
    return sorted(rows, key=lambda row: order.index(row[0]))


def _and(names: Iterable[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def _reach(tables: Tables) -> str:
    """Return from when to when there are answers, as the end of a sentence."""
    report = next((report for report in tables.reports if report.table == "surveys"), None)
    if report is None or report.first_time is None or report.last_time is None:
        return ""
    return f"; surveys has answers from {report.first_time:%Y-%m-%d} to {report.last_time:%Y-%m-%d}"
