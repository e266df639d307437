"""The leak alarms of a company: each model's features, and the texts that they come from, looked at before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.sources import Tables
from cxml.descriptive.texts import text_columns, texts_at
from cxml.errors import refuse_unknown
from cxml.predict import NPS, RENEWAL
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.alarms import Alarm
    from cxml.predictive.splits import FutureSplit

_OUTCOMES: Final = {NPS: c.NPS_CLASSES, RENEWAL: ("kept", "lost")}


def alarms_of(
    config: CompanyConfig,
    tables: Tables,
    rows: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame],
    splits: Mapping[str, FutureSplit],
    features: Sequence[Feature],
) -> dict[str, tuple[Alarm, ...]]:
    """Return the leak alarms of each model, but for the columns that the config allows.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    rows : the FEATURES frame of each model
    labels : the labels of each model, of the same rows in the same order
    splits : the split of each model that has one
    features : of the company
    """
    from cxml.predictive.leaks import leak_alarms

    found, allow = {}, allowed_names(config, tables, features)
    for name, of in labels.items():
        texts = texts_at(tables, of)
        found[name] = leak_alarms(
            rows[name].drop(columns=list(c.KEY)).set_axis(of.index),
            of[c.LABEL],
            of[c.CUSTOMER_ID],
            of[c.AS_OF],
            splits.get(name),
            outcomes=_OUTCOMES[name],
            texts=texts if len(texts.columns) else None,
            allow=allow,
            random_state=config.random_state,
        )
    return found


def allowed_names(config: CompanyConfig, tables: Tables, features: Sequence[Feature]) -> frozenset[str]:
    """Return what no alarm names: what `alarms.allow` lists, and of a column there all features that are made of it.

    Raises
    ------
    ConfigError
        If it lists what is neither a feature nor a column; all such names together.
    """
    texts = text_columns(tables)
    named = {feature.name for feature in features} | {c.CUSTOMER_ID, *texts}
    refuse_unknown("alarms.allow", config.alarms.allow, named.union(*tables.kinds.values()))
    columns = {name for name in config.alarms.allow if name not in named}
    made = {feature.name for feature in features if getattr(feature, "column", None) in columns}
    return frozenset({*config.alarms.allow, *made, *(text for text in texts if text.split(".")[1] in columns)})
