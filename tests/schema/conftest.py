"""A table from a dataframe or a query, checked; and its faults taken apart: the rule, how many rows, the first row."""

import re

import duckdb
import pandas as pd
import pytest

from cxml.schema.check import Reading, check_table

_FAULT = re.compile(
    r"(?P<where>[^:]+): (?P<rule>.+?); (?P<n>[\d,]+) of (?P<total>[\d,]+) rows .*\(first: row (?P<row>\d+)"
)


@pytest.fixture(scope="session")
def con():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="session")
def report(con):
    """Return the report on a table, given as a dataframe or as a query."""

    def of(schema, table, *, zone=None, as_of=None, names=()):
        if isinstance(table, pd.DataFrame):
            con.register("given", table)
            table = "SELECT * FROM given"
        con.execute(f"CREATE OR REPLACE TEMP TABLE raw AS {table}")
        return check_table(con, "raw", schema, Reading(zone, as_of, names))

    return of


@pytest.fixture(scope="session")
def faults(report):
    """Return the faults of a table."""

    def of(schema, table, **reading):
        return list(report(schema, table, **reading).faults)

    return of


@pytest.fixture(scope="session")
def counted(faults):
    """Return the faults that count rows as ``{(place, rule): (rows that break it, first of them)}``."""

    def of(schema, table, **reading):
        found = [_FAULT.match(fault) for fault in faults(schema, table, **reading)]
        return {(f["where"], f["rule"]): (int(f["n"].replace(",", "")), int(f["row"])) for f in found}

    return of
