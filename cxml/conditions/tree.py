"""The tree that an expression is stored as: nested JSON lists, each headed by its operator.

The leaves are ``["column", name]``, ``["number", x]``, ``["text", s]``, ``["flag", true]`` and, only as a result of
CASE, ``["null"]``. Conditions are ``["and", a, b, ...]``, ``["or", a, b, ...]``, ``["not", a]``, ``["is null", a]``,
``["in", a, b, ...]``, ``["like", a, ["text", pattern]]`` and the comparisons ``[op, a, b]``. Values are arithmetic
``[op, a, b]``, ``["negative", a]``, functions ``[name, a, ...]`` and ``["case", condition, result, ..., otherwise]``.
There is nothing else: no other call, no subquery, no name that is not a column.

What is computed and not finite, or outside the domain of its function, is unknown. CASE, COALESCE, LEAST and GREATEST
compute nothing: they choose one of their values as it is. LEAST and GREATEST pass over what is unknown, as in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Tree = list[Any]

COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=")
ARITHMETIC: Final = ("+", "-", "*", "/")
TRUTHS: Final = ("and", "or", "not", "in", "like", "is null", *COMPARISONS)
"""What gives a truth, which may be unknown, and no value."""
FUNCTIONS: Final[Mapping[str, tuple[int, int | None]]] = {
    "abs": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "sqrt": (1, 1),
    "ln": (1, 1),
    "exp": (1, 1),
    "least": (2, None),
    "greatest": (2, None),
    "coalesce": (2, None),
}
"""The functions, with the fewest and the most values that they take (None: any number)."""
CONSTANTS: Final = ("text", "number", "flag", "null")
CHOOSING: Final = ("case", "coalesce", "least", "greatest")
COMPUTING: Final = (*ARITHMETIC, "negative", "abs", "floor", "ceil", "sqrt", "ln", "exp")
OPPOSITE: Final[Mapping[str, str]] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
"""The comparison that is true of two known values where another is false."""

MAX_DEPTH: Final = 100
"""Levels of a tree: what is run on it calls itself once or twice a level, and Python allows about a thousand."""
MAX_NODES: Final = 50_000
"""Lists in a tree: DuckDB plans as many comparisons in about a second."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression: the text its author wrote and the tree that is run."""

    text: str
    tree: Tree

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, each once, in the order of the text."""
        return tuple(dict.fromkeys(columns(self.tree)))


def columns(tree: Tree) -> Iterator[str]:
    """Give the columns that a tree reads, in order, each as often as it is read."""
    if tree[:1] == ["column"]:
        yield tree[1]
    for child in tree[1:]:
        if isinstance(child, list):
            yield from columns(child)


def all_of(trees: Sequence[Tree]) -> Tree:
    """Return the condition that several are true at once; that of none is true."""
    if not trees:
        return ["=", ["number", 1.0], ["number", 1.0]]
    return trees[0] if len(trees) == 1 else ["and", *trees]


def untrue(tree: Tree) -> Tree:
    """Return the condition that another is not true: it is false, or unknown."""
    return ["or", ["not", tree], ["is null", tree]]


def is_bounded(tree: object) -> bool:
    """Return whether nested lists are as deep and as many as a tree may be; this itself never goes deep."""
    waiting, n_nodes = [(tree, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, list):
            n_nodes += 1
            if depth > MAX_DEPTH or n_nodes > MAX_NODES:
                return False
            waiting += [(child, depth + 1) for child in node]
    return True
