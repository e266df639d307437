import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from cxml.predictive.measures import (
    absolute_error,
    money_measured,
    rank_correlation,
    squared_error,
    top_tenth,
    total_ratio,
)

RNG = np.random.default_rng(0)
N = 400
EXPECTED = RNG.gamma(1, 50, N).round(-1)  # rounded: there are ties
ACTUAL = np.where(RNG.random(N) < 0.5, RNG.gamma(1, 2 * EXPECTED + 1), 0.0).round()
WEIGHT = RNG.integers(0, 4, N).astype(float)
ONES = np.ones(N)


def repeated(values):
    return np.repeat(values, WEIGHT.astype(int))


def test_errors_are_scikit_learns():
    assert absolute_error(ACTUAL, EXPECTED, WEIGHT) == pytest.approx(
        metrics.mean_absolute_error(ACTUAL, EXPECTED, sample_weight=WEIGHT)
    )
    assert squared_error(ACTUAL, EXPECTED, WEIGHT) == pytest.approx(
        metrics.root_mean_squared_error(ACTUAL, EXPECTED, sample_weight=WEIGHT)
    )


def test_rank_correlation_is_scipys_ties_included():
    assert rank_correlation(ACTUAL, EXPECTED, ONES) == pytest.approx(stats.spearmanr(ACTUAL, EXPECTED).statistic)


def test_a_row_of_weight_two_is_two_rows():
    for measure in (absolute_error, squared_error, total_ratio, rank_correlation, top_tenth):
        twice = measure(repeated(ACTUAL), repeated(EXPECTED), np.ones(int(WEIGHT.sum())))
        assert measure(ACTUAL, EXPECTED, WEIGHT) == pytest.approx(twice)


def test_rank_correlation_is_that_of_chance_where_the_same_is_said_of_all():
    assert rank_correlation(ACTUAL, np.full(N, 7.0), ONES) == rank_correlation(ACTUAL, np.full(N, 7.0), WEIGHT) == 0
    assert np.isnan(rank_correlation(np.full(N, 7.0), EXPECTED, ONES))


def test_total_ratio_by_hand():
    came, said = np.array([0.0, 10.0, -2.0]), np.array([1.0, 5.0, 0.0])
    assert total_ratio(came, said, np.ones(3)) == pytest.approx(6 / 8)
    assert total_ratio(came, said, np.array([1.0, 2.0, 0.0])) == pytest.approx(11 / 20)
    assert np.isnan(total_ratio(np.zeros(3), said, np.ones(3)))


def test_the_top_tenth_by_hand():
    came, said = np.arange(20.0), np.arange(20.0)
    assert top_tenth(came, said, np.ones(20)) == pytest.approx((19 + 18) / 190)
    assert top_tenth(came, -said, np.ones(20)) == pytest.approx(1 / 190)


def test_rows_on_the_edge_of_the_tenth_count_by_their_part():
    # 20 rows, so 2 are the tenth; the highest is one of 5 of whom the same is expected: each counts by 2/5.
    came, said = np.array([10.0] * 5 + [1.0] * 15), np.array([9.0] * 5 + [1.0] * 15)
    assert top_tenth(came, said, np.ones(20)) == pytest.approx(5 * 10 * 0.4 / 65)
    assert top_tenth(came, np.ones(20), np.ones(20)) == pytest.approx(0.1)


def test_everything_is_measured_with_an_interval_that_holds_the_value():
    found = money_measured(ACTUAL, EXPECTED, np.arange(N), base=40.0)
    assert [m.name for m in found] == [
        "mae", "rmse", "total_ratio", "spearman", "top_tenth", "base_mae", "base_rmse",
    ]  # fmt: skip
    assert all(m.low <= m.value <= m.high for m in found)
    by_name = {m.name: m.value for m in found}
    assert by_name["mae"] == pytest.approx(np.abs(ACTUAL - EXPECTED).mean())
    assert by_name["base_rmse"] == pytest.approx(np.sqrt(((ACTUAL - 40) ** 2).mean()))


def test_the_interval_of_the_total_holds_a_right_total_in_19_of_20_companies():
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        customers = np.repeat(np.arange(100), 3)  # the rows of a customer share what they bring
        mean = rng.gamma(2, 10, 300)
        came = mean * np.repeat(rng.gamma(2, 0.5, 100), 3)
        ratio = {m.name: m for m in money_measured(came, mean, customers, base=20.0, random_state=seed)}["total_ratio"]
        held += ratio.low <= 1 <= ratio.high
    assert 88 <= held <= 100
