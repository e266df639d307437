"""Which action each customer gets: eligibility, contact limit, then the one with the highest expected value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask, numbers, object_array
from cxml.prescriptive.policy import Policy
from cxml.schema.columns import NO_ACTION

HELD_OUT: Final = "held out: gets no action, so that the others can be compared"
NOTHING_PAYS: Final = "no eligible action is worth more than it costs"


@dataclass(frozen=True)
class Decisions:
    """The decisions of a policy for n_rows customers; each array has shape (n_rows,).

    ``why`` is JSON: the actions that were eligible, those whose rule was not met, those that the contact limit
    suppressed, and the expected value of the runner-up.
    """

    action: NDArray[Any]
    channel: NDArray[Any]
    expected_value: NDArray[np.float64]
    cost: NDArray[np.float64]
    rule: NDArray[Any]
    runner_up: NDArray[Any]
    why: NDArray[Any]
    propensity: NDArray[np.float64]
    holdout: NDArray[np.bool_]


def decisions(policy: Policy, columns: Mapping[str, NDArray[Any]], customers: Sequence[str]) -> Decisions:
    """Decide for every customer.

    Parameters
    ----------
    policy : Policy
    columns : features and predictions, arrays of shape (n_rows,)
    customers : the customer of each row

    Returns
    -------
    Decisions
        Expected value is benefit x effect - cost, in the company's currency. An action whose expected value is
        unknown is not eligible. Ties go to the action that the policy names first.
    """
    n_rows, n_actions = len(customers), len(policy.actions)
    passed = np.empty((n_rows, n_actions), dtype=bool)
    suppressed = np.zeros((n_rows, n_actions), dtype=bool)
    worth = np.empty((n_rows, n_actions))
    cost = np.empty((n_rows, n_actions))
    contacted = _contacted(policy, columns, n_rows)
    for j, action in enumerate(policy.actions):
        passed[:, j] = True if action.eligibility is None else mask(action.eligibility, columns, n_rows)
        cost[:, j] = numbers(action.cost, columns, n_rows)
        if action.name == NO_ACTION:
            worth[:, j] = 0.0
            continue
        worth[:, j] = numbers(action.benefit, columns, n_rows) * numbers(action.effect, columns, n_rows) - cost[:, j]
        if action.channel is not None:
            suppressed[:, j] = passed[:, j] & contacted
    passed &= np.isfinite(worth) & (cost >= 0)
    ranked = np.where(passed & ~suppressed, worth, -np.inf)
    best = ranked.argmax(axis=1)
    rows = np.arange(n_rows)
    nothing = [action.name for action in policy.actions].index(NO_ACTION)
    holdout = np.array([_draw(customer) < policy.holdout_share for customer in customers], dtype=bool)
    chosen = np.where(holdout, nothing, best)
    others = ranked.copy()
    others[rows, chosen] = -np.inf
    second = others.argmax(axis=1)
    second_worth = others[rows, second]
    names = object_array([action.name for action in policy.actions])
    runner_up = names[second]
    runner_up[~np.isfinite(second_worth)] = None
    rules = object_array([NOTHING_PAYS if action.name == NO_ACTION else action.rule for action in policy.actions])
    why = _why(policy, passed, suppressed, second_worth)
    return Decisions(
        action=names[chosen],
        channel=object_array([action.channel for action in policy.actions])[chosen],
        expected_value=worth[rows, chosen],
        cost=cost[rows, chosen],
        rule=np.where(holdout, HELD_OUT, rules[chosen]),
        runner_up=runner_up,
        why=why,
        # Who is held out is drawn by id, once for all: the others get the best action with probability 1 - share.
        propensity=np.where(best == nothing, 1.0, np.where(holdout, policy.holdout_share, 1.0 - policy.holdout_share)),
        holdout=holdout,
    )


def decision_id(customer: str, as_of: str, versions: str, action: str, expected_value: float) -> str:
    """Return the id of a decision: the same inputs give the same id, and another decision has another.

    ``versions`` are those of model and policy; ``as_of`` is ISO 8601.
    """
    parts = (customer, as_of, versions, action, repr(float(expected_value)))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _contacted(policy: Policy, columns: Mapping[str, NDArray[Any]], n_rows: int) -> NDArray[np.bool_]:
    """Return who had as many contacts in the window as the contact policy allows."""
    if policy.max_contacts is None:
        return np.zeros(n_rows, dtype=bool)
    past = columns[policy.contacts] if policy.contacts else np.zeros(n_rows)
    return np.asarray(np.nan_to_num(past) >= policy.max_contacts)


def _draw(customer: str) -> float:
    """Return a number in [0, 1) that is the customer's own for good, whatever the policy or the day."""
    return (
        int.from_bytes(hashlib.sha256(b"holdout\x1f" + customer.encode("utf-8", "surrogatepass")).digest()[:8], "big")
        / 2**64
    )


def _why(
    policy: Policy, passed: NDArray[np.bool_], suppressed: NDArray[np.bool_], second_worth: NDArray[np.float64]
) -> NDArray[Any]:
    """Return the reasons as JSON; customers share few patterns of rules, so each pattern is written once."""
    named = [(j, action.name) for j, action in enumerate(policy.actions) if action.name != NO_ACTION]

    @cache
    def pattern(rules: bytes) -> str:
        passes, stops = np.frombuffer(rules, dtype=bool).reshape(2, -1)
        found = {
            "passed": [name for j, name in named if passes[j] and not stops[j]],
            "failed": [name for j, name in named if not passes[j]],
            "suppressed": [name for j, name in named if stops[j] and passes[j]],
        }
        return json.dumps(found)[:-1]

    both = np.concatenate([passed, suppressed], axis=1)
    return object_array(
        [
            f'{pattern(row.tobytes())}, "runner_up_value": {worth:.2f}}}'
            if np.isfinite(worth)
            else f"{pattern(row.tobytes())}}}"
            for row, worth in zip(both, second_worth, strict=True)
        ]
    )
