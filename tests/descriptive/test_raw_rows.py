"""Rows that are left out: which, how many, and what is said of them."""

from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LINES = "customer_id,quantity,price\nann,1,5\n,2,5\nann,-1,5\nann,1,5\nbob,3,\n,4,0\nbob,1,0\n"
FIXED = {"event_type": "line", "event_time": "2024-01-01"}


@pytest.fixture
def lines(reading, file):
    """Return what reads lines as events, and gives the (customer, quantity, price) that are left and the warnings."""

    def read(content=LINES, **table):
        table = {"path": file("e.csv", content), "constants": FIXED} | table
        tables = reading.tables({"ids_of": "events"}, events=table)
        rows = tables.con.execute("SELECT customer_id, quantity, price FROM events").fetchall()
        return rows, tables.warnings

    return read


def test_rows_without_a_needed_value_are_left_out_and_counted(lines):
    rows, warnings = lines(drop_missing="customer_id")
    assert [row[0] for row in rows] == ["ann", "ann", "ann", "bob", "bob"]
    assert warnings == ("events.customer_id: 2 of 7 rows are without a value (first: row 1). They were left out.",)


def test_the_same_row_again_is_left_out_and_the_first_stays(lines):
    rows, warnings = lines(drop_missing="customer_id", drop_duplicates=True)
    assert [row[:2] for row in rows] == [("ann", 1.0), ("ann", -1.0), ("bob", 3.0), ("bob", 1.0)]
    assert warnings[0] == (
        "events: 1 of 7 rows is the same as an earlier one in every column of the file (first: row 3). It was left out."
    )


def test_a_row_that_differs_in_an_ignored_column_is_another_row(lines):
    content = "customer_id,quantity,price,product\nann,1,5,cup\nann,1,5,jug\nann,1,5,cup\n"
    rows, (warning,) = lines(content, drop_duplicates=True, ignore=["product"])
    assert rows == [("ann", 1.0, 5.0)] * 2
    assert warning.startswith("events: 1 of 3 rows is the same")


def test_rows_that_are_the_same_in_some_columns_leave_the_first(reading, file):
    path = file("c.csv", "user,channel,page\nann,mail,a\nann,mail,b\nbob,search,a\nann,mail,c\n")
    table = {"path": path, "columns": {"customer_id": "user"}, "ignore": ["page"]}
    assert reading.rows(table | {"drop_duplicates": ["customer_id", "channel"]}) == [("ann", "mail"), ("bob", "search")]
    assert reading.rows(table | {"drop_duplicates": ["customer_id", "page"], "where": "page = 'c'"}) == [
        ("ann", "mail")
    ]


def test_a_condition_keeps_the_rows_for_which_it_is_true(lines):
    rows, warnings = lines(drop_missing="customer_id", where="quantity > 0 AND price > 0")
    assert rows == [("ann", 1.0, 5.0)] * 2
    assert warnings[1] == (
        "events: 3 of 5 rows are not 'quantity > 0 AND price > 0' (first: row 2). They were left out."
    )


def test_where_nothing_is_left_out_nothing_is_said(lines):
    content = "customer_id,quantity,price\nann,1,5\n"
    assert lines(content, drop_missing="customer_id", drop_duplicates=True, where="price > 0")[1] == ()


def test_a_fault_names_the_row_of_the_file(reading, file):
    path = file("c.csv", "customer_id,x\n,1\nann,2\nbob,3\nann,4\n")
    (fault,) = reading.faults({"path": path, "drop_missing": "customer_id"})
    assert "must be unique; 1 of 3 rows is not (first: row 3, 'ann')" in fault


def test_a_table_of_which_no_row_is_left_is_a_fault_beside_what_was_left_out(reading, file):
    tables = reading.inspected({"path": file("c.csv", "customer_id,x\n1,1\n"), "where": "x > 1"})
    assert tables.faults[0].startswith("customers: must have rows; it has none.")
    assert tables.warnings == ("customers: 1 of 1 rows is not 'x > 1' (first: row 0). It was left out.",)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"where": "quantty > 0"}, "events.where: there is no column 'quantty'; did you mean 'quantity'"),
        ({"where": "quantity"}, "events.where: must be a condition; 'quantity' is a number"),
        ({"where": "customer_id > 0"}, "events.where: compares a text with a number"),
        (
            {"drop_missing": ["customr_id"]},
            "events.drop_missing: there is no column 'customr_id'; did you mean 'custom",
        ),
        ({"drop_duplicates": ["x"]}, "events.drop_duplicates: there is no column 'x'."),
    ],
)
def test_a_rule_that_does_not_fit_the_table_is_a_fault(reading, file, table, says):
    content = "customer_id,quantity\n1,2\n"
    fixed = {"path": file("e.csv", content), "constants": FIXED}
    (fault,) = reading.faults({"ids_of": "events"}, events=fixed | table)
    assert fault.startswith(says)


_ROW = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "1", "2", "-1"]), st.sampled_from(["x", "y"]))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(_ROW, min_size=1, max_size=12), st.sampled_from([False, True, ["n"], ["customer_id", "n"]]), st.booleans()
)
def test_what_is_left_is_what_a_plain_loop_leaves(reading, file, rows, duplicates, filtered):
    columns = ("customer_id", "n", "kind")
    left, seen = [], set()
    for row in rows:
        compared = row if duplicates is True else tuple(row[columns.index(name)] for name in duplicates or ())
        if duplicates and compared in seen:
            continue
        seen.add(compared)
        if row[0] and (not filtered or (row[1] and float(row[1]) > 0)):
            left.append((row[0], float(row[1]) if row[1] else None, row[2]))
    content = "customer_id,n,kind\n" + "".join(",".join(row) + "\n" for row in rows)
    table = {"path": file("e.csv", content), "drop_duplicates": duplicates, "drop_missing": "customer_id"}
    table |= {"where": "n > 0"} if filtered else {}
    con = reading.inspected({"ids_of": "events"}, events=table | {"constants": FIXED}).con
    if con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'events'").fetchall():
        assert con.execute("SELECT customer_id, n, kind FROM events").fetchall() == sorted(left, key=itemgetter(0))
    else:  # no row was left, or no value of n
        assert not [row for row in left if row[1] is not None]
