"""A tree that comes from elsewhere, such as a bundle's JSON, checked to be one that the parser could have made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from cxml.conditions.parse import RESULT_OF_KIND
from cxml.conditions.tree import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    MAX_DEPTH,
    MAX_NODES,
    Tree,
    is_bounded,
)
from cxml.errors import ConditionError, near_miss
from cxml.schema.tables import Kind

_SHOWN: Final = 120


def checked_tree(
    tree: object, kinds: Mapping[str, Kind] | None, *, result: Literal["condition", "number"], where: str
) -> Tree:
    """Return a stored tree if it is of the closed grammar.

    Parameters
    ----------
    tree : what was read from JSON
    kinds : the columns that can be named, with the kind of each; None where they are not known
    result : what the tree must give
    where : the place that it was read from, for the message of an error

    Raises
    ------
    ConditionError
        If it is anything else than a tree that `cxml.conditions.parse` gives for these columns.

    Examples
    --------
    >>> checked_tree([">", ["column", "value"], ["number", 1.0]], {"value": "number"}, result="condition", where="rule")
    ['>', ['column', 'value'], ['number', 1.0]]
    """
    if not is_bounded(tree):
        raise ConditionError(f"{where}: is more than {MAX_DEPTH} levels deep or has more than {MAX_NODES:,} parts.")
    found = _Checker(kinds, where).result(tree)
    if found not in (result, "any") or not isinstance(tree, list):
        raise ConditionError(f"{where}: must be a {result}, and is a {found}.")
    return tree


class _Checker:
    def __init__(self, kinds: Mapping[str, Kind] | None, where: str) -> None:
        self.kinds, self.where = kinds, where

    def refused(self, tree: object, why: str) -> ConditionError:
        said = repr(tree)
        said = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
        return ConditionError(f"{self.where}: {said} is not of the grammar: {why}. Save the bundle again.")

    def result(self, tree: object) -> str:
        """Return whether a tree is a number, a text, a flag, a condition, or any value (a column of unknown kind)."""
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise self.refused(tree, "a part is a list headed by its operator")
        op, parts = tree[0], tree[1:]
        if op in ("column", "number", "text", "flag", "null"):
            return self._leaf(tree, op, parts)
        if op in ("and", "or"):
            self._all(tree, parts, ("condition",), least=2)
        elif op == "not":
            self._all(tree, parts, ("condition",), least=1, most=1)
        elif op == "is null":
            self._all(tree, parts, ("condition", "number", "text", "flag"), least=1, most=1)
        elif op == "like":
            self._all(tree, parts, ("text",), least=2, most=2)
            if parts[1][0] != "text":
                raise self.refused(tree, "a pattern is a text")
        elif op == "in" or op in COMPARISONS:
            self._alike(tree, parts, least=2, most=None if op == "in" else 2)
            if op not in ("=", "<>", "in"):
                self._all(tree, parts, ("number",), least=2)
        elif op in ARITHMETIC or op == "negative":
            n_parts = 1 if op == "negative" else 2
            self._all(tree, parts, ("number",), least=n_parts, most=n_parts)
            return "number"
        elif op == "case":
            return self._case(tree, parts)
        elif op == "coalesce":
            return self._alike(tree, parts, least=2)
        elif op in FUNCTIONS:
            least, most = FUNCTIONS[op]
            self._all(tree, parts, ("number",), least=least, most=most)
            return "number"
        else:
            raise self.refused(tree, f"there is no {op!r}")
        return "condition"

    def _leaf(self, tree: Tree, op: str, parts: Sequence[Any]) -> str:
        if op == "null":
            raise self.refused(tree, "NULL is only given by CASE")
        if len(parts) != 1:
            raise self.refused(tree, "it holds one value")
        value = parts[0]
        if op == "flag":
            if not isinstance(value, bool):
                raise self.refused(tree, "a flag is true or false")
        elif op == "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise self.refused(tree, "a number is finite")
        elif not isinstance(value, str):
            raise self.refused(tree, "a name or a text is a string")
        elif "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise self.refused(tree, "it has a character that nobody can store")
        if op != "column":
            return op
        if self.kinds is None:
            return "any"
        if value not in self.kinds:
            raise self.refused(tree, f"there is no column {value!r}{near_miss(value, self.kinds)}")
        if self.kinds[value] not in RESULT_OF_KIND:
            raise self.refused(tree, f"{value!r} is a {self.kinds[value]} and cannot be compared")
        return RESULT_OF_KIND[self.kinds[value]]

    def _all(
        self, tree: Tree, parts: Sequence[Any], wanted: Sequence[str], *, least: int, most: int | None = None
    ) -> None:
        self._number_of(tree, parts, least, most)
        for part in parts:
            found = self.result(part)
            if found not in wanted and not (found == "any" and set(wanted) != {"condition"}):
                raise self.refused(tree, f"a part is a {found}, not a {wanted[0]}")

    def _number_of(self, tree: Tree, parts: Sequence[Any], least: int, most: int | None) -> None:
        if not least <= len(parts) <= (len(parts) if most is None else most):
            raise self.refused(tree, f"it has {len(parts)} parts")

    def _alike(self, tree: Tree, parts: Sequence[Any], *, least: int, most: int | None = None) -> str:
        """Return what all parts are; a number and a flag may be compared, as a flag may have been kept as 1 or 0."""
        self._number_of(tree, parts, least, most)
        found = {self.result(part) for part in parts} - {"any"}
        mixed = found == {"number", "flag"} and tree[0] in ("=", "<>", "in")
        if "condition" in found or (len(found) > 1 and not mixed):
            raise self.refused(tree, f"its parts are a {' and a '.join(sorted(found))}")
        return found.pop() if found else "any"

    def _case(self, tree: Tree, parts: Sequence[Any]) -> str:
        if len(parts) < 3 or len(parts) % 2 == 0:
            raise self.refused(tree, f"it has {len(parts)} parts")
        self._all(tree, parts[:-1:2], ("condition",), least=1)
        results = [part for part in (*parts[1:-1:2], parts[-1]) if part != ["null"]]
        return self._alike(tree, results, least=1)
