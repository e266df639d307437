"""The words of the feature algebra: each feature is data, one frozen object, and one line of YAML.

What a feature means is written once, in ``cxml.descriptive``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cxml.config.base import Name, Part

FactTable = Literal["events", "surveys", "contracts", "actions"]


class Attribute(Part):
    """A column of the customer itself."""

    kind: Literal["attribute"] = "attribute"
    name: Name
    column: str
    """Column of `customers`; a time becomes the days since then."""


class Aggregate(Part):
    """An aggregate of one column over a trailing window, of the rows that a condition lets through."""

    kind: Literal["aggregate"] = "aggregate"
    name: Name
    table: FactTable
    aggregate: Literal["count", "sum", "mean", "min", "max", "std", "distinct", "last"]
    column: str | None = None
    """The column that is aggregated; `count` counts its known values, or the rows where it is left out."""
    where: str | None = None
    """A condition on the columns of the table, such as `event_type = 'contact' AND solved = FALSE`."""
    window_days: Annotated[int, Field(gt=0)] | None = None
    """Days before `as_of` that are looked at; everything earlier than `as_of` where left out."""

    @model_validator(mode="after")
    def _needs_a_column(self) -> Aggregate:
        if self.column is None and self.aggregate != "count":
            raise ValueError(f"'{self.aggregate}' needs a `column`; only 'count' counts rows")
        return self


class Recency(Part):
    """Days since the last (or the first) row that a condition lets through."""

    kind: Literal["recency"] = "recency"
    name: Name
    table: FactTable
    where: str | None = None
    since: Literal["last", "first"] = "last"


class Trend(Part):
    """An aggregate over a window minus the same aggregate over the window of the same length before it."""

    kind: Literal["trend"] = "trend"
    name: Name
    table: FactTable
    aggregate: Literal["count", "sum", "mean"]
    column: str | None = None
    where: str | None = None
    window_days: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _needs_a_column(self) -> Trend:
        if self.column is None and self.aggregate != "count":
            raise ValueError(f"'{self.aggregate}' needs a `column`; only 'count' counts rows")
        return self


class Contract(Part):
    """The contract in force at `as_of`: a column of it, its age, or the days that it still runs."""

    kind: Literal["contract"] = "contract"
    name: Name
    column: str | None = None
    measure: Literal["value", "days_since_start", "days_to_end"] = "value"

    @model_validator(mode="after")
    def _needs_a_column(self) -> Contract:
        if (self.column is None) == (self.measure == "value"):
            raise ValueError("name a `column`, or a `measure` other than 'value'")
        return self


class Environment(Part):
    """The latest known measure of the customer's region, or how much it moved over the days before."""

    kind: Literal["environment"] = "environment"
    name: Name
    column: str
    change_days: Annotated[int, Field(gt=0)] | None = None


class Season(Part):
    """A part of the calendar of `as_of`."""

    kind: Literal["season"] = "season"
    name: Name
    part: Literal["month", "quarter", "year_sin", "year_cos"]


Feature = Annotated[
    Attribute | Aggregate | Recency | Trend | Contract | Environment | Season, Field(discriminator="kind")
]
