"""Rows of different customers that are the same but for a little noise: one is learnt from, the other judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.labelled_rows import Codes, LabelledRows
from cxml.predictive.leak_columns import is_number

if TYPE_CHECKING:
    import pandas as pd

# So much nearer than the row of a third customer a twin is. Of the rows of the sample company, SFO and Telco extended
# less than one in a thousand is so near by chance; of its own copies with noise of .1 standard deviations, 70%.
_NEARER: Final = 0.3
_QUERIES: Final = 3_000  # rows whose twins are looked for
_MAX_ROWS: Final = 40_000  # rows that they are looked for among
_BLOCK: Final = 250
_DIMENSIONS: Final = 64
_STANDARD_ERRORS: Final = 4.0


@dataclass(frozen=True)
class Twins:
    """Rows with a twin among other customers, and how much more often twins share a label than the next nearest do.

    ``pair`` holds the positions of the two rows that are most alike of those that share their label, which are equal in
    ``n_equal`` of ``n_columns`` columns.
    """

    n: int
    n_asked: int
    agree: float
    agree_next: float
    low: float
    pair: tuple[int, int]
    n_equal: int
    n_columns: int


def twins(X: pd.DataFrame, rows: LabelledRows, *, random_state: int) -> Twins | None:
    """Return the rows that have a twin, where twins share their label more often than chance and likeness explain.

    Tables with few columns or many equal answers have rows that are the same by chance. Their label is then as likely
    that of their twin as that of the next row beside them, and nothing is said.
    """
    rng = np.random.default_rng(random_state)
    kept = np.arange(len(X)) if len(X) <= _MAX_ROWS else np.sort(rng.choice(len(X), _MAX_ROWS, replace=False))
    place = _places(X.iloc[kept], rng)
    customer, y = rows.customer[kept], rows.y[kept]
    asked = np.arange(len(kept)) if len(kept) <= _QUERIES else np.sort(rng.choice(len(kept), _QUERIES, replace=False))
    near, twin, third = _neighbours(place, customer, asked)
    is_twin = near[:, 0] < _NEARER * near[:, 1]
    if not is_twin.any():
        return None
    me, twin, third, away = asked[is_twin], twin[is_twin], third[is_twin], near[is_twin, 0]
    agree, agree_next = y[me] == y[twin], y[me] == y[third]
    more = agree.astype(np.float64) - agree_next
    pair = np.minimum(customer[me], customer[twin]) * (int(customer.max()) + 1) + np.maximum(
        customer[me], customer[twin]
    )
    _, pair = np.unique(pair, return_inverse=True)
    n_pairs = int(pair.max()) + 1
    sums = np.bincount(pair, more - more.mean())
    error = float(np.sqrt((sums**2).sum()) / len(more))
    # With few pairs that all agree the error is zero: as if one more of each kind had been seen.
    error = max(error, float(np.sqrt(max(1 - agree.mean(), 1 / (n_pairs + 2)) / (n_pairs + 2))))
    low = float(more.mean()) - _STANDARD_ERRORS * error
    if low <= 0:
        return None
    a, b = kept[me[agree]], kept[twin[agree]]
    n_equal = _n_equal(X, a, b)
    # An exact copy before all else: names that stand near each other, or rounding, can make others as near.
    best = int(np.lexsort((np.minimum(a, b), -n_equal, away[agree], n_equal < X.shape[1]))[0])
    return Twins(
        len(me),
        len(asked),
        float(agree.mean()),
        float(agree_next.mean()),
        low,
        (int(min(a[best], b[best])), int(max(a[best], b[best]))),
        int(n_equal[best]),
        X.shape[1],
    )


def _places(X: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the place of each row: ranks of its numbers, a random place for each of its names; (n_rows, n_places)."""
    columns: list[NDArray[Any]] = []
    for j in range(X.shape[1]):
        values = X.iloc[:, j]
        known = values.notna().to_numpy()
        if is_number(values):
            rank = values.rank(pct=True).to_numpy(np.float64)
            columns.append(np.where(known, rank, -0.5))
        else:
            codes = values.astype("category").cat.codes.to_numpy()
            at = rng.uniform(size=(int(codes.max()) + 2, 2))
            at[-1] = -0.5  # code -1: missing
            columns += list(at[codes].T)
    place = np.stack(columns, axis=1).astype(np.float32)
    place -= place.mean(axis=0)
    if place.shape[1] > _DIMENSIONS:  # Johnson and Lindenstrauss: distances keep to about 1 / sqrt(64)
        place = place @ (rng.normal(size=(place.shape[1], _DIMENSIONS)) / np.sqrt(_DIMENSIONS)).astype(np.float32)
    return place


def _neighbours(place: NDArray[np.float32], customer: Codes, asked: Codes) -> tuple[NDArray[np.float64], Codes, Codes]:
    """Return the distances to the nearest row of another customer and of a fourth one, and both rows.

    The nearest two customers beside the twin are passed over: a row may have been copied more than once.
    """
    square = (place**2).sum(axis=1)
    near = np.empty((len(asked), 2))
    found = np.empty((len(asked), 2), dtype=np.intp)
    for begin in range(0, len(asked), _BLOCK):
        me = asked[begin : begin + _BLOCK]
        away = square[None, :] - 2 * (place[me] @ place.T) + square[me][:, None]
        away[customer[me][:, None] == customer[None, :]] = np.inf
        for step in range(3):
            nearest = away.argmin(axis=1)
            if step != 1:
                side = min(step, 1)
                found[begin : begin + len(me), side] = nearest
                near[begin : begin + len(me), side] = away[np.arange(len(me)), nearest]
            away[customer[nearest][:, None] == customer[None, :]] = np.inf
    # Differences of float32 squares are exact to about 1e-6 of them: what is below is zero.
    near = np.sqrt(np.where(near < 1e-5 * np.median(square), 0.0, near))
    return near, found[:, 0], found[:, 1]


def _n_equal(X: pd.DataFrame, a: Codes, b: Codes) -> Codes:
    """Return in how many columns the rows at two positions are equal, or both without a value; shape (n_pairs,)."""
    both = X.iloc[np.concatenate([a, b])]
    codes = np.stack([both.iloc[:, j].factorize()[0] for j in range(both.shape[1])], axis=1)  # -1: without a value
    return np.asarray((codes[: len(a)] == codes[len(a) :]).sum(axis=1))
