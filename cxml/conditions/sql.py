"""An expression as DuckDB SQL, with the same meaning as over arrays: every name quoted, every value a literal."""

from __future__ import annotations

from collections.abc import Mapping

from cxml.conditions.tree import ARITHMETIC, COMPARISONS, Tree
from cxml.schema.sql import literal, quoted


def sql(tree: Tree, table: str, instead: Mapping[str, str] | None = None) -> str:
    """Return the DuckDB SQL of a tree, its columns read from ``table`` (an alias in the query).

    ``instead`` gives the SQL that stands for a column, where that is not the column itself.
    """
    op, instead = tree[0], instead or {}
    if op == "column":
        return instead.get(tree[1]) or f"{quoted(table)}.{quoted(tree[1])}"
    if op == "number":
        return f"CAST({tree[1]!r} AS DOUBLE)"
    if op == "text":
        return literal(tree[1])
    if op == "flag":
        return "TRUE" if tree[1] else "FALSE"
    if op in COMPARISONS or op in ("in", "is null"):
        parts = [value_sql(child, table, instead) for child in tree[1:]]
    else:
        parts = [sql(child, table, instead) for child in tree[1:]]
    if op in ("and", "or"):
        return f"({parts[0]} {op.upper()} {parts[1]})"
    if op == "not":
        return f"(NOT {parts[0]})"
    if op == "is null":
        return f"({parts[0]} IS NULL)"
    if op == "in":
        return f"({parts[0]} IN ({', '.join(parts[1:])}))"
    if op == "like":
        return f"({parts[0]} LIKE {parts[1]})"
    if op == "negative":
        return f"(- {parts[0]})"
    if op == "/":
        return f"({parts[0]} / nullif({parts[1]}, 0))"
    if op in COMPARISONS or op in ARITHMETIC:
        return f"({parts[0]} {op} {parts[1]})"
    raise ValueError(f"{op!r} is not in the grammar")


def value_sql(tree: Tree, table: str, instead: Mapping[str, str] | None = None) -> str:
    """Return the SQL of a value, NULL where its arithmetic overflowed: NaN would be above every number."""
    value = sql(tree, table, instead)
    return f"CASE WHEN isfinite({value}) THEN {value} END" if tree[0] in (*ARITHMETIC, "negative") else value
