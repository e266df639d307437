import numpy as np
import pytest
from sklearn import metrics

from cxml.predictive.measures import brier, log_loss, rps

RNG = np.random.default_rng(0)
BINARY = RNG.dirichlet([2, 1], 400)
THREE = RNG.dirichlet([2, 1, 1], 400)
WEIGHT = RNG.integers(0, 4, 400).astype(float)


def draw(p):
    return (RNG.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1)


def test_log_loss_is_scikit_learns():
    y = draw(THREE)
    assert log_loss(y, THREE, WEIGHT) == pytest.approx(metrics.log_loss(y, THREE, sample_weight=WEIGHT), rel=1e-12)


def test_brier_of_two_classes_is_scikit_learns():
    y = draw(BINARY)
    expected = metrics.brier_score_loss(y, BINARY[:, 1], sample_weight=WEIGHT)
    assert brier(y, BINARY, WEIGHT) == pytest.approx(expected, rel=1e-12)


def test_brier_of_three_classes_by_hand():
    # (.2^2 + .3^2 + .5^2) / 2 where the last came true with .5; 1 where a certainty failed
    p = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    assert brier(np.array([2, 1]), p, np.ones(2)) == pytest.approx((0.19 + 1) / 2)


@pytest.mark.parametrize(
    ("p", "came_true", "expected"),
    [
        ([1.0, 0.0, 0.0], 0, 0.0),
        ([1.0, 0.0, 0.0], 2, 1.0),  # as wrong as can be
        ([1.0, 0.0, 0.0], 1, 0.5),  # one step beside
        ([0.2, 0.3, 0.5], 1, (0.2**2 + (0.5 - 1) ** 2) / 2),
    ],
)
def test_rps_by_hand(p, came_true, expected):
    assert rps(np.array([came_true]), np.array([p]), np.ones(1)) == pytest.approx(expected)


def test_rps_of_two_classes_is_the_brier_score():
    y = draw(BINARY)
    assert rps(y, BINARY, WEIGHT) == pytest.approx(brier(y, BINARY, WEIGHT))
