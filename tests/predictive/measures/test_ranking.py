import numpy as np
import pytest
from sklearn import metrics

from cxml.predictive.measures import auc, auc_ordinal, gain_curve, lift_at_10_percent, pr_auc

RNG = np.random.default_rng(0)
BINARY = RNG.dirichlet([2, 1], 400)
THREE = RNG.dirichlet([2, 1, 1], 400)
WEIGHT = RNG.integers(0, 4, 400).astype(float)


def draw(p):
    return (RNG.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1)


def two(p):
    return np.column_stack([1 - p, p])


def test_auc_of_two_classes_is_scikit_learns():
    y = draw(BINARY)
    assert auc(y, BINARY, WEIGHT) == pytest.approx(metrics.roc_auc_score(y, BINARY[:, 1], sample_weight=WEIGHT))


def test_auc_counts_ties_as_half():
    y, p = np.array([0, 1, 0, 1, 1]), np.array([0.2, 0.2, 0.5, 0.5, 0.9])
    # of the pairs (hit, miss): .2/.2 tie, .2/.5 lost, .5/.2 won, .5/.5 tie, .9/.2 won, .9/.5 won: 4 of 6
    assert auc(y, two(p), np.ones(5)) == pytest.approx(4 / 6)
    rounded = BINARY.round(1)
    drawn = draw(BINARY)
    expected = metrics.roc_auc_score(drawn, rounded[:, 1], sample_weight=WEIGHT)
    assert auc(drawn, rounded, WEIGHT) == pytest.approx(expected)


def test_auc_is_unknown_where_one_class_has_all_the_weight():
    y = np.array([0, 1, 1])
    assert np.isnan(auc(y, BINARY[:3], np.array([0.0, 1.0, 1.0])))


def test_auc_of_three_classes_is_scikit_learns_one_against_rest():
    y = draw(THREE)
    expected = metrics.roc_auc_score(y, THREE, multi_class="ovr", average="macro")
    assert auc(y, THREE, np.ones(400)) == pytest.approx(expected)


def test_ordinal_auc_is_the_mean_of_scikit_learns_at_the_two_steps():
    y = draw(THREE)
    steps = [
        metrics.roc_auc_score(y >= 1, THREE[:, 1] + THREE[:, 2], sample_weight=WEIGHT),
        metrics.roc_auc_score(y >= 2, THREE[:, 2], sample_weight=WEIGHT),
    ]
    assert auc_ordinal(y, THREE, WEIGHT) == pytest.approx(np.mean(steps))


def test_ordinal_auc_is_blind_to_the_middle_that_one_against_rest_asks_for():
    # An order without fault: P(promoter) and P(not detractor) rise with the class, P(passive) is the same for all.
    y, rank = np.repeat([0, 1, 2], 10), np.linspace(0, 1, 30)
    p = np.column_stack([0.7 - 0.6 * rank, np.full(30, 0.2), 0.1 + 0.6 * rank])
    assert auc_ordinal(y, p, np.ones(30)) == 1.0
    assert auc(y, p, np.ones(30)) == pytest.approx((1 + 0.5 + 1) / 3)


@pytest.mark.parametrize("decimals", [9, 1])
def test_pr_auc_is_scikit_learns_average_precision_with_and_without_ties(decimals):
    y, p = draw(BINARY), two(BINARY[:, 1].round(decimals))
    expected = metrics.average_precision_score(y, p[:, 1], sample_weight=WEIGHT)
    assert pr_auc(y, p, WEIGHT) == pytest.approx(expected)


def test_pr_auc_by_hand():
    # precision at the two hits is 1 and 2/3
    assert pr_auc(np.array([1, 0, 1, 0]), two(np.array([0.9, 0.8, 0.7, 0.1])), np.ones(4)) == pytest.approx(5 / 6)


def test_lift_by_hand():
    p = np.linspace(1, 0, 100)
    y = np.zeros(100, dtype=int)
    y[[0, 1, 2, 3, 50]] = 1  # 4 of the 5 hits in the first tenth: .4 against .05
    assert lift_at_10_percent(y, two(p), np.ones(100)) == pytest.approx(8.0)


def test_lift_counts_the_row_on_the_edge_by_its_part():
    p = np.array([0.9, 0.8, 0.1, 0.1, 0.1])
    y = np.array([1, 0, 0, 0, 1])  # a tenth of five rows is half the first: lift 1 / .4
    assert lift_at_10_percent(y, two(p), np.ones(5)) == pytest.approx(2.5)


def test_lift_of_the_same_p_for_all_is_1_in_any_order():
    y, p = np.array([1] * 5 + [0] * 15), two(np.full(20, 0.3))
    for order in (np.arange(20), np.arange(20)[::-1]):
        assert lift_at_10_percent(y[order], p, np.ones(20)) == pytest.approx(1.0)


def test_gain_and_lift_curve_by_hand():
    p = np.array([0.9, 0.7, 0.7, 0.2])
    y, weight = np.array([1, 1, 0, 0]), np.array([1.0, 1.0, 1.0, 2.0])
    curve = gain_curve(y, two(p), weight)
    np.testing.assert_allclose(curve.contacted, [0, 0.2, 0.6, 1])
    np.testing.assert_allclose(curve.found, [0, 0.5, 1, 1])
    np.testing.assert_allclose(curve.lift, [2.5, 2.5, 1 / 0.6, 1])


def test_the_gain_curve_holds_the_lift_at_ten_percent():
    y = draw(BINARY)
    curve = gain_curve(y, BINARY, WEIGHT)
    assert np.interp(0.1, curve.contacted, curve.found) / 0.1 == pytest.approx(lift_at_10_percent(y, BINARY, WEIGHT))
