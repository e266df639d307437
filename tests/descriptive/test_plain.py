"""What a service hands over, in any form that it may have it, as plain values."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cxml.descriptive.plain import Rows, microseconds, utc
from cxml.errors import SchemaError

NOON = datetime(2024, 3, 1, 12)
ROWS = Rows(
    "t", {"time": "time", "x": "number", "flag": "flag", "name": "category"}, (), optional=("time", "x", "flag", "name")
)
UNKNOWN = [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT, np.datetime64("NaT")]


def plain(**row):
    (name,) = row
    return ROWS.plain(row)[name]


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        NOON.replace(tzinfo=UTC),
        NOON.replace(hour=14, tzinfo=timezone(timedelta(hours=2))),
        "2024-03-01 12:00",
        "2024-03-01T12:00:00Z",
        "2024-03-01T07:00:00-05:00",
        np.datetime64("2024-03-01T12:00"),
        np.datetime64("2024-03-01T12:00", "ns"),
        pd.Timestamp("2024-03-01 12:00"),
        pd.Timestamp("2024-03-01 13:00", tz="Europe/Paris"),
    ],
)
def test_a_time_is_a_time_in_any_form(time):
    assert plain(time=time) == microseconds(time, "as_of") == 1_709_294_400_000_000
    assert utc(plain(time=time)) == NOON


def test_a_day_is_its_midnight_and_a_microsecond_counts():
    assert plain(time=date(2024, 3, 1)) == plain(time="2024-03-01") == plain(time=NOON) - 43_200_000_000
    assert plain(time="1969-12-31T23:59:59.999999Z") == -1


@pytest.mark.parametrize("value", UNKNOWN)
def test_what_is_unknown_is_unknown_in_any_form(value):
    assert set(ROWS.plain(dict.fromkeys(("time", "x", "flag", "name"), value)).values()) == {None}
    assert set(ROWS.plain({}).values()) == {None}


@pytest.mark.parametrize("value", [2, 2.0, np.int64(2), np.float32(2), Decimal(2)])
def test_a_number_is_a_float(value):
    found = plain(x=value)
    assert (type(found), found) == (float, 2.0)


@pytest.mark.parametrize("flag", [True, 1, 1.0, np.bool_(True)])
def test_a_flag_is_true_or_false(flag):
    assert plain(flag=flag) is True
    assert plain(flag=not flag) is False


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"time": "noon"}, r"t\.time: must be a time such as 2024-05-31T14:00:00Z; it is 'noon'"),
        ({"time": 1_709_294_400}, r"t\.time: must be a time"),
        ({"x": "2"}, r"t\.x: must be a finite number; it is '2'"),
        ({"x": float("-inf")}, r"t\.x: must be a finite number"),
        ({"flag": 2}, r"t\.flag: must be true or false; it is 2"),
        ({"flag": "true"}, r"t\.flag: must be true or false"),
        ({"name": 7}, r"t\.name: must be text; it is 7"),
        ({"nmae": "a"}, r"t: has no column 'nmae'; did you mean 'name'"),
        (7, "t: a row must be a dict; it is a int"),
    ],
)
def test_what_cannot_be_meant_is_refused(row, says):
    with pytest.raises(SchemaError, match=says):
        ROWS.plain(row)


def test_a_column_that_is_needed_may_be_unknown_and_one_that_is_filled_may_not():
    rows = Rows("t", {"x": "number", "name": "category"}, ["x"], filled=["name"])
    assert rows.needed == ("x", "name")
    assert rows.plain({"x": None, "name": "a"}) == {"x": None, "name": "a"}
    with pytest.raises(SchemaError, match=r"(?s)t\.x: is missing\. A value that is not known.*t\.name: must be filled"):
        rows.plain({"name": None})
    with pytest.raises(SchemaError, match=r"^t\.name: is missing\.$"):
        rows.plain({"x": 1})
