"""More columns of the same rows from other files, found by a key; what does not fit is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxml.config.tables import JoinedFile, columns_named
from cxml.descriptive.raw_columns import file_columns
from cxml.descriptive.raw_files import source_of
from cxml.descriptive.raw_rows import Notes, first_row, without_duplicates
from cxml.errors import broken_by, near_miss
from cxml.schema.sql import column_types, quoted
from cxml.schema.tables import TABLES

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Part:
    """A joined file as a temporary table, one row per key; ``names`` are its columns whose numbers are names.

    ``decimal`` is what stands before the decimals in its texts.
    """

    where: str
    table: str
    key: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    decimal: str


def joined_place(name: str, place: int) -> str:
    """Return where in the config a joined file stands, for messages."""
    return f"{name}.join[{place}]"


def joined_parts(
    con: duckdb.DuckDBPyConnection, name: str, files: Sequence[JoinedFile], notes: Notes
) -> Iterator[Part]:
    """Read the joined files of a table; one without its key is a fault, and is left out."""
    for place, file in enumerate(files):
        where, table, key = joined_place(name, place), f"part_{place}_{name}", file.on
        with source_of(con, where, file, TABLES[name], notes) as source:
            columns, passing = file_columns(con, source, file, TABLES[name], notes, keys=[key])
            listed = ", ".join(f"{value} AS {quoted(our)}" for our, value in columns.items())
            source.create(con, table, f"SELECT {listed} FROM ({source.sql})")
        without_duplicates(con, table, where, file, [our for our in columns if our in source.columns], notes)
        if key not in columns:
            notes.faults.append(f"{where}.on: there is no column {key!r} in the file{near_miss(key, columns) or '.'}")
            continue
        _keep_one_per_key(con, table, where, key, notes)
        kept = tuple(our for our in columns if our not in (key, *passing))
        yield Part(where, table, key, kept, tuple(columns_named(file.categories, kept)), file.decimal)


def joined_query(query: str, columns: Sequence[str], parts: Sequence[Part], notes: Notes) -> str:
    """Return a query with the columns of the joined files; ``columns`` are those that it has already."""
    if not parts:
        return query
    there, selected, joins = list(columns), ["m.*"], []
    for place, part in enumerate(parts):
        if part.key not in columns:
            notes.faults.append(
                f"{part.where}.on: there is no column {part.key!r} in the table{near_miss(part.key, columns) or '.'}"
            )
            continue
        if again := [our for our in part.columns if our in there]:
            notes.faults.append(
                f"{part.where}: {again[0]!r} is a column already{_and_others(again)}; ignore it in one of the files, "
                f"or give it another name in `columns:`."
            )
        new = [our for our in part.columns if our not in there]
        there += new
        selected += [f"p{place}.{quoted(our)}" for our in new]
        joins.append(f"LEFT JOIN {part.table} AS p{place} ON p{place}.{quoted(part.key)} = m.{quoted(part.key)}")
    return f"SELECT {', '.join(selected)} FROM ({query}) AS m {' '.join(joins)}"


def tell_strangers(con: duckdb.DuckDBPyConnection, raw: str, name: str, parts: Sequence[Part], notes: Notes) -> None:
    """Warn of rows of the joined files that found nobody, and of rows that found nothing; then drop the parts."""
    there = column_types(con, raw)
    for part in parts:
        if part.key in there:
            _tell(con, raw, name, part, notes)
        con.execute(f"DROP TABLE {part.table}")


def _tell(con: duckdb.DuckDBPyConnection, raw: str, name: str, part: Part, notes: Notes) -> None:
    key = quoted(part.key)
    rows, n, first = first_row(con, part.table, _lonely(key, raw))
    if n:
        shown = con.execute(f"SELECT {key} FROM {part.table} WHERE rowid = {first}").fetchall()[0][0]
        notes.warnings.append(
            f"{part.where}: {n:,} of {rows:,} rows have a {part.key} that {name} does not have "
            f"(first: row {first}, {shown!r}). They were left out."
        )
    rows, n, first = first_row(con, raw, _lonely(key, part.table))
    if n:
        notes.warnings.append(
            f"{part.where}: {n:,} of {rows:,} rows of {name} are not in it (first: row {first}); "
            f"their columns from it are unknown."
        )


def _lonely(key: str, other: str) -> str:
    """Return the SQL condition that a row's key is not in another table."""
    return f"{key} IS NULL OR {key} NOT IN (SELECT {key} FROM {other} WHERE {key} IS NOT NULL)"


def _keep_one_per_key(con: duckdb.DuckDBPyConnection, table: str, where: str, key: str, notes: Notes) -> None:
    again = f"{quoted(key)} IS NOT NULL AND rowid NOT IN (SELECT min(rowid) FROM {table} GROUP BY {quoted(key)})"
    rows, n, first = first_row(con, table, again)
    if n:
        shown = con.execute(f"SELECT {quoted(key)} FROM {table} WHERE rowid = {first}").fetchall()[0][0]
        notes.faults.append(
            f"{where}.{key}: must be unique in a joined file; {broken_by(n, rows)} (first: row {first}, {shown!r}). "
            f"Keep one row of each; `drop_duplicates: {key}` keeps the first."
        )
        con.execute(f"DELETE FROM {table} WHERE {again}")


def _and_others(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} others)" if len(names) > 2 else f" (and {names[1]!r})" if len(names) == 2 else ""
