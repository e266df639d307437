"""A company's tables read into DuckDB: found, renamed, cleaned, checked, and typed."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxml.config.company import CompanyConfig, TableConfig
from cxml.config.load import expanded
from cxml.errors import SchemaError, SourceError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.check import Reading, TableReport, check_table
from cxml.schema.sql import column_types, literal, quoted, typed
from cxml.schema.tables import INSTRUMENT_SCALES, TABLES, Kind, Schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# Yes and No stay the words that they are; only true and false become flags (see `_with_flags`).
_CSV_TYPES = ["BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"]


@dataclass(frozen=True)
class Tables:
    """A company's tables in DuckDB, each under its own name, checked and typed, all times naive UTC.

    ``kinds`` gives the kind of every column of every table that is there, ``as_of`` the moment of the data (None where
    no table has times and the config names none), ``fingerprint`` a hash of all values.
    """

    con: duckdb.DuckDBPyConnection
    kinds: Mapping[str, Mapping[str, Kind]]
    reports: tuple[TableReport, ...]
    as_of: datetime | None
    fingerprint: str

    def __contains__(self, table: str) -> bool:
        return table in self.kinds

    @property
    def faults(self) -> tuple[str, ...]:
        """Every fault of every table."""
        return tuple(fault for report in self.reports for fault in report.faults)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found and left out, or needs a look."""
        return tuple(warning for report in self.reports for warning in report.warnings)


def read_tables(config: CompanyConfig, frames: Mapping[str, pd.DataFrame] | None = None) -> Tables:
    """Read and check a company's tables.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from the name of a table to a dataframe
        Tables handed over in Python; they stand in for the paths of the config.

    Returns
    -------
    Tables

    Raises
    ------
    SourceError
        If a file is missing or cannot be read.
    SchemaError
        If a table breaks the rules of its schema; the message lists the faults of all tables.
    """
    tables = inspected_tables(config, frames)
    if tables.faults:
        raise SchemaError(listed(tables.faults))
    return tables


def inspected_tables(config: CompanyConfig, frames: Mapping[str, pd.DataFrame] | None = None) -> Tables:
    """Read a company's tables and report every fault, without raising `SchemaError`; see `read_tables`."""
    import duckdb

    frames = frames or {}
    if unknown := sorted(set(frames) - set(TABLES)):
        raise SourceError(
            f"there is no table {unknown[0]!r}{near_miss(unknown[0], TABLES) or '.'} Tables: {', '.join(TABLES)}."
        )
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET threads = 1")  # sums of floats keep their order, so the same tables give the same bytes
    reports, kinds = [], {}
    for name, schema in TABLES.items():
        table: TableConfig | None = getattr(config.tables, name)
        if name in frames and table is None:
            table = TableConfig()
        if table is None:
            continue
        found, early = _load(con, name, table, frames.get(name))
        moment = config.as_of.replace(tzinfo=None) if config.as_of else None
        reading = Reading(table.timezone or config.timezone, moment, table.categories)
        report = check_table(con, f"raw_{name}", schema, reading)
        reports.append(replace(report, faults=(*early, *report.faults)))
        if not reports[-1].faults:
            kinds[name] = _typed_table(con, name, schema, reading)
        con.execute(f"DROP TABLE raw_{name}")
    reports = [_without_strangers(con, report, kinds, strict=config.strict) for report in reports]
    as_of = config.as_of.replace(tzinfo=None) if config.as_of else _after_last_fact(con, kinds)
    return Tables(con, kinds, tuple(reports), as_of, _fingerprint(con, kinds))


def _load(
    con: duckdb.DuckDBPyConnection, name: str, table: TableConfig, frame: pd.DataFrame | None
) -> tuple[str, list[str]]:
    """Create ``raw_<name>`` with our column names and NULL for missing; return it with the faults of the mapping."""
    import duckdb

    try:
        if frame is not None:
            con.register("came_in", _arrow(name, frame))
            con.execute(f"CREATE TEMP TABLE in_{name} AS SELECT * FROM came_in")
            con.unregister("came_in")
        else:
            con.execute(f"CREATE TEMP TABLE in_{name} AS SELECT * FROM {_reader(name, table)}")
    except duckdb.Error as error:
        raise SourceError(f"{name}: cannot be read: {str(error).splitlines()[0]}") from None
    types = column_types(con, f"in_{name}")
    ours = {theirs: our for our, theirs in table.columns.items()}
    faults = [
        f"{name}.columns: the file has no column {theirs!r} (for {our}){near_miss(theirs, types) or '.'}"
        for our, theirs in table.columns.items()
        if theirs not in types
    ]
    kept = {ours.get(theirs, theirs): theirs for theirs in types}
    if twice := [our for our, theirs in table.columns.items() if our in types and our != theirs and theirs in types]:
        faults += [f"{name}.columns: {our!r} is already a column of the file; ignore or rename it." for our in twice]
    faults += [
        f"{name}.ignore: there is no column {our!r}{near_miss(our, kept) or '.'}"
        for our in table.ignore
        if our not in kept
    ]
    selected = []
    for our, theirs in kept.items():
        if our in table.ignore or our in table.constants:
            continue
        value = quoted(theirs)
        if table.missing:
            markers = ", ".join(literal(marker) for marker in table.missing)
            value = f"CASE WHEN CAST({value} AS VARCHAR) NOT IN ({markers}) THEN {value} END"
        if types[theirs] in ("DOUBLE", "FLOAT"):
            value = f"CASE WHEN NOT isnan({value}) THEN {value} END"
        selected.append(f"{value} AS {quoted(our)}")
    for our, constant in table.constants.items():
        shown = literal(constant) if isinstance(constant, str) else str(constant).upper()
        selected.append(f"{shown} AS {quoted(our)}")
    con.execute(f"CREATE TEMP TABLE raw_{name} AS SELECT {', '.join(selected)} FROM in_{name}")
    con.execute(f"DROP TABLE in_{name}")
    _with_flags(con, f"raw_{name}")
    if table.scale:
        _rescale(con, f"raw_{name}", table.scale)
    return name, faults


def _arrow(name: str, frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SourceError(
            f"{name}: a column of the dataframe holds values of several types: {error.args[-1]}."
        ) from None


def _reader(name: str, table: TableConfig) -> str:
    """Return the DuckDB table function that reads a configured file."""
    if table.path is None:
        raise SourceError(f"{name}: has no `path:` and no dataframe was handed over.")
    path = expanded(table.path)
    about = f" It is {table.about.rstrip('.')}." if table.about else ""
    published = f" It is published at {table.published_at}." if table.published_at else ""
    if "${" in path:
        variable = path[path.index("${") + 2 : path.index("}")]
        raise SourceError(
            f"{name}: {table.path} needs the environment variable {variable}, which is not set."
            f"{about}{published} Set {variable} to the folder that holds it."
        )
    if not (files := sorted(glob.glob(path))):
        raise SourceError(f"{name}: there is no file {path}.{about}{published} Put it there, or correct `path:`.")
    suffixes = {Path(file.removesuffix(".gz")).suffix.lower() for file in files}
    listing = "[" + ", ".join(literal(file) for file in files) + "]"
    if suffixes == {".parquet"}:
        return f"read_parquet({listing}, union_by_name = true)"
    if suffixes <= {".csv", ".tsv", ".txt"}:
        options = (
            f"auto_type_candidates = {_CSV_TYPES}, nullstr = {['', *table.missing]}, sample_size = -1, header = true"
        )
        if table.delimiter:
            options += f", delim = {literal(table.delimiter)}"
        return f"read_csv({listing}, {options}, union_by_name = true)"
    raise SourceError(f"{name}: {path} must be CSV or Parquet by its ending (.csv, .csv.gz, .tsv, .txt, .parquet).")


def _with_flags(con: duckdb.DuckDBPyConnection, raw: str) -> None:
    texts = [name for name, kind in column_types(con, raw).items() if kind == "VARCHAR"]
    if not texts:
        return
    flags = ", ".join(f"count({quoted(t)}) > 0 AND bool_and(lower({quoted(t)}) IN ('true', 'false'))" for t in texts)
    for name, is_flag in zip(texts, con.execute(f"SELECT {flags} FROM {raw}").fetchall()[0], strict=True):
        if is_flag:
            con.execute(f"ALTER TABLE {raw} ALTER {quoted(name)} TYPE BOOLEAN")


def _rescale(con: duckdb.DuckDBPyConnection, raw: str, scale: tuple[float, float]) -> None:
    """Bring the scores of a survey from their own scale to that of their instrument; NPS answers are whole points."""
    types = column_types(con, raw)
    if c.SCORE not in types or c.INSTRUMENT not in types:
        return  # the check will say which is missing
    score = typed(c.SCORE, types[c.SCORE], "number")
    mapped = {
        name: f"{low} + ({score} - {scale[0]}) * {(high - low) / (scale[1] - scale[0])!r}"
        for name, (low, high) in INSTRUMENT_SCALES.items()
    }
    low, high = INSTRUMENT_SCALES["nps"]
    mapped["nps"] = (
        f"CASE WHEN {score} BETWEEN {scale[0]} AND {scale[1]} THEN round({mapped['nps']}) ELSE {mapped['nps']} END"
    )
    cases = " ".join(f"WHEN {literal(name)} THEN {value}" for name, value in mapped.items())
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {raw} AS "
        f"SELECT * REPLACE (CASE {c.INSTRUMENT} {cases} ELSE {score} END AS {c.SCORE}) FROM {raw}"
    )


def _typed_table(con: duckdb.DuckDBPyConnection, name: str, schema: Schema, reading: Reading) -> dict[str, Kind]:
    types = column_types(con, f"raw_{name}")
    kinds = {column: reading.kind(column, duckdb_type, schema) for column, duckdb_type in types.items()}
    selected = [f"{typed(n, types[n], kind, reading.zone)} AS {quoted(n)}" for n, kind in kinds.items()]
    con.execute(f"CREATE TABLE {name} AS SELECT {', '.join(selected)} FROM raw_{name}")
    return kinds


def _without_strangers(
    con: duckdb.DuckDBPyConnection, report: TableReport, kinds: Mapping[str, Mapping[str, Kind]], *, strict: bool
) -> TableReport:
    """Leave out the facts of customers who are not in `customers`, and say so; where strict, that is a fault."""
    name = report.table
    if name == "customers" or "customers" not in kinds or c.CUSTOMER_ID not in kinds.get(name, {}):
        return report
    stranger = f"{c.CUSTOMER_ID} NOT IN (SELECT {c.CUSTOMER_ID} FROM customers)"
    n, who, first = con.execute(
        f"SELECT count(*), count(DISTINCT {c.CUSTOMER_ID}), arg_min({c.CUSTOMER_ID}, rowid) FROM {name} WHERE {stranger}"
    ).fetchall()[0]
    if not n:
        return report
    says = f"{name}.{c.CUSTOMER_ID}: must be in customers; {n:,} of {report.rows:,} rows are of {who:,} unknown customers (first: {first!r})."
    if strict:
        return replace(
            report, faults=(*report.faults, f"{says} Add them to customers, or set `strict: false` to leave them out.")
        )
    con.execute(f"DELETE FROM {name} WHERE {stranger}")
    return replace(report, warnings=(*report.warnings, f"{says} They were left out."))


def _after_last_fact(con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]) -> datetime | None:
    moments = []
    for name, columns in kinds.items():
        past = [column.name for column in TABLES[name].columns if column.past and column.name in columns]
        if name == "contracts":
            past.append(c.START_TIME)
        if past:
            moments += con.execute(f"SELECT {', '.join(f'max({column})' for column in past)} FROM {name}").fetchall()[0]
    last = max((moment for moment in moments if moment is not None), default=None)
    return None if last is None else datetime(last.year, last.month, last.day) + timedelta(days=1)


def _fingerprint(con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]) -> str:
    digest = hashlib.sha256()
    for name, columns in kinds.items():
        rows = con.execute(f"SELECT count(*), sum(CAST(hash(t) AS HUGEINT)) FROM {name} AS t").fetchall()[0]
        digest.update(repr((name, list(columns.items()), rows)).encode())
    return digest.hexdigest()[:16]
