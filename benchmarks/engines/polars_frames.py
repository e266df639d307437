"""The features written by hand for polars: one lazy query, everything that an aggregate asks of a row computed first."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmarks.engines.company import CHANNELS, MEASURES, WINDOWS_DAYS

NAMES = ("customers", "events", "moments")
DAY_US = 86_400_000_000


def tables(folder: Path) -> Any:
    import polars as pl

    return [pl.read_parquet(folder / f"{name}.parquet").lazy() for name in NAMES]


def features(tables: Any) -> Any:
    return query(*tables).collect()


def from_files(folder: Path) -> Any:
    import polars as pl

    return query(*(pl.scan_parquet(folder / f"{name}.parquet") for name in NAMES)).collect()


def write(found: Any, path: str) -> None:
    found.write_parquet(path)


def query(customers: Any, events: Any, moments: Any) -> Any:
    """Return the lazy query; ``events`` are in the order of time, which each group keeps."""
    from polars import col

    facts = events.join(moments, on="customer_id").filter(col("event_time") < col("as_of"))
    facts = facts.with_columns(age=(col("as_of") - col("event_time")).dt.total_microseconds())
    by_customer = facts.with_columns(*_of_rows()).with_columns(*_masked()).group_by("customer_id").agg(*_aggregates())
    return (
        moments.join(customers, on="customer_id", how="left")
        .join(by_customer, on="customer_id", how="left")
        .select(*_columns())
    )


def _of_rows() -> list[Any]:
    from polars import col

    before = (col("age") <= 180 * DAY_US) & (col("age") > 90 * DAY_US)
    return [
        (col("age") / DAY_US).alias("days"),
        col("event_time").dt.date().alias("day"),
        *((col("age") <= days * DAY_US).alias(f"in_{days}d") for days in WINDOWS_DAYS),
        before.alias("before_90d"),
        *((col("event_type") == name).alias(f"is_{name}") for name in MEASURES),
    ]


def _masked() -> list[Any]:
    """Return what each aggregate looks at: a flag to be counted, or a value that is missing where it does not count."""
    from polars import col, lit, when

    masked = [
        *(((col("channel") == name) & col("in_365d")).alias(f"channel_{name}") for name in CHANNELS),
        when(col("in_365d")).then(col("channel")).alias("channel_365d"),
        when(col("in_365d")).then(col("day")).alias("day_365d"),
        (lit(0.5) ** (col("days") / 90)).alias("decayed"),
    ]
    for name, measure in MEASURES.items():
        is_type = col(f"is_{name}")
        masked += [(is_type & col(f"in_{days}d")).alias(f"{name}_{days}d") for days in WINDOWS_DAYS]
        masked += [
            (is_type & col("before_90d")).alias(f"{name}_before"),
            when(is_type).then(col("days")).alias(f"{name}_days"),
            when(is_type).then(col(measure)).alias(f"{name}_measure"),
            *(when(is_type & col(f"in_{d}d")).then(col(measure)).alias(f"{name}_measure_{d}d") for d in (90, 365)),
        ]
    return masked


def _aggregates() -> list[Any]:
    from polars import col
    from polars import len as n_rows

    made = [
        n_rows().alias("events"),
        col("days").min().alias("days_since_event"),
        col("days").max().alias("days_since_first_event"),
        col("in_365d").sum(),
        col("day_365d").drop_nulls().n_unique(),
        col("day").n_unique(),
        col("decayed").sum(),
        col("channel_365d").count(),
        *(col(f"channel_{name}").sum() for name in CHANNELS),
        col("channel").first(ignore_nulls=True).alias("channel_first"),
        col("channel").last(ignore_nulls=True).alias("channel_last"),
    ]
    for name in MEASURES:
        made += [col(f"{name}_{days}d").sum() for days in WINDOWS_DAYS]
        made += [
            col(f"{name}_before").sum(),
            col(f"{name}_days").min(),
            col(f"{name}_measure").last(ignore_nulls=True),
            *(col(f"{name}_measure_{days}d").mean().alias(f"{name}_mean_{days}d") for days in (90, 365)),
            col(f"{name}_measure_365d").sum().alias(f"{name}_sum"),
            col(f"{name}_measure_365d").count().alias(f"{name}_measured"),
        ]
    return made


def _columns() -> list[Any]:
    from polars import Float64, col, sum_horizontal, when

    def zero(name: str) -> Any:
        return col(name).fill_null(0).cast(Float64)

    tenure = (col("as_of") - col("since")).dt.total_microseconds() / DAY_US
    made = [col("customer_id"), col("as_of"), when(col("since") < col("as_of")).then(tenure).alias("tenure_days")]
    for name, measure in MEASURES.items():
        unknown = (col(f"{name}_measured") == 0) & (zero(f"{name}_365d") > 0)
        made += [zero(f"{name}_{days}d").alias(f"{name}_count_{days}d") for days in WINDOWS_DAYS]
        made += [
            col(f"{name}_days").alias(f"days_since_{name}"),
            (zero(f"{name}_90d") - zero(f"{name}_before")).alias(f"{name}_trend_90d"),
            *(col(f"{name}_mean_{days}d").alias(f"{name}_{measure}_mean_{days}d") for days in (90, 365)),
            when(~unknown.fill_null(False)).then(zero(f"{name}_sum")).alias(f"{name}_{measure}_sum_365d"),
            col(f"{name}_measure").alias(f"{name}_{measure}_last"),
        ]
    gap = (col("days_since_first_event") - col("days_since_event")) / when(col("events") > 1).then(col("events") - 1)
    known = when(col("channel_365d") > 0).then(col("channel_365d"))
    shares = {name: col(f"channel_{name}") / known for name in CHANNELS}
    bits = sum_horizontal(*(when(share > 0).then(-share * share.log(2)) for share in shares.values()))
    angle = col("as_of").dt.ordinal_day() * (2 * math.pi) / 365.2425
    return [
        *made,
        col("days_since_event"),
        col("days_since_first_event"),
        zero("in_365d").alias("events_count_365d"),
        zero("day_365d").alias("events_days_active_365d"),
        zero("day").alias("events_days_active"),
        gap.alias("events_mean_gap_days"),
        (col("days_since_event") / when(gap != 0).then(gap)).alias("events_overdue"),
        zero("decayed").alias("events_decayed"),
        *(share.alias(f"channel_{name}_share_365d") for name, share in shares.items()),
        when(col("channel_365d") > 0).then(bits).alias("channel_entropy_365d"),
        col("channel_first"),
        col("channel_last"),
        angle.sin().alias("season_sin"),
        angle.cos().alias("season_cos"),
    ]
