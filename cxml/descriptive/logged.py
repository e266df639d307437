"""The rows of the ledger among a company's tables: appended to the tables that came in, or tables of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cxml.descriptive.raw_files import arrow_of
from cxml.descriptive.store import NUMBERED, PLACE, create_typed_view
from cxml.errors import broken_by
from cxml.schema import columns as c
from cxml.schema.check import Reading, TableReport, check_table
from cxml.schema.sql import quoted
from cxml.schema.tables import TABLES, Kind

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_LOGGED: Final = "logged"
_READING: Final = Reading(zone="UTC", raw=False)


def append_logged(
    con: duckdb.DuckDBPyConnection,
    kinds: Mapping[str, Mapping[str, Kind]],
    logged: Mapping[str, pd.DataFrame],
    report: Mapping[str, TableReport],
) -> tuple[dict[str, dict[str, Kind]], dict[str, TableReport]]:
    """Append the rows of the ledger to a company's tables, or make tables of them where it has none.

    They stand after a table's own rows of the same customer and moment. A column that only one of the two has is
    unknown in the rows of the other. A table without rows is there all the same, so that what is asked of it today can
    be asked when it has some. Rows of customers who are not known are left out and counted.

    They may be of the moment of the data or later, such as the decisions of last night: whatever reads facts before a
    moment leaves them out until then, and they do not tell what moment it is.

    Parameters
    ----------
    con : DuckDB connection with the sorted tables
    kinds : for each table, the kind of each of its columns
    logged : ``actions`` and ``outcomes`` as the ledger gives them, all times with their zone
    report : of each table that was read

    Returns
    -------
    (kinds, reports)
        Of all tables, with the ledger's rows.
    """
    found, reports = {name: dict(columns) for name, columns in kinds.items()}, dict(report)
    for name, frame in logged.items():
        if "customers" not in kinds or (name in reports and name not in kinds):
            continue  # a table with faults of its own is not there
        con.register("came_in", arrow_of(name, frame))
        con.execute(f"CREATE TEMP TABLE raw_{_LOGGED} AS SELECT * FROM came_in")
        con.unregister("came_in")
        schema = replace(TABLES[name], name=f"ledger.{name}", all_null=True)
        checked = check_table(con, f"raw_{_LOGGED}", schema, _READING) if len(frame) else TableReport(name, 0)
        own = reports.get(name, TableReport(name, 0))
        if checked.faults:
            reports[name] = replace(own, faults=(*own.faults, *checked.faults))
        else:
            theirs = create_typed_view(con, _LOGGED, schema, _READING, confidence=None)
            found[name] = found.get(name, {}) | theirs
            warnings = (*own.warnings, *_strangers(con, name, len(frame)))
            _create_joined(con, name, found[name], with_own=name in kinds)
            reports[name] = replace(_told(con, name, found[name], own.rows + len(frame)), warnings=warnings)
            con.execute(f"DROP VIEW {_LOGGED}")
        con.execute(f"DROP TABLE raw_{_LOGGED}")
    return (
        {name: found[name] for name in (*TABLES, *found) if name in found},
        {name: reports[name] for name in TABLES if name in reports},
    )


def _create_joined(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Kind], *, with_own: bool) -> None:
    """Create the table of a company's own rows and the ledger's, in the order of customer, time and place."""
    rows = f"SELECT *, TRUE AS later FROM {_LOGGED}"
    if with_own:
        rows = f"SELECT *, rowid AS {PLACE}, FALSE AS later FROM {name} UNION ALL BY NAME {rows}"
    selected = ", ".join(f"t.{quoted(column)}" for column in columns)
    con.execute(
        f"CREATE TABLE sorted_{name} AS SELECT {selected} FROM ({rows}) t "
        f"JOIN {NUMBERED} k ON k.who = t.{c.CUSTOMER_ID} "
        f"ORDER BY k.number, t.{TABLES[name].time}, t.later, t.{PLACE}"
    )
    con.execute(f"DROP TABLE IF EXISTS {name}")
    con.execute(f"ALTER TABLE sorted_{name} RENAME TO {name}")


def _strangers(con: duckdb.DuckDBPyConnection, name: str, n_rows: int) -> list[str]:
    (n,) = con.execute(
        f"SELECT count(*) FROM {_LOGGED} t ANTI JOIN customers k ON k.{c.CUSTOMER_ID} = t.{c.CUSTOMER_ID}"
    ).fetchall()[0]
    says = f"ledger.{name}.{c.CUSTOMER_ID}: must be in customers; {broken_by(n, n_rows)}. They were left out."
    return [says] if n else []


def _told(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Kind], n_rows: int) -> TableReport:
    """Return what a table holds in all."""
    unknown = ", ".join(f"count(*) - count({quoted(column)})" for column in columns)
    time = TABLES[name].time
    n_customers, first, last, *nulls = con.execute(
        f"SELECT count(DISTINCT {c.CUSTOMER_ID}), min({time}), max({time}), {unknown} FROM {name}"
    ).fetchall()[0]
    missing = {column: n for column, n in zip(columns, nulls, strict=True) if n}
    return TableReport(name, n_rows, n_customers, first, last, missing)
