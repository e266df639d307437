"""Who was asked and what they answered, from rows written down."""

import pandas as pd
import pytest

from cxml.descriptive.invitations import asked, years_observed

MOMENT = "2024-06-30"


def survey(sent_time, response_time, score, customer_id="ada", instrument="nps"):
    row = {"customer_id": customer_id, "sent_time": sent_time, "response_time": response_time}
    return row | {"score": score, "instrument": instrument}


def found(company, *surveys, **options):
    read = company(surveys=list(surveys), as_of=MOMENT, **options)
    of = asked(read.tables, read.config.labels.nps)
    label = of.frame["label"].astype(object).where(of.frame["label"].notna(), None)
    rows = zip(of.frame["customer_id"], of.frame["as_of"].dt.strftime("%m-%d"), label, strict=True)
    return of.known, list(rows)


def test_an_invitation_that_nobody_answered_is_a_row_without_a_label(company):
    known, rows = found(company, survey("2024-03-01", "2024-03-02", 9), survey("2024-04-01", None, None, "bob"))
    assert known == "invitations"
    assert rows == [("ada", "03-01", "promoter"), ("bob", "04-01", None)]


def test_invitations_of_the_last_fourteen_days_do_not_count_answered_or_not(company):
    young = [survey("2024-06-17", "2024-06-18", 9), survey("2024-06-20", None, None, "bob")]
    old = [survey("2024-06-15", "2024-06-18", 3), survey("2024-06-15", None, None, "bob")]
    _, rows = found(company, *old, *young)
    assert rows == [("ada", "06-15", "detractor"), ("bob", "06-15", None)]


def test_other_instruments_do_not_count(company):
    silent = survey("2024-03-01", None, None, "bob", "csat")
    _, rows = found(company, survey("2024-03-01", "2024-03-02", 9), survey("2024-04-01", None, None), silent)
    assert rows == [("ada", "03-01", "promoter"), ("ada", "04-01", None)]


def test_two_invitations_of_one_moment_are_one_that_is_answered_if_either_is(company):
    _, rows = found(
        company,
        survey("2024-03-01", None, None),
        survey("2024-03-01", "2024-03-05", 8),
        survey("2024-04-01", None, None, "bob"),
    )
    assert rows == [("ada", "03-01", "passive"), ("bob", "04-01", None)]


@pytest.mark.parametrize("sent", ["2024-03-01", None])
def test_a_table_of_answers_alone_does_not_tell_who_was_asked(company, sent):
    rows = [survey(sent, "2024-03-02", 9), survey(sent, "2024-03-03", 2, "bob")]
    if sent is None:
        rows = [{name: value for name, value in row.items() if name != "sent_time"} for row in rows]
    known, answers = found(company, *rows)
    assert known == "answers"
    assert [label for _, _, label in answers] == ["promoter", "detractor"]


def test_a_snapshot_has_every_customer_once_whether_with_an_answer_or_not(company):
    customers = [{"customer_id": "ada", "mood": 9.0}, {"customer_id": "bob", "mood": None}]
    read = company(customers=customers, as_of=MOMENT, labels={"nps": {"column": "mood"}})
    of = asked(read.tables, read.config.labels.nps)
    assert of.known == "customers"
    assert of.frame["customer_id"].tolist() == ["ada", "bob"]
    assert of.frame["label"].isna().tolist() == [False, True]
    assert (of.frame["as_of"] == pd.Timestamp(MOMENT)).all()


def test_invitations_are_seen_from_the_first_fact_or_the_first_invitation_until_now_or_the_last_fact(company):
    read = company(
        customers=[{"customer_id": name} for name in ("ada", "bob", "eve", "new", "nil")],
        surveys=[survey("2022-06-30", "2022-07-01", 9), survey("2024-04-01", None, None, "bob")],
        events=[
            {"customer_id": "ada", "event_time": "2020-01-01", "event_type": "visit"},  # before anybody was asked
            {"customer_id": "eve", "event_time": "2022-12-30", "event_type": "visit"},
            {"customer_id": "new", "event_time": "2024-06-29T12:00", "event_type": "visit"},
        ],
        contracts=[
            {
                "customer_id": "eve",
                "contract_id": 1,
                "start_time": "2022-12-30",
                "end_time": "2023-12-30",
                "renewed": False,
            }
        ],
        as_of=MOMENT,
    )
    years = years_observed(read.tables).set_index("customer_id")["years"]
    days = (years * 365.25).round(6).to_dict()
    assert days == {"ada": 731, "bob": 90, "eve": 365, "new": 0.5}
