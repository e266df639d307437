"""An expression run over whole columns in NumPy, with SQL's three-valued logic: unknown is neither true nor false.

Numbers are float64 with NaN for NULL, texts object arrays with None for NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.closures import fitting
from cxml.conditions.tree import ARITHMETIC, COMPARISONS, TRUTHS, Tree

Columns = Mapping[str, NDArray[Any]]
Mask = NDArray[np.bool_]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": np.equal,
    "<>": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def mask(tree: Tree, columns: Columns, n_rows: int) -> Mask:
    """Return where a condition is true (not false, not unknown).

    Parameters
    ----------
    tree : a condition of the closed grammar
    columns : arrays of shape (n_rows,), numbers as float64 and texts as object
    n_rows : the number of rows

    Returns
    -------
    bool array of shape (n_rows,)
    """
    return np.broadcast_to(_truth(tree, columns, n_rows)[0], (n_rows,))


def numbers(tree: Tree, columns: Columns, n_rows: int) -> NDArray[np.float64]:
    """Return the value of a number expression for each row, NaN where it is unknown; shape (n_rows,), float64."""
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(_finite(_number(tree, columns)), (n_rows,)), dtype=np.float64)


def object_array(values: Sequence[Any]) -> NDArray[Any]:
    """Return values as an object array of shape (n_values,), each as it is."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _truth(tree: Tree, columns: Columns, n_rows: int) -> tuple[Mask, Mask]:
    """Return where the condition is true and where it is false."""
    op = tree[0]
    if op == "and":
        (a, not_a), (b, not_b) = _truth(tree[1], columns, n_rows), _truth(tree[2], columns, n_rows)
        return a & b, not_a | not_b
    if op == "or":
        (a, not_a), (b, not_b) = _truth(tree[1], columns, n_rows), _truth(tree[2], columns, n_rows)
        return a | b, not_a & not_b
    if op == "not":
        a, not_a = _truth(tree[1], columns, n_rows)
        return not_a, a
    if op == "is null":
        if tree[1][0] in TRUTHS:
            true, false = _truth(tree[1], columns, n_rows)
            null = ~(true | false)
        else:
            null = np.broadcast_to(_null(_value(tree[1], columns)), (n_rows,))
        return null, ~null
    if op == "in":
        pairs = [_truth(["=", tree[1], choice], columns, n_rows) for choice in tree[2:]]
        return np.logical_or.reduce([a for a, _ in pairs]), np.logical_and.reduce([not_a for _, not_a in pairs])
    if op == "like":
        texts = np.asarray(_value(tree[1], columns), dtype=object)
        fits, known = fitting(tree[2][1]), ~_null(texts)
        true = np.broadcast_to(np.asarray(np.frompyfunc(fits, 1, 1)(texts), dtype=bool), (n_rows,))
        return true, np.broadcast_to(known, (n_rows,)) & ~true
    if op not in COMPARISONS:
        raise ValueError(f"{op!r} is not in the grammar")
    left, right = _value(tree[1], columns), _value(tree[2], columns)
    known = ~(_null(left) | _null(right))
    true = np.broadcast_to(np.asarray(_COMPARE[op](left, right), dtype=bool) & known, (n_rows,))
    return true, np.broadcast_to(known, (n_rows,)) & ~true


def _value(tree: Tree, columns: Columns) -> Any:
    if tree[0] == "text":
        return np.array(tree[1], dtype=object)
    if tree[0] == "column":
        return columns[tree[1]]
    with np.errstate(all="ignore"):
        return _finite(_number(tree, columns))


def _finite(values: Any) -> Any:
    """Return numbers with unknown in place of what overflowed: infinity minus infinity is no number."""
    return np.where(np.isfinite(values), values, np.nan)


def _number(tree: Tree, columns: Columns) -> Any:
    op = tree[0]
    if op == "column":
        return columns[tree[1]]
    if op in ("number", "flag"):
        return np.float64(tree[1])
    if op == "negative":
        return -_number(tree[1], columns)
    if op not in ARITHMETIC:
        raise ValueError(f"{op!r} is not in the grammar")
    a, b = _number(tree[1], columns), _number(tree[2], columns)
    if op == "/":
        return a / np.where(b == 0, np.nan, b)  # SQL's division by zero is unknown, not infinite
    return a + b if op == "+" else a - b if op == "-" else a * b


def _null(value: Any) -> Any:
    return np.equal(value, np.array(None, dtype=object)) if value.dtype == object else np.isnan(value)
