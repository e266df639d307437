"""What the tables hold enough of to make features from, counted in the training period alone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from cxml.descriptive.sources import Tables
from cxml.schema import columns as c
from cxml.schema.sql import quoted
from cxml.schema.tables import TABLES

# A measure belongs to an event type where at least this share of its rows have it.
MEASURED_SHARE: Final = 0.05


def measures(tables: Tables, table: str) -> list[str]:
    """Return the numbers and flags of a table that its schema does not name, and those it names as measures."""
    named = {name for name, column in TABLES[table].names.items() if not column.measure}
    return [name for name, kind in tables.kinds[table].items() if kind in ("number", "flag") and name not in named]


def frequent(tables: Tables, column: str, most: int, until: datetime | None) -> list[str]:
    """Return the most frequent values of a column of `events` before a moment, the most frequent first."""
    name = quoted(column)
    rows = tables.con.execute(
        f"SELECT {name} FROM events WHERE {name} IS NOT NULL{before(tables, 'events', until)} "
        f"GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT {most}"
    ).fetchall()
    return [value for (value,) in rows]


def measures_of_types(tables: Tables, types: list[str], until: datetime | None) -> dict[str, list[str]]:
    """Return for each event type the measures that enough of its rows have, before a moment."""
    known = measures(tables, "events")
    found: dict[str, list[str]] = {event_type: [] for event_type in types}
    if not known:
        return found
    filled = ", ".join(f"count({quoted(m)}) >= {MEASURED_SHARE} * count(*)" for m in known)
    rows = tables.con.execute(
        f"SELECT {c.EVENT_TYPE}, {filled} FROM events WHERE TRUE{before(tables, 'events', until)} GROUP BY 1"
    ).fetchall()
    for event_type, *row in rows:
        if event_type in found:
            found[event_type] = [measure for measure, is_filled in zip(known, row, strict=True) if is_filled]
    return found


def before(tables: Tables, table: str, until: datetime | None) -> str:
    """Return the SQL condition that a fact was known before a moment."""
    if until is None:
        return ""
    time = TABLES[table].time
    known = f"coalesce({c.KNOWN_TIME}, {time})" if c.KNOWN_TIME in tables.kinds[table] else time
    return f" AND {time} < TIMESTAMP '{until}' AND {known} < TIMESTAMP '{until}'"


def feature_name(text: str, prefix: str) -> str:
    """Return a name that a feature can have: letters, digits and underscores, starting with a letter, not reserved."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")[:60]
    return f"{prefix or 'f'}_{name}" if not name[:1].isalpha() or name.casefold() in c.RESERVED else name
