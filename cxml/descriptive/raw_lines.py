"""The lines of a CSV file: its encoding, its header, and which lines cannot be read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from cxml.config.tables import FileConfig
from cxml.errors import SourceError

if TYPE_CHECKING:
    import duckdb

_CHUNK: Final = 1 << 20
_DELIMITERS: Final = (",", ";", "\t", "|")
_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN: Final = 120
_UNREADABLE: Final = (OSError, EOFError, zlib.error)


@dataclass(frozen=True)
class Alike:
    """Files with the same header: ``reader`` is the DuckDB table function that reads them, or another relation.

    ``raw`` are the names in the header, ``names`` the same tidied, ``columns`` what the reader calls them. ``files``
    gives for each file that is read the one that the config means; ``delimiter`` is that of CSV files.
    """

    reader: str
    raw: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None


class _BadByteError(Exception):
    def __init__(self, line: int, byte: int) -> None:
        super().__init__(line, byte)
        self.line, self.byte = line, byte


def in_utf8(where: str, path: str, encoding: str, folder: Path) -> str:
    """Return the path of a file as UTF-8: the file itself, or a copy of the same name in ``folder``."""
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        return path
    folder.mkdir()
    copy = folder / Path(path.removesuffix(".gz")).name
    try:
        with copy.open("wb") as file:
            for text in _decoded(path, encoding):
                file.write(text.encode())
    except _BadByteError as bad:
        raise SourceError(
            f"{where}: {path} is not {encoding}: line {bad.line:,} has the byte 0x{bad.byte:02x}. "
            f"Say another `encoding:` (latin-1 takes every byte), or correct the file."
        ) from None
    except _UNREADABLE as error:
        raise _damaged(where, path, error) from None
    return str(copy)


def delimiter_and_header(where: str, read: str, path: str, file: FileConfig) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter of a UTF-8 file, by default the one that splits its header into most names, and the names.

    ``read`` is the file that is read, ``path`` the one that messages name.
    """
    delimiters = [file.delimiter] if file.delimiter else list(_DELIMITERS)
    try:
        headers = {delimiter: _first_record(read, delimiter, file.escape) for delimiter in delimiters}
    except UnicodeDecodeError:
        raise SourceError(_not_utf8(where, read) or f"{where}: {path} is not UTF-8.") from None
    except csv.Error as error:
        raise SourceError(f"{where}: the header of {path} cannot be read: {error}.") from None
    except _UNREADABLE as error:
        raise _damaged(where, path, error) from None
    delimiter = max(headers, key=lambda each: len(headers[each]))
    if not any(name.strip() for name in headers[delimiter]):
        raise SourceError(f"{where}: {path} must start with a header line; its first line is empty.")
    return delimiter, headers[delimiter]


def unreadable_lines(where: str, alike: Sequence[Alike]) -> str | None:
    """Return what is wrong with the lines of CSV files that cannot be read, or None where nothing was found."""
    for group in alike:
        for read, path in group.files.items():
            try:
                if read == path and (says := _not_utf8(where, path)):
                    return says
            except _UNREADABLE as error:
                return str(_damaged(where, path, error))
    return _broken(where, alike) or _mixed_endings(where, alike)


def _first_record(path: str, delimiter: str, escape: str) -> tuple[str, ...]:
    if len(delimiter) > 1:  # which the csv module does not know
        with _opened(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline=None) as text:
            return tuple(name.strip('"') for name in text.readline().rstrip("\n").split(delimiter))
    twice = escape == '"'
    with _opened(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        return tuple(
            next(csv.reader(text, delimiter=delimiter, doublequote=twice, escapechar=None if twice else escape), ())
        )


def _opened(path: str) -> IO[bytes]:
    return gzip.open(path) if path.endswith(".gz") else Path(path).open("rb")  # type: ignore[return-value]


def _damaged(where: str, path: str, error: Exception) -> SourceError:
    return SourceError(f"{where}: {path} cannot be read ({getattr(error, 'strerror', None) or error}).")


def _decoded(path: str, encoding: str) -> Iterator[str]:
    """Give the text of a file, a piece at a time."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with _opened(path) as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, errors="replace")
                raise _BadByteError(line + before.count("\n"), error.object[error.start]) from None
            line += text.count("\n")
            yield text
            if not chunk:
                return


def _not_utf8(where: str, path: str) -> str | None:
    """Return the message that a file is not UTF-8, or None where it is."""
    try:
        for _ in _decoded(path, "utf-8"):
            pass
    except _BadByteError as bad:
        with _opened(path) as file:
            likely = "utf-16" if file.read(2) in _BOMS else "latin-1"
        return (
            f"{where}: {path} is not UTF-8: line {bad.line:,} has the byte 0x{bad.byte:02x}. "
            f"Say what it is, such as `encoding: {likely}`."
        )
    return None


def _broken(where: str, alike: Sequence[Alike]) -> str | None:
    """Return which lines do not fit the header, counted over all files."""
    import duckdb

    faults = []
    for group in alike:
        with duckdb.connect() as con:
            try:
                lines = _rejected(con, group)
            except duckdb.Error:
                continue
        faults += [(group.files.get(path, path), line, kind, text, group) for path, line, kind, text in lines]
    if not faults:
        return None
    path, line, kind, text, group = faults[0]
    n_files = len({fault[0] for fault in faults})
    lines_are = "1 line is" if len(faults) == 1 else f"{len(faults):,} lines are"
    counted = f"{lines_are} broken" + (f", in {n_files:,} files" if n_files > 1 else "")
    if kind in ("TOO MANY COLUMNS", "MISSING COLUMNS"):
        n = len(next(csv.reader([text], delimiter=group.delimiter or ","), []))
        says = f"must have {len(group.names)} fields, as the header has; it has {n}"
        remedy = (
            f"Put a text that holds {group.delimiter!r} in quotes, say another `delimiter:`, or correct these lines."
        )
    elif kind == "UNQUOTED VALUE":
        says = "has a quote that is not closed, or text after a closed one"
        remedy = (
            "Write a quote inside a quoted text twice, say `escape: '\\'` where a backslash stands before it, "
            "or correct these lines."
        )
    else:
        says, remedy = f"cannot be read ({kind.lower()})", "Correct these lines."
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f"{where}: {path}, line {line:,} {says}: {shown!r}; {counted}. {remedy} None was left out."


def _rejected(con: duckdb.DuckDBPyConnection, group: Alike) -> list[tuple[str, int, str, str]]:
    reader = f"{group.reader[:-1]}, store_rejects = true, rejects_limit = 0)"
    con.execute(f"SELECT count(*) FROM {reader}").fetchall()
    return con.execute(
        "SELECT file_path, line, arg_min(CAST(error_type AS VARCHAR), column_idx), any_value(csv_line) "
        "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL ORDER BY 1, 2"
    ).fetchall()


def _mixed_endings(where: str, alike: Sequence[Alike]) -> str | None:
    for group in alike:
        for read, path in group.files.items():
            with _opened(read) as file:
                content = file.read(_CHUNK)
            if 0 < content.count(b"\r\n") < content.count(b"\n"):
                return (
                    f"{where}: {path} ends some lines with CR LF and others with LF. Write all in one of the two ways."
                )
    return None
