import gzip
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


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "txt", "CSV", "parquet", "dataframe"])
def test_a_table_is_the_same_in_every_form(file, form, tmp_path):
    expected = [("1", 10.5, "basic"), ("2", None, None)]
    frame = pd.DataFrame(expected, columns=["customer_id", "spend", "plan"])
    path = str(tmp_path / f"c.{form}")
    if form == "parquet":
        frame.to_parquet(path)
    elif form != "dataframe":
        text = "customer_id,spend,plan\n1,10.5,basic\n2,,\n".replace(",", "\t" if form == "tsv" else ",").encode()
        file(f"c.{form}", gzip.compress(text) if form == "csv.gz" else text)
    tables = read(frames={"customers": frame}) if form == "dataframe" else read({"path": path})
    assert rows(tables) == expected
    assert tables.kinds["customers"] == {"customer_id": "key", "spend": "number", "plan": "category"}


def test_the_files_of_a_glob_are_one_table_by_column_names(file, tmp_path):
    file("a_1.csv", "customer_id,spend\n1,10\n")
    file("a_2.csv", "plan,customer_id\nbasic,2\n")
    file("b.csv", "customer_id\n3\n")
    found = rows(read({"path": str(tmp_path / "a_*.csv")}), columns="customer_id, spend, plan")
    assert found == [("1", 10.0, None), ("2", None, "basic")]


def test_a_dataframe_stands_in_for_a_path_and_needs_no_config():
    tables = read({"path": "/nowhere.csv"}, events())
    assert ("events" in tables, "surveys" in tables) == (True, False)
    assert rows(tables) == [("1",), ("2",)]


def test_columns_are_renamed_added_and_left_out(file):
    path = file("c.csv", "Id,Area,Noise\nc1,north,1\n")
    names = {"columns": {"customer_id": "Id", "region": "Area"}, "ignore": ["Noise"]}
    tables = read({"path": path, **names, "constants": {"plan": "O'Brien's", "vip": True, "discount": 0.5}})
    kinds = {"customer_id": "key", "region": "category", "plan": "category", "vip": "flag", "discount": "number"}
    assert tables.kinds["customers"] == kinds
    assert rows(tables) == [("c1", "north", "O'Brien's", True, 0.5)]


def test_a_constant_does_not_silently_replace_a_column():
    frames = {"customers": TWO.assign(plan="y")}
    with pytest.raises(SchemaError, match=r"customers\.constants: 'plan' is a column of the file; ignore it"):
        read({"constants": {"plan": "x"}}, frames)
    assert rows(read({"constants": {"plan": "x"}, "ignore": ["plan"]}, frames)) == [("1", "x"), ("2", "x")]


@pytest.mark.parametrize("marker", [" ", "n/a", "\\N", "it's", "-999"])
def test_a_missing_marker_leaves_a_number_column_of_a_csv_a_number(file, marker):
    path = file("c.csv", f"customer_id,TotalCharges\n1,29.85\n2,{marker}\n3,0\n")
    tables = read({"path": path, "missing": [marker]})
    assert tables.kinds["customers"]["TotalCharges"] == "number"
    assert rows(tables) == [("1", 29.85), ("2", None), ("3", 0.0)]


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_a_missing_marker_is_found_among_the_numbers_of_a_dataframe(dtype):
    frame = TWO.assign(age=np.array([-999, 40], dtype=dtype))
    assert rows(read({"missing": ["-999"]}, {"customers": frame})) == [("1", None), ("2", 40.0)]


def test_without_its_marker_a_blank_between_numbers_is_a_fault(file):
    path = file("c.csv", "customer_id,TotalCharges\n" + "".join(f"{i},{i}.5\n" for i in range(20)) + "20, \n")
    (fault,) = faults({"path": path})
    assert "customers.TotalCharges: mixes numbers with text" in fault
    assert "1 of 21 rows is not (first: row 20, customer '20', ' ')" in fault
    assert faults({"path": path, "missing": [" "]}) == []


def test_true_and_false_are_flags_and_yes_and_no_stay_words(file):
    path = file("c.csv", "customer_id,vip,churn\n1,True,Yes\n2,false,No\n3,,\n")
    for tables in (read({"path": path}), read(frames={"customers": pd.read_csv(path, dtype=str)})):
        assert rows(tables) == [("1", True, "Yes"), ("2", False, "No"), ("3", None, None)]
        assert (tables.kinds["customers"]["vip"], tables.kinds["customers"]["churn"]) == ("flag", "category")


def test_codes_are_names_where_they_are_declared():
    frames = {"customers": TWO.assign(postcode=[1000.0, np.nan])}
    assert rows(read(frames=frames)) == [("1", 1000.0), ("2", None)]
    assert rows(read({"categories": ["postcode"]}, frames)) == [("1", "1000"), ("2", None)]


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (35, 4), (55, 6), (64, 6), (65, 7), (85, 9), (94, 9), (95, 10)],
)
def test_nps_answers_from_0_to_100_are_rounded_to_whole_points_half_up(score, expected):
    tables = read(frames=surveys([score, None]), surveys={"scale": [0, 100]})
    assert rows(tables, "surveys", "score") == [(expected,), (None,)]


@pytest.mark.parametrize(("instrument", "expected"), [("csat", 4.4), ("ces", 6.1), ("stars", 4.4)])
def test_other_answers_are_brought_to_the_scale_of_their_instrument_unrounded(instrument, expected):
    ((score,),) = rows(read(frames=surveys([85], instrument), surveys={"scale": [0, 100]}), "surveys", "score")
    assert score == pytest.approx(expected)  # lowest + 0.85 x (highest - lowest)


@pytest.mark.parametrize("score", [101, -1])
def test_a_score_off_the_declared_scale_stays_a_fault(score):
    found = " ".join(faults(frames=surveys([85, score]), surveys={"scale": [0, 100]}))
    assert found.startswith("surveys.score: must be 0-100, as its `scale:` says; 1 of 2 rows is not (first: row 1, ")
    assert "must be 0-10 for" not in found


@pytest.mark.parametrize("survey", [{}, {"scale": [0, 10]}])
def test_a_score_that_is_no_number_is_a_fault_on_any_scale(survey):
    found = " ".join(faults(frames=surveys(["9", "ten"]), surveys=survey))
    assert "surveys.score: must be a number; 1 of 2 rows is not" in found


@pytest.mark.parametrize("survey", [{}, {"scale": [0, 100]}])
@pytest.mark.parametrize("instrument", [1, None, True])
def test_an_instrument_that_is_no_name_is_a_fault_on_any_scale(survey, instrument):
    assert "surveys.instrument: must" in " ".join(faults(frames=surveys([9], instrument), surveys=survey))


def test_integer_ids_that_pandas_made_floats_match_text_ids():
    assert rows(read(frames=events(ids=[1.0, 2.0])), "events", "customer_id") == [("1",), ("2",)]
    (fault,) = faults(frames=events(ids=[1.0, np.nan]))
    assert "events.customer_id: must be filled; 1 of 2 rows is not" in fault


def test_ids_with_leading_zeros_are_other_ids(file):
    assert rows(read({"path": file("c.csv", "customer_id\n01\n1\n")})) == [("01",), ("1",)]


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


ABOUT = {"about": "the Telco file", "published_at": "https://example.org/telco"}
WHERE = r"It is the Telco file\. It is published at https://example\.org/telco\."


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (ABOUT | {"path": "/none/c.csv"}, rf"there is no file /none/c\.csv\. {WHERE} Put it there, or correct `path:`"),
        ({"path": "/none/*.csv"}, r"there is no file /none/\*\.csv\. Put it there"),
        (
            ABOUT | {"path": "${NONE}/c.csv"},
            rf"needs the environment variable NONE, .* not set\. {WHERE} Set NONE",
        ),
        ({"path": "${NONE/c.csv"}, r"\$\{NONE"),
        ({}, "has no `path:` and no dataframe was handed over"),
    ],
)
def test_a_table_that_is_not_there_says_what_it_is_and_where_to_get_it(table, says):
    with pytest.raises(SourceError, match=f"^customers: .*{says}"):
        read(table)


@pytest.mark.parametrize(("name", "says"), [("c.json", "must be CSV or Parquet"), ("c.parquet", "cannot be read")])
def test_a_file_of_another_format_cannot_be_read(file, name, says):
    with pytest.raises(SourceError, match=rf"^customers: .*{says}"):
        read({"path": file(name, "{}" * 40)})


def test_a_table_that_cxml_does_not_know_is_named_with_its_near_miss():
    with pytest.raises(SourceError, match="there is no table 'custmers'; did you mean 'customers'"):
        read(frames={"custmers": TWO})


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"columns": {"region": "aera"}}, r"columns: .* no column 'aera' \(for region\); did you mean 'area'"),
        ({"ignore": ["aera"]}, "ignore: there is no column 'aera'; did you mean 'area'"),
        ({"categories": ["aera"]}, "categories: there is no column 'aera'; did you mean 'area'"),
        ({"columns": {"plan": "area"}}, "columns: 'plan' is a column already"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_a_fault(table, says):
    with pytest.raises(SchemaError, match=rf"customers\.{says}"):
        read(table, {"customers": TWO.assign(area="north", plan="basic")})


@pytest.mark.parametrize(
    "frame",
    [TWO.assign(spend=["a", 1]), pd.DataFrame([["1", 2, 3]], columns=["customer_id", "spend", "spend"])],
    ids=["several types in a column", "two columns of one name"],
)
def test_a_dataframe_that_is_no_table_is_refused(frame):
    with pytest.raises(SourceError, match=r"^customers: .*spend"):
        read(frames={"customers": frame})


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


def test_a_dataframe_that_is_handed_over_is_not_changed():
    frame = pd.DataFrame({"id": [1.0, 2.0], "vip": ["true", "False"], "age": [-999, 40], "plan": ["a", None]})
    before = frame.copy(deep=True)
    table = {"columns": {"customer_id": "id"}, "missing": ["-999"], "ignore": ["plan"], "constants": {"x": 1}}
    read(table, {"customers": frame})
    pd.testing.assert_frame_equal(frame, before)
