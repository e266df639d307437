"""What a customer brought within the horizon: prices of contracts for as long as they ran, or money of events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import log
from typing import TYPE_CHECKING, Final

from cxml.conditions.parse import condition
from cxml.conditions.sql import sql
from cxml.config.labels import ValueLabel
from cxml.descriptive.asked import asked, values_of
from cxml.descriptive.snapshot_labels import snapshot_amounts
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, SchemaError, TrainingError, broken_by, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

_YEAR: Final = 365.25  # days, leap years counted
_PERIOD_DAYS: Final[Mapping[str, float]] = {
    "day": 1.0, "week": 7.0, "month": _YEAR / 12, "quarter": _YEAR / 4, "year": _YEAR,
}  # fmt: skip
_DAY_US: Final = 86_400_000_000


def value_labels(tables: Tables, label: ValueLabel, at: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what each customer brought within the horizon after each moment.

    By contracts: a row is a customer with a contract in force at the moment (as in the features), the label the price
    of a day x the days that contracts ran within [as_of, as_of + horizon), renewals and terms that began later among
    them. By events: a row is a customer with such an event strictly before the moment, the label the sum of the column
    over the events in [as_of, as_of + horizon); what was sent back counts below 0, and nobody without an event brings
    anything but 0. A year's discount rate makes less of what comes later.

    The row is known from the last microsecond of its horizon, and says what was known then. A row whose horizon ends
    after the moment of the data is censored: there is none. The moments go back from the last whose horizon has ended;
    the first ones wait until 1% of the customers have begun, by events until one horizon after that, and by contracts
    for the first events, where three horizons follow them.

    By a column of the customers: see `snapshot_amounts`.

    Parameters
    ----------
    tables : Tables
    label : ValueLabel
    at : DataFrame with ``customer_id`` and ``as_of`` (naive UTC), optional
        Customers and moments that are asked about in place of everybody every so many days; by events, also those who
        had none before: they brought what came after.

    Returns
    -------
    DataFrame of shape (n_rows, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (money, discounted), by key.

    Raises
    ------
    ConfigError
        If there is no such table, column, type of event, or event.
    SchemaError
        If the column is missing where it counts.
    TrainingError
        If no horizon that has ended began after the first contract or event.
    """
    if label.table:
        return snapshot_amounts(tables, label, at)
    counted = _events(tables, label) if label.event else _contracts(tables, label)
    start = c.EVENT_TIME if label.event else c.START_TIME
    regular = [] if at is not None else _moments(_begun(tables, counted, start, label), tables.moment, label)
    moments = asked(tables, values_of(regular), at)
    end = f"{c.AS_OF} + INTERVAL {label.horizon_days} DAY"
    past = f"{start} < {c.AS_OF} AND {c.KNOWN_TIME} < {c.AS_OF}"
    if label.event:
        there, part = "TRUE" if at is not None else past, _event_money(label)
    else:
        there, part = f"{past} AND {c.END_TIME} >= {c.AS_OF}", _contract_money(label, end)
    join = "LEFT JOIN" if label.event and at is not None else "JOIN"
    # A sum of floats in one order, so that the same rows give the same bytes.
    return frame_of(tables, f"""
        SELECT {moments.customer} AS {c.CUSTOMER_ID}, {c.AS_OF}, {end} - INTERVAL 1 MICROSECOND AS {c.KNOWN_TIME},
               coalesce(sum({part} ORDER BY {start}, {c.VALUE}), 0.0) AS {c.LABEL}
        FROM ({moments.query})
        {join} ({counted}) ON {moments.whose} AND {start} < {end} AND {c.KNOWN_TIME} < {end}
        GROUP BY 1, 2 HAVING bool_or({there}) AND {end} <= TIMESTAMP '{tables.moment}'
        ORDER BY 1, 2
    """)  # fmt: skip


def _condition(tables: Tables, label: ValueLabel) -> str | None:
    """Return the condition on the events or contracts that count, checked; None where all contracts do."""
    table = "events" if label.event else "contracts"
    if table not in tables:
        remedy = "" if label.event else ", or `event:` for customers without contracts"
        raise ConfigError(f"labels.value: needs the table `{table}`{remedy}.")
    kinds = tables.kinds[table]
    if label.money not in kinds:
        raise ConfigError(
            f"labels.value.column: {table} has no column {label.money!r}{near_miss(label.money, kinds) or '.'}"
        )
    if (kind := kinds[label.money]) != "number":
        raise ConfigError(f"labels.value.column: {table}.{label.money} must be a number; it is a {kind}.")
    if label.where:
        condition(label.where, kinds, where="labels.value.where")
    if not label.event:
        return label.where
    types = [name for (name,) in tables.con.execute(f"SELECT DISTINCT {c.EVENT_TYPE} FROM events").fetchall()]
    faults = [
        f"labels.value.event: no row of events has the type {name!r}{near_miss(name, types) or '.'}"
        for name in label.event
        if name not in types
    ]
    if faults:
        raise ConfigError(listed(faults))
    return label.event_condition


def _events(tables: Tables, label: ValueLabel) -> str:
    """Return the SQL of the events that bring money: whose, when, known from when, and how much."""
    rows = _rows(tables, label, "events", c.EVENT_TIME)
    late = c.KNOWN_TIME in tables.kinds["events"]
    known = f"coalesce(t.{c.KNOWN_TIME}, t.{c.EVENT_TIME})" if late else f"t.{c.EVENT_TIME}"
    return (
        f"SELECT t.{c.CUSTOMER_ID}, t.{c.EVENT_TIME}, {known} AS {c.KNOWN_TIME}, "
        f"t.{quoted(label.money)} AS {c.VALUE} FROM events t WHERE {rows}"
    )


def _contracts(tables: Tables, label: ValueLabel) -> str:
    """Return the SQL of the contracts: whose, from when to when, known from when, and how much they bring a day."""
    counts = _rows(tables, label, "contracts", c.START_TIME)
    late = c.KNOWN_TIME in tables.kinds["contracts"]
    known = f"coalesce(t.{c.KNOWN_TIME}, t.{c.START_TIME})" if late else f"t.{c.START_TIME}"
    period = label.per or "month"
    days = _PERIOD_DAYS.get(period) or f"(date_diff('microsecond', t.{c.START_TIME}, t.{c.END_TIME}) / {_DAY_US}.0)"
    return (
        f"SELECT t.{c.CUSTOMER_ID}, t.{c.START_TIME}, t.{c.END_TIME}, {known} AS {c.KNOWN_TIME}, "
        f"CASE WHEN {counts} THEN t.{quoted(label.money)} / {days} ELSE 0.0 END AS {c.VALUE} FROM contracts t"
    )


def _rows(tables: Tables, label: ValueLabel, table: str, time: str) -> str:
    """Return the SQL condition of the rows that count, or raise where one of them does not say how much."""
    text = _condition(tables, label)
    rows = "TRUE" if text is None else sql(condition(text, tables.kinds[table], where="labels.value").tree, "t")
    money = f"t.{quoted(label.money)}"
    ((n, unknown, when, who),) = tables.con.execute(f"""
        SELECT count(*), count(*) FILTER ({money} IS NULL), min(t.{time}) FILTER ({money} IS NULL),
               arg_min(t.{c.CUSTOMER_ID}, (t.{time}, t.{c.CUSTOMER_ID})) FILTER ({money} IS NULL)
        FROM {table} t WHERE {rows}
    """).fetchall()  # fmt: skip
    if not n:
        raise ConfigError(f"labels.value: no row of {table} meets `{text}`. Check `event` and `where`.")
    if unknown:
        raise SchemaError(
            f"{table}.{label.money}: must be filled where it is what a customer brings (labels.value); "
            f"{broken_by(unknown, n)} (first: customer {who!r}, {when:%Y-%m-%d}). Fill it, or leave such rows out with "
            f"`where: {label.money} IS NOT NULL`."
        )
    return rows


def _event_money(label: ValueLabel) -> str:
    """Return the SQL of what an event brings within the horizon; NULL where it came before."""
    worth = c.VALUE
    if label.discount_rate:
        days = f"date_diff('microsecond', {c.AS_OF}, {c.EVENT_TIME}) / {_DAY_US}.0"
        worth = f"{c.VALUE} * exp(-{_force(label)!r} * {days})"
    return f"CASE WHEN {c.EVENT_TIME} >= {c.AS_OF} THEN {worth} END"


def _contract_money(label: ValueLabel, end: str) -> str:
    """Return the SQL of what a contract brings within the horizon; NULL where it had ended before."""
    begun, over = (
        f"date_diff('microsecond', {c.AS_OF}, {moment}) / {_DAY_US}.0"
        for moment in (f"greatest({c.START_TIME}, {c.AS_OF})", f"least({c.END_TIME}, {end})")
    )
    days = f"({over} - {begun})"
    if label.discount_rate:
        force = repr(_force(label))
        days = f"(exp(-{force} * {begun}) - exp(-{force} * {over})) / {force}"
    return f"CASE WHEN {c.END_TIME} > {c.AS_OF} THEN {c.VALUE} * {days} END"


def _force(label: ValueLabel) -> float:
    """Return the force of interest of a day: money that comes t days later counts for exp(-force x t)."""
    return log(1 + label.discount_rate) / _YEAR


def _begun(tables: Tables, counted: str, start: str, label: ValueLabel) -> datetime:
    """Return when 1% of the customers had begun: a fact that is dated centuries ago is no history.

    Contracts reach back before the first events that were kept, and a moment without events looks like no later one:
    where three horizons follow the first events, to learn from, to wait for and to be judged on, the moments do too.
    """

    def begun(query: str) -> datetime:
        found: datetime = tables.con.execute(f"""
            WITH begun AS ({query}) SELECT first FROM begun ORDER BY first
            LIMIT 1 OFFSET (SELECT count(*) // 100 FROM begun)
        """).fetchall()[0][0]  # fmt: skip
        return found

    first = begun(f"SELECT min(greatest({start}, {c.KNOWN_TIME})) AS first FROM ({counted}) GROUP BY {c.CUSTOMER_ID}")
    if label.event or "events" not in tables:
        return first
    events = begun(f"SELECT {c.EVENT_TIME} AS first FROM events")
    return max(first, events) if events + 3 * timedelta(days=label.horizon_days) <= tables.moment else first


def _moments(first: datetime, now: datetime, label: ValueLabel) -> list[datetime]:
    """Return the moments that rows are of: the last whose horizon has ended, and back from there every so many days.

    Those by events before the last have as long a past as the future that they are to tell; a contract tells of itself
    from its first day.
    """
    horizon, step = timedelta(days=label.horizon_days), timedelta(days=label.every_days)
    last = now - horizon
    if last <= first:
        raise TrainingError(
            f"labels.value: needs a horizon that began after the first {'such event' if label.event else 'contract'} "
            f"({first:%Y-%m-%d}) and has ended by {now:%Y-%m-%d}; {label.horizon_days} days do not fit in between. "
            f"Bring a longer history, or shorten `horizon_days`."
        )
    least = horizon if label.event else timedelta(microseconds=1)
    return [last, *(last - k * step for k in range(1, (last - first - least) // step + 1))]
