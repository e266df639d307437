"""A raw table as a whole: its scores, who is in it, and what is left as it was."""

import numpy as np
import pandas as pd
import pytest

TWO = pd.DataFrame({"customer_id": ["1", "2"]})
START = pd.Timestamp("2024-01-01T12:00Z")
EVENTS = "customer_id,event_time,event_type\nbob,2024-01-01,a\nann,2024-01-02,b\nbob,2024-01-03,a\n"


def answers(score, instrument="nps"):
    answer = {"customer_id": "1", "response_time": START, "instrument": instrument, "score": score}
    return {"customers": TWO, "surveys": pd.DataFrame(answer)}


def scores(reading, score, instrument="nps", **survey):
    frames = answers(score, instrument)
    return [score for (score,) in reading.rows({}, frames, surveys=survey, table="surveys", columns="score")]


# Scores.


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (35, 4), (55, 6), (64, 6), (65, 7), (85, 9), (94, 9), (95, 10)],
)
def test_nps_answers_from_0_to_100_are_rounded_to_whole_points_half_up(reading, score, expected):
    assert scores(reading, [score, None], scale=[0, 100]) == [expected, None]


@pytest.mark.parametrize(("instrument", "expected"), [("csat", 4.4), ("ces", 6.1), ("stars", 4.4)])
def test_other_answers_are_brought_to_the_scale_of_their_instrument_unrounded(reading, instrument, expected):
    (score,) = scores(reading, [85], instrument, scale=[0, 100])
    assert score == pytest.approx(expected)  # lowest + 0.85 x (highest - lowest)


@pytest.mark.parametrize("score", [101, -1])
def test_a_score_off_the_declared_scale_stays_a_fault(reading, score):
    found = " ".join(reading.faults({}, answers([85, score]), surveys={"scale": [0, 100]}))
    assert found.startswith("surveys.score: must be 0-100, as its `scale:` says; 1 of 2 rows is not (first: row 1, ")
    assert "must be 0-10 for" not in found


@pytest.mark.parametrize("survey", [{}, {"scale": [0, 10]}])
def test_a_score_that_is_no_number_is_a_fault_on_any_scale(reading, survey):
    found = " ".join(reading.faults({}, answers(["9", "ten"]), surveys=survey))
    assert "surveys.score: must be a number; 1 of 2 rows is not" in found


@pytest.mark.parametrize("survey", [{}, {"scale": [0, 100]}])
@pytest.mark.parametrize("instrument", [1, None, True])
def test_an_instrument_that_is_no_name_is_a_fault_on_any_scale(reading, survey, instrument):
    assert "surveys.instrument: must" in " ".join(reading.faults({}, answers([9], instrument), surveys=survey))


def test_a_score_off_the_scale_is_named_by_its_row_in_the_file(reading):
    table = {"scale": [0, 5], "drop_missing": "score"}
    (fault,) = reading.faults({}, answers([None, 4, 9]), surveys=table)
    assert "1 of 2 rows is not (first: row 2, 9)" in fault


# Customers who are the ids of other tables.


def test_customers_may_be_everybody_who_is_in_other_tables(reading, file):
    answer = pd.DataFrame({"customer_id": ["zoe"], "response_time": START, "instrument": "nps", "score": 9})
    tables = reading.tables(
        {"ids_of": ["events", "surveys"]}, {"surveys": answer}, events={"path": file("e.csv", EVENTS)}
    )
    assert tables.con.execute("SELECT * FROM customers").fetchall() == [("ann",), ("bob",), ("zoe",)]
    assert [report.table for report in tables.reports] == ["customers", "events", "surveys"] == list(tables.kinds)
    assert tables.as_of == pd.Timestamp("2024-01-04")


def test_customers_who_are_handed_over_stand_in_for_the_ids_of_other_tables(reading):
    assert reading.rows({"ids_of": "events"}, {"customers": TWO}) == [("1",), ("2",)]


def test_only_who_is_left_in_a_table_is_a_customer(reading, file):
    events = {"path": file("e.csv", EVENTS), "where": "event_type = 'b'"}
    assert reading.rows({"ids_of": "events"}, events=events) == [("ann",)]


def test_customers_who_are_ids_can_have_columns_of_a_file(reading, file):
    people = {"path": file("p.csv", "customer_id,plan\nbob,gold\n")}
    table = {"ids_of": "events", "join": [people], "constants": {"country": "PT"}}
    assert reading.rows(table, events={"path": file("e.csv", EVENTS)}, columns="customer_id, plan, country") == [
        ("ann", None, "PT"), ("bob", "gold", "PT")
    ]  # fmt: skip


def test_ids_of_a_table_that_is_not_there_are_a_fault(reading):
    (fault,) = reading.faults({"ids_of": "events"})
    assert fault == "customers.ids_of: the table 'events' is not there. Configure it, or leave it out here."


def test_ids_of_a_table_that_has_faults_are_no_fault_of_their_own(reading, file):
    events = {"path": file("e.csv", "customer_id,event_time\nann,2024-01-01\n")}
    (fault,) = reading.faults({"ids_of": "events"}, events=events)
    assert fault.startswith("events: has no column 'event_type'")
    faults = reading.faults({"ids_of": ["events", "surveys"]}, events=events)
    assert [says.split(":")[0] for says in faults] == ["customers.ids_of", "events"]


# What is left as it was.


@pytest.mark.parametrize("form", ["frame", "parquet"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_zoned_times_of_any_resolution_are_the_same_moment(reading, tmp_path, unit, form):
    times = pd.Series([START.tz_convert("Europe/Lisbon")]).astype(f"datetime64[{unit}, Europe/Lisbon]")
    events = pd.DataFrame({"customer_id": ["1"], "event_time": times, "event_type": "visit"})
    frames, table = {"customers": TWO}, {}
    if form == "parquet":
        events.to_parquet(tmp_path / "e.parquet")
        table = {"path": str(tmp_path / "e.parquet")}
    else:
        frames["events"] = events
    found = reading.rows({}, frames, events=table, table="events", columns="event_time")
    assert found == [(START.tz_localize(None).to_pydatetime(),)]


def test_a_dataframe_that_is_handed_over_is_not_changed(reading):
    frame = pd.DataFrame({"id": [1.0, 2.0], "vip": ["true", "False"], "age": [-999, 40], "plan": ["a", None]})
    before = frame.copy(deep=True)
    table = {"columns": {"customer_id": "id"}, "missing": ["-999"], "ignore": ["plan"], "constants": {"x": 1}}
    table |= {"derive": {"twice": "2 * age"}, "drop_duplicates": True, "where": "age > 0 OR age IS NULL"}
    reading.tables(table, {"customers": frame})
    pd.testing.assert_frame_equal(frame, before)


def test_nothing_but_the_tables_is_left_in_the_database(reading, file):
    part = {"path": file("j.csv", "customer_id,y\n1,2\n")}
    con = reading.tables({"path": file("c.csv", "customer_id,x\n1,2\n"), "join": [part]}).con
    assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("customers",)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_the_same_table_is_the_same_however_it_was_cut_into_files(reading, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)], "x": rng.normal(size=300), "plan": "a"})
    frame.to_csv(tmp_path / "whole.csv", index=False)
    for i in range(3):
        part = frame.iloc[100 * i : 100 * (i + 1)]
        part[part.columns[::-1] if i else part.columns].to_csv(tmp_path / f"part_{i}.csv", index=False)
    whole, parts = (reading.tables({"path": str(tmp_path / name)}) for name in ("whole.csv", "part_*.csv"))
    assert whole.fingerprint == parts.fingerprint
