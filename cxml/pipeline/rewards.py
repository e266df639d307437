"""What came of a decision in money: revenue, and what is left of it when the action is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

REVENUE: Final = "revenue"
NET: Final = "net"
Floats = NDArray[np.float64]


def rewards(outcome: str, points: pd.DataFrame, worth: Floats | None, spent: Floats) -> dict[str, Floats]:
    """Return what came of each decision, by name; shapes (n_points,).

    Parameters
    ----------
    outcome : ``renewal``, ``value`` or ``nps``
    points : decisions with an outcome, as `cxml.descriptive.action_log.decision_points` gives them
    worth : what each customer who stays is worth; None where money comes from the outcome ``value``, or is not known
    spent : the cost of each action
    """
    label = points[c.LABEL].to_numpy(np.float64)
    found = {} if outcome == "value" else {outcome: label}
    money = label if outcome == "value" else label * worth if outcome == "renewal" and worth is not None else None
    if money is not None and np.isfinite(money).any():
        found |= {REVENUE: money, NET: money - spent}
    return found
