"""Text columns of which many values look like numbers or times, but which pass for names: nobody would notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cxml.descriptive.raw_rows import Notes, first_row
from cxml.schema.check import NUMBERS_SHARE
from cxml.schema.sql import column_types, literal, number_in, quoted, zoned_time, zoneless_time

if TYPE_CHECKING:
    import duckdb

# From this share on, values that look like a number or a time are no accident among names.
_SHARE: Final = 0.2
# So many rows, taken all over a table, tell which columns are worth a look at every row; 200 of them tell 10 from 20%.
_SAMPLE: Final = 20_000
_ENOUGH: Final = 200
# In either notation, with a percent sign or without. Codes such as 2x, 18_24 or 12E5 do not look so.
_NUMBER: Final = r"\s*[+-]?((\d+|\d{1,3}([.,]\d{3})+)([.,]\d*)?|[.,]\d+)([eE][+-]\d+)?\s*%?\s*"
_CODE: Final = r"\s*0\d+\s*"
_TIME: Final = r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\s*"


def tell_doubtful(
    con: duckdb.DuckDBPyConnection, raw: str, name: str, decimals: Mapping[str, str], notes: Notes
) -> None:
    """Warn of the text columns of a raw table of which many values look like numbers, or like times.

    ``decimals`` says of each column in question what stands before the decimals in its file.
    """
    asked = [our for our, duckdb_type in column_types(con, raw).items() if our in decimals and duckdb_type == "VARCHAR"]
    for our in _worth_a_look(con, raw, asked):
        if warning := _of_numbers(con, raw, our, decimals[our]) or _of_times(con, raw, our):
            notes.warnings.append(f"{name}.{our}: {warning}")


def _worth_a_look(con: duckdb.DuckDBPyConnection, raw: str, columns: list[str]) -> list[str]:
    """Return the columns that may be doubtful, from a sample of a long table: half the share will do in that."""
    if not columns:
        return []
    step = max(1, con.execute(f"SELECT count(*) FROM {raw}").fetchall()[0][0] // _SAMPLE)
    counts = ", ".join(
        f"count({quoted(our)}), count_if({_matches(our, _NUMBER)}), count_if({_matches(our, _TIME)})" for our in columns
    )
    found = iter(con.execute(f"SELECT {counts} FROM {raw} WHERE hash(rowid) % {step} = 0").fetchall()[0])
    share, enough = (_SHARE, 1) if step == 1 else (_SHARE / 2, _ENOUGH)
    return [
        our for our, known, number, time in zip(columns, found, found, found, strict=True)
        if known < enough or max(number, time) >= share * known
    ]  # fmt: skip


def _of_numbers(con: duckdb.DuckDBPyConnection, raw: str, our: str, decimal: str) -> str | None:
    value, like = quoted(our), _matches(our, _NUMBER)
    known, alike, numbers, codes, otherwise, percents = con.execute(
        f"SELECT count({value}), count_if({like}), count({number_in(value)}), count_if({_matches(our, _CODE)}), "
        f"count_if({like} AND {number_in(value)} IS NULL AND NOT contains({value}, '%')), "
        f"count_if({like} AND contains({value}, '%')) FROM {raw}"
    ).fetchall()[0]
    if not known or alike < _SHARE * known or codes:
        return None
    odd = f"{number_in(value)} IS NULL"
    if numbers == known:  # of texts that are no CSV: codes. But a decimal comma makes them numbers if none has a point
        if decimal == ".":
            return None
        odd = f"contains({value}, '.')"
    elif numbers >= NUMBERS_SHARE * known:  # which the check says
        return None
    remedies = ['say `decimal: ","` if a comma stands before the decimals'] * (otherwise > 0 and decimal == ".")
    remedies += ['write a comma before the decimals, as `decimal: ","` says'] * (decimal == ",")
    remedies += ["write percentages without the sign"] * (percents > 0)
    remedies += ["list what stands for a missing value in `missing:`"] * (alike < known)
    return _warning(con, raw, our, f"{alike:,} of {known:,} values look like numbers", odd, remedies)


def _of_times(con: duckdb.DuckDBPyConnection, raw: str, our: str) -> str | None:
    value = quoted(our)
    known, alike, zoned, zoneless = con.execute(
        f"SELECT count({value}), count_if({_matches(our, _TIME)}), count({zoned_time(value)}), "
        f"count({zoneless_time(value)}) FROM {raw}"
    ).fetchall()[0]
    if not known or alike < _SHARE * known:
        return None
    most, reads, how = max(
        (zoned, zoned_time(value), "with a zone"), (zoneless, zoneless_time(value), "without a zone")
    )
    says = f"{alike:,} of {known:,} values look like times, of which {most:,} are in ISO 8601 {how}"
    remedies = ["write all of them so", "say how they are written with `time_format:`"]
    remedies += ["list what stands for a missing value in `missing:`"] * (alike < known)
    return _warning(con, raw, our, says, f"({reads}) IS NULL", remedies)


def _warning(
    con: duckdb.DuckDBPyConnection, raw: str, our: str, says: str, odd: str, remedies: list[str]
) -> str | None:
    """Return the warning with the first odd value; None where that was left out with its row."""
    *_, first = first_row(con, raw, f"{quoted(our)} IS NOT NULL AND {odd}")
    if first is None:
        return None
    text = con.execute(f"SELECT {quoted(our)} FROM {raw} WHERE rowid = {first}").fetchall()[0][0]
    done = ", ".join([*remedies, f"or list the column in `categories: [{our}]` if these are names"])
    return f"is read as names, though {says} (first that is not: row {first}, {text!r}). {done[0].upper()}{done[1:]}."


def _matches(our: str, pattern: str) -> str:
    return f"regexp_full_match({quoted(our)}, {literal(pattern)})"
