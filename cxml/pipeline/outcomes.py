"""What came of the decisions in the ledger, recorded as it becomes known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.config.effects import Outcome
from cxml.descriptive.action_log import outcomes_of
from cxml.descriptive.sources import Tables
from cxml.pipeline import plan
from cxml.pipeline.ledger import ledger_of
from cxml.pipeline.reading import read_tables
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

RENEWED: Final = "renewed"
LOST: Final = "lost"
BROUGHT: Final = "brought"


@dataclass(frozen=True)
class Matured:
    """What recording outcomes did: how many decisions there are, and for each outcome how many are known and new."""

    n_decisions: int
    known: dict[str, int]
    n_new: int

    @property
    def text(self) -> str:
        """What was done, line by line."""
        if not self.n_decisions:
            return "The ledger holds no decision yet. `cxml score` records them."
        lines = [f"{self.n_decisions:,} decisions in the ledger; {self.n_new:,} outcomes recorded that were not there."]
        lines += [
            f"    {name}: known of {n:,}, not known (yet) of {self.n_decisions - n:,}" for name, n in self.known.items()
        ]
        return "\n".join(lines)


def mature_outcomes(
    config: CompanyConfig, *, frames: plan.Frames | None = None, models: str | Path = "models"
) -> Matured:
    """Record what came of every decision in the ledger of which it is known by now, as the labels of the company say.

    Of renewal it is ``renewed`` or ``lost``; of value ``brought``, with the money; of answers ``promoter``, ``passive``
    or ``detractor``. Each is recorded once, however often this runs, at the moment from which it was known.

    Parameters
    ----------
    config : CompanyConfig
    frames, models : as for `score`

    Raises
    ------
    SinkError
        If the ledger cannot be read or written; it is as it was then.
    """
    ledger = ledger_of(config, models)
    decided = decisions_of(ledger.decisions())
    if decided.empty:
        return Matured(0, {}, 0)
    tables = read_tables(config, frames)
    past = decided[decided[c.AS_OF] < tables.moment]
    found = {outcome: _recordable(config, tables, outcome, past) for outcome in config.effect_outcomes}
    n_new = sum(ledger.record_outcomes(outcomes) for outcomes in found.values() if len(outcomes))
    return Matured(len(decided), {outcome: len(outcomes) for outcome, outcomes in found.items()}, n_new)


def decisions_of(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the current decisions of a ledger at the moments at which they took effect, ``as_of`` naive UTC, by key.

    Parameters
    ----------
    decisions : DataFrame, as `cxml.sinks.ledger.Ledger.decisions` gives it
    """
    current = decisions[decisions[c.CURRENT].astype(bool)]
    moments = current[c.CONTACT_TIME].fillna(current[c.AS_OF]).dt.tz_convert("UTC").dt.tz_localize(None)
    return current.assign(**{c.AS_OF: moments}).sort_values([*c.KEY, c.DECISION_ID], ignore_index=True)


def _recordable(config: CompanyConfig, tables: Tables, outcome: Outcome, decided: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of an outcome as rows that the ledger records."""
    known = outcomes_of(tables, config.labels, outcome, decided, answer_days=config.effects.answer_days)
    rows = decided[[*c.KEY, c.DECISION_ID]].merge(known, on=list(c.KEY))
    if outcome == "renewal":
        named = rows[c.LABEL].map({1.0: RENEWED, 0.0: LOST})
    elif outcome == "nps":
        named = rows[c.LABEL].map(dict(zip((-100.0, 0.0, 100.0), c.NPS_CLASSES, strict=True)))
    else:
        named = rows[c.LABEL].map(lambda _: BROUGHT)
    times = rows[c.KNOWN_TIME].dt.tz_localize("UTC")
    found = rows[[c.DECISION_ID]].assign(**{c.OUTCOME: named, c.OUTCOME_TIME: times})
    return found.assign(**{c.VALUE: rows[c.LABEL]}) if outcome == "value" else found
