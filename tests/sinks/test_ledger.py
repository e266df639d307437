"""What every ledger does alike, in files and in PostgreSQL."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError, SinkError
from cxml.sinks.ledger import Recorded, open_ledger

SCHEMAS = (f"s{n}" for n in itertools.count())


@pytest.fixture(params=["files", "postgresql"])
def ledger(request, tmp_path):
    """Return a new ledger."""
    if request.param == "files":
        return open_ledger(str(tmp_path / "deep" / "ledger"))
    return open_ledger(request.getfixturevalue("database"), database_schema=next(SCHEMAS))


def current(ledger):
    found = ledger.decisions()
    return sorted(found.loc[found["current"].astype(bool), "decision_id"])


def test_a_ledger_that_nobody_wrote_to_has_every_column_and_no_rows(ledger):
    assert ledger.decisions().empty
    assert list(ledger.actions()) == [
        "customer_id", "action_time", "action", "channel", "propensity", "cost", "holdout", "decision_id"
    ]  # fmt: skip
    assert list(ledger.outcomes()) == [
        "customer_id", "outcome_time", "outcome", "action", "channel", "value", "decision_id", "known_time"
    ]  # fmt: skip


def test_decisions_come_back_as_they_were_and_as_actions_at_their_moment(ledger, decided):
    frame = decided("c1", "ç'\"2", as_of="2024-07-01T12:00:00.000001", channel=[None, "web"], cost=[0.1 + 0.2, 0.0])
    before = frame.copy(deep=True)
    assert ledger.record(frame) == Recorded(2, 2, 0, 0)
    pd.testing.assert_frame_equal(frame, before)
    found = ledger.decisions()
    assert found["current"].tolist() == [True, True]
    back = found[list(frame)].set_index("customer_id").loc[frame["customer_id"]].reset_index()
    for name in frame:
        assert [None if pd.isna(x) else x for x in back[name]] == [None if pd.isna(x) else x for x in frame[name]]
    actions = ledger.actions().set_index("customer_id")
    assert actions["action_time"].tolist() == [pd.Timestamp("2024-07-01T12:00:00.000001Z")] * 2
    assert actions.loc["c1", ["action", "propensity", "cost", "holdout", "decision_id"]].tolist() == [
        "call", 0.9, 0.1 + 0.2, False, "c1/2024-07-01T12:00:00.000001/p1"
    ]  # fmt: skip


def test_the_same_run_written_twice_is_written_once(ledger, decided):
    ledger.record(decided("c1", "c2"))
    again = ledger.record(decided("c2", "c1"))
    assert (again, again.note) == (Recorded(2, 0, 0, 0), "ledger: all 2 decisions were recorded before.")
    assert len(ledger.decisions()) == len(ledger.actions()) == 2


def test_another_policy_at_the_same_moment_replaces_what_it_decides_anew_and_deletes_nothing(ledger, decided):
    ledger.record(decided("c1", "c2", "c3"))
    second = ledger.record(decided("c1", "c2", policy="p2", action="gift"))
    assert second == Recorded(2, 2, 2, 0)
    assert second.note == (
        "ledger: 2 decisions recorded; 2 earlier decisions of the same moment are kept, but no longer current."
    )
    assert len(ledger.decisions()) == 5
    assert current(ledger) == ["c1/2024-07-01/p2", "c2/2024-07-01/p2", "c3/2024-07-01/p1"]
    assert sorted(ledger.actions()["action"]) == ["call", "gift", "gift"]


def test_another_moment_replaces_nothing(ledger, decided):
    ledger.record(decided("c1"))
    assert ledger.record(decided("c1", as_of="2024-07-02", policy="p2")) == Recorded(1, 1, 0, 0)
    assert current(ledger) == ["c1/2024-07-01/p1", "c1/2024-07-02/p2"]


def test_the_policy_that_was_run_last_is_the_current_one_also_where_it_was_there_before(ledger, decided):
    ledger.record(decided("c1"))
    ledger.record(decided("c1", policy="p2"))
    third = ledger.record(decided("c1"))
    assert third == Recorded(1, 0, 1, 0)
    assert third.note.startswith("ledger: all 1 decisions were recorded before; 1 earlier")
    assert (current(ledger), len(ledger.decisions())) == (["c1/2024-07-01/p1"], 2)
    assert ledger.record(decided("c1")) == Recorded(1, 0, 0, 0)


def test_a_decision_with_an_outcome_was_carried_out_and_stays_current(ledger, decided, came):
    ledger.record(decided("c1", "c2"))
    ledger.record_outcomes(came(("c1/2024-07-01/p1", "refused", "2024-07-03")))
    second = ledger.record(decided("c1", "c2", policy="p2"))
    assert second == Recorded(2, 2, 1, 1)
    assert "1 are not current, for another of the same moment was carried out" in second.note
    assert current(ledger) == ["c1/2024-07-01/p1", "c2/2024-07-01/p2"]


def test_an_outcome_brings_back_a_decision_that_was_replaced(ledger, decided, came):
    ledger.record(decided("c1"))
    ledger.record(decided("c1", policy="p2"))
    ledger.record_outcomes(came(("c1/2024-07-01/p1", "accepted", "2024-07-03")))
    assert current(ledger) == ["c1/2024-07-01/p1"]


def test_several_decisions_of_a_customer_at_one_moment_stand_together(ledger, decided):
    both = decided("c1", "c1", decision_id=["a", "b"])
    ledger.record(both.head(1))
    assert ledger.record(both) == Recorded(2, 1, 0, 0)
    assert current(ledger) == ["a", "b"]


def test_a_later_version_adds_columns_and_an_earlier_one_is_still_read(ledger, decided):
    ledger.record(decided("c1"))
    more = {"regret": [1.5], "urgent": [True], "agent": ["test"], "tries": [3]}
    contact = pd.to_datetime(["2024-07-05T09:30Z"])
    ledger.record(decided("c2", contact_time=contact, **more))
    ledger.record(decided("c3", contact_time=pd.to_datetime([None], utc=True), **more))
    ledger.record(decided("c4"))
    found = ledger.decisions().set_index("customer_id")
    assert found.loc["c2", list(more)].tolist() == [1.5, True, "test", 3.0]
    assert found.loc[["c1", "c4"], [*more]].isna().all(axis=None)
    moments = ledger.actions().set_index("customer_id")["action_time"]
    midnight = pd.Timestamp("2024-07-01", tz="UTC")
    assert moments.loc[["c1", "c2", "c3", "c4"]].tolist() == [midnight, contact[0], midnight, midnight]


def test_a_column_that_is_all_unknown_at_first_can_be_known_later(ledger, decided):
    ledger.record(decided("c1", channel=[None]))
    ledger.record(decided("c2", channel=["web"]))
    assert ledger.actions().set_index("customer_id")["channel"].dropna().to_dict() == {"c2": "web"}


def test_outcomes_come_back_with_the_action_that_they_are_of(ledger, decided, came):
    ledger.record(decided("c1", "c2", contact_time=pd.to_datetime(["2024-07-02T00:00Z"] * 2)))
    rows = [("c2/2024-07-01/p1", "ignored", "2024-07-03"), ("c2/2024-07-01/p1", "accepted", "2024-08-01T10:00+02:00")]
    known = ["2024-07-04", None]
    assert ledger.record_outcomes(came(*rows, value=[np.nan, 120.0], known_time=known)) == 2
    found = ledger.outcomes()
    assert found["customer_id"].tolist() == ["c2", "c2"]
    assert found["outcome"].tolist() == ["ignored", "accepted"]
    assert found["outcome_time"].tolist() == [pd.Timestamp("2024-07-03T00:00Z"), pd.Timestamp("2024-08-01T08:00Z")]
    assert (found["action"].tolist(), found["channel"].tolist()) == (["call"] * 2, ["phone"] * 2)
    assert [None if pd.isna(value) else value for value in found["value"]] == [None, 120.0]
    assert found["known_time"].isna().tolist() == [False, True]


def test_the_same_outcome_twice_is_once(ledger, decided, came):
    ledger.record(decided("c1"))
    refused = ("c1/2024-07-01/p1", "refused", "2024-07-03")
    assert ledger.record_outcomes(came(refused, refused, value=[5.0, 5.0])) == 1
    assert ledger.record_outcomes(came(refused, value=[5.0])) == 0
    assert ledger.record_outcomes(came(refused).head(0)) == 0
    assert len(ledger.outcomes()) == 1


def test_outcomes_of_unknown_decisions_and_of_before_are_refused_together_and_nothing_is_recorded(
    ledger, decided, came
):
    ledger.record(decided("c1"))
    rows = [
        ("c1/2024-07-01/p1", "refused", "2024-07-03"),
        ("nobody", "refused", "2024-07-03"),
        ("c1/2024-07-01/p1", "ignored", "2024-06-30T23:59:59.999999"),
    ]
    with pytest.raises(SchemaError) as error:
        ledger.record_outcomes(came(*rows))
    assert "outcomes.decision_id: must be a decision of the ledger; 1 of 3 rows is not (first: row 1, decision 'no" in (
        str(error.value)
    )
    assert (
        "outcomes.outcome_time: must be at or after the `as_of` of its decision; 1 of 3 rows is not (first: row 2"
        in (str(error.value))
    )
    assert ledger.outcomes().empty
    assert ledger.record_outcomes(came(("c1/2024-07-01/p1", "ignored", "2024-07-01"))) == 1


@pytest.mark.parametrize("values", [(5.0, 6.0), (5.0, None), (None, 5.0)])
def test_the_same_outcome_of_another_value_is_refused(ledger, decided, came, values):
    ledger.record(decided("c1"))
    refused = ("c1/2024-07-01/p1", "refused", "2024-07-03")
    with pytest.raises(
        SchemaError, match=r"outcomes\.value: must be the same where .*; 1 of 2 rows is not \(first: row 1"
    ):
        ledger.record_outcomes(came(refused, refused, value=values))
    ledger.record_outcomes(came(refused, value=values[:1]))
    with pytest.raises(SchemaError, match=r"outcomes\.value: must be the same .*; 1 of 1 rows is not \(first: row 0"):
        ledger.record_outcomes(came(refused, value=values[1:]))
    assert len(ledger.outcomes()) == 1


def test_outcomes_are_refused_before_anything_was_decided(ledger, came):
    with pytest.raises(SchemaError, match=r"must be a decision of the ledger; 1 of 1 rows is not"):
        ledger.record_outcomes(came(("c1", "refused", "2024-07-03")))


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"decision_id": ["a"], "outcome": ["x"]}, r"has no column 'outcome_time'"),
        (
            {"decision_id": ["a"], "outcome": [None], "outcome_time": ["2024-01-01"]},
            r"outcomes\.outcome: must be filled",
        ),
        ({"decision_id": ["a"], "outcome": ["x"], "outcome_time": ["soon"]}, r"outcomes\.outcome_time: must be a time"),
        (
            {"decision_id": ["a"], "outcome": ["x"], "outcome_time": ["2024-01-01"], "who": ["b"]},
            r"columns that it must not have \(first: 'who'\)",
        ),
        ({"decision_id": ["a", 1], "outcome": ["x", "x"], "outcome_time": ["2024-01-01"] * 2}, r"Give each column one"),
    ],
)
def test_outcomes_that_are_none_are_refused(ledger, frame, says):
    with pytest.raises(SchemaError, match=says):
        ledger.record_outcomes(pd.DataFrame(frame))


def test_decisions_that_are_none_are_refused(ledger, decided):
    with pytest.raises(SchemaError, match=r"decisions: has no column 'propensity'"):
        ledger.record(decided("c1").drop(columns="propensity"))
    with pytest.raises(SchemaError, match=r"decisions\.decision_id: must be unique; 1 of 2 rows is not"):
        ledger.record(decided("c1", "c1"))
    assert ledger.decisions().empty


def test_nothing_of_a_frame_is_taken_for_sql(ledger, decided, came):
    nasty = "x'); DROP TABLE decisions; --"
    ledger.record(decided(nasty, **{'a"; DROP TABLE decisions; --': ["y"]}))
    ledger.record_outcomes(came((f"{nasty}/2024-07-01/p1", nasty, "2024-07-02")))
    assert ledger.decisions()['a"; DROP TABLE decisions; --'].tolist() == ["y"]
    assert ledger.outcomes()["outcome"].tolist() == [nasty]


@pytest.mark.parametrize("where", ["${CXML_NO_SUCH}", "${CXML_NO_SUCH}/ledger"])
def test_a_variable_that_is_not_set_is_named(where):
    with pytest.raises(SinkError, match="needs the environment variable CXML_NO_SUCH, which is not set"):
        open_ledger(where)


def test_another_database_is_refused_without_its_password():
    with pytest.raises(SinkError, match=r"must be a folder, or begin with postgresql://\.$"):
        open_ledger("mysql://u:secret@h/d")


def test_many_random_runs_are_what_a_plain_loop_makes_of_them(ledger, decided, came):
    rng = np.random.default_rng(0)
    batches, outcomes = [], set()
    for _ in range(12):
        who = [f"c{i}" for i in sorted(rng.choice(5, size=3, replace=False))]
        as_of, policy = f"2024-07-0{rng.integers(1, 3)}", f"p{rng.integers(3)}"
        frame = decided(*who, as_of=as_of, policy=policy)
        ledger.record(frame)
        batches.append(frame)
        if rng.random() < 0.3:
            done = str(rng.choice(frame["decision_id"]))
            ledger.record_outcomes(came((done, "accepted", "2024-08-01")))
            outcomes.add(done)
    last = {}
    for frame in batches:
        for row in frame.itertuples():
            last[row.customer_id, row.as_of] = row.decision_id
    by_key = {row.decision_id: (row.customer_id, row.as_of) for frame in batches for row in frame.itertuples()}
    carried = {}
    for done in outcomes:
        carried.setdefault(by_key[done], set()).add(done)
    expected = set().union(*(carried.get(key, {last[key]}) for key in last))
    assert set(current(ledger)) == expected
    assert set(ledger.decisions()["decision_id"]) == set(by_key)
