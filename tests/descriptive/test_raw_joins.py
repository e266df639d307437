"""Tables made of several files, found by a key."""

import pandas as pd
import pytest

from cxml.errors import SchemaError, SourceError

CUSTOMERS = "customer_id,zip\nbob,90001\nann,02134\ncat,\n"


def joined(reading, file, content, name="j.csv", **keys):
    """Return the faults, the warnings and the tables of customers with one more file."""
    table = {"path": file("c.csv", CUSTOMERS), "join": [{"path": file(name, content)} | keys]}
    tables = reading.inspected(table)
    return tables.faults, tables.warnings, tables


def test_the_columns_of_another_file_are_found_by_the_customer(reading, file):
    path = file("j.csv", "Id,plan,spend,Count\nann,basic,1.5,1\ncat,n/a,2,1\nbob,gold,n/a,1\n")
    part = {"path": path, "columns": {"customer_id": "Id"}, "missing": "n/a", "ignore": ["Count"]}
    tables = reading.tables({"path": file("c.csv", CUSTOMERS), "join": [part], "derive": {"rich": "spend > 1.8"}})
    assert tables.con.execute("SELECT customer_id, plan, spend, rich FROM customers").fetchall() == [
        ("ann", "basic", 1.5, False), ("bob", "gold", None, None), ("cat", None, 2.0, True)
    ]  # fmt: skip
    assert tables.warnings == ()


def test_another_key_keeps_its_digits_and_several_rows_may_find_one(reading, file):
    places = {"path": file("z.csv", "zip,people\n02134,5\n90001,7\n"), "on": "zip"}
    people = file("c.csv", "customer_id,zip\n1,90001\n2,02134\n3,90001\n")
    tables = reading.tables({"path": people, "join": [places]})
    assert tables.con.execute("SELECT * FROM customers").fetchall() == [
        ("1", "90001", 7.0), ("2", "02134", 5.0), ("3", "90001", 7.0)
    ]  # fmt: skip
    assert tables.kinds["customers"]["zip"] == "category"


@pytest.mark.parametrize("n", [10, 5_000])
def test_the_rows_stay_in_the_order_of_the_file(reading, tmp_path, n):
    ids = pd.Series(range(n)).sample(frac=1, random_state=0).astype(str).reset_index(drop=True)
    events = pd.DataFrame({"customer_id": "ann", "event_time": "2024-01-01", "event_type": "a", "n": ids})
    events.to_csv(tmp_path / "e.csv", index=False)
    pd.DataFrame({"n": sorted(ids), "x": 1}).to_csv(tmp_path / "j.csv", index=False)
    table = {"path": str(tmp_path / "e.csv"), "join": [{"path": str(tmp_path / "j.csv"), "on": "n"}]}
    tables = reading.tables({"ids_of": "events"}, events=table)
    assert [n for (n,) in tables.con.execute("SELECT n FROM events").fetchall()] == ids.tolist()


def test_rows_that_find_nobody_and_customers_that_find_nothing_are_counted(reading, file):
    _, warnings, tables = joined(reading, file, "customer_id,x\nann,1\nzoe,2\n,3\n")
    assert tables.con.execute("SELECT customer_id, x FROM customers").fetchall() == [
        ("ann", 1.0), ("bob", None), ("cat", None)
    ]  # fmt: skip
    assert warnings == (
        "customers.join[0]: 2 of 3 rows have a customer_id that customers does not have (first: row 1, 'zoe'). "
        "They were left out.",
        "customers.join[0]: 2 of 3 rows of customers are not in it (first: row 0); their columns from it are unknown.",
    )


def test_a_key_that_a_joined_file_has_twice_is_a_fault_and_no_row_is_doubled(reading, file):
    content = "customer_id,x\nann,1\nbob,2\ncat,3\nann,4\n"
    (fault,), _, tables = joined(reading, file, content)
    assert fault == (
        "customers.join[0].customer_id: must be unique in a joined file; 1 of 4 rows is not (first: row 3, 'ann'). "
        "Keep one row of each; `drop_duplicates: customer_id` keeps the first."
    )
    assert tables.reports[0].rows == 3
    faults, (warning,), tables = joined(reading, file, content, drop_duplicates="customer_id")
    assert faults == ()
    assert warning.startswith(
        "customers.join[0]: 1 of 4 rows is the same as an earlier one in customer_id (first: row 3)"
    )
    assert tables.con.execute("SELECT x FROM customers ORDER BY customer_id").fetchall() == [(1.0,), (2.0,), (3.0,)]


def test_a_column_of_two_files_is_a_fault(reading, file):
    with pytest.raises(SchemaError, match=r"^customers\.join\[0\]: 'zip' is a column already; ignore it in one of"):
        reading.tables({"path": file("c.csv", CUSTOMERS), "join": [{"path": file("j.csv", CUSTOMERS)}]})


@pytest.mark.parametrize(
    ("content", "on", "says"),
    [
        ("id,x\nann,1\n", "customer_id", "there is no column 'customer_id' in the file"),
        ("zipp,x\n1,1\n", "zip", "there is no column 'zip' in the file; did you mean 'zipp'"),
        ("zi,x\n1,1\n", "zi", "there is no column 'zi' in the table; did you mean 'zip'"),
    ],
)
def test_a_key_that_is_not_there_is_a_fault(reading, file, content, on, says):
    (fault,), _, _ = joined(reading, file, content, on=on)
    assert fault.startswith(f"customers.join[0].on: {says}")


def test_a_joined_file_that_is_not_there_is_named_with_its_place(reading, file):
    part = {"path": "/none/j.csv", "about": "the places", "published_at": "https://example.org"}
    says = r"^customers\.join\[0\]: there is no file /none/j\.csv\. It is the places\. It is published at"
    with pytest.raises(SourceError, match=says):
        reading.tables({"path": file("c.csv", CUSTOMERS), "join": [part]})


def test_every_file_that_is_not_there_is_named_and_is_what_its_table_is(reading):
    table = {
        "path": "/none/c.csv",
        "about": "the customers",
        "join": [{"path": "/none/j.csv"}, {"path": "/none/k.csv"}],
    }
    with pytest.raises(SourceError) as caught:
        reading.tables(table)
    assert str(caught.value).splitlines() == [
        "3 faults:",
        "  - customers: there is no file /none/c.csv. It is the customers. Put it there, or correct `path:`.",
        "  - customers.join[0]: there is no file /none/j.csv. It is the customers. Put it there, or correct `path:`.",
        "  - customers.join[1]: there is no file /none/k.csv. It is the customers. Put it there, or correct `path:`.",
    ]


def test_a_broken_line_of_a_joined_file_is_named_with_its_place(reading, file):
    part = {"path": file("j.csv", "customer_id,x\nann,1,2\n")}
    with pytest.raises(SourceError, match=r"^customers\.join\[0\]: .*j\.csv, line 2 must have 2 fields"):
        reading.tables({"path": file("c.csv", CUSTOMERS), "join": [part]})


def test_a_table_handed_over_in_python_can_be_joined_too(reading, file):
    part = {"path": file("j.csv", "customer_id,x\n1,5\n")}
    frame = pd.DataFrame({"customer_id": [1.0, 2.0]})
    assert reading.rows({"join": [part]}, {"customers": frame}) == [("1", 5.0), ("2", None)]
