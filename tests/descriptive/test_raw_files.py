"""Files as they are found: forms, globs, names in headers, and what is not there."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from cxml.errors import SchemaError, SourceError

TWO = pd.DataFrame({"customer_id": ["1", "2"]})
PLAN = "customer_id,plan\n1,basic\n2,caf\u00e9\n"


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "txt", "CSV", "parquet", "dataframe"])
def test_a_table_is_the_same_in_every_form(reading, file, form, tmp_path):
    expected = [("1", 10.5, "basic"), ("2", None, None)]
    frame = pd.DataFrame(expected, columns=["customer_id", "spend", "plan"])
    path = str(tmp_path / f"c.{form}")
    if form == "parquet":
        frame.to_parquet(path)
    elif form != "dataframe":
        text = "customer_id,spend,plan\n1,10.5,basic\n2,,\n".replace(",", "\t" if form == "tsv" else ",").encode()
        file(f"c.{form}", gzip.compress(text) if form == "csv.gz" else text)
    tables = reading.tables(*(({}, {"customers": frame}) if form == "dataframe" else ({"path": path},)))
    assert tables.con.execute("SELECT * FROM customers").fetchall() == expected
    assert tables.kinds["customers"] == {"customer_id": "key", "spend": "number", "plan": "category"}


def test_the_files_of_a_glob_are_one_table_by_column_names(reading, file, tmp_path):
    file("a_1.csv", "customer_id,spend\n1,10\n")
    file("a_2.csv", "plan,customer_id\nbasic,2\n")
    file("b.csv", "customer_id\n3\n")
    found = reading.rows({"path": str(tmp_path / "a_*.csv")}, columns="customer_id, spend, plan")
    assert found == [("1", 10.0, None), ("2", None, "basic")]


def test_a_column_that_is_whole_in_one_parquet_file_and_not_in_another_loses_nothing(reading, tmp_path):
    pd.DataFrame({"customer_id": ["1"], "spend": [1]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"customer_id": ["2"], "spend": [2.5]}).to_parquet(tmp_path / "b.parquet")
    pd.DataFrame({"spend ": [3.5], "CUSTOMER_ID": ["3"]}).to_parquet(tmp_path / "c.parquet")
    assert reading.rows({"path": str(tmp_path / "*.parquet")}) == [("1", 1.0), ("2", 2.5), ("3", 3.5)]


# Names in headers.


@pytest.mark.parametrize("header", ["customer_id,score_", "Customer_ID,SCORE_", " customer_id , score_\t"])
def test_blanks_and_case_of_a_header_do_not_matter_where_a_column_is_looked_for(reading, file, header):
    path = file("c.csv", f"{header}\n1,2\n")
    tables = reading.tables({"path": path, "columns": {"points": "Score_"}})
    assert tables.kinds["customers"] == {"customer_id": "key", "points": "number"}


def test_other_columns_keep_their_case_and_lose_the_blanks(reading, file):
    path = file("c.csv", "customer_id, Monthly Charge \n1,2\n")
    assert list(reading.tables({"path": path}).kinds["customers"]) == ["customer_id", "Monthly Charge"]


def test_the_very_name_goes_before_one_that_differs_in_case(reading, file):
    path = file("c.csv", "customer_id,Plan,plan\n1,a,b\n")
    tables = reading.tables({"path": path, "columns": {"tariff": "plan"}})
    assert tables.con.execute('SELECT tariff, "Plan" FROM customers').fetchall() == [("b", "a")]


def test_a_name_that_is_there_twice_is_numbered_and_reported(reading, file):
    path = file("c.csv", "customer_id,Count,count \n1,2,3\n")
    tables = reading.tables({"path": path})
    assert tables.con.execute("SELECT * FROM customers").fetchall() == [("1", 2.0, 3.0)]
    assert list(tables.kinds["customers"]) == ["customer_id", "Count", "count_2"]
    assert tables.warnings == (f"customers: the header of {path} has 'count ' more than once; column 3 is 'count_2'.",)


def test_a_column_without_a_name_has_its_place_and_goes_where_it_is_empty(reading, file):
    path = file("c.csv", "customer_id,,x,\n1,5,2,\n2,6,3,\n")
    assert list(reading.tables({"path": path}).kinds["customers"]) == ["customer_id", "column_2", "x"]


def test_names_that_drift_over_the_years_are_one_column(reading, file, tmp_path):
    file("2015.csv", "id,NPS\n1,7\n")
    file("2016.csv", "*id,NETPRO  \n2,8\n")
    file("2017.csv", "id,NETPRO,NPS\n3,9,-1\n")
    file("2018.csv", "id\n4\n")
    table = {"path": str(tmp_path / "*.csv"), "columns": {"customer_id": ["id", "*id"], "nps": ["NETPRO", "NPS"]}}
    tables = reading.tables(table)
    assert list(tables.kinds["customers"]) == ["customer_id", "nps"]
    assert tables.con.execute("SELECT customer_id, nps FROM customers").fetchall() == [
        ("1", 7.0), ("2", 8.0), ("3", 9.0), ("4", None)
    ]  # fmt: skip


def test_a_name_that_no_file_has_is_a_fault_with_all_that_were_looked_for(reading, file):
    path = file("c.csv", "customer_id,NETPR0\n1,2\n")
    (fault,) = reading.faults({"path": path, "columns": {"nps": ["NPS", "NETPRO"]}})
    assert fault == "customers.columns: there is no column 'NPS' or 'NETPRO' (for nps); did you mean 'NETPR0'?"


def test_a_column_may_be_given_the_name_of_its_file(reading, file, tmp_path):
    for year in ("2016", "2017"):
        file(f"{year}.csv.gz", gzip.compress(b"customer_id\n" + year[-1:].encode() + b"\n"))
    file("2018/2018.csv", "customer_id\n8\n")
    assert reading.rows({"path": str(tmp_path / "*.gz"), "file_name": "year"}) == [("6", 2016.0), ("7", 2017.0)]
    latin = {"path": str(tmp_path / "2018/*.csv"), "file_name": "year", "encoding": "latin-1"}
    assert reading.rows(latin) == [("8", 2018.0)]
    (fault,) = reading.faults({"file_name": "year"}, {"customers": TWO})
    assert fault.startswith("customers.file_name: these rows come from no file")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"columns": {"region": "aera"}}, r"columns: .* no column 'aera' \(for region\); did you mean 'area'"),
        ({"ignore": ["aera"]}, "ignore: there is no column 'aera'; did you mean 'area'"),
        ({"ignore": ["x*"]}, r"ignore: there is no column 'x\*'\."),
        ({"categories": ["aera"]}, "categories: there is no column 'aera'; did you mean 'area'"),
        ({"missing": {"aera": "x"}}, "missing: there is no column 'aera'; did you mean 'area'"),
        ({"time_format": {"aera": "%Y"}}, "time_format: there is no column 'aera'; did you mean 'area'"),
        ({"columns": {"plan": "area"}}, "columns: 'plan' is a column already"),
        ({"file_name": "plan"}, "file_name: these rows come from no file"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_a_fault(reading, table, says):
    with pytest.raises(SchemaError, match=rf"customers\.{says}"):
        reading.tables(table, {"customers": TWO.assign(area="north", plan="basic")})


def test_columns_are_ignored_by_pattern_and_a_name_with_a_star_by_itself(reading):
    frame = TWO.assign(Q1=1, Q2=2, x=3, **{"*": 4})
    assert list(reading.tables({"ignore": ["Q?"]}, {"customers": frame}).kinds["customers"]) == [
        "customer_id",
        "x",
        "*",
    ]
    assert "x" in reading.tables({"ignore": ["*"]}, {"customers": frame}).kinds["customers"]


# What is not there, or is nothing that can be read.


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
def test_a_table_that_is_not_there_says_what_it_is_and_where_to_get_it(reading, table, says):
    with pytest.raises(SourceError, match=f"^customers: .*{says}"):
        reading.tables(table)


@pytest.mark.parametrize(
    ("name", "says"),
    [("c.json", "must be CSV or Parquet"), ("c.parquet", "cannot be read"), ("c.csv.gz", "cannot be read")],
)
def test_a_file_of_another_format_cannot_be_read(reading, file, name, says):
    with pytest.raises(SourceError, match=rf"^customers: .*{says}"):
        reading.tables({"path": file(name, "{}" * 40)})


@pytest.mark.parametrize(
    "frame",
    [TWO.assign(spend=["a", 1]), pd.DataFrame([["1", 2, 3]], columns=["customer_id", "spend", "spend"])],
    ids=["several types in a column", "two columns of one name"],
)
def test_a_dataframe_that_is_no_table_is_refused(reading, frame):
    with pytest.raises(SourceError, match=r"^customers: .*spend"):
        reading.tables({}, {"customers": frame})


@pytest.mark.parametrize("name", ["o'x", 'a"b', "{table}", "two words", "CUSTOMERS", "cxml_rows"])
@pytest.mark.parametrize("form", ["frame", "csv"])
def test_a_column_may_have_any_name(reading, tmp_path, form, name):
    frame = TWO.assign(**{name: [7.0, 8.0]})
    frame.to_csv(tmp_path / "c.csv", index=False)
    table = ({}, {"customers": frame}) if form == "frame" else ({"path": str(tmp_path / "c.csv")},)
    tables = reading.tables(*table)
    assert tables.con.execute("SELECT * FROM customers").fetchall() == [("1", 7.0), ("2", 8.0)]
    assert tables.kinds["customers"] == {"customer_id": "key", name: "number"}


def test_a_folder_may_have_brackets_in_its_name(reading, tmp_path):
    from cxml.config.load import load_config
    from cxml.descriptive.sources import read_tables

    folder = tmp_path / "a[1]"
    folder.mkdir()
    (folder / "c.csv").write_text("customer_id,x\n1,2\n")
    (folder / "d.csv").write_text("customer_id,y\n1,3\n")
    joined = "tables: {customers: {path: c.csv, join: [{path: d.csv}]}}"
    (folder / "company.yaml").write_text(f"company: acme\n{joined}\nlabels: {{renewal: {{}}}}\n")
    con = read_tables(load_config(folder / "company.yaml")).con
    assert con.execute("SELECT * FROM customers").fetchall() == [("1", 2.0, 3.0)]


def test_a_path_may_hold_a_quote(reading, file):
    path = file("it's/c.csv", PLAN)
    assert Path(path).parent.name == "it's"
    assert len(reading.rows({"path": path})) == 2
