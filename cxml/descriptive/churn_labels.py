"""The labels of customers without contracts: lost is who has no event of a kind within the horizon after the gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cxml.conditions.parse import condition
from cxml.conditions.sql import sql
from cxml.config.labels import RenewalLabel
from cxml.descriptive.asked import asked, values_of
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, TrainingError, listed, near_miss
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd


def churn_labels(tables: Tables, label: RenewalLabel, at: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return who had no event of a kind within the horizon after the gap: 1.0 none (lost), 0.0 at least one.

    A row is a customer at a moment, with such an event strictly before it (and within ``active_days``). What decides is
    half-open, [as_of + gap, as_of + gap + horizon): features read what came before ``as_of``, so an event at ``as_of``
    is the future's. An event in the gap counts neither way. The row is known from the last microsecond of its horizon,
    and says what was known then: an event that became known later does not count, so that every row has waited equally
    long for reports. A row whose horizon ends after the moment of the data is censored: there is none. The first
    moments wait until 1% of the customers have had such an event: one that is dated centuries ago is no history.
    Parameters are those of `cxml.descriptive.labels.renewal_labels`.

    Returns
    -------
    DataFrame of shape (n_rows, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (float), by key.

    Raises
    ------
    ConfigError
        If there is no such table, column, type of event, or event.
    TrainingError
        If no horizon that has ended began after the first such event.
    """
    happened = _happened(tables, label)
    moments = asked(tables, values_of([] if at is not None else _moments(tables, happened, label)), at)
    end = f"{c.AS_OF} + INTERVAL {label.gap_days + label.horizon_days} DAY"
    since = f" AND {c.EVENT_TIME} >= {c.AS_OF} - INTERVAL {label.active_days} DAY" if label.active_days else ""
    return frame_of(tables, f"""
        SELECT {c.CUSTOMER_ID}, {c.AS_OF}, {end} - INTERVAL 1 MICROSECOND AS {c.KNOWN_TIME},
               CAST(NOT bool_or({c.EVENT_TIME} >= {c.AS_OF} + INTERVAL {label.gap_days} DAY) AS DOUBLE) AS {c.LABEL}
        FROM ({moments.query})
        JOIN ({happened}) ON {moments.whose} AND {c.EVENT_TIME} < {end} AND {c.KNOWN_TIME} < {end}{since}
        GROUP BY 1, 2
        HAVING bool_or({c.EVENT_TIME} < {c.AS_OF} AND {c.KNOWN_TIME} < {c.AS_OF})
            AND {end} <= TIMESTAMP '{tables.moment}'
        ORDER BY 1, 2
    """)  # fmt: skip


def _happened(tables: Tables, label: RenewalLabel) -> str:
    """Return the SQL of the events that keep a customer: whose, when, and known from when."""
    if "events" not in tables:
        raise ConfigError("labels.renewal.event: needs the table `events`.")
    kinds = tables.kinds["events"]
    if label.where:
        condition(label.where, kinds, where="labels.renewal.where")
    types = [name for (name,) in tables.con.execute(f"SELECT DISTINCT {c.EVENT_TYPE} FROM events").fetchall()]
    faults = [
        f"labels.renewal.event: no row of events has the type {name!r}{near_miss(name, types) or '.'}"
        for name in label.event
        if name not in types
    ]
    if faults:
        raise ConfigError(listed(faults))
    rows = sql(condition(str(label.event_condition), kinds, where="labels.renewal").tree, "e")
    known = f"coalesce(e.{c.KNOWN_TIME}, e.{c.EVENT_TIME})" if c.KNOWN_TIME in kinds else f"e.{c.EVENT_TIME}"
    return f"SELECT e.{c.CUSTOMER_ID}, e.{c.EVENT_TIME}, {known} AS {c.KNOWN_TIME} FROM events e WHERE {rows}"


def _begun(tables: Tables, happened: str, label: RenewalLabel) -> datetime:
    """Return when 1% of the customers had had such an event."""
    found = tables.con.execute(f"""
        WITH begun AS (
            SELECT min(greatest({c.EVENT_TIME}, {c.KNOWN_TIME})) AS first FROM ({happened}) GROUP BY {c.CUSTOMER_ID}
        )
        SELECT first FROM begun ORDER BY first LIMIT 1 OFFSET (SELECT count(*) // 100 FROM begun)
    """).fetchall()  # fmt: skip
    if not found:
        raise ConfigError(
            f"labels.renewal: no row of events meets `{label.event_condition}`. Check `event` and `where`."
        )
    first: datetime = found[0][0]
    return first


def _moments(tables: Tables, happened: str, label: RenewalLabel) -> list[datetime]:
    """Return the moments that rows are of: the last whose horizon has ended, and back from there every so many days.

    Those before the last have as long a past as the future that they are to tell.
    """
    horizon, step = timedelta(days=label.horizon_days), timedelta(days=label.every_days)
    first, now = _begun(tables, happened, label), tables.moment
    last = now - timedelta(days=label.gap_days) - horizon
    if last <= first:
        raise TrainingError(
            f"labels.renewal: needs a horizon that began after the first such event ({first:%Y-%m-%d}) and has ended "
            f"by {now:%Y-%m-%d}; {label.gap_days + label.horizon_days} days do not fit in between. "
            f"Bring a longer history, or shorten `horizon_days`."
        )
    return [last, *(last - k * step for k in range(1, (last - first - horizon) // step + 1))]
