"""The tree that an expression is stored as: nested JSON lists, each headed by its operator.

``["column", name]``, ``["number", x]``, ``["text", s]``, ``["flag", true]`` are the leaves; ``["and", a, b]``,
``["or", a, b]``, ``["not", a]``, ``["is null", a]``, ``["in", a, b, ...]``, ``["like", a, ["text", pattern]]``,
``["negative", a]`` and the comparisons and arithmetic ``[op, a, b]`` the rest. There is nothing else: no call, no
subquery, no name that is not a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Tree = list[Any]

COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=")
ARITHMETIC: Final = ("+", "-", "*", "/")
TRUTHS: Final = ("and", "or", "not", "in", "like", "is null", *COMPARISONS)
"""What gives a truth, which may be unknown, and no value."""


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
