import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.predictive import contributions as contributions_module
from cxml.predictive.contributions import Contributions
from cxml.predictive.forest import UnreadForestError, forest_from_text

SMALL = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1.0}


def rows_of(n_rows, n_features, seed):
    """Return numbers, whole numbers, categories (the last feature) and missing values, and what they decide."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    X[:, ::2] = np.round(X[:, ::2] * 2)
    X[:, -1] = rng.integers(0, 40, n_rows)
    known = np.nan_to_num(X)
    score = known[:, 0] + np.sin(3 * known[:, 1]) + 0.5 * known[:, 0] * known[:, 2] + np.isin(X[:, -1], [3, 7, 33, 38])
    X[rng.random(X.shape) < 0.15] = np.nan
    return X, score + 0.3 * rng.normal(size=n_rows)


def strange_rows(X, seed):
    """Return rows with values that training did not have: infinite, nearly zero, and categories that do not exist."""
    rng = np.random.default_rng(seed)
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, 1e-35, -0.5, -1.0, 39.7, 1e5, 3e9, -3e9]
    return np.where(rng.random(X.shape) < 0.3, rng.choice(odd, X.shape), X)


def trained(params, n_trees=20, n_features=6, n_rows=600, seed=0, categories=True):
    X, score = rows_of(n_rows, n_features, seed)
    y = score
    if params.get("objective") == "binary":
        y = (score > 0).astype(float)
    if params.get("objective") == "multiclass":
        y = np.digitize(score, [-0.7, 0.7]).astype(float)
    categorical = [n_features - 1] if categories else []
    data = lightgbm.Dataset(X, y, categorical_feature=categorical, params={"verbose": -1})
    return lightgbm.train({**SMALL, **params}, data, n_trees), X


def assert_as_lightgbm(booster, X, **options):
    expected = np.asarray(booster.predict(X, pred_contrib=True, num_threads=1))
    found = Contributions(booster.model_to_string().encode(), **options).values(X)
    size = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found.reshape(len(X), -1), expected, rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("n_leaves", [2, 8, 31, 127])
@pytest.mark.parametrize("objective", ["binary", "regression", "multiclass"])
def test_values_are_those_of_lightgbm(n_leaves, objective):
    n_classes = {"num_class": 3} if objective == "multiclass" else {}
    params = {"objective": objective, "num_leaves": n_leaves, **n_classes}
    booster, X = trained(params, n_features=12, n_trees=6 if n_leaves == 127 else 20)
    assert_as_lightgbm(booster, X)
    assert_as_lightgbm(booster, strange_rows(X, 1))


@pytest.mark.parametrize(
    "missing", [{"use_missing": False}, {"zero_as_missing": True}, {"feature_fraction": 0.5, "bagging_freq": 1}]
)
def test_missing_values_go_where_lightgbm_sends_them(missing):
    booster, X = trained({"objective": "binary", "num_leaves": 16, **missing, "bagging_fraction": 0.5})
    assert_as_lightgbm(booster, strange_rows(X, 2))


def test_trees_deeper_than_any_table_are_integrated():
    # How many features from the first on are above -1: a chain of splits, each on a feature of its own.
    X = np.random.default_rng(3).normal(size=(4_000, 24))
    y = np.cumprod(X > -1, axis=1).sum(axis=1)
    params = {**SMALL, "objective": "regression", "num_leaves": 24}
    booster = lightgbm.train(params, lightgbm.Dataset(X, y, params={"verbose": -1}), 5)
    text = booster.model_to_string().encode()
    assert len(Contributions(text)._tables) > 3  # several kinds of deep parts
    assert_as_lightgbm(booster, X)
    assert np.array_equal(Contributions(text).values(X[:5]), Contributions(text).values(X)[:5])


@settings(max_examples=25, deadline=None)
@given(
    n_leaves=st.integers(2, 40),
    n_features=st.integers(3, 14),
    max_depth=st.sampled_from([-1, 3, 12]),
    seed=st.integers(0, 1_000),
)
def test_any_trees_are_explained_as_lightgbm_does(n_leaves, n_features, max_depth, seed):
    params = {"objective": "binary", "num_leaves": n_leaves, "max_depth": max_depth, "feature_fraction": 0.7}
    booster, X = trained(params, n_trees=4, n_features=n_features, n_rows=250, seed=seed)
    assert_as_lightgbm(booster, strange_rows(X, seed))


def expectation(tree, row, known, node=0):
    """Return what a tree is expected to say of a row of which some features are known, by training rows."""
    if node < 0:
        return tree.leaf_values[~node]
    split, sides = tree.splits[node], (tree.left[node], tree.right[node])
    if split.feature in known:
        return expectation(tree, row, known, sides[not row[split.feature] <= split.threshold])
    return sum(tree.rows_of(s) * expectation(tree, row, known, s) for s in sides) / tree.split_rows[node]


def test_values_are_shapley_values_by_their_definition():
    booster, X = trained({"objective": "regression", "num_leaves": 12}, n_trees=2, n_features=5, categories=False)
    row = np.nan_to_num(X[7])
    text = booster.model_to_string().encode()
    trees, n = forest_from_text(text).trees, len(row)
    expected = np.zeros(n)
    for j in range(n):
        others = [k for k in range(n) if k != j]
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for known in itertools.combinations(others, size):
                gain = sum(expectation(t, row, {*known, j}) - expectation(t, row, set(known)) for t in trees)
                expected[j] += weight * gain
    np.testing.assert_allclose(Contributions(text).values(row[None])[0, 0, :-1], expected, atol=1e-12)


@pytest.fixture(scope="module")
def wide():
    booster, X = trained({"objective": "binary", "num_leaves": 31}, n_features=20, n_rows=5_000)
    return Contributions(booster.model_to_string().encode()), strange_rows(X, 4)


@pytest.mark.parametrize("n_rows", [1, 31, 32, 33, 128, 129, 2_049])
def test_rows_have_the_same_bits_however_many_come_together(wide, n_rows):
    found, X = wide
    assert np.array_equal(found.values(X[:n_rows]), found.values(X)[:n_rows])


def test_threads_change_no_bit(wide):
    found, X = wide
    assert np.array_equal(found.values(X, n_threads=1), found.values(X, n_threads=3))
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda i: found.values(X[i : i + 1]), range(50)))
    assert np.array_equal(np.concatenate(rows), found.values(X[:50]))


def test_groups_are_sums_over_their_features():
    booster, X = trained({"objective": "multiclass", "num_class": 3, "num_leaves": 31}, n_features=12)
    text, groups = booster.model_to_string().encode(), np.array([0, 1, 2, 0, 1, 2, 2, 2, 0, 1, 1, 3])
    each = Contributions(text).values(X)
    grouped = Contributions(text, groups=groups)
    for rows in (X, X[:3]):
        found = grouped.values(rows)
        for group in range(4):
            expected = each[: len(rows), :, :-1][:, :, groups == group].sum(axis=2)
            np.testing.assert_allclose(found[:, :, group], expected, atol=1e-12)
    assert np.array_equal(grouped.values(X)[:3], grouped.values(X[:3]))


def test_groups_of_another_length_are_refused():
    booster, _ = trained({"objective": "binary"}, n_trees=1)
    with pytest.raises(ValueError, match="for each of the 6 features"):
        Contributions(booster.model_to_string().encode(), groups=np.zeros(5, dtype=int))


def test_trees_of_one_leaf_are_all_base():
    X = np.arange(12.0).reshape(6, 2)
    booster = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(X, [0, 1, 1, 1, 0, 1]), 3)
    assert_as_lightgbm(booster, X)


def test_no_row_is_explained_by_no_row(wide):
    found, X = wide
    assert found.values(X[:0]).shape == (0, 1, 21)


def test_a_matrix_of_another_width_is_refused(wide):
    with pytest.raises(ValueError, match="has 20 features, the matrix 3"):
        wide[0].values(np.zeros((2, 3)))


def test_tables_that_would_be_too_large_are_not_made(monkeypatch):
    booster, _ = trained({"objective": "binary", "num_leaves": 31}, n_features=20)
    monkeypatch.setattr(contributions_module, "MAX_TABLE_BYTES", 1 << 10)
    with pytest.raises(UnreadForestError, match="the tables need more than"):
        Contributions(booster.model_to_string().encode())


def test_the_memory_of_the_tables_is_what_was_reckoned_beforehand(monkeypatch):
    booster, _ = trained({"objective": "binary", "num_leaves": 63}, n_features=20, n_rows=3_000)
    text = booster.model_to_string().encode()
    arrays = [array for tables in Contributions(text)._tables for array in vars(tables).values()]
    held = sum(array.nbytes for array in arrays if array.dtype == np.float64)
    monkeypatch.setattr(contributions_module, "MAX_TABLE_BYTES", held - 1)
    with pytest.raises(UnreadForestError):
        Contributions(text)
