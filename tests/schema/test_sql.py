from datetime import datetime

import pytest

from cxml.schema.sql import kind_of, literal, quoted, typed


@pytest.mark.parametrize("text", ["plain", "O'Brien", "''", '"', "a\\b", "'; DROP TABLE t; --", "ÄÖ €", ""])
def test_any_text_survives_as_a_literal(con, text):
    assert con.execute(f"SELECT {literal(text)}").fetchall() == [(text,)]


@pytest.mark.parametrize("name", ["plain", "odd name", 'a"b', "o'x", '"; DROP TABLE t; --', "select", "{x}"])
def test_any_name_survives_as_an_identifier(con, name):
    relation = con.execute(f"SELECT 1 AS {quoted(name)}")
    assert [column[0] for column in relation.description] == [name]


@pytest.mark.parametrize(
    ("duckdb_type", "kind"),
    [
        ("BOOLEAN", "flag"),
        ("TIMESTAMP WITH TIME ZONE", "time"),
        ("TIMESTAMP_NS", "time"),
        ("DATE", "time"),
        ("BIGINT", "number"),
        ("UTINYINT", "number"),
        ("DECIMAL(18,3)", "number"),
        ("DOUBLE", "number"),
        ("VARCHAR", "category"),
        ("ENUM('a', 'b')", "category"),
        ("UUID", "category"),
    ],
)
def test_the_kind_of_a_type(duckdb_type, kind):
    assert kind_of(duckdb_type) == kind


@pytest.mark.parametrize(
    ("duckdb_type", "value", "kind", "expected"),
    [
        ("DOUBLE", "'NaN'", "number", None),
        ("DOUBLE", "1.5", "number", 1.5),
        ("VARCHAR", "' 2.5 '", "number", 2.5),
        ("VARCHAR", "'two'", "number", None),
        ("VARCHAR", "'18_24'", "number", None),  # which DuckDB casts to 1824
        ("VARCHAR", "'NaN'", "number", None),
        ("BOOLEAN", "TRUE", "number", 1.0),
        ("VARCHAR", "'TRUE'", "flag", True),
        ("BIGINT", "0", "flag", False),
        ("BIGINT", "1", "key", "1"),
        ("DOUBLE", "1.0", "key", "1"),  # an integer key that pandas made a float
        ("DOUBLE", "-12345678901.0", "key", "-12345678901"),
        ("DOUBLE", "1.5", "key", "1.5"),
        ("FLOAT", "7.0", "category", "7"),
        ("DOUBLE", "'NaN'", "key", None),
        ("VARCHAR", "'007'", "key", "007"),
        ("BOOLEAN", "TRUE", "category", "true"),
        ("TIMESTAMP WITH TIME ZONE", "'2024-07-01 12:00:00+02'", "time", datetime(2024, 7, 1, 10)),
        ("BIGINT", "20240701", "time", None),
    ],
)
def test_a_value_is_read_as_its_kind(con, duckdb_type, value, kind, expected):
    given = f"SELECT CAST({value} AS {duckdb_type}) AS x"
    (found,) = con.execute(f"SELECT {typed('x', duckdb_type, kind)} FROM ({given})").fetchall()
    assert found == (expected,)


def test_a_key_too_large_for_an_integer_is_not_lost(con):
    (found,) = con.execute(f"SELECT {typed('x', 'DOUBLE', 'key')} FROM (SELECT CAST(1e20 AS DOUBLE) AS x)").fetchall()
    assert found != (None,)


def test_a_zone_is_given_by_name_and_summer_time_follows(con):
    moments = "SELECT unnest([TIMESTAMP '2024-01-15 12:00:00', TIMESTAMP '2024-07-15 12:00:00']) AS t"
    found = con.execute(f"SELECT {typed('t', 'TIMESTAMP', 'time', 'Europe/Lisbon')} FROM ({moments})").fetchall()
    assert found == [(datetime(2024, 1, 15, 12),), (datetime(2024, 7, 15, 11),)]
