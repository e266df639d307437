"""What can be said of rules without a row: whether any row can make one true, and whether one follows from another.

A condition is taken apart into what must be so together and what is a choice; of each choice one way after the other is
followed. On the way the set of values that is left of each column shrinks; where nothing is left, that way is closed.
What says one thing of one column is taken as a set at once (`cxml.conditions.truths`), comparisons of columns and of
what is computed by interval arithmetic. Whatever is not proven impossible is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cxml.conditions.closures import fitting, truth, value
from cxml.conditions.intervals import NOTHING, Bounds, interval_over
from cxml.conditions.sets import Domain, Numbers, Texts, compared
from cxml.conditions.tree import COMPARISONS, COMPUTING, OPPOSITE, TRUTHS, Tree
from cxml.conditions.truths import SWAPPED, TURNED, Truths, Wanted, is_constant, truths, universe
from cxml.schema.tables import Kind

_MOST_WORK: Final = 100_000
"""Goals and choices that are looked at before a condition counts as possible: a second or two."""
_ROUNDS: Final = 8
"""Times that comparisons of columns pass on what is left of one another."""

Goal = tuple[Any, Tree]
"""What must hold of a tree: for a condition as `Wanted`, for a value ``null`` or ``there``."""
_NULL: Final = "null"
_THERE: Final = "there"


def satisfiable(tree: Tree, kinds: Mapping[str, Kind], bounds: Bounds | None = None) -> bool:
    """Return whether a row can make a condition true; False only where that is proven impossible.

    Parameters
    ----------
    tree : a condition of the closed grammar
    kinds : the kind of each column; any column may be NULL
    bounds : of a number the lowest and the highest that it can be, of a text those that it can be; others can be any

    Examples
    --------
    >>> rule = ["and", [">", ["column", "risk"], ["number", 0.6]], ["<", ["column", "risk"], ["number", 0.5]]]
    >>> satisfiable(rule, {"risk": "number"})
    False
    """
    return _is_possible([("true", tree)], kinds, bounds or {})


def implies(a: Tree, b: Tree, kinds: Mapping[str, Kind], bounds: Bounds | None = None) -> bool:
    """Return whether it is proven that b is true of every row of which a is true.

    Parameters are those of `satisfiable`. Where a can never be true, it implies anything.
    """
    return not _is_possible([("true", a), ("not true", b)], kinds, bounds or {})


@dataclass
class _Way:
    """One way that is followed: what is left of each column, what must still hold, and what is checked at the end."""

    domains: dict[str, Domain]
    goals: list[Goal]
    choices: list[list[list[Goal]]] = field(default_factory=list)
    checks: list[tuple[str, Tree, Tree]] = field(default_factory=list)

    def taking(self, goals: Sequence[Goal], others: list[list[list[Goal]]]) -> _Way:
        return _Way(dict(self.domains), list(goals), list(others), list(self.checks))


def _is_possible(goals: list[Goal], kinds: Mapping[str, Kind], bounds: Bounds) -> bool:
    reasoner = _Reasoner(kinds, bounds)
    waiting, work = [_Way({}, goals)], 0
    while waiting:
        way = waiting.pop()
        work += 10 + len(way.goals) + len(way.choices)
        if work > _MOST_WORK:
            return True
        if not reasoner.narrowed(way):
            continue
        if not way.choices:
            return True
        way.choices.sort(key=len)
        ways, *others = way.choices
        waiting += [way.taking(goals, others) for goals in reversed(ways)]
    return False


class _Reasoner:
    def __init__(self, kinds: Mapping[str, Kind], bounds: Bounds) -> None:
        self.kinds, self.bounds = kinds, bounds
        self.found: dict[int, tuple[Tree, Truths | None]] = {}

    def narrowed(self, way: _Way) -> bool:
        """Take in all that must hold of a way; return whether anything is left of it."""
        while way.goals:
            wanted, tree = way.goals.pop()
            if not self._took(way, wanted, tree):
                return False
        return self._checked(way)

    def domain(self, way: _Way, column: str) -> Domain:
        if column not in way.domains:
            known = universe(self.kinds[column])
            bounds = self.bounds.get(column)
            if bounds is not None and self.kinds[column] == "number" and isinstance(known, Numbers):
                low, high = bounds
                known = known & Numbers(((float(low), float(high)),))
            elif bounds is not None and isinstance(known, Texts):
                known = known & Texts(frozenset(bounds))
            way.domains[column] = Domain(null=True, known=known)
        return way.domains[column]

    def _narrow(self, way: _Way, column: str, to: Domain) -> bool:
        way.domains[column] = self.domain(way, column) & to
        return bool(way.domains[column])

    def _truths(self, tree: Tree) -> Truths | None:
        if id(tree) not in self.found:
            self.found[id(tree)] = tree, truths(tree, self.kinds)  # the tree is kept, and so its id
        return self.found[id(tree)][1]

    def _took(self, way: _Way, wanted: Any, tree: Tree) -> bool:
        if wanted in (_NULL, _THERE):
            return self._took_value(way, wanted, tree)
        if is_constant(tree):
            return _is_as_wanted(truth(tree)({}), wanted)
        exact = self._truths(tree)
        if exact is not None:
            return self._narrow(way, exact.column, exact.where(wanted))
        op = tree[0]
        if op in ("and", "or"):
            self._joined(way, wanted, op, tree[1:])
        elif op == "not":
            way.goals.append((SWAPPED[wanted], tree[1]))
        elif op == "is null":
            return self._is_null(way, wanted, tree[1])
        elif op == "in":
            way.goals.append((wanted, ["or", *(["=", tree[1], choice] for choice in tree[2:])]))
        else:
            self._compared(way, wanted, tree)
        return True

    def _joined(self, way: _Way, wanted: Wanted, op: str, parts: Sequence[Tree]) -> None:
        if wanted == "known":
            way.choices.append([[("true", [op, *parts])], [("false", [op, *parts])]])
        elif wanted == "unknown":
            way.goals += [("not true", [op, *parts]), ("not false", [op, *parts])]
        elif (op == "and") == (wanted in ("true", "not false")):
            way.goals += [(wanted, part) for part in parts]
        else:
            way.choices.append([[(wanted, part)] for part in parts])

    def _is_null(self, way: _Way, wanted: Wanted, tree: Tree) -> bool:
        if wanted in ("known", "unknown"):
            return wanted == "known"
        null = wanted in ("true", "not false")
        if tree[0] in TRUTHS:
            way.goals.append(("unknown" if null else "known", tree))
        else:
            way.goals.append((_NULL if null else _THERE, tree))
        return True

    def _compared(self, way: _Way, wanted: Wanted, tree: Tree) -> None:
        op, *sides = tree
        if wanted in ("not true", "not false"):
            way.choices.append([[("false" if wanted == "not true" else "true", tree)], [("unknown", tree)]])
        elif wanted == "unknown":
            way.choices.append([[(_NULL, side)] for side in sides])
        elif wanted == "known":
            way.goals += [(_THERE, side) for side in sides]
        else:
            for i, side in enumerate(sides):
                if side[0] in ("case", "coalesce"):  # compared as each of what it may be
                    ways = [[*so, (wanted, [op, *sides[:i], then, *sides[i + 1 :]])] for so, then in _results(side)]
                    way.choices.append(ways)
                    return
            way.goals += [(_THERE, side) for side in sides]
            if op == "like":
                asked = "like" if wanted == "true" else "not like"
            else:
                asked = op if wanted == "true" else OPPOSITE[op]
            way.checks.append((asked, sides[0], sides[1]))

    def _took_value(self, way: _Way, wanted: str, tree: Tree) -> bool:
        """Take in that a value is NULL, or that it is there."""
        op = tree[0]
        if op == "column":
            known = self.domain(way, tree[1]).known
            domain = Domain(null=wanted == _NULL, known=known & ~known if wanted == _NULL else known)  # type: ignore[operator]
            return self._narrow(way, tree[1], domain)
        if is_constant(tree):
            return (value(tree)({}) is None) == (wanted == _NULL)
        if op == "case":
            way.choices.append([[*so, (wanted, then)] for so, then in _results(tree)])
        elif op not in COMPUTING:  # COALESCE, LEAST and GREATEST are NULL where all of it is
            if wanted == _NULL:
                way.goals += [(_NULL, part) for part in tree[1:]]
            else:
                way.choices.append([[(_THERE, part)] for part in tree[1:]])
        elif wanted == _THERE:
            way.goals += [(_THERE, part) for part in tree[1:]]
        elif self._is_safe(way, tree):
            way.choices.append([[(_NULL, part)] for part in tree[1:]])
        return True

    def _is_safe(self, way: _Way, tree: Tree) -> bool:
        """Return whether what is computed is known wherever its parts are: it cannot overflow or leave a domain."""
        if tree[0] in ("/", "sqrt", "ln"):
            return False
        low, high = self._interval(way, ["+", tree, ["number", 0.0]])
        parts = [self._interval(way, part) for part in tree[1:]]
        return all(-_LARGE < end < _LARGE for ends in ((low, high), *parts) for end in ends)

    def _interval(self, way: _Way, tree: Tree) -> tuple[float, float]:
        def of_column(name: str) -> tuple[float, float]:
            known = self.domain(way, name).known
            return known.hull if isinstance(known, Numbers) else NOTHING

        return interval_over(tree, of_column)

    def _checked(self, way: _Way) -> bool:
        """Return whether the comparisons of a way can hold, passing on what is left of a column to those beside it."""
        for _ in range(_ROUNDS):
            before = dict(way.domains)
            for op, a, b in way.checks:
                if not (self._can_text(way, op, a, b) if self._is_text(a) else self._can_number(way, op, a, b)):
                    return False
            if way.domains == before:
                break
        return _patterns_agree(way)

    def _is_text(self, tree: Tree) -> bool:
        return tree[0] == "text" or (tree[0] == "column" and isinstance(universe(self.kinds[tree[1]]), Texts))

    def _can_number(self, way: _Way, op: str, a: Tree, b: Tree) -> bool:
        if a == b:
            return op in ("=", "<=", ">=")
        left, right = self._interval(way, a), self._interval(way, b)
        if left[0] > left[1] or right[0] > right[1]:
            return False
        for one, other, asked in ((a, right, op), (b, left, TURNED[op])):
            if one[0] == "column" and asked != "<>":
                low, high = other
                part = compared(asked, high if asked in ("<", "<=") else low)
                if asked == "=":
                    part = Numbers((other,))
                if not self._narrow(way, one[1], Domain(null=False, known=part)):
                    return False
        if op == "<>":
            return not (left == right and left[0] == left[1])
        if op == "=":
            return left[0] <= right[1] and right[0] <= left[1]
        if op in (">", ">="):
            left, right = right, left
        return left[0] < right[1] if op in ("<", ">") else left[0] <= right[1]

    def _can_text(self, way: _Way, op: str, a: Tree, b: Tree) -> bool:
        left, right = self._texts(way, a), self._texts(way, b)
        if a == b and op in COMPARISONS:
            return op == "="
        if op == "=":
            for side in (a, b):
                if side[0] == "column" and not self._narrow(way, side[1], Domain(null=False, known=left & right)):
                    return False
            return bool(left & right)
        if op == "<>":
            return not (left == right and not left.others and len(left.texts) == 1)
        if a[0] == "column" and not left.others:
            fits = fitting(b[1])
            kept = Texts(frozenset(text for text in left.texts if fits(text) == (op == "like")))
            return self._narrow(way, a[1], Domain(null=False, known=kept))
        return True

    def _texts(self, way: _Way, tree: Tree) -> Texts:
        if tree[0] == "text":
            return Texts(frozenset([tree[1]]))
        known = self.domain(way, tree[1]).known
        return known if isinstance(known, Texts) else Texts(frozenset())


_LARGE: Final = 1e300


def _is_as_wanted(found: bool | None, wanted: Wanted) -> bool:
    if wanted in ("known", "unknown"):
        return (found is None) == (wanted == "unknown")
    return (found is (wanted.removeprefix("not ") == "true")) != wanted.startswith("not ")


def _results(tree: Tree) -> Iterator[tuple[list[Goal], Tree]]:
    """Give what CASE or COALESCE may be, and what must hold then."""
    if tree[0] == "coalesce":
        for i, part in enumerate(tree[1:], 1):
            yield [*((_NULL, other) for other in tree[1:i]), (_THERE, part)], part
        yield [(_NULL, part) for part in tree[1:]], ["null"]
        return
    conditions = tree[1:-1:2]
    for i, result in enumerate(tree[2:-1:2]):
        yield [*(("not true", other) for other in conditions[:i]), ("true", conditions[i])], result
    yield [("not true", other) for other in conditions], tree[-1]


def _patterns_agree(way: _Way) -> bool:
    """Return whether no text must fit a pattern and also not fit it."""
    asked = {(op, str(a), b[1]) for op, a, b in way.checks if op in ("like", "not like")}
    return not any(("not like", a, pattern) in asked for op, a, pattern in asked if op == "like")
