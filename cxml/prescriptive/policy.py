"""A policy compiled: every expression parsed against the columns that are there, ready to run and to store as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cxml.conditions import parse
from cxml.conditions.tree import Tree
from cxml.errors import ConfigError, listed
from cxml.schema import columns as c
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from cxml.config.policy import PolicyConfig


@dataclass(frozen=True)
class Action:
    """One action: who is eligible, and the trees of its cost, benefit and assumed effect.

    ``rule`` is the eligibility as its author wrote it.
    """

    name: str
    channel: str | None
    rule: str
    eligibility: Tree | None
    cost: Tree
    benefit: Tree
    effect: Tree


@dataclass(frozen=True)
class Policy:
    """Actions and limits. ``contacts`` is the feature that counts past contacts, None where nobody logged any."""

    actions: tuple[Action, ...]
    holdout_share: float
    max_contacts: int | None = None
    contacts: str | None = None

    @property
    def version(self) -> str:
        """A hash of everything that the policy says."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON can hold it; `from_json` is the way back."""
        return {
            "actions": [vars(action) for action in self.actions],
            "holdout_share": self.holdout_share,
            "max_contacts": self.max_contacts,
            "contacts": self.contacts,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the policy that `to_json` stored."""
        return cls(**{**stored, "actions": tuple(Action(**action) for action in stored["actions"])})


# What a policy can name beside the features: the columns of the PREDICTIONS frame that decide.
PREDICTED: Mapping[str, Kind] = {
    **dict.fromkeys(c.P_NPS, "number"),
    c.NPS_CLASS: "category",
    c.RENEWAL_RISK: "number",
    c.HEALTH: "number",
    c.VALUE: "number",
}


def contacts_feature(config: PolicyConfig) -> str | None:
    """Return the name of the feature that counts the contacts of the contact policy's window; None without one."""
    return f"contacts_{config.contact_policy.window_days}d" if config.contact_policy else None


def compiled_policy(config: PolicyConfig, features: Mapping[str, Kind], *, has_value: bool) -> Policy:
    """Parse every expression of a policy.

    Parameters
    ----------
    config : PolicyConfig
    features : the features that the company has, with the kind of each
    has_value : whether the company says what a customer is worth

    Raises
    ------
    ConfigError
        If an expression cannot be read or names a column that is not there; all faults together.
    """
    kinds = {**features, **PREDICTED}
    faults: list[str] = []

    def tree(read: Any, text: Any, where: str) -> Any:
        try:
            expression = read(text, kinds, where=where)
            if c.VALUE in expression.columns and not has_value:
                faults.append(
                    f"{where}: uses `value`, but the config does not say what a customer is worth. "
                    f"Set `value:` or `labels.value`."
                )
            return expression.tree
        except ConfigError as error:
            faults.append(str(error))

    actions = []
    for i, action in enumerate(config.actions):
        at = f"policy.actions[{i}]"
        rule = action.eligibility
        eligibility = None if rule is None else tree(parse.condition, rule, f"{at}.eligibility")
        amounts = {
            name: tree(parse.number, 0 if action.name == c.NO_ACTION else getattr(action, name), f"{at}.{name}")
            for name in ("cost", "benefit", "effect")
        }
        shown = "everyone" if rule is None else rule
        actions.append(Action(action.name, action.channel, shown, eligibility, **amounts))
    if faults:
        raise ConfigError(listed(faults))
    contacts = contacts_feature(config)
    return Policy(
        tuple(actions),
        config.holdout_share,
        config.contact_policy.max_contacts if config.contact_policy else None,
        contacts if contacts in features else None,
    )
