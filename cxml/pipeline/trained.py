"""What a bundle was trained on, read again: its features over the tables of today, of everyone or of one customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cxml.config.company import CompanyConfig
from cxml.config.features import Attribute, Contract, Feature
from cxml.descriptive import export
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.history import CustomerHistory
from cxml.descriptive.sources import Tables
from cxml.errors import BundleError
from cxml.pipeline import plan
from cxml.pipeline.policy_features import policy_features
from cxml.pipeline.reading import read_tables
from cxml.predict import Predictor, load
from cxml.schema.tables import TABLES, Kind


def histories(
    config: CompanyConfig,
    customer_ids: Iterable[str],
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
) -> dict[str, CustomerHistory]:
    """Return the histories of some customers, for features during a conversation.

    Parameters
    ----------
    config : CompanyConfig
    customer_ids : their ids
    frames, models : as for `score`

    Returns
    -------
    dict from each id to its CustomerHistory
        With everything that the tables hold of the customer, the features of the company's bundle and those that its
        policy reads beside: what ``row(as_of)`` gives, ``cxml.predict`` takes.

    Raises
    ------
    CxmlError
        If the bundle or the tables do not allow it, or somebody is no customer.
    """
    _, tables, features = read_as_trained(config, models, frames)
    own = policy_features(config, tables, [feature.name for feature in features])
    return export.histories(tables, feature_plan([*features, *own], tables.kinds), customer_ids)


def read_as_trained(
    config: CompanyConfig, models: str | Path, frames: plan.Frames | None
) -> tuple[Predictor, Tables, tuple[Feature, ...]]:
    """Return the predictor of a company's bundle, the tables of today, and the features that it was trained with."""
    from pydantic import TypeAdapter

    path = plan.bundle_path(config, models)
    predictor = load(path)
    if predictor.bundle.company != config.company:
        raise BundleError(f"{path}: is of company {predictor.bundle.company!r}. Train again.")
    features = TypeAdapter(tuple[Feature, ...]).validate_python(predictor.bundle.features)
    return predictor, read_tables(_with_names(config, features, predictor.bundle.encoding.levels), frames), features


def kinds_as_trained(predictor: Predictor) -> dict[str, Kind]:
    """Return the kind of each feature of a bundle, as its models read it."""
    levels = predictor.bundle.encoding.levels
    return {name: "category" if name in levels else "number" for name in predictor.features}


def _with_names(config: CompanyConfig, features: Sequence[Feature], levels: Mapping[str, Any]) -> CompanyConfig:
    """Return the config with what was a name in training declared as one: tonight it may be all digits."""
    changed = {}
    for name, kind in (("customers", Attribute), ("contracts", Contract)):
        table = getattr(config.tables, name)
        named = [
            f.column
            for f in features
            if isinstance(f, kind) and f.name in levels and f.column not in TABLES[name].names
        ]
        if table is not None and named:
            categories = tuple(dict.fromkeys([*table.categories, *named]))
            changed[name] = table.model_copy(update={"categories": categories})
    return config.model_copy(update={"tables": config.tables.model_copy(update=changed)})
