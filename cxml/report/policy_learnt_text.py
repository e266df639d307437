"""What the loop learnt, as a manager reads it: effects before and after, and where the next run explores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxml.report.aligned_text import aligned
from cxml.report.effects_text import effects_lines
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd


def policy_learnt_text(
    title: str, matured: str, effects: pd.DataFrame, exploration: pd.DataFrame, *, currency: str, version: str
) -> str:
    """Return what the loop learnt as plain text.

    Parameters
    ----------
    title : company and moment
    matured : what was recorded of outcomes
    effects, exploration : EFFECTS and EXPLORATION frames
    currency : of money
    version : of the bundle with the new effects
    """
    lines = [title, "", matured, "", *effects_lines(effects, currency=currency), ""]
    if exploration[c.EXPLORED].sum() > 0:
        lines += ["Exploration of the next run", *_explored(exploration, currency)]
    else:
        lines.append("The next run explores with nobody: set `exploration_share` in the policy to go on learning.")
    return "\n".join([*lines, "", f"bundle saved, model {version}"])


def _explored(exploration: pd.DataFrame, currency: str) -> Iterator[str]:
    actions = list(dict.fromkeys(exploration[c.ACTION]))
    rows = [["", "customers", "explored", f"costs {currency}", *(f"tries {action}" for action in actions)]]
    for name in dict.fromkeys(exploration[c.GROUP]):
        of = exploration[exploration[c.GROUP] == name]
        first = of.iloc[0]
        tried = dict(zip(of[c.ACTION], of[c.N], strict=True))
        counts = [f"{first[c.N_CUSTOMERS]:,.0f}", f"{first[c.EXPLORED]:,.1f}", f"{first[c.COST]:,.0f}"]
        rows.append([str(name), *counts, *(f"{tried.get(action, 0.0):,.1f}" for action in actions)])
    yield from aligned(rows, left=1)
