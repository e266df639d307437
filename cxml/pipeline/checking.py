"""Everything that is asked of a company's tables, tried before anything is learnt: faults, and the features' SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.maturity import placed_features
from cxml.descriptive.queries import feature_sql
from cxml.descriptive.sources import Tables, with_repeats_told
from cxml.errors import CxmlError
from cxml.pipeline import plan
from cxml.pipeline.alarms import allowed_names
from cxml.pipeline.answering import answering
from cxml.pipeline.feature_rows import feature_rows, features_to_count
from cxml.pipeline.policy_features import policy_of
from cxml.pipeline.reading import inspected_tables, read_tables
from cxml.predict import NPS

if TYPE_CHECKING:
    import pandas as pd


def check(config: CompanyConfig, *, frames: plan.Frames | None = None) -> Tables:
    """Read a company's tables and report what was found and every fault, without raising `SchemaError`.

    Where the tables are whole, labels, features, maturity, value and policy are tried on them, and their faults
    reported too.

    Returns
    -------
    Tables
        See `Tables.reports`, `Tables.faults` and `Tables.warnings`.

    Raises
    ------
    SourceError
        If a file is missing or cannot be read.
    """
    tables = inspected_tables(config, frames)
    if tables.faults:
        return tables
    tables = with_repeats_told(tables, config)
    faults: list[str] = []

    def tried(result: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return result(*arguments)
        except CxmlError as error:
            faults.append(str(error))
            return None

    labels = tried(plan.labels_of, config, tables)
    valued = tried(plan.value_labels_of, config, tables)
    labels = None if labels is None or valued is None else labels | valued
    splits = tried(plan.splits_of, config, labels) if labels else None
    features = tried(plan.features_for, config, tables, plan.training_end(labels or {}, splits or {}))
    kinds = tried(plan.kinds_of, features, tables) if features else None
    if kinds is not None:
        tried(allowed_names, config, tables, features)
        tried(placed_features, features, tables.kinds, config.maturity.cells)
        tried(policy_of, config, tables, features, kinds)
        tried(plan.value_of, config, kinds)
        if labels and (counted := features_to_count(tables, features, kinds)):
            tried(_learnable, config, tables, counted, labels)
    return replace(tables, config_faults=tuple(faults))


def _learnable(
    config: CompanyConfig, tables: Tables, features: Sequence[Feature], labels: Mapping[str, pd.DataFrame]
) -> None:
    """Raise `TrainingError` where one of some features has more names than training and evaluation can learn from."""
    feature_rows(config, tables, features, labels)
    if NPS in labels:  # who answers is learnt from everyone who was asked, and the customers of now
        answering(config, tables, features)


def feature_query(config: CompanyConfig, *, frames: plan.Frames | None = None) -> tuple[Sequence[Feature], str]:
    """Return the features of a company and the DuckDB SQL that computes them for the rows of a table ``spine``.

    They follow from the training period, or from all there is where there is not enough to train on.
    """
    tables = read_tables(config, frames)
    features = plan.features_to_train_on(config, tables)
    return features, feature_sql(features, tables.kinds)
