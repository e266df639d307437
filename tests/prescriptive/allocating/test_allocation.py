"""The allocation against every combination, against HiGHS on a formulation of its own, and against known truth."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from cxml.prescriptive.allocating.allocation import EXACT_UP_TO, Fairness, Limit, allocation

INF = np.inf


def holds(chosen, worth, limits, fairness=()):
    """Return whether choices are possible and within every limit, added up in two ways, rates compared as fractions."""
    at = np.arange(len(chosen))
    if not np.isfinite(worth[at, chosen]).all():
        return False
    for limit in limits:
        use = limit.use[chosen] if limit.use.ndim == 1 else limit.use[at, chosen]
        if use.sum() > limit.amount or math.fsum(use) > limit.amount:
            return False
    for limit in fairness:
        rates = [
            Fraction(int(limit.options[chosen[limit.group == g]].sum()), int((limit.group == g).sum()))
            for g in set(limit.group[limit.group >= 0].tolist())
        ]
        if rates and max(rates) - min(rates) > Fraction(str(limit.max_difference)):
            return False
    return True


def best_of_all(worth, limits, fairness=()):
    """Return the value of the best of all combinations."""
    n, k = worth.shape
    at = np.arange(n)
    return max(
        worth[at, chosen].sum()
        for chosen in map(np.array, itertools.product(range(k), repeat=n))
        if holds(chosen, worth, limits, fairness)
    )


def optimum(worth, limits, fairness=()):
    """Return HiGHS's optimum: a variable for each pair, fairness for each two groups."""
    n, k = worth.shape
    possible = np.isfinite(worth).ravel()
    customer = np.repeat(np.arange(n), k)
    rows, low, high = [customer == i for i in range(n)], [1.0] * n, [1.0] * n
    for limit in limits:
        rows.append(np.broadcast_to(limit.use, (n, k)).ravel())
        low.append(-INF)
        high.append(limit.amount)
    for limit in fairness:
        get = np.tile(limit.options, n)
        for a, b in itertools.permutations(set(limit.group[limit.group >= 0].tolist()), 2):
            share_a, share_b = ((limit.group[customer] == g) / (limit.group == g).sum() for g in (a, b))
            rows.append(get * (share_a - share_b))
            low.append(-INF)
            high.append(limit.max_difference)
    found = milp(
        -np.where(possible, worth.ravel(), 0.0),
        integrality=np.ones(n * k),
        bounds=Bounds(0, possible.astype(float)),
        constraints=LinearConstraint(np.array(rows, dtype=float), low, high),
        options={"time_limit": 20},
    )
    return -found.fun


def instance(seed, n, k, *, fair=False):
    """Return worth (nothing last) and limits of every kind, some tight, some loose."""
    random = np.random.default_rng(seed)
    worth = random.gamma(2, 5, (n, k)) - random.gamma(2, 2, (n, k))
    if seed % 2:
        worth = np.round(worth)
    worth[random.random((n, k)) < 0.2] = -INF
    worth[:, -1] = 0.0
    uses = [random.gamma(2, 3, (n, k)), random.integers(0, 3, k).astype(float), (random.random(k) < 0.5).astype(float)]
    limits = []
    for i, use in enumerate(uses):
        use[..., -1] = 0.0
        best = worth.argmax(axis=1)
        all_use = (use[best] if use.ndim == 1 else use[np.arange(n), best]).sum()
        limits.append(Limit(f"limit {i}", float(np.round(all_use * random.choice([0.15, 0.5, 0.9, 2.0]), 2)), use))
    options = random.random(k) < 0.6
    options[-1] = False
    fairness = [Fairness("parity", random.integers(-1, 2, n), options, 0.2)] if fair else []
    return worth, k - 1, limits, fairness


@pytest.mark.parametrize("exact_up_to", [EXACT_UP_TO, 0], ids=["default", "lagrange"])
@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_of_few_combinations_the_best_is_found(seed, fair, exact_up_to):
    worth, nothing, limits, fairness = instance(seed, 6, 4, fair=fair)
    found = allocation(worth, nothing, limits, fairness, exact_up_to=exact_up_to)
    best = best_of_all(worth, limits, fairness)
    assert holds(found.chosen, worth, limits, fairness)
    assert found.value == pytest.approx(best, abs=1e-9)
    assert found.value <= found.bound
    assert found.gap == pytest.approx((found.bound - found.value) / found.bound if found.bound else 0.0)


@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_as_good_as_highs_and_nearly_so_by_prices_alone(seed, fair):
    worth, nothing, limits, fairness = instance(100 + seed, 60, 5, fair=fair)
    best = optimum(worth, limits, fairness)
    for exact_up_to, far in ((EXACT_UP_TO, 1e-4), (0, 5e-3)):
        found = allocation(worth, nothing, limits, fairness, exact_up_to=exact_up_to)
        assert holds(found.chosen, worth, limits, fairness)
        assert best * (1 - far) <= found.value <= best * (1 + 1e-6)
        assert found.bound >= best * (1 - 1e-6)


def test_where_everybodys_best_fits_it_is_taken_and_no_limit_has_a_price():
    worth = np.array([[3.0, 5.0, 0.0], [3.0, 3.0, 0.0], [-1.0, -INF, 0.0]])
    found = allocation(worth, 2, [Limit("hours", 9.0, np.array([1.0, 2.0, 0.0]))])
    # of the two options of the second customer that are worth the same, the first
    assert found.chosen.tolist() == [1, 0, 2]
    assert (found.value, found.bound, found.gap, found.method) == (8.0, 8.0, 0.0, "arbitration")
    assert (found.prices, found.used) == ({"hours": 0.0}, {"hours": 3.0})


def test_limits_that_are_not_there_leave_the_best_to_everybody():
    found = allocation(np.array([[1.0, 0.0], [-1.0, 0.0]]), 1, [])
    assert found.chosen.tolist() == [0, 1]


def test_worth_is_counted_from_zero_where_nothing_is_worth_something():
    # nothing is worth 4 to the first: an hour adds 1 there and 3 to the second
    worth = np.array([[5.0, 4.0], [3.0, 0.0]])
    found = allocation(worth, 1, [Limit("hours", 1.0, np.array([1.0, 0.0]))])
    assert (found.chosen.tolist(), found.value) == ([1, 0], 7.0)


def test_the_price_of_a_limit_is_what_one_more_unit_is_worth():
    random = np.random.default_rng(0)
    worth = np.column_stack([random.exponential(10, (20_000, 2)), np.zeros(20_000)])
    use = np.array([1.0, 2.0, 0.0])

    def value(hours):
        return allocation(worth, 2, [Limit("hours", hours, use), Limit("loose", 1e6, use)])

    low, at, high = value(4_900.0), value(5_000.0), value(5_100.0)
    assert (high.value - low.value) / 200 == pytest.approx(at.prices["hours"], rel=0.01)
    assert at.prices["loose"] == 0.0
    assert at.gap < 1e-5


def test_the_price_of_fairness_is_what_more_difference_is_worth():
    random = np.random.default_rng(1)
    n = 20_000
    group = random.integers(0, 2, n)
    worth = np.column_stack([random.exponential(10, n) * np.where(group == 0, 3.0, 1.0), np.zeros(n)])
    limits = [Limit("hours", 4_000.0, np.array([1.0, 0.0]))]

    def value(difference):
        return allocation(worth, 1, limits, [Fairness("parity", group, np.array([True, False]), difference)])

    low, at, high = value(0.09), value(0.1), value(0.11)
    assert (high.value - low.value) / 0.02 == pytest.approx(at.prices["parity"], rel=0.05)
    assert at.used["parity"] == pytest.approx(0.1, abs=1e-3)
    assert at.used["parity"] <= 0.1
    assert at.gap < 1e-4


def test_more_of_a_limit_never_lowers_the_bound_nor_the_value_of_the_exact_optimum():
    worth, nothing, limits, _ = instance(3, 40, 4)
    found = []
    for more in (0.2, 0.5, 0.8, 1.0, 1.5):
        changed = [Limit(limit.name, limit.amount * more, limit.use) for limit in limits]
        found.append(allocation(worth, nothing, changed))
    for less, more in itertools.pairwise(found):
        assert more.bound >= less.bound * (1 - 1e-6)
        assert more.value >= less.value * (1 - 1e-5)


def test_the_same_inputs_give_the_same_bytes_whatever_the_memory_order_or_the_threads(monkeypatch):
    worth, nothing, limits, fairness = instance(0, 60_000, 4, fair=True)
    first = allocation(worth, nothing, limits, fairness)
    monkeypatch.setattr("cxml.prescriptive.allocating.relaxation._THREADS", 1)
    turned = [Limit(x.name, x.amount, np.asfortranarray(x.use) if x.use.ndim == 2 else x.use) for x in limits]
    second = allocation(np.asfortranarray(worth), nothing, turned, fairness)
    assert first.chosen.tobytes() == second.chosen.tobytes()
    assert (first.prices, first.value, first.bound) == (second.prices, second.value, second.bound)
    assert holds(first.chosen, worth, limits, fairness)


def test_the_inputs_are_left_as_they_are():
    worth, nothing, limits, fairness = instance(1, 50, 4, fair=True)
    before = [worth.copy(), *(limit.use.copy() for limit in limits)]
    allocation(worth, nothing, limits, fairness)
    for kept, now in zip(before, [worth, *(limit.use for limit in limits)], strict=True):
        np.testing.assert_array_equal(kept, now)


def test_what_is_left_of_a_worth_is_the_worth_without_prices_and_ranks_the_options():
    worth = np.array([[9.0, 6.0, 0.0], [8.0, 1.0, 0.0], [-INF, -INF, 0.0]])
    found = allocation(worth, 2, [Limit("hours", 1.0, np.array([1.0, 0.0, 0.0]))])
    assert found.chosen.tolist() == [1, 0, 2]
    price = found.prices["hours"]
    # the hour goes where it adds 7; it is worth no less than the 3 it would add to the other
    assert 3.0 - 1e-6 <= price <= 7.0 + 1e-6
    np.testing.assert_allclose(found.nets(slice(0, 2)), [[9 - price, 6, 0], [8 - price, 1, 0]])
    ranking = found.ranking()
    assert ranking.runner_up.tolist()[2] == -1
    assert ranking.margin[0] == pytest.approx(6 - max(9 - price, 0))
    assert ranking.margin[2] == INF
