"""The one engine that checks tables and frames: every rule of a schema in one DuckDB pass, every fault reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cxml.errors import SchemaError, broken_by, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import column_types, is_zoneless, kind_of, number_in, quoted, typed, zoneless_time
from cxml.schema.tables import Column, Kind, Schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# From this share of numbers on, a text column is taken for numbers with a few odd values in between, not for names.
NUMBERS_SHARE = 0.9


@dataclass(frozen=True)
class TableReport:
    """What one table holds and every rule that it breaks.

    ``unknown`` counts the missing values of each column that has any; ``first_time`` and ``last_time`` are UTC.
    ``warnings`` are reported but do not stop a job.
    """

    table: str
    rows: int
    customers: int | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None
    unknown: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How the raw columns of one table are to be read.

    ``zone`` is the zone of times that carry none (None: such times are a fault); ``as_of`` the moment of the data in
    naive UTC (facts at or after it are a fault); ``names`` the columns whose numbers are names (codes). ``raw`` says
    that the types are as they came, so that a text column of numbers is suspect.
    """

    zone: str | None = None
    as_of: datetime | None = None
    names: tuple[str, ...] = ()
    raw: bool = True

    def kind(self, column: str, duckdb_type: str, schema: Schema) -> Kind:
        """Return the kind of a column: from its schema, else declared as a name, else from its type."""
        if known := schema.names.get(column):
            return known.kind
        return "category" if column in self.names else kind_of(duckdb_type)


@dataclass(frozen=True)
class _Finding:
    column: str
    says: str
    remedy: str
    broken: str


def check_table(con: duckdb.DuckDBPyConnection, raw: str, schema: Schema, reading: Reading) -> TableReport:
    """Check the table ``raw`` of a DuckDB connection against its schema; nothing is raised.

    Its columns are renamed already, its missing markers are NULL already; its types are as they came.
    """
    types = column_types(con, raw)
    if reserved := [name for name in types if name.casefold() == "rowid"]:
        fault = f"{schema.name}: must not have a column {reserved[0]!r}, which counts the rows of a table. Rename it."
        return TableReport(schema.name, 0, faults=(fault,))
    faults = list(_structure_faults(types, schema))
    rows = _row(con, f"SELECT count(*) FROM {quoted(raw)}")[0]
    if not rows:
        remedy = "Hand over the customers." if schema.name == "customers" else "Leave an empty table out of the config."
        faults.append(f"{schema.name}: must have rows; it has none. {remedy}")
        return TableReport(schema.name, 0, faults=tuple(faults))

    nulls = _row(con, "SELECT " + ", ".join(f"count(*) - count({quoted(n)})" for n in types) + f" FROM {quoted(raw)}")
    unknown = {name: n for name, n in zip(types, nulls, strict=True) if n}
    needed = {column.name for column in schema.columns if column.required and column.nullable}
    empty = [] if schema.all_null else [name for name, n in unknown.items() if n == rows and name not in needed]
    faults += [
        f"{schema.name}.{name}: must not be all null; {rows:,} of {rows:,} rows are. "
        f"Say where its values are, or leave the column out with `ignore: [{name}]`."
        for name in empty
    ]
    findings = [*_column_findings(types, schema, reading, raw, skip=empty), *_row_findings(types, schema, reading, raw)]
    faults += _faults(con, raw, schema, findings, types)
    count = f"SELECT count(DISTINCT {c.CUSTOMER_ID}) FROM {quoted(raw)}"
    first = last = None
    if schema.time in types:
        stamp = typed(schema.time, types[schema.time], "time", reading.zone)
        first, last = _row(con, f"SELECT min({stamp}), max({stamp}) FROM {quoted(raw)}")
    return TableReport(
        schema.name,
        rows,
        _row(con, count)[0] if c.CUSTOMER_ID in types else None,
        first,
        last,
        unknown,
        tuple(faults),
    )


def checked_frame(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return a frame that keeps its schema, or raise with every fault.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    schema : one of the frames of ``cxml.schema.frames``

    Returns
    -------
    DataFrame
        The same object.

    Raises
    ------
    SchemaError
        If a rule of the schema is broken.
    """
    import duckdb
    import pyarrow as pa

    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("handed_on", pa.Table.from_pandas(frame, preserve_index=False))
        con.execute("CREATE TEMP TABLE frame AS SELECT * FROM handed_on")
        report = check_table(con, "frame", schema, Reading(zone="UTC", raw=False))
    if report.faults:
        raise SchemaError(listed(report.faults))
    return frame


def _structure_faults(types: dict[str, str], schema: Schema) -> Iterator[str]:
    spare = [name for name in types if name not in schema.names]
    for column in schema.columns:
        if column.required and column.name not in types:
            yield (
                f"{schema.name}: has no column {column.name!r}{near_miss(column.name, spare) or '.'} "
                f"If another column holds it, say so with `columns: {{{column.name}: <its name>}}`."
            )
    if spare and not schema.extra_columns:
        yield f"{schema.name}: has {len(spare)} columns that it must not have (first: {spare[0]!r}). Drop them."


def _column_findings(
    types: dict[str, str], schema: Schema, reading: Reading, table: str, skip: list[str]
) -> Iterator[_Finding]:
    for name, duckdb_type in types.items():
        if name in skip:
            continue
        column = schema.names.get(name) or Column(name, reading.kind(name, duckdb_type, schema))
        yield from _value_findings(column, duckdb_type, reading, table, declared=name in schema.names)


def _value_findings(
    column: Column, duckdb_type: str, reading: Reading, table: str, *, declared: bool
) -> Iterator[_Finding]:
    raw, name = quoted(column.name), column.name
    value = typed(name, duckdb_type, column.kind, reading.zone)
    if not column.nullable:
        yield _Finding(name, "must be filled", "Fill it, or drop these rows first.", f"{raw} IS NULL")
    unreadable = f"{raw} IS NOT NULL AND ({value}) IS NULL"
    if column.kind == "time":
        remedy = "Say which zone they are in with `timezone: Europe/Lisbon` (or UTC)."
        if reading.zone is None and is_zoneless(duckdb_type):
            yield _Finding(name, "times must carry a zone", remedy, f"{raw} IS NOT NULL")
        elif reading.zone is None and kind_of(duckdb_type) == "category":
            zoneless = f"({zoneless_time(f'CAST({raw} AS VARCHAR)')}) IS NOT NULL"
            yield _Finding(name, "times must carry a zone", remedy, zoneless)
            unreadable += f" AND NOT {zoneless}"
        remedy = "Write times as 2024-05-31T14:00:00Z, or say how they are written with `time_format:`."
        yield _Finding(name, "must be a time (ISO 8601)", remedy, unreadable)
        if column.past and reading.as_of:
            moment = reading.as_of.isoformat(sep=" ")
            says = f"must be before as_of ({moment} UTC)"
            late = f"({value}) >= TIMESTAMP '{moment}'"
            yield _Finding(name, says, "Move `as_of:` to after the last fact, or drop what lies in the future.", late)
    elif column.kind in ("number", "flag"):
        what = "a number" if column.kind == "number" else "true or false"
        remedy = f"If these stand for a missing value, list them in `missing:`; else correct {name}."
        if duckdb_type not in ("DOUBLE", "FLOAT"):
            yield _Finding(name, f"must be {what}", remedy, unreadable)
        if column.kind == "number":
            infinite = f"isinf(({value}))"
            yield _Finding(name, "must be finite", "Write an unknown value as missing.", infinite)
        if column.low is not None or column.high is not None:
            bounds = (("<", column.low), (">", column.high))
            off = " OR ".join(f"({value}) {beyond} {bound}" for beyond, bound in bounds if bound is not None)
            yield _Finding(
                name, column.range_says, "Correct these rows, or say which column is meant in `columns:`.", off
            )
    elif reading.raw and not declared and name not in reading.names and kind_of(duckdb_type) == "category":
        number = number_in(f"CAST({raw} AS VARCHAR)")
        mostly = f"(SELECT count({number}) >= {NUMBERS_SHARE} * count({raw}) FROM {quoted(table)})"
        remedy = (
            f"If the others stand for a missing value, list them in `missing:`; "
            f"if the numbers are names (codes), list the column in `categories: [{name}]`."
        )
        broken = f"{raw} IS NOT NULL AND {number} IS NULL AND {mostly}"
        yield _Finding(name, "mixes numbers with text: must be all numbers or declared as names", remedy, broken)


def _row_findings(types: dict[str, str], schema: Schema, reading: Reading, raw: str) -> Iterator[_Finding]:
    unique = [name for name in schema.unique if name in types]
    if unique and set(schema.unique) - {c.KNOWN_TIME} <= set(unique):
        again = f"rowid NOT IN (SELECT min(rowid) FROM {quoted(raw)} GROUP BY {', '.join(map(quoted, unique))})"
        says = "must be unique" + (f" together with {', '.join(unique[1:])}" if unique[1:] else "")
        remedy = "Keep one row of each."
        if reading.raw:
            keys = unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
            remedy = f"Keep one row of each; `drop_duplicates: {keys}` keeps the first."
        yield _Finding(unique[0], says, remedy, again)
    for rule in schema.rules:
        if set(rule.needs) <= set(types):
            kinds = {name: reading.kind(name, types[name], schema) for name in rule.needs}
            values = {name: f"({typed(name, types[name], kind, reading.zone)})" for name, kind in kinds.items()}
            yield _Finding(rule.column, rule.says, rule.remedy, rule.broken.format(**values))


def _faults(
    con: duckdb.DuckDBPyConnection, raw: str, schema: Schema, findings: list[_Finding], types: dict[str, str]
) -> Iterator[str]:
    """Count every finding in one pass, then look for the first row of those that were found."""
    if not findings:
        return
    # Counting alone is ten times faster than counting and keeping the first row of each.
    counted = ", ".join(f"count_if({finding.broken})" for finding in findings)
    total, *counts = _row(con, f"SELECT count(*), {counted} FROM {quoted(raw)}")
    for finding, n in zip(findings, counts, strict=True):
        if not n:
            continue
        (first,) = _row(con, f"SELECT min(rowid) FROM {quoted(raw)} WHERE {finding.broken}")
        who = c.CUSTOMER_ID if c.CUSTOMER_ID in types else None
        shown = [f"CAST({quoted(name)} AS VARCHAR)" for name in (finding.column, who) if name]
        value, *customer = _row(con, f"SELECT {', '.join(shown)} FROM {quoted(raw)} WHERE rowid = {first}")
        named = f", customer {customer[0]!r}" if who and finding.column != who else ""
        text = kind_of(types[finding.column]) in ("category", "time")
        value = "no value" if value is None else repr(value) if text else value
        verb: Literal["be", "do"] = "be" if "must be" in finding.says else "do"
        yield (
            f"{schema.name}.{finding.column}: {finding.says}; {broken_by(n, total, verb=verb)} "
            f"(first: row {first}{named}, {value}). {finding.remedy}".rstrip()
        )


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    (row,) = con.execute(sql).fetchall()
    return tuple(row)
