"""The database that holds a company's tables: where it is, and in which order the rows of each stand in it."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.errors import SourceError
from cxml.schema import columns as c
from cxml.schema.check import Reading
from cxml.schema.sql import column_types, literal, quoted, typed
from cxml.schema.tables import TABLES, Kind, Schema

if TYPE_CHECKING:
    import duckdb

PLACE: Final = "cxml_place"
"""Column of the place of a row in its source, while the tables are being read."""


def connected(config: CompanyConfig) -> duckdb.DuckDBPyConnection:
    """Return a database for the tables: in memory, or in a temporary file where memory is limited."""
    import duckdb

    if config.memory_limit is None:
        con = duckdb.connect()
    else:
        folder = tempfile.TemporaryDirectory(prefix="cxml_", ignore_cleanup_errors=True)
        con = duckdb.connect(str(Path(folder.name) / "tables.duckdb"))
        weakref.finalize(con, folder.cleanup)
        con.execute(f"SET memory_limit = {literal(config.memory_limit)}")
        con.execute(f"SET temp_directory = {literal(folder.name)}")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET threads = {n_workers()}")
    return con


@contextmanager
def within_memory() -> Iterator[None]:
    """Raise `SourceError` where the tables cannot be worked on in the memory that there is."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        says = str(error).partition("\n")[0]
        raise SourceError(
            f"memory_limit: is too little for these tables ({says}). Raise it in the config, or leave it out."
        ) from error


def n_workers() -> int:
    """Return how many threads may work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def create_typed_view(
    con: duckdb.DuckDBPyConnection, name: str, schema: Schema, reading: Reading, *, confidence: float | None
) -> dict[str, Kind]:
    """Create the view ``<name>`` of ``raw_<name>`` with every column as its kind, and return the kinds."""
    types = column_types(con, f"raw_{name}")
    kinds = {column: reading.kind(column, duckdb_type, schema) for column, duckdb_type in types.items()}
    columns = {column: typed(column, types[column], kind, reading.zone) for column, kind in kinds.items()}
    if confidence is not None:
        own = columns.get(c.CONFIDENCE, "NULL")
        columns[c.CONFIDENCE] = f"coalesce({own}, {confidence!r})"
        kinds[c.CONFIDENCE] = "number"
    selected = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in columns.items())
    con.execute(f"CREATE TEMP VIEW {name} AS SELECT {selected}, rowid AS {PLACE} FROM raw_{name}")
    return kinds


def create_sorted_tables(
    con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]
) -> dict[str, Kind] | None:
    """Turn the typed views into tables, in the order of customer, time and place in the source.

    Facts of customers who are not known are left out.

    Returns
    -------
    dict or None
        The kinds of the table ``invitations``, where surveys say when they were sent.
    """
    invitations = None
    for name, columns in kinds.items():
        source, order = f"{name} t", []
        if name == "customers":
            order = [c.CUSTOMER_ID]
        elif name == "environment":
            order = [c.REGION, c.OBSERVED_TIME]
        elif "customers" in kinds:
            source += f" JOIN {NUMBERED} k ON k.who = t.{c.CUSTOMER_ID}"
            order = [
                _narrow("k.number", con, "customers"),
                f"t.{TABLES[name].time}",
                *([f"t.{c.CONTRACT_ID}"] if name == "contracts" else []),
            ]
            if c.SENT_TIME in columns:
                invitations = _create_invitations(con, source, columns)
        selected = ", ".join(f"t.{quoted(column)}" for column in columns)
        ordered = ", ".join([*order, _narrow(f"t.{PLACE}", con, f"raw_{name}")])
        con.execute(f"CREATE TABLE sorted_{name} AS SELECT {selected} FROM {source} ORDER BY {ordered}")
        con.execute(f"DROP VIEW {name}")
        con.execute(f"DROP TABLE raw_{name}")
        con.execute(f"ALTER TABLE sorted_{name} RENAME TO {name}")
    return invitations


def one_thread_a_query(con: duckdb.DuckDBPyConnection) -> None:
    """Have sums of floats keep their order from here on, so that the same tables give the same bytes."""
    con.execute("SET threads = 1")


def _narrow(place: str, con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return the SQL of a row's place in a table in four bytes where it fits: rows are sorted faster by a short key."""
    n_rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return f"CAST({place} AS UINTEGER)" if n_rows < 2**32 else place


def _create_invitations(con: duckdb.DuckDBPyConnection, source: str, surveys: Mapping[str, Kind]) -> dict[str, Kind]:
    """Create the table of surveys as they were sent: what was known of each at that moment, answered or not.

    One whose sending is not known counts from when its answer was known. Those sent at one moment stand in the order
    of the source, whenever they are answered.
    """
    kept: dict[str, Kind] = {c.CUSTOMER_ID: "key", c.SENT_TIME: "time"}
    kept |= {name: surveys[name] for name in (c.INSTRUMENT, c.TOUCHPOINT, c.CHANNEL) if name in surveys}
    answered = f"greatest(t.{c.RESPONSE_TIME}, t.{c.KNOWN_TIME})" if c.KNOWN_TIME in surveys else f"t.{c.RESPONSE_TIME}"
    sent = f"coalesce(t.{c.SENT_TIME}, CASE WHEN t.{c.RESPONSE_TIME} IS NOT NULL THEN {answered} END)"
    columns = ", ".join(f"{sent} AS {name}" if name == c.SENT_TIME else f"t.{quoted(name)}" for name in kept)
    con.execute(
        f"CREATE TABLE invitations AS SELECT {columns} FROM {source} WHERE {sent} IS NOT NULL "
        f"ORDER BY k.number, {sent}, t.{PLACE}"
    )
    return kept


NUMBERED: Final = f"(SELECT {c.CUSTOMER_ID} AS who, rowid AS number FROM customers)"
"""The customers, in their order: ``who`` and ``number``."""
