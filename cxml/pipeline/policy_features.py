"""What a policy alone reads: its own features, and the past actions that its contact policy counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.config.policy import PolicyConfig
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError
from cxml.pipeline import plan
from cxml.prescriptive.compiling import compiled_policy
from cxml.prescriptive.past_actions import past_features, past_names
from cxml.prescriptive.policy import Policy
from cxml.schema import columns as c
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    import pandas as pd


def policy_features(config: CompanyConfig, tables: Tables, features: Iterable[str]) -> tuple[Feature, ...]:
    """Return the features that a company's policy reads beside those of the models.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
        Without a table ``actions`` nobody was ever contacted, and there is nothing to count.
    features : the names of the features of the models

    Raises
    ------
    ConfigError
        If a name is that of a feature of the models, or past actions lack a column or a table that is needed.
    """
    if config.policy is None:
        return ()
    own: tuple[Feature, ...] = (*config.policy.features, *past_features(config.policy, tables.kinds))
    known = set(features)
    if taken := [feature.name for feature in own if feature.name in known]:
        raise ConfigError(
            f"policy: {taken[0]!r} is a feature of the models and one that the policy makes. Rename one of them."
        )
    return own


def policy_of(
    config: CompanyConfig, tables: Tables, features: Sequence[Feature], kinds: Mapping[str, Kind]
) -> Policy | None:
    """Return the compiled policy; None where the config has none.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    features : of the models
    kinds : of these features, as the models read them
    """
    if config.policy is None:
        return None
    has_value = (config.value or config.labels.value) is not None
    return compiled_policy(config.policy, policy_kinds(config, tables, features, kinds), has_value=has_value)


def policy_kinds(
    config: CompanyConfig, tables: Tables, features: Sequence[Feature], kinds: Mapping[str, Kind]
) -> dict[str, Kind]:
    """Return the kind of every feature that a policy can name; parameters are those of `policy_of`."""
    own = policy_features(config, tables, kinds)
    all_kinds = plan.kinds_of([*features, *own], tables)
    return {**{feature.name: all_kinds[feature.name] for feature in own}, **kinds}


def policy_frame(
    config: CompanyConfig, tables: Tables, features: Sequence[Feature], spine: pd.DataFrame
) -> pd.DataFrame:
    """Return the FEATURES frame of some customers and moments, with what the policy reads beside.

    Where there is no table ``actions``, nobody was contacted: those counts are 0.
    """
    own = policy_features(config, tables, [feature.name for feature in features])
    frame = feature_frame(tables, [*features, *own], spine)
    uncounted = [] if config.policy is None else [name for name in past_names(config.policy) if name not in frame]
    return frame.assign(**dict.fromkeys(uncounted, 0.0))


def uncounted(config: CompanyConfig, tables: Tables) -> list[str]:
    """Return a note where a contact policy counts past actions and no table tells of any; nothing otherwise."""
    if config.policy is None or "actions" in tables or not (names := past_names(config.policy)):
        return []
    return [
        f"policy.contact_policy: there is no table `actions`: nobody counts as contacted ({', '.join(names)} are 0). "
        f"Set `ledger:`, which keeps what is decided from now on, or name the table."
    ]


def with_policy(config: CompanyConfig, policy: PolicyConfig | None) -> CompanyConfig:
    """Return a config with another policy in place of its own, or with its own where none is handed over.

    Raises
    ------
    ConfigError
        If there is none at all.
    """
    found = config.model_copy(update={"policy": policy or config.policy})
    if found.policy is None:
        raise ConfigError("policy: the config has none. Write one and name it under `policy:`, or hand it over.")
    return found


def told_by(frame: pd.DataFrame, *wanted: str | None) -> str | None:
    """Return the feature in whose groups something is told: the first that is wanted, else ``segment``, if there.

    Raises
    ------
    ConfigError
        If the one that is wanted is no feature.
    """
    name = next((name for name in wanted if name), None)
    if name is None:
        return c.SEGMENT if c.SEGMENT in frame else None
    if name not in frame:
        raise ConfigError(f"by: there is no feature {name!r}. `cxml features` lists them.")
    return name
