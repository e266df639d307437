"""What can be told of a policy's limits from what they say: that they never bind, or that they allow nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck, Range
from cxml.prescriptive.policy import Option, Policy, RunLimit
from cxml.schema.findings import Finding

if TYPE_CHECKING:
    from cxml.config.policy_limits import After, Scope, Suppression

_NOBODY: Final = "Take it out, or give it room."


def limit_findings(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give what is found in the contact policy and in the limits over all customers."""
    yield from _contacts(checked)
    yield from _rests(checked)
    policy = checked.policy
    for i, limit in enumerate(policy.limits):
        where = f"policy.limits[{i}]"
        uses = {place: _use(checked, limit, place) for place in limit.options}
        if all(high <= 0 for _, high in uses.values()):
            yield Finding("unused-limit", where, f"nothing that it is about takes any {limit.of}. Take it out.")
        elif checked.dead.issuperset(place for place, (_, high) in uses.items() if high > 0):
            yield Finding(
                "unused-limit", where, "nobody can get what it is about. Correct those rules, or take it out."
            )
        elif limit.amount == 0:
            yield Finding("switched-off", where, f"allows no {limit.of}: {_listed(policy, uses)} cannot be. {_NOBODY}")
        else:
            yield from _too_small(checked, where, limit, uses)
        yield from _implied(checked, i, limit)


def _use(checked: PolicyUnderCheck, limit: RunLimit, place: int) -> Range:
    """Return between what one decision takes of a limit."""
    option: Option = checked.policy.options[place]
    if limit.of == "contacts":
        return (1.0, 1.0) if option.channel is not None else (0.0, 0.0)
    tree = option.cost if limit.of == "cost" else option.uses.get(limit.of)
    if tree is None:
        return (0.0, 0.0)
    low, high = checked.range_of(tree)
    return max(low, 0.0), high


def _too_small(checked: PolicyUnderCheck, where: str, limit: RunLimit, uses: dict[int, Range]) -> Iterator[Finding]:
    """Give a finding for each option of which a single decision takes more than there is."""
    room, when = limit.amount, "in all"
    if limit.per_day is not None and limit.per_day < room:
        room, when = limit.per_day, "a day"
    for place, (low, _) in uses.items():
        if low > room:
            label = checked.policy.options[place].label
            yield Finding(
                "conflicting-limits",
                where,
                f"one {label!r} takes {low:g} {limit.of} or more, and {room:g} {when} is allowed: nobody can get it. "
                f"Allow more, or take {label!r} out.",
            )


def _implied(checked: PolicyUnderCheck, i: int, limit: RunLimit) -> Iterator[Finding]:
    """Give a finding where another limit allows no more, for the same offers or for more of them."""
    limits = checked.policy.limits
    mine = _counted(checked, limit)
    for k, other in enumerate(limits):
        if k == i or other.of != limit.of or not mine or not mine <= _counted(checked, other):
            continue
        daily = limit.per_day is None or limit.per_day >= min(other.amount, other.per_day or other.amount)
        if other.amount > limit.amount or not daily:
            continue
        back = _counted(checked, other) <= mine and (other.amount, other.per_day) == (limit.amount, limit.per_day)
        if back and k > i:
            continue  # two that say the same: told of the later
        wider = "" if _counted(checked, other) == mine else "and counts more offers, "
        yield Finding(
            "redundant-limit",
            f"policy.limits[{i}]",
            f"{limit.name!r} never binds: {other.name!r} (policy.limits[{k}]) allows {other.amount:g} {other.of} in "
            f"all, {wider}and this one {limit.amount:g}. Take it out, or lower it.",
        )
        return


def _counted(checked: PolicyUnderCheck, limit: RunLimit) -> set[int]:
    return {place for place in limit.options if _use(checked, limit, place)[1] > 0}


def _contacts(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give what is found in how often a customer may be contacted."""
    contacts = checked.config.contact_policy
    where, most, days = "policy.contact_policy", contacts.max_contacts, contacts.window_days
    if most == 0:
        yield Finding("switched-off", f"{where}.max_contacts", f"allows no contact at all. {_NOBODY}")
    for channel, limit in contacts.channels.items():
        at = f"{where}.channels.{channel}"
        if limit.max_contacts == 0:
            yield Finding("switched-off", at, f"allows no contact by {channel}. {_NOBODY}")
        elif most and days is not None and limit.max_contacts >= most and limit.window_days <= days:
            yield Finding(
                "redundant-limit",
                at,
                f"{limit.max_contacts} contacts by {channel} in {limit.window_days} days are never reached: "
                f"{most} in {days} days are allowed over all channels. Take it out, or lower it.",
            )


def _rests(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each rest that another makes needless: of the same offers after the same, for as long."""
    rests = [(i, rest) for i, rest in enumerate(checked.config.contact_policy.suppress) if rest.after is not None]
    for i, rest in rests:
        for k, other in rests:
            if k == i or not _covers(other, rest) or not _covers(_after(other), _after(rest)):
                continue
            back = _covers(rest, other) and _covers(_after(rest), _after(other)) and rest.days == other.days
            if (other.days or 0) < (rest.days or 0) or (back and k > i):
                continue
            yield Finding(
                "redundant-limit",
                f"policy.contact_policy.suppress[{i}]",
                f"{rest} rests for {rest.days} days anyway: policy.contact_policy.suppress[{k}] lets {other} rest for "
                f"{other.days} after the same. Take it out.",
            )
            break


def _after(rest: Suppression) -> After:
    """Return the past action of a rest; that of the resting offers themselves, where it names none."""
    after = rest.after
    if after is None:
        raise AssertionError("a rest after something")
    return after if after.named else after.model_copy(update=rest.named)


def _covers(wide: Scope, narrow: Scope) -> bool:
    """Return whether a scope holds everything that another does, and what came of it."""
    outcome = getattr(wide, "outcome", None)
    return wide.named.items() <= narrow.named.items() and outcome in (None, getattr(narrow, "outcome", None))


def _listed(policy: Policy, uses: dict[int, Range]) -> str:
    labels = [repr(policy.options[place].label) for place, (_, high) in uses.items() if high > 0]
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
