from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from cxml.config.company import CompanyConfig
from cxml.config.features import Aggregate, Recency
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.export import histories
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import inspected_tables, read_tables
from cxml.errors import SchemaError

CUSTOMERS = pd.DataFrame({"customer_id": ["c1", "c2", "c3"], "since": pd.to_datetime(["2023-01-01T00:00Z"] * 3)})
CONFIG = CompanyConfig.model_validate(
    {"company": "small", "tables": {"customers": {}}, "labels": {"nps": {"column": "answer"}}}
)


def actions(*rows):
    """Rows of the ledger: customer, day, action, channel, cost."""
    who, days, names, channels, costs = zip(*rows, strict=True)
    n = len(rows)
    return pd.DataFrame(
        {
            "customer_id": who, "action_time": pd.to_datetime(list(days), utc=True), "action": names,
            "channel": channels, "propensity": [0.5] * n, "cost": costs, "holdout": [False] * n,
            "decision_id": [f"d{i}" for i in range(n)],
        }
    )  # fmt: skip


def outcomes(*rows):
    """Rows of the ledger: customer, day, outcome, action, and the day on which it was known."""
    who, days, names, of, known = zip(*rows, strict=True)
    n = len(rows)
    return pd.DataFrame(
        {
            "customer_id": who, "outcome_time": pd.to_datetime(list(days), utc=True), "outcome": names, "action": of,
            "channel": ["phone"] * n, "value": [np.nan] * n, "decision_id": [f"d{i}" for i in range(n)],
            "known_time": pd.to_datetime(list(known), utc=True),
        }
    )  # fmt: skip


CALL = ("c1", "2024-01-05", "call", "phone", 4.0)
REFUSED = ("c1", "2024-01-09", "refused", "call", None)
LOGGED = {"actions": actions(CALL), "outcomes": outcomes(REFUSED)}


def rows_of(tables, table, columns="*"):
    return tables.con.execute(f"SELECT {columns} FROM {table}").fetchall()


def test_a_company_without_actions_gets_those_of_the_ledger():
    tables = read_tables(CONFIG, {"customers": CUSTOMERS}, LOGGED)
    assert rows_of(tables, "actions") == [("c1", datetime(2024, 1, 5), "call", "phone", 0.5, 4.0, False, "d0")]
    assert rows_of(tables, "outcomes", "customer_id, outcome_time, outcome, action") == [
        ("c1", datetime(2024, 1, 9), "refused", "call")
    ]
    report = {report.table: report for report in tables.reports}["actions"]
    assert (report.rows, report.customers, report.first_time) == (1, 1, datetime(2024, 1, 5))
    assert list(tables.kinds) == ["customers", "actions", "outcomes"]


def test_where_there_are_both_they_stand_together_and_what_only_one_has_is_unknown_in_the_other():
    own = pd.DataFrame(
        {
            "customer_id": ["c2", "c1", "c1"],
            "action_time": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-06"], utc=True),
            "action": ["gift", "gift", "call"],
            "agent": ["ann", "bob", "eve"],
        }
    )
    tables = read_tables(CONFIG, {"customers": CUSTOMERS, "actions": own}, LOGGED)
    found = rows_of(tables, "actions", "customer_id, day(action_time), action, agent, channel, cost, decision_id")
    assert found == [
        ("c1", 5, "gift", "bob", None, None, None),  # of the same moment, its own come first
        ("c1", 5, "call", None, "phone", 4.0, "d0"),
        ("c1", 6, "call", "eve", None, None, None),
        ("c2", 1, "gift", "ann", None, None, None),
    ]
    report = {report.table: report for report in tables.reports}["actions"]
    assert (report.rows, report.unknown) == (4, {"agent": 1, "channel": 3, "propensity": 3, "cost": 3, "holdout": 3,
                                                 "decision_id": 3})  # fmt: skip


def test_a_confidence_of_the_source_is_not_that_of_the_ledger():
    config = CONFIG.model_copy(
        update={"tables": CONFIG.tables.model_validate({"customers": {}, "actions": {"confidence": 0.5}})}
    )
    own = actions(CALL).drop(columns=["decision_id"])
    tables = read_tables(config, {"customers": CUSTOMERS, "actions": own}, {"actions": actions(CALL)})
    spine = pd.DataFrame({"customer_id": ["c1"], "as_of": pd.to_datetime(["2024-02-01"])})
    count = Aggregate(name="n", table="actions", aggregate="count")
    assert feature_frame(tables, [count], spine)["n"].tolist() == [1.5]


def test_an_empty_ledger_leaves_empty_tables_of_which_everything_can_be_asked():
    empty = {"actions": actions(CALL).head(0), "outcomes": outcomes(REFUSED).head(0)}
    tables = read_tables(CONFIG, {"customers": CUSTOMERS}, empty)
    spine = pd.DataFrame({"customer_id": ["c1"], "as_of": pd.to_datetime(["2024-02-01"])})
    features = [
        Aggregate(name="n", table="outcomes", aggregate="count", where="outcome = 'refused'"),
        Aggregate(name="cost", table="actions", aggregate="mean", column="cost"),
        Recency(name="days", table="actions"),
    ]
    found = feature_frame(tables, features, spine).iloc[0]
    assert (found["n"], found[["cost", "days"]].isna().tolist()) == (0, [True, True])


def test_the_ledger_does_not_tell_what_moment_it_is():
    events = pd.DataFrame(
        {"customer_id": ["c1"], "event_time": pd.to_datetime(["2024-01-04T10:00Z"]), "event_type": ["visit"]}
    )
    logged = {"actions": actions(("c1", "2024-01-05", "call", None, 0.0), ("c1", "2024-03-01", "call", None, 0.0))}
    tables = read_tables(CONFIG, {"customers": CUSTOMERS, "events": events}, logged)
    assert tables.as_of == datetime(2024, 1, 5)  # the midnight after the last event, when the first was decided
    config = CONFIG.model_copy(update={"as_of": pd.Timestamp("2024-01-05T00:00Z").to_pydatetime()})
    tables = read_tables(config, {"customers": CUSTOMERS, "events": events}, logged)
    assert (tables.as_of, len(rows_of(tables, "actions"))) == (datetime(2024, 1, 5), 2)


def test_the_fingerprint_is_of_the_ledger_too():
    frames = {"customers": CUSTOMERS}
    prints = [
        read_tables(CONFIG, frames, logged).fingerprint
        for logged in (None, LOGGED, LOGGED, {"actions": actions(("c1", "2024-01-05", "gift", "phone", 4.0))})
    ]
    assert prints[1] == prints[2]
    assert len(set(prints)) == 3


def test_customers_who_are_not_known_are_left_out_and_counted():
    tables = read_tables(CONFIG, {"customers": CUSTOMERS}, {"actions": actions(CALL, ("gone", *CALL[1:]))})
    assert len(rows_of(tables, "actions")) == 1
    assert tables.warnings == (
        "ledger.actions.customer_id: must be in customers; 1 of 2 rows is not. They were left out.",
    )


def test_a_ledger_that_breaks_the_rules_of_the_table_is_a_fault_of_the_ledger():
    broken = actions(CALL).assign(propensity=1.5)
    with pytest.raises(SchemaError, match=r"^ledger\.actions\.propensity: must be 0-1; 1 of 1 rows is not"):
        read_tables(CONFIG, {"customers": CUSTOMERS}, {"actions": broken})


def test_where_a_table_has_faults_of_its_own_they_are_told():
    own = pd.DataFrame({"customer_id": ["c1"], "action_time": ["2024-01-01"]})
    tables = inspected_tables(CONFIG, {"customers": CUSTOMERS, "actions": own}, LOGGED)
    assert any("actions: has no column 'action'" in fault for fault in tables.faults)


def seen(days, outcome, table, who, as_of, logged):
    """Count the rows of a window strictly before a moment, one by one."""
    time, n = {"actions": "action_time", "outcomes": "outcome_time"}[table], 0
    for row in logged[table].to_dict("records"):
        known = row.get("known_time")
        happened = max(row[time], row[time] if known is None or pd.isna(known) else known)
        inside = as_of - timedelta(days=days) <= row[time] < as_of and happened < as_of
        n += row["customer_id"] == who and inside and (outcome is None or row["outcome"] == outcome)
    return n


def test_a_feature_sees_of_an_outcome_what_a_plain_loop_sees_at_every_moment():
    rng = np.random.default_rng(0)
    who = rng.choice(["c1", "c2"], 60)
    decided = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 60), "D")
    came = decided + pd.to_timedelta(rng.integers(0, 60, 60), "D")
    known = [None if rng.random() < 0.7 else str(day + timedelta(days=int(rng.integers(0, 20)))) for day in came]
    results = rng.choice(["refused", "accepted", "ignored"], 60)
    logged = {
        "actions": actions(*[(w, str(d), "call", "phone", 1.0) for w, d in zip(who, decided, strict=True)]),
        "outcomes": outcomes(
            *[(w, str(d), r, "call", k) for w, d, r, k in zip(who, came, results, known, strict=True)]
        ),
    }
    tables = read_tables(CONFIG, {"customers": CUSTOMERS}, logged)
    features = [
        Aggregate(name="refused_30d", table="outcomes", aggregate="count", window_days=30,
                  where="outcome = 'refused' AND action = 'call'"),
        Aggregate(name="calls_30d", table="actions", aggregate="count", window_days=30, where="action = 'call'"),
        Recency(name="days_since_refusal", table="outcomes", where="outcome = 'refused'"),
    ]  # fmt: skip
    moments = [pd.Timestamp("2024-01-02", tz="UTC") + timedelta(days=int(day)) for day in range(0, 170, 3)]
    spine = pd.DataFrame([(customer, moment) for customer in ("c1", "c2") for moment in moments])
    spine.columns = ["customer_id", "as_of"]
    spine["as_of"] = spine["as_of"].dt.tz_localize(None)
    found = feature_frame(tables, features, spine)
    for row in found.itertuples():
        asked = (row.customer_id, row.as_of, logged)
        assert row.refused_30d == seen(30, "refused", "outcomes", *asked)
        assert row.calls_30d == seen(30, None, "actions", *asked)
    # The twin without a database, of everything that the tables hold.
    plan = feature_plan(features, tables.kinds)
    for customer, history in histories(tables, plan, ["c1", "c2"]).items():
        for row in found[found["customer_id"] == customer].itertuples():
            online = history.features(row.as_of)
            assert (online["refused_30d"], online["calls_30d"]) == (row.refused_30d, row.calls_30d)
            assert online["days_since_refusal"] == (
                None if pd.isna(row.days_since_refusal) else pytest.approx(row.days_since_refusal)
            )


def test_a_refusal_during_a_conversation_is_seen_at_once():
    tables = read_tables(CONFIG, {"customers": CUSTOMERS}, LOGGED)
    refused = Aggregate(name="n", table="outcomes", aggregate="count", where="outcome = 'refused'", window_days=90)
    history = histories(tables, feature_plan([refused], tables.kinds), ["c2"])["c2"]
    assert history.features("2024-02-01") == {"n": 0}
    history.add({"outcome_time": "2024-01-31", "outcome": "refused", "action": "gift"}, table="outcomes")
    assert history.features("2024-02-01") == {"n": 1}
