"""How well scores order rows of the same time: within the past by customer, and from the past into the future."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.labelled_rows import Codes, Flags, Floats, LabelledRows
from cxml.predictive.leak_columns import Grouped, told_alone, told_later

if TYPE_CHECKING:
    from cxml.predictive.quick_trees import QuickTrees

# Rows are compared with rows of about the same time only: that more are lost in one month than in another, which folds
# can learn and the future need not repeat, is no leak.
_ROWS_OF_A_TIME: Final = 200
_TIMES: Final = 40
_STANDARD_ERRORS: Final = 3.5


@dataclass(frozen=True)
class Fall:
    """The AUC on held-out customers of the past and on the future, and the lower bound of the difference."""

    past: float
    future: float
    low: float

    @property
    def gap(self) -> float:
        """By how much the AUC falls."""
        return self.past - self.future


class PastAndFuture:
    """Labelled rows of the past and of the future, each with its time."""

    def __init__(self, rows: LabelledRows, as_of: NDArray[Any], past: Flags, future: Flags) -> None:
        self.rows, self.past, self.future = rows, past, future
        _, place, counts = np.unique(as_of, return_inverse=True, return_counts=True)
        self._time = ((np.cumsum(counts) - counts) // max(_ROWS_OF_A_TIME, len(as_of) // _TIMES))[place]

    def of_column(self, column: Grouped) -> Fall:
        """Return how far a column that is judged alone falls."""
        past = told_alone(column.only(self.past), self.rows.only(self.past))
        return self._fall(past, told_later(column, self.rows, self.past, self.future))

    def of_trees(self, trees: QuickTrees, without: Collection[str] = ()) -> Fall:
        """Return how far all columns together, but for some, fall."""
        past, later = trees.past_and_future(self.rows, self.past, self.future, without)
        return self._fall(past, later)

    def _fall(self, p_past: Floats, p_future: Floats) -> Fall:
        past, future = self.rows.only(self.past), self.rows.only(self.future)
        falls = []
        for k in range(self.rows.n_classes) if self.rows.n_classes > 2 else (1,):
            before, error = _area(past, k, p_past[:, k], self._time[self.past])
            after, error_after = _area(future, k, p_future[:, k], self._time[self.future])
            falls.append(Fall(before, after, before - after - _STANDARD_ERRORS * hypot(error, error_after)))
        return max(falls, key=lambda fall: fall.low)


def _area(rows: LabelledRows, k: int, score: Floats, time: Codes) -> tuple[float, float]:
    """Return the AUC of one class over pairs of rows of the same time, and its standard error clustered by customer.

    The error is that of DeLong et al., "Comparing the Areas under Two or More Correlated ROC Curves", Biometrics 1988:
    of the share of rows on the other side that each row is on the right side of.
    """
    hit, moved = rows.y == k, np.zeros(len(rows.y))
    pairs = area = 0.0
    for of_time in np.unique(time):
        at = np.flatnonzero(time == of_time)
        hits, misses = score[at][hit[at]], score[at][~hit[at]]
        if not len(hits) or not len(misses):
            continue
        right = np.where(hit[at], _below(misses, score[at]), 1 - _below(hits, score[at]))
        n = float(len(hits) * len(misses))
        pairs, area = pairs + n, area + n * float(right[hit[at]].mean())
        moved[at] = n * (right - right[hit[at]].mean()) / np.where(hit[at], len(hits), len(misses))
    if not pairs:
        return 0.5, 0.5
    sums = np.bincount(rows.customer, moved / pairs)
    return area / pairs, float(np.sqrt((sums**2).sum()))


def _below(others: Floats, score: Floats) -> Floats:
    """Return the share of the others that are below each score, and half of the equal ones."""
    others = np.sort(others)
    return np.asarray(
        (np.searchsorted(others, score, "left") + np.searchsorted(others, score, "right")) / 2 / len(others)
    )
