"""The value regressor on simulated money with a known mean: most bring nothing, a few bring a lot."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from cxml.errors import SchemaError, TrainingError
from cxml.predictive.measures import rank_correlation
from cxml.predictive.value import ValueRegressor


def customers(n, seed):
    """Return features, the mean of the money that they lead to, and money: a gamma where anything comes at all."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "family", "gold"], size=n)
    visits, noise = rng.poisson(2, n).astype(float), rng.normal(size=n)
    comes = 1 / (1 + np.exp(1.5 - 0.6 * visits))
    size = 20 * np.exp(np.select([plan == "gold", plan == "family"], [1.5, 0.5], 0.0) + 0.1 * visits)
    money = np.where(rng.random(n) < comes, rng.gamma(1.5, size / 1.5), 0.0)
    return pd.DataFrame({"visits": visits, "plan": plan, "noise": noise}), comes * size, money


def quick(**options):
    return ValueRegressor(**{"max_trees": 200, "learning_rate": 0.1, "n_jobs": 1} | options)


@pytest.fixture(scope="module")
def past():
    return customers(3_000, seed=1)


@pytest.fixture(scope="module")
def model(past):
    X, _, money = past
    return quick().fit(X, money)


def test_the_mean_of_unseen_customers_is_found(model):
    X, mean, _ = customers(3_000, seed=2)
    said = model.predict(X)
    assert np.corrcoef(said, mean)[0, 1] > 0.95
    assert rank_correlation(mean, said, np.ones(3_000)) > 0.95
    for tenth in np.array_split(np.argsort(said), 5):
        assert said[tenth].mean() == pytest.approx(mean[tenth].mean(), rel=0.2)


def test_the_sum_is_right(model):
    X, mean, _ = customers(20_000, seed=3)
    assert model.predict(X).sum() == pytest.approx(mean.sum(), rel=0.06)  # 3,000 customers know it to about 3.5%


def test_nobody_is_expected_to_bring_less_than_nothing_where_nobody_did(model):
    assert model.predict(customers(1_000, seed=4)[0]).min() >= 0


def test_money_that_is_lost_is_expected(past):
    X, mean, money = past
    lost = quick().fit(X, money - 40)
    unseen, mean, _ = customers(3_000, seed=5)
    said = lost.predict(unseen)
    assert said.min() < -20
    assert np.corrcoef(said, mean)[0, 1] > 0.9
    assert said.mean() == pytest.approx(mean.mean() - 40, abs=3)


def test_the_currency_does_not_matter(past):
    X, _, money = past
    one, hundred = (quick().fit(X, factor * money).predict(X) for factor in (1, 128))
    np.testing.assert_allclose(128 * one, hundred, rtol=1e-6)


def test_where_nobody_brings_anything_nothing_is_expected(past):
    X, _, money = past
    np.testing.assert_allclose(quick().fit(X, 0 * money).predict(X), 0, atol=1e-9)
    np.testing.assert_allclose(quick().fit(X, 0 * money + 7).predict(X), 7, rtol=0.01)


def test_a_weight_counts_for_the_sum(past):
    X, _, money = past
    weight = np.where(X["plan"] == "gold", 5.0, 1.0)
    said = quick().fit(X, money, sample_weight=weight).predict(X)
    assert said @ weight == pytest.approx(money @ weight, rel=0.05)


def test_customers_are_kept_together(past):
    # 30 customers of 100 equal rows each: by rows, a held-out one has been seen, and the trees grow without end.
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": np.repeat(rng.permutation(30).astype(float), 100)})
    money = np.repeat(rng.gamma(0.5, 10, 30), 100)
    known = quick().fit(X, money)
    apart = quick().fit(X, money, groups=X["id"])
    assert max(apart.n_trees_.values()) < max(known.n_trees_.values())


def test_later_rows_find_the_number_of_trees(past):
    # What the feature tells turns into its opposite: the sooner one stops, the better for the later rows.
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=2_000)})
    sign = np.where(np.arange(2_000) < 1_000, 1.0, -1.0)
    money = rng.gamma(1, np.exp(sign * X["a"]))
    later = [(np.arange(1_000), np.arange(1_000, 2_000))]
    assert quick().fit(X, money, later=later).n_trees_["trees"] == 1
    assert quick().fit(X[:1_000], money[:1_000]).n_trees_["trees"] > 5


def test_refit_learns_from_other_rows_and_keeps_the_blend(past, model):
    X, _, money = past
    other, _, paid = customers(3_000, seed=6)
    again = quick().fit(X, money).refit(other, paid)
    assert (again.n_trees_, again.strength_, again.weights_) == (model.n_trees_, model.strength_, model.weights_)
    assert not np.array_equal(again.predict(X), model.predict(X))


def test_the_same_rows_give_the_same_bytes(past, model):
    X, _, money = past
    again = quick(n_jobs=2).fit(X, money)
    assert again.customer_value_ == model.customer_value_


def test_more_visits_bring_more(model):
    rows = pd.DataFrame({"visits": [0.0, 2.0, 5.0], "plan": ["gold"] * 3, "noise": [0.0] * 3})
    assert all(a < b for a, b in pairwise(model.predict(rows)))


def test_missing_values_and_new_names_are_read(model):
    rows = pd.DataFrame({"visits": [np.nan, 1.0], "plan": ["platinum", None], "noise": [0.0, np.nan]})
    assert np.isfinite(model.predict(rows)).all()


def test_scikit_learns_tools_take_it(past, model):
    X, _, money = past
    assert clone(model).get_params() == model.get_params()
    assert make_pipeline(quick()).fit(X, money).predict(X).shape == (3_000,)
    assert cross_val_score(quick(max_trees=40), X, money, cv=2).shape == (2,)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_bad_rows_are_refused(past):
    X, _, money = past
    with pytest.raises(SchemaError, match=r"features\.visits: must be finite or missing; 1 of 3,000 rows is not"):
        quick().fit(X.assign(visits=np.where(np.arange(3_000) == 5, np.inf, 1.0)), money)
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(X, np.where(np.arange(3_000) == 5, np.nan, money))
    with pytest.raises(TrainingError, match="at least two customers"):
        quick().fit(X, money, groups=np.zeros(3_000))
    with pytest.raises(TrainingError, match="needs at least two rows"):
        quick().fit(X[:1], money[:1])
