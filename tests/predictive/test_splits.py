import numpy as np
import pandas as pd
import pytest

from cxml.errors import TrainingError
from cxml.predictive.splits import customer_folds, future_split


def labels(n_days: int, outcome_after: int) -> pd.DataFrame:
    as_of = pd.date_range("2024-01-01", periods=n_days, freq="D")
    return pd.DataFrame({"as_of": as_of, "known_time": as_of + pd.Timedelta(days=outcome_after)})


def test_rows_whose_outcome_the_cutoff_did_not_know_are_in_neither_part():
    split = future_split(labels(401, outcome_after=60), test_share=0.25, label="renewal")
    assert split.cutoff == np.datetime64("2024-10-27")  # day 300 of 0..400
    assert split.test.tolist() == list(range(300, 401))
    assert split.train.tolist() == list(range(240))  # day 239 is known on day 299, the day before the cutoff
    assert split.cutoff_time.isoformat() == "2024-10-27T00:00:00"


def test_an_outcome_known_at_the_cutoff_is_not_yet_known():
    split = future_split(labels(401, outcome_after=0), test_share=0.25, label="renewal")
    assert split.train.max() == 299


def test_of_overlapping_horizons_those_that_end_by_the_cutoff_are_learnt_from():
    moments = pd.date_range("2024-01-01", periods=9, freq="30D").repeat(60)
    ends = moments + pd.Timedelta(days=90) - pd.Timedelta(microseconds=1)
    split = future_split(pd.DataFrame({"as_of": moments, "known_time": ends}), test_share=0.25, label="renewal")
    assert split.cutoff == moments[6 * 60]
    assert split.train.tolist() == list(range(4 * 60))  # the horizon of the fourth moment ends at the seventh
    assert split.test.tolist() == list(range(6 * 60, 9 * 60))


def test_too_short_a_history_says_how_many_rows_there_are():
    with pytest.raises(
        TrainingError, match=r"labels.renewal: .* at least 50 rows known before 2024-05-29 .* 29 and 51"
    ):
        future_split(labels(200, outcome_after=120), test_share=0.25, label="renewal")


def test_no_customer_is_in_two_folds_and_every_row_in_one():
    rng = np.random.default_rng(0)
    customers, classes = rng.integers(0, 60, 600), rng.integers(0, 2, 600)
    seen = []
    for train, test in customer_folds(classes, customers, n_folds=4, random_state=0):
        assert not set(customers[train]) & set(customers[test])
        seen += test.tolist()
    assert sorted(seen) == list(range(600))


def test_folds_are_the_same_for_the_same_seed():
    classes = np.arange(100) % 2
    first, again = ([t.tolist() for _, t in customer_folds(classes, None, n_folds=4, random_state=7)] for _ in range(2))
    assert first == again
