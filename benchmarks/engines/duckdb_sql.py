"""The features as one query that is written by hand for DuckDB: FILTER aggregates over a join, with what each row needs
computed once. ``duckdb_case`` is the same query with CASE instead of FILTER.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engines.company import CHANNELS, MEASURES, WINDOWS_DAYS

NAMES = ("customers", "events", "moments")
YEAR = "in_365d"


def over(aggregate: str, rows: str) -> str:
    """Return an aggregate such as ``sum(value)`` over the rows for which a condition is true."""
    return f"{aggregate} FILTER ({rows})"


def tables(folder: Path) -> Any:
    import duckdb

    con = duckdb.connect()
    for name in NAMES:
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM '{folder / f'{name}.parquet'}'")
    return con


def features(tables: Any) -> Any:
    return tables.sql(query(dict(zip(NAMES, NAMES, strict=True)))).to_arrow_table()


def from_files(folder: Path) -> Any:
    import duckdb

    with duckdb.connect() as con:
        return con.sql(query({name: f"'{folder / f'{name}.parquet'}'" for name in NAMES})).to_arrow_table()


def write(found: Any, path: str) -> None:
    import pyarrow.parquet as pq

    pq.write_table(found, path)


def query(sources: dict[str, str], over: Any = over) -> str:
    """Return the query over the tables that are found under some names."""
    gap = "(max(days) - min(days)) / nullif(count(event_time) - 1, 0)"
    columns = [
        *(column for event_type, measure in MEASURES.items() for column in _of_type(event_type, measure, over)),
        "min(days) AS days_since_event",
        "max(days) AS days_since_first_event",
        f"{over('count(*)', YEAR)} AS events_count_365d",
        f"{over('count(DISTINCT day)', YEAR)} AS events_days_active_365d",
        "count(DISTINCT day) AS events_days_active",
        f"{gap} AS events_mean_gap_days",
        f"min(days) / nullif({gap}, 0) AS events_overdue",
        "coalesce(sum(pow(0.5, days / 90)), 0) AS events_decayed",
        *(
            f"{over('count(*)', f'{YEAR} AND channel_is_{name}')} / nullif({over('count(channel)', YEAR)}, 0) "
            f"AS channel_{name}_share_365d"
            for name in CHANNELS
        ),
        f"CASE WHEN {over('count(channel)', YEAR)} > 0 THEN {over('entropy(channel)', YEAR)} END "
        f"AS channel_entropy_365d",
        "arg_min(channel, event_time) AS channel_first",
        "arg_max(channel, event_time) AS channel_last",
        *(f"{wave}(2 * pi() * dayofyear(any_value(as_of)) / 365.2425) AS season_{wave}" for wave in ("sin", "cos")),
    ]
    return (
        "SELECT any_value(customer_id) AS customer_id, any_value(as_of) AS as_of,\n    "
        "any_value(tenure_days) AS tenure_days,\n    " + ",\n    ".join(columns) + "\nFROM (\n"
        + _rows(sources) + "\n)\nGROUP BY moment"
    )  # fmt: skip


def _of_type(event_type: str, measure: str, over: Any) -> list[str]:
    is_type = f"is_{event_type}"
    counts = {days: over("count(*)", f"{is_type} AND in_{days}d") for days in WINDOWS_DAYS}
    before = over("count(*)", f"{is_type} AND before_90d")
    total = over(f"sum({measure})", f"{is_type} AND {YEAR}")
    return [
        *(f"{count} AS {event_type}_count_{days}d" for days, count in counts.items()),
        f"{over('min(days)', is_type)} AS days_since_{event_type}",
        f"{counts[90]} - {before} AS {event_type}_trend_90d",
        *(
            f"{over(f'avg({measure})', f'{is_type} AND in_{days}d')} AS {event_type}_{measure}_mean_{days}d"
            for days in (90, 365)
        ),
        f"CASE WHEN {counts[365]} > 0 THEN {total} ELSE 0 END AS {event_type}_{measure}_sum_365d",
        f"{over(f'arg_max({measure}, event_time)', is_type)} AS {event_type}_{measure}_last",
    ]


def _rows(sources: dict[str, str]) -> str:
    """Return the query that gives each event before its customer's cut-off what the aggregates ask of it."""
    flags = [
        *(f"event_type = '{name}' AS is_{name}" for name in MEASURES),
        *(f"channel = '{name}' AS channel_is_{name}" for name in CHANNELS),
        *(f"event_time >= as_of - INTERVAL {days} DAY AS in_{days}d" for days in WINDOWS_DAYS),
        "event_time >= as_of - INTERVAL 180 DAY AND event_time < as_of - INTERVAL 90 DAY AS before_90d",
    ]
    day_us = "86400000000.0"
    return (
        f"    SELECT m.moment, m.customer_id, m.as_of, e.* EXCLUDE (customer_id),\n        "
        f"CASE WHEN c.since < m.as_of THEN date_diff('microsecond', c.since, m.as_of) / {day_us} END AS tenure_days,\n"
        f"        date_diff('microsecond', e.event_time, m.as_of) / {day_us} AS days, "
        f"CAST(e.event_time AS DATE) AS day,\n        " + ",\n        ".join(flags) +
        f"\n    FROM (SELECT row_number() OVER () AS moment, * FROM {sources['moments']}) m\n"
        f"        JOIN {sources['customers']} c ON c.customer_id = m.customer_id\n"
        f"        LEFT JOIN {sources['events']} e ON e.customer_id = m.customer_id AND e.event_time < m.as_of"
    )  # fmt: skip
