"""What customers answered after a moment of their own: the first answer, in points, when the wait is over."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from cxml.config.labels import NpsLabel
from cxml.descriptive.answers_after import answers_after

DAY = timedelta(days=1)
US = timedelta(microseconds=1)
MOMENT = datetime(2024, 5, 1)
NOW = datetime(2024, 7, 1)


def answer(when, score, *, customer_id="ada", instrument="nps", **more):
    return {"customer_id": customer_id, "response_time": str(when), "instrument": instrument, "score": score, **more}


def points(company, surveys, *, moments=(("ada", MOMENT),), days=30, as_of="2024-07-01", customers=None, **label):
    tables = {"surveys": list(surveys)} | ({"customers": customers} if customers else {})
    at = pd.DataFrame(moments, columns=["customer_id", "as_of"])
    found = answers_after(company(as_of=as_of, **tables).tables, NpsLabel(**label), at, days=days)
    assert found.columns.tolist() == ["customer_id", "as_of", "known_time", "label"]
    keys = zip(found["customer_id"], found["as_of"].dt.to_pydatetime(), strict=True)
    return dict(zip(keys, zip(found["label"], found["known_time"].dt.to_pydatetime(), strict=True), strict=True))


@pytest.mark.parametrize(("score", "expected"), [(0, -100), (6, -100), (7, 0), (8, 0), (9, 100), (10, 100)])
def test_an_answer_is_a_class_in_points_known_when_the_days_are_over(company, score, expected):
    assert points(company, [answer("2024-05-10", score)]) == {("ada", MOMENT): (expected, MOMENT + 30 * DAY)}


@pytest.mark.parametrize(
    ("when", "counts"),
    [(MOMENT - US, False), (MOMENT, True), (MOMENT + 30 * DAY - US, True), (MOMENT + 30 * DAY, False)],
)
def test_the_days_hold_their_first_moment_and_not_their_end(company, when, counts):
    assert bool(points(company, [answer(when, 9)])) is counts


def test_the_first_answer_counts(company):
    surveys = [answer("2024-05-20", 10), answer("2024-05-10", 3), answer("2024-04-30", 10)]
    assert points(company, surveys)["ada", MOMENT][0] == -100


def test_an_answer_that_became_known_after_the_days_does_not_count(company):
    late = answer("2024-05-10", 9, known_time="2024-05-31")
    assert points(company, [late]) == {}
    assert points(company, [late | {"known_time": "2024-05-30 23:59"}]) == {("ada", MOMENT): (100, MOMENT + 30 * DAY)}


def test_nobody_is_asked_before_the_days_are_over(company):
    surveys = [answer("2024-06-02", 9)]
    assert points(company, surveys, moments=[("ada", NOW - 30 * DAY)]) != {}
    assert points(company, surveys, moments=[("ada", NOW - 30 * DAY + US)]) == {}


def test_other_instruments_and_missing_scores_are_no_answers(company):
    surveys = [answer("2024-05-05", 5, instrument="csat"), answer("2024-05-06", None), answer("2024-05-07", 9)]
    assert points(company, surveys)["ada", MOMENT][0] == 100
    both = points(company, surveys, instrument=["nps", "csat"])
    assert both["ada", MOMENT][0] == 100  # 5 of 5 is a promoter, and came first


def test_answers_after_many_moments_are_those_of_a_plain_loop(company):
    rng = np.random.default_rng(0)
    customers = [{"customer_id": f"c{i}"} for i in range(30)]
    surveys = [
        answer(
            datetime(2024, 1, 1) + int(rng.integers(0, 180 * 24)) * timedelta(hours=1),
            int(rng.integers(0, 11)) if rng.random() < 0.8 else None,
            customer_id=f"c{rng.integers(0, 30)}",
        )
        for _ in range(150)
    ]
    moments = sorted(
        {(f"c{rng.integers(0, 30)}", datetime(2024, 1, 1) + int(rng.integers(0, 180)) * DAY) for _ in range(120)}
    )
    expected = {}
    for who, moment in moments:
        given = sorted(
            (row["response_time"], row["score"])
            for row in surveys
            if row["customer_id"] == who
            and row["score"] is not None
            and moment <= datetime.fromisoformat(row["response_time"]) < moment + 20 * DAY
        )
        if given and moment + 20 * DAY <= NOW:
            score = given[0][1]
            expected[who, moment] = (-100.0 if score <= 6 else 0.0 if score <= 8 else 100.0, moment + 20 * DAY)
    assert len(expected) > 15
    assert points(company, surveys, moments=moments, days=20, customers=customers) == expected


def test_an_answer_in_a_column_counts_of_every_moment(company):
    customers = [
        {"customer_id": "ada", "mood": 9},
        {"customer_id": "bob", "mood": None},
        {"customer_id": "eve", "mood": 2},
    ]
    moments = [("ada", MOMENT), ("ada", MOMENT + DAY), ("bob", MOMENT), ("eve", MOMENT)]
    at = pd.DataFrame(moments, columns=["customer_id", "as_of"])
    tables = company(as_of="2024-07-01", customers=customers).tables
    found = answers_after(tables, NpsLabel(column="mood"), at, days=30)
    assert found["customer_id"].tolist() == ["ada", "ada", "eve"]
    assert found["label"].tolist() == [100.0, 100.0, -100.0]
    assert set(found["known_time"]) == {pd.Timestamp(NOW)}
