"""Every distinct decision of a forest, made once for a batch of rows: one row of bits per decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.forest import Split, UnreadForestError

# LightGBM's meta.h, kZeroThreshold (1e-35 as float32): nothing smaller is told from zero.
_ZERO: Final = float(np.float32(1e-35))
# What a column is read as before it is compared: where missing values (NaN, or zero too) are brought to.
_NAN_RIGHT, _NAN_LEFT, _ZERO_LEFT, _ZERO_RIGHT = range(4)
# Up to so many comparisons at once, one call makes them all; beyond, a call for each column needs less memory.
_AT_ONCE: Final = 1 << 17
# Categories beyond this code would make the table of members too large.
_MAX_CATEGORY: Final = 1 << 16

_Key = TypeVar("_Key")
Literal = int
"""A bit and whether it is meant as it is: ``2 * bit``, or ``2 * bit + 1`` for its opposite."""


@dataclass(frozen=True)
class SplitBits:
    """The decisions of a forest, and the conjunctions of them that it needs.

    Bits are in the order: numeric decisions, category decisions, conjunctions, and one that is never set.
    """

    views: NDArray[np.intp]
    """The feature of each column that is compared, shape (n_views,), ordered by how missing values are read."""
    reads: tuple[int, ...]
    """Where each way of reading begins among the views, and the end."""
    view_of: NDArray[np.intp]
    thresholds: NDArray[np.float64]
    first_of_view: tuple[int, ...]
    category_features: tuple[int, ...]
    category_of: NDArray[np.intp]
    members: NDArray[np.bool_]
    """Shape (n_category_decisions, most codes + 1); the last column is for whatever is no category."""
    conjunctions: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]
    """By level: the two literals of each conjunction."""
    n_bits: int

    def of(self, matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the bits of shape (n_bits, n_rows), 0 or 1, for a matrix of shape (n_rows, n_features)."""
        n_rows, n_numeric = len(matrix), len(self.thresholds)
        bits = np.zeros((self.n_bits, n_rows), dtype=np.bool_)
        columns = self._columns(matrix)
        if n_numeric * n_rows <= _AT_ONCE:
            np.less_equal(columns[self.view_of], self.thresholds[:, None], out=bits[:n_numeric])
        else:
            for view, (first, end) in enumerate(zip(self.first_of_view, self.first_of_view[1:], strict=False)):
                np.less_equal(columns[view], self.thresholds[first:end, None], out=bits[first:end])
        if len(self.members):
            self._decide_categories(matrix, bits[n_numeric : n_numeric + len(self.members)])
        first = n_numeric + len(self.members)
        for a, b in self.conjunctions:
            end = first + len(a)
            both = bits[a >> 1] ^ (a & 1).astype(np.bool_)[:, None]
            both &= bits[b >> 1] ^ (b & 1).astype(np.bool_)[:, None]
            bits[first:end] = both
            first = end
        return bits.view(np.uint8)

    def _columns(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = np.empty((len(self.views), len(matrix)))
        columns[...] = matrix.T[self.views]
        _, nan_left, zero_left, zero_right, end = self.reads
        part = columns[nan_left:zero_left]
        np.copyto(part, -np.inf, where=np.isnan(part))
        if end > zero_left:
            part = columns[zero_left:]
            with np.errstate(invalid="ignore"):
                zero = np.isnan(part) | (np.abs(part) <= _ZERO)
            sides = np.full((len(part), 1), -np.inf)
            sides[zero_right - zero_left :] = np.nan
            np.copyto(part, sides, where=zero)
        return columns

    def _decide_categories(self, matrix: NDArray[np.float64], out: NDArray[np.bool_]) -> None:
        values = matrix.T[list(self.category_features)]
        none = self.members.shape[1] - 1
        # LightGBM cuts the fraction off, so that -0.5 is category 0; NaN is in no category.
        codes = np.where((values > -1) & (values < none), values, none).astype(np.intp)
        for i, view in enumerate(self.category_of.tolist()):
            np.take(self.members[i], codes[view], out=out[i])


class BitPlan:
    """Collects the decisions of a forest, each once, and puts them in order."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int, float], int] = {}
        self._categories: dict[tuple[int, frozenset[int]], int] = {}
        self._both: dict[tuple[Literal, Literal], int] = {}
        self._level: dict[int, int] = {}
        self._count = 0

    def literal(self, split: Split, *, left: bool) -> Literal:
        """Return the literal that a row goes left (or right) at a split."""
        if split.categories is not None:
            if max(split.categories, default=0) >= _MAX_CATEGORY:
                raise UnreadForestError(f"a category has a code of {_MAX_CATEGORY} or more.")
            bit = self._place(self._categories, (split.feature, split.categories))
        else:
            bit = self._place(self._numbers, (_reading(split), split.feature, _threshold(split)))
        return 2 * bit + (not left)

    def both(self, a: Literal, b: Literal) -> Literal:
        """Return the literal that two others are both true."""
        if a == b:
            return a
        bit = self._place(self._both, (min(a, b), max(a, b)))
        self._level[bit] = 1 + max(self._level.get(a >> 1, 0), self._level.get(b >> 1, 0))
        return 2 * bit

    def finished(self) -> tuple[SplitBits, NDArray[np.intp]]:
        """Return the bits in order, and the row of each bit that was given out; the last is of the bit never set."""
        numbers = sorted(self._numbers)
        views = sorted({(reading, feature) for reading, feature, _ in numbers})
        place_of_view = {view: i for i, view in enumerate(views)}
        view_of = [place_of_view[reading, feature] for reading, feature, _ in numbers]
        categories = sorted(self._categories, key=lambda key: (key[0], sorted(key[1])))
        features = sorted({feature for feature, _ in categories})
        members = np.zeros((len(categories), 1 + max((max(k, default=0) + 1 for _, k in categories), default=0)), bool)
        for i, (_, codes) in enumerate(categories):
            members[i, list(codes)] = True
        both = sorted(self._both, key=lambda pair: (self._level[self._both[pair]], self._both[pair]))
        given = [*map(self._numbers.__getitem__, numbers), *map(self._categories.__getitem__, categories)]
        given += map(self._both.__getitem__, both)
        place = np.empty(self._count + 1, dtype=np.intp)
        place[[*given, self._count]] = np.arange(self._count + 1)
        levels: dict[int, list[tuple[int, int]]] = {}
        for pair in both:
            a, b = (2 * int(place[x >> 1]) + (x & 1) for x in pair)
            levels.setdefault(self._level[self._both[pair]], []).append((a, b))
        readings = [reading for reading, _ in views]
        bits = SplitBits(
            views=np.array([feature for _, feature in views], dtype=np.intp),
            reads=(*(sum(r < reading for r in readings) for reading in range(4)), len(readings)),
            view_of=np.array(view_of, dtype=np.intp),
            thresholds=np.array([threshold for *_, threshold in numbers]),
            first_of_view=tuple(int(np.searchsorted(view_of, i)) for i in range(len(views) + 1)),
            category_features=tuple(features),
            category_of=np.array([features.index(feature) for feature, _ in categories], dtype=np.intp),
            members=members,
            conjunctions=tuple(
                (np.array([a for a, _ in pairs], dtype=np.intp), np.array([b for _, b in pairs], dtype=np.intp))
                for pairs in levels.values()
            ),
            n_bits=self._count + 1,
        )
        return bits, place

    def _place(self, found: dict[_Key, int], key: _Key) -> int:
        bit = found.setdefault(key, self._count)
        self._count += bit == self._count
        return bit


def _reading(split: Split) -> int:
    if split.missing == "zero":
        return _ZERO_LEFT if split.default_left else _ZERO_RIGHT
    left = split.default_left if split.missing == "nan" else split.threshold >= 0
    return _NAN_LEFT if left else _NAN_RIGHT


def _threshold(split: Split) -> float:
    """Return the threshold that tells values apart as LightGBM does, which reads what is nearly zero as zero."""
    if split.missing == "zero" or abs(split.threshold) > _ZERO:
        return split.threshold
    return _ZERO if split.threshold >= 0 else float(np.nextafter(-_ZERO, -np.inf))
