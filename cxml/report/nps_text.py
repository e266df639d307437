"""The NPS of all customers beside that of the respondents, as text that a manager can read."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from cxml.schema import columns as c
from cxml.schema.figures import FIGURES

if TYPE_CHECKING:
    import pandas as pd

_HEADS: Final = ("respondents", "95% interval", "answers", "all customers", "95% interval", "customers", "answered")

_SILENCE: Final = (
    "Learnt from {answers:,.0f} answers to {asked}; weighted for who answers, they are worth {effective:,.0f}.\n"
    "Corrected for who answers by silence itself: of people asked several times, whether those who are less happy\n"
    "than their behaviour tells answer more often. It assumes that behaviour decides on answering mostly through\n"
    "satisfaction; the interval holds how strongly, and how much the mood of the moment decides."
)
_WEIGHTS: Final = (
    "Learnt from {answers:,.0f} answers; weighted towards those without one, they are worth {effective:,.0f}.\n"
    "Nobody knows who was asked and kept silent, so customers who are alike in the data are taken to think alike.\n"
    "Whether people answer because of what they think cannot be told from these tables, and is in no interval:\n"
    "list invitations that were not answered in `surveys` (with `sent_time`) to have it corrected."
)
_NONE: Final = "Every customer has answered: there is nobody to predict, and nothing to correct."


def nps_text(frame: pd.DataFrame, known: str) -> str:
    """Return a POPULATION_NPS frame as text, and how it was corrected.

    Parameters
    ----------
    frame : POPULATION_NPS frame, its first row of everyone
    known : what is known of the silent: ``invitations``, ``answers`` or ``customers``
    """
    lines: list[tuple[str, ...]] = [("NPS (points)", *_HEADS)]
    width = max(map(len, frame[c.BY]))
    for row in frame.itertuples(index=False):
        lines.append((_label(row, width), *_cells(row)))
    sizes = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    table = [
        "  ".join([line[0].ljust(sizes[0]), *(x.rjust(size) for x, size in zip(line[1:], sizes[1:], strict=True))])
        for line in lines
    ]
    everyone = frame.iloc[0]
    sentence = {"silence": _SILENCE, "weights": _WEIGHTS, "none": _NONE}[str(everyone[c.CORRECTION])]
    asked = f"invitations, {everyone[c.SHARE_ANSWERED]:.0%} answered" if known == "invitations" else ""
    said = sentence.format(answers=everyone[c.N_LEARNT], effective=everyone[c.EFFECTIVE_SIZE], asked=asked)
    return "\n".join([*table, "", said])


def _label(row: Any, width: int) -> str:
    if row.by == "all":
        return "all"
    return f"{row.by:<{width}}  {row.group if isinstance(row.group, str) else '(unknown)'}"


def _cells(row: Any) -> tuple[str, ...]:
    written = FIGURES["nps"].written
    return (
        written(row.respondents_nps),
        _interval(row.respondents_low, row.respondents_high),
        f"{row.n:,}",
        written(row.predicted_nps),
        _interval(row.predicted_low, row.predicted_high),
        f"{row.n_customers:,}",
        f"{row.share_answered:.0%}" if isfinite(row.share_answered) else "",
    )


def _interval(low: float, high: float) -> str:
    written = FIGURES["nps"].written
    return f"[{written(low)}, {written(high)}]" if isfinite(low) else "unknown"
