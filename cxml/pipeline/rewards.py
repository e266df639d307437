"""What came of decisions: in money, with and without the cost of the action, and as arrays to estimate from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.evaluating.logged import Logged
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

REVENUE: Final = "revenue"
NET: Final = "net"
MONEY: Final = (REVENUE, NET)
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


def logged_of(points: pd.DataFrame, actions: Sequence[str], propensity: Floats, reward: Floats) -> Logged:
    """Return decisions as a log that policies are valued on.

    Parameters
    ----------
    points : decisions, with ``customer_id`` and ``action``
    actions : every action that the log took or a policy would take
    propensity, reward : of each decision, shapes (n_points,)
    """
    codes = {action: place for place, action in enumerate(actions)}
    action = np.array([codes[action] for action in points[c.ACTION]], dtype=np.intp)
    return Logged(action, tuple(actions), propensity, reward, customer_codes(points))


def customer_codes(points: pd.DataFrame) -> NDArray[np.intp]:
    """Return a number for each row, the same for all rows of a customer; shape (n_points,)."""
    names: NDArray[Any] = points[c.CUSTOMER_ID].to_numpy(object).astype(str)
    found: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return found
