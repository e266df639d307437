"""The decisions of a run: every option looked at, chance drawn, one chosen for each customer, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.prescriptive.choosing import Choice, arbitrated
from cxml.prescriptive.distribution import probability_of
from cxml.prescriptive.draws import Drawn
from cxml.prescriptive.effects import effect_sources
from cxml.prescriptive.options import Columns, Floats, expected_values, run_of
from cxml.prescriptive.policy import Policy
from cxml.prescriptive.smallest_change import smallest_changes
from cxml.prescriptive.why import why
from cxml.schema.allocated import Allocated
from cxml.schema.decided import EXPLORED, HELD_OUT, LIMITED, NOTHING_FIRED, NOTHING_PAYS

_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Decisions:
    """The decisions of a policy for n_rows customers; each array has shape (n_rows,).

    ``expected_value`` is money, with the lowest and highest that it may be; ``priority`` what the options are ranked
    by, weights included; ``margin`` how much more the runner-up would have to be worth, at the prices of the limits;
    ``smallest_change`` what would alter the decision soonest. ``why`` is JSON: the options whose rules fired, and what
    stood against the others. ``contact_time`` is NaT where nobody is contacted. ``intended`` is the action that the
    policy chooses where nothing is drawn: what those held out or explored with would have got.
    """

    action: NDArray[Any]
    channel: NDArray[Any]
    contact_time: NDArray[np.datetime64]
    expected_value: Floats
    expected_low: Floats
    expected_high: Floats
    effect_source: NDArray[Any]
    evidence: Floats
    cost: Floats
    priority: Floats
    rule: NDArray[Any]
    runner_up: NDArray[Any]
    margin: Floats
    smallest_change: NDArray[Any]
    why: NDArray[Any]
    propensity: Floats
    holdout: NDArray[np.bool_]
    explored: NDArray[np.bool_]
    intended: NDArray[Any]


def decisions(
    policy: Policy, columns: Columns, customers: Sequence[str], moments: NDArray[np.datetime64]
) -> tuple[Decisions, Allocated | None]:
    """Decide for every customer of a run.

    Parameters
    ----------
    policy : Policy
    columns : features and predictions, arrays of shape (n_rows,)
    customers : the customer of each row
    moments : the moment of each row, UTC

    Returns
    -------
    Decisions
        Expected value is benefit x effect - cost, in the company's currency. An option whose worth is unknown is not
        chosen. Ties go to the option that the policy names first. The limits of the policy hold over all rows.
    Allocated, or None where the policy has no limits over all customers
    """
    run = run_of(policy, columns, customers, moments)
    look, draws, made = arbitrated(policy, run, customers)
    chosen, rows = made.chosen, np.arange(run.n_rows)
    expected = expected_values(policy, chosen, run)
    runner_up, margin = _runner_up(policy, made)
    decided = ~(draws.holdout | draws.explored)
    margin[~decided] = np.nan
    actions = object_array([option.action for option in policy.options])
    contacted = np.array([option.channel is not None for option in policy.options])[chosen]
    found = Decisions(
        action=actions[chosen],
        channel=object_array([option.channel for option in policy.options])[chosen],
        contact_time=np.where(contacted, moments + made.day * np.timedelta64(1, "D"), np.datetime64("NaT", "us")),
        expected_value=expected.value,
        expected_low=expected.low,
        expected_high=expected.high,
        effect_source=effect_sources(expected.evidence),
        evidence=expected.evidence,
        cost=look.cost[rows, chosen],
        priority=look.priority[rows, chosen],
        rule=_rules(policy, made, draws),
        runner_up=runner_up,
        margin=margin,
        smallest_change=smallest_changes(policy, run, made, decided & (made.net.argmax(axis=1) == chosen)),
        why=why(policy, look.status),
        propensity=probability_of(policy, draws, made, chosen),
        holdout=draws.holdout,
        explored=draws.explored,
        intended=actions[made.best],
    )
    return found, made.allocated


def decision_id(customer: str, as_of: str, versions: str, action: str, expected_value: float) -> str:
    """Return the id of a decision: the same inputs give the same id, and another decision has another.

    ``versions`` are those of model and policy; ``as_of`` is ISO 8601.
    """
    parts = (customer, as_of, versions, action, repr(float(expected_value)))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _runner_up(policy: Policy, made: Choice) -> tuple[NDArray[Any], Floats]:
    """Return the label of the option that came second, None where there is none, and by how much it did."""
    rows = np.arange(len(made.chosen))
    second, highest = np.full(len(rows), -1), np.full(len(rows), -np.inf)
    for j in range(len(policy.options)):
        better = (made.net[:, j] > highest) & (made.chosen != j)
        second[better] = j
        highest[better] = made.net[better, j]
    labels = object_array([*policy.labels, None])  # the place before the first is the last
    net = made.net[rows, made.chosen]
    margin = np.where(second < 0, np.nan, net - highest)
    margin[margin <= _ROUNDING * np.abs(net)] = 0.0  # where a limit decides, both are worth the same at its price
    return labels[second], margin


def _rules(policy: Policy, made: Choice, draws: Drawn) -> NDArray[Any]:
    """Return the rule that chose each option, or what else did."""
    rules = object_array([option.rule for option in policy.options])[made.chosen]
    nothing = made.chosen == policy.nothing
    rules[nothing] = NOTHING_PAYS
    rules[nothing & (draws.n_fired == 1)] = NOTHING_FIRED
    rules[nothing & made.limited] = LIMITED
    rules[draws.explored] = EXPLORED
    rules[draws.holdout] = HELD_OUT
    return rules
