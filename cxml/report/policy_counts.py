"""Counts of what a policy did: how many customers each of its steps leaves, and which share of a group gets what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from cxml.errors import SchemaError, near_miss
from cxml.schema import columns as c
from cxml.schema.decided import LIMITED, STATES, WORTH_UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

STAGES: Final = (
    "all customers",
    "rules allow an action",
    "nothing holds it back",
    "it is worth more than nothing",
    "there is room in the limits",
    "contacted",
)
UNKNOWN: Final = "unknown"


def funnel_counts(recommendations: pd.DataFrame) -> pd.DataFrame:
    """Return how many customers are left at each stage of a policy, over all options together.

    Parameters
    ----------
    recommendations : RECOMMENDATIONS frame

    Returns
    -------
    DataFrame of shape (6, 4)
        ``stage``, and the number of customers who were ``decided`` by worth, ``explored`` with, and held out
        (``holdout``). A customer is left where at least one option is: its rules were met; it was not suppressed; it
        is worth more than nothing; the limits leave room for one; and the one that was chosen has a channel. What would
        have been worth something, or had room, for those whom chance decided is not told: unknown.
    """
    import pandas as pd

    patterns = {text: _passed(text) for text in recommendations[c.WHY].unique()}
    allowed, free = (recommendations[c.WHY].map({text: passed[i] for text, passed in patterns.items()}) for i in (0, 1))
    acted = recommendations[c.ACTION] != c.NO_ACTION
    left = (
        pd.Series(True, index=recommendations.index),
        allowed,
        free,
        acted | (recommendations[c.RULE] == LIMITED),
        acted,
        recommendations[c.CHANNEL].notna(),
    )
    held, drawn = recommendations[c.HOLDOUT].astype(bool), recommendations[c.EXPLORED].astype(bool)
    groups = {c.DECIDED: ~(held | drawn), c.EXPLORED: drawn, c.HOLDOUT: held}
    counts = {
        name: pd.array([int((stage.astype(bool) & who).sum()) for stage in left], dtype="Int64")
        for name, who in groups.items()
    }
    for name in (c.EXPLORED, c.HOLDOUT):
        counts[name][3:5] = pd.NA
    return pd.DataFrame({c.STAGE: STAGES, **counts})


def action_mix(recommendations: pd.DataFrame, features: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Return the share of the customers of each group who get each action, over each channel.

    Parameters
    ----------
    recommendations : RECOMMENDATIONS frame
    features : DataFrame with the key and the column ``by``, such as the FEATURES frame that was scored
    by : column that tells the groups, such as ``segment``

    Returns
    -------
    DataFrame with the columns ``group``, ``action``, ``channel``, ``n`` and ``share``
        In the order of groups, then of what is most frequent over all of them. The shares of a group add up to 1: they
        are of its customers who were decided by worth, neither held out nor explored with. Customers of whom the
        column is not known are the group ``unknown``.

    Raises
    ------
    SchemaError
        If there is no such column.
    """
    if by not in features:
        raise SchemaError(f"features: has no column {by!r}{near_miss(by, map(str, features)) or '.'}")
    chance = recommendations[c.HOLDOUT].astype(bool) | recommendations[c.EXPLORED].astype(bool)
    told = features[[*c.KEY, by]].rename(columns={by: c.GROUP})
    rows = recommendations.loc[~chance, [*c.KEY, c.ACTION, c.CHANNEL]].merge(told, on=list(c.KEY), how="left")
    rows[c.GROUP] = rows[c.GROUP].astype(object).where(rows[c.GROUP].notna(), UNKNOWN).map(str)
    rows[c.CHANNEL] = rows[c.CHANNEL].astype(object).where(rows[c.CHANNEL].notna(), None)
    offer = [c.ACTION, c.CHANNEL]
    counts = rows.groupby([c.GROUP, *offer], dropna=False).size().rename(c.N).reset_index()
    counts[c.SHARE] = counts[c.N] / counts.groupby(c.GROUP)[c.N].transform("sum")
    counts["of_all"] = counts.groupby(offer, dropna=False)[c.N].transform("sum")
    order = counts.sort_values([c.GROUP, "of_all", *offer], ascending=[True, False, True, True])
    return order.drop(columns="of_all").reset_index(drop=True)


def _passed(why: str) -> tuple[bool, bool]:
    """Return whether the rules of some option were met, and whether nothing suppressed one of these."""
    fired, _, not_applicable, suppressed = (json.loads(why)[state] for state in STATES)
    free = bool(fired) or WORTH_UNKNOWN in not_applicable.values()
    return free or bool(suppressed), free
