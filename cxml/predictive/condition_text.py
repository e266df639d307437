"""Reads a stored condition again, for words about it: what `cxml.conditions.parse` accepted, without its parser.

The parser that checks conditions is heavy and is not there when customers are scored; a condition that it let through
needs no more checking. The trees are the same (`cxml.conditions.tree`), but that nothing is known of a column's kind.
"""

from __future__ import annotations

import re
from typing import Final

from cxml.conditions.tree import Tree
from cxml.errors import ConditionError

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|'(?P<text>(?:[^']|'')*)'|"(?P<quoted>(?:[^"]|"")*)"
    |(?P<name>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|==|[=<>+\-*/(),]))""",
    re.VERBOSE,
)
_SAME: Final = {"==": "=", "!=": "<>"}


def condition_tree(text: str) -> Tree:
    """Return the tree of a condition or an expression.

    Raises
    ------
    ConditionError
        If it is outside the grammar.

    Examples
    --------
    >>> condition_tree("event_type = 'contact'")
    ['=', ['column', 'event_type'], ['text', 'contact']]
    """
    reader = _Reader(text)
    tree = reader.either()
    if reader.at < len(reader.tokens):
        raise reader.stopped()
    return tree


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.tokens = text, 0, list[tuple[str, str]]()
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise self.stopped()
            kind = str(found.lastgroup)
            token = found[kind]
            self.tokens.append(("word", token.upper()) if kind == "name" and token.upper() in _WORDS else (kind, token))
            end = found.end()

    def stopped(self) -> ConditionError:
        return ConditionError(f"{self.text!r} is no condition that is known.")

    def either(self) -> Tree:
        parts = [self._both()]
        while self._took("OR"):
            parts.append(self._both())
        return _joined("or", parts)

    def _both(self) -> Tree:
        parts = [self._denied()]
        while self._took("AND"):
            parts.append(self._denied())
        return _joined("and", parts)

    def _denied(self) -> Tree:
        return ["not", _truth(self._denied())] if self._took("NOT") else self._compared()

    def _compared(self) -> Tree:
        left = self._sum()
        denied = self._took("NOT")
        if self._took("IN"):
            tree: Tree = ["in", left, *self._choices()]
        elif self._took("LIKE"):
            tree = ["like", left, self._sum()]
        elif self._took("BETWEEN"):
            low = self._sum()
            self._needs("AND")
            tree = ["and", [">=", left, low], ["<=", left, self._sum()]]
        elif self._took("IS"):
            denied = self._took("NOT")
            self._needs("NULL")
            tree = ["is null", left]
        elif denied:
            raise self.stopped()
        elif sign := self._took("=", "==", "<>", "!=", "<=", ">=", "<", ">"):
            return [_SAME.get(sign, sign), left, self._sum()]
        else:
            return left
        return ["not", tree] if denied else tree

    def _choices(self) -> list[Tree]:
        self._needs("(")
        choices = [self._sum()]
        while self._took(","):
            choices.append(self._sum())
        self._needs(")")
        return choices

    def _sum(self) -> Tree:
        tree = self._product()
        while sign := self._took("+", "-"):
            tree = [sign, tree, self._product()]
        return tree

    def _product(self) -> Tree:
        tree = self._one()
        while sign := self._took("*", "/"):
            tree = [sign, tree, self._one()]
        return tree

    def _one(self) -> Tree:
        if self._took("-"):
            return ["negative", self._one()]
        if self._took("("):
            tree = self.either()
            self._needs(")")
            return tree
        if self.at == len(self.tokens):
            raise self.stopped()
        kind, token = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return ["number", float(token)]
        if kind == "text":
            return ["text", token.replace("''", "'")]
        if kind in ("name", "quoted"):
            return ["column", token.replace('""', '"')]
        if token in ("TRUE", "FALSE"):
            return ["flag", token == "TRUE"]
        raise self.stopped()

    def _took(self, *wanted: str) -> str:
        """Return the next word or sign and step over it, if it is one of these; else an empty text."""
        if self.at < len(self.tokens):
            kind, token = self.tokens[self.at]
            if kind in ("word", "sign") and token in wanted:
                self.at += 1
                return token
        return ""

    def _needs(self, wanted: str) -> None:
        if not self._took(wanted):
            raise self.stopped()


_WORDS: Final = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"})


def _joined(op: str, parts: list[Tree]) -> Tree:
    """Return AND or OR of all its parts at once; one part is itself."""
    if len(parts) == 1:
        return parts[0]
    return [op, *(part for tree in parts for part in (tree[1:] if tree[0] == op else [_truth(tree)]))]


def _truth(tree: Tree) -> Tree:
    return ["=", tree, ["flag", True]] if tree[0] in ("column", "flag") else tree


def conjuncts(tree: Tree) -> list[Tree]:
    """Return the conditions that must all be true, in order."""
    return [part for inner in tree[1:] for part in conjuncts(inner)] if tree[0] == "and" else [_truth(tree)]
