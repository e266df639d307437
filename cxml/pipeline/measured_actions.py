"""What each action of a log has brought, measured by the probabilities that it was taken with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.pipeline.rewards import REVENUE, logged_of
from cxml.prescriptive.evaluating.estimators import Estimate, difference, policy_values
from cxml.prescriptive.evaluating.logged import Logged
from cxml.prescriptive.evaluating.ratios import Ratio, ratio
from cxml.prescriptive.evaluating.support import support
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

FEWEST: Final = 30
"""Customers on either side below which an interval is rough, and an action is not told of by itself."""


def tells_by_propensity(log: pd.DataFrame) -> bool:
    """Return whether the actions of a log can be compared with doing nothing by the propensities that it gives."""
    propensity = log[c.PROPENSITY].to_numpy(np.float64)
    return bool((propensity > 0).all() and (propensity < 1).any() and (log[c.ACTION] == c.NO_ACTION).any())


def by_propensity(
    name: str, points: pd.DataFrame, reward: NDArray[np.float64], spent: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return what each action of a log brings everybody, against doing nothing, as rows of a MEASURED_VALUES frame.

    By self-normalised inverse propensities, where they were logged.
    """
    propensity = points[c.PROPENSITY].to_numpy(np.float64)
    actions = sorted(set(points[c.ACTION]))
    if c.NO_ACTION not in actions or not (propensity > 0).all():
        return []
    brought, cost = (logged_of(points, actions, propensity, values) for values in (reward, spent))
    codes, who, rows = brought.action, brought.customer, []
    nothing = actions.index(c.NO_ACTION)
    for k, action in enumerate(actions):
        sides = [len(np.unique(who[codes == side])) for side in (k, nothing)]
        if k == nothing or min(sides) < FEWEST:
            continue
        more, more_cost = (_more(logged, k, nothing) for logged in (brought, cost))
        if more is None or more_cost is None:
            continue
        of, per = ((one.value, one.influence) for one in (more, more_cost))
        found = None
        if more_cost.value and name in (REVENUE, "renewal"):
            money = name == REVENUE
            found = ratio(of, per, "nothing was spent") if money else ratio(per, of, "nobody was saved")
        n, n_nothing = (float((codes == side).sum()) for side in (k, nothing))
        rows.append(
            {
                c.OUTCOME: name, c.ACTION: action, c.N: n, c.N_HELD_OUT: n_nothing,
                c.VALUE: more.value, c.LOW: more.low, c.HIGH: more.high, c.TOTAL: more.value * n,
                c.COST: float(spent[codes == k].sum()),
            } | ratio_cells(found)
        )  # fmt: skip
    return rows


def _more(logged: Logged, action: int, nothing: int) -> Estimate | None:
    """Return what an action for everybody brings more than none; None where the log cannot tell."""
    found = []
    for k in (action, nothing):
        target = np.tile(np.eye(len(logged.actions))[k], (logged.n_rows, 1))
        if support(logged, target).refusal:
            return None
        found.append(next(one for one in policy_values(logged, target) if one.estimator == "snips"))
    return difference(*found)


def ratio_cells(found: Ratio | None) -> dict[str, Any]:
    """Return a ratio as cells of the frame: an interval without an end has none, and what it says stands beside it."""
    ends = (np.nan,) * 3 if found is None else (found.value, found.low, found.high)
    cells: dict[str, Any] = {
        key: end if np.isfinite(end) else np.nan
        for key, end in zip((c.RATIO, c.RATIO_LOW, c.RATIO_HIGH), ends, strict=True)
    }
    return cells | {c.MEANING: None if found is None else str(found)}
