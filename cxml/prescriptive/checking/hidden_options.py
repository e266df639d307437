"""Options that are never chosen, for whenever one may be, another may be too and is worth as much or more."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from cxml.conditions.reasoning import implies
from cxml.conditions.tree import Tree
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.policy import Option
from cxml.schema.findings import Finding

# Each pair takes up to some milliseconds of reasoning; of a thousand options there are a million pairs.
_MOST_PAIRS: Final = 5_000


def hidden_findings(checked: PolicyUnderCheck) -> Iterator[Finding]:
    """Give a finding for each option that another always hides, by what both say.

    Options are compared whose benefits and weights are the same, and only with those that no limit over all customers
    is about: what has a price may have to give way. One that must be spread evenly over groups may be chosen for that.
    """
    options, nothing = checked.policy.options, checked.policy.nothing
    limited = {place for limit in checked.policy.limits for place in limit.options}
    evened = {place for rule in checked.policy.fairness for place in rule.options}
    alike: dict[str, list[int]] = defaultdict(list)
    for j, option in enumerate(options):
        if j != nothing and j not in checked.dead:
            alike[_same(option)].append(j)
    n_pairs = 0
    for places in alike.values():
        hidden: set[int] = set()
        for a in (place for place in places if place not in evened):
            for b in places:
                if a == b or b in limited | evened | hidden or not _is_worth_as_much(checked, a, b):
                    continue
                n_pairs += 1
                if n_pairs > _MOST_PAIRS:
                    yield Finding(
                        "not-looked-at",
                        "policy.actions",
                        f"more than {_MOST_PAIRS:,} pairs of actions are alike in what they are worth; whether one "
                        f"always hides the other was looked at for those alone.",
                    )
                    return
                if implies(checked.fires[a], checked.fires[b], checked.all_kinds, checked.bounds):
                    hidden.add(a)
                    yield _finding(checked, a, b)
                    break


def _finding(checked: PolicyUnderCheck, a: int, b: int) -> Finding:
    mine, other = checked.policy.options[a], checked.policy.options[b]
    drawn = " but by chance" if checked.policy.exploration_share else ""
    worth = "as much and written first" if b < a else "more"
    return Finding(
        "hidden",
        checked.places[a],
        f"{mine.label!r} is never chosen{drawn}: whenever its rule is true, so is that of {other.label!r}, which is "
        f"worth {worth}. Narrow the rule of {other.label!r}, or take {mine.label!r} out.",
    )


def _same(option: Option) -> str:
    """Return what two options must have in common to be compared: their benefits, weights and what they use."""
    parts: list[Any] = [option.benefit, [[weight.amount, weight.when] for weight in option.weights]]
    return json.dumps(parts)


def _is_worth_as_much(checked: PolicyUnderCheck, a: int, b: int) -> bool:
    """Return whether b, where both may be chosen, is for sure worth as much as a and comes first, or is worth more.

    Both are worth the same benefit and weights times an effect, less a cost. Where the benefit is below 0, a is worth
    no more than nothing, which comes first, unless its effect may be below 0 too.
    """
    mine, other = checked.policy.options[a], checked.policy.options[b]
    if not _lasts(mine, other) or not set(other.never) <= set(mine.never) or not _is_known(mine, other):
        return False
    dearer = _least_difference(checked, mine.cost, other.cost, low=0.0)  # what costs less than nothing is not chosen
    better = _least_difference(checked, other.effect, mine.effect)
    if better < 0 or dearer < 0 or not (b < a or dearer > 0):
        return False
    if other.effect == mine.effect or checked.range_of(mine.benefit)[0] >= 0:
        return True
    return checked.range_of(mine.effect)[0] >= 0


def _lasts(mine: Option, other: Option) -> bool:
    """Return whether the other is valid whenever the first is."""
    begins = other.valid_from is None or (mine.valid_from is not None and other.valid_from <= mine.valid_from)
    ends = other.valid_until is None or (mine.valid_until is not None and mine.valid_until <= other.valid_until)
    return begins and ends


def _is_known(mine: Option, other: Option) -> bool:
    """Return whether cost, effect and uses of the other are known and not below 0 wherever those of mine are."""
    owned = [mine.cost, *mine.uses.values()]
    amounts = all(any(_follows(tree, own) for own in owned) for tree in (other.cost, *other.uses.values()))
    of = _scaled(other.effect)[1]
    return amounts and (of is None or of == _scaled(mine.effect)[1])


def _follows(tree: Tree, own: Tree) -> bool:
    """Return whether an amount is known and not below 0 wherever another is."""
    (factor, of), (own_factor, also_of) = _scaled(tree), _scaled(own)
    return factor >= 0 and (of is None or (of == also_of and own_factor > 0))


def _least_difference(checked: PolicyUnderCheck, a: Tree, b: Tree, *, low: float = -math.inf) -> float:
    """Return how much a is above b at least, where a is at least ``low``; minus infinity where that is not known."""
    (x, of), (y, also_of) = _scaled(a), _scaled(b)
    if of == also_of:
        if of is None or x == y:
            return x - y if of is None else 0.0
        least, most = checked.range_of(of)
        if low == 0 and x > 0:
            least = max(least, 0.0)
        factor = x - y
        return min(0.0 if 0.0 in (factor, end) else factor * end for end in (least, most))
    return max(checked.range_of(a)[0], low) - checked.range_of(b)[1]


def _scaled(tree: Tree) -> tuple[float, Tree | None]:
    """Return a tree as a number times another tree, which is None where the tree is a number."""
    if tree[0] == "number":
        return float(tree[1]), None
    if tree[0] == "*" and tree[1][0] == "number":
        return float(tree[1][1]), tree[2]
    if tree[0] == "*" and tree[2][0] == "number":
        return float(tree[2][1]), tree[1]
    return 1.0, tree
