"""policy.yaml: the actions, for whom, at what cost, with which assumed effect, within which limits."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cxml.config.base import Channel, Name, NumberOrText, Part, in_utc
from cxml.config.features import Feature
from cxml.config.policy_limits import ContactPolicy, GuardRails, Limit, Scope, Share
from cxml.schema.columns import NO_ACTION, RESERVED

# Every customer is looked at with every option: of a million customers, a thousand options take 18 GB.
_MAX_OPTIONS: Final = 1_000
_MAX_OTHERS: Final = 200  # limits and weights, each of which is looked at with every option


class Conditions(Part):
    """For whom: all three must be true of a customer; one that is left out is true of everybody."""

    eligibility: str | None = None
    """Who may have it: rules and contracts."""
    applicability: str | None = None
    """For whom it makes sense now."""
    suitability: str | None = None
    """For whom it is any good."""
    lever: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """How much the business wants it: multiplies what it is ranked by, not the money it is expected to bring."""


class GroupConfig(Conditions):
    """What all actions of a group share; their own conditions come on top, their levers multiply."""

    issue: Name | None = None
    """The issue that the group belongs to."""


class TreatmentConfig(Conditions):
    """An action over one channel; what it leaves out is as the action says, its conditions come on top."""

    channel: Channel
    cost: NumberOrText | None = None
    benefit: NumberOrText | None = None
    effect: NumberOrText | None = None
    effect_low: NumberOrText | None = None
    effect_high: NumberOrText | None = None
    uses: dict[Name, NumberOrText] | None = None


class ActionConfig(Conditions):
    """One action. Its expected value is benefit x effect - cost."""

    name: Name
    issue: Name | None = None
    """What it is about, such as `retention`."""
    group: Name | None = None
    """The kind of action within the issue, such as `discounts`."""
    channel: Channel | None = None
    """How the customer is reached; leave it out for an action that contacts nobody."""
    cost: NumberOrText = 0.0
    """In the currency of `value`: a number, or an expression on the columns of the frames."""
    benefit: NumberOrText = "value"
    """What one success is worth: a number or an expression; by default the customer's value."""
    effect: NumberOrText = 0.0
    """The assumed change in the probability of success (0.05 = 5 points), a number or an expression."""
    effect_low: NumberOrText | None = None
    """The low end of the range that holds the effect with 95%; by default 0."""
    effect_high: NumberOrText | None = None
    """Its high end; by default twice the effect."""
    measured_by: Literal["renewal", "value", "nps", "nothing"] | None = None
    """The outcome whose measured change is its effect: `renewal` where `benefit` is left out, else `nothing`.

    Of `value` the effect is money, and there is no `benefit`; of `nps` it is points, and `benefit` is of a point."""
    uses: dict[Name, NumberOrText] = Field(default_factory=dict)
    """What else one such decision takes, to be limited under `limits`, such as `{agent_hours: 0.25}`."""
    treatments: tuple[TreatmentConfig, ...] = ()
    """In place of `channel`: the action over several channels, each at a cost and with an effect of its own."""
    valid_from: datetime | None = None
    """The first moment at which it can be recommended (UTC where it carries no zone)."""
    valid_until: datetime | None = None
    """The moment from which on it cannot be; a date without a time counts to its end."""

    @field_validator("valid_from", "valid_until", mode="before")
    @classmethod
    def _is_a_time(cls, moment: Any) -> Any:
        if isinstance(moment, int | float):
            raise ValueError("must be a date such as 2024-05-31")
        return moment

    @field_validator("valid_from", "valid_until")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return in_utc(moment)

    @field_validator("valid_until", mode="before")
    @classmethod
    def _to_its_end(cls, moment: Any) -> Any:
        if isinstance(moment, str) and len(moment.strip()) == len("2024-05-31"):
            moment = date.fromisoformat(moment.strip())
        if isinstance(moment, date) and not isinstance(moment, datetime):
            return datetime.combine(moment, time.max, UTC)
        return moment

    @model_validator(mode="after")
    def _reaches(self) -> ActionConfig:
        if self.channel is not None and self.treatments:
            raise ValueError("says `channel` and `treatments`; keep one of them")
        again = [name for name, n in Counter(treatment.channel for treatment in self.treatments).items() if n > 1]
        if again:
            raise ValueError(f"has two treatments over {again[0]!r}; a channel is there once")
        benefits = (self.benefit, *(treatment.benefit or "value" for treatment in self.treatments))
        if self.measured_by == "value" and any(benefit != "value" for benefit in benefits):
            raise ValueError("is measured by value: its effect is money, so leave `benefit` out")
        if self.measured_by == "nps" and any(benefit == "value" for benefit in benefits):
            raise ValueError("is measured by nps: say with `benefit` what a point of the NPS is worth")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("must be valid from before it is valid until")
        return self


class EffectsUse(Part):
    """Which effects decide."""

    use: Literal["measured", "assumed"] = "measured"
    """`measured`: those learnt from the log of actions where there are any, weighed with what is assumed."""
    decide_on: Literal["expected", "low"] = "expected"
    """`low` ranks by the low end of each effect's range: what is sure comes before what may be more."""


class WeightConfig(Scope):
    """A weight on what some offers are ranked by, for the customers of whom a condition is true."""

    weight: NumberOrText
    """A number or an expression, 0 or more; unknown counts as 1."""
    when: str | None = None


def _known_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, bool | int | float | str | None) or value in (math.inf, -math.inf):
        raise ValueError("must be a number, a text, true or false, or null for what is unknown")
    return None if value != value else value


_Known = Annotated[bool | float | str | None, BeforeValidator(_known_value)]


class CaseConfig(Part):
    """A golden case: what the policy must decide for a customer of whom these values are known."""

    name: str
    given: dict[str, _Known] = Field(default_factory=dict)
    """Values of features and predictions by name; what is left out is unknown. `as_of` is the moment."""
    expect: Name
    """The action that must be chosen."""
    channel: Channel | None = None


class ExplorationConfig(Part):
    """How the customers of `exploration_share` are found, and what they get."""

    method: Literal["uniform", "thompson"] = "uniform"
    """`uniform`: anybody, any option alike. `thompson`: most where least is known, each as likely as it is the best."""
    by: Name | None = None
    """With `thompson`: a feature whose groups are explored, each by what there is to learn of it."""

    @model_validator(mode="after")
    def _groups_are_learnt_of(self) -> ExplorationConfig:
        if self.by is not None and self.method == "uniform":
            raise ValueError("`by` is for `method: thompson`; uniform explores all groups alike. Say one or the other")
        return self


class PolicyConfig(Part):
    """The actions and the limits; `no_action` is always there, worth 0, and need not be listed."""

    actions: Annotated[tuple[ActionConfig, ...], Field(min_length=1, max_length=_MAX_OPTIONS)]
    issues: dict[Name, Conditions] = Field(default_factory=dict)
    groups: dict[Name, GroupConfig] = Field(default_factory=dict)
    weights: Annotated[tuple[WeightConfig, ...], Field(max_length=_MAX_OTHERS)] = ()
    effects: EffectsUse = EffectsUse()
    channel_preferences: dict[Channel, NumberOrText] = Field(default_factory=dict)
    """For each channel a weight, a number or an expression, such as `CASE WHEN likes = 'mail' THEN 1.2 ELSE 1 END`."""
    features: tuple[Feature, ...] = ()
    """Features that the policy alone reads; the models do not learn from them."""
    contact_policy: ContactPolicy = ContactPolicy()
    guard_rails: GuardRails = GuardRails()
    limits: Annotated[tuple[Limit, ...], Field(max_length=_MAX_OTHERS)] = ()
    plan_days: Annotated[int, Field(gt=0, le=366)] = 1
    """Over how many days the contacts of a run are spread, the most valuable first."""
    exploration_share: Share = 0.0
    """Share of customers, drawn anew each run, who get any of the actions they are eligible for, to learn from."""
    exploration: ExplorationConfig = ExplorationConfig()
    """How that share is spent."""
    holdout_share: Share = 0.05
    """Share of customers, drawn by their id, who get no action, so that the others can be compared with them."""
    cases: Annotated[tuple[CaseConfig, ...], Field(max_length=_MAX_OPTIONS)] = ()

    @field_validator("actions")
    @classmethod
    def _with_no_action(cls, actions: tuple[ActionConfig, ...]) -> tuple[ActionConfig, ...]:
        if not any(action.name == NO_ACTION for action in actions):
            actions += (ActionConfig(name=NO_ACTION),)
        return actions

    @field_validator("actions")
    @classmethod
    def _costs_something(cls, actions: tuple[ActionConfig, ...]) -> tuple[ActionConfig, ...]:
        for action in actions:
            offers: tuple[ActionConfig | TreatmentConfig, ...] = (action, *action.treatments)
            for offer in offers:
                used = {f"uses.{name}": amount for name, amount in (offer.uses or {}).items()}
                for name, amount in {"cost": offer.cost, **used}.items():
                    if isinstance(amount, int | float) and amount < 0:
                        raise ValueError(
                            f"{name} of {action.name!r} must be 0 or more; what an action earns is its benefit"
                        )
        return actions

    @field_validator("features")
    @classmethod
    def _names_of_their_own(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = Counter(feature.name.casefold() for feature in features)
        if taken := [feature.name for feature in features if feature.name.casefold() in RESERVED]:
            raise ValueError(f"{taken[0]!r} is the name of a key or a prediction; name the feature otherwise")
        if again := [name for name, n in names.items() if n > 1]:
            raise ValueError(f"{again[0]!r} is the name of two features, whatever their case; rename one")
        return features

    @model_validator(mode="after")
    def _one_of_each(self) -> PolicyConfig:
        names = [action.name for action in self.actions]
        if again := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every action must have a name of its own; {again[0]!r} is there twice")
        if (n_options := sum(max(len(action.treatments), 1) for action in self.actions)) > _MAX_OPTIONS:
            raise ValueError(
                f"can have {_MAX_OPTIONS:,} actions, one over two channels counted twice; has {n_options:,}"
            )
        nothing = next(action for action in self.actions if action.name == NO_ACTION)
        if nothing != ActionConfig(name=NO_ACTION):
            raise ValueError(f"'{NO_ACTION}' is free, contacts nobody and changes nothing: leave its other keys out")
        if again := [name for name, n in Counter(limit.label for limit in self.limits).items() if n > 1]:
            raise ValueError(f"every limit must have a name of its own; {again[0]!r} is there twice: give one a `name`")
        if self.exploration_share + self.holdout_share >= 1:
            raise ValueError("exploration_share and holdout_share must leave somebody to decide for: below 1 together")
        return self

    @model_validator(mode="after")
    def _belong_together(self) -> PolicyConfig:
        for action in self.actions:
            issue = self.groups[action.group].issue if action.group in self.groups else None
            if issue is not None and action.issue not in (None, issue):
                raise ValueError(f"{action.name!r} is of issue {action.issue!r}, its group of {issue!r}; say one")
        return self

    def issue_of(self, action: ActionConfig) -> str | None:
        """Return the issue of an action: its own, or that of its group."""
        if action.issue is not None or action.group not in self.groups:
            return action.issue
        return self.groups[action.group].issue
