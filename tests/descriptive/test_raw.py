"""What a raw table must not lose on its way in."""

import pandas as pd
import pytest

from cxml.config.load import load_config, parse_config
from cxml.descriptive.sources import inspected_tables, read_tables
from cxml.errors import SourceError

START = pd.Timestamp("2024-01-01T12:00Z")


def config(**tables):
    return parse_config({"company": "acme", "labels": {"renewal": {}}, "tables": {"customers": {}} | tables})


@pytest.mark.parametrize("identifier", ["1000007919.1300104729", "12345678901234567890", "3e3", "00001"])
def test_an_id_of_a_csv_keeps_every_digit(tmp_path, identifier):
    (tmp_path / "c.csv").write_text(f"id,x\n{identifier},1\n7,2\n")
    table = {"path": str(tmp_path / "c.csv"), "columns": {"customer_id": "id"}}
    tables = read_tables(config(customers=table))
    assert [row[0] for row in tables.con.execute("SELECT customer_id FROM customers").fetchall()] == [identifier, "7"]


@pytest.mark.parametrize("form", ["frame", "parquet"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_zoned_times_of_any_resolution_are_the_same_moment(tmp_path, unit, form):
    times = pd.Series([START.tz_convert("Europe/Lisbon")]).astype(f"datetime64[{unit}, Europe/Lisbon]")
    events = pd.DataFrame({"customer_id": ["1"], "event_time": times, "event_type": "visit"})
    frames = {"customers": pd.DataFrame({"customer_id": ["1"]})}
    table = {}
    if form == "parquet":
        events.to_parquet(tmp_path / "e.parquet")
        table = {"path": str(tmp_path / "e.parquet")}
    else:
        frames["events"] = events
    tables = read_tables(config(events=table), frames)
    assert tables.con.execute("SELECT event_time FROM events").fetchall() == [
        (START.tz_localize(None).to_pydatetime(),)
    ]


def test_a_table_of_strangers_alone_is_a_fault():
    ids = pd.DataFrame({"customer_id": ["1", "2"]})
    events = pd.DataFrame({"customer_id": ["c1", "c2"], "event_time": START, "event_type": "visit"})
    (fault,) = inspected_tables(config(), {"customers": ids, "events": events}).faults
    assert fault.startswith("events.customer_id: must be in customers; 2 of 2 rows are not, of 2 unknown customers")
    assert fault.endswith("None is known: do both tables write the id alike?")


def test_a_last_fact_far_beyond_the_others_is_reported_because_today_follows_it():
    times = [START] * 300 + [pd.Timestamp("2099-01-01T00:00Z")]
    events = pd.DataFrame({"customer_id": "1", "event_time": times, "event_type": "visit"})
    tables = read_tables(config(), {"customers": pd.DataFrame({"customer_id": ["1"]}), "events": events})
    (warning,) = tables.warnings
    assert warning.startswith("events.event_time: the last is 2099-01-01, 27,")
    assert "`as_of` follows it. Set `as_of:`" in warning


def test_a_contract_signed_ahead_does_not_move_today():
    term = {"customer_id": "1", "contract_id": "k", "start_time": pd.Timestamp("2030-01-01T00:00Z"),
            "end_time": pd.Timestamp("2031-01-01T00:00Z"), "renewed": pd.array([True], "boolean")}  # fmt: skip
    events = pd.DataFrame({"customer_id": ["1"], "event_time": START, "event_type": "visit"})
    tables = read_tables(
        config(), {"customers": pd.DataFrame({"customer_id": ["1"]}), "events": events, "contracts": pd.DataFrame(term)}
    )
    assert tables.as_of.isoformat() == "2024-01-02T00:00:00"


def test_a_folder_may_have_brackets_in_its_name(tmp_path):
    folder = tmp_path / "a[1]"
    folder.mkdir()
    (folder / "c.csv").write_text("customer_id,x\n1,2\n")
    (folder / "company.yaml").write_text("company: acme\ntables: {customers: {path: c.csv}}\nlabels: {renewal: {}}\n")
    assert inspected_tables(load_config(folder / "company.yaml")).reports[0].rows == 1


def test_all_tables_that_cannot_be_read_are_named_together(tmp_path):
    missing = {name: {"path": str(tmp_path / f"{name}.csv")} for name in ("customers", "events", "contracts")}
    with pytest.raises(SourceError, match=r"(?s)^3 faults:.*customers: there is no file.*events: .*contracts: "):
        inspected_tables(config(**missing))
