"""Columns that look like numbers or times and are read as names: told, with the first value that is none."""

import pandas as pd
import pytest

TWO = pd.DataFrame({"customer_id": ["1", "2"]})


@pytest.fixture
def told(reading, file):
    """Return the warnings on a column ``x`` of a CSV file, without what every one of them says."""

    def of(texts, **table):
        content = "customer_id;x\n" + "".join(f"{i};{text}\n" for i, text in enumerate(texts))
        found = reading.warnings({"path": file("c.csv", content)} | table)
        return [text.removeprefix("customers.x: is read as names, though ") for text in found]

    return of


@pytest.mark.parametrize(
    ("texts", "table", "says", "remedy"),
    [
        (["1", "2.5", "n/a", ""], {}, "2 of 3 values look like numbers (first that is not: row 2, 'n/a')", "missing"),
        (["1", "a", "b", "c", "d"], {}, "1 of 5 values look like numbers (first that is not: row 1, 'a')", "missing"),
        (["3021,55", "1.234,5"], {}, "2 of 2 values look like numbers (first that is not: row 0, '3021,55')", "comma"),
        (["7", "5,12"], {}, "2 of 2 values look like numbers (first that is not: row 1, '5,12')", "`decimal: \",\"`"),
        (["1.5"] * 2, {"decimal": ","}, "2 of 2 values look like numbers (first that is not: row 0, '1.5')", "comma"),
        (["7", "12%"], {}, "2 of 2 values look like numbers (first that is not: row 1, '12%')", "without the sign"),
        (["-,5 %", "x"], {}, "1 of 2 values look like numbers (first that is not: row 0, '-,5 %')", "without the sign"),
        (
            ["2024-01-01T10:00:00Z", "2024-01-02T10:00:00+02:00", "2024-01-03"],
            {},
            "3 of 3 values look like times, of which 2 are in ISO 8601 with a zone "
            "(first that is not: row 2, '2024-01-03')",
            "Write all of them so",
        ),
        (
            ["2022-03-01 09:00 AM", "2022-03-01 09:00 PM"],
            {},
            "2 of 2 values look like times, of which 0 are in ISO 8601 with a zone "
            "(first that is not: row 0, '2022-03-01 09:00 AM')",
            "`time_format:`",
        ),
        (
            ["2024-01-01", "soon", "2024-01-02"],
            {},
            "2 of 3 values look like times, of which 2 are in ISO 8601 without a zone "
            "(first that is not: row 1, 'soon')",
            "`missing:`",
        ),
    ],
)  # fmt: skip
def test_a_column_that_is_almost_numbers_or_times_is_told(told, texts, table, says, remedy):
    (warning,) = told(texts, **table)
    assert warning.startswith(f"{says}. ")
    assert remedy in warning
    assert warning.endswith("or list the column in `categories: [x]` if these are names.")
    assert told(texts, categories=["x"], **table) == []


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2"],
        ["1", "a", "b", "c", "d", "e"],  # a sixth: names, of which one is a number
        ["01", "2x"],
        ["01", "02", "10", "11", "AB"],
        ["18_24", "25_34"],
        ["18_24", "25_34", "65+"],
        ["18-24", "<5", "2x", "12E5", "1.2.3", "10.0.0.1"],
        ["2024-01-01", "2024-01-02"],
        ["2024-W01", "2024-01", "2024-01-01-A"],
        ["red", "blue", "", "Yes"],
    ],
)
def test_names_numbers_and_times_as_they_should_be_give_no_warning(told, texts):
    assert told(texts) == []


@pytest.mark.parametrize(("decimal", "texts"), [(",", ["1,5", "2.000,5"]), (".", ["1.5", "2000.5"])])
def test_numbers_in_the_notation_that_is_said_give_no_warning(told, decimal, texts):
    assert told(texts, decimal=decimal) == []


def test_what_is_a_fault_is_no_warning_too(reading, file):
    path = file("c.csv", "customer_id,x\n" + "".join(f"{i},{i}\n" for i in range(20)) + "20,n/a\n")
    found = reading.inspected({"path": path})
    assert (len(found.faults), found.warnings) == (1, ())


def test_codes_of_a_dataframe_give_no_warning_and_a_mixture_does(reading):
    assert reading.warnings({}, {"customers": TWO.assign(code=["1", "2"])}) == []
    (warning,) = reading.warnings({}, {"customers": TWO.assign(code=["1", "n/a"])})
    assert warning.startswith("customers.code: is read as names, though 1 of 2 values look like numbers")


def test_ages_that_are_ranges_are_no_numbers_with_texts_between(reading, file):
    path = file("c.csv", "customer_id,age\n" + "".join(f"{i},18_24\n" for i in range(20)) + "20,65+\n")
    assert reading.faults({"path": path}) == []


def test_many_rows_are_told_from_every_one_of_them(told):
    texts = ["n/a", "7,5"] * 10_000 + ["a"] * 30_000 + ["b"] * 10_000  # the sixth of 60,000: no warning
    assert told(texts) == []
    texts = ["a"] * 30_000 + ["7,5"] * 15_000
    (warning,) = told(texts)
    assert warning.startswith("15,000 of 45,000 values look like numbers (first that is not: row 0, 'a')")


def test_two_files_of_which_one_has_a_text_between_its_numbers(reading, file, tmp_path):
    head = "customer_id,event_time,event_type,value\n"
    file("e1.csv", head + "1,2024-01-01,buy,5\n2,2024-01-02,buy,6.5\n")
    file("e2.csv", head + "1,2024-01-03,buy,n/a\n2,2024-01-04,buy,7\n")
    (warning,) = reading.warnings({}, {"customers": TWO}, events={"path": str(tmp_path / "e*.csv")})
    assert warning.startswith(
        "events.value: is read as names, though 3 of 4 values look like numbers (first that is not: row 2, 'n/a')"
    )


@pytest.mark.parametrize(("second", "warnings"), [(["5.12", "7"], 0), (["5.12", "n/a"], 1)])
def test_a_number_of_one_parquet_file_is_one_where_another_has_it_as_text(reading, tmp_path, second, warnings):
    TWO.assign(spend=[1.5, 2.0]).to_parquet(tmp_path / "p1.parquet")
    pd.DataFrame({"customer_id": ["3", "4"], "spend": second}).to_parquet(tmp_path / "p2.parquet")
    tables = reading.tables({"path": str(tmp_path / "p*.parquet")})
    found = [spend for (spend,) in tables.con.execute("SELECT spend FROM customers ORDER BY customer_id").fetchall()]
    assert found == (["1.5", "2.0", "5.12", "n/a"] if warnings else [1.5, 2.0, 5.12, 7.0])
    assert len(tables.warnings) == warnings


def test_a_column_of_a_joined_file_is_told_by_the_decimals_of_that_file(reading, file):
    joined = file("j.csv", "customer_id,income\n1,1.5\n2,2.5\n")
    (warning,) = reading.warnings({"join": [{"path": joined, "decimal": ","}]}, {"customers": TWO})
    assert warning.startswith("customers.income: is read as names, though 2 of 2 values look like numbers")
    assert reading.warnings({"join": [{"path": joined}]}, {"customers": TWO}) == []
