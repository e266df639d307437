"""company.yaml: where a company's tables are, what is to be predicted, and how."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from cxml.config.base import Name, NumberOrText, Part, in_utc, known_zone
from cxml.config.costs import CostsConfig
from cxml.config.effects import OUTCOMES, EffectsConfig, Outcome
from cxml.config.features import Days, Feature
from cxml.config.labels import LabelsConfig
from cxml.config.ledger import LedgerConfig, path_alone
from cxml.config.maturity import MaturityConfig
from cxml.config.policy import PolicyConfig
from cxml.config.tables import TablesConfig
from cxml.errors import ConfigError
from cxml.schema.columns import RESERVED

_SIZE: Final = r"^\d+(\.\d+)? ?[KMGT]i?B$"


class FeaturesConfig(Part):
    """Which features are made."""

    defaults: bool = True
    """Make the features that follow from the tables by themselves."""
    windows_days: Annotated[tuple[Days, ...], Field(min_length=1)] = (7, 30, 90, 365)
    """Trailing windows of the default features, in days."""
    add: tuple[Feature, ...] = ()
    """Features of your own, one line each."""
    drop: tuple[str, ...] = ()
    """Names of default features, or of whole columns, that are left out."""

    @field_validator("add")
    @classmethod
    def _names_of_their_own(cls, add: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [feature.name.casefold() for feature in add]
        for feature in add:
            if feature.name.casefold() in RESERVED:
                raise ValueError(f"{feature.name!r} is the name of a key or a prediction; name the feature otherwise")
            if names.count(feature.name.casefold()) > 1:
                raise ValueError(f"{feature.name!r} is the name of two features, whatever their case; rename one")
        return add


class ModelsConfig(Part):
    """How the models are trained; the defaults serve any company."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2)] = 8
    max_trees: Annotated[int, Field(gt=0)] = 1_000
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Latest share of the labelled rows on which the models are judged."""


class HealthConfig(Part):
    """What health is made of; the weights are scaled to add up to 1."""

    renewal: Annotated[float, Field(ge=0)] = 0.6
    advocacy: Annotated[float, Field(ge=0)] = 0.4

    @model_validator(mode="after")
    def _some_weight(self) -> HealthConfig:
        if self.renewal + self.advocacy <= 0:
            raise ValueError("one of the weights must be above 0")
        return self


class AlarmsConfig(Part):
    """What is known to be right, whatever the alarms say of it."""

    allow: tuple[str, ...] = ()
    """Features or whole columns (or `surveys.comment`) that were looked into: they are known in time."""


class CompanyConfig(Part):
    """Everything that cxml needs to know of a company."""

    company: Name
    currency: str = "EUR"
    as_of: datetime | None = None
    """The moment of the data ("today"), UTC where it carries no zone; by default the midnight after the last fact."""
    timezone: str | None = None
    """Zone of times that carry none, for every table that does not say."""
    strict: bool = False
    """Refuse facts of customers who are not in `customers`, instead of counting and leaving them out."""
    random_state: int = 0
    memory_limit: str | None = Field(default=None, json_schema_extra={"pattern": _SIZE})
    """Memory that the tables may take, such as `2GB`; what does not fit goes to the disk. Without it, what there is."""
    tables: TablesConfig
    labels: LabelsConfig
    sentiment: Literal["learned", "english", "none"] = "learned"
    """How comments get a sentiment: learned from the scores beside them (any language), English by VADER, or none."""
    features: FeaturesConfig = FeaturesConfig()
    models: ModelsConfig = ModelsConfig()
    alarms: AlarmsConfig = AlarmsConfig()
    value: NumberOrText | None = None
    """What a customer is worth over the horizon: a number, or an expression such as `12 * MonthlyCharges`; or learnt,
    by `labels.value`."""
    costs: CostsConfig | None = None
    """What contacting customers at risk costs and earns; without it, the example of the EMPC's authors."""
    effects: EffectsConfig = EffectsConfig()
    health: HealthConfig = HealthConfig()
    maturity: MaturityConfig = MaturityConfig()
    policy: PolicyConfig | None = None
    """The policy, or the path of its file; without one nothing is recommended."""
    ledger: Annotated[LedgerConfig | None, BeforeValidator(path_alone)] = None
    """Where decisions and outcomes are kept, and read back as `actions` and `outcomes`: a folder, or the URL of a
    PostgreSQL database. Left out, decisions are kept in `ledger` in the company's models folder, and not read back."""

    @model_validator(mode="after")
    def _worth_something(self) -> CompanyConfig:
        if self.costs is not None and self.costs.clv is None and self.value is None:
            if self.labels.value is not None:
                raise ValueError(
                    "costs needs `clv`: the value that `labels.value` learns does not serve in its place, for it is "
                    "known only when the models are there. Give the worth of a customer who stays, as in `clv: 400`"
                )
            raise ValueError("costs needs `clv`, or a `value` of the company whose mean serves")
        return self

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        return known_zone(zone)

    @field_validator("memory_limit", mode="before")
    @classmethod
    def _is_a_size(cls, limit: Any) -> Any:
        if limit is not None and not (isinstance(limit, str) and re.fullmatch(_SIZE, limit)):
            raise ValueError("must be a size such as 2GB")
        return limit

    @field_validator("as_of", mode="before")
    @classmethod
    def _is_a_time(cls, as_of: Any) -> Any:
        if isinstance(as_of, int | float) or (isinstance(as_of, str) and as_of.strip().isdigit()):
            raise ValueError("must be a time such as 2024-05-31 or 2024-05-31T14:00:00Z, not a number")
        return as_of

    @field_validator("as_of")
    @classmethod
    def _in_utc(cls, as_of: datetime | None) -> datetime | None:
        return in_utc(as_of)

    @model_validator(mode="after")
    def _say_once_what_a_customer_is_worth(self) -> CompanyConfig:
        if self.value is not None and self.labels.value is not None:
            raise ValueError("`value` and `labels.value` both say what a customer is worth; keep one of them")
        return self

    @model_validator(mode="after")
    def _learn_effects_on_what_is_known(self) -> CompanyConfig:
        if unknown := [name for name in self.effects.outcomes or () if getattr(self.labels, name) is None]:
            raise ValueError(f"effects.outcomes: {unknown[0]!r} needs `labels.{unknown[0]}`, which says what it is")
        measured = [(action.name, action.measured_by) for action in (self.policy.actions if self.policy else ())]
        asked = [(name, by) for name, by in measured if by in OUTCOMES and getattr(self.labels, by) is None]
        if asked:
            name, by = asked[0]
            raise ValueError(
                f"{len(asked)} actions of the policy are measured by an outcome without a label (first: {name!r} by "
                f"{by}): give `labels.{by}`, or leave `measured_by` out"
            )
        return self

    @property
    def effect_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes on which the effects of actions are learnt: each that has a label, unless said."""
        if self.effects.outcomes is not None:
            return self.effects.outcomes
        return tuple(name for name in OUTCOMES if getattr(self.labels, name) is not None)

    def with_features(self, *features: Feature) -> CompanyConfig:
        """Return the config with more features, beside those it adds already.

        Raises
        ------
        ConfigError
            If a name is taken or reserved.
        """
        try:
            more = FeaturesConfig.model_validate(self.features.model_dump() | {"add": (*self.features.add, *features)})
        except ValidationError as error:
            raise ConfigError(f"features.add: {error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None
        return self.model_copy(update={"features": more})
