"""Every kind of limit, with inputs that try to break it; and inputs that cannot be meant."""

import math

import numpy as np
import pytest

from cxml.errors import ConfigError
from cxml.prescriptive.allocating.allocation import EXACT_UP_TO, Fairness, Limit, allocation

INF, NAN = np.inf, np.nan
ONE = np.array([1.0, 0.0])

pytestmark = pytest.mark.parametrize("exact_up_to", [EXACT_UP_TO, 0], ids=["default", "lagrange"])


def gains(*values):
    """Return the worth of one action for each customer, beside nothing."""
    return np.column_stack([np.array(values, dtype=float), np.zeros(len(values))])


def test_one_customer_who_would_use_all_gives_way_to_many(exact_up_to):
    worth = gains(10, *[3] * 9)
    cost = np.column_stack([[9.0] + [1.0] * 9, np.zeros(10)])
    found = allocation(worth, 1, [Limit("budget", 9.0, cost)], exact_up_to=exact_up_to)
    assert (found.chosen.tolist(), found.value) == ([1] + [0] * 9, 27.0)


def test_a_choice_that_is_more_than_the_whole_limit_is_never_made(exact_up_to):
    found = allocation(gains(100, 1), 1, [Limit("hours", 2.0, np.array([[3.0, 0], [2, 0]]))], exact_up_to=exact_up_to)
    assert (found.chosen.tolist(), found.value, found.bound) == ([1, 0], 1.0, 1.0)


def test_a_limit_of_nothing_allows_nothing(exact_up_to):
    found = allocation(gains(5, 6), 1, [Limit("coupons", 0.0, ONE)], exact_up_to=exact_up_to)
    assert (found.chosen.tolist(), found.value, found.bound, found.used) == ([1, 1], 0.0, 0.0, {"coupons": 0.0})


@pytest.mark.parametrize(("amount", "n_fit"), [(1.0, 10), (0.9999999, 9), (1.1, 11)])
def test_tenths_are_added_up_as_they_are_stored(exact_up_to, amount, n_fit):
    use = np.array([0.1, 0.0])
    found = allocation(gains(*range(1, 21)), 1, [Limit("hours", amount, use)], exact_up_to=exact_up_to)
    assert np.count_nonzero(found.chosen == 0) == n_fit
    assert math.fsum(use[found.chosen]) <= amount


def test_of_equal_worth_as_many_are_served_as_there_is_capacity_for(exact_up_to):
    hours = Limit("hours", 333.0, np.array([1.0, 1.0, 0.0]))
    found = allocation(np.tile([5.0, 5.0, 0.0], (1_000, 1)), 2, [hours], exact_up_to=exact_up_to)
    assert (found.value, found.used) == (1_665.0, {"hours": 333.0})
    assert found.gap < 1e-6


@pytest.mark.parametrize("worths", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("uses", [1e-9, 1.0, 1e9])
def test_the_units_do_not_matter(exact_up_to, worths, uses):
    random = np.random.default_rng(0)
    worth, cost = random.gamma(2, 5, (50, 4)), random.gamma(2, 2, (50, 4))
    worth[:, 3] = cost[:, 3] = 0.0
    plain = allocation(worth, 3, [Limit("budget", 60.0, cost)], exact_up_to=exact_up_to)
    found = allocation(worth * worths, 3, [Limit("budget", 60.0 * uses, cost * uses)], exact_up_to=exact_up_to)
    assert found.used["budget"] <= 60.0 * uses
    assert found.value == pytest.approx(plain.value * worths, rel=1e-6)
    assert found.bound == pytest.approx(plain.bound * worths, rel=1e-4)
    assert found.prices["budget"] == pytest.approx(plain.prices["budget"] * worths / uses, rel=1e-2)


def test_great_and_small_worths_together_do_not_hide_each_other(exact_up_to):
    found = allocation(gains(1e9, 1e-9, 1e-9), 1, [Limit("hours", 2.0, ONE)], exact_up_to=exact_up_to)
    assert found.chosen[0] == 0
    assert np.count_nonzero(found.chosen == 0) == 2


def test_who_may_have_nothing_gets_nothing(exact_up_to):
    worth = np.full((3, 3), -INF)
    worth[:, 1] = 0.0
    found = allocation(worth, 1, [Limit("hours", 1.0, np.array([1.0, 0, 1]))], exact_up_to=exact_up_to)
    assert found.chosen.tolist() == [1, 1, 1]
    assert found.ranking().runner_up.tolist() == [-1, -1, -1]


def test_no_customer_is_no_allocation(exact_up_to):
    fairness = [Fairness("parity", np.zeros(0, dtype=int), np.array([True, False]), 0.1)]
    found = allocation(np.zeros((0, 2)), 1, [Limit("hours", 1.0, ONE)], fairness, exact_up_to=exact_up_to)
    assert (len(found.chosen), found.value, found.bound, found.gap) == (0, 0.0, 0.0, 0.0)
    assert len(found.ranking().margin) == 0


@pytest.mark.parametrize(("amount", "chosen"), [(1.0, 0), (0.5, 1)])
def test_one_customer_gets_what_fits(exact_up_to, amount, chosen):
    found = allocation(gains(7), 1, [Limit("hours", amount, ONE)], exact_up_to=exact_up_to)
    assert found.chosen.tolist() == [chosen]


def test_limits_on_the_same_options_all_hold(exact_up_to):
    # the phone allows 3, of them 1 call of an hour and 2 of a quarter; the hours allow 1.5
    worth = np.tile([10.0, 4.0, 0.0], (5, 1))
    limits = [Limit("phone", 3.0, np.array([1.0, 1, 0])), Limit("hours", 1.5, np.array([1.0, 0.25, 0]))]
    found = allocation(worth, 2, limits, exact_up_to=exact_up_to)
    assert (found.value, found.used) == (18.0, {"phone": 3.0, "hours": 1.5})


def test_an_unknown_use_of_what_a_customer_may_not_have_does_not_matter(exact_up_to):
    worth = np.array([[-INF, 0.0], [5.0, 0.0], [4.0, 0.0]])
    use = np.array([[NAN, 0.0], [1.0, 0.0], [1.0, 0.0]])
    found = allocation(worth, 1, [Limit("hours", 1.0, use)], exact_up_to=exact_up_to)
    assert found.chosen.tolist() == [1, 0, 1]


@pytest.mark.parametrize(("difference", "n_first"), [(1.0, 10), (0.5, 5), (0.1, 1), (0.0, 0)])
def test_groups_rates_stay_as_near_as_they_have_to(exact_up_to, difference, n_first):
    # only the first group gains; the second loses by the action, so that its rate stays zero
    worth = gains(*[5] * 10, *[-100] * 10)
    fairness = [Fairness("parity", np.repeat([0, 1], 10), np.array([True, False]), difference)]
    found = allocation(worth, 1, [], fairness, exact_up_to=exact_up_to)
    assert np.count_nonzero(found.chosen[:10] == 0) == n_first
    assert found.value == 5 * n_first


def test_a_group_that_loses_a_little_is_served_where_that_lets_another_gain_much(exact_up_to):
    worth = gains(*[5] * 10, *[-1] * 10)
    fairness = [Fairness("parity", np.repeat([3, 7], 10), np.array([True, False]), 0.2)]
    found = allocation(worth, 1, [], fairness, exact_up_to=exact_up_to)
    # all ten of the first, so eight at least of the second
    assert found.value == pytest.approx(50 - 8)
    assert found.used["parity"] == pytest.approx(0.2)


def test_an_empty_group_and_who_is_of_none_are_not_compared(exact_up_to):
    worth = gains(5, 5, 5, 5)
    fairness = [Fairness("parity", np.array([0, 0, 5, -1]), np.array([True, False]), 0.0)]
    found = allocation(worth, 1, [Limit("hours", 1.0, ONE)], fairness, exact_up_to=exact_up_to)
    assert found.chosen.tolist() == [1, 1, 1, 0]
    alone = [Fairness("parity", np.array([0, 0, -1, -1]), np.array([True, False]), 0.0)]
    found = allocation(worth, 1, [Limit("hours", 1.0, ONE)], alone, exact_up_to=exact_up_to)
    assert found.value == 5.0


def test_rates_are_compared_in_whole_customers(exact_up_to):
    # 8 and 7 of ten differ by a tenth, though .8 - .7 > .1 in floating point
    worth = gains(*[5] * 8, *[-99] * 2, *[5] * 7, *[-99] * 3)
    fairness = [Fairness("parity", np.repeat([0, 1], 10), np.array([True, False]), 0.1)]
    found = allocation(worth, 1, [], fairness, exact_up_to=exact_up_to)
    assert (found.value, found.method) == (75.0, "arbitration")


def test_limits_and_fairness_hold_together_on_many_alike(exact_up_to):
    n = 3_000
    group = np.arange(n) % 3
    worth = np.column_stack([np.where(group == 0, 9.0, 3.0), np.where(group == 1, 4.0, 2.0), np.zeros(n)])
    limits = [Limit("hours", 900.0, np.array([1.0, 0.5, 0])), Limit("calls", 700.0, np.array([1.0, 0, 0]))]
    fairness = [Fairness("parity", group, np.array([True, True, False]), 0.05)]
    found = allocation(worth, 2, limits, fairness, exact_up_to=exact_up_to)
    rates = [np.mean(found.chosen[group == g] < 2) for g in range(3)]
    assert max(rates) - min(rates) <= 0.05 + 1e-12
    assert found.used["hours"] <= 900.0
    assert found.used["calls"] <= 700.0
    assert found.gap < 0.01


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"worth": np.array([[NAN, 0.0], [1.0, 0.0]])}, r"worth: must be a number, or -inf.*1 of 2 rows is not.*row 0"),
        ({"worth": np.array([[INF, 0.0], [1.0, 0.0]])}, "worth: must be a number"),
        ({"worth": np.array([[1.0, -INF], [1.0, 0.0]])}, "worth of nothing: must be finite"),
        ({"worth": np.zeros(3)}, "worth: must have a row for each customer"),
        ({"nothing": 2}, "nothing: must be the column.*0 to 1, not 2"),
        ({"limits": [Limit("hours", -1.0, ONE)]}, "limit 'hours': amount must be a number >= 0, not -1.0"),
        ({"limits": [Limit("hours", NAN, ONE)]}, "limit 'hours': amount must be"),
        ({"limits": [Limit("hours", 1.0, -ONE)]}, "'hours': use must be a number >= 0; that of option 0 is -1.0"),
        ({"limits": [Limit("hours", 1.0, np.array([[1.0, 0.0], [NAN, 0.0]]))]}, "'hours': use: must be .* row 1 has"),
        ({"limits": [Limit("hours", 1.0, np.array([1.0, 1.0]))]}, r"nothing \(option 1\) must use nothing"),
        ({"limits": [Limit("hours", 1.0, np.ones(3))]}, r"use must have the shape \(2,\) or \(2, 2\), not \(3,\)"),
        ({"limits": [Limit("hours", 1.0, ONE)] * 2}, "limit 'hours': is there 2 times"),
        ({"fairness": [Fairness("f", np.array([0, 1]), np.array([True, False]), -0.1)]}, "'f': max_difference must be"),
        ({"fairness": [Fairness("f", np.array([0]), np.array([True, False]), 0.1)]}, "'f': group must be 2 whole"),
        ({"fairness": [Fairness("f", np.array([0, -2]), np.array([True, False]), 0.1)]}, "'f': group: must be >= 0"),
        ({"fairness": [Fairness("f", np.array([0, 1]), np.array([True, True]), 0.1)]}, r"nothing .* cannot be"),
        ({"fairness": [Fairness("f", np.array([0, 1]), np.array([1, 0]), 0.1)]}, "options must be 2 truth values"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_remedy(exact_up_to, changed, message):
    given = {"worth": gains(1, 2), "nothing": 1, "limits": [], "fairness": [], **changed}
    with pytest.raises(ConfigError, match=message):
        allocation(given["worth"], given["nothing"], given["limits"], given["fairness"], exact_up_to=exact_up_to)


def test_all_faults_are_told_together(exact_up_to):
    limits = [Limit("hours", -1.0, ONE), Limit("calls", 1.0, -ONE)]
    with pytest.raises(ConfigError, match=r"(?s)2 faults.*hours.*calls"):
        allocation(gains(1, 2), 1, limits, exact_up_to=exact_up_to)
