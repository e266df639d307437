"""An expression compiled once into a function of one row, with the meaning it has over arrays and in DuckDB.

A row is a mapping from columns to plain values, None or NaN for what is unknown.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cxml.conditions.maths import OF_ONE, quotient
from cxml.conditions.tree import ARITHMETIC, CHOOSING, COMPARISONS, CONSTANTS, TRUTHS, Tree

Row = Mapping[str, Any]
Truth = Callable[[Row], bool | None]
Value = Callable[[Row], Any]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
}


def truth(tree: Tree) -> Truth:
    """Return the function that says of a row whether a condition is true, false, or unknown (None).

    Parameters
    ----------
    tree : a condition of the closed grammar

    Raises
    ------
    ValueError
        If the tree is outside the grammar.
    """
    op = tree[0]
    if op in ("and", "or"):
        return _joined([truth(part) for part in tree[1:]], ends=op == "or")
    if op == "not":
        return _negated(truth(tree[1]))
    if op == "is null":
        inner: Value = truth(tree[1]) if tree[1][0] in TRUTHS else value(tree[1])
        return lambda row: inner(row) is None
    if op == "in":
        return _chosen(tree)
    if op == "like":
        fits, text = fitting(tree[2][1]), value(tree[1])
        return lambda row: None if (found := text(row)) is None else fits(found)
    if op not in COMPARISONS:
        raise ValueError(f"{op!r} is not in the grammar")
    if tree[1][0] == "column" and tree[2][0] in CONSTANTS:
        return _compared_with(op, tree[1][1], tree[2][1])
    return _compared(_COMPARE[op], value(tree[1]), value(tree[2]))


def value(tree: Tree) -> Value:
    """Return the function that gives the value of an expression for a row, None where it is unknown.

    A column is given as it is; what is computed and not finite is unknown. Parameters and errors are those of `truth`.
    """
    op = tree[0]
    if op == "column":
        return _column(tree[1])
    if op in CONSTANTS:
        constant = None if op == "null" else tree[1]
        return lambda _: constant
    if op == "case":
        return _case(tree)
    if op in CHOOSING:
        return _choice(op, [value(part) for part in tree[1:]])
    computed = _number(tree)

    def finite(row: Row) -> float | None:
        found = computed(row)
        return found if found is not None and math.isfinite(found) else None

    return finite


def fitting(pattern: str) -> Callable[[str | None], bool]:
    """Return what says whether a text fits a LIKE pattern: ``%`` is any text, ``_`` any one character."""
    if not set("%_") & set(pattern):
        return lambda text: text == pattern
    # A lazy run that must not be gone back into keeps a pattern of many % from taking ages: after each % the first
    # place at which the next part fits is as good as any later one.
    first, *others = pattern.split("%")
    if not others:
        regex = re.compile(_characters(first), re.DOTALL)
    else:
        *middle, last = others
        runs = "".join(f"(?>.*?{_characters(part)})" for part in middle if part)
        regex = re.compile(f"{_characters(first)}{runs}.*{_characters(last)}", re.DOTALL)
    return lambda text: text is not None and regex.fullmatch(text) is not None


def _characters(part: str) -> str:
    return "".join("." if character == "_" else re.escape(character) for character in part)


def _column(name: str) -> Value:
    def of_row(row: Row) -> Any:
        found = row[name]
        return found if found == found else None  # NaN is unequal to itself

    return of_row


def _number(tree: Tree) -> Callable[[Row], float | None]:
    """Return the function of the number itself, infinite where it overflows half-way."""
    op = tree[0]
    if op == "column" or op in CHOOSING:
        of_tree = value(tree)

        def as_float(row: Row) -> float | None:
            found = of_tree(row)
            return None if found is None else float(found)

        return as_float
    if op in ("number", "flag"):
        constant = float(tree[1])
        return lambda _: constant
    if op == "negative" or op in OF_ONE:
        return _of_known(OF_ONE.get(op, operator.neg), _number(tree[1]))
    if op not in ARITHMETIC:
        raise ValueError(f"{op!r} is not in the grammar")
    return _of_both(_COMPUTE[op], _number(tree[1]), _number(tree[2]))


def _of_known(function: Callable[[float], float], inner: Callable[[Row], float | None]) -> Callable[[Row], Any]:
    def of_row(row: Row) -> float | None:
        found = inner(row)
        return None if found is None else function(found)

    return of_row


def _of_both(function: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
    """Return a function of two values that is unknown where one of them is."""

    def of_row(row: Row) -> Any:
        left = a(row)
        if left is None:
            return None
        right = b(row)
        return None if right is None else function(left, right)

    return of_row


def _compared(compare: Callable[[Any, Any], Any], a: Value, b: Value) -> Truth:
    def of_row(row: Row) -> bool | None:
        left = a(row)
        if left is None:
            return None
        right = b(row)
        return None if right is None else bool(compare(left, right))

    return of_row


def _compared_with(op: str, column: str, constant: Any) -> Truth:
    """Return the commonest comparison, that of a column with a constant, without further calls."""

    def equal(row: Row) -> bool | None:
        found = row[column]
        return None if found is None else True if found == constant else False if found == found else None

    def less(row: Row) -> bool | None:
        found = row[column]
        return None if found is None else True if found < constant else False if found == found else None

    def at_most(row: Row) -> bool | None:
        found = row[column]
        return None if found is None else True if found <= constant else False if found == found else None

    def more(row: Row) -> bool | None:
        found = row[column]
        return None if found is None else True if found > constant else False if found == found else None

    def at_least(row: Row) -> bool | None:
        found = row[column]
        return None if found is None else True if found >= constant else False if found == found else None

    ways: dict[str, Truth] = {"=": equal, "<": less, "<=": at_most, ">": more, ">=": at_least}
    return ways[op] if op in ways else _negated(equal)


def _joined(parts: list[Truth], *, ends: bool) -> Truth:
    """Return AND, or OR where a true part ``ends`` it."""
    if len(parts) == 2:
        return _joined_pair(*parts, ends=ends)

    def of_row(row: Row) -> bool | None:
        found: bool | None = not ends
        for part in parts:
            one = part(row)
            if one is ends:
                return ends
            if one is None:
                found = None
        return found

    return of_row


def _joined_pair(a: Truth, b: Truth, *, ends: bool) -> Truth:
    def of_row(row: Row) -> bool | None:
        left = a(row)
        if left is ends:
            return ends
        right = b(row)
        return right if left is not None or right is ends else None

    return of_row


def _negated(inner: Truth) -> Truth:
    def of_row(row: Row) -> bool | None:
        found = inner(row)
        return None if found is None else not found

    return of_row


def _chosen(tree: Tree) -> Truth:
    """Return whether a value is one of several; unknown where it is none of them and one of them is unknown."""
    asked, choices = value(tree[1]), [value(choice) for choice in tree[2:]]
    if all(choice[0] in CONSTANTS for choice in tree[2:]):
        constants = frozenset(choice[1] for choice in tree[2:])
        return lambda row: None if (found := asked(row)) is None else found in constants

    def of_row(row: Row) -> bool | None:
        found = asked(row)
        if found is None:
            return None
        others = [choice(row) for choice in choices]
        return True if any(found == other for other in others) else None if None in others else False

    return of_row


def _case(tree: Tree) -> Value:
    pairs = [(truth(when), value(then)) for when, then in zip(tree[1:-1:2], tree[2:-1:2], strict=True)]
    otherwise = value(tree[-1])

    def of_row(row: Row) -> Any:
        for when, then in pairs:
            if when(row):
                return then(row)
        return otherwise(row)

    return of_row


def _choice(op: str, parts: list[Value]) -> Value:
    """Return the first, the least or the greatest of the known values; unknown where none is known."""
    if op == "coalesce":
        return lambda row: next((found for part in parts if (found := part(row)) is not None), None)
    best = min if op == "least" else max

    def of_row(row: Row) -> Any:
        return best((found for part in parts if (found := part(row)) is not None), default=None)

    return of_row
