"""How a raw column is read in DuckDB: identifiers, literals, and one typed expression per kind of value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cxml.schema.tables import Kind

if TYPE_CHECKING:
    import duckdb

# What a text must be as a whole: DuckDB's own cast drops what follows a time, be it the PM of 09:00 PM or a zone.
_DAY: Final = r"\d{4}-\d\d-\d\d"
_CLOCK: Final = r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
_ZONE: Final = r"(Z| UTC| GMT|[+-](0\d|1[0-5])(:?[0-5]\d)?)"  # none is as much as 16 hours from UTC
_ZONED: Final = rf"\s*{_DAY}{_CLOCK}{_ZONE}\s*"
_ZONELESS: Final = rf"\s*{_DAY}({_CLOCK})?\s*"


def quoted(name: str) -> str:
    """Return ``name`` as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return ``text`` as a DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"


def column_types(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the DuckDB type of each column of a table, in order."""
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {quoted(table)}").fetchall()}


def kind_of(duckdb_type: str) -> Kind:
    """Return the kind of value that a DuckDB type holds."""
    if duckdb_type == "BOOLEAN":
        return "flag"
    if duckdb_type.startswith(("TIMESTAMP", "DATE")):
        return "time"
    if duckdb_type.startswith(("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL")):
        return "category" if duckdb_type in ("UUID", "UNION") else "number"
    return "category"


def is_zoneless(duckdb_type: str) -> bool:
    """Return whether a DuckDB type holds moments without a zone."""
    return kind_of(duckdb_type) == "time" and not _is_zoned(duckdb_type)


def _is_zoned(duckdb_type: str) -> bool:
    return duckdb_type.startswith("TIMESTAMPTZ") or "WITH TIME ZONE" in duckdb_type  # of any resolution


def number_in(text: str) -> str:
    """Return the SQL of the number that a text is, NULL for any other text."""
    return f"TRY_CAST(CASE WHEN NOT contains({text}, '_') THEN {text} END AS DOUBLE)"  # the ages 18_24 are not 1824


def zoned_time(text: str) -> str:
    """Return the SQL of a text in ISO 8601 that carries its zone as TIMESTAMPTZ, NULL for any other text.

    A zone is an offset, ``Z``, or `` UTC`` or `` GMT`` after a blank.
    """
    to_the_second = f"regexp_replace({text}, '([T ]\\d\\d:\\d\\d)([^:])', '\\1:00\\2')"  # as DuckDB 1.5 needs it
    moment = f"coalesce(TRY_CAST({text} AS TIMESTAMPTZ), TRY_CAST({to_the_second} AS TIMESTAMPTZ))"
    return f"CASE WHEN regexp_full_match({text}, {literal(_ZONED)}) THEN {moment} END"


def zoneless_time(text: str) -> str:
    """Return the SQL of a text in ISO 8601 without a zone, a day or a time of day, as TIMESTAMP, NULL for any other."""
    return f"CASE WHEN regexp_full_match({text}, {literal(_ZONELESS)}) THEN TRY_CAST({text} AS TIMESTAMP) END"


def typed(column: str, duckdb_type: str, kind: Kind, zone: str | None = None) -> str:
    """Return the SQL that reads a raw column as its kind; what cannot be read becomes NULL.

    Times become TIMESTAMP in UTC and NaN becomes NULL. ``zone`` is the zone of times that carry none (UTC if None).
    """
    name = quoted(column)
    if kind == "time":
        if _is_zoned(duckdb_type):
            return f"timezone('UTC', CAST({name} AS TIMESTAMPTZ))"
        if is_zoneless(duckdb_type):
            stamp = f"CAST({name} AS TIMESTAMP)"
        elif kind_of(duckdb_type) == "category":
            text = f"CAST({name} AS VARCHAR)"
            in_utc = f"timezone('UTC', {zoned_time(text)})"
            return in_utc if zone is None else f"coalesce({in_utc}, {_in_utc(zoneless_time(text), zone)})"
        else:
            return "CAST(NULL AS TIMESTAMP)"
        return _in_utc(stamp, zone)
    if kind == "number":
        number = number_in(name) if duckdb_type == "VARCHAR" else f"TRY_CAST({name} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END"
    if kind == "flag":
        if kind_of(duckdb_type) == "number":
            return f"CASE {name} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
        return f"TRY_CAST({name} AS BOOLEAN)"
    if duckdb_type in ("DOUBLE", "FLOAT"):  # an integer key that pandas turned into floats for its missing values
        whole = f"CASE WHEN {name} = floor({name}) THEN CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR) END"
        return f"CASE WHEN NOT isnan({name}) THEN coalesce({whole}, CAST({name} AS VARCHAR)) END"
    return f"CAST({name} AS VARCHAR)"


def _in_utc(stamp: str, zone: str | None) -> str:
    return stamp if zone in (None, "UTC") else f"timezone('UTC', timezone({literal(zone)}, {stamp}))"
