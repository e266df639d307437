"""The additive model: hand-worked curves, the regression it came from, one row as many."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.errors import BundleError
from cxml.predictive.additive import Additive, Curve
from cxml.predictive.splines import STRENGTHS, Basis, fitted_curves, held_out_curves, logistic_path

BY_HAND = Additive(
    0.5,
    (
        Curve((0.0, 10.0, 20.0), (1.0, 2.0, -1.0), 0.25),  # a number
        Curve((), (0.5, -0.5), 0.0),  # a name of two levels
        Curve((3.0,), (0.75,), -0.75),  # a number that never varied
    ),
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.0, 0.0, 3.0], [1.0, 0.5, 0.75]),
        ([5.0, 1.0, 9.0], [1.5, -0.5, 0.75]),  # half way up
        ([16.0, 1.0, 3.0], [0.2, -0.5, 0.75]),  # 6 tenths of the way from 2 down to -1
        ([-4.0, 0.0, 3.0], [1.0, 0.5, 0.75]),  # flat before the first knot
        ([99.0, 2.0, 3.0], [-1.0, 0.0, 0.75]),  # flat behind the last; a level that is not there
        ([np.nan, np.nan, np.nan], [0.25, 0.0, -0.75]),
    ],
)
def test_curves_by_hand(row, expected):
    np.testing.assert_allclose(BY_HAND.contributions(np.array([row]))[0], expected, atol=1e-15)
    assert BY_HAND.raw_scores(np.array([row]))[0] == pytest.approx(0.5 + sum(expected))


def table(n=900, seed=0):
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=n), rng.exponential(size=n), rng.integers(0, 3, n), np.ones(n)])
    matrix[rng.random(n) < 0.2, 0] = np.nan
    log_odds = np.nan_to_num(matrix[:, 0]) ** 2 - matrix[:, 1] + np.array([0.8, 0.0, -0.8])[matrix[:, 2].astype(int)]
    return matrix, {2: 3}, (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float)


def test_the_curves_say_what_the_regression_says():
    matrix, names, hits = table()
    weight = np.random.default_rng(1).integers(1, 4, len(hits)).astype(float)
    said = held_out_curves(logistic_path, matrix, names, hits, weight, np.arange(900), np.arange(900), random_state=0)
    for strength, expected in zip(STRENGTHS, said, strict=True):
        additive = fitted_curves(logistic_path, matrix, names, hits, weight, strength, random_state=0)
        np.testing.assert_allclose(additive.raw_scores(matrix), expected, atol=1e-5)  # its columns are float32


def test_curves_are_zero_on_average_so_that_the_base_is_nobody_in_particular():
    matrix, names, hits = table()
    additive = fitted_curves(logistic_path, matrix, names, hits, np.ones(900), 0.3, random_state=0)
    np.testing.assert_allclose(additive.contributions(matrix).mean(axis=0), 0, atol=1e-8)


def test_a_bend_that_a_straight_line_cannot_follow_is_found():
    matrix, names, hits = table(6_000)
    additive = fitted_curves(logistic_path, matrix, names, hits, np.ones(6_000), 3.0, random_state=0)
    ends = additive.contributions(np.array([[-2.0, 1, 0, 1], [0.0, 1, 0, 1], [2.0, 1, 0, 1]]))[:, 0]
    assert ends[0] > ends[1] + 1
    assert ends[2] > ends[1] + 1


def test_many_rows_of_the_additive_model_are_sampled_for_the_fit():
    matrix, names, hits = table(60_000)
    first, again = (
        fitted_curves(logistic_path, matrix, names, hits, np.ones(60_000), 0.3, random_state=s) for s in (0, 0)
    )
    assert first == again
    small = fitted_curves(logistic_path, *table(40_000)[:2], table(40_000)[2], np.ones(40_000), 0.3, random_state=0)
    assert np.abs(first.raw_scores(matrix) - small.raw_scores(matrix)).mean() < 0.1


def test_a_lack_and_a_level_of_few_rows_say_nothing_by_themselves():
    matrix, names, _hits = table()
    matrix[:5, 1] = np.nan
    matrix[:5, 2] = 2
    matrix[5:, 2] = np.where(matrix[5:, 2] == 2, 1, matrix[5:, 2])
    basis = Basis(matrix, names)
    assert basis.lacks == [True, False, False, False]
    assert basis.kept[2].tolist() == [0, 1]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_one_row_has_the_bits_of_many(n_rows, seed):
    rng = np.random.default_rng(seed)
    curves = tuple(
        Curve(tuple(np.unique(rng.normal(size=k)).tolist()), tuple(rng.normal(size=k).tolist()), rng.normal())
        if k
        else Curve((), tuple(rng.normal(size=3).tolist()), 0.0)
        for k in rng.integers(0, 7, 30)
    )
    additive = Additive(rng.normal(), curves)
    matrix = np.where(rng.random((n_rows, 30)) < 0.2, np.nan, rng.normal(size=(n_rows, 30)) * 2)
    matrix[:, [j for j, c in enumerate(curves) if not c.knots]] = rng.integers(
        0, 4, (n_rows, sum(not c.knots for c in curves))
    )
    many = additive.raw_scores(matrix)
    assert np.array_equal(many, [additive.raw_scores(row[None])[0] for row in matrix])


def test_what_is_read_is_what_was_written():
    assert Additive.from_json(json.loads(json.dumps(BY_HAND.to_json()))) == BY_HAND


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": "x"}, "needs base and curves"),
        ({"curves": [{"knots": [1, 0], "values": [0, 0], "missing": 0}]}, "knots must rise"),
        ({"curves": [{"knots": [1, 2], "values": [0], "missing": 0}]}, "knots must rise"),
        ({"curves": [{"knots": [], "values": [0], "missing": float("nan")}]}, "must be finite"),
    ],
)
def test_what_is_no_additive_model_is_refused(change, message):
    with pytest.raises(BundleError, match=message):
        Additive.from_json({**BY_HAND.to_json(), **change})
