"""What a policy would do to customers, as a manager reads it: who is lost where, the mix, value by the budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cxml.report.aligned_text import aligned
from cxml.report.limits_text import limits_lines
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated

if TYPE_CHECKING:
    import pandas as pd


def policy_simulation_text(
    title: str,
    recommendations: pd.DataFrame,
    funnel: pd.DataFrame,
    mix: pd.DataFrame | None,
    curve: pd.DataFrame,
    *,
    by: str | None,
    currency: str,
    allocated: Allocated | None,
) -> str:
    """Return what a policy would do, as plain text.

    Parameters
    ----------
    title : company, moment and number of customers
    recommendations : RECOMMENDATIONS frame
    funnel, mix : as `cxml.report.policy_counts` gives them
    curve : VALUE_CURVE frame
    by : the column that the mix is told by
    currency : of money
    allocated : how the limits of the policy were used; None where it has none
    """
    lines = [title, "", *_funnel(funnel)]
    if mix is not None:
        lines += ["", f"Who gets what, by {by} (share of those who were decided by worth)", *_mix(mix)]
    lines += ["", *_curve(curve, currency)]
    if allocated is not None:
        lines += ["", *limits_lines(allocated, currency)]
    measured = (recommendations[c.EVIDENCE] * (recommendations[c.ACTION] != c.NO_ACTION)).sum()
    acted = int((recommendations[c.ACTION] != c.NO_ACTION).sum())
    if acted:
        lines += [
            "",
            f"{measured / acted:.0%} of the effects behind these {acted:,} actions was measured, not assumed.",
        ]
    return "\n".join(lines)


def _funnel(funnel: pd.DataFrame) -> Iterator[str]:
    rows = [["customers left", "decided by worth", "lost", "explored with", "held out"]]
    before = None
    for _, row in funnel.iterrows():
        n = int(row[c.DECIDED])
        chance = [_count(row[name]) for name in (c.EXPLORED, c.HOLDOUT)]
        rows.append([row[c.STAGE], f"{n:,}", "" if before is None else f"{before - n:,}", *chance])
        before = n
    yield from aligned(rows, left=1)


def _count(n: Any) -> str:
    return f"{n:,}" if isinstance(n, int | np.integer) else ""


def _mix(mix: pd.DataFrame) -> Iterator[str]:
    offers = [
        f"{action}/{channel}" if isinstance(channel, str) else action
        for action, channel in zip(mix[c.ACTION], mix[c.CHANNEL], strict=True)
    ]
    groups: list[str] = list(dict.fromkeys(mix[c.GROUP]))
    shares = dict(zip(zip(mix[c.GROUP], offers, strict=True), mix[c.SHARE], strict=True))
    names = list(dict.fromkeys(offers))
    rows = [["", *names]]
    rows += [[group, *(f"{shares.get((group, name), 0.0):.1%}" for name in names)] for group in groups]
    yield from aligned(rows, left=1)


def _curve(curve: pd.DataFrame, currency: str) -> Iterator[str]:
    yield "What a budget would buy, were nobody held out or explored with"
    rows = [[f"budget {currency}", "spent", "customers", "worth net of cost", "from", "to", f"one more {currency}"]]
    shown = [c.BUDGET, c.COST, c.N_CHOSEN, c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH, c.PRICE]
    for row in curve[shown].to_numpy().tolist():
        rows.append([*(f"{amount:,.0f}" for amount in row[:-1]), f"{row[-1]:,.2f}"])
    yield from aligned(rows, left=0)
