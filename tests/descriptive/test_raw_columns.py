"""Columns that no file has as they are: constants, numbers of rows, composite keys, and what is derived from others."""

from datetime import date, datetime

import pandas as pd
import pytest

from cxml.errors import SchemaError

TWO = pd.DataFrame({"customer_id": ["1", "2"]})
LINES = "customer_id,invoice,quantity,price\nann,1001,2,1.5\nbob,C1002,-1,3\ncat,1003,,2\n"


def test_columns_are_renamed_added_and_left_out(reading, file):
    path = file("c.csv", "Id,Area,Noise\nc1,north,1\n")
    names = {"columns": {"customer_id": "Id", "region": "Area"}, "ignore": ["Noise"]}
    tables = reading.tables({"path": path, **names, "constants": {"plan": "O'Brien's", "vip": True, "discount": 0.5}})
    kinds = {"customer_id": "key", "region": "category", "plan": "category", "vip": "flag", "discount": "number"}
    assert tables.kinds["customers"] == kinds
    assert tables.con.execute("SELECT * FROM customers").fetchall() == [("c1", "north", "O'Brien's", True, 0.5)]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (date(2017, 6, 1), datetime(2017, 6, 1)),
        (datetime(2017, 6, 1, 12, 30), datetime(2017, 6, 1, 12, 30)),
        ("2017-06-01T02:00:00+02:00", datetime(2017, 6, 1)),
    ],
)
def test_a_constant_may_be_a_time(reading, time, expected):
    assert reading.rows({"constants": {"since": time}}, {"customers": TWO}) == [("1", expected), ("2", expected)]


def test_a_constant_does_not_silently_replace_a_column(reading):
    frames = {"customers": TWO.assign(plan="y")}
    with pytest.raises(SchemaError, match=r"customers\.constants: 'plan' is a column of the file; ignore it"):
        reading.tables({"constants": {"plan": "x"}}, frames)
    assert reading.rows({"constants": {"plan": "x"}, "ignore": ["plan"]}, frames) == [("1", "x"), ("2", "x")]


def test_rows_without_an_id_are_numbered_as_in_the_file(reading, file, tmp_path):
    file("a.csv", "spend\n5\n6\n")
    file("b.csv", "spend\n-7\n8\n")
    table = {"path": str(tmp_path / "*.csv"), "number_rows": "customer_id", "where": "spend > 0"}
    assert reading.rows(table, columns="customer_id, spend") == [("1", 5.0), ("2", 6.0), ("4", 8.0)]
    (fault,) = reading.faults({"number_rows": "customer_id"}, {"customers": TWO})
    assert fault.startswith("customers.number_rows: 'customer_id' is a column of the file")


@pytest.mark.parametrize("ignore", [[], ["line"]])
def test_a_number_of_rows_under_a_name_of_its_own_serves_conditions_and_is_no_measure(reading, file, ignore):
    path = file("e.csv", "customer_id,event_time,event_type,value\n" + "1,2024-01-01,buy,5\n" * 3)
    table = {"path": path, "number_rows": "line", "where": "line > 1", "derive": {"late": "line > 2"}, "ignore": ignore}
    tables = reading.tables({}, {"customers": TWO}, events=table)
    assert tables.con.execute("SELECT value, late FROM events").fetchall() == [(5.0, False), (5.0, True)]
    assert "line" not in tables.kinds["events"]


# Composite keys.


def test_a_key_is_made_of_several_columns_and_of_the_name_of_the_file(reading, file, tmp_path):
    file("2016.csv", "number,x\n007,1\n8,2\n")
    file("2017.csv", "number,x\n007,3\n")
    table = {"path": str(tmp_path / "*.csv"), "file_name": "year", "composite": {"customer_id": ["year", "number"]}}
    assert reading.rows(table, columns="customer_id, x, year") == [
        ("2016|007", 1.0, 2016.0), ("2016|8", 2.0, 2016.0), ("2017|007", 3.0, 2017.0)
    ]  # fmt: skip
    assert list(reading.tables(table | {"ignore": ["year", "number"]}).kinds["customers"]) == ["x", "customer_id"]


def test_different_parts_never_make_the_same_key(reading):
    parts = [("a", "b|c"), ("a|b", "c"), ("a\\", "b|c"), ("a\\|b", "c"), ("a", "b\\|c"), ("a|", "b"), ("a", "|b")]
    frame = pd.DataFrame(parts, columns=["p", "q"])
    found = reading.rows({"composite": {"customer_id": ["p", "q"]}, "ignore": ["p", "q"]}, {"customers": frame})
    assert len(set(found)) == len(parts)


def test_a_key_is_missing_where_a_part_is(reading):
    frame = pd.DataFrame({"p": ["a", None, "none"], "n": [1.0, 2.0, 3.0]})
    table = {
        "composite": {"customer_id": ["p", "n"]},
        "ignore": ["p"],
        "missing": {"p": "none"},
        "drop_missing": "customer_id",
    }
    assert reading.rows(table, {"customers": frame}) == [(1.0, "a|1")]


@pytest.mark.parametrize(
    ("composite", "says"),
    [
        ({"customer_id": ["p", "q"]}, "composite: 'customer_id' is a column of the file; ignore it"),
        ({"k": ["p", "zz"]}, r"composite\.k: there is no column 'zz'\."),
    ],
)
def test_a_composite_that_does_not_fit_the_file_is_a_fault(reading, composite, says):
    with pytest.raises(SchemaError, match=rf"customers\.{says}"):
        reading.tables({"composite": composite}, {"customers": TWO.assign(p="a", q="b")})


# Derived columns.


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("quantity * price", "number", [3.0, -3.0, None]),
        ("12", "number", [12.0, 12.0, 12.0]),
        ("quantity > 0", "flag", [True, False, None]),
        ("invoice LIKE 'C%'", "flag", [False, True, False]),
        ({"back": "invoice LIKE 'C%'", "bought": "quantity > 0"}, "category", ["bought", "back", None]),
        ({"back": "invoice LIKE 'C%'", "O'Brien's": True}, "category", ["O'Brien's", "back", "O'Brien's"]),
        ({1: "quantity < 0", 2.5: "quantity > 0"}, "number", [2.5, 1.0, None]),
        ({"late": "quantity < 0", "never": "quantity < 0"}, "category", [None, "late", None]),
    ],
)
@pytest.mark.parametrize("ignored", [[], ["invoice", "quantity", "price"]])
def test_a_column_is_derived_from_others_that_may_be_ignored(reading, file, text, kind, values, ignored):
    table = {"path": file("c.csv", LINES), "derive": {"made": text}, "ignore": ignored}
    tables = reading.tables(table)
    assert tables.kinds["customers"]["made"] == kind
    assert [made for (made,) in tables.con.execute("SELECT made FROM customers").fetchall()] == values
    assert not set(ignored) & set(tables.kinds["customers"])


def test_numbers_that_are_derived_are_names_where_they_are_declared(reading, file):
    table = {"path": file("c.csv", LINES), "derive": {"code": {1: "quantity < 0", 2: True}}, "categories": ["code"]}
    assert reading.rows(table, columns="code") == [("2",), ("1",), ("2",)]


def test_a_derived_column_can_be_asked_for_by_the_rows_that_are_kept(reading, file):
    table = {"path": file("c.csv", LINES), "derive": {"spent": "quantity * price"}, "where": "spent > 0"}
    assert reading.rows(table, columns="customer_id, spent") == [("ann", 3.0)]


@pytest.mark.parametrize(
    ("derive", "says"),
    [
        ({"v": "quantty * 2"}, r"derive\.v: there is no column 'quantty'; did you mean 'quantity'"),
        ({"v": "invoice"}, r"derive\.v: must be a condition; 'invoice' is a text"),
        ({"v": "invoice * 2"}, r"derive\.v: 'invoice' is a text, not a number"),
        ({"v": {"a": "quantity"}}, r"derive\.v\.a: must be a condition; 'quantity' is a number"),
        ({"price": "quantity * 2"}, "derive: 'price' is a column already; give this another name"),
        ({"v": "quantity +"}, r"derive\.v: cannot be read"),
    ],
)
def test_what_cannot_be_derived_is_a_fault(reading, file, derive, says):
    with pytest.raises(SchemaError, match=rf"^customers\.{says}"):
        reading.tables({"path": file("c.csv", LINES), "derive": derive})


def test_a_number_that_is_none_is_reported_beside_what_cannot_be_derived_from_it(reading, file):
    content = "customer_id,quantity\n" + "".join(f"{i},{i}\n" for i in range(20)) + "x,many\n"
    first, second = reading.faults({"path": file("c.csv", content), "derive": {"twice": "2 * quantity"}})
    assert first.startswith("customers.derive.twice: 'quantity' is a text, not a number")
    assert second.startswith("customers.quantity: mixes numbers with text")
