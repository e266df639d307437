import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from cxml.descriptive.breakdown import indicators
from cxml.descriptive.indicators import nps
from cxml.errors import ConfigError, SchemaError
from cxml.schema.frames import INDICATORS


def answer(customer, when, score, instrument="nps", **more):
    return {"customer_id": customer, "response_time": when, "instrument": instrument, "score": score, **more}


ANSWERS = [
    answer("ada", "2024-01-03", 10, touchpoint="call"),
    answer("ada", "2024-02-28", 9, touchpoint="visit"),
    answer("bob", "2024-01-31 23:59:59", 3, touchpoint="call"),
    answer("bob", "2024-02-01", 8, touchpoint=None),
    answer("bob", "2024-02-02", 5, "csat", touchpoint="call"),
]


def row(frame, indicator, group="all", period="all"):
    known = frame["group"].isna() if group is None else frame["group"] == group
    (found,) = frame[(frame["indicator"] == indicator) & known & (frame["period"] == period)].itertuples()
    return found


def test_everyone_comes_first_and_every_figure_has_its_answers_and_customers(company):
    frame = indicators(company(surveys=ANSWERS).tables)
    assert list(frame.columns) == [column.name for column in INDICATORS.columns]
    found = row(frame, "nps")
    # 2 promoters, 1 passive, 1 detractor: (2 - 1) / 4
    assert (found.by, found.unit, found.n, found.n_customers, found.value) == ("all", "points", 4, 2, 25)
    assert (row(frame, "csat").value, row(frame, "csat").n) == (1, 1)
    assert list(frame["indicator"]) == ["nps", "csat"]


def test_a_group_of_a_single_customer_is_shown_without_interval(company):
    found = row(indicators(company(surveys=ANSWERS).tables), "csat")
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_groups_are_those_of_the_answers_or_of_their_customers_and_unknown_ones_are_shown(company):
    frame = indicators(company(surveys=ANSWERS).tables, ["region", "touchpoint"])
    of_nps = frame[frame["indicator"] == "nps"]
    assert list(of_nps["by"]) == ["all", "region", "region", "touchpoint", "touchpoint", "touchpoint"]
    assert list(of_nps["group"].fillna("-")) == ["all", "north", "south", "call", "visit", "-"]
    assert list(of_nps["value"]) == [25, 100, -50, 0, 100, 0]
    assert list(of_nps["n"]) == [4, 2, 2, 2, 1, 1]


def test_an_answer_counts_in_the_month_it_was_given_in(company):
    frame = indicators(company(surveys=ANSWERS).tables, ["month", "region"])
    of_all = frame[(frame["indicator"] == "nps") & (frame["by"] == "all")]
    assert list(zip(of_all["period"], of_all["n"], of_all["value"], strict=True)) == [
        ("2024-01", 2, 0),
        ("2024-02", 2, 50),
    ]
    assert row(frame, "nps", "south", "2024-02").value == 0


def test_a_period_holds_its_first_moment_and_not_the_one_after_its_last(company):
    tables = company(surveys=ANSWERS).tables
    assert row(indicators(tables, period="2024-01"), "nps", period="2024-01").n == 2
    assert row(indicators(tables, period="2024-02-01:2024-02-27"), "nps", period="2024-02-01:2024-02-27").n == 1


def test_what_was_not_known_at_the_moment_of_the_data_does_not_count(company):
    late = [answer("ada", "2024-01-03", 10, known_time=None), answer("bob", "2024-01-04", 0, known_time="2024-01-20")]
    tables = company(surveys=late, as_of="2024-02-01").tables
    assert row(indicators(tables), "nps").n == 2
    earlier = replace(tables, as_of=datetime(2024, 1, 10))
    assert (row(indicators(earlier), "nps").n, row(indicators(earlier), "nps").value) == (1, 100)


def test_every_instrument_has_its_figures(company):
    answers = [
        answer("ada", "2024-01-01", 5, "stars"),
        answer("bob", "2024-01-01", 2, "stars"),
        answer("ada", "2024-01-01", 4, "smiley"),
        answer("ada", "2024-01-01", 5, "ces"),
        answer("bob", "2024-01-01", 4, "ces"),
    ]
    frame = indicators(company(surveys=answers).tables)
    values = dict(zip(frame["indicator"], frame["value"], strict=True))
    assert values == {"ces": 4.5, "ces_easy": 0.5, "stars": 3.5, "stars_top": 0.5, "smiley": 4, "smiley_top": 1}


def invitation(customer, sent, answered=None):
    return {
        "customer_id": customer,
        "sent_time": sent,
        "response_time": answered,
        "instrument": "nps",
        "score": None if answered is None else 9,
    }


def test_the_response_rate_is_of_invitations_that_had_two_weeks_to_be_answered(company):
    sent = [
        invitation("ada", "2024-01-01", "2024-01-05"),
        invitation("bob", "2024-01-31", "2024-02-20"),  # sent in January, whenever it was answered
        invitation("bob", "2024-01-20"),
        invitation("ada", "2024-02-14"),
        invitation("ada", "2024-02-20", "2024-02-21"),  # too young to count, answered or not
    ]
    tables = company(surveys=sent, as_of="2024-03-01").tables
    assert (row(indicators(tables), "response_rate").value, row(indicators(tables), "response_rate").n) == (0.5, 4)
    by_month = indicators(tables, ["month"])
    assert row(by_month, "response_rate", period="2024-01").value == pytest.approx(2 / 3)
    assert row(by_month, "response_rate", period="2024-02").value == 0


def test_a_table_of_answers_alone_has_no_response_rate(company):
    tables = company(surveys=[invitation("ada", "2024-01-01", "2024-01-05")]).tables
    assert "response_rate" not in set(indicators(tables)["indicator"])


def test_sentiment_of_comments_and_of_social_posts(company):
    answers = [answer("ada", "2024-01-01", 9, sentiment=x) for x in (0.8, -0.3, 0.0, None)]
    post = {"customer_id": "bob", "event_time": "2024-01-02", "event_type": "post", "channel": "social"}
    call = {"customer_id": "bob", "event_time": "2024-01-02", "event_type": "call", "channel": "phone"}
    events = [{**post, "sentiment": -1.0}, {**post, "sentiment": 0.5}, {**call, "sentiment": 1.0}]
    frame = indicators(company(surveys=answers, events=events).tables, ["channel"])
    third = pytest.approx(1 / 3)
    assert [row(frame, f"comments_{name}").value for name in ("negative", "neutral", "positive")] == [third] * 3
    assert row(frame, "comment_sentiment").value == pytest.approx(0.5 / 3)
    assert [row(frame, f"posts_{name}").value for name in ("negative", "neutral", "positive")] == [0.5, 0, 0.5]
    assert (row(frame, "brand_sentiment").value, row(frame, "brand_sentiment").n) == (-0.25, 2)
    assert row(frame, "brand_sentiment", "social").value == -0.25
    assert "nps" not in set(frame[frame["by"] == "channel"]["indicator"])  # the channel of an answer is not guessed


def test_a_sentiment_on_another_scale_is_refused(company):
    answers = [answer("ada", "2024-01-01", 9, sentiment=87.0), answer("ada", "2024-01-01", 9, sentiment=0.5)]
    with pytest.raises(SchemaError, match=r"surveys.sentiment: must be -1 to 1; 1 of 2 rows is not \(first: row 0"):
        indicators(company(surveys=answers).tables)


def term(customer, end, renewed, number=1):
    return {
        "customer_id": customer, "contract_id": f"{customer}{number}", "start_time": "2023-01-01", "end_time": end,
        "renewed": renewed,
    }  # fmt: skip


def test_renewals_are_of_terms_that_have_ended_and_whose_outcome_is_known(company):
    contracts = [
        term("ada", "2024-01-01", True),
        term("bob", "2024-01-02", False),
        term("bob", "2024-01-03", None, 2),
        term("ada", "2024-09-01", True, 2),  # not before the moment of the data
    ]
    frame = indicators(company(contracts=contracts, as_of="2024-02-01").tables, ["region"])
    assert (row(frame, "renewal_rate").value, row(frame, "renewal_rate").n) == (0.5, 2)
    assert row(frame, "renewal_rate", "south").value == 0


def test_customers_with_columns_named_like_those_of_answers_do_not_confuse_them(company):
    customers = [{"customer_id": "ada", "score": 1.0, "renewed": True, "instrument": "piano", "x": "a", "period": "b"}]
    frame = indicators(company(customers=customers, surveys=[answer("ada", "2024-01-01", 9)]).tables, ["x", "period"])
    assert row(frame, "nps", "a").value == row(frame, "nps", "b").value == 100


def test_a_plain_loop_over_the_answers_gives_the_same_figures(company):
    rng = np.random.default_rng(0)
    customers = [{"customer_id": f"c{i}", "segment": ["a", "b", None][rng.integers(3)]} for i in range(60)]
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90 * 86_400, 400), unit="s")
    scores = rng.integers(0, 11, 400)
    rows = [answer(f"c{k}", str(t), int(x)) for k, t, x in zip(rng.integers(0, 60, 400), when, scores, strict=True)]
    frame = indicators(company(customers=customers, surveys=rows).tables, ["segment", "month"])
    segments = {customer["customer_id"]: customer["segment"] for customer in customers}
    assert len(frame) == 3 + 9
    for found in frame.itertuples():
        group = None if pd.isna(found.group) else found.group
        theirs = [
            each
            for each in rows
            if each["response_time"][:7] == found.period and group in ("all", segments[each["customer_id"]])
        ]
        promoters = sum(each["score"] >= 9 for each in theirs)
        detractors = sum(each["score"] <= 6 for each in theirs)
        expected = nps(detractors, len(theirs) - promoters - detractors, promoters)
        assert (found.n, found.value) == (expected.n, pytest.approx(expected.value))
        assert found.n_customers == len({each["customer_id"] for each in theirs})
        assert found.low < expected.value < found.high


def test_where_nobody_answers_twice_the_interval_is_that_of_the_counts(company):
    customers = [{"customer_id": f"c{i}"} for i in range(10)]
    rows = [answer(f"c{i}", "2024-01-01", score) for i, score in enumerate([1, 2, 3, 7, 8, 9, 9, 9, 10, 10])]
    found = row(indicators(company(customers=customers, surveys=rows).tables), "nps")
    expected = nps(3, 2, 5)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_a_company_without_answers_is_told_what_is_missing(company):
    tables = company(as_of="2024-01-01").tables
    with pytest.raises(ConfigError, match=r"need `surveys`, `contracts` or .* this company has `customers` alone"):
        indicators(tables)


def test_a_period_without_answers_is_told_where_they_are(company):
    with pytest.raises(
        ConfigError, match=r"nothing to report on in 2031; surveys has answers from 2024-01-03 to 2024-02-28"
    ):
        indicators(company(surveys=ANSWERS).tables, period="2031")


def test_every_column_that_cannot_group_is_named_with_the_nearest_that_can(company):
    customers = [{"customer_id": "ada", "region": "north", "age": 40}, {"customer_id": "bob", "region": "x", "age": 50}]
    tables = company(customers=customers, surveys=ANSWERS).tables
    with pytest.raises(ConfigError) as error:
        indicators(tables, ["touchpiont", "age", "zzz"])
    message = str(error.value)
    assert "neither surveys nor customers has a column 'touchpiont'; did you mean 'touchpoint'?" in message
    assert "customers.age is a number; only names and flags make groups" in message
    assert "'zzz'. Those that can be: region, touchpoint" in message


def test_the_same_tables_give_the_same_bytes(company):
    first, second = (indicators(company(surveys=ANSWERS).tables, ["region", "month"]) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
