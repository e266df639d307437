from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from cxml.predictive.measures import (
    RetentionCosts,
    best_contact,
    empc,
    expected_profit,
    h_measure,
    profit_threshold,
)

RNG = np.random.default_rng(0)
SCORE = RNG.random(300).round(2)
Y = (RNG.random(300) < SCORE).astype(int)
WEIGHT = RNG.integers(0, 4, 300).astype(float)


def two(p):
    return np.column_stack([1 - np.asarray(p), p])


def thresholds(y, score, weight):
    """Return the share of all customers that are hits and misses above each threshold, in plain Python."""
    total = weight.sum()
    for t in [np.inf, *sorted(set(score))]:
        above = score >= t
        yield weight[above & (y == 1)].sum() / total, weight[above & (y == 0)].sum() / total


def integrated_empc(y, score, weight, costs):
    """Return EMPC by its definition: the best threshold of each acceptance rate, on a fine grid."""
    points = np.array(list(thresholds(y, score, weight)))
    delta, phi = costs.offer / costs.clv, costs.contact / costs.clv

    def profits(gamma):
        return costs.clv * (gamma * (1 - delta) - phi) * points[:, 0] - costs.clv * (delta + phi) * points[:, 1]

    def mean(value):
        density = stats.beta(costs.alpha, costs.beta).pdf
        return sum(
            integrate.quad(lambda g: value(g) * density(g), low, low + 0.05, limit=200)[0]
            for low in np.arange(0, 1, 0.05)
        )

    return mean(lambda g: profits(g).max())


@pytest.mark.parametrize("costs", [RetentionCosts(), RetentionCosts(clv=120, offer=25, contact=3, alpha=3, beta=5)])
def test_empc_is_its_definition_integrated_numerically(costs):
    expected = integrated_empc(Y, SCORE, WEIGHT, costs)
    assert empc(Y, two(SCORE), WEIGHT, costs=costs) == pytest.approx(expected, rel=1e-5)


def test_empc_is_the_figure_that_the_documentation_of_empulse_publishes():
    score = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]
    assert empc(np.array([0, 1] * 4), two(score), np.ones(8)) == pytest.approx(23.875593418348124, rel=1e-12)


def test_empc_of_a_perfect_ranking_by_hand():
    # Every churner is contacted but where fewer than 1 in 190 accept: half of (.3 x 190 - 1), nearly exactly.
    assert empc(np.array([1, 0]), two([0.9, 0.1]), np.ones(2)) == pytest.approx(0.5 * (0.3 * 190 - 1), rel=1e-6)


def test_empc_is_nought_where_contacting_can_never_pay():
    assert empc(Y, two(SCORE), WEIGHT, costs=RetentionCosts(clv=10, offer=10)) == 0.0


def test_the_threshold_is_where_contacting_begins_to_pay():
    # won 56, wasted 11: at p = 11/67 the two are even
    assert profit_threshold() == pytest.approx(11 / 67)
    assert profit_threshold(RetentionCosts(clv=11, contact=5)) == 1.0


def test_expected_profit_by_hand():
    y, p = np.array([1, 0, 1, 0]), two([0.9, 0.5, 0.1, 0.05])
    assert expected_profit(y, p, np.ones(4)) == pytest.approx((56 - 11) / 4)  # .9 and .5 are above 11/67
    assert expected_profit(y, p, np.ones(4), threshold=0.6) == pytest.approx(56 / 4)
    assert expected_profit(y, p, np.array([1.0, 1, 2, 1]), threshold=0.1) == pytest.approx((56 - 11 + 2 * 56) / 5)


def test_the_best_contact_is_the_best_of_all_thresholds():
    found = best_contact(Y, two(SCORE), WEIGHT)
    tried = [expected_profit(Y, two(SCORE), WEIGHT, threshold=t) for t in [*set(SCORE), np.inf]]
    assert found.profit == pytest.approx(max(tried))
    assert expected_profit(Y, two(SCORE), WEIGHT, threshold=found.threshold) == pytest.approx(found.profit)
    assert found.fraction == pytest.approx(WEIGHT[found.threshold <= SCORE].sum() / WEIGHT.sum())


def test_where_nobody_churns_nobody_is_contacted():
    found = best_contact(np.zeros(3, dtype=int), two([0.9, 0.5, 0.1]), np.ones(3))
    assert (found.threshold, found.fraction, found.profit) == (np.inf, 0.0, 0.0)


def integrated_h(y, score, weight, a, b):
    """Return the H-measure by its definition: the least loss over the thresholds, on a fine grid of costs."""
    points = np.array(list(thresholds(y, score, weight)))
    share = weight[y == 1].sum() / weight.sum()

    def mean(loss):
        steps = np.linspace(0, 1, 21)
        density = stats.beta(a, b).pdf
        return sum(
            integrate.quad(lambda c: loss(c) * density(c), low, high, limit=200)[0] for low, high in pairwise(steps)
        )

    model = mean(lambda c: (c * points[:, 1] + (1 - c) * (share - points[:, 0])).min())
    return 1 - model / mean(lambda c: min(c * (1 - share), (1 - c) * share))


@pytest.mark.parametrize("severity", [None, (2.0, 5.0)])
def test_h_measure_is_its_definition_integrated_numerically(severity):
    share = WEIGHT[Y == 1].sum() / WEIGHT.sum()
    expected = integrated_h(Y, SCORE, WEIGHT, *(severity or (1 + share, 2 - share)))
    assert h_measure(Y, two(SCORE), WEIGHT, severity=severity) == pytest.approx(expected, rel=1e-5)


def test_h_measure_is_the_figure_that_the_python_package_hmeasure_publishes():
    # Its README; by default it takes Beta(2, 1 + n0 / n1), as the R package does, and not that of the paper of 2014.
    rng = np.random.default_rng(66)
    y, score = rng.integers(low=0, high=2, size=10), rng.random(10)
    severity = (2.0, 1 + (y == 0).sum() / (y == 1).sum())
    assert h_measure(y, two(score), np.ones(10), severity=severity) == pytest.approx(0.18889596344769588, rel=1e-12)


@pytest.mark.parametrize(
    ("score", "expected"), [([0.1, 0.2, 0.8, 0.9], 1.0), ([0.5] * 4, 0.0), ([0.9, 0.8, 0.2, 0.1], 0.0)]
)
def test_h_measure_is_1_for_a_perfect_ranking_and_0_for_none_or_a_wrong_one(score, expected):
    assert h_measure(np.array([0, 0, 1, 1]), two(score), np.ones(4)) == pytest.approx(expected, abs=1e-12)


def test_h_measure_is_unknown_where_one_class_has_all_the_weight():
    assert np.isnan(h_measure(np.array([0, 1]), two([0.1, 0.9]), np.array([1.0, 0.0])))
