"""What actions change, as a manager reads it: each effect with its interval, and whether customers differ in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cxml.report.aligned_text import aligned
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_OUTCOMES: Final[Mapping[str, str]] = {
    "renewal": "Renewal (points of the probability to stay)",
    "value": "Value ({})",
    "nps": "NPS (points, of those who answered afterwards)",
}


def effects_lines(effects: pd.DataFrame, *, currency: str) -> list[str]:
    """Return the lines of an EFFECTS frame, by outcome; what each action changes against doing nothing.

    Parameters
    ----------
    effects : EFFECTS frame
    currency : of money
    """
    lines: list[str] = []
    for outcome in effects[c.OUTCOME].unique():
        of = effects[effects[c.OUTCOME] == outcome]
        known = of[of[c.TOO_LITTLE].isna()]
        lines.append(_OUTCOMES.get(outcome, outcome).format(currency))
        if len(known):
            was = known[c.VALUE_BEFORE].notna().any()
            rows = [["action", "with", "without", "effect", "95% interval", *(["before"] if was else []), "customers"]]
            for row in known.itertuples():
                said = [_written(outcome, amount) for amount in (row.value, row.low, row.high)]
                old = [_written(outcome, row.value_before)] if was else []
                differ = f"differ (p {row.p_heterogeneity:.3f}): {row.learner}"
                alike = f"no proof that they differ (p {row.p_heterogeneity:.2f})"
                cells = [f"{row.n_treated:,.0f}", f"{row.n_untreated:,.0f}", said[0], f"[{said[1]}, {said[2]}]", *old]
                rows.append([f"    {row.action}", *cells, alike if row.learner == "average" else differ])
            rows[0][0] = f"    {rows[0][0]}"
            lines += aligned(rows, left=1)
        lines += [f"    {row.action}: {row.too_little}" for row in of[of[c.TOO_LITTLE].notna()].itertuples()]
    return lines


def _written(outcome: str, amount: float) -> str:
    if amount != amount:
        return ""
    return f"{100 * amount:+.1f}" if outcome == "renewal" else f"{amount:+,.1f}"
