import statistics

import numpy as np
import pandas as pd
import pytest

from cxml.descriptive.indicators import nps, nps_class
from cxml.errors import SchemaError


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


def test_the_score_and_interval_of_fifty_answers():
    # 10 detractors, 10 passives, 30 promoters: .6 - .2 = .4; sqrt((.8 - .16) / 50) = .113137; x 1.959964 = .221745
    found = nps(10, 10, 30)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((40, 17.8255, 62.1745, 50), abs=1e-4)


@pytest.mark.parametrize("counts", [(20, 30, 50), (3, 1, 2), (0, 7, 1), (400, 0, 600)])
def test_the_interval_is_that_of_the_mean_of_minus_one_nought_and_one(counts):
    answers = [-100] * counts[0] + [0] * counts[1] + [100] * counts[2]
    half = statistics.NormalDist().inv_cdf(0.975) * statistics.pstdev(answers) / len(answers) ** 0.5
    mean = statistics.fmean(answers)
    found = nps(*counts)
    assert found.value == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((max(mean - half, -100), min(mean + half, 100)))


@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.45, 0.1, 0.45)])
def test_nineteen_of_twenty_intervals_hold_the_true_score(shares):
    draws = np.random.default_rng(5).multinomial(300, shares, size=4_000)
    true = 100 * (shares[2] - shares[0])
    intervals = [nps(*map(int, counts)) for counts in draws]
    covered = np.mean([found.low <= true <= found.high for found in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)  # 4 standard errors of a share of 4,000


@pytest.mark.parametrize(
    ("counts", "value"), [((0, 0, 40), 100), ((40, 0, 0), -100), ((0, 40, 0), 0), ((0, 0, 1), 100)]
)
def test_answers_that_are_all_alike_are_at_the_end_of_the_scale_and_no_interval_leaves_it(counts, value):
    found = nps(*counts)
    assert found.value == value
    assert -100 <= found.low <= value <= found.high <= 100


def test_no_answer_has_no_score():
    with pytest.raises(SchemaError, match="at least one answer"):
        nps(0, 0, 0)


def test_an_indicator_is_written_with_its_sign_its_interval_and_its_size():
    assert str(nps(600, 600, 0)) == "-50.0 [-52.8, -47.2] (n = 1,200)"  # sqrt((.5 - .25) / 1200) x 196 = 2.83
