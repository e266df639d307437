import numpy as np
import pandas as pd
import pytest

from cxml.errors import TrainingError
from cxml.predictive.evaluation import Examples
from cxml.predictive.splits import FutureSplit
from cxml.predictive.value import ValueRegressor
from cxml.predictive.value_evaluation import fit_value, moment_features, value_evaluation

DAY = np.timedelta64(1, "D")


def company(n_moments=12, n_customers=150, days=30, seed=0):
    """Return customers at moments: what they bring follows from ``a``; ``season`` is the same for all at a moment."""
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(n_moments), n_customers)
    moments = np.datetime64("2022-01-01", "us") + at * days * DAY
    a, season = rng.normal(size=len(at)), np.sin(at)
    money = pd.Series(np.where(rng.random(len(at)) < 0.5, rng.gamma(2, np.exp(a)), 0.0))
    who = pd.Series([f"c{i % n_customers}" for i in range(len(at))])
    X = pd.DataFrame({"a": a, "season": season, "plan": np.where(at % 2, "x", "y")})
    return Examples(X, money, who, moments, moments + 20 * DAY)


def halves(examples):
    cutoff = np.datetime64("2022-07-01", "us")
    past, future = examples.known < cutoff, examples.moments >= cutoff
    return FutureSplit(np.flatnonzero(past), np.flatnonzero(future), cutoff)


def quick():
    return ValueRegressor(max_trees=60, learning_rate=0.2, n_jobs=1)


def test_the_future_is_judged_by_a_model_that_has_not_seen_it():
    examples = company()
    turned = examples.X.assign(a=np.where(examples.moments >= np.datetime64("2022-07-01"), -1, 1) * examples.X["a"])
    opposite = Examples(turned, examples.y, examples.customers, examples.moments, examples.known)
    found = value_evaluation(quick(), opposite, halves(opposite))
    assert found.by_name["spearman"].high < 0  # the past says the opposite: a peek at the future would lift it
    assert (found.n_train, found.n_test) == (len(halves(examples).train), len(halves(examples).test))
    assert "2022-07-01" in found.how


def test_measures_are_those_of_the_future_and_the_base_that_of_the_past():
    examples = company()
    split = halves(examples)
    found = value_evaluation(quick(), examples, split).by_name
    future, mean = examples.y.iloc[split.test], examples.y.iloc[split.train].mean()
    assert found["base_mae"].value == pytest.approx((future - mean).abs().mean())
    assert found["rmse"].value < found["base_rmse"].value
    assert found["mae"].value < found["base_mae"].value
    assert 0.8 < found["total_ratio"].value < 1.2
    assert found["top_tenth"].low > 0.15


def test_the_model_that_is_kept_has_learnt_from_every_row():
    examples, model = company(), quick()
    value_evaluation(model, examples, halves(examples))
    alone = quick()
    fit_value(alone, examples.taken(halves(examples).train))
    assert model.n_trees_ == alone.n_trees_
    assert model.customer_value_ != alone.customer_value_


def test_without_time_held_out_customers_judge():
    examples = company()
    found = value_evaluation(quick(), Examples(examples.X, examples.y, examples.customers), None)
    assert found.how == "held-out customers, 5-fold"
    assert (found.n_train, found.n_test) == (1_440, 1_800)
    assert found.by_name["spearman"].low > 0.1


def test_a_future_that_all_brings_the_same_is_refused():
    examples = company()
    split = halves(examples)
    examples.y.iloc[split.test] = 0.0
    with pytest.raises(TrainingError, match=r"rows from 2022-07-01 on are all 0\.0"):
        value_evaluation(quick(), examples, split)


def test_what_only_tells_the_moment_is_not_learnt_from_within_two_years():
    examples = company()
    assert moment_features(examples) == ["season"]
    assert moment_features(company(days=67)) == []  # 11 x 67 days are more than two years
    assert moment_features(Examples(examples.X, examples.y, examples.customers)) == []
    model, constant = quick(), examples.X.assign(season=np.nan)
    fit_value(model, examples)
    np.testing.assert_array_equal(model.predict(examples.X), model.predict(constant))


def test_a_feature_that_is_unknown_to_all_at_one_moment_tells_the_moment_too():
    examples = company()
    season = examples.X["season"].where(examples.moments > examples.moments.min())
    assert moment_features(Examples(examples.X.assign(season=season), examples.y, examples.customers,
                                    examples.moments, examples.known)) == ["season"]  # fmt: skip
