"""Which options of a policy a scope is about: the actions and treatments that bear every name that it gives."""

from __future__ import annotations

from cxml.config.policy import ActionConfig, PolicyConfig, TreatmentConfig
from cxml.config.policy_limits import Scope
from cxml.errors import ConfigError, near_miss
from cxml.schema import columns as c

Treatment = tuple[int, ActionConfig, TreatmentConfig | None]
"""The place of an action in the policy, the action, and how it reaches the customer, None where in one way alone."""


def treatments_of(config: PolicyConfig) -> list[Treatment]:
    """Return the options of a policy in their order: as listed, but to do nothing first.

    So, an action that is worth just as little is not done.
    """
    found = [
        (i, action, treatment)
        for i, action in enumerate(config.actions)
        for treatment in (action.treatments or (None,))
    ]
    return sorted(found, key=lambda option: option[1].name != c.NO_ACTION)


def places(config: PolicyConfig, scope: Scope, where: str) -> tuple[int, ...]:
    """Return the places of the options in a scope, without the one that is nothing.

    Raises
    ------
    ConfigError
        If no option bears a name, or none bears all of them.
    """
    options = treatments_of(config)
    known: dict[str, list[str | None]] = {
        "issue": [config.issue_of(action) for _, action, _ in options],
        "group": [action.group for _, action, _ in options],
        "action": [action.name for _, action, _ in options],
        "channel": [action.channel if treatment is None else treatment.channel for _, action, treatment in options],
    }
    for level, name in scope.named.items():
        if name not in known[level]:
            near = near_miss(name, [other for other in known[level] if other]) or "."
            raise ConfigError(f"{where}: no action has the {level} {name!r}{near}")
    found = tuple(
        place
        for place in range(len(options))
        if known["action"][place] != c.NO_ACTION
        and all(known[level][place] == name for level, name in scope.named.items())
    )
    if not found:
        raise ConfigError(f"{where}: no action is of {scope} at once. Take one of the names out.")
    return found


def unused_names(config: PolicyConfig) -> list[str]:
    """Return a fault for each issue or group that is described but has no action: a slip of the pen."""
    used = {
        "issues": {config.issue_of(action) for action in config.actions},
        "groups": {action.group for action in config.actions},
    }
    faults = []
    for part, names in used.items():
        known = [name for name in names if name]
        for name in getattr(config, part):
            if name not in known:
                near = near_miss(name, known) or "."
                faults.append(f"policy.{part}.{name}: no action is in it{near} Name it at an action, or take it out.")
    return faults
