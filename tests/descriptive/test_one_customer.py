"""What is known of one customer before a moment, from rows written by hand."""

from datetime import datetime

import pandas as pd
import pytest

from cxml.descriptive.one_customer import actions, answers, contracts, profile, touchpoints

AS_OF = datetime(2024, 7, 1)


def event(time, event_type="visit", channel=None, known=None, who="ada"):
    return {"customer_id": who, "event_time": time, "event_type": event_type, "channel": channel, "known_time": known}


@pytest.fixture
def tables(company):
    return company(
        as_of="2024-12-31",
        customers=[
            {"customer_id": "ada", "since": "2023-01-05", "region": "north", "age": 41.0, "vip": True, "plan": None},
            {"customer_id": "bob", "since": "2023-01-05", "region": "south", "age": 29.5, "vip": False, "plan": "x"},
        ],
        events=[
            event("2023-06-30", channel="web"),  # more than 365 days before
            event("2024-06-01", channel="store"),
            event("2024-06-02", channel="web"),
            event("2024-06-03", channel="web"),
            event("2024-06-30", "call", known="2024-07-02"),  # known too late
            event("2024-07-01"),  # at the moment itself
            event("2024-06-15", "call", "phone"),
            event("2024-06-15", "call", "phone", who="bob"),
        ],
        surveys=[
            {"customer_id": "ada", "sent_time": "2024-01-01", "response_time": "2024-01-03", "instrument": "nps",
             "score": 9.0, "comment": "fine"},
            {"customer_id": "ada", "sent_time": "2024-06-29", "response_time": "2024-07-02", "instrument": "nps",
             "score": 2.0, "comment": "late"},
            {"customer_id": "ada", "sent_time": "2024-07-05", "response_time": None, "instrument": "csat",
             "score": None, "comment": None},
        ],
        contracts=[
            {"customer_id": "ada", "contract_id": "k1", "start_time": "2023-01-05", "end_time": "2024-01-05",
             "price": 20.0, "renewed": True},
            {"customer_id": "ada", "contract_id": "k2", "start_time": "2024-01-05", "end_time": "2024-12-05",
             "price": 22.0, "renewed": False},
        ],
        actions=[
            {"customer_id": "ada", "action_time": "2024-03-01", "action": "call", "channel": "phone"},
            {"customer_id": "ada", "action_time": "2024-08-01", "action": "gift", "channel": None},
        ],
    ).tables  # fmt: skip


def test_a_profile_has_what_is_known_as_a_person_reads_it(tables):
    found = profile(tables, "ada")
    assert list(zip(found["attribute"], found["value"], strict=True)) == [
        ("since", "2023-01-05"), ("region", "north"), ("age", "41"), ("vip", "yes")
    ]  # fmt: skip
    assert found["kind"].tolist() == ["time", "category", "number", "flag"]
    assert profile(tables, "bob").set_index("attribute")["value"]["vip"] == "no"


def test_touchpoints_count_what_happened_and_was_known_before_the_moment(tables):
    found = touchpoints(tables, "ada", AS_OF)
    assert found[["event_type", "last_year", "in_all"]].to_numpy().tolist() == [["visit", 3, 4], ["call", 1, 1]]
    assert found["last_time"].tolist() == [pd.Timestamp("2024-06-03"), pd.Timestamp("2024-06-15")]
    assert found["channels"].tolist() == ["web, store", "phone"]


def test_an_answer_that_comes_later_is_an_invitation_that_waits(tables):
    found = answers(tables, "ada", AS_OF)
    assert found["sent_time"].tolist() == [pd.Timestamp("2024-06-29"), pd.Timestamp("2024-01-01")]
    assert found["score"].tolist()[1] == 9.0
    assert found.iloc[0][["response_time", "score", "comment"]].isna().all()
    assert answers(tables, "ada", datetime(2024, 7, 4))["score"].tolist() == [2.0, 9.0]


def test_the_outcome_of_a_contract_is_known_from_its_end(tables):
    found = contracts(tables, "ada", AS_OF)
    assert found["contract_id"].tolist() == ["k2", "k1"]
    assert found["renewed"].tolist() == [None, True]
    assert "customer_id" not in found
    assert contracts(tables, "ada", datetime(2024, 12, 30))["renewed"].tolist() == [False, True]


def test_actions_are_those_before_the_moment(tables):
    assert actions(tables, "ada", AS_OF)[["action", "channel"]].to_numpy().tolist() == [["call", "phone"]]
    assert actions(tables, "bob", AS_OF).empty


def test_a_company_of_customers_alone_has_a_profile_and_empty_frames(company):
    tables = company(customers=[{"customer_id": "o'hara"}], as_of="2024-12-31").tables
    assert profile(tables, "o'hara").empty
    for read in (touchpoints, answers, contracts, actions):
        assert read(tables, "o'hara", AS_OF).empty
