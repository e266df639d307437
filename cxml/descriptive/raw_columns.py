"""The columns of a raw table as SQL: those of its file, and those that are the same everywhere, composed or derived."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from cxml.conditions.parse import condition, number
from cxml.conditions.sql import sql
from cxml.config.tables import ALL, FileConfig, TableConfig, columns_named
from cxml.descriptive.raw_files import Source
from cxml.descriptive.raw_rows import Notes
from cxml.descriptive.raw_texts import typed_columns, unmarked
from cxml.errors import ConditionError, near_miss
from cxml.schema.sql import kind_of, literal, quoted
from cxml.schema.tables import Kind, Schema

if TYPE_CHECKING:
    import duckdb

ROW: Final = "cxml_row"
"""Column of the number of a row in its file, from 1."""
TABLE: Final = "cxml_rows"
"""What derived columns call the table that they are derived from."""


def file_columns(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    file: FileConfig,
    schema: Schema,
    notes: Notes,
    *,
    keys: Collection[str] = (),
    spoken_of: Collection[str] = (),
    given: Collection[str] = (),
) -> tuple[dict[str, str], list[str]]:
    """Return our name -> SQL of the columns of a file, and which of them are ignored but needed on the way.

    ``keys`` are columns whose numbers are names, ``spoken_of`` texts that may name a column, ``given`` the columns
    that the table has from elsewhere.
    """
    _tell_unknown(source, file, notes, [*source.types, *file.composite, *given])
    ignored = set(columns_named(file.ignore, source.types))
    compared = file.drop_duplicates or ()
    passing = [
        our for our in source.types
        if our in ignored and our not in given and our not in file.composite
        and (compared is True or our in (*compared, *keys) or any(our in text for text in spoken_of))
    ]  # fmt: skip
    wanted = {our for our in source.types if our not in ignored} | set(passing)
    keyed = file.model_copy(update={"categories": (*file.categories, *keys)})
    columns = typed_columns(con, source, keyed, schema, wanted, notes)
    for our, names in file.composite.items():
        if our in source.types and our not in ignored:
            notes.faults.append(
                f"{source.where}.composite: {our!r} is a column of the file; ignore it, or give this another name."
            )
        elif gone := [name for name in names if name not in source.types]:
            notes.faults.append(
                f"{source.where}.composite.{our}: there is no column {gone[0]!r}"
                f"{near_miss(gone[0], source.types) or '.'}"
            )
        else:
            columns[our] = _composite([unmarked(name, source, file) for name in names])
    return columns, passing


def constant_columns(name: str, table: TableConfig, source: Source, notes: Notes) -> dict[str, str]:
    """Return our name -> SQL of the columns that are the same in every row, and of the one that numbers the rows."""
    made = {
        our: literal(constant) if isinstance(constant, str) else str(constant).upper()
        for our, constant in table.constants.items()
    }
    ignored = columns_named(table.ignore, source.types)
    notes.faults += [
        f"{name}.constants: {our!r} is a column of the file; ignore it, or leave the constant out."
        for our in made
        if our in source.types and our not in ignored
    ]
    if (our := table.number_rows) and our in source.types and our not in ignored:
        notes.faults.append(f"{name}.number_rows: {our!r} is a column of the file; ignore it, or give another name.")
    return made | ({table.number_rows: ROW} if table.number_rows else {})


def derived_columns(
    con: duckdb.DuckDBPyConnection, name: str, table: TableConfig, query: str, notes: Notes
) -> Iterator[str]:
    """Give the SQL of each derived column, over a query whose alias is ``TABLE``."""
    if not table.derive:
        return
    types = {our: kind for our, kind, *_ in con.execute(f"DESCRIBE {query}").fetchall()}
    kinds = {our: kind_of(duckdb_type) for our, duckdb_type in types.items() if our != ROW}
    for our, text in table.derive.items():
        if our in kinds:
            notes.faults.append(f"{name}.derive: {our!r} is a column already; give this another name.")
            continue
        try:
            made = _derived(text, kinds, f"{name}.derive.{our}")
            is_name = our in columns_named(table.categories, [our])
            if isinstance(text, dict) and all(map(_is_number, text)) and not is_name:
                made = f"CAST({made} AS DOUBLE)"
            yield f"{made} AS {quoted(our)}"
        except ConditionError as error:
            notes.faults.append(str(error))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _derived(text: str | dict[str, str], kinds: dict[str, Kind], where: str) -> str:
    if isinstance(text, dict):
        cases = (
            f"WHEN {sql(condition(when, kinds, where=f'{where}.{value}').tree, TABLE)} THEN {literal(value)}"
            for value, when in text.items()
        )
        return f"CASE {' '.join(cases)} END"
    try:
        return sql(condition(text, kinds, where=where).tree, TABLE)
    except ConditionError:
        try:
            return sql(number(text, kinds, where=where).tree, TABLE)
        except ConditionError:
            pass
        raise


def _tell_unknown(source: Source, file: FileConfig, notes: Notes, known: Sequence[str]) -> None:
    """Report what is said of columns that are not there."""
    said: dict[str, Collection[str]] = {
        "ignore": file.ignore, "categories": file.categories, "missing": file.missing, "time_format": file.time_format
    }  # fmt: skip
    for key, patterns in said.items():
        notes.faults += [
            f"{source.where}.{key}: there is no column {pattern!r}{near_miss(pattern, known) or '.'}"
            for pattern in patterns
            if pattern != ALL and not columns_named([pattern], known)
        ]


def _composite(texts: Sequence[str]) -> str:
    """Return the SQL of texts joined by ``|``; where one has that in itself, a backslash stands before it."""
    return " || '|' || ".join(f"replace(replace({text}, '\\', '\\\\'), '|', '\\|')" for text in texts)
