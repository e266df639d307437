"""company.yaml: where a company's tables are, what is to be predicted, and how."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from cxml.config.base import Name, NumberOrText, Part, known_zone
from cxml.config.features import Feature
from cxml.config.labels import LabelsConfig
from cxml.config.policy import PolicyConfig
from cxml.schema.columns import RESERVED


class TableConfig(Part):
    """Where one table is and how its columns are read."""

    path: str | None = None
    """A CSV or Parquet file, or a glob of them, relative to the config; `${NAME}` is taken from the environment."""
    about: str = ""
    """What the data is, for whoever does not have it yet."""
    published_at: str = ""
    """Where the data can be had, for whoever does not have it yet."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name of a column -> its name in the file."""
    constants: dict[str, str | float | bool] = Field(default_factory=dict)
    """Columns that the file does not have because they are the same in every row."""
    missing: tuple[str, ...] = ()
    """What stands for a missing value, beside an empty field."""
    ignore: tuple[str, ...] = ()
    """Columns (our names) that are left out."""
    categories: tuple[str, ...] = ()
    """Columns (our names) whose numbers are names, such as codes."""
    timezone: str | None = None
    """Zone of times that carry none, such as `Europe/Lisbon`; the company's where left out."""
    scale: tuple[float, float] | None = None
    """Lowest and highest answer of this survey, where it is not the instrument's own scale."""
    delimiter: str | None = None
    """Of a CSV file; found by looking where left out."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        return known_zone(zone)

    @field_validator("constants")
    @classmethod
    def _are_finite(cls, constants: dict[str, str | float | bool]) -> dict[str, str | float | bool]:
        for name, value in constants.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} must be finite")
        return constants

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: dict[str, str]) -> dict[str, str]:
        theirs = list(columns.values())
        if again := sorted({name for name in theirs if theirs.count(name) > 1}):
            raise ValueError(f"the column {again[0]!r} of the file is given to two of ours; give it to one")
        return columns

    @field_validator("scale")
    @classmethod
    def _lowest_first(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale and scale[0] >= scale[1]:
            raise ValueError("must be [lowest, highest]")
        return scale


class TablesConfig(Part):
    """The six tables; only `customers` is needed."""

    customers: TableConfig
    events: TableConfig | None = None
    surveys: TableConfig | None = None
    contracts: TableConfig | None = None
    environment: TableConfig | None = None
    actions: TableConfig | None = None


class FeaturesConfig(Part):
    """Which features are made."""

    defaults: bool = True
    """Make the features that follow from the tables by themselves."""
    windows_days: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (30, 90, 365)
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
    tables: TablesConfig
    labels: LabelsConfig
    features: FeaturesConfig = FeaturesConfig()
    models: ModelsConfig = ModelsConfig()
    value: NumberOrText | None = None
    """What a customer is worth over the horizon: a number, or an expression such as `12 * MonthlyCharges`."""
    health: HealthConfig = HealthConfig()
    policy: PolicyConfig | None = None
    """The policy, or the path of its file; without one nothing is recommended."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        return known_zone(zone)

    @field_validator("as_of", mode="before")
    @classmethod
    def _is_a_time(cls, as_of: Any) -> Any:
        if isinstance(as_of, int | float) or (isinstance(as_of, str) and as_of.strip().isdigit()):
            raise ValueError("must be a time such as 2024-05-31 or 2024-05-31T14:00:00Z, not a number")
        return as_of

    @field_validator("as_of")
    @classmethod
    def _in_utc(cls, as_of: datetime | None) -> datetime | None:
        if as_of is None:
            return None
        return as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
