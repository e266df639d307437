"""What a policy has brought against its holdout, as a manager reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.report.aligned_text import aligned
from cxml.report.outcome_words import written
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_HEADINGS: Final[Mapping[str, str]] = {
    "renewal": "Renewal: share that stays, points",
    "revenue": "Revenue, {}",
    "net": "Net of the cost of actions, {}",
    "nps": "NPS of those who answered afterwards, points",
}
_RATIOS: Final[Mapping[str, str]] = {
    "renewal": "{} spent for each customer saved",
    "revenue": "{} brought by each one spent",
}


def policy_measured_text(title: str, values: pd.DataFrame, monitored: Mapping[str, Any], *, currency: str) -> str:
    """Return what was measured as plain text.

    Parameters
    ----------
    title : company and moment
    values : MEASURED_VALUES frame
    monitored : for each outcome, the confidence sequence: ``estimate``, ``low`` and ``high`` by ``day``, and ``alarm``
    currency : of money
    """
    lines = [title]
    for outcome in values[c.OUTCOME].unique():
        of = values[values[c.OUTCOME] == outcome]
        lines += ["", _HEADINGS.get(outcome, outcome).format(currency), *_rows(outcome, of)]
        for row in of[of[c.MEANING].notna()].itertuples():
            lines.append(f"    {row.action}: {_RATIOS[outcome].format(currency)}: {row.meaning}")
        if outcome in monitored:
            lines += _watched(outcome, monitored[outcome])
    return "\n".join(lines)


def _rows(outcome: str, values: pd.DataFrame) -> list[str]:
    rows = [["action", "with", "without", "more for each", "95% interval", "in all", "cost"]]
    shown = [c.N, c.N_HELD_OUT, c.VALUE, c.LOW, c.HIGH, c.TOTAL, c.COST]
    for action, figures in zip(values[c.ACTION], values[shown].to_numpy(np.float64).tolist(), strict=True):
        n, held, *more, total, cost = figures
        value, low, high = (written(outcome, amount, sign=True) for amount in more)
        rows.append([action, f"{n:,.0f}", f"{held:,.0f}", value, f"[{low}, {high}]", f"{total:,.0f}", f"{cost:,.0f}"])
    return aligned(rows, left=1)


def _watched(outcome: str, watched: Any) -> Iterator[str]:
    low, high = (written(outcome, float(end[-1]), sign=True) for end in (watched.low, watched.high))
    first = None if watched.alarm is None else watched.alarm - watched.day[0]
    alarm = "0 was never outside" if first is None else f"0 was first outside on day {first}"
    yield f"    looked at daily, with 95% on all days at once: [{low}, {high}] after the last; {alarm}."
