"""Of a condition on one column, the values for which it is true and those for which it is false: exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cxml.conditions.closures import truth, value
from cxml.conditions.sets import FLAGS, NUMBERS, TEXTS, Domain, Known, Numbers, Texts, compared, points
from cxml.conditions.tree import COMPARISONS, TRUTHS, Tree, columns
from cxml.schema.tables import Kind

Wanted = Literal["true", "false", "not true", "not false", "unknown", "known"]
SWAPPED: Final[Mapping[Wanted, Wanted]] = {
    "true": "false",
    "false": "true",
    "not true": "not false",
    "not false": "not true",
    "unknown": "unknown",
    "known": "known",
}
TURNED: Final[Mapping[str, str]] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The comparison of b with a that says what another says of a with b."""


@dataclass(frozen=True)
class Truths:
    """The values of ``column`` for which a condition is true, and false; of neither it is unknown."""

    column: str
    true: Domain
    false: Domain

    def where(self, wanted: Wanted) -> Domain:
        """Return the values for which it is as wanted."""
        if wanted in ("true", "not true"):
            return self.true if wanted == "true" else ~self.true
        if wanted in ("false", "not false"):
            return self.false if wanted == "false" else ~self.false
        known = self.true | self.false
        return known if wanted == "known" else ~known


def universe(kind: Kind) -> Known:
    """Return all known values that a column of a kind can have."""
    return NUMBERS if kind == "number" else FLAGS if kind == "flag" else TEXTS


def is_constant(tree: Tree) -> bool:
    """Return whether an expression reads no column."""
    return next(columns(tree), None) is None


def truths(tree: Tree, kinds: Mapping[str, Kind]) -> Truths | None:
    """Return where a condition on one column is true and where it is false; None where it is of another form.

    It may join, deny and ask for NULL; what it compares is the column alone, with constants.
    """
    read = dict.fromkeys(columns(tree))
    if len(read) != 1:
        return None
    (column,) = read
    return _truths(tree, column, universe(kinds[column]))


def _truths(tree: Tree, column: str, every: Known) -> Truths | None:
    nothing: Known = Numbers(()) if isinstance(every, Numbers) else Texts(frozenset())
    none, all_values = Domain(null=False, known=nothing), Domain(null=True, known=~nothing)
    op = tree[0]
    if is_constant(tree):
        found = truth(tree)({})
        return Truths(column, all_values if found else none, all_values if found is False else none)
    if op in ("and", "or", "not"):
        parts = [_truths(part, column, every) for part in tree[1:]]
        if op == "not":
            return None if parts[0] is None else Truths(column, parts[0].false, parts[0].true)
        joined = none, none
        for i, part in enumerate(parts):
            if part is None:
                return None
            if i == 0:
                joined = part.true, part.false
            elif op == "and":
                joined = joined[0] & part.true, joined[1] | part.false
            else:
                joined = joined[0] | part.true, joined[1] & part.false
        return Truths(column, *joined)
    if op == "is null":
        if tree[1][0] in TRUTHS:
            inner = _truths(tree[1], column, every)
            return None if inner is None else Truths(column, inner.where("unknown"), inner.where("known"))
        if tree[1][0] != "column":
            return None
        return Truths(column, Domain(null=True, known=nothing), Domain(null=False, known=~nothing))
    true = _true(tree, every)
    if true is None:
        return None
    return Truths(column, Domain(null=False, known=true), Domain(null=False, known=~true))


def _true(tree: Tree, every: Known) -> Known | None:
    """Return the known values for which a comparison of the column with known constants is true."""
    op, asked, *others = tree
    if op in COMPARISONS and asked[0] != "column":
        op, asked, others = TURNED[op], others[0], [asked]
    if asked[0] != "column" or not all(is_constant(other) for other in others):
        return None
    found = [value(other)({}) for other in others]
    if None in found:
        return None
    if isinstance(every, Texts):
        if op == "like":
            return Texts(frozenset([found[0]])) if not set("%_") & set(found[0]) else None
        texts = Texts(frozenset(found))
        return ~texts if op == "<>" else texts
    return points(float(each) for each in found) if op == "in" else compared(op, float(found[0]))
