"""The KPI table of a company, month by month: satisfaction, renewals, revenue, contacts, brand sentiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from math import nan
from typing import TYPE_CHECKING, Any, Final

from cxml.descriptive.breakdown import figure_frame, figure_row, measured
from cxml.descriptive.facts import facts_of
from cxml.descriptive.features import customers_at
from cxml.descriptive.indicators import indicator
from cxml.descriptive.intervals import Sample
from cxml.descriptive.periods import ALL_TIME, month_of, period_of
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError
from cxml.schema import columns as c
from cxml.schema.sql import literal

if TYPE_CHECKING:
    import pandas as pd

CONTACT_TYPES: Final = ("contact", "complaint")
"""The types of events that are contacts, where the caller does not say."""

_MEANS: Final = (
    "nps", "csat", "ces", "stars", "smiley", "response_rate", "renewal_rate", "comment_sentiment", "brand_sentiment"
)  # fmt: skip


def kpi(tables: Tables, *, period: str = ":", contact_types: Sequence[str] = CONTACT_TYPES) -> pd.DataFrame:
    """Return the KPIs of a company by month (UTC).

    ``nps``, ``csat``, ``ces``, ``stars``, ``smiley``, ``response_rate``, ``renewal_rate``, ``comment_sentiment`` and
    ``brand_sentiment`` are those of `indicators`. Beside them:

    - ``customers``: who is one at the end of the month, or at the moment of the data if that is earlier.
    - ``contracts_ended``: terms that ended in the month, before the moment of the data.
    - ``revenue_kept``, ``revenue_lost``: the ``price`` of those that were renewed, and that were not, as the table has
      it: nothing is annualised. ``n`` counts the terms whose price is known.
    - ``contact_cost``: the ``cost`` of `actions`, and of `events` where they have one. ``n`` counts the known costs.
    - ``contacts_per_customer``: events of the contact types, over the mean number of customers at the beginning and at
      the end of the month.

    Parameters
    ----------
    tables : Tables
    period : the months that begin in it are looked at, such as ``2023-01:``
    contact_types : values of ``event_type`` that are contacts

    Returns
    -------
    DataFrame, an INDICATORS frame
        One row per ``indicator`` and month. Counts and sums are what happened and have no interval; they begin and end
        with the first and the last row of their table: a month that no row covers is missing, not zero.

    Raises
    ------
    ConfigError
        If there is nothing to report on.
    SchemaError
        If a sentiment is not from -1 to 1.
    """
    span = period_of(period)
    means = [fact for fact in facts_of(tables) if fact.name in _MEANS]
    rows = measured(tables, means, (), ALL_TIME, monthly=True)
    customers = cache(lambda moment: len(customers_at(tables, moment)))
    rows += [*_contracts(tables), *_costs(tables), *_contacts(tables, contact_types, customers)]
    rows = [row for row in rows if month_of(row[3]).begins_in(span)]
    if not rows:
        raise ConfigError(
            f"kpi: there is nothing to report on in {span.name}; it takes `surveys`, `contracts`, `actions` or "
            f"`events`, and months that they cover."
        )
    counts = {month: customers(_moments(tables, month)[1]) for month in sorted({row[3] for row in rows})}
    return figure_frame([*rows, *(figure_row("customers", month, n, n, float(n)) for month, n in counts.items())])


def _contracts(tables: Tables) -> Iterator[tuple[Any, ...]]:
    if "contracts" not in tables:
        return
    ended = _rows("contracts", c.END_TIME, tables)
    yield from _summed(tables, "contracts_ended", ended.format(x="1"))
    if c.PRICE in tables.kinds["contracts"]:
        for name, condition in (("revenue_kept", c.RENEWED), ("revenue_lost", f"NOT {c.RENEWED}")):
            those = f"{ended.format(x=c.PRICE)} AND {condition}"
            yield from _summed(tables, name, those, covering=[f"{ended.format(x='1')} AND {c.RENEWED} IS NOT NULL"])


def _costs(tables: Tables) -> Iterator[tuple[Any, ...]]:
    times = {"actions": c.ACTION_TIME, "events": c.EVENT_TIME}
    sources = [table for table in times if table in tables and tables.kinds[table].get(c.COST) == "number"]
    if sources:
        rows = {table: _rows(table, times[table], tables).format(x=c.COST) for table in sources}
        # An action without a cost is one of unknown cost; most events are of a kind that has none.
        costs = [f"{one} AND {c.COST} IS NOT NULL" if table == "events" else one for table, one in rows.items()]
        yield from _summed(tables, "contact_cost", " UNION ALL ".join(costs), covering=list(rows.values()))


def _contacts(
    tables: Tables, contact_types: Sequence[str], customers: Callable[[datetime], int]
) -> Iterator[tuple[Any, ...]]:
    if "events" not in tables:
        return
    events = _rows("events", c.EVENT_TIME, tables).format(x="1.0")
    contacts = f"{events} AND {c.EVENT_TYPE} IN ({', '.join(map(literal, contact_types))})"
    if not tables.con.execute(f"SELECT count(*) FROM ({contacts})").fetchall()[0][0]:
        return  # no event is called so: how many contacts there were is not known
    for month, _, n_contacting, total, squares in _by_month(tables, contacts, [events]):
        n = max(round(sum(map(customers, _moments(tables, month))) / 2), n_contacting)
        if n:
            figure = indicator("contacts_per_customer", Sample(n, n, total, squares, total, n))
            yield figure_row("contacts_per_customer", month, n, n, figure.value, figure.low, figure.high)


def _summed(
    tables: Tables, name: str, rows: str, *, covering: Sequence[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    for month, n, n_customers, total, _ in _by_month(tables, rows, covering or [rows]):
        yield figure_row(name, month, n, n_customers, nan if total is None else total)


def _by_month(tables: Tables, rows: str, covering: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return month, known values, their customers, sum, and the sum of squares of the customers' sums.

    There is a row for every month from the first to the last row of ``covering``, of several the months that all of
    them cover. The sum is 0 where the month has no row, and None where the values of all its rows are unknown.
    """
    reach = " UNION ALL ".join(f"SELECT min(time) AS first, max(time) AS last FROM ({one})" for one in covering)
    found: list[tuple[Any, ...]] = tables.con.execute(f"""
        WITH months AS (
            SELECT unnest(generate_series(date_trunc('month', max(first)), min(last), INTERVAL 1 MONTH)) AS month
            FROM ({reach})
        ), customers_of AS (
            SELECT date_trunc('month', time) AS month, count(x) AS n, CAST(sum(x) AS DOUBLE) AS s
            FROM ({rows}) GROUP BY {c.CUSTOMER_ID}, date_trunc('month', time)
        )
        SELECT strftime(month, '%Y-%m'), CAST(coalesce(sum(n), 0) AS BIGINT), count(*) FILTER (n > 0),
               CASE WHEN count(n) = 0 THEN 0.0 ELSE sum(s) END, coalesce(sum(s * s), 0.0)
        FROM months LEFT JOIN customers_of USING (month) GROUP BY month ORDER BY month
    """).fetchall()  # fmt: skip
    return found


def _rows(table: str, time: str, tables: Tables) -> str:
    """Return the SQL of a table's rows of before the moment of the data; ``{x}`` stands for the value."""
    known = f" AND ({c.KNOWN_TIME} IS NULL OR {c.KNOWN_TIME} < TIMESTAMP '{tables.as_of}')"
    return (
        f"SELECT {c.CUSTOMER_ID}, {time} AS time, {{x}} AS x FROM {table} WHERE {time} < TIMESTAMP '{tables.as_of}'"
        f"{known if c.KNOWN_TIME in tables.kinds[table] else ''}"
    )


def _moments(tables: Tables, month: str) -> list[datetime]:
    """Return the beginning and the end of a month, none of them after the moment of the data."""
    period = month_of(month)
    ends = [moment for moment in (period.begin, period.end) if moment is not None]
    return [moment if tables.as_of is None else min(moment, tables.as_of) for moment in ends]
