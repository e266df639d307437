"""A feature of a plan as a function of one customer at one moment: a tree over cells, and what is no fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import cos, pi, sin
from typing import Any, Final

from cxml.conditions.tree import Tree
from cxml.descriptive.cell_readers import Moment, Reader
from cxml.descriptive.plain import DAY_US, utc
from cxml.descriptive.plan import LEFT_BY_ROUNDING, YEAR_DAYS, Plan
from cxml.descriptive.surroundings import segment_key
from cxml.schema import columns as c


def feature_readers(plan: Plan, cells: Sequence[Reader]) -> tuple[tuple[str, Reader], ...]:
    """Return the name of each feature and the function that gives it, None where it is unknown.

    Parameters
    ----------
    plan : Plan
    cells : the readers of its cells, in their order
    """
    trees = {feature.name: feature.tree for feature in plan.features}
    numbers = {feature.name for feature in plan.features if feature.kind == "number"}

    def reader(tree: Tree) -> Reader:
        op, argument = tree[0], tree[1]
        if op in ("-", "/"):
            return _joined(op, reader(argument), reader(tree[2]))
        if op == "number":
            return lambda _: argument
        if op == "feature":
            return reader(trees[argument])
        if op == "cell":
            return cells[argument]
        if op == "lookup":
            return _lookup(plan, argument)
        if op == "segment":
            return _segment(plan, argument, cells)
        if op == "season":
            return _SEASONS[argument]
        return _since(argument) if op == "since" else _attribute(argument)

    found = []
    for name, tree in trees.items():
        of_flag = tree[0] == "attribute" and name in numbers
        found.append((name, _as_number(reader(tree)) if of_flag else reader(tree)))
    return tuple(found)


def customer_columns(plan: Plan) -> tuple[list[str], list[str]]:
    """Return the columns of a customer that a plan reads, and those that say from when on the customer was known."""
    kinds = plan.kinds["customers"]
    needed = [feature.tree[1] for feature in plan.features if feature.tree[0] in ("attribute", "since")]
    needed += [mean.by for mean in plan.segments]
    if plan.lookups:
        needed.append(c.REGION)
    optional = [c.SINCE] if plan.segments else []
    return needed, [name for name in (*optional, c.KNOWN_TIME) if name in kinds]


def _joined(op: str, a: Reader, b: Reader) -> Reader:
    def difference(m: Moment) -> float | None:
        left, right = a(m), b(m)
        return None if left is None or right is None else left - right

    def quotient(m: Moment) -> float | None:
        left, right = a(m), b(m)
        return left / right if left is not None and right else None

    return difference if op == "-" else quotient


def _as_number(reader: Reader) -> Reader:
    def number(m: Moment) -> float | None:
        found = reader(m)
        return None if found is None else float(found)

    return number


def _attribute(column: str) -> Reader:
    return lambda m: None if m.customer is None else m.customer[column]


def _since(column: str) -> Reader:
    def days(m: Moment) -> float | None:
        since = None if m.customer is None else m.customer[column]
        return None if since is None or since >= m.as_of else (m.as_of - since) / DAY_US

    return days


def _lookup(plan: Plan, place: int) -> Reader:
    lookup = plan.lookups[place]
    column, change_us = lookup.column, (lookup.change_days or 0) * DAY_US

    def value(m: Moment) -> float | None:
        states = None if m.customer is None else m.surroundings.regions.get(m.customer[c.REGION])
        if states is None or (now := states.latest(column, m.as_of)) is None:
            return None
        if lookup.national:
            other = m.surroundings.national.latest(column, m.as_of)
        elif change_us:
            other = states.latest(column, m.as_of - change_us)
        else:
            return now  # type: ignore[no-any-return]
        return None if other is None else now - other

    return value


def _segment(plan: Plan, place: int, cells: Sequence[Reader]) -> Reader:
    """Return the mean over the others: what all of the segment add up to, and how many, without one's own part."""
    mean, key = plan.segments[place], segment_key(plan, place)
    own_total, own_n = cells[mean.total], None if mean.n is None else cells[mean.n]
    days = plan.cells[mean.total].begin_days or 0

    def value(m: Moment) -> float | None:
        name = None if m.customer is None else m.customer[mean.by]
        if name is None:
            return None
        day, totals = m.as_of // DAY_US, m.surroundings.totals[key].get(name)
        total, n = totals.window(day, days) if totals else (0.0, 0.0)
        known = m.customer.get(c.KNOWN_TIME)
        counted = known is None or known < day * DAY_US  # then one's own facts are among those of all
        if own_n is None:
            sizes = m.surroundings.sizes[mean.by].get(name)
            others = (sizes.before(day) if sizes else 0) - _has_begun(m.customer, day)
        else:
            others = _left(n, own_n(m) if counted else None)
        return _left(total, own_total(m) if counted else None) / others if others > 0 else None

    return value


def _left(total: float, own: float | None) -> float:
    """Return what is left of a total without one's own part."""
    rest = total - (own or 0.0)
    return rest if abs(rest) > LEFT_BY_ROUNDING * abs(total) else 0.0


def _has_begun(customer: Mapping[str, Any], day: int) -> bool:
    """Return whether someone had become known as a customer before a day; who has no such time was always there."""
    times = [customer[name] for name in (c.SINCE, c.KNOWN_TIME) if customer.get(name) is not None]
    return not times or max(times) // DAY_US < day


def _wave(of: Callable[[float], float]) -> Reader:
    def value(m: Moment) -> float:
        date = utc(m.as_of)
        day_of_year = date.toordinal() - datetime(date.year, 1, 1).toordinal() + 1
        return of(2 * pi * day_of_year / YEAR_DAYS)

    return value


_SEASONS: Final[Mapping[str, Reader]] = {
    "month": lambda m: float(utc(m.as_of).month),
    "quarter": lambda m: float((utc(m.as_of).month + 2) // 3),
    "weekday": lambda m: float(utc(m.as_of).isoweekday()),
    "year_sin": _wave(sin),
    "year_cos": _wave(cos),
}
