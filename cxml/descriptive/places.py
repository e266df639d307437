"""Where the rows of some customers stand in a table that is sorted by customer, found without reading the table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxml.schema import columns as c

if TYPE_CHECKING:
    import duckdb

# One mark in so many rows: far fewer than a batch of customers has, and 3,000 marks of 50 M rows.
_MARK_ROWS: Final = 16_384


@dataclass(frozen=True)
class Places:
    """Every 16,384th row of a table: whose it is.

    DuckDB keeps the lowest and the highest value of each block of rows, but only the first eight bytes of a text: ids
    that begin alike would have every batch of customers read every row of a table. A range of rows is always found.
    """

    customers: tuple[str, ...]
    n_rows: int

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, table: str) -> Places:
        """Return the places of a table in the order of ``customer_id``."""
        n_rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        marks = con.execute(
            f"SELECT {c.CUSTOMER_ID} FROM {table} AS t "
            f"WHERE t.rowid IN (SELECT unnest(range(0, {n_rows}, {_MARK_ROWS}))) ORDER BY t.rowid"
        ).fetchall()
        return cls(tuple(customer for (customer,) in marks), n_rows)

    def rows(self, first: str, last: str) -> range:
        """Return a range that holds every row of the customers from ``first`` to ``last``, and few others."""
        begin = max(bisect_left(self.customers, first) - 1, 0)  # the one before may end with rows of `first`
        end = bisect_right(self.customers, last)
        return range(begin * _MARK_ROWS, min(end * _MARK_ROWS, self.n_rows))
