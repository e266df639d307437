"""The constants that a rule compares each column with: where a decision can turn, and which names it relies on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cxml.conditions.closures import value
from cxml.conditions.tree import COMPARISONS, CONSTANTS, Tree
from cxml.conditions.truths import TURNED, is_constant

Constant = tuple[str, str | float | bool]
"""How a column is compared (a comparison or ``like``), and with what."""


def constants(tree: Tree) -> Mapping[str, tuple[Constant, ...]]:
    """Return the constants that each column is compared with by itself, each once, in the order of the text.

    IN gives an ``=`` for each of its choices. A column that is only computed with is not there.

    Examples
    --------
    >>> chosen = ["in", ["column", "s"], ["text", "a"], ["text", "b"]]
    >>> constants(["and", ["<", ["number", 5.0], ["column", "x"]], chosen])
    {'x': (('>', 5.0),), 's': (('=', 'a'), ('=', 'b'))}
    """
    found: dict[str, dict[Constant, None]] = {}
    for column, constant in _constants(tree):
        found.setdefault(column, {})[constant] = None
    return {column: tuple(of_column) for column, of_column in found.items()}


def _constants(tree: Tree) -> Iterator[tuple[str, Constant]]:
    op = tree[0]
    if op in (*COMPARISONS, "in", "like"):
        asked, others = tree[1], tree[2:]
        if op in COMPARISONS and asked[0] != "column":
            op, asked, others = TURNED[op], others[0], [asked]
        for other in others:
            if asked[0] == "column" and is_constant(other) and (constant := value(other)({})) is not None:
                yield asked[1], ("=" if op == "in" else op, constant)
    if op not in CONSTANTS and tree[0] != "column":
        for part in tree[1:]:
            yield from _constants(part)
