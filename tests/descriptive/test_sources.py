from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from cxml.config.load import parse_config
from cxml.descriptive.sources import inspected_tables, read_tables
from cxml.errors import CxmlError, SchemaError, SourceError

NEW_YEAR = pd.Timestamp("2024-01-01T00:00Z")
TWO = pd.DataFrame({"customer_id": ["1", "2"]})


def config(tables, **keys):
    return parse_config({"company": "acme", "labels": {"renewal": {}}, "tables": {"customers": {}} | tables} | keys)


def read(customers=None, frames=None, *, keys=None, **tables):
    return read_tables(config({"customers": customers or {}} | tables, **(keys or {})), frames)


def faults(customers=None, frames=None, *, keys=None, **tables):
    return list(inspected_tables(config({"customers": customers or {}} | tables, **(keys or {})), frames).faults)


def rows(tables, name="customers", columns="*"):
    return tables.con.execute(f"SELECT {columns} FROM {name}").fetchall()


def events(ids=("1", "2"), times=NEW_YEAR, **columns):
    frame = pd.DataFrame({"customer_id": list(ids), "event_time": times, "event_type": "visit"} | columns)
    return {"customers": TWO, "events": frame}


def surveys(score, instrument="nps"):
    answer = {"customer_id": "1", "response_time": NEW_YEAR, "instrument": instrument, "score": score}
    return {"customers": TWO, "surveys": pd.DataFrame(answer)}


@pytest.fixture
def file(tmp_path):
    """Return the path of a new file with this content."""

    def of(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / name)

    return of


def test_a_dataframe_stands_in_for_a_path_and_needs_no_config():
    tables = read({"path": "/nowhere.csv"}, events())
    assert ("events" in tables, "surveys" in tables) == (True, False)
    assert rows(tables) == [("1",), ("2",)]


def test_integer_ids_that_pandas_made_floats_match_text_ids():
    assert rows(read(frames=events(ids=[1.0, 2.0])), "events", "customer_id") == [("1",), ("2",)]
    (fault,) = faults(frames=events(ids=[1.0, np.nan]))
    assert "events.customer_id: must be filled; 1 of 2 rows is not" in fault


def test_facts_of_unknown_customers_are_counted_and_left_out():
    tables = read(frames=events(ids=["1", "x", "x", "y", "2", "2"]))
    assert rows(tables, "events", "customer_id") == [("1",), ("2",), ("2",)]
    (warning,) = tables.warnings
    assert warning.startswith("events.customer_id: must be in customers; 3 of 6 rows")
    assert "2 unknown customers (first: 'x')" in warning
    assert read(frames=events()).warnings == ()


def test_facts_of_unknown_customers_are_a_fault_where_strict():
    with pytest.raises(SchemaError, match=r"must be in customers; 1 of 2 rows .*'x'.*`strict: false`"):
        read(frames=events(ids=["1", "x"]), keys={"strict": True})
    read(frames=events(), keys={"strict": True})


@pytest.mark.parametrize(
    ("last", "as_of"),
    [
        ("2024-03-05T00:00Z", datetime(2024, 3, 6)),
        ("2024-03-05T23:59Z", datetime(2024, 3, 6)),
        ("2024-12-31T12:00Z", datetime(2025, 1, 1)),
        ("2024-03-06T00:30+01:00", datetime(2024, 3, 6)),
    ],
)
def test_as_of_is_the_midnight_after_the_last_fact_and_no_end_of_a_contract(last, as_of):
    term = {"start_time": NEW_YEAR, "end_time": pd.Timestamp("2030-01-01T00:00Z"), "renewed": True}
    contracts = pd.DataFrame({"customer_id": ["1"], "contract_id": ["k"]} | term)
    frames = events(times=[NEW_YEAR, pd.Timestamp(last).tz_convert("UTC")]) | {"contracts": contracts}
    assert read(frames=frames).as_of == as_of


def test_as_of_is_the_configured_one_or_none_without_times():
    assert read(frames=events(), keys={"as_of": "2024-06-01T02:00:00+02:00"}).as_of == datetime(2024, 6, 1)
    assert read(frames={"customers": TWO}).as_of is None
    (fault,) = faults(frames=events(), keys={"as_of": "2024-01-01"})
    assert "events.event_time: must be before as_of (2024-01-01 00:00:00 UTC); 2 of 2 rows are not" in fault


BARE, ZONED = ("2024-07-01T12:00:00", "2024-01-01T12:00:00"), ("2024-07-01T12:00:00+02:00", "2024-01-01T12:00:00Z")


@pytest.mark.parametrize(
    ("times", "table", "company", "hours"),
    [
        (ZONED, None, None, (10, 12)),
        (ZONED, "Europe/Lisbon", None, (10, 12)),
        (BARE, "Europe/Lisbon", None, (11, 12)),
        (BARE, None, "Europe/Lisbon", (11, 12)),
        (BARE, "UTC", "Europe/Lisbon", (12, 12)),
        ((BARE[0], ZONED[1]), "Europe/Lisbon", None, (11, 12)),
    ],
)
def test_times_of_a_csv_are_read_by_their_own_zone_or_the_tables_or_the_companys(file, times, table, company, hours):
    path = file("e.csv", "customer_id,event_time,event_type\n1,{},a\n2,{},a\n".format(*times))
    tables = read(frames={"customers": TWO}, events={"path": path, "timezone": table}, keys={"timezone": company})
    expected = [(datetime(2024, 7, 1, hours[0]),), (datetime(2024, 1, 1, hours[1]),)]
    assert rows(tables, "events", "event_time") == expected


@pytest.mark.parametrize(("times", "n"), [(BARE, 2), ((BARE[0], ZONED[1]), 1)])
def test_a_time_of_a_csv_without_a_zone_is_a_fault_even_among_others_with_one(file, times, n):
    path = file("e.csv", "customer_id,event_time,event_type\n1,{},a\n2,{},a\n".format(*times))
    found = " ".join(faults(frames={"customers": TWO}, events={"path": path}))
    assert f"events.event_time: times must carry a zone; {n} of 2 rows" in found


def test_an_unknown_zone_is_named():
    with pytest.raises(CxmlError, match="Europe/Lisbonn"):
        read(frames=events(times=NEW_YEAR.tz_localize(None)), events={"timezone": "Europe/Lisbonn"})


def test_a_table_that_cxml_does_not_know_is_named_with_its_near_miss():
    with pytest.raises(SourceError, match="there is no table 'custmers'; did you mean 'customers'"):
        read(frames={"custmers": TWO})


@pytest.mark.parametrize("name", ["o'x", 'a"b', "{table}", "two words", "CUSTOMERS"])
def test_a_column_may_have_any_name(name):
    frames = events(ids=["1", "x"]) | {"customers": TWO.assign(**{name: [7.0, 8.0]})}
    tables = read(frames=frames)
    assert rows(tables) == [("1", 7.0), ("2", 8.0)]
    assert tables.kinds["customers"] == {"customer_id": "key", name: "number"}


def test_the_faults_of_several_tables_are_in_one_error():
    wrong = events(times="soon") | surveys([11]) | {"customers": pd.DataFrame({"customer_id": ["1", "1"]})}
    with pytest.raises(SchemaError, match=r"(?s)^3 faults:.*customers\.customer_.*events\.event_.*surveys\.score"):
        read(frames=wrong)
    tables = inspected_tables(config({}), wrong)
    assert [report.table for report in tables.reports] == ["customers", "events", "surveys"]
    assert "customers" not in tables


def test_the_fingerprint_follows_the_values_and_nothing_else(file):
    def fingerprint(spend=(1.0, 2.0), value=(3.0, None), **more):
        return read(frames=events(value=value, **more) | {"customers": TWO.assign(spend=spend)}).fingerprint

    same = fingerprint()
    shuffled = {name: frame.iloc[::-1] for name, frame in events(value=[3.0, None]).items()}
    path = file("c.csv", "customer_id,spend\n2,2\n1,1\n")
    from_file = read({"path": path, "about": "a file"}, {"events": shuffled["events"]}, keys={"random_state": 9})
    assert from_file.fingerprint == same == fingerprint()

    later = NEW_YEAR + pd.Timedelta(microseconds=1)
    others = [fingerprint(spend=(2.0, 1.0)), fingerprint(spend=(1.0, 2.0 + 1e-12)), fingerprint(spend=(1.0, None)),
              fingerprint(value=(3.0, 0.0)), fingerprint(times=later), fingerprint(channel="web"),
              read(frames={"customers": TWO.assign(spend=[1.0, 2.0])}).fingerprint]  # fmt: skip
    assert len({same, *others}) == 1 + len(others)


def test_a_table_of_strangers_alone_is_a_fault():
    (fault,) = faults(frames=events(ids=["c1", "c2"]))
    assert fault.startswith("events.customer_id: must be in customers; 2 of 2 rows are not, of 2 unknown customers")
    assert fault.endswith("None is known: do both tables write the id alike?")


@pytest.mark.parametrize(
    ("table", "column"), [("events", "event_time"), ("events", "known_time"), ("customers", "since")]
)
@pytest.mark.parametrize(("year", "n"), [(2099, 300), (2099, 30), (9999, 1)])
def test_one_time_far_beyond_all_others_does_not_set_today(table, column, year, n):
    frames = events(ids=["1", "2"] * n, known_time=NEW_YEAR)
    frames["customers"] = TWO.assign(since=NEW_YEAR)
    frames[table].loc[0, column] = pd.Timestamp(f"{year}-12-31T00:00Z")
    if (table, column) == ("events", "event_time"):
        frames[table].loc[0, "known_time"] = pd.NaT
    (fault,) = faults(frames=frames)
    times = 4 * n + 2 - (column == "event_time")
    assert fault.startswith(f"{table}.{column}: the last time is {year}-12-31, more than 365 days after all but ")
    assert f"of {times:,} times in the tables, and would set today (`as_of`). Correct or empty it" in fault


def test_a_last_time_that_others_are_near_sets_today():
    late = [pd.Timestamp("2026-01-01T00:00Z"), pd.Timestamp("2026-03-01T00:00Z")]
    assert read(frames=events(ids=["1"] * 102, times=[NEW_YEAR] * 100 + late)).as_of == datetime(2026, 3, 2)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (("north", "South"), "customers.region: must be in environment; 1 of 2 rows is not (first: 'South'). Their"),
        (("North", "South"), "customers.region: must be in environment; 2 of 2 rows are not (first: 'North'). Nobody"),
        (("north", None), None),
        (None, "environment: says nothing of anybody, for customers have no column 'region'."),
    ],
)
def test_customers_whose_region_nobody_observed_are_reported(regions, expected):
    places = pd.DataFrame({"region": ["north", "south"], "observed_time": NEW_YEAR, "jobless": 5.0})
    customers = TWO if regions is None else TWO.assign(region=list(regions))
    report = inspected_tables(config({"environment": {}}), {"customers": customers, "environment": places})
    said = [*report.faults, *report.warnings]
    assert [text[: len(expected)] for text in said] == [expected] if expected else said == []
    assert bool(report.faults) == (regions == ("North", "South"))


def test_a_contract_signed_ahead_does_not_move_today():
    term = {"start_time": pd.Timestamp("2030-01-01T00:00Z"), "end_time": pd.Timestamp("2031-01-01T00:00Z")}
    contracts = pd.DataFrame({"customer_id": ["1"], "contract_id": "k", "renewed": True} | term)
    assert read(frames=events() | {"contracts": contracts}).as_of == datetime(2024, 1, 2)


def test_all_tables_that_cannot_be_read_are_named_together(tmp_path):
    missing = {name: {"path": str(tmp_path / f"{name}.csv")} for name in ("customers", "events", "contracts")}
    with pytest.raises(SourceError, match=r"(?s)^3 faults:.*customers: there is no file.*events: .*contracts: "):
        read(**missing)
