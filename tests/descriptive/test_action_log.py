"""The log of actions as an experiment: what came of each decision, against a plain Python loop over the tables."""

from datetime import datetime, timedelta
from math import exp, log

import numpy as np
import pandas as pd
import pytest

from cxml.config.labels import LabelsConfig
from cxml.descriptive.action_log import action_log, decision_points, outcomes_of
from cxml.errors import ConfigError

NOW = datetime(2024, 7, 1)
DAY = timedelta(days=1)
US = timedelta(microseconds=1)


def action(when, name="call", *, customer_id="ada", **more):
    return {"customer_id": customer_id, "action_time": when, "action": name, **more}


def logged(company, *rows, as_of="2024-07-01", **tables):
    return action_log(company(as_of=as_of, actions=list(rows), **tables).tables)


def came_of(company, outcome, labels, moments, *, answer_days=90, as_of="2024-07-01", **tables):
    """Return outcomes of moments of Ada, or of (customer, moment), as {(customer, as_of): (label, known_time)}."""
    found = company(as_of=as_of, labels=labels, **tables)
    pairs = [("ada", moment) if isinstance(moment, str | datetime) else moment for moment in moments]
    at = pd.DataFrame(pairs, columns=["customer_id", "as_of"])
    at["as_of"] = pd.to_datetime(at["as_of"])
    frame = outcomes_of(found.tables, LabelsConfig.model_validate(labels), outcome, at, answer_days=answer_days)
    assert sorted(frame.columns) == ["as_of", "customer_id", "known_time", "label"]
    keys = list(zip(frame["customer_id"], frame["as_of"].dt.to_pydatetime(), strict=True))
    assert keys == sorted(keys)
    return dict(zip(keys, zip(frame["label"], frame["known_time"].dt.to_pydatetime(), strict=True), strict=True))


# --- the log


def test_a_decision_is_a_row_by_key_with_all_that_was_logged(company):
    found = logged(
        company,
        action("2024-05-02", "letter", customer_id="bob", channel="mail", propensity=0.3, cost=1.5, holdout=False),
        action("2024-05-01", "no_action", channel=None, propensity=0.6, cost=None, holdout=True),
    )
    assert found.columns.tolist() == ["customer_id", "as_of", "action", "channel", "propensity", "cost", "holdout"]
    assert found["customer_id"].tolist() == ["ada", "bob"]
    assert found["as_of"].tolist() == [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-02")]
    assert found["action"].tolist() == ["no_action", "letter"]
    assert found["propensity"].tolist() == [0.6, 0.3]
    assert found["cost"].tolist() == [0.0, 1.5]  # what was not logged cost nothing
    assert found["holdout"].tolist() == [True, False]
    assert pd.isna(found["channel"][0])
    assert found["channel"][1] == "mail"


def test_columns_that_were_never_logged_are_unknown_or_nothing(company):
    found = logged(company, action("2024-05-01"))
    assert found["propensity"].isna().all()
    assert found["channel"].isna().all()
    assert found["cost"].isna().all()
    assert found["holdout"].tolist() == [False]
    assert found["propensity"].dtype == np.float64


def test_two_actions_of_one_moment_are_no_experiment(company):
    found = logged(
        company,
        action("2024-05-01", "call"),
        action("2024-05-01", "letter"),
        action("2024-05-01", "call", customer_id="bob"),
        action("2024-05-01", "call", customer_id="bob"),
        action("2024-05-02", "call"),
    )
    assert list(zip(found["customer_id"], found["as_of"].dt.day, strict=True)) == [("ada", 2), ("bob", 1)]


def test_rows_of_one_action_and_moment_are_one_decision_whatever_their_order(company):
    rows = [action("2024-05-01", channel="phone", cost=9.0), action("2024-05-01", channel="mail", cost=None)]
    found = [logged(company, *order) for order in (rows, rows[::-1])]
    pd.testing.assert_frame_equal(*found)
    assert found[0][["channel", "cost"]].to_numpy().tolist() == [["mail", 9.0]]


# --- renewal by contracts


def term(start, end, renewed, *, customer_id="ada", price=10.0, **more):
    return {
        "customer_id": customer_id,
        "contract_id": f"{customer_id} {start}",
        "start_time": start,
        "end_time": end,
        "renewed": renewed,
        "price": price,
        **more,
    }


RENEWAL = {"renewal": {"horizon_days": 60, "gap_days": 10}}


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        (datetime(2024, 5, 1), 1.0),
        (datetime(2024, 4, 2), 1.0),  # the end is the last moment of the horizon: 2 April + 70 days
        (datetime(2024, 4, 2) - US, None),
        (datetime(2024, 6, 1) - US, 1.0),
        (datetime(2024, 6, 1), None),  # the end is in the gap
    ],
)
def test_a_decision_waits_for_the_end_of_the_contract_in_force(company, moment, label):
    found = came_of(company, "renewal", RENEWAL, [moment], contracts=[term("2024-01-01", "2024-06-11", True)])
    expected = {} if label is None else {("ada", moment): (label, datetime(2024, 6, 11))}
    assert found == expected


def test_staying_is_one_and_leaving_nought(company):
    contracts = [
        term("2024-01-01", "2024-06-11", True),
        term("2024-01-01", "2024-06-11", False, customer_id="bob"),
    ]
    moment = datetime(2024, 5, 1)
    found = came_of(company, "renewal", RENEWAL, [("ada", moment), ("bob", moment)], contracts=contracts)
    assert {who: label for (who, _), (label, _) in found.items()} == {"ada": 1.0, "bob": 0.0}


def test_outcomes_by_contracts_are_those_of_a_plain_loop(company):
    rng = np.random.default_rng(0)
    customers = [{"customer_id": f"c{i}"} for i in range(40)]
    contracts, moments = [], []
    for person in customers:
        who, start = person["customer_id"], datetime(2023, 6, 1) + int(rng.integers(0, 60)) * DAY
        while start < NOW + 30 * DAY:
            end = start + int(rng.integers(30, 200)) * DAY
            renewed = bool(rng.random() < 0.7) if end < NOW and rng.random() < 0.9 else None
            contracts.append(term(str(start), str(end), renewed, customer_id=who))
            start = end - int(rng.integers(-5, 20)) * DAY  # some overlap, some leave days between
        moments += [(who, datetime(2023, 7, 1) + int(rng.integers(0, 360)) * DAY) for _ in range(6)]
    moments = sorted(set(moments))
    expected = {}
    for who, moment in moments:
        of = [row for row in contracts if row["customer_id"] == who]
        in_force = [
            row
            for row in of
            if datetime.fromisoformat(row["start_time"]) < moment <= datetime.fromisoformat(row["end_time"])
        ]
        if not in_force:
            continue
        last = max(in_force, key=lambda row: (datetime.fromisoformat(row["start_time"]), row["contract_id"]))
        end = datetime.fromisoformat(last["end_time"])
        if moment + 10 * DAY < end <= moment + 70 * DAY and end < NOW and last["renewed"] is not None:
            expected[who, moment] = (float(last["renewed"]), end)
    found = came_of(company, "renewal", RENEWAL, moments, customers=customers, contracts=contracts)
    assert len(expected) > 20
    assert found == expected


# --- renewal by events


def purchase(when, value=1.0, *, customer_id="ada", **more):
    return {"customer_id": customer_id, "event_time": when, "event_type": "purchase", "value": value, **more}


CHURN = {"renewal": {"event": "purchase", "horizon_days": 30, "gap_days": 5}}


@pytest.mark.parametrize(
    ("event", "label"),
    [
        (datetime(2024, 5, 6) - US, 0.0),  # in the gap it counts neither way
        (datetime(2024, 5, 6), 1.0),
        (datetime(2024, 6, 5) - US, 1.0),
        (datetime(2024, 6, 5), 0.0),
    ],
)
def test_an_event_between_gap_and_end_of_the_horizon_is_staying(company, event, label):
    moment = datetime(2024, 5, 1)
    found = came_of(company, "renewal", CHURN, [moment], events=[purchase("2024-01-01"), purchase(str(event))])
    assert found == {("ada", moment): (label, datetime(2024, 6, 5) - US)}


def test_outcomes_by_events_are_those_of_a_plain_loop(company):
    rng = np.random.default_rng(1)
    customers = [{"customer_id": f"c{i}"} for i in range(30)]
    events = [
        purchase(
            str(when := datetime(2024, 1, 1) + int(rng.integers(0, 181)) * DAY),
            customer_id=str(rng.choice(customers)["customer_id"]),
            known_time=str(when + int(rng.integers(0, 8)) * DAY),
        )
        for _ in range(90)
    ]
    events = [row for row in events if row["known_time"] < str(NOW)]
    moments = sorted(
        {(row["customer_id"], datetime(2024, 1, 1) + int(rng.integers(0, 180)) * DAY) for row in customers * 5}
    )
    expected = {}
    for who, moment in moments:
        times = [
            (datetime.fromisoformat(row["event_time"]), datetime.fromisoformat(row["known_time"]))
            for row in events
            if row["customer_id"] == who
        ]
        end = moment + 35 * DAY
        before = any(when < moment and known < moment for when, known in times)
        if before and end <= NOW:
            stays = any(moment + 5 * DAY <= when < end and known < end for when, known in times)
            expected[who, moment] = (float(stays), end - US)
    assert len(expected) > 20
    assert came_of(company, "renewal", CHURN, moments, customers=customers, events=events) == expected


def test_a_decision_whose_horizon_is_not_over_is_censored(company):
    events = [purchase("2024-01-01")]
    moments = [datetime(2024, 5, 27), datetime(2024, 5, 28)]  # 35 days before 1 July is 27 May
    assert list(came_of(company, "renewal", CHURN, moments, events=events)) == [("ada", moments[0])]


# --- renewal in a column


def test_a_column_of_the_customers_is_what_came_of_each_of_their_decisions(company):
    customers = [{"customer_id": "ada", "left": "yes"}, {"customer_id": "bob", "left": "no"}, {"customer_id": "eve"}]
    labels = {"renewal": {"column": "left", "lost": ["yes"]}}
    moments = [("ada", datetime(2024, 5, 1)), ("ada", datetime(2024, 5, 9)), ("bob", datetime(2024, 5, 1)),
               ("eve", datetime(2024, 5, 1))]  # fmt: skip
    found = came_of(company, "renewal", labels, moments, customers=customers)
    assert found == {
        moments[0]: (0.0, NOW), moments[1]: (0.0, NOW), moments[2]: (1.0, NOW),
    }  # fmt: skip


# --- value


VALUE = {"value": {"event": "purchase", "horizon_days": 30, "discount_rate": 0.2}}


def test_money_within_the_horizon_is_that_of_a_plain_loop(company):
    rng = np.random.default_rng(2)
    customers = [{"customer_id": f"c{i}"} for i in range(25)]
    events = [
        purchase(
            str(datetime(2024, 1, 1) + int(rng.integers(0, 181)) * DAY),
            float(rng.integers(-20, 100)),
            customer_id=str(rng.choice(customers)["customer_id"]),
        )
        for _ in range(120)
    ]
    moments = sorted(
        {(row["customer_id"], datetime(2024, 1, 1) + int(rng.integers(0, 180)) * DAY) for row in customers * 5}
    )
    force = log(1.2) / 365.25
    expected = {}
    for who, moment in moments:
        of = [(datetime.fromisoformat(r["event_time"]), r["value"]) for r in events if r["customer_id"] == who]
        if moment + 30 * DAY <= NOW:  # also of who had brought nothing before
            expected[who, moment] = sum(
                worth * exp(-force * ((when - moment) / DAY))
                for when, worth in of
                if moment <= when < moment + 30 * DAY
            )
    found = came_of(company, "value", VALUE, moments, customers=customers, events=events)
    assert len(expected) > 20
    assert found.keys() == expected.keys()
    for key, worth in expected.items():
        assert found[key][0] == pytest.approx(worth, abs=1e-9)
        assert found[key][1] == key[1] + 30 * DAY - US


def test_the_money_of_contracts_counts_from_a_customers_own_moment(company):
    contracts = [term("2024-01-01", "2024-05-11", True, price=2.0), term("2024-05-11", "2024-12-31", None, price=3.0)]
    labels = {"value": {"horizon_days": 30, "per": "day"}}
    moment = datetime(2024, 5, 1)
    found = came_of(company, "value", labels, [moment], contracts=contracts)
    assert found[("ada", moment)][0] == pytest.approx(10 * 2.0 + 20 * 3.0)


@pytest.mark.parametrize("labels", [RENEWAL, {"value": {"horizon_days": 30}}, {"nps": {}}])
def test_an_outcome_without_its_table_is_an_error_that_names_it(company, labels):
    (outcome,) = labels
    with pytest.raises(ConfigError, match=rf"labels\.{outcome}: needs the table `"):
        came_of(company, outcome, labels, ["2024-05-01"], actions=[action("2024-05-01")])


# --- decisions with an outcome of their own


def decisions(*rows):
    """Return a log of (customer, day of May, propensity) and what came of each, known so many days later."""
    log_ = pd.DataFrame(
        [
            {"customer_id": who, "as_of": datetime(2024, 5, day), "action": "call", "propensity": p}
            for who, day, p, _ in rows
        ]
    )
    outcomes = log_[["customer_id", "as_of"]].assign(
        known_time=[
            datetime(2024, 5, day) + timedelta(days=days) if days is not None else pd.NaT for _, day, _, days in rows
        ],
        label=1.0,
    )
    return log_, outcomes.dropna(subset="known_time")


def kept(*rows):
    found = decision_points(*decisions(*rows))
    return list(zip(found["customer_id"], found["as_of"].dt.day, strict=True))


def test_overlapping_outcomes_of_one_customer_count_once(company):
    # 1 May is known on the 11th: the 5th overlaps, the 11th does not; then the 15th overlaps that of the 11th.
    assert kept(("ada", 1, 0.5, 10), ("ada", 5, 0.5, 10), ("ada", 11, 0.5, 10), ("ada", 15, 0.5, 10)) == [
        ("ada", 1), ("ada", 11),
    ]  # fmt: skip


def test_the_decisions_of_others_do_not_overlap(company):
    assert kept(("ada", 1, 0.5, 30), ("bob", 2, 0.5, 30)) == [("ada", 1), ("bob", 2)]


def test_a_decision_that_could_be_no_other_is_none_and_takes_no_place(company):
    assert kept(("ada", 1, 1.0, 30), ("ada", 5, 0.5, 10), ("bob", 1, None, 5)) == [("ada", 5), ("bob", 1)]


def test_a_decision_of_which_nothing_is_known_takes_no_place(company):
    assert kept(("ada", 1, 0.5, None), ("ada", 5, 0.5, 10)) == [("ada", 5)]


@pytest.mark.parametrize("units", [("ns", "us"), ("us", "ns"), ("s", "us")])
def test_times_may_be_of_any_precision(company, units):
    log_, outcomes = decisions(("ada", 1, 0.5, 10), ("ada", 5, 0.5, 10), ("ada", 11, 0.5, 10))
    log_ = log_.astype({"as_of": f"datetime64[{units[0]}]"})
    outcomes = outcomes.astype({"as_of": f"datetime64[{units[1]}]", "known_time": f"datetime64[{units[1]}]"})
    assert decision_points(log_, outcomes)["as_of"].dt.day.tolist() == [1, 11]


def test_what_the_log_says_stands_beside_what_came(company):
    found = decision_points(*decisions(("ada", 1, 0.5, 10)))
    assert found[["action", "propensity", "label"]].to_numpy().tolist() == [["call", 0.5, 1.0]]
