"""Whom to contact: the probability from which costs say that it pays, and what that earns beside other thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxml.predictive.measures import (
    Array,
    Measure,
    RetentionCosts,
    best_contact,
    bootstrap_measure,
    profit_threshold,
    resampled,
    row_profits,
)


@dataclass(frozen=True)
class Threshold:
    """What contacting everyone with a probability of at least ``at`` would have earned.

    ``chosen_by``: ``costs``, the threshold to decide by; ``half``, 0.5, which most software takes; ``everyone``, 0;
    ``hindsight``, the one that would have earned most on these very rows, which nobody knows before. ``contacted`` is
    the share of customers, ``found`` the share of those at risk who are among them, ``profit`` in currency a customer
    (of all).
    """

    chosen_by: str
    at: float
    contacted: float
    found: float
    profit: Measure


def thresholds(
    classes: ArrayLike,
    p: Array,
    customers: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    costs: RetentionCosts | None = None,
    random_state: int = 0,
) -> tuple[Threshold, ...]:
    """Compare thresholds on rows that the model has not seen.

    Parameters
    ----------
    classes : array of shape (n_rows,), 1 where the customer was lost
    p : array of shape (n_rows, n_repeats), the probability of it; figures are means over the repeats
    customers, weight, random_state : as for `cxml.predictive.measures.measured`
    costs : RetentionCosts, optional
        Those of the paper where they are not given.

    Returns
    -------
    tuple of Threshold
        By costs, half, everyone, hindsight; the profit at each with the interval that it has at this threshold
        (percentile bootstrap, customers resampled whole). That of hindsight flatters all the same.
    """
    costs = costs or RetentionCosts()
    lost = np.asarray(classes, dtype=np.intp)
    case = np.ones(len(lost)) if weight is None else np.asarray(weight, dtype=np.float64)
    n_repeats = p.shape[1]
    said = np.column_stack([1 - p.ravel(), p.ravel()])
    hindsight = best_contact(np.repeat(lost, n_repeats), said, np.repeat(case, n_repeats), costs=costs).threshold
    weights = resampled(customers, np.random.default_rng(random_state)) * case
    found = []
    for name, at in (
        ("costs", profit_threshold(costs)),
        ("half", 0.5),
        ("everyone", 0.0),
        ("hindsight", hindsight),
    ):
        contacted = (p >= at).mean(axis=1)
        profits = row_profits(lost, contacted, costs)
        resamples = weights @ profits / weights.sum(axis=1)
        profit = bootstrap_measure("profit", float(np.average(profits, weights=case)), resamples)
        at_risk = float((case * lost).sum())
        reached = float((case * lost * contacted).sum()) / at_risk if at_risk else float("nan")
        found.append(Threshold(name, at, float(np.average(contacted, weights=case)), reached, profit))
    return tuple(found)
