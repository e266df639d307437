"""A company's tables read into DuckDB: found, renamed, cleaned, checked, and typed."""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig, TableConfig
from cxml.descriptive.raw import read_raw
from cxml.errors import SchemaError, SourceError, broken_by, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.check import Reading, TableReport, check_table
from cxml.schema.sql import column_types, literal, quoted, typed
from cxml.schema.tables import TABLES, Kind, Schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


# A last fact so many days after 99% of the others is taken for a slip of the pen.
_FAR_DAYS = 365


@dataclass(frozen=True)
class Tables:
    """A company's tables in DuckDB, each under its own name, checked and typed, all times naive UTC.

    The rows of a table stand in the order of customer, time, and place in the source, so that ``rowid`` says which of
    two facts is the later one. Where surveys were sent, ``invitations`` holds them as they were sent. ``kinds`` gives
    the kind of every column of every table that is there, ``as_of`` the moment of the data (None where no table has
    times and the config names none), ``fingerprint`` a hash of all values.
    """

    con: duckdb.DuckDBPyConnection
    kinds: Mapping[str, Mapping[str, Kind]]
    reports: tuple[TableReport, ...]
    as_of: datetime | None
    fingerprint: str
    config_faults: tuple[str, ...] = ()

    def __contains__(self, table: str) -> bool:
        return table in self.kinds

    @property
    def faults(self) -> tuple[str, ...]:
        """Every fault of every table, then those of labels, features and policy on these tables, where tried."""
        return (*(fault for report in self.reports for fault in report.faults), *self.config_faults)

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
    frames = frames or {}
    if unknown := sorted(set(frames) - set(TABLES)):
        raise SourceError(
            f"there is no table {unknown[0]!r}{near_miss(unknown[0], TABLES) or '.'} Tables: {', '.join(TABLES)}."
        )
    con = _connected(config)
    reports, unread, read, invitations = [], [], {}, None
    for name, schema in TABLES.items():
        table: TableConfig | None = getattr(config.tables, name)
        if name in frames and table is None:
            table = TableConfig()
        if table is None:
            continue
        try:
            early = read_raw(con, name, table, frames.get(name))
        except SourceError as error:
            unread.append(str(error))
            continue
        moment = config.as_of.replace(tzinfo=None) if config.as_of else None
        reading = Reading(table.timezone or config.timezone, moment, table.categories)
        report = check_table(con, f"raw_{name}", schema, reading)
        report = replace(report, faults=(*early, *report.faults))
        if "customers" in read:
            report = _without_strangers(con, report, strict=config.strict)
        reports.append(report)
        if not report.faults:
            whose = "customers" in read and name not in ("customers", "environment")
            source, read[name] = _typed_source(con, name, schema, reading, whose=whose, confidence=table.confidence)
            _sorted_table(con, name, schema, source, read[name], whose=whose)
            if name == "surveys" and c.SENT_TIME in read[name] and whose:
                invitations = _invitations(con, source, read[name])
        con.execute(f"DROP TABLE raw_{name}")
    if unread:
        raise SourceError(listed(unread))
    con.execute("SET threads = 1")  # sums of floats keep their order, so the same tables give the same bytes
    if config.as_of is None:
        reports = [_with_outliers(con, report, read) for report in reports]
    as_of = config.as_of.replace(tzinfo=None) if config.as_of else _after_last_fact(con, read)
    fingerprint = _fingerprint(con, read)
    if invitations is not None:
        read["invitations"] = invitations
    return Tables(con, read, tuple(reports), as_of, fingerprint)


def frame_of(tables: Tables, query: str) -> pd.DataFrame:
    """Return the result of a query over a company's tables as a dataframe."""
    frame: pd.DataFrame = tables.con.sql(query).to_arrow_table().to_pandas()
    return frame


def _connected(config: CompanyConfig) -> duckdb.DuckDBPyConnection:
    """Return a database for the tables: in memory, or in a temporary file where memory is limited."""
    import duckdb

    if config.memory_limit is None:
        con = duckdb.connect()
    else:
        folder = tempfile.TemporaryDirectory(prefix="cxml-", ignore_cleanup_errors=True)
        con = duckdb.connect(str(Path(folder.name) / "tables.duckdb"))
        weakref.finalize(con, folder.cleanup)
        con.execute(f"SET memory_limit = {literal(config.memory_limit)}")
        con.execute(f"SET temp_directory = {literal(folder.name)}")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET threads = {n_workers()}")
    return con


def n_workers() -> int:
    """Return how many threads may work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _typed_source(
    con: duckdb.DuckDBPyConnection,
    name: str,
    schema: Schema,
    reading: Reading,
    *,
    whose: bool,
    confidence: float | None,
) -> tuple[str, dict[str, Kind]]:
    """Return what a typed table ``t`` is selected from, with each row's place in the source, and its kinds.

    Where the table is ``whose`` (of customers who are known), only the facts of known customers are kept.
    """
    types = column_types(con, f"raw_{name}")
    kinds = {column: reading.kind(column, duckdb_type, schema) for column, duckdb_type in types.items()}
    read = {n: typed(n, types[n], kind, reading.zone) for n, kind in kinds.items()}
    if confidence is not None:
        known = read.get(c.CONFIDENCE)
        read[c.CONFIDENCE] = f"coalesce({known}, {confidence!r})" if known else f"CAST({confidence!r} AS DOUBLE)"
        kinds[c.CONFIDENCE] = "number"
    selected = ", ".join(f"{sql} AS {quoted(n)}" for n, sql in read.items())
    source = f"(SELECT {selected}, rowid AS place_in_source FROM raw_{name}) t"
    if whose:
        source += (
            f" JOIN (SELECT {c.CUSTOMER_ID} AS who, rowid AS number FROM customers) k ON k.who = t.{c.CUSTOMER_ID}"
        )
    return source, kinds


def _sorted_table(
    con: duckdb.DuckDBPyConnection, name: str, schema: Schema, source: str, kinds: Mapping[str, Kind], *, whose: bool
) -> None:
    """Create the typed table in the order of customer, time and place in the source."""
    order = [c.CUSTOMER_ID] if name == "customers" else [c.REGION] if name == "environment" else []
    if whose:
        order = ["k.number", f"t.{schema.time}", *([f"t.{c.CONTRACT_ID}"] if name == "contracts" else [])]
    columns = ", ".join(f"t.{quoted(column)}" for column in kinds)
    con.execute(
        f"CREATE TABLE {name} AS SELECT {columns} FROM {source} ORDER BY {', '.join([*order, 't.place_in_source'])}"
    )


def _invitations(con: duckdb.DuckDBPyConnection, source: str, surveys: Mapping[str, Kind]) -> dict[str, Kind]:
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
        f"ORDER BY k.number, {sent}, t.place_in_source"
    )
    return kept


def _without_strangers(con: duckdb.DuckDBPyConnection, report: TableReport, *, strict: bool) -> TableReport:
    """Report the facts of customers who are not in `customers`, which are left out; where strict, that is a fault."""
    raw = f"raw_{report.table}"
    types = column_types(con, raw)
    if report.table == "customers" or c.CUSTOMER_ID not in types:
        return report
    who = typed(c.CUSTOMER_ID, types[c.CUSTOMER_ID], "key")
    n, n_strangers, first = con.execute(
        f"SELECT count(*), count(DISTINCT who), arg_min(who, place) FROM (SELECT {who} AS who, rowid AS place "
        f"FROM {raw}) WHERE who NOT IN (SELECT {c.CUSTOMER_ID} FROM customers)"
    ).fetchall()[0]
    if not n:
        return report
    says = (
        f"{report.table}.{c.CUSTOMER_ID}: must be in customers; {broken_by(n, report.rows)}, of {n_strangers:,} "
        f"unknown {'customer' if n_strangers == 1 else 'customers'} (first: {first!r})."
    )
    if n == report.rows:  # what is left is an empty table
        return replace(report, faults=(*report.faults, f"{says} None is known: do both tables write the id alike?"))
    if strict:
        return replace(
            report, faults=(*report.faults, f"{says} Add them to customers, or set `strict: false` to leave them out.")
        )
    return replace(report, warnings=(*report.warnings, f"{says} They were left out."))


def _with_outliers(
    con: duckdb.DuckDBPyConnection, report: TableReport, kinds: Mapping[str, Mapping[str, Kind]]
) -> TableReport:
    """Warn of a last fact that lies far beyond the others: without a configured ``as_of``, it sets today."""
    time = TABLES[report.table].time
    if time not in kinds.get(report.table, {}) or report.table in ("customers", "contracts"):
        return report
    days, last = con.execute(
        f"SELECT date_diff('day', quantile_disc({time}, 0.99), max({time})), max({time}) FROM {report.table}"
    ).fetchall()[0]
    if days is None or days <= _FAR_DAYS:
        return report
    warning = (
        f"{report.table}.{time}: the last is {last:%Y-%m-%d}, {days:,} days after 99% of the rows, and `as_of` "
        f"follows it. Set `as_of:`, or correct that row."
    )
    return replace(report, warnings=(*report.warnings, warning))


def _after_last_fact(con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]) -> datetime | None:
    moments: list[datetime | None] = []
    for name, columns in kinds.items():
        past = [column.name for column in TABLES[name].columns if column.past and column.name in columns]
        if name == "contracts" and set(kinds) <= {"customers", "contracts"}:
            past.append(c.START_TIME)  # a contract may be signed ahead: only where nothing else tells the time
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
