import numpy as np
import pytest

from cxml.predictive.measures import customer_likeness, ece, ece_floor, equal_mass_bins, perfect_outcomes


def two(p):
    return np.column_stack([1 - np.asarray(p), p])


def heads(rng, n):
    return 1 / (1 + np.exp(1 - 1.2 * rng.normal(size=n)))


def test_bins_have_equal_weight_and_keep_rows_of_one_score_together():
    assert equal_mass_bins(np.array([0.3, 0.1, 0.2, 0.4]), np.ones(4), 2).tolist() == [1, 0, 0, 1]
    assert equal_mass_bins(np.array([0.1, 0.2, 0.3]), np.array([2.0, 1.0, 1.0]), 2).tolist() == [0, 1, 1]
    assert equal_mass_bins(np.array([0.1, 0.5, 0.5, 0.5]), np.ones(4), 4).tolist() == [0, 1, 1, 1]


def test_ece_by_hand():
    # two bins of two rows: said .15 on average, came true .5; said .75, came true .5
    p, y = two([0.1, 0.2, 0.7, 0.8]), np.array([0, 1, 1, 0])
    assert ece(y, p, np.ones(4), n_bins=2) == pytest.approx((0.35 + 0.25) / 2)
    # the last two rows count double: still .25 off, now in two thirds of the weight
    assert ece(y, p, np.array([1.0, 1.0, 2.0, 2.0]), n_bins=2) == pytest.approx((0.35 + 2 * 0.25) / 3)


def test_ece_is_that_of_a_plain_loop_over_tenths():
    rng = np.random.default_rng(0)
    p = heads(rng, 1_000)
    y = (rng.random(1_000) < p).astype(int)
    order = np.argsort(p)
    expected = sum(abs(y[part].mean() - p[part].mean()) / 10 for part in np.split(order, 10))
    assert ece(y, two(p), np.ones(1_000)) == pytest.approx(expected)


def test_ece_of_three_classes_is_the_mean_over_each_against_the_rest():
    rng = np.random.default_rng(1)
    p = rng.dirichlet([2, 1, 1], 600)
    y = (rng.random(600)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    each = [ece((y == k).astype(int), two(p[:, k]), np.ones(600)) for k in range(3)]
    assert ece(y, p, np.ones(600)) == pytest.approx(np.mean(each))


def test_the_floor_of_one_bin_is_the_mean_error_of_a_binomial_share():
    # 400 rows of p = .2: the share misses by .8 standard deviations on average, sqrt(2 / pi) x sqrt(.16 / 400)
    y = np.zeros(400, dtype=int)
    floor = ece_floor(y, two(np.full(400, 0.2)), np.ones(400))
    sd = np.sqrt(0.16 / 400)
    assert floor.mean == pytest.approx(np.sqrt(2 / np.pi) * sd, rel=0.1)
    assert floor.high == pytest.approx(1.96 * sd, rel=0.1)


def test_the_floor_of_three_classes_is_that_of_drawing_them():
    rng = np.random.default_rng(2)
    p = rng.dirichlet([2, 1, 1], 500)
    drawn = [(rng.random(500)[:, None] > p.cumsum(axis=1)).sum(axis=1) for _ in range(300)]
    found = [ece(y, p, np.ones(500)) for y in drawn]
    floor = ece_floor(drawn[0], p, np.ones(500))
    assert floor.mean == pytest.approx(np.mean(found), rel=0.04)
    assert floor.high == pytest.approx(np.quantile(found, 0.95), rel=0.06)


def test_rows_of_one_customer_raise_the_floor_as_far_as_they_are_alike():
    # Ten rows a customer with one p and one outcome tell as much as one row: sqrt(10) times the error.
    rng = np.random.default_rng(3)
    p = np.repeat(heads(rng, 400), 10)
    customers = np.repeat(np.arange(400), 10)
    one_fate = (np.repeat(rng.random(400), 10) < p).astype(int)
    alone = (rng.random(4_000) < p).astype(int)
    independent = ece_floor(alone, two(p), np.ones(4_000)).mean
    assert ece_floor(one_fate, two(p), np.ones(4_000), customers).mean == pytest.approx(
        np.sqrt(10) * independent, rel=0.1
    )
    assert ece_floor(alone, two(p), np.ones(4_000), customers).mean == pytest.approx(independent, rel=0.1)


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0])
def test_the_likeness_that_made_the_outcomes_is_found(truth):
    rng = np.random.default_rng(4)
    customers = np.repeat(np.arange(3_000), 4)
    p = two(np.clip(np.repeat(heads(rng, 3_000), 4) * rng.uniform(0.8, 1.2, 12_000), 0, 1))
    outcome = next(perfect_outcomes(p, customers, truth, n_simulations=1, rng=rng))
    assert customer_likeness(outcome, p, np.ones(12_000), customers) == pytest.approx(truth, abs=0.05)


def test_customers_with_one_row_each_are_not_alike():
    p = heads(np.random.default_rng(5), 50)
    assert customer_likeness(np.ones(50, dtype=int), two(p), np.full(50, 0.3), np.arange(50)) == 0.0


def test_a_perfect_model_passes_its_floor_and_a_bent_one_does_not():
    outside = {"perfect": 0, "bent": 0}
    for seed in range(50):
        rng = np.random.default_rng(seed)
        p = np.repeat(heads(rng, 700), 3)
        customers, weight = np.repeat(np.arange(700), 3), rng.gamma(4, 0.25, 2_100)
        y = next(perfect_outcomes(two(p), customers, 0.4, n_simulations=1, rng=rng))
        for name, said in [("perfect", p), ("bent", p**1.5)][: 2 if seed < 5 else 1]:
            floor = ece_floor(y, two(said), weight, customers, random_state=seed)
            outside[name] += ece(y, two(said), weight) > floor.high
    assert outside["perfect"] <= 7  # 5% of 50 is 2.5; more than 7 happens once in 300
    assert outside["bent"] == 5
