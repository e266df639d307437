"""The features that follow from the tables by themselves, so that a config needs none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cxml.conditions.parse import condition
from cxml.config.company import CompanyConfig
from cxml.config.features import Aggregate, Attribute, Contract, Environment, Feature, Ratio, Recency, Season, Segment
from cxml.descriptive.contents import before, feature_name, measures
from cxml.descriptive.event_defaults import event_defaults
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, refuse_unknown
from cxml.schema import columns as c
from cxml.schema.sql import literal
from cxml.schema.tables import TABLES

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
    labels = set(config.labels.snapshot_columns)
    for feature in config.features.add:
        if isinstance(feature, Attribute) and feature.column in labels:
            raise ConfigError(
                f"features.{feature.name}: customers.{feature.column} is a label; a model cannot be told it."
            )
    found = _named(_defaults(config, tables, labels, until)) if config.features.defaults else {}
    droppable = {*found, *(column for columns in tables.kinds.values() for column in columns)}
    refuse_unknown("features.drop", config.features.drop, droppable)
    dropped = set(config.features.drop)
    kept: dict[str, Feature] = {}
    for name, feature in found.items():
        read = {getattr(feature, "column", None), *_filtered_by(feature, tables), *_made_of(feature)}
        if dropped & {name, *read}:
            dropped.add(name)  # and so what is made of it
        else:
            kept[name] = feature
    added = {feature.name: feature for feature in config.features.add}
    if not (features := kept | added):
        raise ConfigError("features: there are none. Set `defaults: true`, or list some in `add:`.")
    return tuple(features.values())


def _named(features: Iterator[Feature]) -> dict[str, Feature]:
    """Return features by name, numbered where a name is used already, in whatever case: DuckDB folds them."""
    found: dict[str, Feature] = {}
    used: set[str] = set()
    now: dict[str, str] = {}
    for feature in features:
        name, n = feature.name, 1
        while name.casefold() in used:
            n += 1
            name = f"{feature.name}_{n}"
        used.add(name.casefold())
        now[feature.name] = name
        links = {key: now[getattr(feature, key)] for key in _links(feature)}
        found[name] = feature.model_copy(update={"name": name, **links})
    return found


def _links(feature: Feature) -> tuple[str, ...]:
    """Return the keys that name other features."""
    if isinstance(feature, Ratio):
        return "numerator", "denominator"
    return ("of",) if isinstance(feature, Segment) else ()


def _made_of(feature: Feature) -> tuple[str, ...]:
    return tuple(getattr(feature, key) for key in _links(feature))


def _filtered_by(feature: Feature, tables: Tables) -> tuple[str, ...]:
    where = getattr(feature, "where", None)
    return condition(where, tables.kinds[feature.table], where=feature.name).columns if where else ()  # type: ignore[union-attr]


def _defaults(config: CompanyConfig, tables: Tables, labels: set[str], until: datetime | None) -> Iterator[Feature]:
    for column, kind in tables.kinds["customers"].items():
        if column not in {c.CUSTOMER_ID, c.KNOWN_TIME, *labels} and kind != "text":
            name = "tenure_days" if column == c.SINCE else f"{column}_days" if kind == "time" else column
            yield Attribute(name=feature_name(name, "customer"), column=column)
    windows = sorted(config.features.windows_days)
    if "events" in tables:
        yield from event_defaults(tables, windows, until)
    if "surveys" in tables:
        yield from _survey_defaults(tables, windows[-1], until)
    if "contracts" in tables:
        yield from _contract_defaults(tables)
    if "environment" in tables and c.REGION in tables.kinds["customers"]:
        for column in measures(tables, "environment"):
            yield Environment(name=feature_name(f"env_{column}", ""), column=column)
            yield Environment(name=feature_name(f"env_{column}_change_90d", ""), column=column, change_days=90)
            yield Environment(name=feature_name(f"env_{column}_to_national", ""), column=column, against="national")
        if c.CONFIDENCE in tables.kinds["environment"]:
            yield Environment(name="env_confidence", column=c.CONFIDENCE)
    if "actions" in tables:
        where = f"{c.ACTION} <> '{c.NO_ACTION}'"
        for days in windows:
            yield Aggregate(name=f"actions_{days}d", table="actions", aggregate="count", window_days=days, where=where)
        yield Recency(name="days_since_action", table="actions", where=where)
    if any(TABLES[name].time for name in tables.kinds if name in TABLES and name != "customers"):
        yield Season(name="season_sin", part="year_sin")
        yield Season(name="season_cos", part="year_cos")


def _survey_defaults(tables: Tables, days: int, until: datetime | None) -> Iterator[Feature]:
    found = tables.con.execute(
        f"SELECT DISTINCT {c.INSTRUMENT} FROM surveys "
        f"WHERE {c.SCORE} IS NOT NULL{before(tables, 'surveys', until)} ORDER BY 1"
    )
    for (instrument,) in found.fetchall():
        where = f"{c.INSTRUMENT} = {literal(instrument)} AND {c.SCORE} IS NOT NULL"
        yield Aggregate(name=f"{instrument}_last", table="surveys", aggregate="last", column=c.SCORE, where=where)
        for aggregate in ("mean", "count"):
            yield Aggregate(name=f"{instrument}_{aggregate}_{days}d", table="surveys", aggregate=aggregate,
                            column=c.SCORE, where=where, window_days=days)  # fmt: skip
        yield Recency(name=f"days_since_{instrument}", table="surveys", where=where)
        if tables.kinds["customers"].get(c.SEGMENT) == "category":
            yield Segment(name=f"segment_{instrument}_mean_{days}d", of=f"{instrument}_mean_{days}d")
    for measure in measures(tables, "surveys"):
        yield Aggregate(name=feature_name(f"survey_{measure}_mean_{days}d", ""), table="surveys", aggregate="mean",
                        column=measure, window_days=days)  # fmt: skip
        yield Aggregate(
            name=feature_name(f"survey_{measure}_last", ""), table="surveys", aggregate="last", column=measure
        )
    if "invitations" in tables:
        yield Aggregate(name=f"invited_{days}d", table="invitations", aggregate="count", window_days=days)
        yield Aggregate(name=f"answered_{days}d", table="surveys", aggregate="rows", window_days=days)
        yield Ratio(name=f"response_rate_{days}d", numerator=f"answered_{days}d", denominator=f"invited_{days}d")


def _contract_defaults(tables: Tables) -> Iterator[Feature]:
    kinds = tables.kinds["contracts"]
    yield Contract(name="contract_days_since_start", measure="days_since_start")
    yield Contract(name="contract_days_to_end", measure="days_to_end")
    yield Contract(name="contracts_before", measure="renewals")
    if c.SINCE not in tables.kinds["customers"]:
        yield Contract(name="contract_tenure_days", measure="tenure_days")
    if c.PRICE in kinds:
        yield Contract(name="contract_price_change", measure="price_change")
    for column, kind in kinds.items():
        if column not in _NOT_FEATURES and kind not in ("text", "time"):
            yield Contract(name=feature_name(f"contract_{column}", ""), column=column)
