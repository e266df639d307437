"""What a company's config and tables ask for: labels, features, the value of a customer, and the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions import parse
from cxml.conditions.arrays import numbers
from cxml.config.company import CompanyConfig
from cxml.config.features import Contract, Feature, Recency
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.defaults import features_of
from cxml.descriptive.labels import nps_labels, renewal_labels, trainable
from cxml.descriptive.sources import Tables
from cxml.descriptive.value_labels import value_labels
from cxml.errors import ConfigError, TrainingError
from cxml.pipeline.alarms import allowed_names
from cxml.predict import NPS, RENEWAL, VALUE
from cxml.predictive.splits import FutureSplit, future_split
from cxml.schema import columns as c
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.evaluation import Examples
    from cxml.predictive.measures import RetentionCosts
    from cxml.predictive.ordinal import OrdinalClassifier
    from cxml.predictive.value import ValueRegressor

Frames = Mapping[str, "pd.DataFrame"]
Step = Callable[[str], AbstractContextManager[Any]]
_DAYS_TO_END: Final = "contract_days_to_end"
_DAYS_SINCE: Final = "days_since_renewal_event"
_DAYS_SINCE_VALUE: Final = "days_since_value_event"


def quiet(_: str) -> AbstractContextManager[Any]:
    """Run a step without a word."""
    return nullcontext()


@dataclass(frozen=True, eq=False)
class Plan:
    """What there is to learn from: the labels of each model, their splits in time, and the features.

    ``labels`` are classes; ``amounts`` those of the value model, nothing where the config asks for none.
    """

    labels: dict[str, pd.DataFrame]
    amounts: dict[str, pd.DataFrame]
    splits: Mapping[str, FutureSplit]
    features: tuple[Feature, ...]


def plan_of(config: CompanyConfig, tables: Tables) -> Plan:
    """Return the labels, splits and features of a company, or raise what its config or tables do not allow."""
    labels, amounts = labels_of(config, tables), value_labels_of(config, tables)
    splits = splits_of(config, labels | amounts)
    features = features_for(config, tables, training_end(labels | amounts, splits))
    allowed_names(config, tables, features)
    return Plan(labels, amounts, splits, features)


def features_to_train_on(config: CompanyConfig, tables: Tables) -> tuple[Feature, ...]:
    """Return the features of the training period, or of all there is where there is not enough to train on."""
    try:
        return plan_of(config, tables).features
    except TrainingError:
        return features_for(config, tables, None)


def bundle_path(config: CompanyConfig, models: str | Path) -> Path:
    """Return where the bundle of a company stands in the models folder."""
    return Path(models) / config.company / "bundle"


def labels_of(config: CompanyConfig, tables: Tables) -> dict[str, pd.DataFrame]:
    """Return the labels of each model of classes that the config asks for."""
    found = {}
    if config.labels.nps:
        found[NPS] = nps_labels(tables, config.labels.nps)
    if config.labels.renewal:
        found[RENEWAL] = renewal_labels(tables, config.labels.renewal)
    return {name: trainable(labels, name) for name, labels in found.items()}


def value_labels_of(config: CompanyConfig, tables: Tables) -> dict[str, pd.DataFrame]:
    """Return the labels of the value model by its name; nothing where the config asks for none."""
    label = config.labels.value
    return {VALUE: trainable(value_labels(tables, label), VALUE)} if label else {}


def examples_of(features: pd.DataFrame, labels: pd.DataFrame, weight: NDArray[np.float64] | None = None) -> Examples:
    """Return the rows that a model learns from: a FEATURES frame and its labels, of the same rows in the same order."""
    from cxml.predictive.evaluation import Examples

    if not features[c.CUSTOMER_ID].equals(labels[c.CUSTOMER_ID]):
        raise AssertionError("features and labels are of the same rows, in the same order")
    moments, known = (labels[name].to_numpy("datetime64[us]") for name in (c.AS_OF, c.KNOWN_TIME))
    timed = len(np.unique(moments)) > 1
    return Examples(
        features.drop(columns=list(c.KEY)),
        labels[c.LABEL],
        labels[c.CUSTOMER_ID],
        moments if timed else None,
        known if timed else None,
        labels[c.SCORE].to_numpy(np.float64) if c.SCORE in labels else None,
        weight,
    )


def splits_of(config: CompanyConfig, labels: Mapping[str, pd.DataFrame]) -> dict[str, FutureSplit]:
    """Return the split in time of each label; one whose rows are all of one moment, as of a snapshot, has none."""
    return {
        name: future_split(frame, test_share=config.models.test_share, label=name)
        for name, frame in labels.items()
        if frame[c.AS_OF].nunique() > 1
    }


def training_end(labels: Mapping[str, pd.DataFrame], splits: Mapping[str, FutureSplit]) -> datetime | None:
    """Return the moment before which the models learn what there is: the first cutoff; None without labels."""
    ends = [
        splits[name].cutoff_time if name in splits else frame[c.AS_OF].max().to_pydatetime()
        for name, frame in labels.items()
    ]
    return min(ends, default=None)


def features_for(config: CompanyConfig, tables: Tables, until: datetime | None) -> tuple[Feature, ...]:
    """Return the company's features, with those that the models cannot do without.

    Frequent types and channels are those of the time before ``until``: the training period.
    """
    features = {feature.name: feature for feature in features_of(config, tables, until=until)}
    for needed in (_renewal_feature(config, features.values()), _value_feature(config, features.values())):
        if needed and needed.name not in features:
            features[needed.name] = needed
    return tuple(features.values())


def _renewal_feature(config: CompanyConfig, features: Iterable[Feature]) -> Feature | None:
    """Return the feature that tells for whom the renewal model speaks: one of those that are there, where it is."""
    label = config.labels.renewal
    if label is None or label.column is not None:
        return None
    needed: Feature = Contract(name=_DAYS_TO_END, measure="days_to_end")
    if label.event_condition is not None:
        needed = Recency(name=_DAYS_SINCE, table="events", where=label.event_condition)
    return _there_or_needed(needed, features, RENEWAL)


def _value_feature(config: CompanyConfig, features: Iterable[Feature]) -> Feature | None:
    """Return the feature that tells for whom the value model speaks, as `_renewal_feature` does for its own."""
    label = config.labels.value
    if label is None or label.table:
        return None
    needed: Feature = Contract(name=_DAYS_TO_END, measure="days_to_end")
    if label.event_condition is not None:
        needed = Recency(name=_DAYS_SINCE_VALUE, table="events", where=label.event_condition)
    return _there_or_needed(needed, features, VALUE)


def _there_or_needed(needed: Feature, features: Iterable[Feature], label: str) -> Feature:
    """Return the feature that measures what a label needs: the one that is there, or the one that is to be made."""
    known = {feature.name: feature for feature in features}
    if same := [feature for feature in known.values() if feature.model_copy(update={"name": needed.name}) == needed]:
        return same[0]
    if needed.name in known:
        raise ConfigError(f"features.{needed.name}: is the name of a feature that labels.{label} makes. Rename yours.")
    return needed


def kinds_of(features: Sequence[Feature], tables: Tables) -> dict[str, Kind]:
    """Return the kind of each feature by name, or raise `ConfigError` with all that do not fit the tables."""
    return {meaning.name: meaning.kind for meaning in feature_plan(features, tables.kinds).features}


def value_of(config: CompanyConfig, kinds: Mapping[str, Kind]) -> list[Any] | None:
    """Return the tree of a customer's value; None where the config does not say."""
    return None if config.value is None else parse.number(config.value, kinds, where="value").tree


def costs_of(config: CompanyConfig, value: list[Any] | None, rows: Mapping[str, pd.DataFrame]) -> RetentionCosts | None:
    """Return what contacting a customer at risk costs and earns; None where the config does not say.

    Parameters
    ----------
    config : CompanyConfig
    value : tree of a customer's value, as `value_of` gives it
    rows : FEATURES frame of each model; over the rows of the renewal model the value is averaged, where the config
        gives no ``clv``
    """
    from cxml.predictive.measures import RetentionCosts

    if config.costs is None or RENEWAL not in rows:
        return None
    clv, offer, frame = config.costs.clv, config.costs.offer, rows[RENEWAL]
    if clv is None and value is not None:
        worth = numbers(value, {name: frame[name].to_numpy() for name in frame.columns}, len(frame))
        clv = float(np.nanmean(worth)) if np.isfinite(worth).any() else None
    if clv is None or clv <= offer:
        mean = "known of nobody" if clv is None else f"{clv:,.2f}, not above the offer of {offer:,.2f}"
        raise ConfigError(f"costs.clv: the mean of `value` serves in its place, and is {mean}. Give `costs.clv`.")
    return RetentionCosts(clv=clv, offer=offer, contact=config.costs.contact)


def renewal_applies(config: CompanyConfig, features: Sequence[Feature], kinds: Mapping[str, Kind]) -> list[Any] | None:
    """Return for whom the renewal model speaks; None where for everybody.

    For customers whose contract ends after the gap, within the horizon; or who had the event, within ``active_days``.
    """
    label, feature = config.labels.renewal, _renewal_feature(config, features)
    if label is None or feature is None:
        return None
    if label.event_condition is None:
        speaks = f"{feature.name} > {label.gap_days} AND {feature.name} <= {label.gap_days + label.horizon_days}"
    else:
        speaks = f"{feature.name} <= {label.active_days}" if label.active_days else f"{feature.name} IS NOT NULL"
    return parse.condition(speaks, kinds, where="labels.renewal").tree


def value_applies(config: CompanyConfig, features: Sequence[Feature], kinds: Mapping[str, Kind]) -> list[Any] | None:
    """Return for whom the value model speaks: for whoever has a contract in force, or has had such an event."""
    feature = _value_feature(config, features)
    return None if feature is None else parse.condition(f"{feature.name} IS NOT NULL", kinds, where="labels.value").tree


def classifier(config: CompanyConfig, name: str) -> OrdinalClassifier:
    """Return the unfitted model of a label, as the config wants it."""
    from cxml.predictive.models import NpsClassifier, RenewalClassifier

    return (NpsClassifier if name == NPS else RenewalClassifier)(
        learning_rate=config.models.learning_rate,
        num_leaves=config.models.num_leaves,
        max_trees=config.models.max_trees,
        random_state=config.random_state,
    )


def value_regressor(config: CompanyConfig) -> ValueRegressor:
    """Return the unfitted model of `labels.value`, as the config wants it."""
    from cxml.predictive.value import ValueRegressor

    return ValueRegressor(
        learning_rate=config.models.learning_rate,
        num_leaves=config.models.num_leaves,
        max_trees=config.models.max_trees,
        random_state=config.random_state,
    )
