import numpy as np
import pytest
from sklearn import metrics

from cxml.predictive.measures import macro_f1, nps_error, qwk

RNG = np.random.default_rng(0)
P = RNG.dirichlet([2, 1, 1], 400)
Y = (RNG.random(400)[:, None] > P.cumsum(axis=1)).sum(axis=1)
WEIGHT = RNG.integers(0, 4, 400).astype(float)


def certain(named):
    return np.eye(3)[named]


def test_qwk_is_scikit_learns_of_the_most_probable_class():
    expected = metrics.cohen_kappa_score(Y, P.argmax(axis=1), weights="quadratic", sample_weight=WEIGHT)
    assert qwk(Y, P, WEIGHT) == pytest.approx(expected)


def test_qwk_by_hand():
    # Named 0, 2 where 0, 0 came true, and 2 where 2 did. Squared distance 4 of three pairs; of independent pairs,
    # P(true 0) P(named 2) x 4 + P(true 2) P(named 0) x 4 = 4 x (2/3 x 2/3 + 1/3 x 1/3) = 20/9 a pair.
    assert qwk(np.array([0, 0, 2]), certain([0, 2, 2]), np.ones(3)) == pytest.approx(1 - (4 / 3) / (20 / 9))


def test_qwk_is_unknown_where_one_class_is_all_there_is():
    assert np.isnan(qwk(np.zeros(3, dtype=int), certain([0, 0, 0]), np.ones(3)))


def test_macro_f1_is_scikit_learns_of_the_most_probable_class():
    expected = metrics.f1_score(Y, P.argmax(axis=1), average="macro", sample_weight=WEIGHT)
    assert macro_f1(Y, P, WEIGHT) == pytest.approx(expected)


def test_macro_f1_leaves_out_a_class_that_neither_came_true_nor_was_named():
    # class 0: 2 x 1 / (2 + 1), class 2: 2 x 1 / (1 + 2); nobody speaks of class 1
    assert macro_f1(np.array([0, 0, 2]), certain([0, 2, 2]), np.ones(3)) == pytest.approx(2 / 3)


def test_nps_error_by_hand():
    # predicted NPS 100 x mean(.5 - .2, .1 - .6) = -10; answered: one promoter, one detractor, 0
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert nps_error(np.array([2, 0]), p, np.ones(2)) == pytest.approx(-10)


def test_nps_error_is_weighted():
    # the promoter counts three times: predicted 100 x (3 x .3 - .5) / 4 = 10, answered 100 x (3 - 1) / 4 = 50
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert nps_error(np.array([2, 0]), p, np.array([3.0, 1.0])) == pytest.approx(-40)
