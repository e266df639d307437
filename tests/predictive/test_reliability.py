import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from cxml.predictive.measures import ece, ece_floor
from cxml.predictive.reliability import reliability, share_interval


def company(seed, n_customers=500, months=4, likeness=0.4, off=None):
    """Return a company whose probabilities are right but for the log-odds by which one segment is off."""
    rng = np.random.default_rng(seed)
    n = n_customers * months
    who = np.repeat(np.arange(n_customers), months)
    log_odds = (rng.normal(size=n_customers) * 1.2 - 1)[who] + 0.3 * rng.normal(size=n)
    segment = rng.choice(["basic", "family", "gold", "young"], p=[0.5, 0.25, 0.15, 0.1], size=n_customers)[who]
    month = np.tile([f"2026-{m + 1:02d}" for m in range(months)], n_customers)
    truth = expit(log_odds + (0 if off is None else off * (segment == "gold")))
    luck = np.where(rng.random(n) < np.sqrt(likeness), rng.random(n_customers)[who], rng.random(n))
    groups = {"segment": segment, "month": month}
    return {
        "hits": (luck < truth).astype(int),
        "p": expit(log_odds),
        "weight": rng.gamma(4, 0.25, n),
        "customers": who,
        "groups": groups,
    }


def test_all_rows_have_the_error_and_the_floor_of_the_measures():
    given = company(0)
    found = reliability(**given).overall
    both = np.column_stack([1 - given["p"], given["p"]])
    rest = (given["hits"], both, given["weight"])
    floor = ece_floor(*rest, given["customers"])
    assert found.ece == pytest.approx(ece(*rest))
    assert (found.floor.mean, found.limit) == pytest.approx((floor.mean, floor.high), rel=0.06)
    assert found.limit == found.floor.high
    assert found.inside == (found.ece <= found.limit)


def test_bins_by_hand():
    # 200 rows, two bins: 100 of p = .2 of which 30 came true, 100 of p = .6 of which 60 did
    p, hits = np.repeat([0.2, 0.6], 100), np.repeat([1, 0, 1, 0], [30, 70, 60, 40])
    first, second = reliability(hits, p).overall.bins
    assert (first.n, first.predicted, first.observed) == pytest.approx((100, 0.2, 0.3))
    assert (second.n, second.predicted, second.observed) == pytest.approx((100, 0.6, 0.6))
    wilson = binomtest(30, 100).proportion_ci(method="wilson")
    assert (first.low, first.high) == pytest.approx((wilson.low, wilson.high))


def test_the_interval_of_a_share_counts_customers_and_not_their_rows():
    hits = np.repeat([1.0, 0.0], [30, 70])
    alone = share_interval(hits, np.ones(100), np.arange(100))
    assert share_interval(np.repeat(hits, 5), np.ones(500), np.repeat(np.arange(100), 5)) == pytest.approx(alone)


def test_the_interval_of_a_share_of_none_or_all_is_not_a_point():
    wilson = binomtest(0, 40).proportion_ci(method="wilson")
    assert share_interval(np.zeros(40), np.ones(40), np.arange(40)) == pytest.approx((0.0, wilson.high))
    assert share_interval(np.ones(40), np.ones(40), np.arange(40)) == pytest.approx((1 - wilson.high, 1.0))


def test_the_interval_of_a_share_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        who = rng.integers(0, 120, 400)
        hits = (np.where(rng.random(400) < 0.7, rng.random(120)[who], rng.random(400)) < 0.1).astype(float)
        low, high = share_interval(hits, rng.gamma(4, 0.25, 400), who)
        covered += low <= 0.1 <= high
    assert 180 <= covered <= 199  # 95% of 200 is 190


def test_of_perfect_models_one_in_twenty_is_flagged_over_all_its_groups():
    flagged = [bool(reliability(**company(seed, n_customers=300), random_state=seed).outside) for seed in range(70)]
    assert 0 < sum(flagged) <= 9  # 3.5 expected; none happens once in 35, more than 9 once in 300


def test_groups_share_one_error_so_that_each_alone_is_harder_to_accuse():
    found = reliability(**company(0))
    assert len(found.groups) == 8
    assert all(group.limit > group.floor.high for group in found.groups)


def test_a_segment_that_is_off_is_found_and_named():
    for seed in range(10):
        found = reliability(**company(seed, n_customers=1_500, off=0.9), random_state=seed)
        worst = found.outside[0]
        assert (worst.factor, worst.level) == ("segment", "gold")
        assert worst.observed > worst.predicted
        assert str(worst).startswith("segment gold: said 0.")
        assert "outside" in str(worst)


def test_a_row_without_a_level_is_in_no_group():
    given = company(1)
    segment = given["groups"]["segment"].astype(object)
    segment[:100] = None
    segment[100:150] = np.nan
    found = reliability(**{**given, "groups": {"segment": segment}})
    assert sum(group.n for group in found.groups) == len(segment) - 150
    assert found.overall.n == len(segment)


def test_small_groups_have_few_bins():
    found = reliability(**company(2, n_customers=250))
    n_bins = {group.level: len(group.bins) for group in found.groups if group.factor == "segment"}
    assert n_bins["basic"] > n_bins["young"] >= 1
    assert len(found.overall.bins) == 10


def test_the_same_rows_and_seed_give_the_same_verdict():
    assert reliability(**company(3), random_state=1) == reliability(**company(3), random_state=1)


def test_repeats_that_say_the_same_are_one():
    given = company(0)
    once = reliability(**given)
    twice = reliability(**(given | {"p": np.column_stack([given["p"], given["p"]])}))
    for one, two in zip((once.overall, *once.groups), (twice.overall, *twice.groups), strict=True):
        assert (two.n, two.ece, two.limit) == pytest.approx((one.n, one.ece, one.limit))
        assert [b.n for b in two.bins] == [b.n for b in one.bins]
        assert [b.observed for b in two.bins] == pytest.approx([b.observed for b in one.bins])
        assert [b.low for b in two.bins] == pytest.approx([b.low for b in one.bins])


def test_the_error_of_repeats_is_the_mean_of_each():
    given = company(1)
    other = np.clip(given["p"] + 0.03, 0, 1)
    each = [reliability(**(given | {"p": p})).overall.ece for p in (given["p"], other)]
    both = reliability(**(given | {"p": np.column_stack([given["p"], other])})).overall
    assert both.ece == pytest.approx(np.mean(each))
    assert both.predicted == pytest.approx(np.average((given["p"] + other) / 2, weights=given["weight"]))


def test_what_came_true_has_its_interval():
    found = reliability(np.repeat([1, 0], [30, 70]), np.full(100, 0.3)).overall
    wilson = binomtest(30, 100).proportion_ci(method="wilson")
    assert (found.observed, found.low, found.high) == pytest.approx((0.3, wilson.low, wilson.high))


def test_the_interval_holds_the_share_to_the_last_bit():
    for n in range(1, 400):
        low, high = share_interval(np.zeros(n), np.ones(n), np.arange(n))
        assert 0 <= low <= 0 <= high
        low, high = share_interval(np.ones(n), np.ones(n), np.arange(n))
        assert low <= 1 <= high <= 1
