"""One column as groups of rows, and what the groups tell of a label that they were not counted on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.predictive.labelled_rows import FOLDS, Codes, Flags, Floats, LabelledRows

if TYPE_CHECKING:
    import pandas as pd

# Ranges of a number: fine enough that a tail of 3% is a group of its own, coarse enough that 1,500 rows fill each.
RANGES: Final = 32
# Rows that a group is drawn towards the others by: with less, names of one customer each would tell that customer.
_PRIOR_ROWS: Final = 5.0
_STEPS: Final = 8


@dataclass(frozen=True, eq=False)
class Grouped:
    """The group of each row, shape (n_rows,), and what each group is called; the last holds what is missing."""

    group: Codes
    names: tuple[str, ...]

    @property
    def n(self) -> int:
        """The number of groups."""
        return len(self.names)

    def only(self, chosen: Flags) -> Grouped:
        """Return the groups of some of the rows."""
        return Grouped(self.group[chosen], self.names)

    def counts(self, rows: LabelledRows) -> Floats:
        """Return the rows of each class in each group and fold; shape (n_folds, n_groups, n_classes)."""
        shape = (FOLDS, self.n, rows.n_classes)
        cells = (rows.fold * self.n + self.group) * rows.n_classes + rows.y
        return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def is_number(values: pd.Series[Any]) -> bool:
    """Return whether a column holds numbers or flags, not names."""
    return values.dtype.kind in "fiub"


def grouped(values: pd.Series[Any], ranges: int = RANGES) -> Grouped:
    """Return a column as groups: each name, each of a few numbers or else ranges of them, and what is missing."""
    if not is_number(values):
        texts = np.asarray(values.astype(object), dtype=object)
        named = np.array([isinstance(text, str) for text in texts], dtype=np.bool_)
        levels, codes = np.unique(texts[named].astype(str), return_inverse=True)
        group = np.full(len(texts), len(levels), dtype=np.intp)
        group[named] = codes
        return Grouped(group, (*(repr(str(level)) for level in levels), "missing"))
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    known = ~np.isnan(numbers)
    distinct = np.unique(numbers[known])
    if len(distinct) <= ranges:
        edges, names = distinct[:-1], [f"{x:g}" for x in distinct]
    else:
        edges = np.unique(np.quantile(numbers[known], np.arange(1, ranges) / ranges, method="inverted_cdf"))
        ends = [-np.inf, *edges, np.inf]
        names = [_range(low, high) for low, high in itertools.pairwise(ends)]
    group = np.searchsorted(edges, numbers, side="left").astype(np.intp)
    group[~known] = len(names)
    return Grouped(group, (*names, "missing"))


def _range(low: float, high: float) -> str:
    if np.isinf(low):
        return f"at most {high:g}"
    return f"above {low:g}" if np.isinf(high) else f"above {low:g} to {high:g}"


def told_alone(column: Grouped, rows: LabelledRows) -> Floats:
    """Return the shares of the classes in the group of each row, counted in the other folds; (n_rows, n_classes)."""
    counts = column.counts(rows)
    rates: Floats = _rates(counts.sum(axis=0) - counts)[rows.fold, column.group]
    return rates


def told_later(column: Grouped, rows: LabelledRows, past: Flags, future: Flags) -> Floats:
    """Return the shares of the classes in the group of each future row, counted in the past; (n_future, n_classes)."""
    counts = column.only(past).counts(rows.only(past)).sum(axis=0)
    rates: Floats = _rates(counts[None])[0][column.group[future]]
    return rates


def _rates(counts: Floats) -> Floats:
    """Return the shares of the classes of each group, drawn towards those of all groups."""
    shares = counts.sum(axis=1, keepdims=True) + 1.0
    shares = shares / shares.sum(axis=2, keepdims=True)
    return np.asarray((counts + _PRIOR_ROWS * shares) / (counts.sum(axis=2, keepdims=True) + _PRIOR_ROWS))


def told_beside(column: Grouped, rows: LabelledRows, p: Floats) -> Floats:
    """Return what is known of each row, corrected by its group as the other folds tell; shape (n_rows, n_classes).

    The correction adds to the log-odds of each class in each group: a logistic regression on the groups beside what is
    known already, by Newton's steps, with a ridge of one row.

    Parameters
    ----------
    column : groups of the rows
    rows : labels
    p : what is known already, out of the same folds, shape (n_rows, n_classes)
    """
    out, raw = np.empty_like(p), np.log(np.clip(p, 1e-9, None))
    hit = np.eye(rows.n_classes)[rows.y]
    # All classes move at once: without it each step of two is twice too long (LogitBoost, Friedman et al., 2000).
    widening = rows.n_classes / (rows.n_classes - 1)
    for fold in range(FOLDS):
        train, test = rows.fold != fold, rows.fold == fold
        group, shift = column.group[train], np.zeros((column.n, rows.n_classes))
        for _ in range(_STEPS):
            q = _softmax(raw[train] + shift[group])
            slope = _sums(group, hit[train] - q, column.n) - shift
            bend = widening * _sums(group, q * (1 - q), column.n) + 1.0
            shift = np.clip(shift + np.clip(slope / bend, -2.0, 2.0), -12.0, 12.0)
        out[test] = _softmax(raw[test] + shift[column.group[test]])
    return out


def never_changes(column: Grouped, rows: LabelledRows) -> bool:
    """Return whether all rows of each customer are in one group."""
    any_of = np.zeros(int(rows.customer.max()) + 1, dtype=np.intp)
    any_of[rows.customer] = column.group
    return bool((any_of[rows.customer] == column.group).all())


def _softmax(raw: Floats) -> Floats:
    odds = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _sums(group: Codes, values: Floats, n: int) -> Floats:
    return np.stack([np.bincount(group, values[:, k], minlength=n) for k in range(values.shape[1])], axis=1)
