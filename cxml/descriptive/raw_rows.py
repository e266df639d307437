"""The rows that a table keeps: what is left out for a reason that the config gives, counted, with the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cxml.conditions.parse import condition
from cxml.conditions.sql import sql
from cxml.config.tables import FileConfig, TableConfig
from cxml.errors import ConditionError, near_miss
from cxml.schema.sql import column_types, kind_of, quoted

if TYPE_CHECKING:
    import duckdb


@dataclass
class Notes:
    """The faults and warnings that are found on the way from files to a table."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def without_duplicates(
    con: duckdb.DuckDBPyConnection, raw: str, where: str, file: FileConfig, own: Sequence[str], notes: Notes
) -> None:
    """Keep the first of the rows that are the same in all of the file's ``own`` columns, or in those of the config."""
    if not file.drop_duplicates:
        return
    columns = own if isinstance(file.drop_duplicates, bool) else file.drop_duplicates
    if faults := _unknown(con, raw, f"{where}.drop_duplicates", columns):
        notes.faults += faults
        return
    first = f"SELECT min(rowid) FROM {quoted(raw)} GROUP BY {', '.join(map(quoted, columns))}"
    shown = "every column of the file" if file.drop_duplicates is True else ", ".join(columns)
    _leave_out(con, raw, f"rowid NOT IN ({first})", f"{where}: {{}} the same as an earlier one in {shown}", notes)


def kept_rows(con: duckdb.DuckDBPyConnection, raw: str, where: str, table: TableConfig, notes: Notes) -> None:
    """Leave out the rows without a needed value, then those for which the condition of the config is not true."""
    if faults := _unknown(con, raw, f"{where}.drop_missing", table.drop_missing):
        notes.faults += faults
    else:
        for name in table.drop_missing:
            _leave_out(con, raw, f"{quoted(name)} IS NULL", f"{where}.{name}: {{}} without a value", notes)
    if table.where:
        kinds = {name: kind_of(duckdb_type) for name, duckdb_type in column_types(con, raw).items()}
        try:
            kept = sql(condition(table.where, kinds, where=f"{where}.where").tree, raw)
        except ConditionError as error:
            notes.faults.append(str(error))
        else:
            _leave_out(con, raw, f"NOT coalesce({kept}, FALSE)", f"{where}: {{}} not {table.where!r}", notes)


def first_row(con: duckdb.DuckDBPyConnection, table: str, condition: str) -> tuple[int, int, int | None]:
    """Return how many rows a table has, for how many a condition is true, and the first of those."""
    rows, n, first = con.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {condition}), min(rowid) FILTER (WHERE {condition}) "
        f"FROM {quoted(table)}"
    ).fetchall()[0]
    return rows, n, first


def _unknown(con: duckdb.DuckDBPyConnection, raw: str, where: str, columns: Sequence[str]) -> list[str]:
    types = column_types(con, raw)
    return [f"{where}: there is no column {n!r}{near_miss(n, types) or '.'}" for n in columns if n not in types]


def _leave_out(con: duckdb.DuckDBPyConnection, raw: str, condition: str, says: str, notes: Notes) -> None:
    """Delete the rows for which a condition is true; the others keep their numbers, which are those in the file."""
    rows, n, first = first_row(con, raw, condition)
    if n:
        con.execute(f"DELETE FROM {quoted(raw)} WHERE {condition}")
        counted = f"{n:,} of {rows:,} rows {'is' if n == 1 else 'are'}"
        gone = "It was" if n == 1 else "They were"
        notes.warnings.append(f"{says.format(counted)} (first: row {first}). {gone} left out.")
