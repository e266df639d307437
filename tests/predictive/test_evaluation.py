import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxml.errors import TrainingError
from cxml.predictive.evaluation import Examples, folds_evaluation, future_evaluation
from cxml.predictive.measures import RetentionCosts, empc
from cxml.predictive.models import RenewalClassifier
from cxml.predictive.splits import FutureSplit


def company(n_rows: int, flips: int):
    """Return a company whose one feature means the opposite from row ``flips`` on."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n_rows)})
    sign = np.where(np.arange(n_rows) < flips, 1.0, -1.0)
    y = pd.Series((rng.random(n_rows) < 1 / (1 + np.exp(-3 * sign * X["a"]))).astype(float))
    return X, y, pd.Series([f"c{i}" for i in range(n_rows)])


def test_the_future_is_judged_by_a_model_that_has_not_seen_it():
    X, y, customers = company(1_200, flips=800)
    split = FutureSplit(np.arange(800), np.arange(800, 1_200), np.datetime64("2024-01-01"))
    found = future_evaluation(RenewalClassifier(max_trees=50), Examples(X, y, customers), split)
    assert found.by_name["auc"].value < 0.2  # the past says the opposite: a peek at the future would lift it
    assert (found.n_train, found.n_test) == (800, 400)
    assert "2024-01-01" in found.how


def test_the_model_that_is_kept_has_learnt_from_every_row():
    X, y, customers = company(1_200, flips=300)
    model = RenewalClassifier(max_trees=50)
    split = FutureSplit(np.arange(300), np.arange(300, 1_200), np.datetime64("2024-01-01"))
    future_evaluation(model, Examples(X, y, customers), split)
    low, high = model.predict_proba(pd.DataFrame({"a": [-2.0, 2.0]}))[:, 1]
    assert low > high


def test_base_log_loss_is_that_of_the_shares_of_the_past():
    X, y, customers = company(1_200, flips=1_200)
    split = FutureSplit(np.arange(800), np.arange(800, 1_200), np.datetime64("2024-01-01"))
    found = future_evaluation(RenewalClassifier(max_trees=50), Examples(X, y, customers), split)
    share = y[:800].mean()
    expected = -np.where(y[800:] == 1, np.log(share), np.log(1 - share)).mean()
    assert found.by_name["base_log_loss"].value == pytest.approx(expected)
    assert found.by_name["log_loss"].high < found.by_name["base_log_loss"].low


def test_a_future_of_one_class_is_refused():
    X, y, customers = company(1_200, flips=1_200)
    y[800:] = 0.0
    split = FutureSplit(np.arange(800), np.arange(800, 1_200), np.datetime64("2024-01-01"))
    with pytest.raises(TrainingError, match=r"the 400 labelled rows from 2024-01-01 on are all 0\.0"):
        future_evaluation(RenewalClassifier(max_trees=50), Examples(X, y, customers), split)


def test_a_snapshot_is_judged_on_held_out_customers_only():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    y = pd.Series(rng.integers(0, 2, 400).astype(float))  # nothing to learn
    customers = pd.Series([f"c{i}" for i in range(400)])
    found = folds_evaluation(RenewalClassifier(max_trees=50), Examples(X, y, customers))
    assert found.by_name["auc"].low < 0.55
    assert found.how == "held-out customers, 2 x stratified 5-fold"


def snapshot(n_rows=300):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.normal(size=n_rows)})
    y = pd.Series((rng.random(n_rows) < 1 / (1 + np.exp(-X["a"]))).astype(float))
    return Examples(X, y, pd.Series([f"c{i}" for i in range(n_rows)]))


def test_what_each_repeat_said_and_the_fold_it_was_held_out_in_are_kept():
    found = folds_evaluation(RenewalClassifier(max_trees=20, members=("trees",)), snapshot(), repeats=3)
    held_out = found.held_out
    assert held_out.p_each.shape == (300, 2, 3)
    assert held_out.p == pytest.approx(held_out.p_each.mean(axis=2))
    for fold_of in held_out.folds.T:
        assert np.bincount(fold_of) == pytest.approx(60, abs=1)
    assert (held_out.folds[:, 0] != held_out.folds[:, 1]).any()
    areas = [roc_auc_score(held_out.classes, held_out.p_each[:, 1, r]) for r in range(3)]
    assert found.by_name["auc"].value == pytest.approx(np.mean(areas))
    assert {"auc_folds", "lift_at_10_percent_folds", "empc_folds"} < set(found.by_name)
    assert found.how == "held-out customers, 3 x stratified 5-fold"


def test_a_future_is_said_once():
    X, y, customers = company(1_200, flips=1_200)
    split = FutureSplit(np.arange(800), np.arange(800, 1_200), np.datetime64("2024-01-01"))
    found = future_evaluation(RenewalClassifier(max_trees=20), Examples(X, y, customers), split)
    assert found.held_out.p_each.shape == (400, 2, 1)
    assert "empc_folds" not in found.by_name


def test_the_costs_are_those_of_the_expected_maximum_profit():
    costs, ones = RetentionCosts(clv=2_000, offer=100, contact=10), np.ones(300)
    found = folds_evaluation(RenewalClassifier(max_trees=20, members=("trees",)), snapshot(), repeats=1, costs=costs)
    expected = empc(found.held_out.classes, found.held_out.p, ones, costs=costs)
    assert found.by_name["empc"].value == pytest.approx(expected)
    assert expected > 5 * empc(found.held_out.classes, found.held_out.p, ones)
