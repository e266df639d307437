"""The rules by which one column, identifier or text is a suspect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.predictive.alarms import Alarm, Kind
from cxml.predictive.labelled_rows import Flags, Floats, LabelledRows
from cxml.predictive.leak_certainty import MIN_ODDS, MIN_ODDS_BESIDE, CertainPart, certain_part
from cxml.predictive.leak_columns import Grouped, grouped, never_changes, told_alone, told_beside
from cxml.predictive.leak_ids import identifier_parts
from cxml.predictive.leak_words import Words
from cxml.predictive.measures import Measure

if TYPE_CHECKING:
    import pandas as pd

# Share of the log loss of the base rate that a column takes away by itself. Of the columns of Telco, Telco extended
# without its status table, SFO, garden centre, Online Retail, CDNOW, ecom, the bank's calls and the sample company none
# takes more than .24 (days since the last purchase, CDNOW); of Telco's status table those that decide churn take .63
# (churn score), .71 (satisfaction) and .98 to 1.
_DECIDES: Final = 0.5
BESIDE: Final = 0.15
"""Share of the log loss of all other columns that a column takes away beside them. The highest of the same data is .09
(the contract, Telco extended); the duration of the bank's calls, known only when they are over, takes .24."""
# Parts of an identifier take nothing away: of the customer ids of those data, and of the order of the rows of Telco and
# garden centre, none takes a hundredth or is a standard error above zero. Many ranges see a group of ids, few a trend.
_IDENTIFIER: Final = 0.01
_IDENTIFIER_RANGES: Final = (16, 4)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The rows that columns are judged on; ``last`` says which is its customer's last, ``outcomes`` the classes."""

    rows: LabelledRows
    last: Flags
    outcomes: tuple[str, ...]

    def views(self, column: Grouped) -> Iterator[Flags | None]:
        """Give all rows (None) and, of a column that never changes, the last of each customer.

        What was written after the last outcome stands in the earlier rows too, whose outcomes it does not tell.
        """
        yield None
        if not self.last.all() and never_changes(column, self.rows):
            yield self.last

    def of(self, chosen: Flags | None) -> LabelledRows:
        """Return some of the rows."""
        return self.rows if chosen is None else self.rows.only(chosen)

    def known(self, p: Floats, chosen: Flags | None) -> Floats:
        """Return what is known of some rows, with their own shares of the classes: more last outcomes are losses."""
        if chosen is None:
            return p
        rows = self.of(chosen)
        return told_beside(Grouped(np.zeros(len(rows.y), dtype=np.intp), ("all",)), rows, p[chosen])


@dataclass(frozen=True)
class Suspect:
    """What a column tells of the rows in ``chosen``: of all (None), or of the last of each customer."""

    column: str
    chosen: Flags | None
    takes: Measure
    part: CertainPart | None

    @property
    def decides(self) -> bool:
        """Whether it takes away half of what is not known."""
        return self.takes.low >= _DECIDES

    @property
    def is_one(self) -> bool:
        """Whether it is to be judged beside the other columns."""
        return self.decides or (self.part is not None and self.part.odds >= MIN_ODDS)


def suspects(evidence: Evidence, name: str, values: pd.Series[Any]) -> Iterator[Suspect]:
    """Give what a column tells by itself, of all rows and, where it never changes, of the last of each customer."""
    column = grouped(values)
    for chosen in evidence.views(column):
        rows, groups = evidence.of(chosen), column if chosen is None else column.only(chosen)
        takes = rows.taken(rows.base_losses, told_alone(groups, rows), "taken_alone")
        yield Suspect(name, chosen, takes, certain_part(groups, rows))


def suspect_alarm(evidence: Evidence, suspect: Suspect, p: Floats, kind: Kind) -> Alarm | None:
    """Return an alarm where a column decides the label, or is certain of what others (``p``) are in doubt about."""
    rows, told = evidence.of(suspect.chosen), evidence.known(p, suspect.chosen)
    over = "" if suspect.chosen is None else " in the end (it was written over: earlier outcomes differ)"
    if suspect.decides:
        others = rows.taken(rows.base_losses, told, "taken_by_others")
        why = (
            f"alone takes away {suspect.takes.value:.0%} of what is not known of the outcome{over}; all columns that "
            f"are no suspects take {max(others.value, 0):.0%} together. It is the outcome, or was written with or "
            f"after it."
        )
        return Alarm(kind, suspect.column, why, (suspect.takes, others))
    part = suspect.part
    if part is None or part.odds < MIN_ODDS or part.odds_beside(told) < MIN_ODDS_BESIDE:
        return None
    why = (
        f"of the {part.n_customers:,} customers where it {'has' if kind == 'text' else 'is'} {listed(part.names)}, "
        f"{part.rate:.1%} are {evidence.outcomes[part.class_code]}{over}, where the other columns expect "
        f"{told[part.inside, part.class_code].mean():.0%}. It was filled with or after the outcome."
    )
    return Alarm(kind, suspect.column, why, (Measure("share_of_class", part.rate, part.low, 1.0), suspect.takes))


def beside_alarm(kind: Kind, column: str, takes: Measure, what: str) -> Alarm | None:
    """Return an alarm where a column takes away much of what all others leave unknown."""
    if takes.value < BESIDE or takes.low < BESIDE / 2:
        return None
    why = (
        f"{what} {takes.value:.0%} of what all other columns together leave unknown. If it is known only when the "
        f"outcome is, it must go."
    )
    return Alarm(kind, column, why, (takes,))


def identifier_alarm(evidence: Evidence, name: str, values: pd.Series[Any], p: Floats) -> Alarm | None:
    """Return an alarm where any part of an identifier tells more than all columns (``p``) do."""
    found: list[tuple[Measure, str]] = []
    parts = identifier_parts(values).items()
    for part, groups in ((part, grouped(column, ranges)) for part, column in parts for ranges in _IDENTIFIER_RANGES):
        for chosen in evidence.views(groups):
            rows, told = evidence.of(chosen), evidence.known(p, chosen)
            seen = groups if chosen is None else groups.only(chosen)
            better = told_beside(seen, rows, told)
            takes = rows.taken(rows.losses(told), better, "taken_beside")
            if takes.value >= _IDENTIFIER and takes.low > 0:
                found.append((takes, part))
    if not found:
        return None
    takes, part = max(found, key=lambda of: of[0].value)
    why = (
        f"its {part} takes away {takes.value:.1%} of what all columns leave unknown. An identifier that predicts was "
        f"given after the outcome, or hides a date or a place that should be a column of its own."
    )
    return Alarm("identifier", name, why, (takes,))


def text_alarm(evidence: Evidence, name: str, values: pd.Series[Any], p: Floats) -> Alarm | None:
    """Return an alarm where the words of a text decide the label, or tell what all columns (``p``) do not."""
    for chosen in evidence.views(grouped(values)):
        rows, told = evidence.of(chosen), evidence.known(p, chosen)
        words = Words(values if chosen is None else values[chosen], rows)
        scores = [*words.scores()]
        alone = [rows.taken(rows.base_losses, told_alone(score, rows), "taken_alone") for score in scores]
        suspect = Suspect(name, chosen, max(alone, key=lambda m: m.value), words.certain_part())
        if alarm := suspect_alarm(evidence, suspect, p, "text"):
            return alarm
        beside = [rows.taken(rows.losses(told), told_beside(score, rows, told), "taken_beside") for score in scores]
        if alarm := beside_alarm("text", name, max(beside, key=lambda m: m.value), "its words take away"):
            return alarm
    return None


def listed(names: Sequence[str]) -> str:
    """Return a few names as people read them."""
    shown = ", ".join(names[:3]) or "certain words"
    return f"{shown} (and {len(names) - 3} more)" if len(names) > 3 else shown
