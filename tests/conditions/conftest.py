"""One table in three forms, arrays, rows of plain Python and DuckDB, and a condition run on each."""

import duckdb
import numpy as np
import pytest

from cxml.conditions.arrays import mask, numbers
from cxml.conditions.closures import truth, value
from cxml.conditions.coded import coded
from cxml.conditions.parse import condition, number
from cxml.conditions.sql import sql
from cxml.schema.sql import quoted

KINDS = {"x": "number", "y": "number", "s": "text", "t": "category", "f": "flag", "g": "flag"}
_TYPES = {"number": "DOUBLE", "flag": "BOOLEAN"}


class Table:
    """Rows of values, None for NULL, under the kinds of their columns."""

    def __init__(self, con, kinds, rows):
        self.con, self.kinds, self.rows, self.n = con, kinds, rows, len(rows)
        columns = ", ".join(f"{quoted(name)} {_TYPES.get(kind, 'VARCHAR')}" for name, kind in kinds.items())
        con.execute(f"CREATE OR REPLACE TEMP TABLE given (place BIGINT, {columns})")
        marks = ", ".join("?" * (len(kinds) + 1))
        con.executemany(f"INSERT INTO given VALUES ({marks})", [[i, *row] for i, row in enumerate(rows)])

    @property
    def arrays(self):
        found = {}
        for (name, kind), values in zip(self.kinds.items(), zip(*self.rows, strict=True), strict=True):
            if kind in ("number", "flag"):
                found[name] = np.array([np.nan if v is None else float(v) for v in values])
            else:
                found[name] = np.array([*values, None], dtype=object)[:-1]
        return found

    @property
    def coded(self):
        return {name: coded(array) if array.dtype == object else array for name, array in self.arrays.items()}

    @property
    def records(self):
        return [dict(zip(self.kinds, row, strict=True)) for row in self.rows]

    def where(self, text):
        """Return the rows in which a condition is true: over arrays (and coded ones, and row by row), in DuckDB."""
        tree = condition(text, self.kinds, where="rule").tree
        over_arrays = np.flatnonzero(mask(tree, self.arrays, self.n)).tolist()
        assert np.flatnonzero(mask(tree, self.coded, self.n)).tolist() == over_arrays
        holds = truth(tree)
        assert [i for i, row in enumerate(self.records) if holds(row) is True] == over_arrays
        found = self.con.execute(f"SELECT place FROM given AS r WHERE {sql(tree, 'r')} ORDER BY place").fetchall()
        return over_arrays, [place for (place,) in found]

    def values(self, text):
        """Return the value of a number in each row, None where unknown: over arrays (and row by row), in DuckDB."""
        tree = number(text, self.kinds, where="rule").tree
        over_arrays = [None if np.isnan(v) else v for v in numbers(tree, self.arrays, self.n)]
        assert [value(tree)(row) for row in self.records] == over_arrays
        found = self.con.execute(f"SELECT {sql(tree, 'r')} FROM given AS r ORDER BY place").fetchall()
        return over_arrays, [v for (v,) in found]


@pytest.fixture(scope="session")
def kinds():
    return KINDS


@pytest.fixture(scope="session")
def table():
    """Return a table from its rows (x, y, s, t, f, g), or from other kinds and their rows."""
    with duckdb.connect() as con:
        yield lambda rows, kinds=KINDS: Table(con, kinds, rows)
