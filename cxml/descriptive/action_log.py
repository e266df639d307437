"""The log of actions as an experiment: who was offered what and when, how likely, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.config.effects import Outcome
from cxml.config.labels import LabelsConfig, NpsLabel, RenewalLabel, ValueLabel
from cxml.descriptive.answers_after import answers_after
from cxml.descriptive.labels import renewal_labels
from cxml.descriptive.sources import Tables, frame_of
from cxml.descriptive.value_labels import value_labels
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_OPTIONAL: Final = {c.CHANNEL: "VARCHAR", c.PROPENSITY: "DOUBLE", c.COST: "DOUBLE", c.HOLDOUT: "BOOLEAN"}


def action_log(tables: Tables) -> pd.DataFrame:
    """Return the decisions of the table `actions`, ``no_action`` among them, one for each customer and moment.

    A customer with several actions of the very same moment is left out of it: what came of which, nobody can tell.

    Returns
    -------
    DataFrame of shape (n_decisions, 7)
        ``customer_id``, ``as_of`` (the time of the action, naive UTC), ``action``, ``channel``, ``propensity`` (NaN
        where it was not logged, or as 0), ``cost`` (NaN where it was not, but 0 of ``no_action``) and ``holdout``, by
        key.
    """
    there = tables.kinds["actions"]
    typed = {name: name if name in there else f"CAST(NULL AS {kind})" for name, kind in _OPTIONAL.items()}
    # Rows of the same action may differ in the rest: the least that was logged of it, whatever their order.
    least = {name: f"min({value})" for name, value in typed.items()}
    free = f"CASE WHEN min({c.ACTION}) = '{c.NO_ACTION}' THEN 0.0 END"
    least |= {
        c.COST: f"coalesce({least[c.COST]}, {free})",
        c.HOLDOUT: f"coalesce({least[c.HOLDOUT]}, FALSE)",
        c.PROPENSITY: f"nullif({least[c.PROPENSITY]}, 0.0)",  # what was done had some probability
    }
    columns = [f"{value} AS {name}" for name, value in least.items()]
    return frame_of(tables, f"""
        SELECT {c.CUSTOMER_ID}, {c.ACTION_TIME} AS {c.AS_OF}, min({c.ACTION}) AS {c.ACTION}, {", ".join(columns)}
        FROM actions WHERE {c.ACTION_TIME} < TIMESTAMP '{tables.moment}' AND {c.ACTION} IS NOT NULL
        GROUP BY 1, 2 HAVING count(DISTINCT {c.ACTION}) = 1
        ORDER BY 1, 2
    """)  # fmt: skip


def outcomes_of(
    tables: Tables, labels: LabelsConfig, outcome: Outcome, log: pd.DataFrame, *, answer_days: int
) -> pd.DataFrame:
    """Return what came of each decision of a log, of those of which it is known.

    Parameters
    ----------
    tables : Tables
    labels : with that of the outcome
    outcome : ``renewal`` (1 stayed, 0 was lost), ``value`` (money within its horizon) or ``nps`` (points, -100 to 100)
    log : DataFrame with ``customer_id`` and ``as_of`` (naive UTC)
    answer_days : as for `cxml.descriptive.answers_after.answers_after`

    Returns
    -------
    DataFrame of shape (n_known, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (float), by key.
    """
    label = getattr(labels, outcome)
    if isinstance(label, RenewalLabel):
        lost = renewal_labels(tables, label, log)
        return lost.assign(**{c.LABEL: 1.0 - lost[c.LABEL]})
    if isinstance(label, ValueLabel):
        return value_labels(tables, label, log)
    if not isinstance(label, NpsLabel):
        raise AssertionError("an outcome has a label")
    return answers_after(tables, label, log, days=answer_days)


def decision_points(log: pd.DataFrame, outcomes: pd.DataFrame, *, only_open: bool = True) -> pd.DataFrame:
    """Return the decisions of which something is known, each with an outcome that is its own: ``label`` beside.

    Of decisions of one customer whose outcomes overlap in time, the first counts: what is decided while one waits for
    the outcome of another is part of what came of it.

    Parameters
    ----------
    log : DataFrame, as `action_log` gives it
    outcomes : DataFrame, as `outcomes_of` gives it
    only_open : leave out decisions that could not have been another: those whose propensity is 1
    """
    known = log.merge(outcomes, on=list(c.KEY))
    if only_open:
        known = known[~(known[c.PROPENSITY] >= 1)]
    moments, ends = (known[name].to_numpy("datetime64[us]").astype(np.int64) for name in (c.AS_OF, c.KNOWN_TIME))
    keep = _apart(known[c.CUSTOMER_ID].tolist(), moments.tolist(), ends.tolist())
    return known[np.asarray(keep, dtype=bool)].reset_index(drop=True)


def _apart(customers: Sequence[str], moments: Sequence[int], ends: Sequence[int]) -> list[bool]:
    """Return for each row, by customer and moment, whether the outcome of the last one kept was known before it."""
    keep, customer, until = [], None, 0
    for i, who in enumerate(customers):
        free = who != customer or moments[i] >= until
        keep.append(free)
        if free:
            customer, until = who, ends[i]
    return keep
