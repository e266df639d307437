"""What can be told of a policy's rules from what they say: conditions that never hold, actions that never pay."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Final

from cxml.conditions.closures import fitting
from cxml.conditions.constants import constants
from cxml.conditions.tree import Tree, all_of, columns, untrue
from cxml.errors import near_miss
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.checking.written_conditions import Written
from cxml.prescriptive.policy import RULES, Option
from cxml.schema import columns as c
from cxml.schema.findings import Finding

if TYPE_CHECKING:
    from cxml.config.policy import Conditions

_CLOSED: Final = {c.NPS_CLASS: frozenset(c.NPS_CLASSES)}
_MOST_NAMES: Final = 5_000  # in which a near miss is looked for
_SHOWN: Final = 5


def rule_findings(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give what is found in the conditions, dates and worths of a policy; see docs/policy_check.md for the codes."""
    for written in checked.written:
        slips = list(_values(checked, written))
        yield from slips
        if not any(slip.code == "unknown-value" for slip in slips):  # such a condition is hardly ever true
            yield from _truth(checked, written)
    yield from _outcomes(checked)
    yield from _together(checked)
    yield from _dates(checked)
    yield from _worths(checked)
    yield from _levers(checked)


def value_finding(where: str, column: str, value: str, known: Iterable[str], *, closed: bool = False) -> Finding:
    """Return the finding that nobody has a value: a slip where it looks like another, or no others can be."""
    names = sorted(known)
    near = near_miss(value, names) if len(names) <= _MOST_NAMES else ""
    some = ", ".join(map(repr, names[:_SHOWN])) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
    if near or closed:
        return Finding("unknown-value", where, f"nobody's {column} is {value!r}{near or f'; it is one of {some}.'}")
    return Finding(
        "unseen-value", where, f"nobody's {column} is {value!r} today; there are {some}. Correct it, or wait for it."
    )


def _values(checked: PolicyUnderCheck, written: Written) -> Iterator[Finding]:
    known = {**checked.values, **_CLOSED}
    for column, said in constants(written.tree).items():
        if not (names := known.get(column)):
            continue
        for value in dict.fromkeys(value for op, value in said if op in ("=", "<>") and isinstance(value, str)):
            if value not in names:
                yield value_finding(written.where, column, value, names, closed=column in _CLOSED)
    for column, pattern in dict.fromkeys(_patterns(written.tree)):
        names = known.get(column)
        if names and not any(map(fitting(pattern), names)):
            yield Finding(
                "unknown-value" if column in _CLOSED else "unseen-value",
                written.where,
                f"nobody's {column} is LIKE {pattern!r}. % is any text, _ any one character; upper and lower case "
                f"differ.",
            )


def _patterns(tree: Tree) -> Iterator[tuple[str, str]]:
    if tree[0] == "like" and tree[1][0] == "column":
        yield tree[1][1], tree[2][1]
    for child in tree[1:]:
        if isinstance(child, list) and child:
            yield from _patterns(child)


def _truth(checked: PolicyUnderCheck, written: Written) -> Iterator[Finding]:
    """Give a finding where a condition alone can never be true, or never be false."""
    if not checked.can_be_true(written.tree):
        if written.role in (*RULES, "consent"):
            yield Finding(
                "never-fires", written.where, f"can never be true: {written.text!r}. Correct it, or take it out."
            )
        else:
            yield Finding(
                "never-applies",
                written.where,
                f"can never be true, so it does nothing: {written.text!r}. Correct it, or take it out.",
            )
    elif not checked.can_be_true(["not", written.tree]):
        read = sorted(set(columns(written.tree)))
        whom = f"everybody of whom {', '.join(read)} {'is' if len(read) == 1 else 'are'} known" if read else "everybody"
        yield Finding(
            "always-true",
            written.where,
            f"is true of {whom}: {written.text!r}. Ask {read[0]} IS NOT NULL if that is meant, or take it out."
            if read
            else f"is true of everybody: {written.text!r}. Correct it, or take it out.",
        )


def _outcomes(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each past outcome that the table `outcomes` does not have."""
    known = checked.values.get(c.OUTCOME)
    for i, rest in enumerate(checked.config.contact_policy.suppress):
        outcome = rest.after.outcome if rest.after else None
        if known and outcome is not None and outcome not in known:
            where = f"policy.contact_policy.suppress[{i}].after.outcome"
            yield value_finding(where, "past outcome", outcome, known)


def _together(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each option whose conditions contradict each other, or that is stopped whenever they hold."""
    alone = {id(written) for written in checked.written if not checked.can_be_true(written.tree)}
    for j, option in enumerate(checked.policy.options):
        mine = [written for written in checked.written if j in written.options]
        rules = [written for written in mine if written.role in RULES]
        if (
            any(id(written) in alone and written.role in (*RULES, "consent") for written in mine)
            or j not in checked.dead
        ):
            continue
        if not checked.can_be_true(all_of([written.tree for written in rules])):
            yield Finding("never-fires", checked.places[j], _contradiction(checked, option, rules))
        else:
            yield from _stopped(checked, j, option)


def _contradiction(checked: PolicyUnderCheck, option: Option, rules: list[Written]) -> str:
    for a, b in combinations(rules, 2):
        if not checked.can_be_true(["and", a.tree, b.tree]):
            return (
                f"{option.label!r} can never be recommended: {a.where.removeprefix('policy.')} ({a.text!r}) and "
                f"{b.where.removeprefix('policy.')} ({b.text!r}) are never true at once. Correct one of them."
            )
    parts = ", ".join(written.where.removeprefix("policy.") for written in rules)
    return f"{option.label!r} can never be recommended: {parts} are never true at once. Correct one of them."


def _stopped(checked: PolicyUnderCheck, j: int, option: Option) -> Iterator[Finding]:
    rules = list(option.conditions())
    for stop in option.stops:
        if not checked.can_be_true(all_of([*rules, untrue(stop.tree)])):
            if not list(columns(stop.tree)):  # no contact is allowed at all: told as switched off
                return
            yield Finding(
                "always-stopped",
                checked.places[j],
                f"{option.label!r} can never be recommended: whenever its rule is true, it is suppressed by "
                f"{stop.label!r}. Correct the rule or what suppresses it.",
            )
            return
    labels = ", ".join(repr(stop.label) for stop in option.stops)
    yield Finding(
        "always-stopped",
        checked.places[j],
        f"{option.label!r} can never be recommended: whenever its rule is true, one of these suppresses it: {labels}. "
        f"Correct the rule or what suppresses it.",
    )


def _dates(checked: PolicyUnderCheck) -> Iterator[Finding]:
    for i, action in enumerate(checked.config.actions):
        until, moment = action.valid_until, checked.moment
        if until is not None and moment is not None and until.replace(tzinfo=None) <= moment:
            yield Finding(
                "expired",
                f"policy.actions[{i}].valid_until",
                f"{action.name!r} was valid until {until:%Y-%m-%d}, and the data is of {moment:%Y-%m-%d}. "
                f"Take the action out, or give another date.",
            )


def _worths(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each option that is never worth more than to do nothing, its weights set aside."""
    nothing = checked.policy.nothing
    for j, option in enumerate(checked.policy.options):
        if j == nothing:
            continue
        ranges = [checked.range_of(tree) for tree in (option.benefit, option.effect, option.cost)]
        benefit, effect, cost = ranges
        highest = max(_times(x, y) for x in benefit for y in effect)
        if option.weights:
            highest = max(highest, 0.0) * math.prod(max(1.0, checked.range_of(w.amount)[1]) for w in option.weights)
        worth = highest - max(cost[0], 0.0)
        what = f"a benefit of at most {benefit[1]:g} and an effect of at most {effect[1]:g}"
        if effect == (0.0, 0.0):
            what = "an effect of 0"
        elif benefit == (0.0, 0.0):
            what = "a benefit of 0"
        most = max(abs(end) for end in effect)
        if 1 < most < math.inf:
            yield Finding(
                "odd-effect",
                f"{checked.places[j]}.effect",
                f"may be {most:g}; an effect is a change in probability, and 5 points of it are 0.05. Correct it.",
            )
        if worth <= 0:
            yield Finding(
                "never-pays",
                checked.places[j],
                f"{option.label!r} is never worth more than doing nothing: it has {what}, and costs "
                f"{'nothing' if cost == (0.0, 0.0) else f'{max(cost[0], 0.0):g} or more'}. Say its `effect`.",
            )


def _times(x: float, y: float) -> float:
    return 0.0 if 0.0 in (x, y) else x * y  # 0 x infinity: the factor is 0 whatever the other is


def _levers(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each lever or weight that takes all worth from offers, or is below 0."""
    config = checked.config
    parts: list[tuple[str, Conditions]] = [(f"policy.issues.{name}", issue) for name, issue in config.issues.items()]
    parts += [(f"policy.groups.{name}", group) for name, group in config.groups.items()]
    for i, action in enumerate(config.actions):
        parts.append((f"policy.actions[{i}]", action))
        parts += [(f"policy.actions[{i}].treatments.{t.channel}", t) for t in action.treatments]
    for where, part in parts:
        if part.lever == 0:
            yield Finding("switched-off", f"{where}.lever", f"a lever of 0 leaves nothing but the cost. {_OFF}")
    for name, amount in config.channel_preferences.items():
        yield from _weight(f"policy.channel_preferences.{name}", amount, None)
    for i, weight in enumerate(config.weights):
        yield from _weight(f"policy.weights[{i}].weight", weight.weight, weight.when)


_OFF: Final = "Take the offer out, if it is not to be made."


def _weight(where: str, amount: float | str, when: str | None) -> Iterator[Finding]:
    try:
        number = float(amount)
    except ValueError:
        return
    if number < 0:
        yield Finding("odd-weight", where, f"a weight is 0 or more; {number:g} counts as 0. Write 0, or a condition.")
    elif number == 0 and when is None:
        yield Finding("switched-off", where, f"a weight of 0 leaves nothing but the cost. {_OFF}")
