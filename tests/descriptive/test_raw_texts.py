"""What texts are read as: numbers, flags, times, names, or nothing."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxml.errors import SourceError

TWO = pd.DataFrame({"customer_id": ["1", "2"]})


def column(reading, file, texts, **table):
    """Return the kind and the values of a column ``x`` of a CSV file."""
    content = "customer_id;x\n" + "".join(f"{i};{text}\n" for i, text in enumerate(texts))
    tables = reading.tables({"path": file("c.csv", content)} | table)
    return tables.kinds["customers"]["x"], [x for (x,) in tables.con.execute("SELECT x FROM customers").fetchall()]


# Numbers and names.


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "2"], "number", [1.0, 2.0]),
        (["1.5", "-2e3", " 7 ", ""], "number", [1.5, -2000.0, 7.0, None]),
        (["nan", "1"], "number", [None, 1.0]),
        (["12345678901234567890", "1"], "number", [12345678901234567890.0, 1.0]),
        (["a", "b"], "category", ["a", "b"]),
        (["1", "2", "b"], "category", ["1", "2", "b"]),
        (["01", "2x"], "category", ["01", "2x"]),
        (["18_24", "25_34"], "category", ["18_24", "25_34"]),
        (["True", "false", ""], "flag", [True, False, None]),
        (["Yes", "No"], "category", ["Yes", "No"]),
        (["true", "1"], "category", ["true", "1"]),
    ],
)
def test_a_column_of_a_csv_is_what_all_its_texts_are(reading, file, texts, kind, values):
    assert column(reading, file, texts) == (kind, values)


@pytest.mark.parametrize("kind", ["number", "time", "flag"])
def test_one_odd_text_far_down_makes_a_column_of_names(reading, file, kind):
    few = {"number": "1", "time": "2024-01-01", "flag": "true"}[kind]
    texts = [few] * 30_000 + ["odd"] * 5_000  # beyond the rows that are looked at first
    assert column(reading, file, texts)[0] == "category"
    assert column(reading, file, texts[:30_000])[0] == kind


@pytest.mark.parametrize("identifier", ["1000007919.1300104729", "12345678901234567890", "3e3", "00001"])
def test_an_id_and_a_region_keep_every_digit(reading, file, identifier):
    path = file("c.csv", f"id,region,x\n{identifier},{identifier},1\n7,7,2\n")
    found = reading.rows({"path": path, "columns": {"customer_id": "id"}}, columns="customer_id, region")
    assert found == [(identifier, identifier), ("7", "7")]


def test_text_that_did_not_come_from_a_csv_stays_text(reading):
    frame = TWO.assign(code=["1", "2"], vip=["True", "false"])
    assert reading.rows({}, {"customers": frame}) == [("1", "1", True), ("2", "2", False)]


def test_codes_are_names_where_they_are_declared(reading):
    frames = {"customers": TWO.assign(postcode=[1000.0, np.nan])}
    assert reading.rows({}, frames) == [("1", 1000.0), ("2", None)]
    assert reading.rows({"categories": ["post*"]}, frames) == [("1", "1000"), ("2", None)]


def test_codes_that_a_pattern_declares_are_no_mixture_of_numbers_and_text(reading, file):
    texts = [*map(str, range(20)), "2A"]
    with pytest.raises(Exception, match="mixes numbers with text"):
        column(reading, file, texts)
    assert column(reading, file, texts, categories=["?"])[0] == "category"


# Decimal commas.


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,5", "2", "-,25"], [1.5, 2.0, -0.25]),
        (["1.234", "1.234.567,5"], [1234.0, 1234567.5]),
        (["1,5", "1.5"], ["1.5", "1.5"]),  # a point that parts no thousands: not a number
    ],
)
def test_a_comma_may_stand_before_the_decimals(reading, file, texts, values):
    assert column(reading, file, texts, decimal=",")[1] == values


def test_without_a_word_a_comma_is_no_decimal(reading, file):
    assert column(reading, file, ["1,5", "2,5"]) == ("category", ["1,5", "2,5"])


def test_a_text_between_numbers_with_commas_is_a_fault(reading, file):
    content = "customer_id;x\n" + "".join(f"{i};{i},5\n" for i in range(20)) + "20;unknown\n"
    (fault,) = reading.faults({"path": file("c.csv", content), "decimal": ","})
    assert "customers.x: mixes numbers with text" in fault
    assert "1 of 21 rows is not (first: row 20, customer '20', 'unknown')" in fault


def test_a_score_with_a_comma_is_read_even_beside_one_that_is_none(reading, file):
    path = file("s.csv", "customer_id;response_time;instrument;score\n1;2024-01-01;csat;4,5\n1;2024-01-01;csat;four\n")
    (fault,) = reading.faults({}, {"customers": TWO}, surveys={"path": path, "decimal": ","})
    assert "surveys.score: must be a number; 1 of 2 rows is not (first: row 1, customer '1', 'four')" in fault


# Missing markers.


@pytest.mark.parametrize("marker", [" ", "n/a", "\\N", "it's", "-999"])
def test_a_missing_marker_leaves_a_number_column_of_a_csv_a_number(reading, file, marker):
    assert column(reading, file, ["29.85", marker, "0"], missing=[marker]) == ("number", [29.85, None, 0.0])


@pytest.mark.parametrize("dtype", ["int64", "float64"])
@pytest.mark.parametrize("marker", [-999, "-999", -999.0])
def test_a_missing_marker_is_found_among_the_numbers_of_a_dataframe(reading, dtype, marker):
    frame = TWO.assign(age=np.array([-999, 40], dtype=dtype))
    assert reading.rows({"missing": marker}, {"customers": frame}) == [("1", None), ("2", 40.0)]


def test_a_marker_matches_the_number_however_it_is_written(reading, file):
    assert column(reading, file, ["11", "11.0", "1.1e1", "1"], missing=[11])[1] == [None, None, None, 1.0]


def test_markers_of_one_column_leave_the_others_alone(reading, file):
    path = file("c.csv", "customer_id,nps,q1,q2,x\n1,11,0,6,0\n2,0,11,5,Blank\n3,Blank,3,Blank,11\n")
    table = {"path": path, "missing": {"*": "Blank", "nps": 11, "q?": [0, 6]}}
    assert reading.rows(table) == [
        ("1", None, None, None, 0.0), ("2", 0.0, 11.0, 5.0, None), ("3", None, 3.0, None, 11.0)
    ]  # fmt: skip


def test_a_marker_is_found_among_names_and_keys_too(reading, file):
    path = file("c.csv", "customer_id,region\n1,none\nnone,x\n")
    (fault,) = reading.faults({"path": path, "missing": "none"})
    assert "customers.customer_id: must be filled; 1 of 2 rows is not" in fault
    assert reading.rows({"path": path, "missing": {"region": "none"}}) == [("1", None), ("none", "x")]


def test_without_its_marker_a_blank_between_numbers_is_a_fault(reading, file):
    path = file("c.csv", "customer_id,TotalCharges\n" + "".join(f"{i},{i}.5\n" for i in range(20)) + "20, \n")
    (fault,) = reading.faults({"path": path})
    assert "customers.TotalCharges: mixes numbers with text" in fault
    assert "1 of 21 rows is not (first: row 20, customer '20', ' ')" in fault
    assert reading.faults({"path": path, "missing": [" "]}) == []


def test_numbers_of_a_dataframe_that_a_marker_made_texts_are_numbers_again(reading):
    frame = TWO.assign(spend=["1.5", "n/a"], code=["7", "8"])
    assert reading.rows({"missing": "n/a"}, {"customers": frame}) == [("1", 1.5, "7"), ("2", None, "8")]


# Times.


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("24-02-2015 9.59", "%d-%m-%Y %H.%M", datetime(2015, 2, 24, 9, 59)),
        ("1/12/1997", "%m/%d/%Y", datetime(1997, 1, 12)),
        ("19th January 2015", "%d %B %Y", datetime(2015, 1, 19)),
        ("1st May 2016", "%d %B %Y", datetime(2016, 5, 1)),
        ("22nd August 2016", ["%Y", "%d %B %Y"], datetime(2016, 8, 22)),
        ("3rd Mar 2016", "%d %b %Y", datetime(2016, 3, 3)),
        ("Nov-23", "%b-%y", datetime(2023, 11, 1)),
        ("2017", "%Y", datetime(2017, 1, 1)),
        ("20170131", "%Y%m%d", datetime(2017, 1, 31)),
        ("12/31/1999 09:30:00 PM", "%m/%d/%Y %I:%M:%S %p", datetime(1999, 12, 31, 21, 30)),
        ("2024-01-01 10:00 +0200", "%Y-%m-%d %H:%M %z", datetime(2024, 1, 1, 8)),
        ("1700000000", "epoch_s", datetime(2023, 11, 14, 22, 13, 20)),
        ("1700000000500", "epoch_ms", datetime(2023, 11, 14, 22, 13, 20, 500_000)),
        ("2024-01-01T10:00:00+02:00", "%d/%m/%Y", datetime(2024, 1, 1, 8)),  # ISO 8601 is always read
    ],
)
@pytest.mark.parametrize("form", ["csv", "frame", "by column"])
def test_times_are_read_as_they_are_written(reading, file, form, text, formats, expected):
    table = {"time_format": {"since": formats} if form == "by column" else formats}
    frames = {"customers": pd.DataFrame({"customer_id": ["1"], "since": [text]})} if form == "frame" else None
    if form != "frame":
        table["path"] = file("c.csv", f"customer_id,since\n1,{text}\n")
    assert reading.rows(table, frames) == [("1", expected)]


def test_numbers_of_a_dataframe_are_times_where_a_format_says_so(reading):
    frame = TWO.assign(since=[20170131, 20170201], joined=[1.7e9, np.nan])
    table = {"time_format": {"since": "%Y%m%d", "joined": "epoch_s"}}
    assert reading.rows(table, {"customers": frame}, columns="since, joined") == [
        (datetime(2017, 1, 31), datetime(2023, 11, 14, 22, 13, 20)), (datetime(2017, 2, 1), None)
    ]  # fmt: skip


def test_a_format_of_all_columns_makes_no_times_of_numbers(reading, file):
    path = file("c.csv", "customer_id,since,year,opened\n1,2016,2017,2015\n")
    assert reading.tables({"path": path, "time_format": "%Y"}).kinds["customers"]["year"] == "number"
    kinds = reading.tables({"path": path, "time_format": {"*": "%Y", "opened": "%Y"}}).kinds["customers"]
    assert (kinds["since"], kinds["year"], kinds["opened"]) == ("time", "number", "time")


def test_a_written_time_without_a_zone_is_in_the_zone_of_the_table(reading, file):
    path = file("c.csv", "customer_id,since\n1,01/07/2024 12:00\n")
    table = {"path": path, "time_format": "%d/%m/%Y %H:%M", "timezone": "Europe/Lisbon"}
    assert reading.rows(table, columns="since") == [(datetime(2024, 7, 1, 11),)]


def test_a_time_that_fits_no_format_is_a_fault_and_the_others_are_not(reading, file):
    path = file("c.csv", "customer_id,since,joined\n1,01/07/2024,02/07/2024\n2,soon,later\n3,13/13/2024,\n")
    faults = reading.faults({"path": path, "time_format": {"since": "%d/%m/%Y", "joined": "%d/%m/%Y"}})
    assert faults == [
        "customers.joined: must be written as its `time_format:` says; 1 of 2 rows is not (such as 'later'). "
        "List their format too, or correct these rows.",
        "customers.since: must be a time (ISO 8601); 2 of 3 rows are not (first: row 1, customer '2', 'soon'). "
        "Write times as 2024-05-31T14:00:00Z, or say how they are written with `time_format:`.",
    ]


@pytest.mark.parametrize("text", ["2022-03-01 09:00 PM", "2021-07-03T10:00:00 CET", "2021-07-03 10:00:00+25:00"])
def test_a_column_of_times_with_more_behind_them_is_none_of_times(reading, file, text):
    assert column(reading, file, [text, text.replace("03", "04")])[0] == "category"


@pytest.mark.parametrize(
    ("text", "expected"), [("10:00:00 UTC", 10), ("10:00 GMT", 10), ("10:00:00+02", 8), ("10:00:00.000", 10)]
)
def test_the_zone_of_a_time_is_read_in_any_column(reading, file, text, expected):
    assert column(reading, file, [f"2021-07-03 {text}"]) == ("time", [datetime(2021, 7, 3, expected)])


def test_a_time_of_half_a_day_is_read_where_its_format_is_said(reading, file):
    path = file("c.csv", "customer_id,since\n1,2022-03-01 09:00 AM\n2,2022-03-01 09:00 PM\n")
    (fault,) = reading.faults({"path": path})
    assert "must be a time (ISO 8601); 2 of 2 rows are not (first: row 0, customer '1', '2022-03-01 09:00 AM')" in fault
    found = reading.rows({"path": path, "time_format": "%Y-%m-%d %I:%M %p"}, columns="since")
    assert found == [(datetime(2022, 3, 1, 9),), (datetime(2022, 3, 1, 21),)]


@pytest.mark.parametrize("text", ["%Q", "%"])
def test_a_format_that_is_none_is_named(reading, file, text):
    with pytest.raises(SourceError, match=rf"^customers\.time_format: '{text}' is no format: .*See strptime"):
        reading.tables({"path": file("c.csv", "customer_id\n1\n"), "time_format": text})


def test_the_formats_of_reviews_and_tweets_are_read(reading, file):
    tables = reading.tables(
        {"ids_of": "surveys"},
        surveys={
            "path": file("r.csv", ",Rating,Name,When\n0,1,ann,19th November 2023\n1,9,bob,1st May 2016\n"),
            "columns": {"customer_id": "Name", "score": "Rating", "response_time": "When"},
            "time_format": "%d %B %Y",
            "constants": {"instrument": "nps"},
            "scale": [1, 10],
            "ignore": ["column_1"],
        },
    )
    found = tables.con.execute("SELECT customer_id, score, response_time FROM surveys").fetchall()
    assert found == [("ann", 0.0, datetime(2023, 11, 19)), ("bob", 9.0, datetime(2016, 5, 1))]


# Against plain Python.


_TEXT = st.sampled_from(
    ["1", "-2.5", "1e2", "007", "true", "False", "x", "", "2024-01-31", "2024-01-31T10:00:00Z", "NA"]
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_TEXT, min_size=1, max_size=6), st.booleans())
def test_a_column_is_typed_as_a_plain_reader_would(reading, file, texts, marked):
    def as_number(text):
        try:
            return float(text)
        except ValueError:
            return None

    def as_time(text):
        return datetime.fromisoformat(text).replace(tzinfo=None) if text.startswith("2024") else None

    known = [None if text == "" or (marked and text == "NA") else text for text in texts]
    there = [text for text in known if text is not None]
    ways = {
        "number": [as_number(text) for text in there],
        "flag": [{"true": True, "false": False}.get(text.lower()) for text in there],
        "time": [as_time(text) for text in there] if len({text.endswith("Z") for text in there}) == 1 else [None],
    }
    kind, values = next((way for way in ways.items() if None not in way[1]), ("category", there))
    content = "customer_id;x\n" + "".join(f"{i};{text}\n" for i, text in enumerate(texts))
    tables = reading.inspected({"path": file("c.csv", content), "missing": ["NA"] if marked else []})
    if tables.faults:  # nothing at all, or numbers with texts between
        assert not there or "mixes numbers" in tables.faults[0]
        return
    left = iter(values)
    expected = [None if text is None else next(left) for text in known]
    assert (tables.kinds["customers"]["x"], tables.con.execute("SELECT x FROM customers").fetchall()) == (
        kind, [(value,) for value in expected]
    )  # fmt: skip
