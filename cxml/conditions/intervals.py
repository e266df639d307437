"""Between which numbers an expression lies, by interval arithmetic over the bounds of its columns."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from cxml.conditions.closures import value
from cxml.conditions.maths import OF_ONE
from cxml.conditions.tree import COMPUTING, CONSTANTS, Tree, columns

Interval = tuple[float, float]
"""The lowest and the highest number, both of them in it."""
Bounds = Mapping[str, Any]
"""Of a column: the lowest and the highest number that it can be, or the texts that it can be."""

ANY: Final[Interval] = (-math.inf, math.inf)
NOTHING: Final[Interval] = (math.inf, -math.inf)
_MOST: Final = sys.float_info.max
_TINY: Final = math.nextafter(0.0, 1.0)


def interval(tree: Tree, bounds: Bounds) -> Interval:
    """Return the lowest and the highest number that an expression can be where it is known.

    Parameters
    ----------
    tree : a number expression of the closed grammar
    bounds : of a column, the lowest and the highest number; a column that is not in it can be any number

    Returns
    -------
    (low, high)
        No known value lies outside; not every number between is a value. ``(inf, -inf)`` if no value is ever known.

    Examples
    --------
    >>> interval(["*", ["number", 100.0], ["column", "renewal_risk"]], {"renewal_risk": (0, 1)})
    (0.0, 100.0)
    """
    return interval_over(tree, lambda name: bounds.get(name, ANY))


def interval_over(tree: Tree, of_column: Callable[[str], Interval]) -> Interval:
    """Return the interval of the known values of an expression; what is computed and not finite is unknown."""
    low, high = _half_way(tree, of_column)
    if tree[0] not in COMPUTING:
        return low, high
    return (max(low, -_MOST), min(high, _MOST)) if low <= high and low <= _MOST and high >= -_MOST else NOTHING


def _half_way(tree: Tree, of_column: Callable[[str], Interval]) -> Interval:
    """Return the interval of an expression that may still be infinite."""
    op = tree[0]
    if op == "column":
        low, high = of_column(tree[1])
        return float(low), float(high)
    if op == "null":
        return NOTHING
    if op in CONSTANTS:
        return float(tree[1]), float(tree[1])
    if op == "case":
        return _hull([interval_over(part, of_column) for part in (*tree[2:-1:2], tree[-1])])
    if op in ("coalesce", "least", "greatest"):
        return _chosen(op, tree[1:], of_column)
    parts = [_half_way(part, of_column) for part in tree[1:]]
    if any(low > high for low, high in parts):
        return NOTHING
    if op == "negative":
        return -parts[0][1], -parts[0][0]
    if op in OF_ONE:
        return _of_one(op, *parts[0])
    return _of_two(op, *parts)


def _of_one(op: str, low: float, high: float) -> Interval:
    if op == "abs":
        return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
    if op in ("sqrt", "ln"):
        if high < 0 or (op == "ln" and high == 0):
            return NOTHING
        low = max(low, 0.0 if op == "sqrt" else _TINY)
    found = OF_ONE[op](low), OF_ONE[op](high)
    # The logarithm and the exponential are not the same to the last bit everywhere; the others are.
    return _wider(*found) if op in ("ln", "exp") else found


def _of_two(op: str, a: Interval, b: Interval) -> Interval:
    if op == "+":
        return _number(a[0] + b[0], -math.inf), _number(a[1] + b[1], math.inf)
    if op == "-":
        return _number(a[0] - b[1], -math.inf), _number(a[1] - b[0], math.inf)
    if op == "*":
        ends = [_number(x * y, 0.0) for x in a for y in b]  # nothing known is infinite: 0 times any of it is 0
        return min(ends), max(ends)
    low, high = b
    if low < 0 < high:
        return ANY
    if low == 0 == high:
        return NOTHING
    low, high = (_TINY if low == 0 else low), (-_TINY if high == 0 else high)
    known = [x / y for x in a for y in (low, high) if not math.isnan(x / y)]
    return (min(known), max(known)) if known else ANY


def _chosen(op: str, parts: list[Tree], of_column: Callable[[str], Interval]) -> Interval:
    intervals = [interval_over(part, of_column) for part in parts]
    always = [found for part, found in zip(parts, intervals, strict=True) if _is_always_known(part)]
    if op == "coalesce":
        last = next((i for i, part in enumerate(parts) if _is_always_known(part)), len(parts))
        return _hull(intervals[: last + 1])
    low, high = _hull(intervals)
    if op == "least":
        return low, min([high, *(found[1] for found in always)])
    return max([low, *(found[0] for found in always)]), high


def _is_always_known(tree: Tree) -> bool:
    """Return whether an expression is a constant that is known."""
    return next(columns(tree), None) is None and value(tree)({}) is not None


def _hull(intervals: list[Interval]) -> Interval:
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _number(found: float, otherwise: float) -> float:
    return otherwise if math.isnan(found) else found


def _wider(low: float, high: float) -> Interval:
    for _ in range(2):
        low, high = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    return low, high
