import numpy as np
import pandas as pd
import pytest

from cxml.errors import TrainingError
from cxml.predictive.evaluation import Examples, folds_evaluation, future_evaluation
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
