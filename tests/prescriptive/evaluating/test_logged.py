"""Logs and policies that cannot be meant."""

import numpy as np
import pytest

from cxml.errors import SchemaError
from cxml.prescriptive.evaluating.estimators import policy_values
from cxml.prescriptive.evaluating.logged import Logged, checked_target

GOOD = {
    "action": np.array([0, 1, 1]),
    "actions": ("nothing", "mail"),
    "propensity": np.array([0.5, 0.5, 1.0]),
    "reward": np.array([0.0, 1.0, 2.0]),
    "customer": np.arange(3),
}


def test_a_good_log_is_kept_as_it_is():
    assert Logged(**GOOD).n_rows == 3


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("action", np.array([0, 2, 1]), r"action: must be a place in the 2 actions; 1 of 3 rows is not \(first: row 1"),
        ("action", np.array([0.0, 1.0, 1.0]), r"action: must be whole numbers; it is float64"),
        ("propensity", np.array([0.5, 0.0, 1.5]), r"propensity: must be more than 0.*2 of 3 rows are not"),
        ("propensity", np.array([0.5, 0.5, np.nan]), r"propensity: .*1 of 3 rows is not \(first: row 2 has nan"),
        ("reward", np.array([np.nan, 1.0, 1.0]), r"reward: must be known; 1 of 3 rows is not.*outcome is not 0"),
        ("customer", np.arange(2), r"customer: must be an array with a value for each.*\(2,\)"),
        ("actions", (), r"actions: there must be at least one"),
    ],
)  # fmt: skip
def test_a_fault_names_the_rule_the_rows_and_the_remedy(column, values, message):
    with pytest.raises(SchemaError, match=message):
        Logged(**GOOD | {column: values})


def test_all_faults_are_told_together():
    with pytest.raises(SchemaError, match="2 faults") as caught:
        Logged(**GOOD | {"propensity": np.zeros(3), "reward": np.full(3, np.inf)})
    assert "propensity" in str(caught.value)
    assert "reward" in str(caught.value)


def test_a_log_without_decisions_is_refused():
    none = {name: values[:0] for name, values in GOOD.items() if name != "actions"}
    with pytest.raises(SchemaError, match="at least one decision"):
        Logged(actions=("nothing",), **none)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([[1.0, 0.0]] * 2, r"target: must have a number for each of 3 rows and 2 actions; its shape is \(2, 2\)"),
        ([[1.0, 0.5]] * 3, r"must add up to 1; 3 of 3 rows do not.*row 0 has \[1.0, 0.5\]"),
        ([[1.0, 0.0], [1.5, -0.5], [0.0, 1.0]], r"must be from 0 to 1; 1 of 3 rows does not.*row 1"),
        ([[1.0, 0.0], [0.0, 1.0], [np.nan, 1.0]], r"target: every number must be known; 1 of 3.*row 2, action 'n"),
    ],
)  # fmt: skip
def test_a_policy_must_be_probabilities(target, message):
    with pytest.raises(SchemaError, match=message):
        checked_target(Logged(**GOOD), np.array(target))


def test_a_model_must_know_every_action_of_every_row():
    with pytest.raises(SchemaError, match=r"model: must have a number for each of 3 rows and 2 actions"):
        policy_values(Logged(**GOOD), np.full((3, 2), 0.5), np.zeros(3))
