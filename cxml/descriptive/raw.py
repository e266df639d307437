"""One table as it came, read into DuckDB: its files under our names, joined, derived, without what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxml.config.tables import TableConfig, columns_named
from cxml.descriptive.raw_columns import ROW, TABLE, constant_columns, derived_columns, file_columns
from cxml.descriptive.raw_doubts import tell_doubtful
from cxml.descriptive.raw_files import files_of, source_of
from cxml.descriptive.raw_joins import joined_parts, joined_place, joined_query, tell_strangers
from cxml.descriptive.raw_rows import Notes, first_row, kept_rows, without_duplicates
from cxml.errors import SourceError, broken_by
from cxml.schema import columns as c
from cxml.schema.sql import column_types, literal, quoted, typed
from cxml.schema.tables import INSTRUMENT_SCALES, TABLES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


@dataclass(frozen=True)
class RawTable:
    """What was found while a table was read.

    ``faults`` are those of its part of the config, ``warnings`` say what was left out or needs a look, ``names`` are
    the columns whose numbers are names.
    """

    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    names: tuple[str, ...]


def read_raw(con: duckdb.DuckDBPyConnection, name: str, table: TableConfig, frame: pd.DataFrame | None) -> RawTable:
    """Create the table ``raw_<name>`` with our column names, and NULL for what is missing.

    Its ``rowid`` counts the rows of the file, those that were left out too.

    Parameters
    ----------
    con : DuckDB connection
    name : one of the tables
    table : where it is and how its columns are read
    frame : the table itself, where it is handed over in Python

    Returns
    -------
    RawTable

    Raises
    ------
    SourceError
        If a file is not there, or file or dataframe cannot be read; with a message for each file that is not there.
    """
    notes, raw, schema = Notes(), f"raw_{name}", TABLES[name]
    table = _with_joins_that_are_there(name, table, needs_file=frame is None and not table.ids_of)
    parts = list(joined_parts(con, name, table.join, notes))
    keys = [part.key for part in parts]
    with source_of(con, name, table, schema, notes, frame) as source:
        spoken_of = [*_conditions(table), *table.drop_missing]
        given = [*table.constants, *table.derive, *(our for part in parts for our in part.columns)]
        given += [table.number_rows] if table.number_rows else []
        columns, passing = file_columns(con, source, table, schema, notes, keys=keys, spoken_of=spoken_of, given=given)
        own = [our for our in columns if our in source.columns]
        columns |= constant_columns(name, table, source, notes)
        listed = ", ".join(f"{value} AS {quoted(our)}" for our, value in columns.items())
        numbered = f"SELECT *, row_number() OVER () AS {ROW} FROM ({source.sql})"
        if parts:  # a join may change the order of the rows
            query = joined_query(f"SELECT {listed}, {ROW} FROM ({numbered})", list(columns), parts, notes)
            kept, order = f"{TABLE}.* EXCLUDE ({ROW})", f" ORDER BY {TABLE}.{ROW}"
        else:
            query = f"SELECT {listed} FROM ({numbered if table.number_rows else source.sql})"
            kept, order = f"{TABLE}.*", ""
        made = ", ".join([kept, *derived_columns(con, name, table, query, notes)])
        source.create(con, raw, f"SELECT {made} FROM ({query}) AS {TABLE}{order}")
    tell_strangers(con, raw, name, parts, notes)
    without_duplicates(con, raw, name, table, own, notes)
    kept_rows(con, raw, name, table, notes)
    if table.number_rows and table.number_rows not in schema.names:  # it would only pass for a measure
        passing.append(table.number_rows)
    for our in passing:
        con.execute(f"ALTER TABLE {raw} DROP COLUMN {quoted(our)}")
    if table.scale:
        _rescale(con, name, table.scale, notes)
    codes = columns_named(table.categories, column_types(con, raw))
    names = dict.fromkeys([*codes, *keys, *(our for part in parts for our in part.names)])
    decimals = dict.fromkeys(own, table.decimal) | {our: part.decimal for part in parts for our in part.columns}
    told = {our: point for our, point in decimals.items() if our not in schema.names and our not in names}
    tell_doubtful(con, raw, name, told, notes)
    return RawTable(tuple(notes.faults), tuple(notes.warnings), tuple(names))


def _with_joins_that_are_there(name: str, table: TableConfig, *, needs_file: bool) -> TableConfig:
    """Return the table whose joined files are what it is where they do not say; raise where a file is not there."""
    about = {"about": table.about, "published_at": table.published_at}
    joins = [joined if joined.about else joined.model_copy(update=about) for joined in table.join]
    gone: list[str] = []
    for where, file in [(name, table)] * needs_file + [(joined_place(name, i), part) for i, part in enumerate(joins)]:
        try:
            files_of(where, file)
        except SourceError as error:
            gone.append(str(error))
    if gone:
        raise SourceError(*gone)
    return table.model_copy(update={"join": tuple(joins)})


def _conditions(table: TableConfig) -> Iterator[str]:
    """Give the texts in which a table's own columns are named."""
    yield table.where or ""
    for text in table.derive.values():
        yield from [text] if isinstance(text, str) else text.values()


def _rescale(con: duckdb.DuckDBPyConnection, name: str, scale: tuple[float, float], notes: Notes) -> None:
    """Bring the scores of a survey from their own scale to that of their instrument; NPS answers are whole points.

    Scores that are off the declared scale are a fault; those that are no numbers are left to the check.
    """
    raw, types = f"raw_{name}", column_types(con, f"raw_{name}")
    if c.SCORE not in types or c.INSTRUMENT not in types:
        return
    score = typed(c.SCORE, types[c.SCORE], "number")
    inside = f"({score}) BETWEEN {scale[0]} AND {scale[1]}"
    if con.execute(f"SELECT count({c.SCORE}) - count({score}) FROM {raw}").fetchall()[0][0]:
        return
    rows, off, first = first_row(con, raw, f"NOT ({inside})")
    if off:
        shown = con.execute(f"SELECT {score} FROM {raw} WHERE rowid = {first}").fetchall()[0][0]
        notes.faults.append(
            f"{name}.{c.SCORE}: must be {scale[0]:g}-{scale[1]:g}, as its `scale:` says; {broken_by(off, rows)} "
            f"(first: row {first}, {shown:g}). Correct the scale, or these rows."
        )
    mapped = {
        instrument: f"{low} + (({score}) - {scale[0]}) * {high - low} / {scale[1] - scale[0]}"
        for instrument, (low, high) in INSTRUMENT_SCALES.items()
    }
    mapped["nps"] = f"round({mapped['nps']})"
    cases = " ".join(f"WHEN {literal(instrument)} THEN {value}" for instrument, value in mapped.items())
    rescaled = f"CASE WHEN {inside} THEN CASE CAST({c.INSTRUMENT} AS VARCHAR) {cases} ELSE {score} END END"
    con.execute(f"ALTER TABLE {raw} ALTER {c.SCORE} TYPE DOUBLE USING {rescaled}")
