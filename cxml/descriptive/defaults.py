"""The features that follow from the tables by themselves, so that a config needs none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cxml.conditions.parse import condition
from cxml.config.company import CompanyConfig
from cxml.config.features import Aggregate, Attribute, Contract, Environment, Feature, Recency, Season, Trend
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import literal, quoted
from cxml.schema.tables import TABLES

# The most frequent types and channels get features of their own; a rarer one has too few rows to learn from.
MAX_EVENT_TYPES: Final = 12
MAX_CHANNELS: Final = 8
# A measure belongs to an event type where at least this share of its rows have it.
MEASURED_SHARE: Final = 0.05
_NOT_FEATURES: Final = {c.CUSTOMER_ID, c.CONTRACT_ID, c.KNOWN_TIME, c.START_TIME, c.END_TIME, c.RENEWED, c.COMMENT}


def features_of(config: CompanyConfig, tables: Tables, *, until: datetime | None) -> tuple[Feature, ...]:
    """Return the features of a company: the defaults that its tables suggest, and those that its config adds.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    until : naive UTC time, or None
        Frequencies of types and channels are counted before it only: the training period.

    Returns
    -------
    tuple of Feature
        Each with a name of its own; label columns are never among them.

    Raises
    ------
    ConfigError
        If ``features.drop`` names something that is not there.
    """
    labels = {label.column for label in (config.labels.nps, config.labels.renewal) if label and label.column}
    for feature in config.features.add:
        if isinstance(feature, Attribute) and feature.column in labels:
            raise ConfigError(
                f"features.{feature.name}: customers.{feature.column} is a label; a model cannot be told it."
            )
    found: dict[str, Feature] = {}
    if config.features.defaults:
        for feature in _defaults(config, tables, labels, until):
            name = _unused(feature.name, {known.casefold() for known in found})
            found[name] = feature.model_copy(update={"name": name})
    droppable = {*found, *(column for columns in tables.kinds.values() for column in columns)}
    faults = [
        f"features.drop: there is no feature or column {name!r}{near_miss(name, droppable) or '.'}"
        for name in config.features.drop
        if name not in droppable
    ]
    if faults:
        raise ConfigError(listed(faults))
    dropped = set(config.features.drop)
    kept = {
        name: feature
        for name, feature in found.items()
        if not dropped & {name, getattr(feature, "column", None), *_filtered_by(feature, tables)}
    }
    added = {feature.name: feature for feature in config.features.add}
    if not (features := kept | added):
        raise ConfigError("features: there are none. Set `defaults: true`, or list some in `add:`.")
    return tuple(features.values())


def _filtered_by(feature: Feature, tables: Tables) -> tuple[str, ...]:
    where = getattr(feature, "where", None)
    return condition(where, tables.kinds[feature.table], where=feature.name).columns if where else ()  # type: ignore[union-attr]


def _defaults(config: CompanyConfig, tables: Tables, labels: set[str], until: datetime | None) -> Iterator[Feature]:
    for column, kind in tables.kinds["customers"].items():
        if column not in {c.CUSTOMER_ID, c.KNOWN_TIME, *labels} and kind != "text":
            name = "tenure_days" if column == c.SINCE else f"{column}_days" if kind == "time" else column
            yield Attribute(name=_name(name, "customer"), column=column)
    windows = config.features.windows_days
    if "events" in tables:
        yield from _event_defaults(tables, windows, until)
    if "surveys" in tables:
        yield from _survey_defaults(tables, max(windows), until)
    if "contracts" in tables:
        yield Contract(name="contract_days_since_start", measure="days_since_start")
        yield Contract(name="contract_days_to_end", measure="days_to_end")
        yield Aggregate(name="contracts_before", table="contracts", aggregate="count", where=f"{c.RENEWED} = TRUE")
        for column, kind in tables.kinds["contracts"].items():
            if column not in _NOT_FEATURES and kind not in ("text", "time"):
                yield Contract(name=_name(f"contract_{column}", ""), column=column)
    if "environment" in tables and c.REGION in tables.kinds["customers"]:
        for column in _measures(tables, "environment"):
            yield Environment(name=_name(f"env_{column}", ""), column=column)
            yield Environment(name=_name(f"env_{column}_change_90d", ""), column=column, change_days=90)
    if "actions" in tables:
        for days in windows:
            yield Aggregate(name=f"actions_{days}d", table="actions", aggregate="count", window_days=days,
                            where=f"{c.ACTION} <> '{c.NO_ACTION}'")  # fmt: skip
        yield Recency(name="days_since_action", table="actions", where=f"{c.ACTION} <> '{c.NO_ACTION}'")
    if any(TABLES[name].time for name in tables.kinds if name != "customers"):
        yield Season(name="season_sin", part="year_sin")
        yield Season(name="season_cos", part="year_cos")


def _event_defaults(tables: Tables, windows: Sequence[int], until: datetime | None) -> Iterator[Feature]:
    middle = sorted(windows)[len(windows) // 2]
    measures = _measures(tables, "events")
    for event_type, measured in _types(tables, measures, until):
        where = f"{c.EVENT_TYPE} = {literal(event_type)}"
        stem = _name(event_type, "event")
        for days in windows:
            yield Aggregate(
                name=f"{stem}_count_{days}d", table="events", aggregate="count", where=where, window_days=days
            )
        yield Recency(name=f"days_since_{stem}", table="events", where=where)
        yield Trend(name=f"{stem}_trend_{middle}d", table="events", aggregate="count", where=where, window_days=middle)
        for measure in measured:
            what = _name(f"{stem}_{measure}", "")
            for days in windows[-2:]:
                yield Aggregate(name=f"{what}_mean_{days}d", table="events", aggregate="mean", column=measure,
                                where=where, window_days=days)  # fmt: skip
            yield Aggregate(name=f"{what}_last", table="events", aggregate="last", column=measure, where=where)
    if c.CHANNEL in tables.kinds["events"]:
        for channel in _top(tables, c.CHANNEL, MAX_CHANNELS, until):
            name = f"channel_{_name(channel, 'c')}_count_{max(windows)}d"
            yield Aggregate(name=name, table="events", aggregate="count",
                            where=f"{c.CHANNEL} = {literal(channel)}", window_days=max(windows))  # fmt: skip


def _survey_defaults(tables: Tables, days: int, until: datetime | None) -> Iterator[Feature]:
    found = tables.con.execute(
        f"SELECT DISTINCT {c.INSTRUMENT} FROM surveys "
        f"WHERE {c.SCORE} IS NOT NULL{_before(tables, 'surveys', until)} ORDER BY 1"
    )
    for (instrument,) in found.fetchall():
        where = f"{c.INSTRUMENT} = {literal(instrument)} AND {c.SCORE} IS NOT NULL"
        yield Aggregate(name=f"{instrument}_last", table="surveys", aggregate="last", column=c.SCORE, where=where)
        for aggregate in ("mean", "count"):
            yield Aggregate(name=f"{instrument}_{aggregate}_{days}d", table="surveys", aggregate=aggregate,
                            column=c.SCORE, where=where, window_days=days)  # fmt: skip
        yield Recency(name=f"days_since_{instrument}", table="surveys", where=where)


def _measures(tables: Tables, table: str) -> list[str]:
    named = TABLES[table].names
    return [name for name, kind in tables.kinds[table].items() if kind in ("number", "flag") and name not in named]


def _types(tables: Tables, measures: list[str], until: datetime | None) -> Iterator[tuple[str, list[str]]]:
    for event_type in _top(tables, c.EVENT_TYPE, MAX_EVENT_TYPES, until):
        if not measures:
            yield event_type, []
            continue
        filled = ", ".join(f"count({quoted(m)}) >= {MEASURED_SHARE} * count(*)" for m in measures)
        of_type = f"{c.EVENT_TYPE} = {literal(event_type)}{_before(tables, 'events', until)}"
        row = tables.con.execute(f"SELECT {filled} FROM events WHERE {of_type}").fetchall()[0]
        yield event_type, [measure for measure, is_filled in zip(measures, row, strict=True) if is_filled]


def _top(tables: Tables, column: str, most: int, until: datetime | None) -> list[str]:
    rows = tables.con.execute(
        f"SELECT {column} FROM events WHERE {column} IS NOT NULL{_before(tables, 'events', until)} "
        f"GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT {most}"
    ).fetchall()
    return [name for (name,) in rows]


def _before(tables: Tables, table: str, until: datetime | None) -> str:
    """Return the SQL condition that a fact was known before a moment."""
    if until is None:
        return ""
    time = TABLES[table].time
    known = f"coalesce({c.KNOWN_TIME}, {time})" if c.KNOWN_TIME in tables.kinds[table] else time
    return f" AND {time} < TIMESTAMP '{until}' AND {known} < TIMESTAMP '{until}'"


def _name(text: str, prefix: str) -> str:
    """Return a name that a feature can have: letters, digits and underscores, starting with a letter, not reserved."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")[:60]
    return f"{prefix or 'f'}_{name}" if not name[:1].isalpha() or name.casefold() in c.RESERVED else name


def _unused(name: str, used: set[str]) -> str:
    """Return a name, numbered where it is used already: DuckDB takes names that differ in case alone for one."""
    numbered, n = name, 1
    while numbered.casefold() in used:
        n += 1
        numbered = f"{name}_{n}"
    return numbered
