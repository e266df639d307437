"""The files of a table (or its dataframe) as one SELECT under our column names; nothing is read before it is run."""

from __future__ import annotations

import glob
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxml.config.load import expanded
from cxml.config.tables import FileConfig, TableConfig
from cxml.descriptive.raw_lines import Alike, delimiter_and_header, in_utf8, unreadable_lines
from cxml.descriptive.raw_rows import Notes
from cxml.errors import SourceError, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import literal, quoted
from cxml.schema.tables import Schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_CAME_IN: Final = "came_in"
_FILE_NAME: Final = "cxml_file_name"
_ENDING: Final = r"\.(csv|tsv|txt|parquet)(\.gz)?$"
_CSV: Final = {".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class Source:
    """Where the rows of a table come from: a SELECT under our names, the DuckDB type of each column, and its files.

    ``texts`` says that everything is text (CSV), ``unnamed`` which columns have no name in the header, ``columns``
    which are of the file itself (and not its name), ``differing`` which are text in some Parquet files and not in all.
    """

    where: str
    sql: str
    types: Mapping[str, str]
    alike: tuple[Alike, ...]
    columns: tuple[str, ...]
    unnamed: frozenset[str]
    texts: bool
    differing: frozenset[str] = frozenset()

    def create(self, con: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
        """Create a temporary table from a query over this source, or raise `SourceError`."""
        import duckdb

        try:
            con.execute(f"CREATE TEMP TABLE {quoted(table)} AS {query}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: Exception) -> SourceError:
        """Return the error that says which file and line cannot be read, and what to do."""
        if self.texts and (says := unreadable_lines(self.where, self.alike)):
            return SourceError(says)
        return SourceError(f"{self.where}: cannot be read: {str(error).splitlines()[0]}")


@contextmanager
def source_of(
    con: duckdb.DuckDBPyConnection,
    where: str,
    file: FileConfig,
    schema: Schema,
    notes: Notes,
    frame: pd.DataFrame | None = None,
) -> Iterator[Source]:
    """Give the source of a table while it lasts: files in another encoding are read from a copy that is then removed.

    Parameters
    ----------
    con : DuckDB connection
    where : the place in the config, for messages
    file : where the rows are, and how the columns are named
    schema : the table's, whose column names are found in the header in any case
    notes : where faults and warnings are gathered
    frame : the rows themselves, where they are handed over in Python

    Raises
    ------
    SourceError
        If there is nothing to read, or a header cannot be read.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="cxml_") as folder:
        try:
            if frame is not None:
                con.register(_CAME_IN, arrow_of(where, frame))
                alike = [_relation(con, _CAME_IN)]
            elif isinstance(file, TableConfig) and file.ids_of:
                alike = [_relation(con, _ids(file.ids_of))]
            else:
                alike = list(_files_alike(con, where, file, Path(folder), notes))
            source = _source(con, where, file, schema, alike, notes)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise SourceError(f"{where}: cannot be read: {str(error).splitlines()[0]}") from None
        try:
            yield source
        finally:
            con.unregister(_CAME_IN)


def arrow_of(where: str, frame: pd.DataFrame) -> Any:
    """Return a dataframe that was handed over as an Arrow table, or raise `SourceError`."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{where}: the dataframe cannot be read: {error.args[-1]}. Each column needs a name and a type of its own."
        ) from None


def _ids(tables: Sequence[str]) -> str:
    """Return the SQL of everybody who is in other tables."""
    ids = " UNION ALL ".join(f"SELECT {c.CUSTOMER_ID} FROM {name}" for name in tables)
    return f"(SELECT DISTINCT {c.CUSTOMER_ID} FROM ({ids}) ORDER BY 1)"


def _relation(con: duckdb.DuckDBPyConnection, reader: str) -> Alike:
    raw = tuple(name for name, *_ in con.execute(f"SELECT * FROM {reader} LIMIT 0").description or ())
    return Alike(reader, raw, _tidied(raw), raw)


def _files_alike(
    con: duckdb.DuckDBPyConnection, where: str, file: FileConfig, folder: Path, notes: Notes
) -> Iterator[Alike]:
    """Give the configured files, those with the same header together."""
    files = files_of(where, file)
    suffixes = {Path(path.removesuffix(".gz")).suffix.lower() for path in files}
    if suffixes == {".parquet"}:
        groups: dict[tuple[str, ...], list[str]] = {}
        for path in files:
            groups.setdefault(_relation(con, f"read_parquet({literal(path)})").raw, []).append(path)
        for raw, paths in groups.items():
            reader = f"read_parquet({_listing(paths)}, union_by_name = true, filename = {literal(_FILE_NAME)})"
            yield Alike(reader, raw, _tidied(raw), raw, {path: path for path in paths})
    elif suffixes <= _CSV:
        yield from _csv_alike(where, file, files, folder, notes)
    else:
        raise SourceError(
            f"{where}: {file.path} must be CSV or Parquet by its ending (.csv, .csv.gz, .tsv, .txt, .parquet)."
        )


def _csv_alike(where: str, file: FileConfig, files: Sequence[str], folder: Path, notes: Notes) -> Iterator[Alike]:
    groups: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for i, path in enumerate(files):
        read = in_utf8(where, path, file.encoding, folder / str(i)) if file.encoding else path
        delimiter, header = delimiter_and_header(where, read, path, file)
        groups.setdefault((delimiter, header), {})[read] = path
    for (delimiter, header), read_files in groups.items():
        names = _tidied(header)
        folded = [name.strip().casefold() for name in header]
        for i, name in enumerate(folded):
            if name and name in folded[:i]:
                path = next(iter(read_files.values()))
                notes.warnings.append(
                    f"{where}: the header of {path} has {header[i]!r} more than once; column {i + 1} is {names[i]!r}."
                )
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        reader = (  # nothing is left to guessing, which would skip lines or take another delimiter where one is broken
            f"read_csv({_listing(read_files)}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
            f"quote = '\"', escape = {literal(file.escape)}, nullstr = [''], columns = {{{columns}}}, "
            f"filename = {literal(_FILE_NAME)})"
        )
        yield Alike(reader, header, names, names, read_files, delimiter)


def files_of(where: str, file: FileConfig) -> list[str]:
    """Return the configured files, by name, or raise `SourceError` that says what they are and where to get them."""
    if file.path is None:
        raise SourceError(f"{where}: has no `path:` and no dataframe was handed over.")
    path = expanded(file.path)
    about = f" It is {file.about.rstrip('.')}." if file.about else ""
    published = f" It is published at {file.published_at}." if file.published_at else ""
    if unset := re.search(r"\$\{(\w+)\}", path):
        raise SourceError(
            f"{where}: {file.path} needs the environment variable {unset[1]}, which is not set."
            f"{about}{published} Set {unset[1]} to the folder that holds it."
        )
    if not (files := sorted(glob.glob(path))):
        raise SourceError(f"{where}: there is no file {path}.{about}{published} Put it there, or correct `path:`.")
    return files


def _listing(paths: Iterable[str]) -> str:
    return "[" + ", ".join(map(literal, paths)) + "]"


def _tidied(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a header without blanks around them, each with a name of its own in any case."""
    tidied: list[str] = []
    for i, name in enumerate(header):
        tidy, n = name.strip() or f"column_{i + 1}", 1
        used = {other.casefold() for other in tidied}
        while tidy.casefold() in used:
            n += 1
            tidy = f"{name.strip()}_{n}"
        tidied.append(tidy)
    return tuple(tidied)


def _source(
    con: duckdb.DuckDBPyConnection, where: str, file: FileConfig, schema: Schema, alike: Sequence[Alike], notes: Notes
) -> Source:
    spelled = {name.casefold(): name for name in (*schema.names, *file.columns)}
    selects, faults, unnamed, differing = [], [], set(), set()
    types_differ = _differing(con, alike)
    columns: dict[str, None] = {}
    found: set[str] = set()
    for group in alike:
        ours = _ours(file, group)
        found |= {our for our in ours.values() if our}
        selected: dict[str, str] = {}
        for name, column, raw in zip(group.names, group.columns, group.raw, strict=True):
            our = ours.get(name, spelled.setdefault(name.casefold(), name))
            if our is None:
                continue
            if our in selected:
                faults.append(
                    f"{where}.columns: {our!r} is a column already; give that one another name, such as "
                    f"`other_{our}: {name}`."
                )
            elif not raw.strip():
                unnamed.add(our)
            if raw in types_differ:
                differing.add(our)
            selected.setdefault(our, quoted(column))
        columns |= dict.fromkeys(selected)
        if file.file_name:
            if not group.files:
                faults.append(f"{where}.file_name: these rows come from no file. Leave it out.")
            elif file.file_name in selected:
                faults.append(f"{where}.file_name: {file.file_name!r} is a column already; give this another name.")
            else:
                ending = f"parse_filename({_FILE_NAME}), {literal(_ENDING)}, '', 'i'"
                selected[file.file_name] = f"regexp_replace({ending})"
        listed = ", ".join(f"{sql} AS {quoted(our)}" for our, sql in selected.items())
        selects.append(f"SELECT {listed} FROM {group.reader}")
    for our, names in file.columns.items():
        if our in found:
            continue
        misses = (near_miss(name, {name for group in alike for name in group.names}) for name in names)
        faults.append(
            f"{where}.columns: there is no column {' or '.join(map(repr, names))} (for {our})"
            f"{next(filter(None, misses), '.')}"
        )
    notes.faults += dict.fromkeys(faults)
    sql = " UNION ALL BY NAME ".join(selects)
    types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {sql}").fetchall()}
    texts = any(group.delimiter for group in alike)
    return Source(where, sql, types, tuple(alike), tuple(columns), frozenset(unnamed), texts, frozenset(differing))


def _differing(con: duckdb.DuckDBPyConnection, alike: Sequence[Alike]) -> set[str]:
    """Return the columns that are text in one Parquet file and something else in another, by their names there."""
    paths = [path for group in alike if group.delimiter is None for path in group.files]
    if len(paths) < 2:
        return set()
    found = con.execute(
        f"SELECT name FROM parquet_schema({_listing(paths)}) GROUP BY name "
        f"HAVING bool_or(type = 'BYTE_ARRAY') AND bool_or(type <> 'BYTE_ARRAY')"
    )
    return {name for (name,) in found.fetchall()}


def _ours(file: FileConfig, group: Alike) -> dict[str, str | None]:
    """Return tidied name -> our name of the columns that the config renames: of several, the first that is there.

    The others are None: they are not read.
    """
    ours: dict[str, str | None] = {}
    for our, names in file.columns.items():
        for i, position in enumerate(dict.fromkeys(place for name in names for place in _positions(name, group))):
            ours[group.names[position]] = None if i else our
    return ours


def _positions(name: str, group: Alike) -> list[int]:
    """Return which columns a name of the config means: the very one, else the one that differs in blanks or case."""
    if name in group.raw:
        return [group.raw.index(name)]
    folded = name.strip().casefold()
    return [i for i, tidy in enumerate(group.names) if tidy.casefold() == folded]
