"""A company's tables read into DuckDB: found, renamed, cleaned, checked, and typed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.config.tables import TableConfig
from cxml.descriptive.logged import append_logged
from cxml.descriptive.raw import read_raw
from cxml.descriptive.sentiment import with_sentiment
from cxml.descriptive.store import (
    PLACE,
    connected,
    create_sorted_tables,
    create_typed_view,
    one_thread_a_query,
    within_memory,
)
from cxml.errors import ConfigError, SchemaError, SourceError, broken_by, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.check import Reading, TableReport, check_table
from cxml.schema.tables import TABLES, Kind

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


# Of at least so many times, one so many days after 99% of the others is taken for a slip of the pen.
_ENOUGH_TIMES, _FAR_DAYS = 20, 365


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
    def moment(self) -> datetime:
        """The moment of the data, or `ConfigError` where neither a table nor the config tells it."""
        if self.as_of is None:
            raise ConfigError(
                "as_of: must be set; no table has times. Say when the snapshot was taken, such as `as_of: 2024-01-01`."
            )
        return self.as_of

    @property
    def faults(self) -> tuple[str, ...]:
        """Every fault of every table, then those of labels, features and policy on these tables, where tried."""
        return (*(fault for report in self.reports for fault in report.faults), *self.config_faults)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found and left out, or needs a look."""
        return tuple(warning for report in self.reports for warning in report.warnings)


def read_tables(
    config: CompanyConfig,
    frames: Mapping[str, pd.DataFrame] | None = None,
    logged: Mapping[str, pd.DataFrame] | None = None,
) -> Tables:
    """Read and check a company's tables.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from the name of a table to a dataframe
        Tables handed over in Python; they stand in for the paths of the config.
    logged : ``actions`` and ``outcomes`` of the ledger, as `cxml.descriptive.logged.append_logged` takes them

    Returns
    -------
    Tables

    Raises
    ------
    SourceError
        If a file is missing or cannot be read, or the memory is too little.
    SchemaError
        If a table breaks the rules of its schema; the message lists the faults of all tables.
    """
    tables = inspected_tables(config, frames, logged)
    if tables.faults:
        raise SchemaError(listed(tables.faults))
    return tables


@within_memory()
def inspected_tables(
    config: CompanyConfig,
    frames: Mapping[str, pd.DataFrame] | None = None,
    logged: Mapping[str, pd.DataFrame] | None = None,
) -> Tables:
    """Read a company's tables and report every fault, without raising `SchemaError`; see `read_tables`."""
    frames = frames or {}
    if unknown := sorted(set(frames) - set(TABLES)):
        raise SourceError(
            f"there is no table {unknown[0]!r}{near_miss(unknown[0], TABLES) or '.'} Tables: {', '.join(TABLES)}."
        )
    con, as_of = connected(config), config.as_of and config.as_of.replace(tzinfo=None)
    reports, kinds = [], {}
    unread: list[str] = []
    later = "customers" if config.tables.customers.ids_of else None  # they are made of the other tables
    for name, schema in sorted(TABLES.items(), key=lambda item: item[0] == later):
        table: TableConfig | None = getattr(config.tables, name)
        if name in frames and table is None:
            table = TableConfig()
        if table is None:
            continue
        if name not in frames and (gone := [other for other in table.ids_of if other not in kinds]):
            # Where the other table is there, it has faults of its own, which are all there is to correct.
            if never := [other for other in gone if other not in frames and getattr(config.tables, other) is None]:
                fault = f"{name}.ids_of: the table {never[0]!r} is not there. Configure it, or leave it out here."
                reports.append(TableReport(name, 0, faults=(fault,)))
            continue
        try:
            early = read_raw(con, name, table, frames.get(name))
        except SourceError as error:
            unread.extend(str(says) for says in error.args)
            continue
        reading = Reading(table.timezone or config.timezone, as_of, early.names)
        report = check_table(con, f"raw_{name}", schema, reading)
        reports.append(replace(report, faults=(*early.faults, *report.faults), warnings=early.warnings))
        if not reports[-1].faults:
            kinds[name] = create_typed_view(con, name, schema, reading, confidence=table.confidence)
    if unread:
        raise SourceError(listed([*unread, *(fault for report in reports for fault in report.faults)]))
    reports.sort(key=lambda report: list(TABLES).index(report.table))
    kinds = {name: kinds[name] for name in TABLES if name in kinds}
    reports = [_without_strangers(con, report, kinds, strict=config.strict) for report in reports]
    reports = [_without_place(con, report, kinds) for report in reports]
    invitations = create_sorted_tables(con, kinds)
    config_faults: tuple[str, ...] = ()
    if as_of is None and not any(report.faults for report in reports):
        try:
            as_of = _after_last_fact(con, kinds)
        except SchemaError as error:
            config_faults = error.args
    told = {report.table: report for report in reports}
    kinds, told = append_logged(con, kinds, logged or {}, told)
    reports = list(told.values())
    fingerprint = _fingerprint(con, kinds)  # of what came in, before anything is derived
    one_thread_a_query(con)
    kinds = {name: dict(columns) for name, columns in with_sentiment(con, kinds, config).items()}
    if invitations is not None:
        kinds["invitations"] = invitations
    return Tables(con, kinds, tuple(reports), as_of, fingerprint, config_faults)


def with_repeats_told(tables: Tables, config: CompanyConfig) -> Tables:
    """Return the tables with a warning of facts that are there twice, where the config does not say what to do."""
    reports = []
    for report in tables.reports:
        n = 0
        table: TableConfig | None = getattr(config.tables, report.table)
        if report.table in ("events", "surveys", "actions") and not (table and table.drop_duplicates):
            query = f"SELECT count(*) - count(DISTINCT hash(t)) FROM {report.table} AS t"
            (n,) = tables.con.execute(query).fetchall()[0]
        told = (
            f"{report.table}: {n:,} of {report.rows:,} rows are the same as another in every column that is read, and "
            f"count twice. If they did not happen twice, set `drop_duplicates: true`."
        )
        reports.append(replace(report, warnings=(*report.warnings, told)) if n else report)
    return replace(tables, reports=tuple(reports))


def frame_of(tables: Tables, query: str) -> pd.DataFrame:
    """Return the result of a query over a company's tables as a dataframe."""
    with within_memory():
        frame: pd.DataFrame = tables.con.sql(query).to_arrow_table().to_pandas()
    return frame


def _without_strangers(
    con: duckdb.DuckDBPyConnection, report: TableReport, kinds: Mapping[str, Mapping[str, Kind]], *, strict: bool
) -> TableReport:
    """Report the facts of customers who are not in `customers`, which are left out; where strict, that is a fault."""
    name = report.table
    if name == "customers" or "customers" not in kinds or c.CUSTOMER_ID not in kinds.get(name, {}):
        return report
    n, who, first = con.execute(
        f"SELECT count(*), count(DISTINCT {c.CUSTOMER_ID}), arg_min({c.CUSTOMER_ID}, {PLACE}) "
        f"FROM {name} WHERE {c.CUSTOMER_ID} NOT IN (SELECT {c.CUSTOMER_ID} FROM customers)"
    ).fetchall()[0]
    if not n:
        return report
    says = (
        f"{name}.{c.CUSTOMER_ID}: must be in customers; {broken_by(n, report.rows)}, of {who:,} unknown "
        f"{'customer' if who == 1 else 'customers'} (first: {first!r})."
    )
    if n == report.rows:  # what is left is an empty table
        return replace(report, faults=(*report.faults, f"{says} None is known: do both tables write the id alike?"))
    if strict:
        return replace(
            report, faults=(*report.faults, f"{says} Add them to customers, or set `strict: false` to leave them out.")
        )
    return replace(report, warnings=(*report.warnings, f"{says} They were left out."))


def _without_place(
    con: duckdb.DuckDBPyConnection, report: TableReport, kinds: Mapping[str, Mapping[str, Kind]]
) -> TableReport:
    """Report the customers in whose region nothing is observed; where that is all of them, it is a fault."""
    if report.table != "environment" or not {"customers", "environment"} <= set(kinds):
        return report
    if c.REGION not in kinds["customers"]:
        says = f"environment: says nothing of anybody, for customers have no column {c.REGION!r}. Map it in `columns:`."
        return replace(report, warnings=(*report.warnings, says))
    n, known, first = con.execute(
        f"SELECT count(*), count({c.REGION}), arg_min({c.REGION}, {PLACE}) FROM customers "
        f"WHERE {c.REGION} IS NULL OR {c.REGION} NOT IN (SELECT {c.REGION} FROM environment)"
    ).fetchall()[0]
    total = con.execute("SELECT count(*) FROM customers").fetchall()[0][0]
    if not known:
        return report
    says = f"customers.{c.REGION}: must be in environment; {broken_by(known, total)} (first: {first!r})."
    if n == total:
        fault = f"{says} Nobody's is: do both tables write the region alike?"
        return replace(report, faults=(*report.faults, fault))
    return replace(report, warnings=(*report.warnings, f"{says} Their environment is unknown."))


def _after_last_fact(con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]) -> datetime | None:
    """Return the midnight after the last time that any table holds of the past.

    Raises
    ------
    SchemaError
        If that time is far beyond all others: a slip of the pen would set today, and every feature and label with it.
    """
    past = [
        (name, column.name)
        for name, columns in kinds.items()
        for column in TABLES[name].columns
        if column.name in columns
        # A contract may be signed ahead: its start counts only where nothing else tells the time.
        and (column.past or (column.name == c.START_TIME and set(kinds) <= {"customers", "contracts"}))
    ]
    if not past:
        return None
    maxima = [con.execute(f"SELECT max({of}) FROM {table}").fetchall()[0][0] for table, of in past]
    found = {place: last for place, last in zip(past, maxima, strict=True) if last is not None}
    if not found:
        return None
    name, column = max(found, key=found.__getitem__)
    last: datetime = found[name, column]
    near = " UNION ALL ".join(
        f"SELECT count({of}) AS n, count_if({of} > TIMESTAMP '{last}' - INTERVAL {_FAR_DAYS} DAY) AS near FROM {table}"
        for table, of in past
    )
    ((n, n_near),) = con.execute(f"SELECT sum(n), sum(near) FROM ({near})").fetchall()
    alone = n >= _ENOUGH_TIMES and n_near <= max(1, 0.01 * n)
    if alone or last.year == datetime.max.year:
        raise SchemaError(
            f"{name}.{column}: the last time is {last:%Y-%m-%d}, more than {_FAR_DAYS} days after all but {n_near:,} "
            f"of {n:,} times in the tables, and would set today (`as_of`). Correct or empty it, or set `as_of:`."
        )
    return datetime(last.year, last.month, last.day) + timedelta(days=1)


def _fingerprint(con: duckdb.DuckDBPyConnection, kinds: Mapping[str, Mapping[str, Kind]]) -> str:
    digest = hashlib.sha256()
    for name, columns in kinds.items():
        rows = con.execute(f"SELECT count(*), sum(CAST(hash(t) AS HUGEINT)) FROM {name} AS t").fetchall()[0]
        digest.update(repr((name, list(columns.items()), rows)).encode())
    return digest.hexdigest()[:16]
