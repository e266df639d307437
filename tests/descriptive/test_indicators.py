import math
import statistics
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multinomial

from cxml.descriptive.indicators import ces, csat, nps, nps_class, sentiment_shares, smiley, stars
from cxml.errors import ConfigError, SchemaError


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter")],
)
@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64"])
def test_class_boundaries(score, expected, dtype):
    assert nps_class(pd.Series([score], dtype=dtype)).item() == expected


def test_classes_are_ordered_and_keep_the_index():
    classes = nps_class(pd.Series([9, 0, 7], index=["c3", "c1", "c2"]))
    assert classes.index.tolist() == ["c3", "c1", "c2"]
    assert classes.sort_values().tolist() == ["detractor", "passive", "promoter"]
    assert classes.dtype == pd.CategoricalDtype(["detractor", "passive", "promoter"], ordered=True)


def test_a_missing_answer_stays_missing():
    assert nps_class(pd.Series([None, 10.0])).tolist() == [pytest.approx(float("nan"), nan_ok=True), "promoter"]
    assert nps_class(pd.Series([], dtype="float64")).empty


def test_the_answers_are_not_changed():
    scores = pd.Series([3.0, None])
    nps_class(scores)
    pd.testing.assert_series_equal(scores, pd.Series([3.0, None]))


def test_an_answer_off_the_scale_names_the_row_and_the_remedy():
    with pytest.raises(SchemaError, match=r"1 of 2 rows.*row 'c2' has 87.*scale"):
        nps_class(pd.Series([9, 87], index=["c1", "c2"]))


@pytest.mark.parametrize("score", [-1, 11, 7.5, float("inf")])
def test_only_whole_points_from_0_to_10_are_answers(score):
    with pytest.raises(SchemaError, match=r"1 of 2 rows"):
        nps_class(pd.Series([score, 5]))


def test_a_row_is_named_by_its_plain_number():
    with pytest.raises(SchemaError, match=r"2 of 3 rows are not \(first: row 1 has 87\)"):
        nps_class(pd.Series([9, 87, -3], index=[0, 1, 2]))


def test_the_score_and_walds_interval_of_fifty_answers():
    # 10 detractors, 10 passives, 30 promoters: .6 - .2 = .4; sqrt((.8 - .16) / 50) = .113137; x 1.959964 = .221745
    found = nps(10, 10, 30, method="wald")
    assert (found.value, found.low, found.high, found.n) == pytest.approx((40, 17.8255, 62.1745, 50), abs=1e-4)


def test_the_score_and_the_adjusted_interval_of_fifty_answers():
    # p = 30.75 / 53, d = 10.75 / 53: .377358; sqrt((.783019 - .142399) / 53) = .109942; x 1.959964 = .215482
    found = nps(10, 10, 30)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((40, 16.1876, 59.2840, 50), abs=1e-3)


@pytest.mark.parametrize("counts", [(20, 30, 50), (3, 1, 2), (0, 7, 1), (400, 0, 600)])
def test_walds_interval_is_that_of_the_mean_of_minus_one_nought_and_one(counts):
    answers = [-100] * counts[0] + [0] * counts[1] + [100] * counts[2]
    half = statistics.NormalDist().inv_cdf(0.975) * statistics.pstdev(answers) / len(answers) ** 0.5
    mean = statistics.fmean(answers)
    found = nps(*counts, method="wald")
    assert found.value == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((max(mean - half, -100), min(mean + half, 100)))


def exact_coverage(n, shares, method):
    """Return how often the interval of n answers holds the true score, over all counts that can come."""
    true, covered = 100 * (shares[2] - shares[0]), 0.0
    for d, p in product(range(n + 1), repeat=2):
        if d + p <= n:
            found = nps(d, n - d - p, p, method=method)
            covered += multinomial.pmf([d, n - d - p, p], n, shares) * (found.low <= true <= found.high)
    return covered


SHARES = [(0.2, 0.3, 0.5), (0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.45, 0.1, 0.45), (0.05, 0.25, 0.7)]


@pytest.mark.parametrize("n", [10, 20])
def test_walds_interval_of_few_answers_is_too_narrow_and_the_adjusted_one_is_not(n):
    wald = [exact_coverage(n, shares, "wald") for shares in SHARES]
    adjusted = [exact_coverage(n, shares, "adjusted_wald") for shares in SHARES]
    assert np.mean(wald) < 0.93
    assert np.mean(adjusted) == pytest.approx(0.95, abs=0.015)
    assert min(adjusted) > 0.93


@pytest.mark.parametrize("method", ["wald", "adjusted_wald"])
@pytest.mark.parametrize("shares", SHARES[:4])
def test_nineteen_of_twenty_intervals_hold_the_true_score(shares, method):
    draws = np.random.default_rng(5).multinomial(300, shares, size=4_000)
    true = 100 * (shares[2] - shares[0])
    intervals = [nps(*map(int, counts), method=method) for counts in draws]
    covered = np.mean([found.low <= true <= found.high for found in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)  # 4 standard errors of a share of 4,000


@pytest.mark.parametrize("counts", [(0, 0, 40), (40, 0, 0), (0, 40, 0), (0, 0, 2)])
def test_answers_that_are_all_alike_are_at_the_end_of_the_scale_and_no_interval_leaves_it(counts):
    found = nps(*counts)
    assert found.value == 100 * (counts[2] - counts[0]) / sum(counts)
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.low < found.high


def test_one_answer_has_a_score_and_no_interval():
    found = nps(0, 0, 1)
    assert found.value == 100
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert str(found) == "+100.0 [unknown] (n = 1)"


def test_no_answer_has_no_score():
    with pytest.raises(SchemaError, match="at least one answer"):
        nps(0, 0, 0)


def test_an_indicator_is_written_with_its_sign_its_interval_and_its_size():
    # sqrt((.5 - .25) / 1200) x 196 = 2.83
    assert str(nps(600, 600, 0, method="wald")) == "-50.0 [-52.8, -47.2] (n = 1,200)"


def test_csat_is_the_share_of_the_two_best_of_five_answers():
    # 3 of 5; (3 + 1.9207) / 8.8415 = 0.55655; 1.95996 * sqrt(0.55655 * 0.44345 / 8.8415) = 0.32746
    found = csat(pd.Series([1, 3, 4, 5, None, 5.0]))
    assert (found.value, found.n) == (0.6, 5)
    assert (found.low, found.high) == pytest.approx((0.22909, 0.88401), abs=1e-4)
    assert str(found) == "60.0% [22.9%, 88.4%] (n = 5)"


def test_ces_is_the_mean_or_the_share_of_those_who_agree():
    scores = pd.Series([1.0, 4, 5, 6, 7])
    assert ces(scores).value == 4.6
    assert ces(scores, share=True).value == 0.6  # 5, 6 and 7


@pytest.mark.parametrize("function", [stars, smiley])
def test_stars_and_smileys_are_means_of_five_or_shares_of_the_two_best(function):
    scores = pd.Series([1, 2, 4, 5])
    assert function(scores).value == 3
    assert function(scores, share=True).value == 0.5


def test_an_interval_does_not_leave_the_scale():
    found = ces(pd.Series([7.0, 7, 7, 1]))
    assert (found.low, found.high) == (1, 7)


def test_who_answers_again_and_again_widens_the_interval():
    scores, customers = pd.Series([5, 5, 5, 5, 1, 1, 1, 1, None]), pd.Series(list("aaaabbbba"))
    once, again = csat(scores), csat(scores, customers)
    assert once.value == again.value == 0.5
    assert again.high - again.low > once.high - once.low


def test_a_score_off_the_scale_of_its_instrument_is_refused():
    with pytest.raises(SchemaError, match=r"csat score must be from 1 to 5; 2 of 4 rows are not \(first: row 1 has 10"):
        csat(pd.Series([5, 10, 0, None]))
    with pytest.raises(SchemaError, match="at least one answer"):
        stars(pd.Series([None, None], dtype="float64"))


def test_a_sentiment_near_nought_is_neutral():
    shares = sentiment_shares(pd.Series([-1, -0.06, -0.05, 0, 0.05, 0.051, 0.9, 0.4, None, None]))
    assert [share.value for share in shares] == [2 / 8, 3 / 8, 3 / 8]
    assert [share.n for share in shares] == [8, 8, 8]
    with pytest.raises(SchemaError, match="sentiment must be from -1 to 1; 1 of 2 rows is not"):
        sentiment_shares(pd.Series([0.5, 80]))


@pytest.mark.parametrize("counts", [(-1, 0, 5), (1.5, 0, 5), (math.nan, 0, 5), (math.inf, 0, 5)])
def test_what_counts_nothing_has_no_score(counts):
    with pytest.raises(SchemaError, match=r"^nps needs counts of answers, whole numbers from 0 on; n_detractors is "):
        nps(*counts)


def test_a_method_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"^method: must be one of adjusted_wald, wald; it is 'foo'"):
        nps(1, 2, 3, method="foo")


def test_lists_are_answers_too():
    assert csat([5, 4, 3, None], ["a", "b", "c", "d"]) == csat(pd.Series([5.0, 4, 3]), pd.Series(["a", "b", "c"]))


@pytest.mark.parametrize(
    ("scores", "customers", "says"),
    [
        (pd.Series([5, 1], index=[0, 1]), pd.Series(["a", "b"], index=[1, 0]), "customers: must have the index of the"),
        ([5, 1], ["a"], "customers: must have the index of the csat scores, row by row; it has another"),
        ([5, 1], ["a", None], "customers: must not be missing where there is a csat score; 1 of 2 rows is not"),
        (["good", 1], None, r"csat score must be from 1 to 5; 1 of 2 rows is not \(first: row 0 has 'good'\)"),
    ],
)
def test_answers_and_customers_that_do_not_go_together_are_refused(scores, customers, says):
    with pytest.raises(SchemaError, match=says):
        csat(scores, customers)


def test_rows_of_one_name_are_rows_of_their_own():
    scores = pd.Series([9, 4, 2, 7], index=[0, 0, 1, 1])
    with pytest.raises(SchemaError, match=r"2 of 4 rows are not \(first: row 0 has 9\)"):
        csat(scores)
