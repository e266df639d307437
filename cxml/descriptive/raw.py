"""One table as it came, read into DuckDB: found, renamed, missing markers made NULL, times and flags in texts read."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxml.config.company import TableConfig
from cxml.config.load import expanded
from cxml.errors import SourceError, broken_by, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import ZONED, column_types, kind_of, literal, quoted, typed
from cxml.schema.tables import INSTRUMENT_SCALES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# Times stay text here, since a sniffed type drops whether they carry a zone; Yes and No stay the words that they are.
_CSV_TYPES = ["BIGINT", "DOUBLE", "VARCHAR"]
_DAY = "^\\d{4}-\\d\\d-\\d\\d"


def read_raw(
    con: duckdb.DuckDBPyConnection, name: str, table: TableConfig, frame: pd.DataFrame | None
) -> tuple[str, ...]:
    """Create the table ``raw_<name>`` with our column names, and NULL for what is missing.

    Parameters
    ----------
    con : DuckDB connection
    name : one of the six tables
    table : where it is and how its columns are read
    frame : the table itself, where it is handed over in Python

    Returns
    -------
    tuple of str
        The faults of ``columns``, ``ignore``, ``categories`` and ``scale``.

    Raises
    ------
    SourceError
        If the file is not there, or file or dataframe cannot be read.
    """
    import duckdb

    try:
        if frame is not None:
            con.register("came_in", _arrow(name, frame))
            con.execute(f"CREATE TEMP TABLE in_{name} AS SELECT * FROM came_in")
            con.unregister("came_in")
        else:
            con.execute(f"CREATE TEMP TABLE in_{name} AS SELECT * FROM {_reader(con, name, table)}")
    except duckdb.Error as error:
        raise SourceError(f"{name}: cannot be read: {str(error).splitlines()[0]}") from None
    types = column_types(con, f"in_{name}")
    kept, faults = _mapped(name, table, types)
    selected = [f"{_known(theirs, types[theirs], table)} AS {quoted(our)}" for our, theirs in kept.items()]
    for our, constant in table.constants.items():
        shown = literal(constant) if isinstance(constant, str) else str(constant).upper()
        selected.append(f"{shown} AS {quoted(our)}")
    con.execute(f"CREATE TEMP TABLE raw_{name} AS SELECT {', '.join(selected)} FROM in_{name}")
    _read_texts(con, name, kept, types)
    con.execute(f"DROP TABLE in_{name}")
    if table.scale:
        faults += _rescaled(con, name, table.scale)
    return tuple(faults)


def _arrow(name: str, frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{name}: the dataframe cannot be read: {error.args[-1]}. Each column needs a name and a type of its own."
        ) from None


def _reader(con: duckdb.DuckDBPyConnection, name: str, table: TableConfig) -> str:
    """Return the DuckDB table function that reads a configured file."""
    if table.path is None:
        raise SourceError(f"{name}: has no `path:` and no dataframe was handed over.")
    path = expanded(table.path)
    about = f" It is {table.about.rstrip('.')}." if table.about else ""
    published = f" It is published at {table.published_at}." if table.published_at else ""
    if unset := re.search(r"\$\{(\w+)\}", path):
        raise SourceError(
            f"{name}: {table.path} needs the environment variable {unset[1]}, which is not set."
            f"{about}{published} Set {unset[1]} to the folder that holds it."
        )
    if not (files := sorted(glob.glob(path))):
        raise SourceError(f"{name}: there is no file {path}.{about}{published} Put it there, or correct `path:`.")
    suffixes = {Path(file.removesuffix(".gz")).suffix.lower() for file in files}
    listing = "[" + ", ".join(literal(file) for file in files) + "]"
    if suffixes == {".parquet"}:
        return f"read_parquet({listing}, union_by_name = true)"
    if suffixes <= {".csv", ".tsv", ".txt"}:
        markers = ", ".join(literal(marker) for marker in ("", *table.missing))
        options = f"auto_type_candidates = {_CSV_TYPES}, nullstr = [{markers}], sample_size = -1, header = true"
        if table.delimiter:
            options += f", delim = {literal(table.delimiter)}"
        header = con.execute(f"SELECT * FROM read_csv({listing}, {options}, all_varchar = true) LIMIT 0").description
        ids = [table.columns.get(key, key) for key in (c.CUSTOMER_ID, c.CONTRACT_ID, *table.categories)]
        texts = ", ".join(f"{literal(column)}: 'VARCHAR'" for column, *_ in header or () if column in ids)
        typed_ids = f", types = {{{texts}}}" if texts else ""  # an id is text: as a number it would lose digits
        return f"read_csv({listing}, {options}{typed_ids}, union_by_name = true)"
    raise SourceError(f"{name}: {path} must be CSV or Parquet by its ending (.csv, .csv.gz, .tsv, .txt, .parquet).")


def _mapped(name: str, table: TableConfig, types: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return our name -> their name of the columns that are kept, and the faults of the mapping."""
    ours = {theirs: our for our, theirs in table.columns.items()}
    kept = {ours.get(theirs, theirs): theirs for theirs in types}
    faults = [
        f"{name}.columns: there is no column {theirs!r} (for {our}){near_miss(theirs, types) or '.'}"
        for our, theirs in table.columns.items()
        if theirs not in types
    ]
    faults += [
        f"{name}.columns: {our!r} is a column already; ignore that one, or give this another name."
        for our, theirs in table.columns.items()
        if our in types and our != theirs and our not in ours and theirs in types
    ]
    faults += [
        f"{name}.constants: {our!r} is a column of the file; ignore it, or leave the constant out."
        for our in table.constants
        if our in kept and our not in table.ignore
    ]
    for key, named in (("ignore", table.ignore), ("categories", table.categories)):
        known = [*kept, *table.constants]
        faults += [
            f"{name}.{key}: there is no column {n!r}{near_miss(n, known) or '.'}" for n in named if n not in known
        ]
    left = set(table.ignore) | set(table.constants)
    return {our: theirs for our, theirs in kept.items() if our not in left}, faults


def _known(column: str, duckdb_type: str, table: TableConfig) -> str:
    """Return the SQL of a column with NULL in place of NaN and of what stands for missing."""
    value, unknown = quoted(column), []
    if table.missing:
        unknown.append(f"CAST({value} AS VARCHAR) IN ({', '.join(map(literal, table.missing))})")
    if kind_of(duckdb_type) == "number":
        unknown += [f"{value} = TRY_CAST({literal(marker)} AS DOUBLE)" for marker in table.missing]
        if duckdb_type in ("DOUBLE", "FLOAT"):
            unknown.append(f"isnan({value})")
    if not unknown:
        return value
    # Each condition may itself be unknown (a marker that is no number): only one that is true makes NULL.
    return f"CASE WHEN {' OR '.join(unknown)} THEN NULL ELSE {value} END"


def _read_texts(con: duckdb.DuckDBPyConnection, name: str, kept: dict[str, str], types: dict[str, str]) -> None:
    """Give text columns that hold only flags, only ISO times, or numbers once a marker was taken out, their type."""
    texts = [our for our, kind in column_types(con, f"raw_{name}").items() if kind == "VARCHAR"]
    for our in texts:
        text = quoted(our)
        n, is_flag, is_time, n_zoned, is_number = con.execute(f"""
            SELECT count({text}), bool_and(lower({text}) IN ('true', 'false')),
                   bool_and(regexp_matches({text}, {literal(_DAY)}) AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL),
                   count(*) FILTER (regexp_matches({text}, {literal(ZONED)})),
                   bool_and(TRY_CAST({text} AS DOUBLE) IS NOT NULL)
            FROM raw_{name}
        """).fetchall()[0]
        if not n:
            continue
        marked = is_number and our in kept and types[kept[our]] == "VARCHAR" and n < _count(con, name, kept[our])
        if is_flag:
            new = "BOOLEAN"
        elif is_time and n_zoned in (0, n):
            new = "TIMESTAMPTZ" if n_zoned else "TIMESTAMP"
        elif marked:
            new = "DOUBLE"
        else:
            continue
        con.execute(f"ALTER TABLE raw_{name} ALTER {text} TYPE {new}")


def _count(con: duckdb.DuckDBPyConnection, name: str, column: str) -> int:
    return int(con.execute(f"SELECT count({quoted(column)}) FROM in_{name}").fetchall()[0][0])


def _rescaled(con: duckdb.DuckDBPyConnection, name: str, scale: tuple[float, float]) -> list[str]:
    """Bring the scores of a survey from their own scale to that of their instrument; NPS answers are whole points.

    Returns the fault of scores that are off the declared scale; scores that are no numbers are left to the check.
    """
    raw, types = f"raw_{name}", column_types(con, f"raw_{name}")
    if c.SCORE not in types or c.INSTRUMENT not in types:
        return []
    score = typed(c.SCORE, types[c.SCORE], "number")
    inside = f"({score}) BETWEEN {scale[0]} AND {scale[1]}"
    rows, unread, off, first = con.execute(
        f"SELECT count(*), count({c.SCORE}) - count({score}), count(*) FILTER (NOT ({inside})), "
        f"min(rowid) FILTER (NOT ({inside})) FROM {raw}"
    ).fetchall()[0]
    if unread:
        return []
    faults = []
    if off:
        shown = con.execute(f"SELECT {score} FROM {raw} WHERE rowid = {first}").fetchall()[0][0]
        faults.append(
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
    con.execute(f"CREATE OR REPLACE TEMP TABLE {raw} AS SELECT * REPLACE ({rescaled} AS {c.SCORE}) FROM {raw}")
    return faults
