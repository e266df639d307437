"""From the text that a person writes to a tree of the closed grammar; whatever is outside it is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, cast

from cxml.conditions.tree import Expression, Tree
from cxml.errors import ConditionError, near_miss
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from sqlglot import exp

Result = Literal["number", "text", "flag", "condition"]

_GRAMMAR: Final = (
    "Only columns, numbers, 'text', TRUE/FALSE, = <> < <= > >=, + - * /, "
    "AND, OR, NOT, IN (...), BETWEEN, LIKE 'pattern' and IS NULL can be used."
)
_COMPARED: Final = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_COMPUTED: Final = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_RESULT_OF_KIND: Final[Mapping[Kind, Result]] = {
    "key": "text",
    "category": "text",
    "text": "text",
    "number": "number",
    "flag": "flag",
}


def condition(text: str, kinds: Mapping[str, Kind], *, where: str) -> Expression:
    """Parse a condition: something that is true, false or unknown for a row.

    Parameters
    ----------
    text : SQL-like text such as ``renewal_risk > 0.6 AND nps_class = 'detractor'``
    kinds : the columns that can be named, with the kind of each
    where : the place in the config, for the message of an error

    Raises
    ------
    ConditionError
        If it is outside the grammar, names another column, mixes kinds, or is not a condition.
    """
    parser = _Parser(text, kinds, where)
    tree, result = parser.parsed()
    if result not in ("condition", "flag"):
        raise ConditionError(f"{where}: must be a condition; {text!r} is a {result}. Compare it with something.")
    return Expression(text, tree if result == "condition" else ["=", tree, ["flag", True]])


def number(text: str | float, kinds: Mapping[str, Kind], *, where: str) -> Expression:
    """Parse an expression that is a number for a row, such as ``0.1 * value`` or ``12``.

    Parameters and errors are those of `condition`.
    """
    parser = _Parser(str(text), kinds, where)
    tree, result = parser.parsed()
    if result != "number":
        raise ConditionError(f"{where}: must be a number; {text!r} is a {result}. Use a condition in `eligibility:`.")
    return Expression(str(text), tree)


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, Kind], where: str) -> None:
        self.text, self.kinds, self.where = text, kinds, where

    def parsed(self) -> tuple[Tree, Result]:
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        if not self.text.strip():
            raise ConditionError(f"{self.where}: must not be empty. {_GRAMMAR}")
        try:
            node = sqlglot.parse_one(self.text, into=exp.Condition, dialect="duckdb")
            if not isinstance(node, exp.Condition):
                raise ConditionError(f"{self.where}: must be one expression; {self.text!r} is not. {_GRAMMAR}")
            return self._walk(cast("exp.Expression", node))
        except SqlglotError as error:
            found = getattr(error, "errors", None) or [{}]
            column = found[0].get("col")
            at = f" at character {column}" if column else ""
            raise ConditionError(f"{self.where}: cannot be read{at}: {self.text!r}. {_GRAMMAR}") from None
        except RecursionError:
            raise ConditionError(
                f"{self.where}: is nested too deeply. Use IN (...) for a long list of values."
            ) from None

    def _refused(self, node: exp.Expression) -> ConditionError:
        return ConditionError(
            f"{self.where}: {node.sql(dialect='duckdb')!r} cannot be used in {self.text!r}. {_GRAMMAR}"
        )

    def _walk(self, node: exp.Expression) -> tuple[Tree, Result]:
        from sqlglot import exp

        name = type(node).__name__
        if isinstance(node, exp.Paren):
            return self._walk(node.this)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            if node.is_string:
                return ["text", node.this], "text"
            if not math.isfinite(value := float(node.this)):
                raise self._refused(node)
            return ["number", value], "number"
        if isinstance(node, exp.Boolean):
            return ["flag", bool(node.this)], "flag"
        if isinstance(node, exp.Neg):
            return ["negative", self._number(node.this)], "number"
        if name in _COMPUTED:
            return [_COMPUTED[name], self._number(node.this), self._number(node.expression)], "number"
        if name in _COMPARED:
            return self._comparison(_COMPARED[name], node.this, node.expression), "condition"
        if isinstance(node, exp.And | exp.Or):
            return [name.lower(), self._truth(node.this), self._truth(node.expression)], "condition"
        if isinstance(node, exp.Not):
            return ["not", self._truth(node.this)], "condition"
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return ["is null", self._walk(node.this)[0]], "condition"
        if isinstance(node, exp.Between) and not node.args.get("symmetric"):
            low = self._comparison(">=", node.this, node.args["low"])
            return ["and", low, self._comparison("<=", node.this, node.args["high"])], "condition"
        if isinstance(node, exp.Like) and isinstance(node.expression, exp.Literal):
            tree = self._likeness(node.this, node.expression)
            return ["not", tree] if node.args.get("negate") else tree, "condition"  # NOT LIKE is one node
        if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
            equal = [self._comparison("=", node.this, choice) for choice in node.expressions]
            return ["in", equal[0][1], *(tree[2] for tree in equal)], "condition"
        raise self._refused(node)

    def _column(self, node: exp.Column) -> tuple[Tree, Result]:
        if node.table:
            raise ConditionError(
                f"{self.where}: {node.sql()!r} names a table; give the column alone, in {self.text!r}."
            )
        if node.name not in self.kinds:
            known = near_miss(node.name, self.kinds)
            raise ConditionError(
                f"{self.where}: there is no column {node.name!r}{known or '.'} It is named in {self.text!r}."
            )
        kind = self.kinds[node.name]
        if kind not in _RESULT_OF_KIND:
            raise ConditionError(f"{self.where}: {node.name!r} is a {kind} and cannot be compared. In {self.text!r}.")
        return ["column", node.name], _RESULT_OF_KIND[kind]

    def _number(self, node: exp.Expression) -> Tree:
        tree, result = self._walk(node)
        if result != "number":
            raise ConditionError(f"{self.where}: {node.sql()!r} is a {result}, not a number. In {self.text!r}.")
        return tree

    def _truth(self, node: exp.Expression) -> Tree:
        tree, result = self._walk(node)
        if result == "flag":
            return ["=", tree, ["flag", True]]
        if result != "condition":
            raise ConditionError(f"{self.where}: {node.sql()!r} is a {result}, not a condition. In {self.text!r}.")
        return tree

    def _likeness(self, node: exp.Expression, pattern: exp.Literal) -> Tree:
        tree, result = self._walk(node)
        if result != "text" or not pattern.is_string:
            raise ConditionError(
                f"{self.where}: LIKE compares a text with a 'pattern' (% any text, _ any character). In {self.text!r}."
            )
        return ["like", tree, ["text", pattern.this]]

    def _comparison(self, op: str, left: exp.Expression, right: exp.Expression) -> Tree:
        (a, a_is), (b, b_is) = self._walk(left), self._walk(right)
        # A feature that was true or false is kept as 1 or 0, so either may be compared with TRUE.
        if a_is != b_is:
            if {a_is, b_is} != {"number", "flag"} or op not in ("=", "<>"):
                raise ConditionError(
                    f"{self.where}: compares a {a_is} with a {b_is} in {self.text!r}. Compare like with like."
                )
            a, b = _as_number(a), _as_number(b)
        if a_is == "condition" or (a_is in ("text", "flag") and op not in ("=", "<>")):
            raise ConditionError(f"{self.where}: a {a_is} has no order; use = or <> or IN in {self.text!r}.")
        return [op, a, b]


def _as_number(tree: Tree) -> Tree:
    return ["number", float(tree[1])] if tree[0] == "flag" else tree
