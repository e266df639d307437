import numpy as np
import pytest
from scipy.special import expit, softmax

from cxml.predictive.calibration import fitted_temperature, probabilities


def test_three_classes_are_the_softmax_of_the_scaled_scores():
    raw = np.random.default_rng(0).normal(size=(50, 3)) * 5
    np.testing.assert_allclose(probabilities(raw, 1.7), softmax(raw / 1.7, axis=1), rtol=1e-12)


def test_two_classes_are_the_logistic_function_of_the_scaled_score():
    raw = np.array([[-800.0], [-1.0], [0.0], [2.0], [800.0]])
    found = probabilities(raw, 2.0)
    np.testing.assert_allclose(found[:, 1], expit(raw[:, 0] / 2), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_one_row_has_the_bits_of_many():
    raw = np.random.default_rng(1).normal(size=(1_001, 3)) * 3
    many = probabilities(raw, 1.3)
    assert np.array_equal(np.vstack([probabilities(row[None], 1.3) for row in raw]), many)


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_classes_is_found(truth):
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(40_000, 3)) * 3
    p = softmax(raw / truth, axis=1)
    classes = (rng.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1)
    assert fitted_temperature(raw, classes) == pytest.approx(truth, rel=0.03)


def test_the_fit_is_the_best_of_a_grid():
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(500, 1))
    classes = (rng.random(500) < expit(raw[:, 0] / 1.6)).astype(int)
    grid = np.geomspace(0.2, 5, 2_001)
    loss = [-np.log(probabilities(raw, t)[np.arange(500), classes]).mean() for t in grid]
    assert fitted_temperature(raw, classes) == pytest.approx(grid[np.argmin(loss)], rel=2e-3)
