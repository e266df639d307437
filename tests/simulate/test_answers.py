import numpy as np
import pytest

from cxml.simulate.answers import NPS_THRESHOLDS, answer, nps_probabilities


@pytest.mark.parametrize("satisfaction", [-2.0, -0.5, 0.0, 0.35, 1.2])
def test_class_probabilities_are_the_frequencies_of_scores(satisfaction):
    n = 40_000
    scores = answer(np.full(n, satisfaction), NPS_THRESHOLDS, np.random.default_rng(2))
    observed = np.array([(scores <= 6).mean(), ((scores == 7) | (scores == 8)).mean(), (scores >= 9).mean()])
    expected = nps_probabilities(np.array([satisfaction]))[0]
    assert np.abs(observed - expected).max() < 4 * np.sqrt(0.25 / n)


def test_scores_use_the_whole_scale():
    scores = answer(np.linspace(-5, 3, 5_000), NPS_THRESHOLDS, np.random.default_rng(2))
    assert set(scores.tolist()) == set(range(11))


def test_a_happier_customer_is_likelier_a_promoter_and_less_likely_a_detractor():
    p = nps_probabilities(np.linspace(-3, 3, 50))
    assert (np.diff(p[:, 0]) < 0).all()
    assert (np.diff(p[:, 2]) > 0).all()
    assert p.sum(axis=1) == pytest.approx(np.ones(50))
