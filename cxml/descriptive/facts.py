"""The rows of a company's tables that each indicator is made of, as one SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cxml.descriptive.indicators import NEUTRAL, TOP
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, SchemaError, broken_by, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import quoted
from cxml.schema.tables import TABLES

SOCIAL: Final = "social"
"""The channel of the posts that tell the sentiment of the brand, where events have a channel."""

ANSWER_DAYS: Final = 14
"""Invitations so young are not counted in the response rate: they may still be answered."""

_SCORE: Final = f"fact.{c.SCORE}"
_NPS: Final = f"CASE WHEN {_SCORE} >= 9 THEN 1 WHEN {_SCORE} <= 6 THEN -1 ELSE 0 END"


@dataclass(frozen=True)
class Facts:
    """The rows that a figure is the mean of: of which table, when each counts, and the SQL of its value.

    In SQL, the table is called ``fact``.
    """

    name: str
    table: str
    time: str
    value: str
    where: str


def facts_of(tables: Tables) -> tuple[Facts, ...]:
    """Return what can be made of a company's tables: of answers, invitations, comments, posts and contracts.

    Raises
    ------
    SchemaError
        If a sentiment is not from -1 to 1.
    """
    return (*survey_facts(tables), *_sentiments(tables), *_renewals(tables))


def survey_facts(tables: Tables) -> Iterator[Facts]:
    """Yield what can be made of answers and invitations."""
    if "surveys" not in tables:
        return
    answered = f"{_SCORE} IS NOT NULL AND fact.{c.INSTRUMENT} = "
    yield Facts("nps", "surveys", c.RESPONSE_TIME, _NPS, f"{answered}'nps'")
    for name, (instrument, top) in TOP.items():
        value = _SCORE if top is None else f"{_SCORE} >= {top}"
        yield Facts(name, "surveys", c.RESPONSE_TIME, value, f"{answered}'{instrument}'")
    if c.SENT_TIME in tables.kinds["surveys"]:
        silent = tables.con.execute(f"SELECT count(*) FROM surveys WHERE {c.RESPONSE_TIME} IS NULL").fetchall()[0][0]
        if silent:  # a table of answers alone does not tell who was asked
            old = f"fact.{c.SENT_TIME} < TIMESTAMP '{tables.as_of}' - INTERVAL {ANSWER_DAYS} DAY"
            yield Facts("response_rate", "surveys", c.SENT_TIME, f"fact.{c.RESPONSE_TIME} IS NOT NULL", old)


def answers_sql(tables: Tables, facts: Facts, by: str | None, *columns: str) -> str:
    """Return the SQL of a figure's rows: ``customer_id``, ``grp``, ``x``, and what ``columns`` compute from ``time``.

    Only what was known before the moment of the data is there. ``grp`` is NULL where the group is not known.
    """
    known = [f"fact.{facts.time} < TIMESTAMP '{tables.as_of}'", f"({facts.where})"]
    if c.KNOWN_TIME in tables.kinds[facts.table]:
        known.append(f"(fact.{c.KNOWN_TIME} IS NULL OR fact.{c.KNOWN_TIME} < TIMESTAMP '{tables.as_of}')")
    computed = "".join(f", {column}" for column in columns)
    return (
        f"SELECT fact.{c.CUSTOMER_ID}, {_group(tables, facts.table, by)} AS grp, CAST({facts.value} AS DOUBLE) AS x, "
        f"fact.{facts.time} AS time{computed} "
        f"FROM {facts.table} AS fact JOIN customers USING ({c.CUSTOMER_ID}) WHERE {' AND '.join(known)}"
    )


def groups_of(tables: Tables, facts: Facts, by: Sequence[str]) -> list[str]:
    """Return the columns among ``by`` that the rows of a figure have, of their own or of their customers."""
    return [column for column in by if _owner(tables, facts.table, column)]


def groupable(tables: Tables, facts: Sequence[Facts], by: Sequence[str]) -> None:
    """Raise `ConfigError` with every column among ``by`` that no figure can be grouped by."""
    sources = dict.fromkeys([*(fact.table for fact in facts), "customers"])
    names = {name for table in sources for name in tables.kinds[table] if _owner(tables, table, name)}
    faults = []
    for column in by:
        if any(_owner(tables, fact.table, column) for fact in facts):
            continue
        there = [table for table in sources if column in tables.kinds[table]]
        if there:
            kind = tables.kinds[there[0]][column]
            faults.append(f"by: {there[0]}.{column} is a {kind}; only names and flags make groups.")
        else:
            remedy = near_miss(column, names) or f". Those that can be: {', '.join(sorted(names))}."
            faults.append(f"by: neither {' nor '.join(sources)} has a column {column!r}{remedy}")
    if faults:
        raise ConfigError(listed(faults))


def _owner(tables: Tables, table: str, column: str) -> str | None:
    for owner in (table, "customers"):
        if column != c.INSTRUMENT and tables.kinds[owner].get(column) in ("category", "flag"):
            return owner
    return None


def _group(tables: Tables, table: str, by: str | None) -> str:
    if by is None:
        return "'all'"
    owner = "fact" if _owner(tables, table, by) == table else "customers"
    return f"CAST({owner}.{quoted(by)} AS VARCHAR)"


def _renewals(tables: Tables) -> Iterator[Facts]:
    if "contracts" in tables:  # `renewed` is known from the end of the term
        yield Facts("renewal_rate", "contracts", c.END_TIME, f"fact.{c.RENEWED}", f"fact.{c.RENEWED} IS NOT NULL")


def _sentiments(tables: Tables) -> Iterator[Facts]:
    sources = (("surveys", "comments", "comment_sentiment"), ("events", "posts", "brand_sentiment"))
    for table, prefix, mean in sources:
        if table not in tables or tables.kinds[table].get(c.SENTIMENT) != "number":
            continue
        n, bad, first = tables.con.execute(
            f"SELECT count({c.SENTIMENT}), count(*) FILTER (abs({c.SENTIMENT}) > 1), "
            f"arg_min({c.SENTIMENT}, rowid) FILTER (abs({c.SENTIMENT}) > 1) FROM {table}"
        ).fetchall()[0]
        if bad:
            raise SchemaError(
                f"{table}.{c.SENTIMENT}: must be from -1 to 1; {broken_by(bad, n)} (first: {first:g}). "
                f"Bring it to that scale, or give the column another name."
            )
        time = str(TABLES[table].time)
        where = f"fact.{c.SENTIMENT} IS NOT NULL"
        if table == "events" and c.CHANNEL in tables.kinds[table]:
            where += f" AND fact.{c.CHANNEL} = '{SOCIAL}'"
        yield Facts(f"{prefix}_negative", table, time, f"fact.{c.SENTIMENT} < -{NEUTRAL}", where)
        yield Facts(f"{prefix}_neutral", table, time, f"abs(fact.{c.SENTIMENT}) <= {NEUTRAL}", where)
        yield Facts(f"{prefix}_positive", table, time, f"fact.{c.SENTIMENT} > {NEUTRAL}", where)
        yield Facts(mean, table, time, f"fact.{c.SENTIMENT}", where)
