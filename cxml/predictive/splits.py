"""Splits that keep the future and a customer on one side: nothing is shuffled across either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.errors import TrainingError
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

# Fewer rows on either side of the cutoff say nothing about a model: the AUC of 50 is known to about +-.15.
MIN_ROWS: Final = 50

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class FutureSplit:
    """Rows to learn from and later rows to be judged on, by position; ``cutoff`` parts them."""

    train: Rows
    test: Rows
    cutoff: np.datetime64

    @property
    def cutoff_time(self) -> datetime:
        """The cutoff as naive UTC."""
        moment: datetime = self.cutoff.astype("datetime64[us]").item()
        return moment


def future_split(labels: pd.DataFrame, *, test_share: float, label: str) -> FutureSplit:
    """Split labelled rows at a moment: learn from what was known before it, judge on the rows from it on.

    Rows before the cutoff whose outcome came after it are in neither part (purged): at the cutoff nobody knew them.

    Parameters
    ----------
    labels : DataFrame with ``as_of`` and ``known_time`` (when the outcome became known), both naive UTC
    test_share : share of the rows, the latest, to be judged on
    label : its name in the config, for the message of an error

    Returns
    -------
    FutureSplit

    Raises
    ------
    TrainingError
        If either part would have fewer than 50 rows.
    """
    moments, known = (labels[name].to_numpy("datetime64[us]") for name in (c.AS_OF, c.KNOWN_TIME))
    cutoff = np.sort(moments)[int((len(moments) - 1) * (1 - test_share))]
    train, test = np.flatnonzero(known < cutoff), np.flatnonzero(moments >= cutoff)
    if min(len(train), len(test)) < MIN_ROWS:
        raise TrainingError(
            f"labels.{label}: a split in time needs at least {MIN_ROWS} rows known before {str(cutoff)[:10]} and as "
            f"many from then on; there are {len(train):,} and {len(test):,}. "
            f"Bring a longer history, shorten `horizon_days`, or lower `models.test_share`."
        )
    return FutureSplit(train, test, cutoff)


def customer_folds(
    classes: NDArray[np.intp], customers: ArrayLike | None, *, n_folds: int, random_state: int
) -> Iterator[tuple[Rows, Rows]]:
    """Give folds with about the same classes in each and, where customers are given, no customer in two.

    Yields
    ------
    (train, test) : arrays of row positions
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    who = None if customers is None else np.asarray(customers)
    if who is not None and len(np.unique(who)) == len(who):
        who = None  # nobody is there twice; scikit-learn's search for balanced groups takes seconds
    kind: Any = StratifiedKFold if who is None else StratifiedGroupKFold
    folds = kind(n_splits=n_folds, shuffle=True, random_state=random_state)
    yield from folds.split(np.zeros(len(classes)), classes, who)


def later_folds(
    moments: NDArray[np.datetime64], known: NDArray[np.datetime64], classes: NDArray[np.intp], *, n_folds: int
) -> list[tuple[Rows, Rows]]:
    """Return folds that are judged on later rows than they learn from, as a model in use will be.

    The later 60% of the rows are parted into consecutive spans; each is judged by what was known when it began, so
    that no outcome of a span, nor one that was still open, is learnt from (purged).

    Parameters
    ----------
    moments, known : arrays of shape (n_rows,), the ``as_of`` of each row and when its outcome became known
    classes : array of shape (n_rows,), the index of the class that came true
    n_folds : int

    Returns
    -------
    list of (train, test), arrays of row positions
        Empty where fewer than half of the spans have 50 rows on either side and every class to learn from: too little
        of the past was known by then, and folds by customer say more.
    """
    if len(moments) == 0:
        return []
    edges = np.unique(np.quantile(moments.astype(np.int64), np.linspace(0.4, 1, n_folds + 1)).astype(np.int64))
    edges = edges.astype(moments.dtype)
    n_classes = len(np.unique(classes))
    folds = []
    for k, (start, end) in enumerate(pairwise(edges)):
        train = np.flatnonzero(known < start)
        before_end = moments <= end if k == len(edges) - 2 else moments < end
        test = np.flatnonzero((moments >= start) & before_end)
        enough = min(len(train), len(test)) >= MIN_ROWS and len(np.unique(classes[train])) == n_classes
        if enough and len(np.unique(classes[test])) == n_classes:
            folds.append((train, test))
    return folds if 2 * len(folds) >= n_folds else []


def checked_folds(folds: Any, n_rows: int) -> list[tuple[Rows, Rows]]:
    """Return pairs of row positions (train, later rows) as arrays.

    Raises
    ------
    TrainingError
        If they are not pairs, or a position is no row.
    """
    rule = f"later: must be pairs of positions of the {n_rows:,} rows (train, later rows), as `later_folds` gives them"
    found = []
    for pair in folds:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TrainingError(f"{rule}; the first that is no pair is {pair!r}.")
        train, test = (np.asarray(rows) for rows in pair)
        for rows in (train, test):
            if rows.dtype.kind not in "iu" or rows.ndim != 1 or not len(rows) or rows.min() < 0 or rows.max() >= n_rows:
                raise TrainingError(f"{rule}; one of them holds something else: {rows!r}.")
        found.append((train.astype(np.intp), test.astype(np.intp)))
    return found


def assembled(folds: Sequence[tuple[Rows, Rows]], said: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return what was said of the held-out rows of each fold as one array, (..., n_rows)."""
    out = np.empty((*said[0].shape[:-1], sum(len(test) for _, test in folds)))
    for (_, test), scores in zip(folds, said, strict=True):
        out[..., test] = scores
    return out
