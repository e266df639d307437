"""The features that follow from the events by themselves: of each frequent type, of all together, and by channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cxml.config.features import Aggregate, Feature, Ratio, Recency, Share, Trend
from cxml.descriptive.contents import feature_name, frequent, measures_of_types
from cxml.descriptive.sources import Tables
from cxml.schema import columns as c
from cxml.schema.sql import literal

# The most frequent types and channels get features of their own; a rarer one has too few rows to learn from.
MAX_EVENT_TYPES: Final = 12
MAX_CHANNELS: Final = 8
# Other names of events (a product, a device) are counted; those with more values than this are not even that.
MAX_NAMES: Final = 4
_HALF_LIFE_DAYS: Final = 90


def event_defaults(tables: Tables, windows: Sequence[int], until: datetime | None) -> Iterator[Feature]:
    """Give the default features of `events`.

    Parameters
    ----------
    tables : Tables
    windows : trailing windows in days, shortest first
    until : types, channels and measures are those of the facts before this moment (None: all)
    """
    types = frequent(tables, c.EVENT_TYPE, MAX_EVENT_TYPES, until)
    for event_type, measured in measures_of_types(tables, types, until).items():
        yield from _of_type(event_type, measured, tables, windows)
    yield from _of_all(len(types) > 1, windows)
    longest = windows[-1]
    if c.CHANNEL in tables.kinds["events"]:
        for channel in frequent(tables, c.CHANNEL, MAX_CHANNELS, until):
            name = f"channel_{feature_name(channel, 'c')}_share_{longest}d"
            yield Share(name=name, table="events", of=f"{c.CHANNEL} = {literal(channel)}", window_days=longest)
        yield Aggregate(name=f"channel_entropy_{longest}d", table="events", aggregate="entropy",
                        column=c.CHANNEL, window_days=longest)  # fmt: skip
        yield Aggregate(name="channel_first", table="events", aggregate="first", column=c.CHANNEL)
        yield Aggregate(name="channel_last", table="events", aggregate="last", column=c.CHANNEL)
    for column in _names(tables)[:MAX_NAMES]:
        yield Aggregate(name=feature_name(f"{column}_distinct_{longest}d", ""), table="events", aggregate="distinct",
                        column=column, window_days=longest)  # fmt: skip


def _of_type(event_type: str, measured: Sequence[str], tables: Tables, windows: Sequence[int]) -> Iterator[Feature]:
    where, stem = f"{c.EVENT_TYPE} = {literal(event_type)}", feature_name(event_type, "event")
    middle = windows[len(windows) // 2]
    for days in windows:
        yield Aggregate(name=f"{stem}_count_{days}d", table="events", aggregate="count", where=where, window_days=days)
    yield Recency(name=f"days_since_{stem}", table="events", where=where)
    yield Trend(name=f"{stem}_trend_{middle}d", table="events", aggregate="count", where=where, window_days=middle)
    for measure in measured:
        what = feature_name(f"{stem}_{measure}", "")
        for days in windows[-2:]:
            yield Aggregate(name=f"{what}_mean_{days}d", table="events", aggregate="mean", column=measure,
                            where=where, window_days=days)  # fmt: skip
        if tables.kinds["events"][measure] == "number":
            yield Aggregate(name=f"{what}_sum_{windows[-1]}d", table="events", aggregate="sum", column=measure,
                            where=where, window_days=windows[-1])  # fmt: skip
        yield Aggregate(name=f"{what}_last", table="events", aggregate="last", column=measure, where=where)


def _of_all(several_types: bool, windows: Sequence[int]) -> Iterator[Feature]:
    """Give the rhythm of a customer: how often, for how long, and how overdue the next event is."""
    longest = windows[-1]
    yield Recency(name="days_since_event", table="events")
    yield Recency(name="days_since_first_event", table="events", since="first")
    if several_types:
        yield Aggregate(name=f"events_count_{longest}d", table="events", aggregate="count", window_days=longest)
    yield Aggregate(name=f"events_days_active_{longest}d", table="events", aggregate="days_active", window_days=longest)
    yield Aggregate(name="events_days_active", table="events", aggregate="days_active")
    yield Aggregate(name="events_mean_gap_days", table="events", aggregate="mean_gap_days")
    yield Ratio(name="events_overdue", numerator="days_since_event", denominator="events_mean_gap_days")
    yield Aggregate(name="events_decayed", table="events", aggregate="decay", half_life_days=_HALF_LIFE_DAYS)


def _names(tables: Tables) -> list[str]:
    own = (c.CUSTOMER_ID, c.EVENT_TYPE, c.CHANNEL)
    return [name for name, kind in tables.kinds["events"].items() if kind == "category" and name not in own]
