"""The words of the feature algebra: each feature is data, one frozen object, and one line of YAML.

What a feature means is written once, in ``cxml.descriptive``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cxml.config.base import Name, Part

FactTable = Literal["events", "surveys", "invitations", "contracts", "actions", "outcomes"]
"""What happens to a customer over time; `invitations` are the surveys as they were sent, answered or not."""

Days = Annotated[int, Field(gt=0, le=36_500)]

_ROWS = ("count", "rows", "days_active", "mean_gap_days", "decay")


class Attribute(Part):
    """A column of the customer itself."""

    kind: Literal["attribute"] = "attribute"
    name: Name
    column: str
    """Column of `customers`; a time becomes the days since then."""


class Facts(Part):
    """Which facts a feature looks at: the rows of a table that a condition lets through, in a trailing window."""

    name: Name
    table: FactTable
    where: str | None = None
    """A condition on the columns of the table, such as `event_type = 'contact' AND solved = FALSE`."""
    window_days: Days | None = None
    """Days before `as_of` that are looked at; everything earlier than `as_of` where left out."""


class Aggregate(Facts):
    """An aggregate of one column over the facts."""

    kind: Literal["aggregate"] = "aggregate"
    aggregate: Literal[
        "count",
        "rows",
        "sum",
        "mean",
        "min",
        "max",
        "std",
        "distinct",
        "last",
        "first",
        "days_active",
        "mean_gap_days",
        "entropy",
        "decay",
    ]
    column: str | None = None
    """A column, or an expression such as `paid - promised`; `count` counts its known values, or the rows without it.
    `rows` counts rows whatever their confidence."""
    half_life_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """Of `decay`: a fact so many days old counts half."""

    @model_validator(mode="after")
    def _fits(self) -> Aggregate:
        if self.column is None and self.aggregate not in _ROWS:
            raise ValueError(f"'{self.aggregate}' needs a `column`; only {', '.join(_ROWS)} look at rows alone")
        if self.column is not None and self.aggregate in ("rows", "days_active", "mean_gap_days"):
            raise ValueError(f"'{self.aggregate}' looks at the times of rows and takes no `column`; use `where`")
        if (self.half_life_days is None) == (self.aggregate == "decay"):
            raise ValueError("`half_life_days` and `aggregate: decay` belong together")
        return self


class Recency(Part):
    """Days since the last (or the first) row that a condition lets through."""

    kind: Literal["recency"] = "recency"
    name: Name
    table: FactTable
    where: str | None = None
    since: Literal["last", "first"] = "last"


class Trend(Facts):
    """An aggregate over a window minus the same aggregate over the window of the same length before it."""

    kind: Literal["trend"] = "trend"
    aggregate: Literal["count", "sum", "mean"]
    column: str | None = None
    window_days: Days

    @model_validator(mode="after")
    def _needs_a_column(self) -> Trend:
        if self.column is None and self.aggregate != "count":
            raise ValueError(f"'{self.aggregate}' needs a `column`; only 'count' counts rows")
        return self


class Share(Facts):
    """The share of the facts for which `of` is true, such as the channel being the web; unknown without a fact."""

    kind: Literal["share"] = "share"
    of: str
    """A condition; facts for which it is unknown count neither way."""


class Promise(Facts):
    """The share of promises kept: of the facts where both are known, those whose column is at most its promise."""

    kind: Literal["promise"] = "promise"
    column: str
    """What was measured, such as `delay_days`."""
    promise: float | str = 0.0
    """What was promised: a number, or a column of the same table."""


class Ratio(Part):
    """One feature divided by another; unknown where the other is zero."""

    kind: Literal["ratio"] = "ratio"
    name: Name
    numerator: str
    denominator: str


class Contract(Part):
    """The contract in force at `as_of`: a column of it, or what can be said of its term."""

    kind: Literal["contract"] = "contract"
    name: Name
    column: str | None = None
    measure: Literal["value", "days_since_start", "days_to_end", "price_change", "tenure_days", "renewals"] = "value"
    """`price_change`: the price minus that of the term before; `tenure_days`: since the first term began;
    `renewals`: terms that ended and were renewed."""

    @model_validator(mode="after")
    def _needs_a_column(self) -> Contract:
        if (self.column is None) == (self.measure == "value"):
            raise ValueError("name a `column`, or a `measure` other than 'value'")
        return self


class Environment(Part):
    """The latest known measure of the customer's region, how much it moved, or how far it is from the mean region."""

    kind: Literal["environment"] = "environment"
    name: Name
    column: str
    change_days: Days | None = None
    """Minus the value as it was known so many days earlier."""
    against: Literal["national"] | None = None
    """Minus the mean of the latest values of all regions."""

    @model_validator(mode="after")
    def _one_difference(self) -> Environment:
        if self.change_days is not None and self.against is not None:
            raise ValueError("is `change_days` or `against`, not both; make two features of it")
        return self


class Segment(Part):
    """The mean of a feature over the other customers of the same segment, as of the midnight before `as_of`.

    A count or a sum is divided by the number of the others, a mean is that of all their facts.
    """

    kind: Literal["segment"] = "segment"
    name: Name
    of: str
    """The name of an aggregate (count, sum or mean) with a window."""
    by: str = "segment"
    """The column of `customers` that groups them."""


class Season(Part):
    """A part of the calendar of `as_of`."""

    kind: Literal["season"] = "season"
    name: Name
    part: Literal["month", "quarter", "weekday", "year_sin", "year_cos"]
    """`weekday` is 1 on Monday to 7 on Sunday."""


Feature = Annotated[
    Attribute | Aggregate | Recency | Trend | Share | Promise | Ratio | Contract | Environment | Segment | Season,
    Field(discriminator="kind"),
]


def features_from_json(found: Any) -> tuple[Feature, ...]:
    """Return the features that were stored as a list of mappings."""
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[Feature, ...]).validate_python(found)
