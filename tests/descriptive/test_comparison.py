import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxml.descriptive.comparison import compared, holm
from cxml.descriptive.indicators import nps
from cxml.errors import ConfigError
from cxml.schema.frames import COMPARISONS


def answers(month, scores, *, instrument="nps", first=0):
    return [
        {"customer_id": f"c{first + i}", "response_time": f"2024-{month:02}-15", "instrument": instrument, "score": x}
        for i, x in enumerate(scores)
    ]


@pytest.fixture
def customers():
    return [{"customer_id": f"c{i}", "segment": "even" if i % 2 == 0 else "odd"} for i in range(400)]


def row(frame, indicator, group="all"):
    (found,) = frame[(frame["indicator"] == indicator) & (frame["group"] == group)].itertuples()
    return found


def test_a_change_is_after_less_before_with_its_answers(company, customers):
    surveys = [*answers(1, [10, 9, 3, 8]), *answers(2, [10, 9, 10], first=100)]
    frame = compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02")
    assert list(frame.columns) == [column.name for column in COMPARISONS.columns]
    found = row(frame, "nps")
    assert (found.n_before, found.n_after, found.value_before, found.value_after) == (4, 3, 25, 100)
    assert found.difference == 75


def test_other_customers_in_each_period_are_two_samples(company, customers):
    before, after = [1, 2, 5, 6, 7, 7, 7], [5, 3, 4, 4, 1, 2]
    surveys = [*answers(1, before, instrument="ces"), *answers(2, after, instrument="ces", first=100)]
    found = row(compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02"), "ces")
    expected = stats.ttest_ind(after, before, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_a_change_of_nps_has_half_of_the_three_answers_more_in_each_period(company, customers):
    surveys = [*answers(1, [9] * 60 + [0] * 40), *answers(2, [9] * 70 + [7] * 10 + [0] * 20, first=200)]
    found = row(compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02"), "nps")
    p, d, q, e = 60.375 / 101.5, 40.375 / 101.5, 70.375 / 101.5, 20.375 / 101.5
    half = 1.959964 * math.sqrt((p + d - (p - d) ** 2 + q + e - (q - e) ** 2) / 101.5)
    change = (q - e) - (p - d)
    assert found.difference == pytest.approx(30)
    assert (found.low, found.high) == pytest.approx((100 * (change - half), 100 * (change + half)), abs=1e-4)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(change / (half / 1.959964)), rel=1e-5)


def test_the_same_customers_are_compared_with_themselves(company, customers):
    rng = np.random.default_rng(1)
    mood = rng.normal(size=300)
    scores = [np.clip(np.round(4 + 1.5 * mood + 0.5 * rng.normal(size=300) + up), 1, 7) for up in (0, 0.2)]
    surveys = [*answers(1, scores[0], instrument="ces"), *answers(2, scores[1], instrument="ces")]
    found = row(compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02"), "ces")
    assert found.p_value == pytest.approx(stats.ttest_rel(scores[1], scores[0]).pvalue)
    assert found.p_value < 1e-3 < 0.05 < stats.ttest_ind(scores[1], scores[0]).pvalue


def test_a_group_without_answers_in_one_of_the_periods_is_not_compared(company, customers):
    surveys = [*answers(1, [10, 9, 3, 8]), *answers(2, [10], first=100)]
    frame = compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02", ["segment"])
    assert list(frame["group"]) == ["all", "even"]
    assert math.isnan(row(frame, "nps", "even").p_value)  # one customer in the second period
    assert math.isnan(row(frame, "nps", "even").p_holm)


def test_the_p_values_of_a_grouping_are_adjusted_together(company, customers):
    rng = np.random.default_rng(2)
    surveys = [*answers(1, rng.integers(0, 11, 90)), *answers(2, rng.integers(3, 11, 90), first=90)]
    surveys += [
        *answers(1, rng.integers(1, 6, 90), instrument="csat"),
        *answers(2, rng.integers(1, 6, 90), instrument="csat"),
    ]
    frame = compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02", ["segment"])
    assert frame.groupby("by").size().to_dict() == {"all": 2, "segment": 4}
    for _, rows in frame.groupby("by"):
        least = rows["p_value"].idxmin()
        assert frame["p_holm"][least] == pytest.approx(min(1, len(rows) * frame["p_value"][least]))
        assert (rows["p_holm"] >= rows["p_value"]).all()


def test_holms_adjustment_of_known_p_values():
    # ranked .005 x 4, .01 x 3, .03 x 2, .04 x 1; the last is raised to the one before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, math.nan, 0.5]) == pytest.approx([0.02, math.nan, 0.5], nan_ok=True)
    assert holm([0.7, 0.9]) == pytest.approx([1, 1])
    assert holm([]).size == 0


def test_a_change_that_is_there_is_found_and_one_that_is_not_is_not(company, customers):
    surveys = [*answers(1, [9] * 100 + [5] * 100), *answers(2, [9] * 160 + [5] * 40, first=200)]
    surveys += [*answers(1, [4, 2] * 50, instrument="csat"), *answers(2, [4, 2] * 50, instrument="csat", first=100)]
    frame = compared(company(customers=customers, surveys=surveys).tables, "2024-01", "2024-02")
    assert row(frame, "nps").p_holm < 0.001
    assert row(frame, "nps").low > 0
    assert row(frame, "csat").p_holm == 1
    assert nps(100, 0, 100).value == row(frame, "nps").value_before


def test_periods_that_overlap_are_refused(company, customers):
    tables = company(customers=customers, surveys=answers(1, [9, 8])).tables
    with pytest.raises(ConfigError, match="must not overlap; '2024' and '2024-02' do"):
        compared(tables, "2024", "2024-02")
    with pytest.raises(ConfigError, match="'month' is no group to compare"):
        compared(tables, "2024-01", "2024-02", ["month"])
    with pytest.raises(ConfigError, match="no indicator has answers in both 2024-01 and 2024-02"):
        compared(tables, "2024-01", "2024-02")


def test_the_other_way_round_is_the_opposite(company, customers):
    surveys = [*answers(1, [9, 9, 8, 2, 3, 10]), *answers(2, [1, 9, 8, 2, 3, 0, 4], first=3)]
    tables = company(customers=customers, surveys=surveys).tables
    there, back = compared(tables, "2024-01", "2024-02"), compared(tables, "2024-02", "2024-01")
    pd.testing.assert_series_equal(there["difference"], -back["difference"])
    pd.testing.assert_series_equal(there["low"], -back["high"], check_names=False)
    pd.testing.assert_series_equal(there["p_value"], back["p_value"])
