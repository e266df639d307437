"""The rows of the ledger: typed alike whoever hands them over, and the one SQL that says which decisions are current.

The queries run as they are in DuckDB, over files, and in PostgreSQL. ``decisions`` stands for the relation of what was
recorded, one row per ``decision_id``, with the ``batch`` that it was recorded in last; ``outcomes`` for that of
outcomes; ``incoming`` for rows that are to be recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from cxml.errors import SchemaError, broken_by, listed
from cxml.schema import columns as c
from cxml.schema.check import Reading, check_table
from cxml.schema.frames import DECISION_OUTCOMES, DECISIONS
from cxml.schema.sql import column_types, quoted, typed
from cxml.schema.tables import ACTIONS, OUTCOMES, Kind, Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Table = Literal["actions", "outcomes", "decisions"]
PLACE: Final = "place"
"""Column of the place of an incoming row in its frame."""
KEPT_OF_OUTCOMES: Final = (c.DECISION_ID, c.OUTCOME, c.OUTCOME_TIME, c.VALUE, c.KNOWN_TIME)
OUTCOME_KEY: Final = (c.DECISION_ID, c.OUTCOME_TIME, c.OUTCOME)
_READING: Final = Reading(zone="UTC", raw=False)
_TYPES: Final[Mapping[Kind, str]] = {"time": "TIMESTAMPTZ", "number": "DOUBLE", "flag": "BOOLEAN"}
_OF_ACTIONS: Final = tuple(name for name in ACTIONS.names if name not in (c.CONFIDENCE, c.KNOWN_TIME))
_OF_OUTCOMES: Final = tuple(name for name in OUTCOMES.names if name != c.CONFIDENCE)
_SAME_MOMENT: Final = f"PARTITION BY d.{c.CUSTOMER_ID}, d.{c.AS_OF}"


def typed_decisions(recommendations: pd.DataFrame) -> pa.Table:
    """Return recommendations as an Arrow table that every ledger stores, with whatever columns they have.

    Its columns are texts, DOUBLE, BOOLEAN, and times in microseconds of UTC.

    Raises
    ------
    SchemaError
        If the frame is none of recommendations; the message lists every fault found.
    """
    return _typed(recommendations, DECISIONS)


def typed_outcomes(outcomes: pd.DataFrame) -> pa.Table:
    """Return outcomes as an Arrow table that every ledger stores, with every column that is kept and their place.

    Raises
    ------
    SchemaError
        If the frame is none of outcomes; the message lists every fault found.
    """
    return _typed(outcomes, DECISION_OUTCOMES, missing=(c.VALUE, c.KNOWN_TIME), more=f", rowid AS {PLACE}")


def _typed(frame: pd.DataFrame, schema: Schema, *, missing: Sequence[str] = (), more: str = "") -> pa.Table:
    import duckdb
    import pyarrow as pa

    try:
        came_in = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise SchemaError(f"{schema.name}: cannot be read: {error.args[-1]}. Give each column one type.") from None
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("came_in", came_in)
        con.execute("CREATE TEMP TABLE frame AS SELECT * FROM came_in")
        if faults := check_table(con, "frame", schema, _READING).faults:
            raise SchemaError(listed(faults))
        columns = {name: _sql(name, kind, schema) for name, kind in column_types(con, "frame").items()}
        for name in missing:
            columns.setdefault(name, f"CAST(NULL AS {_TYPES[schema.names[name].kind]})")
        selected = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())
        return con.sql(f"SELECT {selected}{more} FROM frame ORDER BY rowid").to_arrow_table()


def _sql(name: str, duckdb_type: str, schema: Schema) -> str:
    kind = _READING.kind(name, duckdb_type, schema)
    value = typed(name, duckdb_type, kind, "UTC")
    return f"timezone('UTC', {value})" if kind == "time" else value


def flagged_sql(decisions: str, outcomes: str, *, among: str | None = None) -> str:
    """Return the query of all decisions with the flags ``carried_out``, ``latest`` (batch of its moment), ``current``.

    ``among`` is a relation: only decisions of its moments are looked at.
    """
    done = f"o.{c.DECISION_ID} IS NOT NULL"
    moments = f" WHERE d.{c.AS_OF} IN (SELECT {c.AS_OF} FROM {among})" if among else ""
    return (
        f"SELECT d.*, {done} AS carried_out, d.{c.BATCH} = max(d.{c.BATCH}) OVER ({_SAME_MOMENT}) AS latest, "
        f"CASE WHEN bool_or({done}) OVER ({_SAME_MOMENT}) THEN {done} "
        f"ELSE d.{c.BATCH} = max(d.{c.BATCH}) OVER ({_SAME_MOMENT}) END AS {quoted(c.CURRENT)} "
        f"FROM {decisions} d LEFT JOIN (SELECT DISTINCT {c.DECISION_ID} FROM {outcomes}) o "
        f"ON o.{c.DECISION_ID} = d.{c.DECISION_ID}{moments}"
    )


def fresh_sql(flagged: str, incoming: str) -> str:
    """Return the query of the incoming decisions that are to be written: of whom not all are in the latest batch."""
    missing = (
        f"SELECT DISTINCT j.{c.CUSTOMER_ID}, j.{c.AS_OF} FROM {incoming} j WHERE NOT EXISTS "
        f"(SELECT 1 FROM {flagged} l WHERE l.latest AND l.{c.DECISION_ID} = j.{c.DECISION_ID})"
    )
    return f"SELECT i.* FROM {incoming} i JOIN ({missing}) m ON {_same('m', 'i')}"


def counts_sql(flagged: str, fresh: str) -> str:
    """Return the query of how many of the decisions to be written are new, replace others, or stand aside."""
    decision = f"y.{c.DECISION_ID} = x.{c.DECISION_ID}"
    return (
        f"SELECT (SELECT count(*) FROM {fresh}) AS n_written, "
        f"(SELECT count(*) FROM {fresh} x WHERE NOT EXISTS (SELECT 1 FROM {flagged} y WHERE {decision})) AS n_new, "
        f"(SELECT count(*) FROM {flagged} x WHERE x.{quoted(c.CURRENT)} AND NOT x.carried_out "
        f"AND EXISTS (SELECT 1 FROM {fresh} y WHERE {_same('x', 'y')}) "
        f"AND NOT EXISTS (SELECT 1 FROM {fresh} y WHERE {decision})) AS n_replaced, "
        f"(SELECT count(*) FROM {fresh} x WHERE EXISTS "
        f"(SELECT 1 FROM {flagged} y WHERE y.carried_out AND {_same('x', 'y')}) "
        f"AND NOT EXISTS (SELECT 1 FROM {flagged} y WHERE y.carried_out AND {decision})) AS n_aside"
    )


def _same(a: str, b: str) -> str:
    """Return the SQL that two decisions are of the same customer and moment."""
    return f"{a}.{c.CUSTOMER_ID} = {b}.{c.CUSTOMER_ID} AND {a}.{c.AS_OF} = {b}.{c.AS_OF}"


def read_sql(what: Table, decisions: str, outcomes: str, known: Collection[str]) -> str:
    """Return the query of everything that the ledger gives back under a name; ``known`` are the columns of decisions.

    ``actions`` are the current decisions, at ``contact_time`` where there is one; ``decisions`` are all of them.
    """
    if what == "outcomes":
        of_decision = (c.CUSTOMER_ID, c.ACTION, c.CHANNEL)
        columns = [f"{'d' if name in of_decision else 'o'}.{name}" for name in _OF_OUTCOMES]
        return (
            f"SELECT {', '.join(columns)} FROM {outcomes} o JOIN {decisions} d "
            f"ON d.{c.DECISION_ID} = o.{c.DECISION_ID} "
            f"ORDER BY o.{c.OUTCOME_TIME}, d.{c.CUSTOMER_ID}, o.{c.DECISION_ID}, o.{c.OUTCOME}"
        )
    flagged = flagged_sql(decisions, outcomes)
    if what == "decisions":
        columns = [quoted(name) for name in (*known, c.CURRENT) if name != c.BATCH]
        order = f"{c.AS_OF}, {c.BATCH}, {c.CUSTOMER_ID}, {c.DECISION_ID}"
        return f"SELECT {', '.join(columns)} FROM ({flagged}) f ORDER BY {order}"
    time = f"coalesce({c.CONTACT_TIME}, {c.AS_OF})" if c.CONTACT_TIME in known else c.AS_OF
    columns = [f"{time} AS {c.ACTION_TIME}" if name == c.ACTION_TIME else name for name in _OF_ACTIONS]
    return (
        f"SELECT {', '.join(columns)} FROM ({flagged}) f WHERE {quoted(c.CURRENT)} "
        f"ORDER BY {c.ACTION_TIME}, {c.CUSTOMER_ID}, {c.DECISION_ID}"
    )


def empty_sql(table: Table) -> str:
    """Return the DuckDB query of the decisions, or the outcomes, of a ledger that has none yet."""
    schema = DECISION_OUTCOMES if table == "outcomes" else DECISIONS
    types = {column.name: _TYPES.get(column.kind, "VARCHAR") for column in schema.columns}
    types |= {} if table == "outcomes" else {c.BATCH: "BIGINT"}
    return f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {quoted(name)}' for name, kind in types.items())} LIMIT 0"


def nothing(what: Table) -> pd.DataFrame:
    """Return what a ledger gives that has no rows yet."""
    import duckdb

    with duckdb.connect() as con:
        decisions, outcomes = f"({empty_sql('decisions')})", f"({empty_sql('outcomes')})"
        con.execute("SET TimeZone = 'UTC'")
        frame: pd.DataFrame = con.sql(read_sql(what, decisions, outcomes, DECISIONS.names)).to_arrow_table().to_pandas()
    return frame


def judged_sql(decisions: str, outcomes: str, incoming: str) -> str:
    """Return the query of what is wrong with each incoming outcome, and whether it is there already."""
    same = " AND ".join(f"o.{name} = i.{name}" for name in OUTCOME_KEY)
    alike = f"OVER (PARTITION BY {', '.join(f'i.{name}' for name in OUTCOME_KEY)} ORDER BY i.{PLACE})"
    there = f"o.{c.DECISION_ID} IS NOT NULL"
    first = f"CASE WHEN {there} THEN o.{c.VALUE} ELSE first_value(i.{c.VALUE}) {alike} END"
    return (
        f"SELECT i.{PLACE}, i.{c.DECISION_ID}, d.{c.DECISION_ID} IS NULL AS is_unknown, "
        f"coalesce(i.{c.OUTCOME_TIME} < d.{c.AS_OF}, FALSE) AS is_early, "
        f"i.{c.VALUE} IS DISTINCT FROM ({first}) AS is_other, ({there} OR row_number() {alike} > 1) AS is_there "
        f"FROM {incoming} i LEFT JOIN {decisions} d ON d.{c.DECISION_ID} = i.{c.DECISION_ID} "
        f"LEFT JOIN {outcomes} o ON {same} ORDER BY i.{PLACE}"
    )


def places_of_new(judged: pa.Table) -> list[int]:
    """Return the places of the outcomes that are not there yet, or raise `SchemaError` with every fault.

    Parameters
    ----------
    judged : Arrow table, what `judged_sql` gives
    """
    rows = judged.to_pylist()
    faults = []
    for flag, (name, says, remedy) in _OUTCOMES_MUST.items():
        if broken := [row for row in rows if row[flag]]:
            faults.append(
                f"outcomes.{name}: must be {says}; {broken_by(len(broken), len(rows))} (first: row "
                f"{broken[0][PLACE]}, decision {broken[0][c.DECISION_ID]!r}). {remedy}"
            )
    if faults:
        raise SchemaError(listed(faults))
    return [row[PLACE] for row in rows if not row["is_there"]]


_OUTCOMES_MUST: Final[Mapping[str, tuple[str, str, str]]] = {
    "is_unknown": (
        c.DECISION_ID,
        "a decision of the ledger",
        "Record the decisions first, or open the ledger that they are in.",
    ),
    "is_early": (
        c.OUTCOME_TIME,
        "at or after the `as_of` of its decision",
        "What comes of a decision comes after it: check the zones.",
    ),
    "is_other": (
        c.VALUE,
        "the same where decision, outcome and time are the same",
        "Another outcome has a time of its own.",
    ),
}
