"""Leak alarms: what a model is told that it could not know in time, each with the column's name and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.predictive.alarms import Alarm, Kind
from cxml.predictive.labelled_rows import LabelledRows, last_rows, of_some_customers
from cxml.predictive.leak_columns import grouped, is_number
from cxml.predictive.leak_drift import Fall, PastAndFuture
from cxml.predictive.leak_ids import is_identifier, is_text
from cxml.predictive.leak_rules import (
    Evidence,
    beside_alarm,
    identifier_alarm,
    suspect_alarm,
    suspects,
    text_alarm,
)
from cxml.predictive.leak_twins import twins
from cxml.predictive.measures import Measure
from cxml.predictive.quick_trees import QuickTrees
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.splits import FutureSplit

# Rows of so many customers are looked at, so that 20,000 x 150 take some seconds.
_MAX_ROWS: Final = 12_000
_MANY_NAMES: Final = 50  # a column of more names is a code
_ENOUGH_OTHERS: Final = 5  # one of three columns may well know most of what there is to know
# A column beside which the others know far less has at least this share of the gain of their trees, and takes away this
# share of the base rate's loss by itself.
_GAIN, _ALONE = 0.1, 0.05
_MOST_REFITS: Final = 3
# Models of five sample companies, ecom and Online Retail rank the future better than held-out customers of the past,
# but for three, which fall by .003 to .005.
_FALL: Final = 0.03


def leak_alarms(
    X: pd.DataFrame,
    y: pd.Series[Any],
    customers: pd.Series[str],
    as_of: pd.Series[Any],
    split: FutureSplit | None,
    *,
    outcomes: Sequence[str] | None = None,
    texts: pd.DataFrame | None = None,
    ids: pd.DataFrame | None = None,
    allow: Collection[str] = (),
    random_state: int = 0,
) -> tuple[Alarm, ...]:
    """Look for what a model could not know in time.

    A column is judged on customers that it was not counted on. It is a suspect where it takes away half of the log loss
    of the base rate by itself; where it is certain of a part of the customers that the other columns are in doubt
    about; or where it takes away much of what all others leave. So is a text, by its words; an identifier that tells
    anything beside the columns; a column without which the future keeps what folds of customers promise; and customers
    who are there twice.

    Parameters
    ----------
    X : features of shape (n_rows, n_features): numbers, and names as text or categorical
        Names of nearly each customer's own are read as identifiers or texts; a model need not take them.
    y : label of each row: 0.0 and 1.0, or categorical, in the order of the classes
    customers, as_of : customer and moment of each row
    split : which rows are the past and which the future; None for a snapshot
    outcomes : the classes in words, in their order, such as ("kept", "lost")
    texts : columns of texts known at the moment of each row, beside those in ``X``
    ids : identifiers beside the customer's id, such as the place of the customer in its source
    allow : columns that are known to be right, whatever they tell
    random_state : int
        Of folds, trees and the rows that are looked at: of more than 12,000 those of some customers.

    Returns
    -------
    tuple of Alarm
        One for each column; all frames and series have one row for each row of ``X``, in the same order.
    """
    return tuple(_Search(X, y, customers, as_of, split, outcomes, texts, ids, allow, random_state).alarms())


class _Search:
    def __init__(
        self,
        X: pd.DataFrame,
        y: pd.Series[Any],
        customers: pd.Series[str],
        as_of: pd.Series[Any],
        split: FutureSplit | None,
        outcomes: Sequence[str] | None,
        texts: pd.DataFrame | None,
        ids: pd.DataFrame | None,
        allow: Collection[str],
        random_state: int,
    ) -> None:
        import pandas as pd

        classes = list(y.cat.categories) if isinstance(y.dtype, pd.CategoricalDtype) else sorted(y.unique())
        codes = np.array([classes.index(label) for label in y], dtype=np.intp)
        every = LabelledRows.of(codes, customers.to_numpy(), n_classes=len(classes), random_state=random_state)
        kept, moments = of_some_customers(every, _MAX_ROWS, random_state), as_of.to_numpy()
        rows = every.only(kept)
        self._every, self._random_state, self._allow = (X, every, customers), random_state, frozenset(allow)
        self._evidence = Evidence(rows, last_rows(rows, moments[kept]), tuple(map(str, outcomes or classes)))
        self._X = X.loc[kept]
        self._texts = {} if texts is None else {str(name): texts[name].loc[kept] for name in texts.columns}
        self._ids = {c.CUSTOMER_ID: customers.loc[kept]}
        self._ids |= {} if ids is None else {str(name): ids[name].loc[kept] for name in ids.columns}
        self._plain: list[str] = []
        for name in map(str, self._X.columns):
            if not is_identifier(self._X[name], rows.customer):
                self._plain.append(name)
            else:
                (self._texts if is_text(self._X[name]) else self._ids)[name] = self._X[name]
        self._trees = QuickTrees(self._X[self._plain], random_state=random_state)
        self._times = None
        if split is not None:
            past, future = np.zeros((2, len(X)), dtype=np.bool_)
            past[split.train], future[split.test] = True, True
            self._times = PastAndFuture(rows, moments[kept], past[kept], future[kept])

    def alarms(self) -> Iterator[Alarm]:
        deciding, alone = self._deciding()
        yield from deciding
        told = {alarm.column for alarm in deciding}
        p, gains = self._trees.held_out(self._evidence.rows, told)
        often = [name for name in alone if name not in told and gains[name] >= _GAIN and alone[name] >= _ALONE]
        beside = []
        if len(self._plain) - len(told) > _ENOUGH_OTHERS:
            beside = [*self._beside(sorted(often, key=lambda name: -gains[name])[:_MOST_REFITS], p, told)]
        if beside:
            yield from beside
            told |= {alarm.column for alarm in beside}
            p, _ = self._trees.held_out(self._evidence.rows, told)
        for found, of in ((identifier_alarm, self._ids), (text_alarm, self._texts)):
            for name, values in of.items():
                if name not in self._allow and (alarm := found(self._evidence, name, values, p)):
                    yield alarm
        yield from self._falling(told)
        yield from self._twins(told)

    def _deciding(self) -> tuple[list[Alarm], dict[str, float]]:
        """Return the alarms of columns by themselves, and what each column takes away alone."""
        names = [name for name in self._plain if name not in self._allow]
        found = [suspect for name in names for suspect in suspects(self._evidence, name, self._X[name])]
        alone = {suspect.column: suspect.takes.value for suspect in found if suspect.chosen is None}
        found = [suspect for suspect in found if suspect.is_one]
        alarms: dict[str, Alarm] = {}
        if found:
            p, _ = self._trees.held_out(self._evidence.rows, {suspect.column for suspect in found})
            for suspect in sorted(found, key=lambda of: (not of.decides, of.chosen is not None, -of.takes.value)):
                kind = "time" if suspect.chosen is not None else self._kind(suspect.column)
                alarm = suspect_alarm(self._evidence, suspect, p, kind)
                if alarm and suspect.column not in alarms:
                    alarms[suspect.column] = alarm
        return [*alarms.values()], alone

    def _kind(self, name: str) -> Kind:
        values = self._X[name]
        is_code = not is_number(values) and values.nunique() > _MANY_NAMES and not is_text(values)
        return "identifier" if is_code else "column"

    def _beside(self, names: Sequence[str], p: Any, told: set[str]) -> Iterator[Alarm]:
        rows = self._evidence.rows
        for name in names:
            without, _ = self._trees.held_out(rows, {*told, name})
            takes = rows.taken(rows.losses(without), p, "taken_beside")
            if alarm := beside_alarm(self._kind(name), name, takes, "takes away"):
                yield alarm

    def _falling(self, told: set[str]) -> Iterator[Alarm]:
        """Give the columns without which folds of customers promise no more than the future keeps."""
        if self._times is None:
            return
        first = fall = self._times.of_trees(self._trees, told)
        left: dict[str, Fall] = {}
        blamed: list[str] = []
        while _is_fall(fall) and len(blamed) < _MOST_REFITS:
            if not blamed:
                names = [name for name in self._plain if name not in told and name not in self._allow]
                left = {name: self._times.of_column(grouped(self._X[name])) for name in names}
            worst = max((name for name in left if left[name].low > 0), key=lambda name: left[name].gap, default=None)
            if worst is None:
                break
            blamed.append(worst)
            of = left.pop(worst)
            why = (
                f"ranks customers of the past with an AUC of {of.past:.3f}, the future of {of.future:.3f}; all columns "
                f"{first.past:.3f} and {first.future:.3f}. It is filled late, or was written over."
            )
            yield Alarm("time", worst, why, (Measure("auc_fall", of.gap, of.low, 1.0), _measure(first)))
            fall = self._times.of_trees(self._trees, {*told, *blamed})
        if _is_fall(first) and not blamed:
            why = (
                f"rank held-out customers of the past with an AUC of {first.past:.3f}, the future of "
                f"{first.future:.3f}, and no single column is to blame."
            )
            yield Alarm("time", "", why, (_measure(first),))

    def _twins(self, told: set[str]) -> Iterator[Alarm]:
        X, rows, customers = self._every
        kept = [name for name in self._plain if name not in told]
        if not kept or c.CUSTOMER_ID in self._allow:
            return
        if found := twins(X[kept], rows, random_state=self._random_state):
            looked_at = f"{found.n_asked:,} rows"
            if found.n_asked < len(X):
                looked_at += f" looked at, of {len(X):,},"
            one, other = (str(customers.iloc[place]) for place in found.pair)
            equal = "all" if found.n_equal == found.n_columns else f"{found.n_equal} of"
            outcome = self._evidence.outcomes[rows.y[found.pair[0]]]
            why = (
                f"{found.n:,} of {looked_at} have a twin under another customer. Twins share their outcome in "
                f"{found.agree:.0%} of the cases, and with the next rows beside them in {found.agree_next:.0%}: "
                f"customers are there twice. Most alike are {one!r} and {other!r}, equal in {equal} "
                f"{found.n_columns} columns, and both {outcome}."
            )
            more = Measure("agree_more", found.agree - found.agree_next, found.low, 1.0)
            yield Alarm("twins", c.CUSTOMER_ID, why, (more,))


def _is_fall(fall: Fall) -> bool:
    return fall.low > 0 and fall.gap >= _FALL


def _measure(fall: Fall) -> Measure:
    return Measure("auc_fall_of_all", fall.gap, fall.low, 1.0)
