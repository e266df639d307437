"""The ledger as two tables of a PostgreSQL database: each recording is one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cxml.errors import SinkError
from cxml.schema import columns as c
from cxml.schema.frames import DECISIONS
from cxml.schema.sql import quoted
from cxml.schema.tables import Kind
from cxml.sinks import ledger_rows as rows
from cxml.sinks.ledger import Ledger, Recorded
from cxml.sinks.postgresql import fetched, transaction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FORMAT: Final = 1
# Any number will do, as long as it is always the same: whoever makes the tables holds the lock of that number.
_LOCK: Final = 7_062_023
_INCOMING, _FLAGGED, _FRESH = (f"pg_temp.cxml_{name}" for name in ("incoming", "flagged", "fresh"))
_TYPES: Final[Mapping[Kind, str]] = {
    "time": "TIMESTAMPTZ", "number": "DOUBLE PRECISION", "flag": "BOOLEAN", "category": "TEXT"
}  # fmt: skip


class PostgresqlLedger(Ledger):
    """A ledger in a schema of a database; its tables are made when something is recorded for the first time.

    ``format`` holds the version of the tables and the number of the last batch, which is what writers wait for in turn.
    """

    def __init__(self, url: str, database_schema: str = "cxml") -> None:
        self._url = url
        self.database_schema = database_schema

    def __repr__(self) -> str:
        return f"PostgresqlLedger(database_schema={self.database_schema!r})"

    def record(self, recommendations: pd.DataFrame) -> Recorded:
        """Record decisions; `Ledger.record`."""
        incoming = rows.typed_decisions(recommendations)
        with transaction(self._url) as cursor:
            batch = self._begun(cursor)
            self._add_columns(cursor, incoming.schema)
            _stage(cursor, incoming)
            flagged = rows.flagged_sql(self._decisions, self._outcomes, among=_INCOMING)
            cursor.execute(f"CREATE TEMP TABLE cxml_flagged ON COMMIT DROP AS {flagged}")
            cursor.execute(f"CREATE TEMP TABLE cxml_fresh ON COMMIT DROP AS {rows.fresh_sql(_FLAGGED, _INCOMING)}")
            n_written, *counts = fetched(cursor, rows.counts_sql(_FLAGGED, _FRESH)).to_pylist()[0].values()
            if n_written:
                columns = ", ".join(map(quoted, incoming.column_names))
                cursor.execute(
                    f"INSERT INTO {self._decisions} ({columns}, {c.BATCH}) SELECT {columns}, {batch} FROM {_FRESH} "
                    f"ON CONFLICT ({c.DECISION_ID}) DO UPDATE SET {c.BATCH} = excluded.{c.BATCH}"
                )
        return Recorded(len(incoming), *counts)

    def record_outcomes(self, outcomes: pd.DataFrame) -> int:
        """Record what came of decisions; `Ledger.record_outcomes`."""
        if outcomes.empty:
            return 0
        incoming = rows.typed_outcomes(outcomes)
        with transaction(self._url) as cursor:
            self._begun(cursor)
            _stage(cursor, incoming)
            judged = fetched(cursor, rows.judged_sql(self._decisions, self._outcomes, _INCOMING))
            places = rows.places_of_new(judged)
            columns = ", ".join(rows.KEPT_OF_OUTCOMES)
            cursor.execute(
                f"INSERT INTO {self._outcomes} ({columns}) SELECT {columns} FROM {_INCOMING} ORDER BY {rows.PLACE} "
                f"ON CONFLICT DO NOTHING"
            )
        return len(places)

    def _read(self, what: rows.Table) -> pd.DataFrame:
        with transaction(self._url) as cursor:
            if not self._is_there(cursor):
                return rows.nothing(what)
            query = rows.read_sql(what, self._decisions, self._outcomes, self._known(cursor))
            frame: pd.DataFrame = fetched(cursor, query).to_pandas()
            return frame

    @property
    def _decisions(self) -> str:
        return self._named("decisions")

    @property
    def _outcomes(self) -> str:
        return self._named("outcomes")

    @property
    def _format(self) -> str:
        return self._named("format")

    def _named(self, table: str) -> str:
        return f"{quoted(self.database_schema)}.{table}"

    def _is_there(self, cursor: Any) -> bool:
        """Return whether the tables were made, or raise `SinkError` if by a later version of them."""
        made = (  # asked of the catalogue itself: what its cache says may be of before a lock was given
            "SELECT 1 FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace s ON s.oid = t.relnamespace "
            "WHERE s.nspname = $1 AND t.relname = 'format'"
        )
        if not fetched(cursor, made, self.database_schema).num_rows:
            return False
        version = fetched(cursor, f"SELECT version FROM {self._format}").to_pylist()[0]["version"]
        if version != _FORMAT:
            raise SinkError(
                f"ledger: the tables in the schema {self.database_schema!r} are of version {version}; this cxml reads "
                f"version {_FORMAT}. Use the cxml that wrote them, or another `database_schema:`."
            )
        return True

    def _begun(self, cursor: Any) -> int:
        """Return the number of a new batch, with the tables made if need be; other writers wait until it is done."""
        if not self._is_there(cursor):
            cursor.execute(f"DO $$ BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); END $$")
            if not self._is_there(cursor):  # nobody else made them in the meantime
                self._make(cursor)
        advanced = f"UPDATE {self._format} SET {c.BATCH} = {c.BATCH} + 1 RETURNING {c.BATCH}"
        batch: int = fetched(cursor, advanced).to_pylist()[0][c.BATCH]
        return batch

    def _make(self, cursor: Any) -> None:
        needed = (c.DECISION_ID, c.CUSTOMER_ID, c.AS_OF)
        columns = [
            f"{quoted(column.name)} {_TYPES.get(column.kind, 'TEXT')}{' NOT NULL' if column.name in needed else ''}"
            for column in DECISIONS.columns
        ]
        key = ", ".join(rows.OUTCOME_KEY)
        for statement in (
            f"CREATE SCHEMA IF NOT EXISTS {quoted(self.database_schema)}",
            f"CREATE TABLE {self._decisions} "
            f"({', '.join(columns)}, {c.BATCH} BIGINT NOT NULL, PRIMARY KEY ({c.DECISION_ID}))",
            f"CREATE INDEX ON {self._decisions} ({c.AS_OF})",
            f"CREATE TABLE {self._outcomes} ({c.DECISION_ID} TEXT REFERENCES {self._decisions}, {c.OUTCOME} TEXT, "
            f"{c.OUTCOME_TIME} TIMESTAMPTZ, {c.VALUE} DOUBLE PRECISION, {c.KNOWN_TIME} TIMESTAMPTZ, "
            f"PRIMARY KEY ({key}))",
            f"CREATE TABLE {self._format} (version INTEGER NOT NULL, {c.BATCH} BIGINT NOT NULL)",
            f"INSERT INTO {self._format} VALUES ({_FORMAT}, 0)",
        ):
            cursor.execute(statement)

    def _known(self, cursor: Any) -> list[str]:
        """Return the columns of decisions."""
        names: list[str] = fetched(cursor, f"SELECT * FROM {self._decisions} LIMIT 0").column_names
        return names

    def _add_columns(self, cursor: Any, schema: pa.Schema) -> None:
        """Add the columns of decisions that no earlier ones had."""
        known = self._known(cursor)
        for field in schema:
            if field.name not in known:
                kind = _TYPES[_kind_of(field.type)]
                cursor.execute(f"ALTER TABLE {self._decisions} ADD COLUMN {quoted(field.name)} {kind}")


def _kind_of(arrow_type: pa.DataType) -> Kind:
    import pyarrow as pa

    if pa.types.is_timestamp(arrow_type):
        return "time"
    if pa.types.is_boolean(arrow_type):
        return "flag"
    return "number" if pa.types.is_floating(arrow_type) else "category"


def _stage(cursor: Any, incoming: pa.Table) -> None:
    """Put rows into a table of this transaction alone."""
    cursor.adbc_ingest("cxml_incoming", incoming, mode="create", temporary=True)
    cursor.execute("ANALYZE pg_temp.cxml_incoming")
