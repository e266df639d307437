"""The ledger as a folder of Parquet files: one file for each time that something new was recorded, never changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.errors import SinkError
from cxml.schema import columns as c
from cxml.schema.sql import column_types, literal
from cxml.sinks import ledger_rows as rows
from cxml.sinks.ledger import Ledger, Recorded

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_DECISIONS: Final[rows.Table] = "decisions"
_OUTCOMES: Final[rows.Table] = "outcomes"


class FilesLedger(Ledger):
    """A ledger in a folder.

    ``decisions`` and ``outcomes`` in it hold files with ascending numbers. A file gets its number in one step, when it
    is whole, and only if nobody else has it: then the work is done anew over what the other one wrote. So nothing is
    half-written, whatever is killed, and nothing is lost, however many write at once.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"FilesLedger({str(self.folder)!r})"

    def record(self, recommendations: pd.DataFrame) -> Recorded:
        """Record decisions; `Ledger.record`."""
        incoming = rows.typed_decisions(recommendations)
        while True:
            with self._opened() as (con, last):
                con.register("incoming", incoming)
                con.execute(f"CREATE TEMP TABLE flagged AS {rows.flagged_sql(_DECISIONS, _OUTCOMES, among='incoming')}")
                con.execute(f"CREATE TEMP TABLE fresh AS {rows.fresh_sql('flagged', 'incoming')}")
                n_written, *counts = con.execute(rows.counts_sql("flagged", "fresh")).fetchall()[0]
                fresh = con.sql(f"SELECT * FROM fresh ORDER BY {c.CUSTOMER_ID}, {c.DECISION_ID}").to_arrow_table()
            if not n_written or self._written(fresh, _DECISIONS, last[_DECISIONS] + 1):
                return Recorded(len(incoming), *counts)

    def record_outcomes(self, outcomes: pd.DataFrame) -> int:
        """Record what came of decisions; `Ledger.record_outcomes`."""
        if outcomes.empty:
            return 0
        incoming = rows.typed_outcomes(outcomes)
        while True:
            with self._opened() as (con, last):
                con.register("incoming", incoming)
                judged = con.sql(rows.judged_sql(_DECISIONS, _OUTCOMES, "incoming")).to_arrow_table()
                places = rows.places_of_new(judged)
            if not places:
                return 0
            fresh = incoming.take(places).select(list(rows.KEPT_OF_OUTCOMES))
            if self._written(fresh, _OUTCOMES, last[_OUTCOMES] + 1):
                return len(places)

    def _read(self, what: rows.Table) -> pd.DataFrame:
        with self._opened() as (con, _):
            query = rows.read_sql(what, _DECISIONS, _OUTCOMES, column_types(con, _DECISIONS))
            frame: pd.DataFrame = con.sql(query).to_arrow_table().to_pandas()
        return frame

    @contextmanager
    def _opened(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[rows.Table, int]]]:
        """Give a database with the tables ``decisions`` and ``outcomes``, and the number of the last file of each."""
        import duckdb

        # Outcomes first: the decision of each was recorded before it.
        found: dict[rows.Table, list[Path]] = {name: self._files(name) for name in (_OUTCOMES, _DECISIONS)}
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            try:
                for name, files in found.items():
                    con.execute(f"CREATE TEMP VIEW {name} AS {_reader(name, files) if files else rows.empty_sql(name)}")
                yield con, {name: _number(files[-1]) if files else 0 for name, files in found.items()}
            except duckdb.Error as error:
                raise self._unreadable([path for files in found.values() for path in files], error) from None

    def _files(self, table: str) -> list[Path]:
        folder = self.folder / table
        try:
            if not self.folder.exists() or (self.folder.is_dir() and not folder.exists()):
                return []
            found = [path for path in folder.iterdir() if path.suffix == ".parquet" and path.stem.isdecimal()]
        except OSError as error:
            raise SinkError(
                f"ledger: {folder} cannot be read ({error.strerror}). Name a folder in `ledger:` that can be."
            ) from None
        return sorted(found, key=_number)

    def _written(self, table: pa.Table, name: str, number: int) -> bool:
        """Write a table as the file of a number, if nobody has it yet, and return whether nobody had."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder, written = self.folder / name, None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
            written = Path(temporary)
            with os.fdopen(handle, "wb") as file:
                pq.write_table(table, file, coerce_timestamps="us")
                file.flush()
                os.fsync(file.fileno())
            written.chmod(0o644)
            os.link(written, folder / f"{number:09d}.parquet")  # unlike a rename, it replaces nothing
        except FileExistsError:
            return False
        except (OSError, pa.ArrowException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise SinkError(
                f"ledger: {folder} cannot be written ({reason}). Name a folder in `ledger:` that can be."
            ) from None
        finally:
            if written is not None:
                written.unlink(missing_ok=True)
        return True

    def _unreadable(self, files: list[Path], error: Exception) -> SinkError:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in files:
            try:
                pq.read_table(path)
            except (pa.ArrowException, OSError):
                return SinkError(
                    f"ledger: {path} is not a whole Parquet file. Put it back from a copy; without it, what it holds "
                    f"would be forgotten."
                )
        return SinkError(f"ledger: {self.folder} cannot be read: {str(error).splitlines()[0]}")


def _number(path: Path) -> int:
    return int(path.stem)


def _reader(name: str, files: list[Path]) -> str:
    listing = ", ".join(literal(str(path)) for path in files)
    source = f"read_parquet([{listing}], union_by_name = true, filename = 'cxml_file')"
    if name == _OUTCOMES:
        return f"SELECT {', '.join(rows.KEPT_OF_OUTCOMES)} FROM {source}"
    batch = "CAST(parse_filename(cxml_file, true) AS BIGINT)"
    latest = f"row_number() OVER (PARTITION BY {c.DECISION_ID}, {c.CUSTOMER_ID}, {c.AS_OF} ORDER BY {batch} DESC)"
    return f"SELECT * EXCLUDE (cxml_file), {batch} AS {c.BATCH} FROM {source} QUALIFY {latest} = 1"
