"""An expression compiled once into a function of one row, with the meaning it has over arrays and in DuckDB.

A row is a mapping from columns to plain values, None or NaN for what is unknown.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cxml.conditions.tree import ARITHMETIC, COMPARISONS, TRUTHS, Tree

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
_CONSTANTS: Final = ("text", "number", "flag")
_COMPUTE: Final[Mapping[str, Callable[[float, float], float | None]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else None,  # SQL's division by zero is unknown, not infinite
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
        return _joined(truth(tree[1]), truth(tree[2]), ends=op == "or")
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
    if tree[1][0] == "column" and tree[2][0] in _CONSTANTS:
        return _compared_with(_COMPARE[op], tree[1][1], tree[2][1])
    return _compared(_COMPARE[op], value(tree[1]), value(tree[2]))


def value(tree: Tree) -> Value:
    """Return the function that gives the value of an expression for a row, None where it is unknown.

    A column is given as it is; arithmetic that overflows is unknown. Parameters and errors are those of `truth`.
    """
    op = tree[0]
    if op == "column":
        return _column(tree[1])
    if op in _CONSTANTS:
        constant = tree[1]
        return lambda _: constant
    computed = _number(tree)

    def finite(row: Row) -> float | None:
        found = computed(row)
        return found if found is not None and math.isfinite(found) else None

    return finite


def fitting(pattern: str) -> Callable[[str | None], bool]:
    """Return what says whether a text fits a LIKE pattern: ``%`` is any text, ``_`` any one character."""
    parts = {"%": ".*", "_": "."}
    regex = re.compile("".join(parts.get(character, re.escape(character)) for character in pattern), re.DOTALL)
    return lambda text: text is not None and regex.fullmatch(text) is not None


def _column(name: str) -> Value:
    def of_row(row: Row) -> Any:
        found = row[name]
        return found if found == found else None  # NaN is unequal to itself

    return of_row


def _number(tree: Tree) -> Callable[[Row], float | None]:
    """Return the function of the number itself, infinite where it overflows half-way."""
    op = tree[0]
    if op == "column":
        column = _column(tree[1])

        def as_float(row: Row) -> float | None:
            found = column(row)
            return None if found is None else float(found)

        return as_float
    if op in ("number", "flag"):
        constant = float(tree[1])
        return lambda _: constant
    if op == "negative":
        inner = _number(tree[1])

        def negative(row: Row) -> float | None:
            found = inner(row)
            return None if found is None else -found

        return negative
    if op not in ARITHMETIC:
        raise ValueError(f"{op!r} is not in the grammar")
    return _known(_COMPUTE[op], _number(tree[1]), _number(tree[2]))


def _known(function: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
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


def _compared_with(compare: Callable[[Any, Any], Any], column: str, constant: Any) -> Truth:
    """Return the commonest comparison, that of a column with a constant, without further calls."""

    def of_row(row: Row) -> bool | None:
        found = row[column]
        return bool(compare(found, constant)) if found is not None and found == found else None

    return of_row


def _joined(a: Truth, b: Truth, *, ends: bool) -> Truth:
    """Return AND, or OR where a true part ``ends`` it."""

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
    if all(choice[0] in _CONSTANTS for choice in tree[2:]):
        constants = frozenset(choice[1] for choice in tree[2:])
        return _compared(lambda found, _: found in constants, asked, lambda _: True)

    def of_row(row: Row) -> bool | None:
        found = asked(row)
        if found is None:
            return None
        others = [choice(row) for choice in choices]
        return True if any(found == other for other in others) else None if None in others else False

    return of_row
