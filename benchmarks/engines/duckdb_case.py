"""The query of ``duckdb_sql`` with CASE instead of FILTER: what someone writes who has measured what DuckDB likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engines.duckdb_sql import NAMES, query, tables, write

__all__ = ["features", "from_files", "tables", "write"]


def over(aggregate: str, rows: str) -> str:
    """Return an aggregate such as ``sum(value)`` over the rows for which a condition is true."""
    name, _, value = aggregate.removesuffix(")").partition("(")
    if value == "*":
        return f"coalesce(count_if({rows}), 0)"  # of a customer without events, every flag is unknown
    distinct = "DISTINCT " if value.startswith("DISTINCT ") else ""
    first, *others = value.removeprefix(distinct).split(", ")
    return f"{name}({distinct}{', '.join([f'CASE WHEN {rows} THEN {first} END', *others])})"


def features(tables: Any) -> Any:
    return tables.sql(query(dict(zip(NAMES, NAMES, strict=True)), over)).to_arrow_table()


def from_files(folder: Path) -> Any:
    import duckdb

    with duckdb.connect() as con:
        return con.sql(query({name: f"'{folder / f'{name}.parquet'}'" for name in NAMES}, over)).to_arrow_table()
