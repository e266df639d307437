"""A customer beside the others of the same segment, on histories worked by hand."""

import pytest

from cxml.config.features import Aggregate, Segment
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.export import histories, surroundings


def event(time, event_type="call", *, customer_id="ada", **measures):
    return {"customer_id": customer_id, "event_time": time, "event_type": event_type, **measures}


def of_events(aggregate, column=None, **options):
    return Aggregate(name="a", table="events", aggregate=aggregate, column=column, **options)


PEOPLE = [
    {"customer_id": "ada", "segment": "a", "vip": True},
    {"customer_id": "bob", "segment": "a", "vip": False},
    {"customer_id": "cid", "segment": "a", "vip": True},
    {"customer_id": "dan", "segment": "b", "vip": False},
]
CALLS = [
    event("2024-03-10 09:00", value=100.0),
    event("2024-03-09 09:00", customer_id="bob", value=1.0),
    event("2024-03-09 10:00", customer_id="bob", value=3.0),
    event("2024-03-10 23:59", customer_id="cid", value=8.0),
    event("2024-03-11 00:00", customer_id="cid", value=1000.0),  # after the midnight before as_of
    event("2024-03-03 23:59", customer_id="cid", value=1000.0),  # before the window, which begins on 2024-03-04
    event("2024-03-09 09:00", customer_id="dan", value=1000.0),
]


@pytest.mark.parametrize(
    ("aggregate", "by", "customer", "expected"),
    [
        ("count", "segment", "ada", 3 / 2),
        ("sum", "segment", "ada", 12 / 2),
        ("mean", "segment", "ada", 12 / 3),
        ("mean", "segment", "bob", 108 / 2),
        ("count", "segment", "dan", None),  # alone
        ("mean", "vip", "ada", 8),
        ("count", "vip", "bob", 1),
    ],
)
def test_the_others_of_a_segment_as_of_the_midnight_before(value, aggregate, by, customer, expected):
    own = of_events(aggregate, None if aggregate == "count" else "value", window_days=7)
    feature = Segment(name="s", of="a", by=by)
    found = value(feature, "2024-03-11 17:00", customer=customer, others=[own], customers=PEOPLE, events=CALLS)
    assert found == expected


def test_a_segment_counts_who_was_known_as_a_customer_by_midnight_and_what_was_known_of_them(value):
    later = {"cid": {"since": "2024-03-11 01:00"}, "bob": {"known_time": "2024-03-10 12:00"}}
    people = [{"since": None, "known_time": None} | row | later.get(row["customer_id"], {}) for row in PEOPLE]
    own = of_events("count", window_days=7)
    found = {
        as_of: value(Segment(name="s", of="a"), as_of, others=[own], customers=people, events=CALLS)
        for as_of in ("2024-03-10 23:00", "2024-03-11 23:00", "2024-03-12 23:00")
    }
    # Cid's calls count before Cid is a customer; Bob's from the midnight after Bob was known to be of the segment.
    assert found == {"2024-03-10 23:00": None, "2024-03-11 23:00": 3 / 1, "2024-03-12 23:00": 4 / 2}


def test_a_customer_whose_segment_is_unknown_is_compared_with_nobody(value):
    people = [row | {"segment": None} if row["customer_id"] == "ada" else row for row in PEOPLE]
    feature = Segment(name="s", of="a")
    assert (
        value(feature, "2024-03-11", others=[of_events("count", window_days=7)], customers=people, events=CALLS) is None
    )


OWN = [of_events("count", window_days=7), Aggregate(name="m", table="events", aggregate="mean", column="value",
                                                    window_days=7)]  # fmt: skip
OTHERS = [Segment(name="others", of="a"), Segment(name="others_m", of="m")]


@pytest.fixture
def ada(company):
    """Return what gives Ada's history and the surroundings of a company with these calls."""

    def of(calls):
        people = [row for row in PEOPLE if row["customer_id"] != "dan"]
        tables = company(customers=people, events=calls).tables
        plan = feature_plan([*OWN, *OTHERS], tables.kinds)
        return histories(tables, plan, ["ada"])["ada"], surroundings(tables, plan)

    return of


def of_others(history, as_of):
    found = history.features(as_of)
    return found["others"], found["others_m"]


def test_what_is_added_after_the_export_is_not_taken_from_the_segment(ada):
    history, _ = ada(CALLS[:4])
    for hour in (9, 10):
        history.add({"event_time": f"2024-03-10 {hour:02}:30", "event_type": "call", "value": 500.0})
    assert history.features("2024-03-10 12:00")["a"] == 3  # of Ada they are known at once
    # Bob 1 and 3, and from the midnight after it Cid's 8; of two others.
    assert of_others(history, "2024-03-10 12:00") == (2 / 2, 4 / 2)
    assert of_others(history, "2024-03-11 12:00") == (3 / 2, 12 / 3)


def test_what_is_reported_late_and_added_after_the_export_is_not_taken_from_the_segment(ada):
    history, _ = ada([row | {"known_time": row["event_time"]} for row in CALLS[:4]])
    late = {"event_time": "2024-03-08 12:00", "event_type": "call", "value": 500.0}
    history.add(late | {"known_time": "2024-03-10 23:00"})  # before the last midnight
    history.add(late | {"known_time": "2024-03-11 11:00"})  # after it
    assert history.features("2024-03-11 12:00")["a"] == 3
    assert of_others(history, "2024-03-11 12:00") == (3 / 2, 12 / 3)


def test_newer_surroundings_hold_what_was_added_until_they_are_set(ada):
    added = event("2024-03-10 09:30", value=500.0)
    history, _ = ada(CALLS[:4])
    _, after = ada([*CALLS[:4], added, event("2024-03-10 10:00", customer_id="bob", value=12.0)])
    history.add(added)
    assert of_others(history, "2024-03-11 12:00") == (3 / 2, 12 / 3)
    history.surroundings = after
    assert of_others(history, "2024-03-11 12:00") == (4 / 2, 24 / 4)
    history.add(added)
    assert of_others(history, "2024-03-11 12:00") == (4 / 2, 24 / 4)


def test_a_contract_that_is_replaced_after_the_export_is_taken_from_the_segment_as_it_was(company):
    def term(who, price):
        return {"customer_id": who, "contract_id": who, "start_time": "2024-03-01", "end_time": "2025-03-01",
                "price": price, "renewed": who == "cid"}  # fmt: skip

    own = Aggregate(name="price", table="contracts", aggregate="mean", column="price", window_days=30)
    tables = company(customers=PEOPLE, contracts=[term("ada", 10.0), term("bob", 20.0), term("cid", 40.0)]).tables
    (history,) = histories(tables, feature_plan([own, Segment(name="s", of="price")], tables.kinds), ["ada"]).values()
    history.add(term("ada", 70.0), "contracts")
    assert history.features("2024-03-11") == {"price": 70, "s": 60 / 2}


def test_an_answer_after_the_export_leaves_the_invitations_of_the_segment(company):
    def sent(who, response_time=None, score=None):
        return {"customer_id": who, "sent_time": "2024-03-09", "response_time": response_time, "score": score,
                "instrument": "nps"}  # fmt: skip

    own = Aggregate(name="invited", table="invitations", aggregate="count", window_days=30)
    score = Aggregate(name="score", table="surveys", aggregate="mean", column="score", window_days=30)
    surveys = [sent("ada"), sent("bob", "2024-03-10", 9.0), sent("cid", "2024-03-10", 5.0)]
    tables = company(customers=PEOPLE, surveys=surveys).tables
    features = [own, Segment(name="others", of="invited"), score, Segment(name="others_score", of="score")]
    (history,) = histories(tables, feature_plan(features, tables.kinds), ["ada"]).values()
    history.add(sent("ada", "2024-03-10 09:00", 0.0), "surveys")
    history.add(sent("ada"), "surveys")
    assert history.features("2024-03-11") == {"invited": 2, "others": 1, "score": 0, "others_score": 14 / 2}
