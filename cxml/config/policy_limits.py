"""The limits of a policy.yaml: how often, for whom never, between whom evenly, and how much of everything in all."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from cxml.config.base import Channel, Name, Part

LEVELS: Final = ("issue", "group", "action", "channel")
"""What an offer can be named by, from the widest to the narrowest."""

_MAX_RULES: Final = 200  # of one kind, each of which is looked at with every option
Share = Annotated[float, Field(ge=0, lt=1)]
_Days = Annotated[int, Field(gt=0, le=36_500)]


class Scope(Part):
    """Which offers something is about: all that bear every name that is given; every offer where none is."""

    issue: Name | None = None
    group: Name | None = None
    action: Name | None = None
    channel: Channel | None = None

    @property
    def named(self) -> dict[str, str]:
        """The names that are given, by level."""
        return {level: name for level in LEVELS if (name := getattr(self, level)) is not None}

    def __str__(self) -> str:
        return " ".join(f"{level} {name}" for level, name in self.named.items()) or "all"


class ContactLimit(Part):
    """At most so many contacts of one customer in a trailing window, counted in the `actions` table."""

    max_contacts: Annotated[int, Field(ge=0)]
    window_days: _Days


class After(Scope):
    """A past action: one of the offers of a scope, and what came of it, where that matters."""

    outcome: str | None = None
    """In the table `outcomes`, such as `refused`: the rest counts from it, or from the action where left out."""


class Suppression(Scope):
    """What is not done for a time, or while something holds; exactly one of `after` and `when` says."""

    after: After | None = None
    """The past action after which these offers rest."""
    days: _Days | None = None
    """How many days they rest after it."""
    when: str | None = None
    """A condition: while it is true, these offers rest, such as `open_complaints > 0`."""

    @model_validator(mode="after")
    def _one_reason(self) -> Suppression:
        if (self.after is None) == (self.when is None):
            raise ValueError("needs either `after` with `days`, or `when`")
        if (self.after is None) != (self.days is None):
            raise ValueError("`after` and `days` go together")
        return self


class ContactPolicy(Part):
    """How often a customer may be contacted, in all and over each channel, and when not at all."""

    max_contacts: Annotated[int, Field(ge=0)] | None = None
    window_days: _Days | None = None
    channels: dict[Channel, ContactLimit] = Field(default_factory=dict)
    """A limit of its own for each channel."""
    suppress: Annotated[tuple[Suppression, ...], Field(max_length=_MAX_RULES)] = ()
    """Offers that rest after a past action, or while something holds."""

    @model_validator(mode="after")
    def _both(self) -> ContactPolicy:
        if (self.max_contacts is None) != (self.window_days is None):
            raise ValueError("`max_contacts` and `window_days` go together")
        return self


class Never(Scope):
    """Customers who never get these offers: by their ids, by a file of them, or by a condition."""

    customers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    file: str | None = None
    """A CSV file with a column `customer_id`, relative to the policy's file."""
    when: str | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Never:
        if not self.customers and self.file is None and self.when is None:
            raise ValueError("needs `customers`, `file` or `when`")
        return self


class FairnessLimit(Scope):
    """The largest difference between groups of customers in the share of those who get these offers."""

    by: Name
    """The column that tells the groups, a feature of the company or of the policy; the unknown are in none."""
    max_difference: Annotated[float, Field(ge=0, le=1)]
    """Between any two groups, as a share of their customers (0.05 = 5 points)."""


class GuardRails(Part):
    """What must not happen, whatever it would earn."""

    consent: dict[Channel, str] = Field(default_factory=dict)
    """For each channel, the condition that says a customer agreed to it; unknown is no."""
    never: Annotated[tuple[Never, ...], Field(max_length=_MAX_RULES)] = ()
    fairness: Annotated[tuple[FairnessLimit, ...], Field(max_length=_MAX_RULES)] = ()


class Limit(Scope):
    """How much may be used by all customers of a run together."""

    name: Name | None = None
    """How reports call it; by default what it is of, and whom it is about."""
    of: Name = "cost"
    """`cost` in money, `contacts` as a number of customers, or anything that actions `uses`, such as `agent_hours`."""
    amount: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of the whole run."""
    per_day: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of each of the `plan_days` over which the contacts are spread."""

    @model_validator(mode="after")
    def _one_amount(self) -> Limit:
        if (self.amount is None) == (self.per_day is None):
            raise ValueError("needs either `amount`, of the whole run, or `per_day`")
        return self

    @property
    def label(self) -> str:
        """The name, or what it is of and whom it is about."""
        return self.name or "_".join([self.of, *self.named.values()])
