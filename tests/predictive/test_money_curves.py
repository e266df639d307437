import numpy as np
import pytest
from sklearn.linear_model import TweedieRegressor
from sklearn.metrics import mean_tweedie_deviance

from cxml.predictive.money_curves import deviance, tweedie_path
from cxml.predictive.splines import STRENGTHS, Basis, fitted_curves, held_out_curves


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(size=3_000), rng.integers(0, 3, 3_000), np.full(3_000, np.nan)])
    mean = np.exp(0.5 * matrix[:, 0] + np.array([0.0, 1.0, -1.0])[matrix[:, 1].astype(int)])
    money = np.where(rng.random(3_000) < 0.4, rng.gamma(2, mean / 0.8), 0.0)
    return matrix, mean, money, rng.integers(1, 3, 3_000).astype(float)


def test_the_curves_are_scikit_learns_tweedie_regression_on_the_same_columns(data):
    matrix, _, money, weight = data
    model = fitted_curves(tweedie_path, matrix, {1: 3}, money, weight, 0.3, random_state=0)
    columns = Basis(matrix, {1: 3}).columns(matrix).astype(float)
    peer = TweedieRegressor(power=1.5, link="log", alpha=1 / (0.3 * len(matrix)), max_iter=5_000, tol=1e-8)
    expected = peer.fit(columns, money, sample_weight=weight).predict(columns)
    np.testing.assert_allclose(np.exp(model.raw_scores(matrix)), expected, rtol=1e-2)


def test_a_known_truth_is_found(data):
    matrix, mean, money, weight = data
    said = np.exp(fitted_curves(tweedie_path, matrix, {1: 3}, money, weight, 3.0, random_state=0).raw_scores(matrix))
    assert np.corrcoef(np.log(said), np.log(mean))[0, 1] > 0.98
    assert said.mean() == pytest.approx(mean.mean(), rel=0.05)


def test_held_out_rows_are_told_of_by_the_others(data):
    matrix, mean, money, weight = data
    train, test = np.arange(2_000), np.arange(2_000, 3_000)
    said = held_out_curves(tweedie_path, matrix, {1: 3}, money, weight, train, test, random_state=0)
    assert said.shape == (len(STRENGTHS), 1_000)
    changed = np.where(np.arange(3_000) < 2_000, money, 1e6)
    again = held_out_curves(tweedie_path, matrix, {1: 3}, changed, weight, train, test, random_state=0)
    np.testing.assert_array_equal(said, again)
    assert np.corrcoef(said[-1], np.log(mean[test]))[0, 1] > 0.95


def test_where_nobody_brings_anything_nothing_is_expected(data):
    matrix, _, money, weight = data
    model = fitted_curves(tweedie_path, matrix, {1: 3}, 0 * money, weight, 3.0, random_state=0)
    assert np.exp(model.raw_scores(matrix)).max() < 1e-5


def test_deviance_orders_models_as_scikit_learns_does(data):
    _, mean, money, weight = data
    others = [mean, 2 * mean, np.full(3_000, money.mean())]
    ours = np.array([deviance(money, said, weight) for said in others])
    theirs = np.array([mean_tweedie_deviance(money, said, power=1.5, sample_weight=weight) for said in others])
    np.testing.assert_allclose(np.diff(2 * ours), np.diff(theirs))
