"""What to expect of each logged decision under each action: against what was planted."""

import numpy as np
import pytest

from cxml.predictive.members import TrainingRows
from cxml.predictive.uplift.by_action import expected_by_action
from cxml.predictive.uplift.experiment import Experiment

ODDS = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])  # of nothing, call and letter, by whether x > 0


def experiment(n=3_000, *, seed=0, logged=True, constant=None, actions=("call", "letter")):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 3))
    group = (matrix[:, 0] > 0).astype(int)
    action = np.array([rng.choice(3, p=ODDS[g]) for g in group])
    true = np.column_stack([0.2 + 0.3 * group, 0.5 + 0.3 * group, 0.2 + 0.3 * group])
    outcome = (rng.random(n) < true[np.arange(n), action]).astype(float)
    if constant is not None:
        outcome[action == constant] = 1.0
    propensity = ODDS[group, action] if logged else np.full(n, np.nan)
    rows = TrainingRows(matrix, {}, np.ones(n))
    return Experiment(rows, action, actions, outcome, propensity, np.arange(n)), true, group


def test_the_outcome_of_every_action_is_expected_of_every_row():
    tried, true, _ = experiment()
    propensity, expected = expected_by_action(tried)
    assert propensity.tolist() == tried.propensity.tolist()  # what was logged is not estimated
    assert expected.shape == true.shape
    for k in range(3):
        assert abs(expected[:, k] - true[:, k]).mean() < 0.07
        assert np.corrcoef(expected[:, k], true[:, k])[0, 1] > 0.8


def test_what_was_not_logged_is_estimated_and_at_least_a_hundredth():
    tried, _, group = experiment(logged=False)
    propensity, _ = expected_by_action(tried)
    assert abs(propensity - ODDS[group, tried.action]).mean() < 0.05
    assert propensity.min() >= 0.01
    assert propensity.max() <= 1


def test_no_row_is_expected_by_a_model_that_has_seen_it():
    # Outcomes that nothing explains: a model that had seen them would agree with them.
    rng = np.random.default_rng(1)
    n = 1_500
    outcome = rng.integers(0, 2, n).astype(float)
    rows = TrainingRows(rng.normal(size=(n, 3)), {}, np.ones(n))
    tried = Experiment(rows, rng.integers(0, 2, n), ("call",), outcome, np.full(n, 0.5), np.arange(n))
    _, expected = expected_by_action(tried)
    seen = expected[np.arange(n), tried.action]
    assert abs(np.corrcoef(seen, outcome)[0, 1]) < 0.1


def test_an_action_taken_too_seldom_has_the_mean_of_its_rows():
    tried, _, _ = experiment(n=600)
    action = tried.action.copy()
    letters = np.flatnonzero(action == 2)
    action[letters[5:]] = 0
    few = Experiment(tried.rows, action, tried.actions, tried.outcome, tried.propensity, tried.customers)
    _, expected = expected_by_action(few)
    assert set(expected[:, 2]) == {few.outcome[letters[:5]].mean()}
    assert len(set(expected[:, 1])) > 10


def test_an_action_always_with_the_same_outcome_has_it():
    tried, _, _ = experiment(n=600, constant=1)
    _, expected = expected_by_action(tried)
    assert set(expected[:, 1]) == {1.0}


def test_an_action_that_was_never_taken_has_the_mean_of_all_rows():
    tried, _, _ = experiment(n=600, actions=("call", "letter", "gift"))
    _, expected = expected_by_action(tried)
    assert set(expected[:, 3]) == {tried.outcome.mean()}


def test_the_same_log_gives_the_same_bytes():
    tried, _, _ = experiment(n=600)
    first, second = (expected_by_action(tried)[1].tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("n_folds", [2, 5])
def test_any_number_of_folds_serves(n_folds):
    tried, true, _ = experiment(n=600)
    _, expected = expected_by_action(tried, n_folds=n_folds)
    assert expected.shape == true.shape
    assert np.isfinite(expected).all()
