"""An expression as DuckDB SQL, with the same meaning as over arrays: every name quoted, every value a literal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxml.conditions.tree import ARITHMETIC, CHOOSING, COMPARISONS, COMPUTING, CONSTANTS, FUNCTIONS, Tree
from cxml.schema.sql import literal, quoted

# SQL that is tested before it is used is said twice, which is fastest, but doubles at every level; longer SQL is put
# in a list of one instead. (nullif says its value twice too, where nobody sees it.)
_SAID_TWICE: Final = 500
_DOMAIN: Final[Mapping[str, str]] = {"sqrt": "{} >= 0", "ln": "{} > 0"}
"""What DuckDB raises on, or makes infinite, beyond."""


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
    if op == "null":
        return "NULL"
    if op in COMPARISONS or op in CHOOSING or op in ("in", "is null"):
        parts = [value_sql(child, table, instead) for child in tree[1:]]
    else:
        parts = [sql(child, table, instead) for child in tree[1:]]
    if op in ("and", "or"):
        return f"({f' {op.upper()} '.join(parts)})"
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
        divisor = f"nullif({parts[1]}, 0)" if tree[2][0] in ("column", *CONSTANTS) else _where(parts[1], "{} <> 0")
        return f"({parts[0]} / {divisor})"
    if op == "case":
        whens = " ".join(f"WHEN {a} THEN {b}" for a, b in zip(parts[:-1:2], parts[1:-1:2], strict=True))
        return f"(CASE {whens} ELSE {parts[-1]} END)"
    if op in FUNCTIONS:
        if op in _DOMAIN:
            parts = [_where(parts[0], _DOMAIN[op])]
        return f"{op}({', '.join(parts)})"
    if op in COMPARISONS or op in ARITHMETIC:
        return f"({parts[0]} {op} {parts[1]})"
    raise ValueError(f"{op!r} is not in the grammar")


def value_sql(tree: Tree, table: str, instead: Mapping[str, str] | None = None) -> str:
    """Return the SQL of a value, NULL where its arithmetic overflowed: NaN would be above every number."""
    value = sql(tree, table, instead)
    return _where(value, "isfinite({})") if tree[0] in COMPUTING else value


def _where(value: str, test: str) -> str:
    """Return the SQL of a value where it passes a test, else of NULL."""
    if len(value) <= _SAID_TWICE:
        return f"CASE WHEN {test.format(value)} THEN {value} END"
    return f"([it FOR it IN [{value}] IF {test.format('it')}])[1]"
