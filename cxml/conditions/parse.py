"""From the text that a person writes to a tree of the closed grammar; whatever is outside it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, cast

from cxml.conditions.tree import FUNCTIONS, MAX_DEPTH, MAX_NODES, Expression, Tree, is_bounded
from cxml.conditions.words import GRAMMAR, at, closed, shown, words
from cxml.errors import ConditionError
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

Result = Literal["number", "text", "flag", "condition", "null"]

_COMPARED: Final = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_COMPUTED: Final = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_CALLED: Final = {"Abs", "Floor", "Ceil", "Sqrt", "Ln", "Exp", "Least", "Greatest", "Coalesce"}
_HINTS: Final = {
    "In": "After IN comes a list of values in brackets.",
    "Like": "After LIKE comes one 'pattern'.",
    "Tuple": "Compare one value with one value.",
}
_OPERANDS: Final = ("this", "expressions")
RESULT_OF_KIND: Final[Mapping[Kind, Result]] = {
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
        If it is outside the grammar, names another column, mixes kinds, is too long or too deep, or is not a condition;
        with the character at which the trouble begins, from 1.
    """
    tree, result = _Parser(text, kinds, where).parsed()
    if result not in ("condition", "flag"):
        raise ConditionError(f"{where}: must be a condition; {shown(text)} is a {result}. Compare it with something.")
    return Expression(text, tree if result == "condition" else ["=", tree, ["flag", True]])


def number(text: str | float, kinds: Mapping[str, Kind], *, where: str) -> Expression:
    """Parse an expression that is a number for a row, such as ``0.1 * value`` or ``12``.

    Parameters and errors are those of `condition`.
    """
    text = str(text)
    tree, result = _Parser(text, kinds, where).parsed()
    if result != "number":
        raise ConditionError(
            f"{where}: must be a number; {shown(text)} is a {result}. Use a condition in `eligibility:`."
        )
    return Expression(text, tree)


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, Kind], where: str) -> None:
        self.text, self.kinds, self.where = text, kinds, where

    def parsed(self) -> tuple[Tree, Result]:
        tokens = words(self.text, self.kinds, self.where)
        try:
            tree, result = self._walk(self._parsed(tokens))
        except RecursionError:
            raise self._too_deep() from None
        if not is_bounded(tree):
            raise self._too_deep()
        return tree, result

    def _parsed(self, tokens: list[Token]) -> exp.Expression:
        from sqlglot import exp
        from sqlglot.dialects.dialect import Dialect
        from sqlglot.errors import SqlglotError

        try:
            found = Dialect.get_or_raise("duckdb").parser().parse_into(exp.Condition, tokens, self.text)
        except SqlglotError as error:
            said = (getattr(error, "errors", None) or [{}])[0]
            ends = (said.get("line"), said.get("col"))
            place = next((token.start for token in tokens if (token.line, token.col) == ends), None)
            raise ConditionError(
                f"{self.where}: cannot be read{at(place)}: {shown(self.text, place)}. {GRAMMAR}"
            ) from None
        nodes = [node for node in found if node is not None]
        if len(nodes) != 1 or not isinstance(nodes[0], exp.Condition):
            raise ConditionError(f"{self.where}: must be one expression; {shown(self.text)} is not. {GRAMMAR}")
        return cast("exp.Expression", nodes[0])

    def _too_deep(self) -> ConditionError:
        return ConditionError(
            f"{self.where}: is nested too deeply or says too much: {MAX_DEPTH} levels and {MAX_NODES:,} parts are "
            "allowed. Use IN (...) for a long list of values, and columns or features for parts that are said again."
        )

    def _place(self, node: exp.Expression) -> int | None:
        """Return where a node begins in the text, as far as sqlglot tells; brackets before it are not of it."""
        places = [inner.meta["start"] for inner in node.walk() if "start" in inner.meta]
        return min(places, default=None)

    def _said(self, node: exp.Expression) -> str:
        """Return what a node was written as."""
        ends = [inner.meta["end"] + 1 for inner in node.walk() if "end" in inner.meta]
        start = self._place(node)
        if start is None or not ends:
            return repr(node.sql(dialect="duckdb"))
        return shown(closed(self.text, start, max(ends)))

    def _refused(self, node: exp.Expression, hint: str = "") -> ConditionError:
        place = self._place(node)
        return ConditionError(
            f"{self.where}: {self._said(node)}{at(place)} cannot be used in {shown(self.text, place)}. "
            f"{hint + ' ' if hint else ''}{GRAMMAR}"
        )

    def _mistyped(self, node: exp.Expression, problem: str, remedy: str = "") -> ConditionError:
        place = self._place(node)
        return ConditionError(
            f"{self.where}: {problem}{at(place)} in {shown(self.text, place)}.{' ' + remedy if remedy else ''}"
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
            if (value := float(node.this)) == float("inf"):
                raise self._refused(node, "It is too large for a number.")
            return ["number", value], "number"
        if isinstance(node, exp.Boolean):
            return ["flag", bool(node.this)], "flag"
        if isinstance(node, exp.Null):
            return ["null"], "null"
        if isinstance(node, exp.Neg):
            return ["negative", self._number(node.this)], "number"
        if name in _COMPUTED:
            return [_COMPUTED[name], self._number(node.this), self._number(node.expression)], "number"
        if name in _COMPARED:
            return self._comparison(_COMPARED[name], node.this, node.expression), "condition"
        if isinstance(node, exp.And | exp.Or):
            return self._joined(node), "condition"
        if isinstance(node, exp.Not):
            return ["not", self._truth(node.this)], "condition"
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            tree, result = self._walk(node.this)
            if result == "null":
                raise self._refused(node)
            return ["is null", tree], "condition"
        if isinstance(node, exp.Between) and not node.args.get("symmetric"):
            asked = self._walk(node.this)
            low = self._compared(node, ">=", asked, self._walk(node.args["low"]))
            return ["and", low, self._compared(node, "<=", asked, self._walk(node.args["high"]))], "condition"
        if isinstance(node, exp.Like) and isinstance(node.expression, exp.Literal):
            tree = self._likeness(node, node.expression)
            return ["not", tree] if node.args.get("negate") else tree, "condition"  # NOT LIKE is one node
        if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
            asked = self._walk(node.this)
            choices = cast("list[exp.Expression]", node.expressions)
            equal = [self._compared(choice, "=", asked, self._walk(choice)) for choice in choices]
            return ["in", equal[0][1], *(tree[2] for tree in equal)], "condition"
        if isinstance(node, exp.Case):
            return self._case(node)
        if name in _CALLED:
            return self._called(node, name.lower())
        raise self._refused(node, _HINTS.get(name, ""))

    def _column(self, node: exp.Column) -> tuple[Tree, Result]:
        kind = self.kinds[node.name]
        if kind not in RESULT_OF_KIND:
            raise self._mistyped(node, f"{node.name!r} is a {kind} and cannot be compared,")
        return ["column", node.name], RESULT_OF_KIND[kind]

    def _joined(self, node: exp.Expression) -> Tree:
        """Return AND or OR of all its parts at once: a long chain is no deep tree."""
        kind, parts, waiting = type(node), list[Tree](), [node]
        while waiting:
            part = waiting.pop()
            if type(part) is kind:
                waiting += [part.expression, part.this]
            else:
                tree = self._truth(part)
                parts += tree[1:] if tree[0] == kind.__name__.lower() else [tree]
        return [kind.__name__.lower(), *parts]

    def _number(self, node: exp.Expression) -> Tree:
        tree, result = self._walk(node)
        if result != "number":
            raise self._mistyped(node, f"{self._said(node)} is a {result}, not a number,")
        return tree

    def _truth(self, node: exp.Expression) -> Tree:
        tree, result = self._walk(node)
        if result == "flag":
            return ["=", tree, ["flag", True]]
        if result != "condition":
            raise self._mistyped(node, f"{self._said(node)} is a {result}, not a condition,")
        return tree

    def _likeness(self, node: exp.Like, pattern: exp.Literal) -> Tree:
        tree, result = self._walk(node.this)
        if result != "text" or not pattern.is_string:
            raise self._mistyped(node, "LIKE compares a text with a 'pattern' (% any text, _ any character),")
        return ["like", tree, ["text", pattern.this]]

    def _comparison(self, op: str, left: exp.Expression, right: exp.Expression) -> Tree:
        parent = cast("exp.Expression", left.parent or left)
        return self._compared(parent, op, self._walk(left), self._walk(right))

    def _compared(self, node: exp.Expression, op: str, left: tuple[Tree, Result], right: tuple[Tree, Result]) -> Tree:
        (a, a_is), (b, b_is) = left, right
        # A feature that was true or false is kept as 1 or 0, so either may be compared with TRUE.
        if a_is != b_is:
            if {a_is, b_is} != {"number", "flag"} or op not in ("=", "<>"):
                remedy = "Compare like with like."
                if "condition" in (a_is, b_is):
                    remedy = "A condition stands by itself; for a < b < c write a < b AND b < c."
                raise self._mistyped(node, f"compares a {a_is} with a {b_is}", remedy)
            a, b = _as_number(a), _as_number(b)
        if a_is == "condition" or (a_is in ("text", "flag") and op not in ("=", "<>")):
            raise self._mistyped(node, f"a {a_is} has no order; use = or <> or IN")
        return [op, a, b]

    def _case(self, node: exp.Case) -> tuple[Tree, Result]:
        operand = None if node.this is None else self._walk(node.this)
        tree: Tree = ["case"]
        results: list[tuple[exp.Expression, Tree, Result]] = []
        for branch in node.args["ifs"]:
            if operand is None:
                tree.append(self._truth(branch.this))
            else:
                tree.append(self._compared(branch.this, "=", operand, self._walk(branch.this)))
            results.append((branch.args["true"], *self._walk(branch.args["true"])))
            tree.append(results[-1][1])
        otherwise = node.args.get("default")
        if otherwise is not None:
            results.append((otherwise, *self._walk(otherwise)))
        tree.append(["null"] if otherwise is None else results[-1][1])
        return tree, self._alike(node, [(at_node, result) for at_node, _, result in results], "CASE gives")

    def _called(self, node: exp.Expression, name: str) -> tuple[Tree, Result]:
        from sqlglot import exp

        given = [part for part in (node.this, *node.expressions) if part is not None]
        least, most = FUNCTIONS[name]
        others = [
            value for key, value in node.args.items() if key not in _OPERANDS and isinstance(value, exp.Expression)
        ]
        if others or not least <= len(given) <= (most or len(given)):
            takes = f"{least} value{'s' * (least > 1)}{'' if most else ' or more'}"
            raise self._refused(node, f"{name.upper()} takes {takes}.")
        if name != "coalesce":
            return [name, *(self._number(part) for part in given)], "number"
        walked = [(part, *self._walk(part)) for part in given]
        result = self._alike(node, [(part, kind) for part, _, kind in walked], "COALESCE takes")
        return [name, *(tree for _, tree, _ in walked)], result

    def _alike(self, node: exp.Expression, results: list[tuple[exp.Expression, Result]], gives: str) -> Result:
        """Return what all results are; NULL goes with anything."""
        known = [(part, result) for part, result in results if result != "null"]
        if not known:
            raise self._mistyped(node, f"{gives} nothing but NULL")
        first = known[0][1]
        for part, result in known:
            if result == "condition":
                raise self._mistyped(part, f"{gives} numbers, texts or flags, and {self._said(part)} is a condition,")
            if result != first:
                raise self._mistyped(part, f"{gives} a {first} and a {result},", "Give like with like.")
        return first


def _as_number(tree: Tree) -> Tree:
    return ["number", float(tree[1])] if tree[0] == "flag" else tree
