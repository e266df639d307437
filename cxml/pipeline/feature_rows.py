"""The features of labelled rows as models read them; too many names in one are refused before anything is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.algebra import table_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import Tables
from cxml.errors import TrainingError, listed
from cxml.schema import columns as c
from cxml.schema.sql import quoted
from cxml.schema.tables import TABLES, Kind

if TYPE_CHECKING:
    import pandas as pd


def feature_rows(
    config: CompanyConfig, tables: Tables, features: Sequence[Feature], moments: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the FEATURES frames of some customers and moments, names as categoricals that all frames share.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    features : of the company, or some of them
    moments : DataFrames with ``customer_id`` and ``as_of`` (naive UTC), such as the labels of each model

    Raises
    ------
    TrainingError
        If a feature has more names than can be learnt from; the message says what to write in the config.
    """
    from cxml.predictive.encoding import common_levels, frame_columns, too_many_names

    rows = common_levels({name: feature_frame(tables, features, of) for name, of in moments.items()})
    by_name = {feature.name: feature for feature in features}
    found_in = [too_many_names(frame_columns(frame.drop(columns=list(c.KEY)))) for frame in rows.values()]
    crowded = {found.feature: found for of_frame in found_in for found in of_frame}
    if crowded:
        raise TrainingError(
            listed(f"{found}: {_remedy(config, by_name[name])}" for name, found in sorted(crowded.items()))
        )
    return rows


def features_to_count(tables: Tables, features: Sequence[Feature], kinds: Mapping[str, Kind]) -> list[Feature]:
    """Return the features that may have too many names to learn from: those of columns that have.

    How many of the names the labelled rows hold only `feature_rows` tells.
    """
    from cxml.predictive.encoding import MAX_LEVELS

    return [
        feature
        for feature in features
        if kinds[feature.name] == "category" and _names_in_column(tables, feature) > MAX_LEVELS
    ]


def _names_in_column(tables: Tables, feature: Feature) -> float:
    table, column = table_of(feature), getattr(feature, "column", None)
    if table is None or column is None or column not in tables.kinds.get(table, {}):
        return float("inf")
    n: int = tables.con.execute(f"SELECT count(DISTINCT {quoted(column)}) FROM {table}").fetchall()[0][0]
    return n


def _remedy(config: CompanyConfig, feature: Feature) -> str:
    """Return what to write in the config so that a feature is left out."""
    if feature.name in {added.name for added in config.features.add}:
        return "take it out of `features: {add: [...]}`."
    drop = f"`features: {{drop: [{feature.name}]}}`"
    table, column = table_of(feature), getattr(feature, "column", None)
    if table is None or column is None or column in TABLES[table].names:
        return f"leave it out with {drop}."
    listed_name = column if column.replace(" ", "_").isidentifier() else repr(column)
    return f"leave it out with {drop}, or with `ignore: [{listed_name}]` for the table `{table}`."
