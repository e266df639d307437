import numpy as np
import pytest

from cxml.predictive.health import HealthWeights, health

NAN = float("nan")


@pytest.mark.parametrize(
    ("risk", "detractor", "promoter", "expected"),
    [
        (0.0, 0.0, 1.0, 100.0),
        (1.0, 1.0, 0.0, 0.0),
        (0.5, 0.2, 0.6, 100 * (0.6 * 0.5 + 0.4 * 0.7)),
        (0.5, NAN, NAN, 50.0),  # staying alone
        (NAN, 0.2, 0.6, 70.0),  # advocacy alone
        (NAN, NAN, NAN, NAN),
    ],
)
def test_health_by_hand(risk, detractor, promoter, expected):
    found = health(np.array([risk]), np.array([detractor]), np.array([promoter]), HealthWeights(0.6, 0.4))
    np.testing.assert_allclose(found, [expected])


def test_only_the_ratio_of_the_weights_counts():
    arrays = np.array([0.3]), np.array([0.2]), np.array([0.5])
    np.testing.assert_allclose(health(*arrays, HealthWeights(3, 2)), health(*arrays, HealthWeights(0.6, 0.4)))


def test_health_falls_with_risk_and_detractors_and_rises_with_promoters():
    steps = np.linspace(0, 0.5, 11)
    flat = np.full(11, 0.3)
    weights = HealthWeights(0.6, 0.4)
    assert (np.diff(health(steps, flat, flat, weights)) < 0).all()
    assert (np.diff(health(flat, steps, flat, weights)) < 0).all()
    assert (np.diff(health(flat, flat, steps, weights)) > 0).all()
