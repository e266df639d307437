import numpy as np
import pytest

from cxml.predictive.measures import RetentionCosts
from cxml.predictive.thresholds import thresholds

# Who is at risk earns .3 x (110 - 10) - 2 = 28, who is not costs 10 + 2 = 12: it pays from 12 / 40 = .3 on.
COSTS = RetentionCosts(clv=110, offer=10, contact=2)


def by_name(found):
    return {one.chosen_by: one for one in found}


def test_the_costs_decide_and_each_profit_is_worked_by_hand():
    p = np.array([0.1, 0.2, 0.35, 0.4, 0.6])[:, None]
    found = by_name(thresholds([0, 0, 0, 1, 1], p, list("abcde"), costs=COSTS))
    costs, half, everyone, hindsight = (found[name] for name in ("costs", "half", "everyone", "hindsight"))
    assert (costs.at, costs.contacted, costs.found) == pytest.approx((0.3, 0.6, 1.0))
    assert costs.profit.value == pytest.approx((28 + 28 - 12) / 5)
    assert (half.at, half.contacted, half.found, half.profit.value) == pytest.approx((0.5, 0.2, 0.5, 28 / 5))
    assert (everyone.contacted, everyone.profit.value) == pytest.approx((1.0, (56 - 36) / 5))
    assert (hindsight.at, hindsight.profit.value) == pytest.approx((0.4, 56 / 5))


def test_repeats_are_averaged_and_rows_are_weighted():
    p = np.array([[0.2, 0.4], [0.6, 0.6]])
    found = by_name(thresholds([0, 1], p, ["a", "b"], weight=[3.0, 1.0], costs=COSTS))
    # the first row, of weight 3, is contacted in one of two repeats
    assert found["costs"].contacted == pytest.approx((3 * 0.5 + 1) / 4)
    assert found["costs"].profit.value == pytest.approx((3 * 0.5 * -12 + 28) / 4)


def test_calibrated_probabilities_earn_most_at_the_threshold_of_the_costs():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 2, 40_000)
    lost = (rng.random(40_000) < p).astype(int)
    found = by_name(thresholds(lost, p[:, None], np.arange(40_000), costs=COSTS))
    assert found["costs"].profit.low > found["half"].profit.high
    assert found["costs"].profit.low > found["everyone"].profit.high
    assert found["hindsight"].at == pytest.approx(0.3, abs=0.05)
    assert found["hindsight"].profit.value >= found["costs"].profit.value


def test_where_contacting_never_pays_hindsight_contacts_nobody():
    found = by_name(thresholds([0, 0, 1], np.array([[0.9], [0.8], [0.1]]), list("abc"), costs=RetentionCosts(clv=20)))
    assert found["hindsight"].at == np.inf
    assert (found["hindsight"].contacted, found["hindsight"].profit.value) == (0, 0)


def test_the_interval_counts_customers_and_not_their_rows():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    lost = (rng.random(200) < p).astype(int)
    alone = thresholds(lost, p[:, None], np.arange(200))[0].profit
    five = thresholds(np.repeat(lost, 5), np.repeat(p, 5)[:, None], np.repeat(np.arange(200), 5))[0].profit
    assert (five.low, five.high) == pytest.approx((alone.low, alone.high))
