"""Alarms: what a model is told that it could not know in time, each with the column's name and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from cxml.predictive.leak_certainty import MIN_ODDS, MIN_ODDS_BESIDE, CertainPart, certain_part
from cxml.predictive.leak_columns import (
    Flags,
    Floats,
    Grouped,
    LabelledRows,
    grouped,
    is_number,
    told_alone,
    told_beside,
)
from cxml.predictive.leak_drift import PastAndFuture
from cxml.predictive.leak_ids import identifier_parts, is_identifier, is_text
from cxml.predictive.leak_twins import twins
from cxml.predictive.leak_words import Words
from cxml.predictive.measures import Measure
from cxml.predictive.quick_trees import QuickTrees
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.splits import FutureSplit

Kind = Literal["column", "time", "twins", "identifier", "text"]

# Share of the log loss of the base rate that a column takes away by itself. Of the 570 honest columns of Telco, Telco
# extended, SFO, garden centre, Online Retail, CDNOW, ecom, bank marketing and the sample company none takes more than
# .24 (days since the last purchase, CDNOW); those of Telco's status table that decide churn take .63 to 1.
_DECIDES: Final = 0.5
# Share of the log loss of all other columns that a column takes away beside them. The highest of the same data is .09
# (the contract, Telco extended); the duration of the bank's calls, known only when they are over, takes .24.
_BESIDE: Final = 0.15
_ENOUGH_OTHERS: Final = 5  # one of three columns may well know most of what there is to know
_GAIN: Final = 0.1  # a column that takes so much away has at least this share of the trees' gain
_ALONE: Final = 0.05  # and by itself takes so much of the base rate's
_MOST_REFITS: Final = 3
# An identifier takes away nothing: of the parts of customer ids and the order of rows of those data at most .002.
_IDENTIFIER: Final = 0.01
_IDENTIFIER_ERRORS: Final = 4.0
_IDENTIFIER_RANGES: Final = 16
# On the future the models of five sample companies, ecom and Online Retail were better than on held-out customers of
# the past, by .03 in the mean; the highest fall was .005.
_FALL: Final = 0.03
_ERRORS: Final = 3.0  # one-sided .1%: some 150 columns are asked
_MANY_NAMES: Final = 50
_MAX_ROWS: Final = 12_000


@dataclass(frozen=True)
class Alarm:
    """A suspected leak: ``why`` says it in words, ``figures`` in numbers with their intervals.

    ``kind`` is ``column`` (it nearly decides the label, or knows a part of the rows for certain), ``time`` (it was
    written over after the outcome, or does not hold in the future), ``twins`` (rows of several customers are the same),
    ``identifier``, or ``text``. ``column`` is empty where no single column is to blame; of twins it is the customer's.
    """

    kind: Kind
    column: str
    why: str
    figures: tuple[Measure, ...] = ()

    def __str__(self) -> str:
        return f"{self.column or 'features'}: {self.why}"


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

    Every column is judged by rows of customers that it was not counted on. A column is a suspect where it alone takes
    away half of the log loss of the base rate; where it is certain of a part of the customers whom the other columns
    are in doubt about; where it takes away a large share of what all others leave; where an identifier or a text tells
    anything of the kind; or where folds of customers promise what the future does not keep.

    Parameters
    ----------
    X : features of shape (n_rows, n_features): numbers, and names as text or categorical
    y : label of each row, 0.0 and 1.0 or an ordered categorical
    customers, as_of : customer and moment of each row
    split : which rows are the past and which the future; None for a snapshot
    outcomes : the classes in words, in their order, such as ("kept", "lost")
    texts : columns of texts known at the moment of each row, beside those in ``X``
    ids : identifiers beside the customer's id, such as the place of the row in its source
    allow : columns that are known to be right, whatever they tell
    random_state : int
        Of folds, trees and the rows that are looked at: of more than 12,000 those of some customers.

    Returns
    -------
    tuple of Alarm
        One for each column, those that tell most first.
    """
    return tuple(_Search(X, y, customers, as_of, split, outcomes, texts, ids, frozenset(allow), random_state).alarms())


@dataclass(frozen=True)
class _Suspect:
    """What a column tells of some of the rows: all of them, or the last of each customer."""

    column: str
    chosen: Flags | None
    takes: Measure
    part: CertainPart | None

    @property
    def decides(self) -> bool:
        return self.takes.low >= _DECIDES

    @property
    def is_one(self) -> bool:
        return self.decides or (self.part is not None and self.part.odds >= MIN_ODDS)


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
        allow: frozenset[str],
        random_state: int,
    ) -> None:
        import pandas as pd

        classes = list(y.cat.categories) if isinstance(y.dtype, pd.CategoricalDtype) else sorted(y.unique())
        codes = np.searchsorted(np.arange(len(classes)), [classes.index(label) for label in y]).astype(np.intp)
        moments = as_of.to_numpy()
        self._all = X, LabelledRows.of(codes, customers.to_numpy(), n_classes=len(classes), random_state=random_state)
        kept = _some_customers(self._all[1], random_state)
        self._outcomes = [str(name) for name in outcomes or classes]
        self._random_state, self._allow = random_state, allow
        self._X = X.iloc[kept]
        chosen = np.zeros(len(X), dtype=np.bool_)
        chosen[kept] = True
        self._rows = self._all[1].only(chosen)
        self._last = _last_rows(self._rows, moments[kept])
        self._texts = {} if texts is None else {str(name): texts[name].iloc[kept] for name in texts.columns}
        self._ids = {c.CUSTOMER_ID: customers.iloc[kept]}
        self._ids |= {} if ids is None else {str(name): ids[name].iloc[kept] for name in ids.columns}
        self._plain = []
        for name in self._X.columns:
            if not is_identifier(self._X[name], self._rows.customer):
                self._plain.append(str(name))
            elif is_text(self._X[name]):
                self._texts[str(name)] = self._X[name]
            else:
                self._ids[str(name)] = self._X[name]
        self._split = None
        if split is not None:
            past, future = np.zeros(len(X), dtype=np.bool_), np.zeros(len(X), dtype=np.bool_)
            past[split.train], future[split.test] = True, True
            self._split = PastAndFuture(self._rows, moments[kept], past[kept], future[kept])
        self._trees = QuickTrees(self._X[self._plain], random_state=random_state)

    def alarms(self) -> Iterator[Alarm]:
        found = [*self._column_alarms()]
        told = {alarm.column for alarm in found}
        p, gains = self._trees.held_out(self._rows, told)
        found += self._beside_alarms(p, gains, told)
        told = {alarm.column for alarm in found}
        if self._blamed(found):
            p, _ = self._trees.held_out(self._rows, told)
        yield from found
        for name, values in self._ids.items():
            yield from self._identifier_alarm(name, values, p)
        for name, values in self._texts.items():
            yield from self._text_alarm(name, values, p)
        yield from self._time_alarms(told)
        yield from self._twin_alarm(told)

    def _blamed(self, found: list[Alarm]) -> bool:
        return any(alarm.figures and alarm.figures[0].name == "taken_beside" for alarm in found)

    def _column_alarms(self) -> Iterator[Alarm]:
        """Give the columns that decide the label, and those that are certain of what the other columns doubt."""
        suspects = [s for name in self._plain if name not in self._allow for s in self._suspects(name, self._X[name])]
        self._alone = {s.column: s.takes.value for s in suspects if s.chosen is None}
        suspects = [suspect for suspect in suspects if suspect.is_one]
        if not suspects:
            return
        p, _ = self._trees.held_out(self._rows, {suspect.column for suspect in suspects})
        by_column: dict[str, Alarm] = {}
        for suspect in sorted(suspects, key=lambda s: (not s.decides, s.chosen is not None, -s.takes.value)):
            if suspect.column not in by_column and (alarm := self._alarm_of(suspect, p)):
                by_column[suspect.column] = alarm
        yield from by_column.values()

    def _suspects(self, name: str, values: pd.Series[Any]) -> Iterator[_Suspect]:
        column = grouped(values)
        for chosen in self._views(column):
            groups, rows = _seen(column, self._rows, chosen)
            yield _Suspect(name, chosen, _taken(rows, rows.base_losses, told_alone(groups, rows)),
                           certain_part(groups, rows))  # fmt: skip

    def _views(self, column: Grouped) -> Iterator[Flags | None]:
        """Give all rows and, of a column that never changes, the last of each customer: it may be what came of it."""
        yield None
        if not self._last.all() and _never_changes(column, self._rows):
            yield self._last

    def _alarm_of(self, suspect: _Suspect, p: Floats, kind: Kind | None = None) -> Alarm | None:
        rows = self._rows if suspect.chosen is None else self._rows.only(suspect.chosen)
        told = p if suspect.chosen is None else p[suspect.chosen]
        kind = kind or ("time" if suspect.chosen is not None else self._kind(suspect.column))
        whom = (
            "" if suspect.chosen is None else " of each customer's last outcome (it is written over: earlier ones less)"
        )
        if suspect.decides:
            others = _taken(rows, rows.base_losses, told, name="taken_by_others")
            why = (
                f"alone takes away {suspect.takes.value:.0%} of what is not known{whom}; all that is not suspect "
                f"together takes {others.value:.0%}. It is the outcome, or was written with or after it."
            )
            return Alarm(kind, suspect.column, why, (suspect.takes, others))
        part = suspect.part
        if part is None or part.odds < MIN_ODDS or part.odds_beside(told) < MIN_ODDS_BESIDE:
            return None
        expected = told[part.inside, part.class_code].mean()
        outcome = self._outcomes[part.class_code]
        why = (
            f"of the {part.n_customers:,} customers of whom it is {_listed(part.names)}, {part.rate:.1%} are {outcome}"
            f"{'' if suspect.chosen is None else ' in the end (it is written over: earlier outcomes differ)'}, "
            f"where the other columns expect {expected:.0%}. It was filled after the outcome."
        )
        figures = (Measure("share_of_class", part.rate, part.low, 1.0), suspect.takes)
        return Alarm(kind, suspect.column, why, figures)

    def _kind(self, name: str) -> Kind:
        values = self._X[name]
        many = not is_number(values) and values.nunique() > _MANY_NAMES and not is_text(values)
        return "identifier" if many else "column"

    def _beside_alarms(self, p: Floats, gains: dict[str, float], told: set[str]) -> list[Alarm]:
        """Return the columns without which all others know far less."""
        others = [name for name in self._plain if name not in told]
        if len(others) <= _ENOUGH_OTHERS:
            return []
        often = [name for name in others if gains[name] >= _GAIN and self._alone.get(name, 0.0) >= _ALONE]
        found = []
        for name in sorted(often, key=lambda name: -gains[name])[:_MOST_REFITS]:
            without, _ = self._trees.held_out(self._rows, {*told, name})
            takes = _taken(self._rows, self._rows.losses(without), p, name="taken_beside")
            if takes.value >= _BESIDE and takes.low >= _BESIDE / 2:
                why = (
                    f"takes away {takes.value:.0%} of what the {len(others) - 1} other columns together do not know. "
                    f"If it is known only when the outcome is, it must go."
                )
                found.append(Alarm(self._kind(name), name, why, (takes,)))
        return found

    def _identifier_alarm(self, name: str, values: pd.Series[Any], p: Floats) -> Iterator[Alarm]:
        if name in self._allow:
            return
        best: tuple[Measure, str] | None = None
        for part, column in identifier_parts(values).items():
            groups = grouped(column, _IDENTIFIER_RANGES)
            for chosen in self._views(groups):
                seen, rows = _seen(groups, self._rows, chosen)
                told = p if chosen is None else p[chosen]
                takes = _taken(rows, rows.losses(told), told_beside(seen, rows, told),
                               errors=_IDENTIFIER_ERRORS, name="taken_beside")  # fmt: skip
                if takes.value >= _IDENTIFIER and takes.low > 0 and (best is None or takes.value > best[0].value):
                    best = takes, part
        if best:
            takes, part = best
            why = (
                f"its {part} takes away {takes.value:.1%} of what all columns do not know. An identifier that predicts "
                f"was given by the outcome, or hides a date or a place that should be a column of its own."
            )
            yield Alarm("identifier", name, why, (takes,))

    def _text_alarm(self, name: str, values: pd.Series[Any], p: Floats) -> Iterator[Alarm]:
        if name in self._allow:
            return
        once = grouped(values)
        for chosen in self._views(once):
            rows = self._rows if chosen is None else self._rows.only(chosen)
            words = Words(values if chosen is None else values[chosen], rows)
            told = p if chosen is None else p[chosen]
            scores = [*words.scores()]
            alone = max((_taken(rows, rows.base_losses, told_alone(s, rows)) for s in scores), key=lambda m: m.value)
            if alarm := self._alarm_of(_Suspect(name, chosen, alone, words.certain_part()), p, "text"):
                yield alarm
                return
            beside = [_taken(rows, rows.losses(told), told_beside(s, rows, told), name="taken_beside") for s in scores]
            takes = max(beside, key=lambda m: m.value)
            if takes.value >= _BESIDE and takes.low >= _BESIDE / 2:
                why = (
                    f"its words take away {takes.value:.0%} of what all columns do not know. They were written after "
                    f"the outcome, or by someone who knew it."
                )
                yield Alarm("text", name, why, (takes,))
                return

    def _time_alarms(self, told: set[str]) -> Iterator[Alarm]:
        """Give the columns without which folds of customers promise no more than the future keeps."""
        if self._split is None:
            return
        blamed: list[str] = []
        fall = first = self._split.of_trees(self._trees, tuple(told))
        falls = {}
        while fall.low > 0 and fall.gap >= _FALL and len(blamed) < _MOST_REFITS:
            if not falls:
                names = [name for name in self._plain if name not in told and name not in self._allow]
                falls = {name: self._split.of_column(grouped(self._X[name])) for name in names}
                falls = {name: of for name, of in falls.items() if of.low > 0}
            left = sorted((name for name in falls if name not in blamed), key=lambda name: -falls[name].gap)
            if not left:
                break
            blamed.append(left[0])
            fall = self._split.of_trees(self._trees, (*told, *blamed))
        whole = Measure("auc_fall", first.gap, first.low, 1.0)
        said = f"all columns rank held-out customers of the past with an AUC of {first.past:.3f}, the future of {first.future:.3f}"
        for name in blamed:
            of = falls[name]
            why = f"alone ranks the past with {of.past:.3f} and the future with {of.future:.3f}; {said}. It is filled late or over."
            yield Alarm("time", name, why, (Measure("auc_fall", of.gap, of.low, 1.0), whole))
        if not blamed and first.low > 0 and first.gap >= _FALL:
            yield Alarm("time", "", f"{said}, and no single column is to blame.", (whole,))

    def _twin_alarm(self, told: set[str]) -> Iterator[Alarm]:
        X, rows = self._all
        if c.CUSTOMER_ID in self._allow:
            return
        kept = [name for name in self._plain if name not in told]
        found = twins(X[kept], rows, random_state=self._random_state) if kept else None
        if found:
            of = f"{found.n:,} of {found.n_asked:,} rows"
            why = (
                f"{of} have a twin under another customer, and twins share their label in {found.agree:.0%} of the "
                f"cases, the next rows beside them in {found.agree_next:.0%}: a customer is there twice. First: rows "
                f"{found.first} and {found.other}, equal in {len(found.columns)} of {found.n_columns} columns."
            )
            yield Alarm(
                "twins", c.CUSTOMER_ID, why, (Measure("agree_more", found.agree - found.agree_next, found.low, 1.0),)
            )


def _taken(
    rows: LabelledRows, losses: Floats, p: Floats, *, errors: float = _ERRORS, name: str = "taken_alone"
) -> Measure:
    """Return the share of losses that probabilities take away, with its interval of so many standard errors."""
    gain, whole = losses - rows.losses(p), float(losses.mean())
    value, error = float(gain.mean()) / whole, errors * rows.standard_error(gain) / whole
    return Measure(name, value, value - error, value + error)


def _seen(column: Grouped, rows: LabelledRows, chosen: Flags | None) -> tuple[Grouped, LabelledRows]:
    return (column, rows) if chosen is None else (column.only(chosen), rows.only(chosen))


def _never_changes(column: Grouped, rows: LabelledRows) -> bool:
    """Return whether all rows of a customer are in one group."""
    first = np.full(int(rows.customer.max()) + 1, -1, dtype=np.intp)
    first[rows.customer] = column.group
    return bool((first[rows.customer] == column.group).all())


def _last_rows(rows: LabelledRows, as_of: Any) -> Flags:
    order = np.lexsort((as_of, rows.customer))
    last = np.zeros(len(order), dtype=np.bool_)
    last[order[np.append(np.diff(rows.customer[order]) != 0, True)]] = True
    return last


def _some_customers(rows: LabelledRows, random_state: int) -> Any:
    """Return the positions of the rows of so many customers, drawn by chance, that they are not too many."""
    if len(rows.y) <= _MAX_ROWS:
        return np.arange(len(rows.y))
    drawn = np.random.default_rng(random_state).permutation(int(rows.customer.max()) + 1)
    n_rows = np.bincount(rows.customer)[drawn].cumsum()
    kept = np.zeros(len(drawn), dtype=np.bool_)
    kept[drawn[n_rows <= _MAX_ROWS]] = True
    return np.flatnonzero(kept[rows.customer])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) or "given"
    return f"{shown} (and {len(names) - 3} more)" if len(names) > 3 else shown
