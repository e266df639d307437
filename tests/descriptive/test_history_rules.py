"""A fact that is added keeps the ranges and rules of its table, as the check of the tables keeps them."""

import pytest

from cxml.config.features import Aggregate
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.history import CustomerHistory
from cxml.errors import SchemaError
from cxml.schema.tables import TABLES

KINDS = {
    name: {column.name: column.kind for column in TABLES[name].columns}
    for name in ("customers", "events", "surveys", "contracts")
}
KINDS["invitations"] = {"customer_id": "key", "sent_time": "time", "instrument": "category", "touchpoint": "category"}


def answer(sent_time, response_time=None, score=None, **more):
    return {"sent_time": sent_time, "response_time": response_time, "score": score, "instrument": "nps", **more}


TERM = {"contract_id": "k1", "start_time": "2023-01-01", "end_time": "2024-01-01", "price": 10.0, "renewed": None}
BROKEN = [
    (
        answer("2024-03-01", "2024-03-02", 77),
        "surveys",
        r"surveys\.score: must be 0-10 for instrument 'nps'; it is 77\.",
    ),
    (answer("2024-03-01", "2024-03-02", 6, instrument="csat"), "surveys", "must be 1-5 for instrument 'csat'; it is 6"),
    (answer("2024-03-01", "2024-03-02", 7.5), "surveys", "must be a whole number for instrument 'nps'; it is 7.5"),
    (answer("2024-03-01", "2024-03-02", 7, confidence=9), "surveys", r"surveys\.confidence: must be 0-1; it is 9\."),
    (answer("2024-03-01", "2024-03-02", 7, sentiment=-2), "surveys", r"surveys\.sentiment: must be -1 to 1; it is -2"),
    (answer("2024-03-01", instrument="npss"), "surveys", r"surveys\.instrument: must be one of nps, .*; it is 'npss'"),
    ({"sent_time": "2024-03-01", "instrument": "npss"}, "invitations", r"invitations\.instrument: must be one of nps"),
    (answer("2024-03-01", None, 7), "surveys", r"surveys\.score: must have a response_time where there is a score"),
    (answer("2024-03-02", "2024-03-01", 7), "surveys", r"surveys\.response_time: must be at or after sent_time"),
    (TERM | {"end_time": "2022-12-31"}, "contracts", r"contracts\.end_time: must be after start_time; .*2022-12-31"),
    (TERM | {"end_time": TERM["start_time"]}, "contracts", r"contracts\.end_time: must be after start_time"),
    (TERM | {"price": -0.01}, "contracts", r"contracts\.price: must be 0 or more; it is -0.01"),
]


@pytest.mark.parametrize(("fact", "table", "says"), BROKEN)
def test_a_fact_keeps_the_rules_of_its_table_whatever_the_plan_reads_of_it(fact, table, says):
    count = Aggregate(name="n", table=table, aggregate="count")
    for features in ([count], [Aggregate(name="calls", table="events", aggregate="count")]):
        plan = feature_plan(features, KINDS)
        with pytest.raises(SchemaError, match=says):
            CustomerHistory(plan, {"customer_id": "ada"}, {table: [fact]})
        twin = CustomerHistory(plan, {"customer_id": "ada"})
        with pytest.raises(SchemaError, match=says):
            twin.add(fact, table)
        assert set(twin.features("2024-03-09").values()) == {0}


@pytest.mark.parametrize(
    ("fact", "table"),
    [
        *((answer("2024-03-01", "2024-03-01", score, confidence=score / 10), "surveys") for score in (0, 10)),
        *((answer(None, "2024-03-01", score, instrument="csat", sentiment=-1), "surveys") for score in (1, 4.5, 5)),
        (answer("2024-03-01", "2024-03-02", None), "surveys"),
        (TERM | {"price": 0, "end_time": "2023-01-01T00:00:00.000001"}, "contracts"),
    ],
)
def test_a_fact_on_the_edge_of_a_rule_keeps_it(fact, table):
    twin = CustomerHistory(
        feature_plan([Aggregate(name="n", table=table, aggregate="days_active")], KINDS), {"customer_id": "ada"}
    )
    twin.add(fact, table)
    assert twin.features("2024-03-09") == {"n": 1}
