import json

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from cxml.errors import BundleError
from cxml.predictive.members import TrainingRows
from cxml.predictive.uplift.lasso import Regressors, differences, sums_of
from cxml.predictive.uplift.linear import Linear


def planted(n, *, seed, slope):
    """Return rows with numbers, one of them often missing, and a name; and the true change of log-odds of an action."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 12))
    matrix[rng.random(n) < 0.3, 2] = np.nan
    matrix[:, 11] = rng.integers(0, 3, n)
    common = rng.normal(size=n)
    change = slope * (matrix[:, 0] - 0.7 * matrix[:, 1] + np.isnan(matrix[:, 2]) + (matrix[:, 11] == 1))
    action = rng.integers(0, 2, n)
    came = rng.random(n) < 1 / (1 + np.exp(-(common + (action - 0.5) * change)))
    return TrainingRows(matrix, {11: 3}, np.ones(n)), common, change, action, came.astype(float)


def learnt(rows, common, action, came, *, link="logit", n_folds=3):
    folds = [np.flatnonzero(np.arange(len(came)) % n_folds == k) for k in range(n_folds)]
    regressors = Regressors(rows, common)
    sums = [sums_of(regressors.values, came, common, rows.weight, link, action == k, folds) for k in (1, 0)]
    return regressors, sums, folds, differences(regressors, *sums, folds)


def test_a_planted_change_of_log_odds_is_recovered():
    rows, common, change, action, came = planted(20_000, seed=0, slope=0.5)
    *_, found = learnt(rows, common, action, came)
    fresh, raw, true, *_ = planted(5_000, seed=1, slope=0.5)
    said = found.linear.raw_scores(fresh.matrix, raw)
    assert np.corrcoef(said, true)[0, 1] > 0.97
    assert np.polyfit(said, true, 1)[0] == pytest.approx(1, abs=0.2)  # a lasso shrinks, too
    assert said.mean() == pytest.approx(true.mean(), abs=0.1)
    assert np.corrcoef(found.held_out, change)[0, 1] > 0.95
    assert {0, 1, 2, 11} <= set(found.linear.columns)


def test_where_nothing_is_changed_nothing_is_found():
    said = []
    for seed in range(10):
        rows, common, _, action, came = planted(4_000, seed=seed, slope=0.0)
        said.append(learnt(rows, common, action, came)[3].linear.raw_scores(rows.matrix, common))
    assert np.median([np.ptp(one) for one in said]) == 0  # elsewhere chance let a little in
    assert max(one.std() for one in said) < 0.3


def test_coefficients_are_those_of_a_lasso_on_the_rows():
    rows, common, change, action, _ = planted(3_000, seed=0, slope=1.0)
    came = common + action * change + np.random.default_rng(1).normal(size=3_000)
    regressors, sums, folds, found = learnt(rows, common, action, came, link="identity")
    x, half = regressors.values, np.where(action == 1, 0.5, -0.5)
    # an intercept of either side is what remains of both when their own means are taken out
    y, columns = came - common, half[:, None] * x
    for side in (0, 1):
        y[action == side] -= y[action == side].mean()
        columns[action == side] -= columns[action == side].mean(axis=0)
    held = differences(regressors, *sums, folds).linear
    said = held.raw_scores(rows.matrix, common)
    wanted = min(
        (
            x @ Lasso(penalty, fit_intercept=False, tol=1e-8).fit(columns, y).coef_
            for penalty in np.abs(columns.T @ y).max() / len(y) * np.geomspace(1.5, 0.015, 30)
        ),
        key=lambda one: np.abs(one - one.mean() - said + said.mean()).max(),
    )
    assert said - said.mean() == pytest.approx(wanted - wanted.mean(), abs=0.02)
    assert found.linear == held


def test_a_row_is_served_alone_as_among_many_and_after_writing():
    rows, common, _, action, came = planted(4_000, seed=0, slope=0.5)
    regressors, _, _, found = learnt(rows, common, action, came)
    said = found.linear.raw_scores(rows.matrix, common)
    alone = [found.linear.raw_scores(rows.matrix[i : i + 1], common[i : i + 1])[0] for i in range(100)]
    assert np.array(alone).tobytes() == said[:100].tobytes()
    again = Linear.from_json(json.loads(json.dumps(found.linear.to_json(), allow_nan=False)))
    assert again == found.linear
    assert again.raw_scores(rows.matrix, common).tobytes() == said.tobytes()
    coefficients = np.random.default_rng(0).normal(size=regressors.values.shape[1])
    served = regressors.linear(0.3, coefficients).raw_scores(rows.matrix, common)
    assert served == pytest.approx(0.3 + regressors.values @ coefficients)


def test_features_that_say_nothing_are_left_out():
    n = 500
    matrix = np.column_stack([np.full(n, 3.0), np.full(n, np.nan), np.arange(n) % 30, np.arange(n) % 2])
    matrix[:100, 3] = np.nan
    regressors = Regressors(TrainingRows(matrix, {2: 30}, np.ones(n)), np.linspace(-1, 1, n))
    assert regressors.values.shape == (n, 3)  # the last feature, whether it is missing, and the common raw score
    assert np.abs(regressors.values.mean(axis=0)).max() < 1e-9


def test_an_altered_regression_is_refused():
    with pytest.raises(BundleError, match=r"needs columns and curves.*Train again"):
        Linear.from_json({"columns": [0]})
    with pytest.raises(BundleError, match="a curve of each column and one more"):
        Linear.from_json({"columns": [0], "curves": {"base": 0.0, "curves": []}})
