"""policy.yaml: the actions, for whom, at what cost, with which assumed effect, within which limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from cxml.config.base import Name, NumberOrText, Part
from cxml.schema.columns import NO_ACTION


class ActionConfig(Part):
    """One action. Its expected value is benefit x effect - cost."""

    name: Name
    channel: Name | None = None
    """How the customer is reached; leave it out for an action that contacts nobody."""
    cost: NumberOrText = 0.0
    """In the currency of `value`: a number, or an expression on the columns of the frames."""
    benefit: NumberOrText = "value"
    """What one success is worth: a number or an expression; by default the customer's value."""
    effect: NumberOrText = 0.0
    """The assumed change in the probability of success (0.05 = 5 points), a number or an expression."""
    eligibility: str | None = None
    """A condition on features and predictions; everybody where left out."""


class ContactPolicy(Part):
    """At most so many contacts of one customer in a trailing window, counted in the `actions` table."""

    max_contacts: Annotated[int, Field(ge=0)]
    window_days: Annotated[int, Field(gt=0)]


class PolicyConfig(Part):
    """The actions and the limits; `no_action` is always there, worth 0, and need not be listed."""

    actions: Annotated[tuple[ActionConfig, ...], Field(min_length=1)]
    contact_policy: ContactPolicy | None = None
    holdout_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of customers, drawn by their id, who get no action, so that the others can be compared with them."""

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
            if isinstance(action.cost, float) and action.cost < 0:
                raise ValueError(f"the cost of {action.name!r} must be 0 or more; what it earns is its benefit")
        return actions

    @model_validator(mode="after")
    def _one_of_each(self) -> PolicyConfig:
        names = [action.name for action in self.actions]
        if again := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every action must have a name of its own; {again[0]!r} is there twice")
        nothing = next(action for action in self.actions if action.name == NO_ACTION)
        if nothing != ActionConfig(name=NO_ACTION):
            raise ValueError(f"'{NO_ACTION}' is free, contacts nobody and changes nothing: leave its other keys out")
        return self
