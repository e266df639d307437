import numpy as np
import pytest

from cxml.predictive.uplift.estimates import clustered_mean, doubly_robust_effects, effect_groups, saved_share


def test_average_effect_of_a_table_worked_by_hand():
    # two treated (7 and 5 where 4 was expected), two untreated (1 and 3 where 2 was), all with propensity .5
    outcome, action = np.array([7.0, 5, 1, 3]), np.array([1, 1, 0, 0])
    effects = doubly_robust_effects(outcome, action, 1, np.full(4, 0.5), np.full(4, 4.0), np.full(4, 2.0))
    assert effects.tolist() == [2 + 3 / 0.5, 2 + 1 / 0.5, 2 + 1 / 0.5, 2 - 1 / 0.5]
    found = clustered_mean(effects, np.ones(4), np.arange(4))
    assert found.value == 4.0
    # deviations 4, 0, 0, -4: variance of the mean 32 / 16 * 4 / 3
    assert found.standard_error == pytest.approx(np.sqrt(32 / 16 * 4 / 3))
    assert found.high - found.low == pytest.approx(2 * 1.959964 * found.standard_error)


def test_doubly_robust_effects_equal_a_plain_loop_with_several_actions():
    rng = np.random.default_rng(0)
    n, k = 50, 2
    outcome, action, p = rng.normal(size=n), rng.integers(0, 4, n), rng.uniform(0.1, 0.9, n)
    treated, untreated = rng.normal(size=n), rng.normal(size=n)
    expected = []
    for i in range(n):
        effect = treated[i] - untreated[i]
        if action[i] == k:
            effect += (outcome[i] - treated[i]) / p[i]
        if action[i] == 0:
            effect -= (outcome[i] - untreated[i]) / p[i]
        expected.append(effect)
    assert doubly_robust_effects(outcome, action, k, p, treated, untreated) == pytest.approx(expected)


def test_customers_not_rows_are_independent():
    values = np.repeat([1.0, 3.0, 5.0], 10)
    found = clustered_mean(values, np.ones(30), np.repeat(np.arange(3), 10))
    assert found.standard_error == pytest.approx(clustered_mean(values[::10], np.ones(3), np.arange(3)).standard_error)


def test_weights_count_as_repeated_rows():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=40), rng.integers(1, 4, 40)
    repeated = clustered_mean(np.repeat(values, weight), np.ones(weight.sum()), np.repeat(np.arange(40), weight))
    found = clustered_mean(values, weight.astype(float), np.arange(40))
    assert (found.value, found.standard_error) == pytest.approx((repeated.value, repeated.standard_error))


def test_groups_are_fifths_by_prediction_and_hold_what_was_measured():
    said = np.arange(100.0)
    groups = effect_groups(said, 2 * said, np.ones(100), np.arange(100))
    assert [group.n for group in groups] == [20] * 5
    assert [group.predicted for group in groups] == pytest.approx([9.5, 29.5, 49.5, 69.5, 89.5])
    assert [group.measured for group in groups] == pytest.approx([19, 59, 99, 139, 179])
    assert len(effect_groups(np.zeros(10), np.arange(10.0), np.ones(10), np.arange(10))) == 1


def test_intervals_of_groups_cover_the_truth_in_95_percent():
    rng = np.random.default_rng(0)
    said = np.sort(rng.normal(size=400))
    true, held = 0.1 + 0.2 * said, []
    for _ in range(200):
        action = rng.integers(0, 2, 400)
        outcome = 1 + true * action + rng.normal(size=400)
        measured = doubly_robust_effects(outcome, action, 1, np.full(400, 0.5), 1 + true, np.full(400, 1.2))
        groups = effect_groups(said, measured, np.ones(400), np.arange(400))
        held += [group.low < part.mean() < group.high for group, part in zip(groups, np.split(true, 5), strict=True)]
    assert 0.93 < np.mean(held) < 0.97


def test_score_is_the_share_of_the_squared_distance_that_is_saved():
    measured = np.array([-2.0, -1, 1, 2])
    half = saved_share(measured / 2, measured, 0.0, np.ones(4), np.arange(4))
    assert half.value == pytest.approx(0.75)
    assert saved_share(np.zeros(4), measured, 0.0, np.ones(4), np.arange(4)).value == 0
    assert saved_share(-measured, measured, 0.0, np.ones(4), np.arange(4)).value == pytest.approx(-3)
