import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxml.descriptive.intervals import Overlap, difference, interval, sample_of

Z = stats.norm.ppf(0.975)
METHODS = {"adjusted_wald": (-1, 0, 1), "agresti_coull": (0, 1), "t": (1, 2, 3, 4, 5, 6, 7)}


def overlap_of(before, who_before, after, who_after):
    sums = np.zeros(4)
    for customer in set(who_before) & set(who_after):
        x1, x2 = (x[who == customer] for x, who in ((before, who_before), (after, who_after)))
        sums += (x1.sum() * x2.sum(), x1.sum() * len(x2), len(x1) * x2.sum(), len(x1) * len(x2))
    return Overlap(*sums)


def repeated(rng, n_customers, *, mood=None):
    """Draw readings of customers who answer 2.5 times on average, with a correlation of 0.6 within a customer."""
    who = np.repeat(np.arange(n_customers), rng.geometric(0.4, n_customers))
    mood = rng.normal(size=n_customers) if mood is None else mood
    return who, math.sqrt(0.6) * mood[who] + math.sqrt(0.4) * rng.normal(size=len(who))


def answered(method, reading):
    """Turn readings into answers: NPS +10 in truth, a share of 30%, a mean of 4."""
    if method == "adjusted_wald":
        return np.where(reading < stats.norm.ppf(0.3), -1, np.where(reading > stats.norm.ppf(0.6), 1, 0))
    if method == "agresti_coull":
        return reading > stats.norm.ppf(0.7)
    return np.clip(np.round(4 + 1.3 * reading), 1, 7)


TRUE = {"adjusted_wald": 0.1, "agresti_coull": 0.3, "t": 4.0}


def test_the_sums_of_answers_by_customer():
    # ada: 2 answers, sum 1; bob: 1 answer, sum 1; cy: 1 answer, sum -1
    sample = sample_of([1, 0, 1, -1], ["ada", "ada", "bob", "cy"])
    assert (sample.n, sample.n_customers, sample.total) == (4, 3, 1)
    assert (sample.squares, sample.products, sample.sizes) == (1 + 1 + 1, 2 + 1 - 1, 4 + 1 + 1)
    assert sample.effective_customers == pytest.approx(16 / 6)


def test_a_mean_of_customers_who_answer_once_has_the_interval_of_student():
    scores = [7, 5, 6, 2, 4, 7]
    expected = stats.t.interval(0.95, 5, np.mean(scores), stats.sem(scores))
    assert interval(sample_of(scores), "t") == pytest.approx(expected)


def test_a_share_has_the_interval_of_agresti_and_coull():
    # 7 of 10: p~ = (7 + 1.9207) / 13.8415 = 0.64449, half = 1.95996 * sqrt(0.64449 * 0.35551 / 13.8415) = 0.25217
    assert interval(sample_of([1] * 7 + [0] * 3), "agresti_coull") == pytest.approx((0.39232, 0.89666), abs=1e-5)


def test_the_adjusted_interval_of_nps_is_walds_of_three_answers_more():
    # 10, 10, 30 and 0.75, 1.5, 0.75: p = 30.75 / 53, d = 10.75 / 53; 0.37736 -+ 1.95996 * sqrt(0.64062 / 53)
    sample = sample_of([-1] * 10 + [0] * 10 + [1] * 30)
    assert interval(sample, "adjusted_wald") == pytest.approx((0.16187, 0.59285), abs=1e-4)
    assert interval(sample, "wald") == pytest.approx((0.178255, 0.621745), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_loop_over_customers_gives_the_same_interval(method):
    rng = np.random.default_rng(3)
    answers = rng.choice(METHODS[method], 60).astype(float)
    who = rng.integers(0, 25, 60)
    added = {
        "adjusted_wald": [(-1, 0.75), (0, 1.5), (1, 0.75)],
        "agresti_coull": [(0, Z**2 / 2), (1, Z**2 / 2)],
        "t": [],
    }
    n = 60 + sum(count for _, count in added[method])
    centre = (answers.sum() + sum(x * count for x, count in added[method])) / n
    spread = sum(count * (x - centre) ** 2 for x, count in added[method])
    sizes = []
    for customer in set(who.tolist()):
        theirs = answers[who == customer]
        sizes.append(len(theirs))
        spread += sum(theirs - centre) ** 2
    few = len(sizes) / (len(sizes) - 1)
    df = 60**2 / sum(size**2 for size in sizes) - 1
    if method != "t":
        few /= 60 / 59
        df = 1 / (1 / df - 1 / 59)
    half = stats.t.ppf(0.975, df) * math.sqrt(few * spread) / n
    assert interval(sample_of(answers, who), method) == pytest.approx((centre - half, centre + half))


@pytest.mark.parametrize("times", [2, 5])
def test_copies_of_every_answer_tell_nothing_new_of_a_mean(times):
    scores, who = np.array([7.0, 5, 6, 2, 4]), np.arange(5)
    copies = sample_of(np.tile(scores, times), np.tile(who, times))
    assert interval(copies, "t") == pytest.approx(interval(sample_of(scores), "t"))


@pytest.mark.parametrize("method", METHODS)
def test_one_customer_tells_no_interval_however_often_they_answer(method):
    assert np.isnan(interval(sample_of([1.0]), method)).all()
    assert np.isnan(interval(sample_of([1.0, 0.0, 1.0], ["ada"] * 3), method)).all()


@pytest.mark.parametrize("score", [6.0, 4.1])
def test_a_mean_of_answers_all_alike_has_no_interval_since_no_spread_was_seen(score):
    assert np.isnan(interval(sample_of([score] * 90), "t")).all()
    assert not np.isnan(interval(sample_of([1] * 90), "adjusted_wald")).any()


@pytest.mark.parametrize("n_customers", [25, 120])
@pytest.mark.parametrize("method", METHODS)
def test_intervals_of_customers_who_answer_several_times_hold_the_truth_as_often_as_they_say(method, n_customers):
    rng, covered, naive = np.random.default_rng(11), [], []
    for _ in range(1_500):
        who, reading = repeated(rng, n_customers)
        answers = answered(method, reading)
        low, high = interval(sample_of(answers, who), method)
        covered.append(low <= TRUE[method] <= high)
        low, high = interval(sample_of(answers), method)
        naive.append(low <= TRUE[method] <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.025)
    assert np.mean(naive) < 0.85  # the same answers, taken for as many customers


def test_a_difference_of_means_is_welchs_test():
    before, after = [7, 5, 6, 2, 4, 7], [3, 4, 2, 2, 5]
    found = difference(sample_of(before), sample_of(after), Overlap(), "t")
    expected = stats.ttest_ind(after, before, equal_var=False)
    assert (found.value, found.p_value) == pytest.approx((np.mean(after) - np.mean(before), expected.pvalue))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_a_difference_of_shares_is_that_of_agresti_and_caffo():
    # z^2 / 4 = 0.96036 successes and failures more in each: 8.96036 / 11.92073 and 2.96036 / 13.92073
    found = difference(sample_of([1] * 8 + [0] * 2), sample_of([1] * 2 + [0] * 10), Overlap(), "agresti_coull")
    p, q = 8.960365 / 11.920729, 2.960365 / 13.920729
    half = Z * math.sqrt(p * (1 - p) / 11.920729 + q * (1 - q) / 13.920729)
    assert (found.low, found.high) == pytest.approx((q - p - half, q - p + half), abs=1e-5)
    assert found.value == pytest.approx(2 / 12 - 8 / 10)
    assert found.p_value == pytest.approx(2 * stats.norm.sf((p - q) / (half / Z)), abs=1e-6)


@pytest.mark.parametrize("n_customers", [8, 400])
def test_customers_who_answer_in_both_periods_are_compared_with_themselves(n_customers):
    rng = np.random.default_rng(4)
    who, mood = np.arange(n_customers), rng.normal(size=n_customers)
    before, after = mood + rng.normal(size=n_customers), mood + 0.1 + rng.normal(size=n_customers)
    found = difference(sample_of(before, who), sample_of(after, who), overlap_of(before, who, after, who), "t")
    expected = stats.ttest_rel(after, before)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_changed_one_test_in_twenty_says_that_it_did(method):
    rng, wrong, blind = np.random.default_rng(7), [], []
    for _ in range(1_000):
        mood = rng.normal(size=60)
        (who_before, first), (who_after, second) = (repeated(rng, 60, mood=mood) for _ in range(2))
        before, after = answered(method, first), answered(method, second)
        overlap = overlap_of_counts(before, who_before, after, who_after, 60)
        samples = sample_of(before, who_before), sample_of(after, who_after)
        wrong.append(difference(*samples, overlap, method).p_value < 0.05)
        blind.append(difference(*samples, Overlap(), method).p_value < 0.05)
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.025)
    assert np.mean(blind) < 0.03  # who does not know that they are the same people sees less


def overlap_of_counts(before, who_before, after, who_after, n_customers):
    (s1, m1), (s2, m2) = (
        (np.bincount(who, x, n_customers), np.bincount(who, minlength=n_customers))
        for x, who in ((before, who_before), (after, who_after))
    )
    return Overlap(s1 @ s2, s1 @ m2, m1 @ s2, m1 @ m2)


@pytest.mark.parametrize("method", METHODS)
def test_a_period_of_one_customer_leaves_the_difference_without_interval(method):
    found = difference(sample_of([1.0]), sample_of([0.0, 1.0, 1.0]), Overlap(), method)
    assert found.value == pytest.approx(-1 / 3)
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_the_same_answers_of_the_same_people_tell_no_interval_of_their_change():
    scores, who = np.array([7.0, 5.0, 6.0]), np.arange(3)
    found = difference(sample_of(scores), sample_of(scores), overlap_of(scores, who, scores, who), "t")
    assert found.value == 0
    assert np.isnan([found.low, found.high, found.p_value]).all()


answers_of = st.integers(0, 6).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=n + 2)
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(METHODS)), answers_of, answers_of)
def test_values_lie_in_their_intervals_and_p_is_below_5_percent_where_0_does_not(method, first, second):
    samples, arrays = [], []
    for rows in (first, second):
        who = np.array([customer for customer, _ in rows])
        x = np.array([METHODS[method][answer % len(METHODS[method])] for _, answer in rows], dtype=float)
        samples.append(sample_of(x, who))
        arrays += [x, who]
        low, high = interval(samples[-1], method)
        assert math.isnan(low) or low - 1e-9 <= x.mean() <= high + 1e-9
    found = difference(*samples, overlap_of(*arrays), method)
    if not math.isnan(found.p_value) and abs(found.p_value - 0.05) > 1e-6:
        assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)
    back = difference(*reversed(samples), overlap_of(*arrays[2:], *arrays[:2]), method)
    assert (back.value, back.low, back.high, back.p_value) == pytest.approx(
        (-found.value, -found.high, -found.low, found.p_value), nan_ok=True
    )
