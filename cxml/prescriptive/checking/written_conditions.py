"""The conditions of a policy as they are written: each once, at its place, with the options that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cxml.conditions import parse
from cxml.conditions.tree import Tree
from cxml.prescriptive.policy import PREDICTED, RULES, Option, Policy
from cxml.prescriptive.scopes import places as places_of
from cxml.prescriptive.scopes import treatments_of
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from cxml.config.policy import Conditions, PolicyConfig

Role = Literal["eligibility", "applicability", "suitability", "consent", "never", "suppress", "weight"]


@dataclass(frozen=True, eq=False)
class Written:
    """A condition at its place in the policy; ``options`` are the places of those that it is about."""

    where: str
    role: Role
    text: str
    tree: Tree
    options: tuple[int, ...]


def written_conditions(config: PolicyConfig, policy: Policy, kinds: Mapping[str, Kind]) -> tuple[Written, ...]:
    """Return every condition of a policy.

    Parameters
    ----------
    config : PolicyConfig
    policy : the same, compiled
    kinds : the features that a policy can name, with the kind of each
    """
    named: dict[str, Kind] = {**dict.fromkeys(policy.reads, "number"), **kinds, **PREDICTED}
    return tuple(
        Written(where, role, text, parse.condition(text, named, where=where).tree, options)
        for where, role, text, options in _texts(config, policy.options)
    )


def option_places(config: PolicyConfig) -> tuple[str, ...]:
    """Return where in the policy each option is written, in the order of the options."""
    return tuple(
        f"policy.actions[{i}]" + (f".treatments.{treatment.channel}" if treatment else "")
        for i, _, treatment in treatments_of(config)
    )


def _texts(config: PolicyConfig, options: tuple[Option, ...]) -> Iterator[tuple[str, Role, str, tuple[int, ...]]]:
    parts: list[tuple[str, Conditions, tuple[int, ...]]] = []
    for name, issue in config.issues.items():
        parts.append((f"policy.issues.{name}", issue, tuple(j for j, o in enumerate(options) if o.issue == name)))
    for name, group in config.groups.items():
        parts.append((f"policy.groups.{name}", group, tuple(j for j, o in enumerate(options) if o.group == name)))
    treatments = treatments_of(config)
    for i, action in enumerate(config.actions):
        mine = tuple(place for place, (at, _, _) in enumerate(treatments) if at == i)
        parts.append((f"policy.actions[{i}]", action, mine))
        for place, treatment in zip(mine, action.treatments, strict=False):  # none where in one way alone
            parts.append((f"policy.actions[{i}].treatments.{treatment.channel}", treatment, (place,)))
    for where, part, places in parts:
        for role in RULES:
            if (text := getattr(part, role)) is not None:
                yield f"{where}.{role}", role, text, places
    for channel, text in config.guard_rails.consent.items():
        places = tuple(j for j, option in enumerate(options) if option.channel == channel)
        yield f"policy.guard_rails.consent.{channel}", "consent", text, places
    for i, never in enumerate(config.guard_rails.never):
        if never.when is not None:
            where = f"policy.guard_rails.never[{i}]"
            yield f"{where}.when", "never", never.when, places_of(config, never, where)
    for i, rest in enumerate(config.contact_policy.suppress):
        if rest.when is not None:
            where = f"policy.contact_policy.suppress[{i}]"
            yield f"{where}.when", "suppress", rest.when, places_of(config, rest, where)
    for i, weight in enumerate(config.weights):
        if weight.when is not None:
            where = f"policy.weights[{i}]"
            yield f"{where}.when", "weight", weight.when, places_of(config, weight, where)
