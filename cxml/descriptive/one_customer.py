"""What the tables hold of one customer, as it was known before a moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from cxml.descriptive.sources import Tables, frame_of
from cxml.schema import columns as c
from cxml.schema.sql import literal, quoted
from cxml.schema.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

_YEAR: Final = "INTERVAL 365 DAY"


def profile(tables: Tables, customer_id: str) -> pd.DataFrame:
    """Return what is known of a customer in ``customers``, in the table's order.

    That is ``attribute``, ``kind`` (such as ``number``) and ``value`` (text; of a flag ``yes`` or ``no``).
    """
    columns = {k: of for k, of in tables.kinds["customers"].items() if k not in (c.CUSTOMER_ID, c.KNOWN_TIME)}
    shown = [
        f"SELECT {place} AS place, {literal(name)} AS {c.ATTRIBUTE}, {literal(kind)} AS {c.KIND}, "
        f"{_text(tables, name)} AS {c.VALUE} FROM one"
        for place, (name, kind) in enumerate(columns.items())
    ]
    if not shown:
        shown = [f"SELECT 0 AS place, '' AS {c.ATTRIBUTE}, '' AS {c.KIND}, NULL AS {c.VALUE} FROM one"]
    return frame_of(tables, f"""
        WITH one AS (SELECT * FROM customers WHERE {c.CUSTOMER_ID} = {literal(customer_id)})
        SELECT {c.ATTRIBUTE}, {c.KIND}, {c.VALUE} FROM ({" UNION ALL ".join(shown)})
        WHERE {c.VALUE} IS NOT NULL ORDER BY place
    """)  # fmt: skip


def touchpoints(tables: Tables, customer_id: str, as_of: datetime) -> pd.DataFrame:
    """Return how often each type of event happened in the last year and in all, and when last."""
    if "events" not in tables:
        return _empty(c.EVENT_TYPE, c.LAST_YEAR, c.IN_ALL, c.LAST_TIME, c.CHANNELS)
    year = f"{c.EVENT_TIME} >= {_moment(as_of)} - {_YEAR}"
    channel = c.CHANNEL if c.CHANNEL in tables.kinds["events"] else "NULL"
    return frame_of(tables, f"""
        WITH mine AS (SELECT *, {channel} AS way FROM {_mine(tables, "events", customer_id, as_of)}),
        ways AS (
            SELECT {c.EVENT_TYPE}, string_agg(way, ', ' ORDER BY n DESC, way) AS {c.CHANNELS}
            FROM (SELECT {c.EVENT_TYPE}, way, count(*) AS n FROM mine WHERE {year} AND way IS NOT NULL GROUP BY 1, 2)
            GROUP BY 1
        ),
        counts AS (
            SELECT {c.EVENT_TYPE}, count_if({year}) AS {c.LAST_YEAR}, count(*) AS {c.IN_ALL},
                   max({c.EVENT_TIME}) AS {c.LAST_TIME}
            FROM mine GROUP BY 1
        )
        SELECT counts.*, {c.CHANNELS} FROM counts LEFT JOIN ways USING ({c.EVENT_TYPE})
        ORDER BY {c.LAST_YEAR} DESC, {c.IN_ALL} DESC, 1
    """)  # fmt: skip


def answers(tables: Tables, customer_id: str, as_of: datetime) -> pd.DataFrame:
    """Return the invitations to surveys, answered or not, the latest first."""
    names = (c.SENT_TIME, c.RESPONSE_TIME, c.INSTRUMENT, c.TOUCHPOINT, c.SCORE, c.COMMENT)
    if "surveys" not in tables:
        return _empty(*names)
    kinds, moment = tables.kinds["surveys"], _moment(as_of)
    known = f"{c.RESPONSE_TIME} < {moment} AND {_known('surveys', tables, moment)}"
    sent = f"{c.SENT_TIME} < {moment}" if c.SENT_TIME in kinds else "FALSE"
    later = (c.RESPONSE_TIME, c.SCORE, c.COMMENT)
    shown = ", ".join(
        f"CASE WHEN {known} THEN {name} END AS {name}" if name in later and name in kinds
        else f"{name if name in kinds else 'NULL'} AS {name}"
        for name in names
    )  # fmt: skip
    return frame_of(tables, f"""
        SELECT {shown} FROM surveys
        WHERE {c.CUSTOMER_ID} = {literal(customer_id)} AND (({known}) OR {sent})
        ORDER BY coalesce({f"{c.SENT_TIME}, " if c.SENT_TIME in kinds else ""}surveys.{c.RESPONSE_TIME}) DESC, rowid
    """)  # fmt: skip


def contracts(tables: Tables, customer_id: str, as_of: datetime) -> pd.DataFrame:
    """Return the terms of a customer's contracts that had begun, the latest first."""
    if "contracts" not in tables:
        return _empty(c.CONTRACT_ID, c.START_TIME, c.END_TIME, c.RENEWED)
    ended = f"CASE WHEN {c.END_TIME} < {_moment(as_of)} THEN {c.RENEWED} END AS {c.RENEWED}"
    return frame_of(tables, f"""
        SELECT {_columns(tables, "contracts", c.RENEWED)}, {ended}
        FROM {_mine(tables, "contracts", customer_id, as_of)} ORDER BY {c.START_TIME} DESC, {c.CONTRACT_ID}
    """)  # fmt: skip


def actions(tables: Tables, customer_id: str, as_of: datetime) -> pd.DataFrame:
    """Return what was done with a customer, the latest first."""
    if "actions" not in tables:
        return _empty(c.ACTION_TIME, c.ACTION)
    return frame_of(tables, f"""
        SELECT {_columns(tables, "actions")} FROM {_mine(tables, "actions", customer_id, as_of)}
        ORDER BY {c.ACTION_TIME} DESC, {c.ACTION}
    """)  # fmt: skip


def _mine(tables: Tables, table: str, customer_id: str, as_of: datetime) -> str:
    """Return the SQL of a customer's rows of a table that happened, and were known, before a moment."""
    moment = _moment(as_of)
    before = f"{TABLES[table].time} < {moment} AND {_known(table, tables, moment)}"
    return f"(SELECT * FROM {table} WHERE {c.CUSTOMER_ID} = {literal(customer_id)} AND {before})"


def _known(table: str, tables: Tables, moment: str) -> str:
    return f"({c.KNOWN_TIME} IS NULL OR {c.KNOWN_TIME} < {moment})" if c.KNOWN_TIME in tables.kinds[table] else "TRUE"


def _moment(as_of: datetime) -> str:
    return f"TIMESTAMP '{as_of}'"


def _columns(tables: Tables, table: str, *without: str) -> str:
    return ", ".join(
        quoted(name) for name in tables.kinds[table] if name not in (c.CUSTOMER_ID, c.KNOWN_TIME, *without)
    )


def _text(tables: Tables, column: str) -> str:
    """Return the SQL of a value as a person reads it."""
    name, kind = quoted(column), tables.kinds["customers"][column]
    if kind == "time":
        return f"strftime({name}, '%Y-%m-%d')"
    if kind == "flag":
        return f"CASE WHEN {name} THEN 'yes' ELSE 'no' END"
    return f"printf('%.6g', {name})" if kind == "number" else f"CAST({name} AS VARCHAR)"


def _empty(*columns: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: [] for name in columns})
