"""The labels of company.yaml: which question each model answers, in which classes, and over which time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from cxml.config.base import Part
from cxml.schema import columns as c
from cxml.schema.sql import literal
from cxml.schema.tables import INSTRUMENT_SCALES, NPS_CUTS

Instrument = Literal["nps", "csat", "ces", "stars", "smiley"]
Days = Annotated[int, Field(gt=0)]
Period = Literal["day", "week", "month", "quarter", "year", "term"]


def _listed(raw: Any) -> Any:
    return (raw,) if isinstance(raw, str) else raw


def _one_or_more(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}]})


def _events_of(types: tuple[str, ...], where: str | None) -> str | None:
    """Return the condition on `events` that a row is of one of these types and meets another condition."""
    names = [literal(name) for name in types]
    if not names:
        return where
    named = f"{c.EVENT_TYPE} = {names[0]}" if len(names) == 1 else f"{c.EVENT_TYPE} IN ({', '.join(names)})"
    return f"{named} AND ({where})" if where else named


class NpsLabel(Part):
    """What the NPS-class model learns: the answers of instruments, or a column of the customers."""

    instrument: Annotated[
        tuple[Instrument, ...],
        Field(min_length=1),
        BeforeValidator(_listed),
        _one_or_more({"type": "string", "enum": list(INSTRUMENT_SCALES)}),
    ] = ("nps",)
    """One instrument, or several whose answers are learnt from together, each by the classes of its own scale."""
    column: str | None = None
    """Column of `customers` with the answer, for a company that is one snapshot."""
    scale: tuple[float, float] | None = None
    """Lowest and highest answer in `column`, where it is not the instrument's own scale."""
    classes: tuple[float, float] | None = None
    """The highest detractor and the highest passive; by default those that are customary for the scale."""

    @model_validator(mode="after")
    def _are_on_a_scale(self) -> NpsLabel:
        if self.scale and self.column is None:
            raise ValueError("`scale` is of a `column`; that of answers is set in `tables.surveys`")
        if self.scale and self.scale[0] >= self.scale[1]:
            raise ValueError("`scale` must be [lowest, highest]")
        if self.column and len(self.instrument) > 1:
            raise ValueError("a `column` holds the answers of one instrument; name it, or give its `scale`")
        scales = dict.fromkeys(self.scale_of(instrument) for instrument in self.instrument)
        if self.classes and len(scales) > 1:
            raise ValueError("`classes` are of one scale; the instruments have several. Leave `classes` out")
        for low, high in scales:
            if self.classes is None and (low, high) not in NPS_CUTS:
                known = ", ".join(f"{a}-{b}" for a, b in NPS_CUTS)
                raise ValueError(
                    f"a scale of {low:g}-{high:g} has no customary classes (those of {known} have); "
                    f"say `classes: [highest detractor, highest passive]`"
                )
            if self.classes and not low <= self.classes[0] <= self.classes[1] < high:
                raise ValueError(
                    f"`classes` must be [highest detractor, highest passive] on {low:g}-{high:g}, "
                    f"so that some answer is above both"
                )
        return self

    def scale_of(self, instrument: str) -> tuple[float, float]:
        """Return the lowest and the highest answer."""
        return self.scale or INSTRUMENT_SCALES[instrument]

    def cuts_of(self, instrument: str) -> tuple[float, float]:
        """Return the highest detractor and the highest passive answer."""
        return self.classes or NPS_CUTS[self.scale_of(instrument)]

    def question(self) -> dict[str, Any]:
        """Return what a model must be trained anew for if it changes, as JSON."""
        return {**self.model_dump(mode="json", exclude_none=True), "instrument": sorted(set(self.instrument))}


class RenewalLabel(Part):
    """What the renewal model learns: contracts not renewed, events that did not come, or a column of the customers.

    Contracts are the default; `event` or `where` ask for customers without contracts, `column` for a snapshot.
    """

    horizon_days: Days = 365
    """Contracts that end within so many days after `as_of` + gap are at risk; or: the days in which no event comes."""
    gap_days: Annotated[int, Field(ge=0)] = 0
    """Days after `as_of` that are left alone, too late to act on: contracts that end, or events that come, in them."""
    every_days: Days = 91
    """Days between the moments of the past from which the model learns."""
    event: Annotated[tuple[str, ...], BeforeValidator(_listed), _one_or_more({"type": "string"})] = ()
    """Type of `events`, such as purchase, or several of which any will do: a customer without any more is lost."""
    where: str | None = None
    """A condition on `events` that such an event meets, such as `value > 0`; it may stand alone."""
    active_days: Days | None = None
    """Only who had such an event in so many days before `as_of` can be lost; ever before where left out."""
    column: str | None = None
    """Column of `customers` with the outcome, for a company that is one snapshot."""
    lost: Annotated[tuple[str, ...], _one_or_more({"type": ["string", "number", "boolean"]})] = ()
    """The values of `column` that mean: not renewed."""

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("lost"), str | bool | int | float):
            raw = {**raw, "lost": [raw["lost"]]}
        if isinstance(raw, dict) and isinstance(raw.get("lost"), list | tuple):
            whole = (int(v) if isinstance(v, float) and v.is_integer() else v for v in raw["lost"])
            raw = {**raw, "lost": [str(value) for value in whole]}
        return raw

    @model_validator(mode="after")
    def _ask_one_question(self) -> RenewalLabel:
        if (self.column is None) != (not self.lost):
            raise ValueError("`column` and `lost` belong together: the column, and its values that mean not renewed")
        if self.column and self.event_condition:
            raise ValueError("`column` and `event` are two ways to tell who was lost; keep one of them")
        if self.active_days and not self.event_condition:
            raise ValueError("`active_days` counts from an event; say which with `event`")
        return self

    @property
    def event_condition(self) -> str | None:
        """The condition on `events` that keeps a customer; None where contracts or a column tell who was lost."""
        return _events_of(self.event, self.where)

    def question(self) -> dict[str, Any]:
        """Return what a model must be trained anew for if it changes, as JSON."""
        if self.column:
            return {"column": self.column, "lost": sorted(self.lost)}
        asked = {"horizon_days": self.horizon_days, "gap_days": self.gap_days}
        if self.event_condition is None:
            return asked
        return asked | {"event": sorted(self.event), "where": self.where, "active_days": self.active_days}


class ValueLabel(Part):
    """What the value model learns: what a customer brings within the horizon after `as_of`.

    The prices of contracts, for as long as they run, are the default; `event` asks for the sum of a column of `events`,
    `table: customers` for a column of a snapshot.
    """

    table: Literal["customers"] | None = None
    """`customers`, for a company that is one snapshot: their `column` is the money that came in."""

    horizon_days: Days = 365
    """Days after `as_of` whose money counts."""
    every_days: Days = 91
    """Days between the moments of the past from which the model learns."""
    event: Annotated[tuple[str, ...], BeforeValidator(_listed), _one_or_more({"type": "string"})] = ()
    """Type of `events`, such as purchase, or several, whose `column` is added up; contracts count where left out."""
    where: str | None = None
    """A condition on the events, or on the contracts, that count."""
    column: str | None = None
    """The column of money; by default `value` of events, whose returns are below 0, and `price` of contracts."""
    per: Period | None = None
    """What the price of a contract is for: a day, week, month (the default), quarter or year, or the whole term."""
    discount_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """A year's interest: 0.1 counts what comes in a year for 1/1.1 of what comes today."""

    @model_validator(mode="after")
    def _ask_one_question(self) -> ValueLabel:
        if self.per and self.event:
            raise ValueError("`per` is of the price of contracts; what an event brings is for itself. Leave `per` out")
        if self.table and not self.column:
            raise ValueError("`table: customers` needs `column`, the one with the money that came in")
        if self.table and (self.event or self.where or self.per or self.discount_rate):
            raise ValueError(
                "`table: customers` goes with `column` and `horizon_days` alone: a snapshot has no rows in time"
            )
        return self

    @property
    def money(self) -> str:
        """The column of money."""
        return self.column or (c.VALUE if self.event else c.PRICE)

    @property
    def event_condition(self) -> str | None:
        """The condition on `events` that bring money; None where contracts do."""
        return _events_of(self.event, self.where) if self.event else None

    def question(self) -> dict[str, Any]:
        """Return what a model must be trained anew for if it changes, as JSON."""
        if self.table:
            return {"table": self.table, "column": self.money, "horizon_days": self.horizon_days}
        asked = {"horizon_days": self.horizon_days, "discount_rate": self.discount_rate, "column": self.money}
        if self.event:
            return asked | {"event": sorted(self.event), "where": self.where}
        return asked | {"per": self.per or "month", "where": self.where}


class LabelsConfig(Part):
    """What is to be predicted; at least one."""

    nps: NpsLabel | None = None
    renewal: RenewalLabel | None = None
    value: ValueLabel | None = None

    @model_validator(mode="after")
    def _at_least_one(self) -> LabelsConfig:
        if self.nps is None and self.renewal is None and self.value is None:
            raise ValueError("name at least one of `nps`, `renewal` and `value`")
        return self

    @property
    def snapshot_columns(self) -> tuple[str, ...]:
        """The columns of `customers` that are labels: what is to be foretold, and no feature."""
        columns = [label.column for label in (self.nps, self.renewal) if label]
        money = self.value.column if self.value and self.value.table else None
        return tuple(column for column in (*columns, money) if column)
