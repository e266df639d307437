"""A customer beside the others of the same segment, on histories worked by hand."""

import pytest

from cxml.config.features import Aggregate, Segment


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
