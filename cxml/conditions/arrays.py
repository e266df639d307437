"""An expression run over whole columns in NumPy, with SQL's three-valued logic: unknown is neither true nor false.

Numbers are float64 with NaN for NULL, texts object arrays with None for NULL. Rows are gone through in blocks that stay
in a processor's cache, and of a condition only the side that is asked for is computed: where it is true, or where it is
false, as NOT turns them round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.closures import fitting
from cxml.conditions.coded import Coded
from cxml.conditions.maths import exp, ln
from cxml.conditions.tree import ARITHMETIC, CHOOSING, COMPARISONS, CONSTANTS, OPPOSITE, TRUTHS, Tree
from cxml.conditions.tree import columns as named

Columns = Mapping[str, Any]
Mask = NDArray[np.bool_]

_BLOCK: Final = 1 << 16
"""Rows of a block: a column of float64 is 512 KiB of a core's second cache; halves of it cost a third more time."""
_FEW, _FEW_TEXTS = 8, 3
"""With more numbers, or texts, to choose from, looking each value up is faster than a comparison with each."""
_MOST_TEXTS: Final = 1 << 16

_COMPARE: Final[Mapping[str, Callable[..., Any]]] = {
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
    columns : arrays of shape (n_rows,), numbers as float64 and texts as object, or as `Coded`
    n_rows : the number of rows

    Returns
    -------
    bool array of shape (n_rows,)

    Raises
    ------
    ValueError
        If the tree is outside the grammar.
    """
    out = np.empty(n_rows, dtype=bool)
    with np.errstate(all="ignore"):
        for rows, block in _blocks(tree, columns, n_rows):
            block.holds(tree, out[rows], wanted=True)
    return out


def numbers(tree: Tree, columns: Columns, n_rows: int) -> NDArray[np.float64]:
    """Return the value of a number expression for each row, NaN where it is unknown; shape (n_rows,), float64."""
    out = np.empty(n_rows)
    with np.errstate(all="ignore"):
        for rows, block in _blocks(tree, columns, n_rows):
            out[rows] = _finite(block.number(tree))
    return out


def object_array(values: Sequence[Any]) -> NDArray[Any]:
    """Return values as an object array of shape (n_values,), each as it is."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _blocks(tree: Tree, columns: Columns, n_rows: int) -> Iterator[tuple[slice, _Block]]:
    read = {name: columns[name] for name in dict.fromkeys(named(tree))}
    kept = _Kept({}, [])
    for start in range(0, max(n_rows, 1), _BLOCK):
        rows = slice(start, min(start + _BLOCK, n_rows))
        yield rows, _Block({name: _part(column, rows) for name, column in read.items()}, rows.stop - start, kept)


def _part(column: Any, rows: slice) -> Any:
    return Coded(column.codes[rows], column.values) if isinstance(column, Coded) else column[rows]


@dataclass(frozen=True)
class _Kept:
    """What is kept from block to block: what was found out of texts, and room for truths."""

    found: dict[tuple[Any, ...], Any]
    room: list[Mask]


class _Fits(dict[Any, bool]):
    """Whether texts fit a pattern, each text asked once."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self.fits = fitting(pattern)

    def __missing__(self, text: Any) -> bool:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[text] = fits = self.fits(text)
        return fits


class _Block:
    def __init__(self, columns: Columns, n_rows: int, kept: _Kept) -> None:
        self.columns, self.n_rows, self.kept = columns, n_rows, kept

    def holds(self, tree: Tree, out: Mask, *, wanted: bool) -> None:
        """Write where a condition is true, or where it is false, as wanted."""
        op = tree[0]
        if op in ("and", "or"):
            self._joined(tree[1:], out, wanted=wanted, every=(op == "and") == wanted)
        elif op == "not":
            self.holds(tree[1], out, wanted=not wanted)
        elif op not in TRUTHS:
            raise ValueError(f"{op!r} is not in the grammar")
        elif (verdict := self._verdict(tree, wanted=wanted)) is not None:
            np.take(verdict[1], self.columns[verdict[0]].codes, out=out)
        elif op in COMPARISONS:
            self._compared(OPPOSITE[op] if not wanted else op, tree[1], tree[2], out)
        elif op == "in":
            self._among(tree, out, wanted=wanted)
        elif op == "like":
            self._alike(tree, out, wanted=wanted)
        elif tree[1][0] in TRUTHS:
            other = self._room()
            self.holds(tree[1], out, wanted=True)
            self.holds(tree[1], other, wanted=False)
            np.logical_or(out, other, out=out)
            if wanted:
                np.logical_not(out, out=out)
            self.kept.room.append(other)
        else:
            self._known(self.value(tree[1]), out)
            if wanted:
                np.logical_not(out, out=out)

    def value(self, tree: Tree) -> Any:
        """Return a value, an array of shape (n_rows,) or a scalar; what is computed and not finite is NaN."""
        op = tree[0]
        if op == "text":
            return np.array(tree[1], dtype=object)
        if op == "null":
            return np.float64(np.nan)
        if op == "column":
            column = self.columns[tree[1]]
            return column.values[column.codes] if isinstance(column, Coded) else column
        if op == "case":
            return self._case(tree)
        if op == "coalesce":
            return self._first([self.value(part) for part in tree[1:]])
        if op in CHOOSING:
            best = np.fmin if op == "least" else np.fmax
            first, *others = (self.value(part) for part in tree[1:])
            for other in others:
                first = best(first, other)
            return first
        return _finite(self.number(tree))

    def number(self, tree: Tree) -> Any:
        """Return a number, infinite where it overflows half-way."""
        op = tree[0]
        if op == "column" or op in CHOOSING:
            return self.value(tree)
        if op in ("number", "flag"):
            return np.float64(tree[1])
        if op == "negative":
            return -self.number(tree[1])
        if op in _OF_ONE:
            return _OF_ONE[op](self.number(tree[1]))
        if op not in ARITHMETIC:
            raise ValueError(f"{op!r} is not in the grammar")
        a, b = self.number(tree[1]), self.number(tree[2])
        if op == "/":
            return a / np.where(b == 0, np.nan, b)  # SQL's division by zero is unknown, not infinite
        return a + b if op == "+" else a - b if op == "-" else a * b

    def _joined(self, parts: Sequence[Tree], out: Mask, *, wanted: bool, every: bool) -> None:
        """Write where every part, or any part, is as wanted; the rest need not be looked at once no row is open."""
        self.holds(parts[0], out, wanted=wanted)
        room = self._room()
        join = np.logical_and if every else np.logical_or
        for part in parts[1:]:
            if not out.any() if every else out.all():
                break
            self.holds(part, room, wanted=wanted)
            join(out, room, out=out)
        self.kept.room.append(room)

    def _compared(self, op: str, a: Tree, b: Tree, out: Mask) -> None:
        left, right = self.value(a), self.value(b)
        _COMPARE[op](left, right, out=out)
        # NaN is below, above and equal to nothing: of numbers only <> needs a look at what is known. None equals None.
        asked = [value for tree, value in ((a, left), (b, right)) if tree[0] not in CONSTANTS]
        if op == "=":
            asked = asked[:1] if len(asked) == 2 and _is_texts(left) else []
        if asked and op in ("=", "<>"):
            room = self._room()
            for value in asked:
                np.logical_and(out, self._known(value, room), out=out)
            self.kept.room.append(room)

    def _among(self, tree: Tree, out: Mask, *, wanted: bool) -> None:
        choices = tree[2:]
        constant = all(choice[0] in CONSTANTS for choice in choices)
        asked = self.value(tree[1])
        if constant and _is_texts(asked) and len(choices) > _FEW_TEXTS and asked.ndim:
            members = self.kept.found.setdefault((id(tree), "in"), frozenset(choice[1] for choice in choices))
            out[:] = np.fromiter(map(members.__contains__, asked), bool, self.n_rows)
        elif constant and len(choices) > _FEW and choices[0][0] == "number":
            numbers = self.kept.found.setdefault((id(tree), "in"), np.array([choice[1] for choice in choices]))
            out[:] = np.isin(asked, numbers)
        else:
            if (id(tree), "in") not in self.kept.found:  # what is found out of trees is kept under their ids: keep them
                self.kept.found[id(tree), "in"] = [["=", tree[1], choice] for choice in choices]
            self._joined(self.kept.found[id(tree), "in"], out, wanted=wanted, every=not wanted)
            return
        if not wanted:
            self._not(out, asked)

    def _alike(self, tree: Tree, out: Mask, *, wanted: bool) -> None:
        texts = self.value(tree[1])
        if (id(tree), "like") not in self.kept.found:
            self.kept.found[id(tree), "like"] = _Fits(tree[2][1])
        fits = self.kept.found[id(tree), "like"]
        if texts.ndim:
            out[:] = np.fromiter(map(fits.__getitem__, texts), bool, self.n_rows)
        else:
            out[:] = fits[texts.item()]
        if not wanted:
            self._not(out, texts)

    def _not(self, out: Mask, values: Any) -> None:
        """Write where what was found is not so, of values that are known."""
        room = self._room()
        np.logical_and(np.logical_not(out, out=out), self._known(values, room), out=out)
        self.kept.room.append(room)

    def _case(self, tree: Tree) -> Any:
        results = [None if part[0] == "null" else self.value(part) for part in (*tree[2:-1:2], tree[-1])]
        texts = any(_is_texts(result) for result in results)
        null = np.array(None if texts else np.nan, dtype=object if texts else np.float64)
        *others, found = (null if result is None else result for result in results)
        room = self._room()
        for when, result in zip(tree[-3::-2], reversed(others), strict=True):
            self.holds(when, room, wanted=True)
            found = np.where(room, result, found)
        self.kept.room.append(room)
        return found

    def _first(self, values: Sequence[Any]) -> Any:
        *others, found = values
        room = self._room()
        for value in reversed(others):
            found = np.where(self._known(value, room), value, found)
        self.kept.room.append(room)
        return found

    def _known(self, value: Any, out: Mask) -> Mask:
        if _is_texts(value):
            np.not_equal(value, _NONE, out=out)
        else:
            np.equal(value, value, out=out)  # NaN is unequal to itself
        return out

    def _verdict(self, tree: Tree, *, wanted: bool) -> tuple[str, Mask] | None:
        """Return the one coded column that a condition reads, and the truth of each of its values."""
        if not any(isinstance(column, Coded) for column in self.columns.values()):
            return None
        key = (id(tree), wanted)
        if key not in self.kept.found:
            read = list(dict.fromkeys(named(tree)))
            column = self.columns[read[0]] if len(read) == 1 else None
            self.kept.found[key] = None
            if isinstance(column, Coded):
                verdict = np.empty(len(column.values), dtype=bool)
                block = _Block({read[0]: column.values}, len(column.values), _Kept({}, []))
                block.holds(tree, verdict, wanted=wanted)
                self.kept.found[key] = (read[0], verdict)
        found: tuple[str, Mask] | None = self.kept.found[key]
        return found

    def _room(self) -> Mask:
        room = self.kept.room.pop() if self.kept.room else np.empty(max(_BLOCK, self.n_rows), dtype=bool)
        return room[: self.n_rows]


_NONE: Final = np.array(None, dtype=object)


def _is_texts(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "O"


def _finite(values: Any) -> Any:
    """Return numbers with unknown in place of what overflowed: infinity minus infinity is no number."""
    return np.where(np.isfinite(values), values, np.nan)


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """Return a function over arrays that has the bits of one row: NumPy's own differ in the last one."""

    def of_array(values: Any) -> Any:
        array = np.asarray(values)
        return np.fromiter(map(function, array.ravel().tolist()), np.float64, array.size).reshape(array.shape)

    return of_array


_OF_ONE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "sqrt": np.sqrt,
    "ln": _each(ln),
    "exp": _each(exp),
}
