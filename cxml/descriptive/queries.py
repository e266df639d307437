"""A feature plan as DuckDB SQL: what customers share first, then one query over the table ``spine``.

Every query reads facts strictly before ``as_of``: those that happened before it and, where the table says when a row
became known, were known before it. What a row only gets later (whether a contract was renewed) is NULL until then.
The rows of each table stand in the order of customer, time, and place in the source: ``rowid`` says which of two facts
is the later one, also where both happened at the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cxml.conditions.tree import Tree
from cxml.config.features import Feature
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.cells import SPINE, among_sql, days_sql, facts_query, known_sql
from cxml.descriptive.plan import YEAR_DAYS, Cell, Kinds, Meaning, Plan
from cxml.descriptive.shared import (
    lookup_joins,
    lookup_sql,
    segment_join,
    segment_queries,
    segment_sql,
    shared_statements,
)
from cxml.schema import columns as c
from cxml.schema.sql import quoted

_ZERO_WITHOUT_FACTS: Final = ("count", "sum", "decay", "distinct", "days_active", "rows")


@dataclass(frozen=True)
class Queries:
    """The tables that customers share, each with the query that makes it, and the query over the table ``spine``."""

    shared: dict[str, str]
    query: str

    def __str__(self) -> str:
        made = [f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS\n{query}" for name, query in self.shared.items()]
        return ";\n\n".join([*made, self.query])


def feature_sql(features: Sequence[Feature], kinds: Kinds) -> str:
    """Return the DuckDB SQL that computes features for every row of the table ``spine``.

    Parameters
    ----------
    features : the features, in the order of the columns
    kinds : for each table that is there, the kind of each of its columns

    Returns
    -------
    str
        One or more statements; the result of the last has the columns ``customer_id``, ``as_of`` and one per feature:
        numbers as DOUBLE, names as VARCHAR; in the order of ``spine``.

    Raises
    ------
    ConfigError
        As for `feature_plan`.
    """
    return str(plan_queries(feature_plan(features, kinds)))


def plan_queries(plan: Plan, rows: Mapping[str, range] | None = None) -> Queries:
    """Return the SQL of a plan; ``rows`` are those of each table that may be needed, where not all of them are."""
    rows = rows or {}
    ctes = {
        f"of_{table}": facts_query(table, cells, plan, rows.get(table)) for table, cells in _cells_of(plan).items()
    } | segment_queries(plan)
    joins = [f"LEFT JOIN {name} ON {name}.row = s.rowid" for name in ctes if name.startswith("of_")]
    if {leaf for feature in plan.features for leaf in _leaves(feature.tree)} & _OF_CUSTOMER:
        known = known_sql("customers", None, plan, "k") + among_sql(rows.get("customers"), "k")
        joins.append(f"LEFT JOIN customers k ON k.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID}{known}")
    joins += [*lookup_joins(plan), *(segment_join(i, plan) for i in range(len(plan.segments)))]
    by_name = {feature.name: feature for feature in plan.features}
    columns = [f"{_column(feature, plan, by_name)} AS {quoted(feature.name)}" for feature in plan.features]
    head = "WITH " + ",\n".join(f"{name} AS (\n{query}\n)" for name, query in ctes.items()) + "\n" if ctes else ""
    selected = ",\n    ".join([f"s.{c.CUSTOMER_ID}", f"s.{c.AS_OF}", *columns])
    query = "\n".join([f"{head}SELECT\n    {selected}\nFROM {SPINE} s", *joins, "ORDER BY s.rowid"])
    return Queries(shared_statements(plan), query)


def _cells_of(plan: Plan) -> dict[str, dict[int, Cell]]:
    found: dict[str, dict[int, Cell]] = {}
    for i, cell in enumerate(plan.cells):
        found.setdefault(cell.table, {})[i] = cell
    return found


_OF_CUSTOMER: Final = {"attribute", "since", "lookup", "segment"}


def _leaves(tree: Tree) -> set[str]:
    return _leaves(tree[1]) | _leaves(tree[2]) if tree[0] in ("-", "/") else {tree[0]}


def _column(feature: Meaning, plan: Plan, by_name: dict[str, Meaning]) -> str:
    sql = _sql(feature.tree, plan, by_name)
    return f"CAST({sql} AS DOUBLE)" if feature.kind == "number" else sql


def _sql(tree: Tree, plan: Plan, by_name: dict[str, Meaning]) -> str:
    """Return the SQL of a tree of primitives."""
    op = tree[0]
    if op == "-":
        return f"({_sql(tree[1], plan, by_name)} - {_sql(tree[2], plan, by_name)})"
    if op == "/":
        return f"({_sql(tree[1], plan, by_name)} / nullif({_sql(tree[2], plan, by_name)}, 0))"
    if op == "number":
        return repr(tree[1])
    if op == "feature":
        return _sql(by_name[tree[1]].tree, plan, by_name)
    if op == "cell":
        return _cell(tree[1], plan)
    if op == "lookup":
        return lookup_sql(tree[1], plan)
    if op == "segment":
        mean = plan.segments[tree[1]]
        n = None if mean.n is None else f"coalesce({_cell(mean.n, plan)}, 0)"
        return segment_sql(tree[1], plan, f"coalesce({_cell(mean.total, plan)}, 0)", n)
    if op == "season":
        return _season(tree[1])
    column = f"k.{quoted(tree[1])}"
    if op == "since":
        return days_sql(f"CASE WHEN {column} < s.{c.AS_OF} THEN {column} END", f"s.{c.AS_OF}")
    return f"CAST({column} AS DOUBLE)" if plan.kinds["customers"][tree[1]] == "flag" else column


def _cell(place: int, plan: Plan) -> str:
    """Return the SQL of a cell; where a customer has no fact at all, a count is 0 and a mean unknown."""
    cell = plan.cells[place]
    value = f"of_{cell.table}.cell_{place}"
    if cell.aggregate not in _ZERO_WITHOUT_FACTS:
        return value
    return f"CASE WHEN of_{cell.table}.row IS NULL THEN 0 ELSE {value} END"


def _season(part: str) -> str:
    as_of = f"s.{c.AS_OF}"
    if part == "weekday":
        return f"isodow({as_of})"
    if part in ("month", "quarter"):
        return f"{part}({as_of})"
    wave = "sin" if part == "year_sin" else "cos"
    return f"{wave}(2 * pi() * dayofyear({as_of}) / {YEAR_DAYS})"
