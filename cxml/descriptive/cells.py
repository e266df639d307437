"""The cells of one table of facts as DuckDB SQL: conditions, windows and values once a row, then the aggregates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cxml.conditions.sql import sql as condition_sql
from cxml.conditions.sql import value_sql as expression_sql
from cxml.descriptive.plan import FACT_TIME, IN_FORCE, WEIGHTED, Cell, Plan
from cxml.schema import columns as c

SPINE: Final = "spine"
"""The table of the moments that features are wanted for: one row per (customer_id, as_of)."""

DAY_US: Final = 86_400_000_000.0

# Whether a contract was renewed is not known before its end.
_NOT_YET: Final = {c.RENEWED: f"CASE WHEN t.{c.END_TIME} < s.{c.AS_OF} THEN t.{c.RENEWED} END"}
_ALWAYS: Final = "TIMESTAMP '-infinity'"
_AGGREGATES: Final = {
    "min": "min({value})",
    "max": "max({value})",
    "std": "stddev_samp({value})",
    "distinct": "count(DISTINCT {value})",
    "last": "arg_max({value}, seq)",
    "first": "arg_min({value}, seq)",
    "entropy": "CASE WHEN count({value}) > 0 THEN entropy({value}) END",
    "days_active": "count(DISTINCT CASE WHEN {rows} THEN day END)",
    "newest": "min(CASE WHEN {rows} THEN days END)",
    "oldest": "max(CASE WHEN {rows} THEN days END)",
    "rows": "count_if({rows})",
}


def facts_query(table: str, cells: Mapping[int, Cell], plan: Plan, rows: range | None = None) -> str:
    """Return the query of all cells of one table: ``row`` (of the spine) and ``cell_<place>`` for each cell.

    ``rows`` are those of the table that may be needed (None: all).
    """
    time, as_of = f"t.{FACT_TIME[table]}", f"s.{c.AS_OF}"
    columns = {"s.rowid": "row", "t.rowid": "seq", days_sql(time, as_of): "days", f"CAST({time} AS DATE)": "day"}
    if c.CONFIDENCE in plan.kinds[table]:
        columns[f"coalesce(t.{c.CONFIDENCE}, 1.0)"] = "confidence"
    joined = f"t.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID} AND {time} < {as_of}{known_sql(table, time, plan)}"
    source = f"{SPINE} s JOIN {table} t ON {joined}{_oldest_needed(time, as_of, cells)}{among_sql(rows)}"
    if table == "contracts":
        columns[f"t.{c.END_TIME} >= {as_of}"] = "in_force"
    aggregates = [f"{_aggregate(cell, plan, columns)} AS cell_{i}" for i, cell in cells.items()]
    used = set(re.findall(r"\w+", " ".join(aggregates)))
    made = [f"{sql} AS {name}" for sql, name in columns.items() if name in ("row", "seq") or name in used]
    return (
        "    SELECT row,\n        " + ",\n        ".join(aggregates) + "\n    FROM (\n        SELECT "
        + ",\n            ".join(made) + f"\n        FROM {source}\n    )\n    GROUP BY row"
    )  # fmt: skip


def known_sql(table: str, time: str | None, plan: Plan, alias: str = "t", before: str = f"s.{c.AS_OF}") -> str:
    """Return the SQL that a row was known before a moment; one without a known time was from its time on.

    An invitation is the company's own act: it is known from the moment it was sent.
    """
    if table == "invitations" or c.KNOWN_TIME not in plan.kinds[table]:
        return ""
    return f" AND coalesce({alias}.{c.KNOWN_TIME}, {time or _ALWAYS}) < {before}"


def among_sql(rows: range | None, alias: str = "t") -> str:
    """Return the SQL that a row of a table is one of those that may be needed."""
    return "" if rows is None else f" AND {alias}.rowid >= {rows.start} AND {alias}.rowid < {rows.stop}"


def where_sql(cell: Cell) -> str:
    """Return the SQL of the condition on a row ``t``."""
    return condition_sql(cell.where, "t", _NOT_YET if cell.table == "contracts" else None) if cell.where else "TRUE"


def value_sql(cell: Cell) -> str:
    """Return the SQL of what a cell aggregates, of a row ``t``: numbers as DOUBLE, names and times as they are."""
    if cell.value is None:
        return "1.0"
    value = expression_sql(cell.value, "t", _NOT_YET if cell.table == "contracts" else None)
    if cell.value_kind == "flag":
        return f"CAST(CAST({value} AS INTEGER) AS DOUBLE)"
    return f"CAST({value} AS DOUBLE)" if cell.value_kind == "number" else value


def days_sql(start: str, end: str) -> str:
    """Return the SQL of the days from one moment to another."""
    return f"(date_diff('microsecond', {start}, {end}) / {DAY_US!r})"


def _aggregate(cell: Cell, plan: Plan, columns: dict[str, str]) -> str:
    """Return the SQL of a cell over the columns made for each row, adding those that it needs."""
    if cell.aggregate in IN_FORCE:
        name = columns.setdefault(_of_term(cell), f"term_{len(columns)}")
        return f"(arg_max({{'v': {name}}}, CASE WHEN in_force THEN seq END)).v"
    parts = []
    if (window := _window(cell, plan)) is not None:
        parts.append(columns.setdefault(window, f"in_window_{len(columns)}"))
    if cell.where is not None:
        parts.append(columns.setdefault(f"coalesce({where_sql(cell)}, FALSE)", f"is_{len(columns)}"))
    rows = " AND ".join(parts)
    value = None if cell.value is None else columns.setdefault(value_sql(cell), f"value_{len(columns)}")
    if c.CONFIDENCE in plan.kinds[cell.table] and cell.aggregate in WEIGHTED:
        return _weighted(cell, value, rows)
    if cell.aggregate == "count":
        return f"count({_where(value, rows)})" if value else f"count_if({rows})" if rows else "count(*)"
    if cell.aggregate == "mean":
        return f"avg({_where(str(value), rows)})"
    if cell.aggregate in ("sum", "decay"):
        return _zero_without_rows(f"sum({_where(_decayed(cell, value), rows)})", rows)
    return _AGGREGATES[cell.aggregate].format(value=_where(str(value), rows), rows=rows or "TRUE")


def _weighted(cell: Cell, value: str | None, rows: str) -> str:
    """Return the SQL of an aggregate in which each fact counts for its confidence."""
    known = _where("confidence", " AND ".join(part for part in (rows, value and f"{value} IS NOT NULL") if part))
    if cell.aggregate == "count":
        return f"coalesce(sum({known}), 0)"
    total = f"sum({_where(f'{_decayed(cell, value)} * confidence', rows)})"
    return f"({total} / nullif(sum({known}), 0))" if cell.aggregate == "mean" else _zero_without_rows(total, rows)


def _decayed(cell: Cell, value: str | None) -> str:
    if cell.aggregate != "decay":
        return str(value)
    return f"{value or '1.0'} * pow(0.5, days / {cell.half_life_days!r})"


def _where(value: str, rows: str) -> str:
    return f"CASE WHEN {rows} THEN {value} END" if rows else value


def _zero_without_rows(total: str, rows: str) -> str:
    """Return the SQL of a sum that is 0 without a fact, and unknown where facts have no known value."""
    return f"CASE WHEN count_if({rows}) > 0 THEN {total} ELSE 0 END" if rows else total


def _window(cell: Cell, plan: Plan) -> str | None:
    time, as_of = f"t.{FACT_TIME[cell.table]}", f"s.{c.AS_OF}"
    if cell.by_day:
        as_of = f"date_trunc('day', {as_of})"
    if cell.begin_days is None:
        return None
    window = f"{time} >= {as_of} - INTERVAL {cell.begin_days} DAY"
    if cell.end_days:
        window += f" AND {time} < {as_of} - INTERVAL {cell.end_days} DAY"
    if cell.by_day:
        window += f" AND {time} < {as_of}{known_sql(cell.table, time, plan, before=as_of)}"
    return window


def _oldest_needed(time: str, as_of: str, cells: Mapping[int, Cell]) -> str:
    """Return the SQL that leaves out facts older than every window."""
    if any(cell.begin_days is None for cell in cells.values()):
        return ""
    days = max((cell.begin_days or 0) + cell.by_day for cell in cells.values())
    return f" AND {time} >= {as_of} - INTERVAL {days} DAY"


def _of_term(cell: Cell) -> str:
    """Return the SQL of what is said of the contract in force."""
    if cell.aggregate == "days_since_start":
        return days_sql(f"t.{c.START_TIME}", f"s.{c.AS_OF}")
    if cell.aggregate == "days_to_end":
        return days_sql(f"s.{c.AS_OF}", f"t.{c.END_TIME}")
    if cell.aggregate == "price_change":
        return f"t.{c.PRICE} - lag(t.{c.PRICE}) OVER (PARTITION BY s.rowid ORDER BY t.rowid)"
    return value_sql(cell)
