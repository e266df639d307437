"""What a policy is worth, as a manager reads it: its estimates side by side with those of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cxml.report.aligned_text import aligned
from cxml.report.outcome_words import written
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_SHOWN: Final = "dr"
_ESTIMATORS: Final[Mapping[str, str]] = {
    "ips": "IPS",
    "snips": "SNIPS",
    "direct": "direct",
    "dr": "DR",
    "switch_dr": "switch-DR",
}
_HEADINGS: Final[Mapping[str, str]] = {
    "renewal": "Renewal: share of decisions whose customer stays",
    "revenue": "Revenue: {} per decision",
    "net": "Net of the cost of actions: {} per decision",
    "nps": "NPS: points of those who answered afterwards",
}


def policy_value_text(
    title: str,
    values: pd.DataFrame,
    differences: pd.DataFrame,
    refusals: Sequence[str],
    warnings: Sequence[str],
    *,
    currency: str,
) -> str:
    """Return the estimates of policies as plain text.

    Parameters
    ----------
    title : company, and how many decisions
    values, differences : POLICY_VALUES and POLICY_DIFFERENCES frames
    refusals, warnings : where no number can be given, or one stands on little
    currency : of money
    """
    lines = [title]
    for outcome in values[c.OUTCOME].unique():
        of = values[values[c.OUTCOME] == outcome]
        lines += ["", _HEADINGS.get(outcome, outcome).format(currency)]
        lines += _estimates(outcome, of, differences[differences[c.OUTCOME] == outcome])
        lines += _others(outcome, of)
    lines += ["", *(f"no number: {refusal}" for refusal in refusals)] if refusals else []
    lines += ["", *(f"warning: {warning}" for warning in warnings)] if warnings else []
    return "\n".join(lines)


def _estimates(outcome: str, values: pd.DataFrame, differences: pd.DataFrame) -> Iterator[str]:
    """Give a line for each policy: its value, and by how much the policy is worth more than it."""
    rows = [["policy", "value", "95% interval", "rows that speak", "the policy: more", "95% interval"]]
    for name in values[c.POLICY].unique():
        of = values[values[c.POLICY] == name].set_index(c.ESTIMATOR)
        one = of.loc[_SHOWN if _SHOWN in of.index else of.index[0]]
        ahead = differences[(differences[c.AGAINST] == name) & (differences[c.ESTIMATOR] == one.name)]
        cells = ["", ""]
        if len(ahead):
            first = ahead.iloc[0]
            cells = [written(outcome, first[c.VALUE], sign=True), _between(outcome, first)]
        rows.append(
            [name, written(outcome, one[c.VALUE]), _between(outcome, one), f"{one[c.EFFECTIVE_N]:,.0f}", *cells]
        )
    yield from aligned(rows, left=1)


def _others(outcome: str, values: pd.DataFrame) -> Iterator[str]:
    """Give what the other estimators say of the policy."""
    of = values[values[c.POLICY] == "the policy"]
    if len(of) > 1:
        said = (
            f"{_ESTIMATORS[row[c.ESTIMATOR]]} {written(outcome, row[c.VALUE])} {_between(outcome, row)}"
            for _, row in of[of[c.ESTIMATOR] != _SHOWN].iterrows()
        )
        yield "The policy by other estimators:"
        yield from (f"    {one}" for one in said)


def _between(outcome: str, row: pd.Series) -> str:
    sign = c.AGAINST in row.index
    return f"[{written(outcome, row[c.LOW], sign=sign)}, {written(outcome, row[c.HIGH], sign=sign)}]"
