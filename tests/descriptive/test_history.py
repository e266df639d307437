"""The online twin as a service uses it; that it agrees with the SQL is shown in test_algebra*.py."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pandas as pd
import pytest

from cxml.config.features import Aggregate, Attribute, Contract, Environment, Ratio, Segment
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.history import CustomerHistory
from cxml.descriptive.plan import Plan
from cxml.errors import ConfigError, SchemaError

KINDS = {
    "customers": {"customer_id": "key", "region": "category", "segment": "category", "vip": "flag"},
    "events": {
        "customer_id": "key",
        "event_time": "time",
        "event_type": "category",
        "channel": "category",
        "value": "number",
        "known_time": "time",
    },
    "surveys": {
        "customer_id": "key",
        "sent_time": "time",
        "response_time": "time",
        "instrument": "category",
        "score": "number",
        "touchpoint": "category",
    },
    "invitations": {"customer_id": "key", "sent_time": "time", "instrument": "category", "touchpoint": "category"},
    "contracts": {
        "customer_id": "key",
        "contract_id": "key",
        "start_time": "time",
        "end_time": "time",
        "price": "number",
        "renewed": "flag",
    },
    "environment": {"region": "category", "observed_time": "time", "jobless": "number"},
}
ADA = {"customer_id": "ada", "region": "north", "segment": "a", "vip": True}


def of_events(aggregate, column=None, **options):
    return Aggregate(name=aggregate, table="events", aggregate=aggregate, column=column, **options)


def history(features, *, customer=ADA, **facts):
    return CustomerHistory(feature_plan(features, KINDS), customer, facts)


def call(time, value=None, **more):
    return {"event_time": time, "event_type": "call", "channel": "phone", "value": value, **more}


def answer(sent_time, response_time=None, score=None, **more):
    return {"sent_time": sent_time, "response_time": response_time, "score": score, "instrument": "nps",
            "touchpoint": "shop", **more}  # fmt: skip


NOON = datetime(2024, 3, 1, 12)


def test_an_event_counts_as_soon_as_it_is_added_and_not_at_its_own_moment():
    twin = history([of_events("count"), of_events("last", "value")], events=[call("2024-03-01", 1.0)])
    twin.add(call("2024-03-02", 2.0))
    assert twin.features("2024-03-02") == {"count": 1, "last": 1}
    assert twin.features("2024-03-02T00:00:00.000001") == {"count": 2, "last": 2}


def test_events_may_come_in_any_order_and_the_later_added_of_one_moment_is_the_later():
    features = [of_events(name, "value") for name in ("first", "last", "sum")]
    twin = history(features)
    for time, value in [
        ("2024-03-03", 3.0),
        ("2024-03-01", 1.0),
        ("2024-03-03", 4.0),
        ("2024-03-02", 2.0),
        ("2024-03-01", 5.0),
    ]:
        twin.add(call(time, value))
    assert twin.features("2024-03-04") == {"first": 1, "last": 4, "sum": 15}
    assert twin.features("2024-03-02") == {"first": 1, "last": 5, "sum": 6}


def test_a_late_fact_is_replayed_as_it_was_known():
    twin = history([of_events("sum", "value")], events=[call("2024-03-01", 1.0, known_time=None)])
    twin.add(call("2024-03-02", 2.0, known_time="2024-03-09"))
    twin.add(call("2024-03-03", 4.0, known_time="2024-03-05"))
    twin.add(call("2024-03-04", 8.0))
    found = {day: twin.features(f"2024-03-{day:02}")["sum"] for day in (2, 4, 5, 6, 9, 10, 4)}
    assert found == {2: 1, 4: 1, 5: 9, 6: 13, 9: 13, 10: 15}


def test_an_answer_is_no_second_invitation():
    invited = Aggregate(name="invited", table="invitations", aggregate="count")
    answered = Aggregate(name="answered", table="surveys", aggregate="count")
    last = Aggregate(name="last", table="surveys", aggregate="last", column="score")
    twin = history([invited, answered, last], surveys=[answer("2024-03-01")])
    assert twin.features("2024-03-02") == {"invited": 1, "answered": 0, "last": None}
    twin.add(answer("2024-03-01", "2024-03-03", 9), "surveys")
    assert twin.features("2024-03-04") == {"invited": 1, "answered": 1, "last": 9}
    twin.add(answer("2024-03-01", "2024-03-05", 3), "surveys")  # nothing waits for it: a survey of its own
    twin.add(answer("2024-03-06", touchpoint="web"), "surveys")
    twin.add(answer("2024-03-06", "2024-03-07", 5), "surveys")  # of another touchpoint
    twin.add(answer(None, "2024-03-07", 6), "surveys")
    assert twin.features("2024-03-08") == {"invited": 5, "answered": 4, "last": 6}


def test_invitations_that_are_handed_over_are_not_taken_from_surveys_again():
    invited = Aggregate(name="invited", table="invitations", aggregate="count")
    sent = {"sent_time": "2024-03-01", "instrument": "nps", "touchpoint": "shop"}
    twin = history([invited], surveys=[answer("2024-03-01", "2024-03-02", 9)], invitations=[sent, sent])
    assert twin.features("2024-03-04") == {"invited": 2}
    twin.add(answer("2024-03-01", "2024-03-03", 9), "surveys")  # one was still waiting
    assert twin.features("2024-03-04") == {"invited": 2}
    twin.add(sent, "invitations")
    assert twin.features("2024-03-04") == {"invited": 3}


def test_a_contract_takes_the_place_of_the_one_with_its_id():
    features = [Contract(name="price", column="price"), Contract(name="renewals", measure="renewals")]
    first = {"contract_id": "k1", "start_time": "2023-01-01", "end_time": "2024-01-01", "price": 10.0, "renewed": None}
    second = first | {"contract_id": "k2", "start_time": "2024-01-01", "end_time": "2025-01-01", "price": 12.0}
    twin = history(features, contracts=[second, first])
    assert twin.features("2024-02-01") == {"price": 12, "renewals": 0}
    twin.add(first | {"renewed": True}, "contracts")
    assert twin.features("2024-02-01") == {"price": 12, "renewals": 1}
    assert twin.features("2023-06-01") == {"price": 10, "renewals": 0}


def test_features_come_in_the_order_of_the_plan_and_a_row_with_its_key():
    features = [
        of_events("mean", "value"),
        Attribute(name="vip", column="vip"),
        of_events("last", "channel"),
        of_events("count"),
    ]
    twin = history(features, events=[call("2024-03-01")])
    assert list(twin.features("2024-03-02").items()) == [("mean", None), ("vip", 1.0), ("last", "phone"), ("count", 1)]
    row = twin.row("2024-03-02")
    assert list(row) == ["customer_id", "as_of", "mean", "vip", "last", "count"]
    assert (row["customer_id"], row["as_of"]) == ("ada", datetime(2024, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize("big", [1e15, -1e300, 1e-300])
def test_what_was_huge_long_ago_leaves_a_window_exact(big):
    features = [
        of_events("sum", "value", window_days=7),
        of_events("mean", "value", window_days=7),
        of_events("std", "value", window_days=7),
        of_events("decay", "value", half_life_days=30, window_days=7),
    ]
    twin = history(features, events=[call("2024-01-01", big), call("2024-01-02", big), call("2024-03-01", 0.1)])
    twin.add(call("2024-03-02", 0.2))
    found = twin.features("2024-03-03")
    assert found == pytest.approx(
        {"sum": 0.3, "mean": 0.15, "std": 0.005**0.5, "decay": 0.1 * 0.5 ** (2 / 30) + 0.2 * 0.5 ** (1 / 30)}, rel=1e-14
    )


def test_values_close_together_far_from_zero_have_their_spread():
    values = [1e9 + x for x in (0.0, 0.25, 0.5, 0.25)]
    twin = history([of_events("std", "value")], events=[call(f"2024-03-0{i + 1}", x) for i, x in enumerate(values)])
    assert twin.features("2024-03-09")["std"] == pytest.approx((0.125 / 3) ** 0.5, rel=1e-12)


def test_the_facts_that_a_service_must_give_are_named():
    twin = history([of_events("sum", "value", where="channel = 'web'")])
    assert twin.needs == {
        "events": ("event_time", "event_type"),
        "surveys": ("instrument",),
        "invitations": ("instrument", "sent_time"),
        "contracts": ("contract_id", "start_time", "end_time"),
    }


def test_what_a_fact_leaves_out_is_unknown():
    twin = history([of_events("sum", "value"), of_events("count")])
    twin.add({"event_time": NOON, "event_type": "call"})
    assert twin.features("2024-03-02") == {"sum": None, "count": 1}


@pytest.mark.parametrize(
    ("fact", "table", "says"),
    [
        (call("2024-03-01"), "evnts", r"there is no table 'evnts' .*; did you mean 'events'\? Tables: events, surveys"),
        (call("2024-03-01"), "environment", "there is no table 'environment' of a customer's facts"),
        (call("2024-03-01") | {"valeu": 1}, "events", "events: has no column 'valeu'; did you mean 'value'"),
        ({"event_time": NOON, "value": 1.0}, "events", r"^events\.event_type: is missing\.$"),
        ({"instrument": "nps", "sent_time": None}, "invitations", r"invitations\.sent_time: must be filled"),
        (call(None), "events", r"events\.event_time: must be filled"),
        (call(pd.NaT), "events", r"events\.event_time: must be filled"),
        (call("yesterday"), "events", r"events\.event_time: must be a time such as .*; it is 'yesterday'"),
        (call(17), "events", r"events\.event_time: must be a time"),
        (call("2024-03-01", "9"), "events", r"events\.value: must be a finite number; it is '9'"),
        (call("2024-03-01", float("inf")), "events", r"events\.value: must be a finite number; it is inf"),
        (call("2024-03-01") | {"event_type": 5}, "events", r"events\.event_type: must be text; it is 5"),
        (call("2024-03-01", customer_id="bob"), "events", r"events\.customer_id: must be 'ada', whose history this is"),
        ([("event_time", NOON)], "events", "events: a row must be a dict; it is a list"),
    ],
)
def test_a_fact_that_cannot_be_meant_is_refused(fact, table, says):
    twin = history([of_events("sum", "value")])
    with pytest.raises(SchemaError, match=says):
        twin.add(fact, table)
    assert twin.features("2024-03-09") == {"sum": 0}


def test_all_faults_of_a_fact_are_reported_together():
    twin = history([of_events("sum", "value")])
    with pytest.raises(
        SchemaError, match=r"(?s)3 faults:.*'valu'.*events\.event_type: is missing.*event_time: must be a time"
    ):
        twin.add({"event_time": "soon", "valu": 1})


@pytest.mark.parametrize(
    ("customer", "says"),
    [
        ({"customer_id": "ada"}, r"customers\.vip: is missing"),
        ({"vip": True}, r"customers\.customer_id: is missing"),
        (ADA | {"vip": "yes"}, r"customers\.vip: must be true or false; it is 'yes'"),
        (ADA | {"regoin": "north"}, "customers: has no column 'regoin'; did you mean 'region'"),
    ],
)
def test_a_customer_that_cannot_be_meant_is_refused(customer, says):
    with pytest.raises(SchemaError, match=says):
        history([Attribute(name="vip", column="vip")], customer=customer)


@pytest.mark.parametrize("as_of", [None, "soon", 17, pd.NaT])
def test_what_is_no_moment_is_refused(as_of):
    with pytest.raises(SchemaError, match="as_of: must be a time such as"):
        history([of_events("count")]).features(as_of)


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([Environment(name="e", column="jobless")], "lack the measure 'jobless', which the plan reads"),
        (
            [Environment(name="e", column="jobless", against="national")],
            "the measure 'jobless', the mean of all regions",
        ),
        ([of_events("count", window_days=7), Segment(name="s", of="count")], "lack the segments by 'segment'"),
    ],
)
def test_surroundings_that_the_plan_reads_must_be_there(features, says):
    with pytest.raises(ConfigError, match=says):
        history(features)


def test_a_plan_may_come_as_json_and_is_compiled_once():
    plan = feature_plan([of_events("count"), Ratio(name="r", numerator="count", denominator="count")], KINDS)
    found = json.loads(json.dumps(plan.to_json()))
    assert CustomerHistory(found, ADA, {"events": [call(NOON)]}).features("2024-03-02") == {"count": 1, "r": 1}
    assert plan.program is plan.program
    assert Plan.from_json(found) == plan


def test_a_fact_is_not_mutated():
    fact, customer = call("2024-03-01", 1.0), dict(ADA)
    twin = history([of_events("sum", "value")], customer=customer, events=[fact])
    twin.add(fact)
    assert (fact, customer) == (call("2024-03-01", 1.0), ADA)


def test_it_loads_no_heavy_library(tmp_path):
    features = [
        of_events("sum", "value * 2", where="channel IN ('web', 'phone')", window_days=30),
        Aggregate(name="invited", table="invitations", aggregate="count"),
    ]
    (tmp_path / "plan.json").write_text(json.dumps(feature_plan(features, KINDS).to_json()))
    program = f"""
import json, sys
from cxml.descriptive.history import CustomerHistory
from cxml.descriptive.plan import Plan
from cxml.descriptive.surroundings import Surroundings
plan = Plan.from_json(json.load(open({str(tmp_path / "plan.json")!r})))
history = CustomerHistory(plan, {ADA!r}, {{"events": []}}, Surroundings.from_json(Surroundings().to_json()))
history.add({call("2024-03-01T12:00:00Z", 2.0)!r})
history.add({answer("2024-03-01T12:00:00Z")!r}, "surveys")
found = history.features("2024-03-02")
heavy = ["pandas", "sklearn", "lightgbm", "mlflow", "duckdb", "scipy", "pydantic", "yaml", "pyarrow", "matplotlib",
         "sqlglot", "joblib", "click", "rich"]
print(json.dumps([found, [name for name in heavy if name in sys.modules]]))
"""
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == [{"sum": 4.0, "invited": 1.0}, []]
