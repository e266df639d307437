"""What customers share, as it is exported for histories; that lookups and segments agree is in test_algebra*.py."""

import json

import pytest

from cxml.config.features import Aggregate, Environment, Segment
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.export import histories, surroundings
from cxml.descriptive.surroundings import Surroundings
from cxml.errors import SchemaError

FEATURES = [
    Environment(name="jobless", column="jobless"),
    Environment(name="to_national", column="jobless", against="national"),
    Aggregate(name="calls", table="events", aggregate="count", window_days=7),
    Segment(name="others", of="calls"),
    Aggregate(name="calls_30d", table="events", aggregate="count", window_days=30),
    Segment(name="others_30d", of="calls_30d"),
    Aggregate(name="paid", table="events", aggregate="mean", column="value", window_days=7),
    Segment(name="others_paid", of="paid", by="vip"),
]
PEOPLE = [
    {"customer_id": "ada", "region": "north", "segment": "a", "vip": True, "since": "2024-01-01"},
    {"customer_id": "bob", "region": "south", "segment": "a", "vip": True, "since": None},
    {"customer_id": "cid", "region": None, "segment": None, "vip": False, "since": None},
]
PLACES = [
    {"region": "north", "observed_time": "2024-01-01", "jobless": 5.0},
    {"region": "south", "observed_time": "2024-02-01", "jobless": 9.0},
    {"region": "south", "observed_time": "2024-02-02", "jobless": None},
]
CALLS = [
    {"customer_id": name, "event_time": f"2024-03-0{day}", "event_type": "call", "value": value}
    for name, day, value in [("ada", 1, 3.0), ("bob", 1, 5.0), ("bob", 2, None), ("cid", 2, 7.0)]
]


@pytest.fixture
def exported(company):
    """Return tables, the plan of all features, and what is exported for them."""
    tables = company(customers=PEOPLE, environment=PLACES, events=CALLS).tables
    plan = feature_plan(FEATURES, tables.kinds)
    return tables, plan, surroundings(tables, plan)


def test_the_states_of_regions_and_of_the_nation(exported):
    shared = exported[2]
    assert shared.measures == ("jobless",)
    assert {name: states.measures["jobless"].tolist() for name, states in shared.regions.items()} == {
        "north": [5.0],
        "south": [9.0, 9.0],  # what is not known does not take the place of what was
    }
    assert shared.national.measures["jobless"].tolist() == [5.0, 7.0, 7.0]


def test_the_days_of_a_segment_and_how_many_began(exported):
    shared = exported[2]
    counts, paid = shared.totals.values()  # two windows of one count share its days
    assert {name: days.total.tolist() for name, days in counts.items()} == {"a": [2, 1]}
    assert {name: (days.total.tolist(), days.n.tolist()) for name, days in paid.items()} == {
        True: ([8, 0], [2, 0]),
        False: ([7], [1]),
    }
    assert {name: sizes.n.tolist() for name, sizes in shared.sizes["segment"].items()} == {"a": [1, 1]}


def test_they_survive_json(exported):
    tables, plan, shared = exported
    again = Surroundings.from_json(json.loads(json.dumps(shared.to_json(), allow_nan=False)))
    assert again.to_json() == shared.to_json()
    for found in (shared, again):
        twins = histories(tables, plan, ["ada", "cid"], found)
        assert twins["ada"].features("2024-03-05") == {
            "jobless": 5,
            "to_national": 5 - 7,
            "calls": 1,
            "others": 2,
            "calls_30d": 1,
            "others_30d": 2,
            "paid": 3,
            "others_paid": 5,
        }
        assert twins["cid"].features("2024-03-05")["others"] is None
        assert twins["cid"].features("2024-03-05")["jobless"] is None


def test_a_plan_that_reads_nothing_shared_needs_nothing(company):
    tables = company(events=CALLS[:3]).tables
    plan = feature_plan([FEATURES[2]], tables.kinds)
    assert surroundings(tables, plan) == Surroundings()
    assert histories(tables, plan, ["bob"])["bob"].features("2024-03-05") == {"calls": 2}


def test_newer_surroundings_take_the_place_of_older_ones(exported):
    tables, plan, shared = exported
    twin = histories(tables, plan, ["ada"], shared)["ada"]
    newer = shared.to_json()
    newer["regions"]["north"]["measures"]["jobless"] = [4.0]
    twin.surroundings = Surroundings.from_json(newer)
    assert twin.features("2024-03-05")["jobless"] == 4


def test_who_is_no_customer_has_no_history(exported):
    tables, plan, _ = exported
    with pytest.raises(SchemaError, match=r"customer_ids: must be in customers; 1 of 2 rows is not \(first: 'eve'\)"):
        histories(tables, plan, ["ada", "eve"])
