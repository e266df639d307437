"""An expression as DuckDB SQL, with the same meaning as over arrays: every name quoted, every value a literal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cxml.conditions.tree import ARITHMETIC, CHOOSING, COMPARISONS, COMPUTING, CONSTANTS, FUNCTIONS, Tree
from cxml.schema.sql import literal, quoted

# SQL that is tested before it is used is said twice, which is fastest, but doubles at every level; longer SQL is put
# in a list of one instead. (nullif says its value twice too, where nobody sees it.)
_SAID_TWICE: Final = 500
_BACKTRACKED: Final = 3
"""From so many % on, LIKE of DuckDB 1.5 takes for ever on texts that nearly fit."""
_SPECIAL: Final = frozenset(".^$*+?()[]{}|\\")
_EMPTY: Final = ["text", ""]
_DOMAIN: Final[Mapping[str, str]] = {"sqrt": "{} >= 0", "ln": "{} > 0"}
"""What DuckDB raises on, or makes infinite, beyond."""


def sql(tree: Tree, table: str, instead: Mapping[str, str] | None = None) -> str:
    """Return the DuckDB SQL of a tree, its columns read from ``table`` (an alias in the query).

    ``instead`` gives the SQL that stands for a column, where that is not the column itself.
    """
    op, instead = tree[0], instead or {}
    if (op in ("=", "<>", "like") and tree[2] == _EMPTY) or (op in ("=", "<>") and tree[1] == _EMPTY):
        return _with_empty(tree, table, instead)
    if op == "in" and len(tree) == 3:
        return sql(["=", *tree[1:]], table, instead)
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
        if tree[2][1].count("%") > _BACKTRACKED:
            return f"regexp_full_match({parts[0]}, {literal(_regex(tree[2][1]))}, 's')"
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


def _with_empty(tree: Tree, table: str, instead: Mapping[str, str]) -> str:
    """Return the SQL of what is compared with an empty text, by its length: DuckDB 2.0 fails on some of it by ``=``."""
    other = value_sql(tree[2] if tree[1] == _EMPTY else tree[1], table, instead)
    return f"(length({other}) {'>' if tree[0] == '<>' else '='} 0)"


def _regex(pattern: str) -> str:
    """Return a LIKE pattern as a regular expression, which RE2 matches without going back."""
    parts = {"%": ".*", "_": "."}
    return "".join(
        parts.get(character, f"\\{character}" if character in _SPECIAL else character)
        for character in re.sub("%+", "%", pattern)
    )


def _where(value: str, test: str) -> str:
    """Return the SQL of a value where it passes a test, else of NULL."""
    if len(value) <= _SAID_TWICE:
        return f"CASE WHEN {test.format(value)} THEN {value} END"
    return f"([it FOR it IN [{value}] IF {test.format('it')}])[1]"
