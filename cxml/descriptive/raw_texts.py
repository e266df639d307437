"""What the texts of a table say: numbers, flags, times, names or nothing; each column as one typed SQL expression."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cxml.config.tables import ALL, EPOCHS, FileConfig, columns_named
from cxml.descriptive.raw_files import Source
from cxml.descriptive.raw_rows import Notes
from cxml.errors import SourceError, broken_by
from cxml.schema.sql import kind_of, literal, number_in, quoted, typed, zoned_time, zoneless_time
from cxml.schema.tables import Schema

if TYPE_CHECKING:
    import duckdb

# What a column cannot be is mostly seen in its first rows; only what they leave open is asked of all rows.
_FIRST_ROWS: Final = 2_048
_ORDINAL: Final = r"(\d)(st|nd|rd|th)\b"
_THOUSANDS: Final = r"^\s*[+-]?\d{1,3}(\.\d{3})+(,\d*)?\s*$"
_NAMES: Final = ("key", "category", "text")


@dataclass(frozen=True)
class _Reading:
    """A way to read a column: ``fits`` is NULL for a text that cannot be read so, ``value`` what the column becomes.

    ``marked`` says that it counts only where a marker was taken out, ``named`` that the config asks for it.
    """

    fits: str
    value: str
    marked: bool = False
    named: bool = False


@dataclass(frozen=True)
class _Column:
    """A column as it came, the same without missing markers, the ways to read it, best first, and what else it is."""

    name: str
    text: str
    known: str
    otherwise: str
    readings: tuple[_Reading, ...] = ()


@dataclass(frozen=True)
class _Count:
    """How many values a column has, how many with its markers, how many of each reading, and an odd one."""

    known: int
    text: int
    fitting: tuple[int, ...]
    odd: str | None


def typed_columns(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    file: FileConfig,
    schema: Schema,
    wanted: Collection[str],
    notes: Notes,
) -> dict[str, str]:
    """Return the SQL of each wanted column of a source, typed and NULL for what is missing.

    A column is a number, a flag or a time where all its texts are; texts that did not come from a CSV stay what they
    are, unless numbers were left once a marker was taken out, or they are no texts in another file of the table. Keys
    and names are never read as numbers. A column without a name that holds nothing is left out.

    Raises
    ------
    SourceError
        If the file cannot be read, or a time format is none.
    """
    import duckdb

    _check_formats(con, source.where, file)
    columns = [_column(name, source, file, schema) for name in source.types if name in wanted]
    try:
        columns, counts = _looked_at(con, source, columns)
    except duckdb.Error as error:
        raise source.unreadable(error) from None
    selected = {}
    for column in columns:
        count = counts.get(column.name)
        if column.name in source.unnamed and count is not None and not count.known:
            continue
        selected[column.name] = _chosen(column, count)
        if count and column.name not in schema.names:
            for reading, fitting in zip(column.readings, count.fitting, strict=True):
                if reading.named and fitting < count.known:
                    notes.faults.append(
                        f"{source.where}.{column.name}: must be written as its `time_format:` says; "
                        f"{broken_by(count.known - fitting, count.known)} (such as {count.odd!r}). "
                        f"List their format too, or correct these rows."
                    )
    return selected


def unmarked(name: str, source: Source, file: FileConfig) -> str:
    """Return the SQL of a column as text, NULL for what stands for missing."""
    text = typed(name, source.types[name], "key")
    markers = _said_of(name, file.missing, source)
    return f"CASE WHEN {text} IN ({', '.join(map(literal, markers))}) THEN NULL ELSE {text} END" if markers else text


def _column(name: str, source: Source, file: FileConfig, schema: Schema) -> _Column:
    duckdb_type, markers = source.types[name], _said_of(name, file.missing, source)
    kind = schema.names[name].kind if name in schema.names else None
    known = unmarked(name, source, file)
    if kind in _NAMES or (kind is None and name in columns_named(file.categories, source.types)):
        return _Column(name, known, known, known)
    formats, named = _formats(name, file, source)
    if duckdb_type != "VARCHAR":
        value = _unmarked_value(name, duckdb_type, markers)
        if formats and kind_of(duckdb_type) == "number" and (kind == "time" or named):
            return _Column(name, known, known, value, (_time(known, formats, named=named),))
        return _Column(name, known, known, value)
    stays = not source.texts and kind is None and file.decimal == "." and name not in source.differing
    numbers = _numbers(known, file.decimal, markers, marked=stays)
    flag = _same(f"CASE lower({known}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END")
    times = (_same(zoned_time(known)), _same(zoneless_time(known)))  # never some of each in one column
    written = (_time(known, formats, named=named),) if formats else ()
    otherwise = known
    if file.decimal == ",":  # so that the check sees the numbers between which a text stands
        point = f"coalesce(CAST({numbers[-1].fits} AS VARCHAR), {known})"
        otherwise = f"CASE WHEN contains({known}, ',') THEN {point} ELSE {known} END"
    if kind == "number":
        readings = numbers
    elif kind == "flag":
        readings = (flag, *numbers)
    elif kind == "time":
        readings = (*written, *times)
        if written:
            otherwise = f"coalesce(CAST({written[0].fits} AS VARCHAR), {known})"
    elif named:
        readings = (*written, *times)
    else:  # a number may pass for a moment: what is said of all columns is tried on texts alone
        readings = (*numbers, flag, *(written if not set(formats) & set(EPOCHS) else ()), *times)
    return _Column(name, quoted(name), known, otherwise, readings)


def _said_of(name: str, by_column: Mapping[str, tuple[str, ...]], source: Source) -> tuple[str, ...]:
    """Return what is said of a column, by whatever names or patterns."""
    said = (texts for key, texts in by_column.items() if key == ALL or name in columns_named([key], source.types))
    return tuple(dict.fromkeys(text for texts in said for text in texts))


def _formats(name: str, file: FileConfig, source: Source) -> tuple[tuple[str, ...], bool]:
    """Return the time formats of a column, and whether they are said of it and not of all."""
    said = {key: texts for key, texts in file.time_format.items() if key != ALL}
    if formats := said.get(name) or _said_of(name, said, source):
        return formats, True
    return file.time_format.get(ALL, ()), False


def _check_formats(con: duckdb.DuckDBPyConnection, where: str, file: FileConfig) -> None:
    import duckdb

    for text in sorted({text for texts in file.time_format.values() for text in texts} - set(EPOCHS)):
        try:
            con.execute(f"SELECT try_strptime('', {literal(text)})").fetchall()
        except duckdb.Error as error:
            problem = str(error).splitlines()[0].split(": ", 1)[-1]
            raise SourceError(f"{where}.time_format: {text!r} is no format: {problem}. See strptime.") from None


def _same(sql: str) -> _Reading:
    return _Reading(sql, sql)


def _numbers(text: str, decimal: str, markers: Sequence[str], *, marked: bool) -> tuple[_Reading, ...]:
    """Return how a text is read as a whole number, and as any."""
    if decimal == ",":  # a point then stands between thousands, or nowhere
        fits = f"NOT contains({text}, '.') OR regexp_matches({text}, {literal(_THOUSANDS)})"
        text = f"CASE WHEN {fits} THEN replace(replace({text}, '.', ''), ',', '.') END"
    whole, number = f"TRY_CAST({text} AS BIGINT)", number_in(text)
    whole = f"CASE WHEN {whole} = {number} THEN {whole} END"
    return (
        _Reading(whole, _without(whole, markers), marked),
        _Reading(number, _without(number, markers, nan=True), marked),
    )


def _time(text: str, formats: Sequence[str], *, named: bool) -> _Reading:
    if formats[0] in EPOCHS:
        seconds = f"TRY_CAST({text} AS DOUBLE)" + (" / 1000" if formats[0] == "epoch_ms" else "")
        sql = f"TRY(to_timestamp({seconds}))"
    else:
        listed = "[" + ", ".join(map(literal, formats)) + "]"
        plain_days = f"regexp_replace({text}, {literal(_ORDINAL)}, '\\1', 'g')"
        sql = f"coalesce(try_strptime({text}, {listed}), try_strptime({plain_days}, {listed}))"
    return _Reading(sql, sql, named=named)


def _unmarked_value(name: str, duckdb_type: str, markers: Sequence[str]) -> str:
    value = quoted(name)
    if kind_of(duckdb_type) == "number":
        return _without(value, markers, nan=duckdb_type in ("DOUBLE", "FLOAT"))
    if not markers:
        return value
    return f"CASE WHEN CAST({value} AS VARCHAR) IN ({', '.join(map(literal, markers))}) THEN NULL ELSE {value} END"


def _without(number: str, markers: Sequence[str], *, nan: bool = False) -> str:
    """Return the SQL of a number, NULL for NaN and for the markers that are numbers."""
    values = [f"CAST({value!r} AS DOUBLE)" for marker in markers if (value := _as_number(marker)) is not None]
    unknown = [f"({number}) IN ({', '.join(values)})"] if values else []
    unknown += [f"isnan({number})"] if nan else []
    return f"CASE WHEN {' OR '.join(unknown)} THEN NULL ELSE {number} END" if unknown else number


def _as_number(marker: str) -> float | None:
    try:
        value = float(marker)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _looked_at(
    con: duckdb.DuckDBPyConnection, source: Source, columns: list[_Column]
) -> tuple[list[_Column], dict[str, _Count]]:
    """Return the columns with the readings that their first rows leave open, and the counts over all rows."""
    asked = [column for column in columns if column.readings or column.name in source.unnamed]
    counts, rows = _counts(con, asked, f"(SELECT * FROM ({source.sql}) LIMIT {_FIRST_ROWS})")
    if rows < _FIRST_ROWS:  # these were all
        return columns, counts
    columns = [replace(column, readings=_left(column, counts.get(column.name))) for column in columns]
    asked = [column for column in columns if column.readings or column.name in source.unnamed]
    return columns, _counts(con, asked, f"({source.sql})")[0]


def _counts(con: duckdb.DuckDBPyConnection, columns: Sequence[_Column], relation: str) -> tuple[dict[str, _Count], int]:
    """Count in one pass how many values each column has and how many each reading fits; and the rows."""
    if not columns:
        return {}, 0
    asked = ["count(*)"]
    for column in columns:
        asked += [f"count({column.known})", f"count({column.text})"]
        asked += [f"count({reading.fits})" for reading in column.readings]
        named = [reading.fits for reading in column.readings if reading.named]
        asked.append(f"min({column.known}) FILTER (WHERE ({named[0]}) IS NULL)" if named else "NULL")
    values = iter(con.execute(f"SELECT {', '.join(asked)} FROM {relation}").fetchall()[0])
    rows = next(values)
    return {
        column.name: _Count(next(values), next(values), tuple(next(values) for _ in column.readings), next(values))
        for column in columns
    }, rows


def _left(column: _Column, count: _Count | None) -> tuple[_Reading, ...]:
    """Return the readings that these rows leave open."""
    if count is None:
        return column.readings
    pairs = zip(column.readings, count.fitting, strict=True)
    return tuple(reading for reading, fitting in pairs if reading.named or fitting == count.known)


def _chosen(column: _Column, count: _Count | None) -> str:
    if count and count.known:
        for reading, fitting in zip(column.readings, count.fitting, strict=True):
            if fitting == count.known and not (reading.marked and count.text == count.known):
                return reading.value
    return column.otherwise
