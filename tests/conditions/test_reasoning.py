"""Proofs about rules against every row of a grid: what is called impossible never is, and plain rules are decided."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.conditions.arrays import mask, numbers, object_array
from cxml.conditions.constants import constants
from cxml.conditions.intervals import interval
from cxml.conditions.parse import condition, number
from cxml.conditions.reasoning import implies, satisfiable

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)
KINDS = {"x": "number", "y": "number", "s": "text", "t": "category", "f": "flag"}
BOUNDS = {"x": (-1, 2), "y": (-1, 2), "s": ["a", "b", "ab"], "t": ("a", "b", "ab")}

# Every region that the constants 0 and 1 and the texts 'a' and 'b' cut out has a point in the grid.
_POINTS = [np.nan, -1.0, 0.0, 0.5, 1.0, 2.0]
_NAMES = [None, "a", "b", "ab"]
_ROWS = list(itertools.product(_POINTS, _POINTS, _NAMES, _NAMES, [np.nan, 0.0, 1.0]))
GRID = {
    name: object_array(values) if name in "st" else np.array(values)
    for name, values in zip(KINDS, zip(*_ROWS, strict=True), strict=True)
}


def rule(text):
    return condition(text, KINDS, where="rule").tree


def happens(tree):
    return bool(mask(tree, GRID, len(_ROWS)).any())


_op = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
_equality = st.sampled_from(["=", "<>"])
_column = st.sampled_from([["column", "x"], ["column", "y"]])
_constant = st.sampled_from([["number", 0.0], ["number", 1.0]])
_name = st.sampled_from([["column", "s"], ["column", "t"]])
_text = st.sampled_from([["text", "a"], ["text", "b"]])
_plain = st.one_of(
    st.builds(lambda op, a, b: [op, a, b], _op, _column, _constant),
    st.builds(lambda op, a, b: [op, b, a], _op, _column, _constant),
    st.builds(lambda op, a, b: [op, a, b], _equality, _name, _text),
    st.builds(lambda op, b: [op, ["column", "f"], ["flag", b]], _equality, st.booleans()),
    st.builds(lambda a, b: ["in", a, *b], _column, st.lists(_constant, min_size=1, max_size=2)),
    st.builds(lambda a, b: ["in", a, *b], _name, st.lists(_text, min_size=1, max_size=2)),
    st.builds(lambda a: ["is null", a], st.one_of(_column, _name, st.just(["column", "f"]))),
    st.builds(lambda a, low, high: ["and", [">=", a, low], ["<=", a, high]], _column, _constant, _constant),
    st.builds(lambda a, p: ["like", a, ["text", p]], _name, st.sampled_from(["a%", "%b", "a", "_", "%", ""])),
)


def joined(atoms, leaves):
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds(
                lambda op, parts: [op, *parts], st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)
            ),
            inner.map(lambda a: ["not", a]),
            inner.map(lambda a: ["is null", a]),
        ),
        max_leaves=leaves,
    )


_number = st.recursive(
    st.one_of(_column, _column, _constant),
    lambda inner: st.one_of(
        st.builds(lambda op, a, b: [op, a, b], st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(
            lambda op, a: [op, a], st.sampled_from(["negative", "abs", "floor", "ceil", "sqrt", "ln", "exp"]), inner
        ),
        st.builds(lambda op, a, b: [op, a, b], st.sampled_from(["least", "greatest", "coalesce"]), inner, inner),
        st.builds(lambda c, a, b: ["case", c, a, b], _plain, inner, st.one_of(inner, st.just(["null"]))),
    ),
    max_leaves=4,
)
_texts = st.one_of(
    _name,
    st.builds(lambda a, b: ["coalesce", a, b], _name, st.one_of(_name, _text)),
    st.builds(lambda c, a, b: ["case", c, a, b], _plain, st.one_of(_name, _text), st.one_of(_name, st.just(["null"]))),
)
_any = st.one_of(
    _plain,
    st.builds(lambda op, a, b: [op, a, b], _op, _number, _number),
    st.builds(lambda op, a, b: [op, a, b], _equality, _texts, st.one_of(_texts, _text)),
    st.builds(lambda a, b: ["in", a, *b], _number, st.lists(_number, min_size=1, max_size=2)),
    st.builds(lambda a, p: ["like", a, ["text", p]], _texts, st.sampled_from(["a%", "%b", "_"])),
    st.builds(lambda a: ["is null", a], st.one_of(_number, _texts)),
)
_RULE = joined(_any, 5)
_PLAIN_RULE = joined(_plain, 8)


@EXAMPLES
@given(_RULE, st.sampled_from([None, BOUNDS]))
def test_what_happens_is_never_called_impossible(tree, bounds):
    assert satisfiable(tree, KINDS, bounds) or not happens(tree)


@EXAMPLES
@given(_PLAIN_RULE)
def test_a_plain_rule_is_called_possible_just_where_it_happens(tree):
    assert satisfiable(tree, KINDS, BOUNDS) == happens(tree)


@EXAMPLES
@given(_RULE, _RULE, st.sampled_from([None, BOUNDS]))
def test_what_does_not_follow_is_never_called_implied(a, b, bounds):
    exception = mask(a, GRID, len(_ROWS)) & ~mask(b, GRID, len(_ROWS))
    assert not (implies(a, b, KINDS, bounds) and exception.any())


@EXAMPLES
@given(_PLAIN_RULE, _PLAIN_RULE)
def test_a_plain_rule_implies_just_what_follows(a, b):
    exception = mask(a, GRID, len(_ROWS)) & ~mask(b, GRID, len(_ROWS))
    assert implies(a, b, KINDS, BOUNDS) == (not exception.any())


@EXAMPLES
@given(_number)
def test_every_value_is_in_the_interval(tree):
    values = numbers(tree, GRID, len(_ROWS))
    known = values[np.isfinite(values)]
    for bounds in (BOUNDS, {}):
        low, high = interval(tree, bounds)
        assert ((known >= low) & (known <= high)).all()


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("x > 0.6 AND x < 0.5", False),
        ("x > 0.5 AND x < 0.6", True),
        ("x > 1 AND NOT x > 1", False),
        ("x > 0 AND x IS NULL", False),
        ("NOT (x > 0 OR x <= 0)", False),  # of NULL that is unknown
        ("(x > 0 OR x <= 0) IS NULL", True),
        ("x = 1 AND x <> 1", False),
        ("x IN (1, 2) AND x NOT IN (2, 3) AND x <> 1", False),
        ("x > 2", False),  # out of bounds
        ("x BETWEEN 1 AND 0", False),
        ("s = 'a' AND s = 'b'", False),
        ("s = 'c'", False),  # no such text
        ("s LIKE 'c%'", False),
        ("s LIKE 'a%' AND s <> 'a' AND s NOT LIKE '%b'", False),
        ("s = t AND s = 'a' AND t = 'b'", False),
        ("f AND NOT f", False),
        ("f = 2", False),
        ("x > y AND y > 1 AND x < 0.5", False),
        ("x > y AND y > x", True),  # not proven
        ("x * 100 > 150 AND x < 1", False),
        ("x + y > 4", False),
        ("x <> x", False),
        ("x / 0 > 0", False),
        ("1 = 2 OR x > 3", False),
        ("CASE WHEN x > 1 THEN 5 ELSE y END > 4 AND x < 1", False),
        ("CASE WHEN x > 1 THEN 5 ELSE y END > 4", True),
        ("COALESCE(x, 0) > 1 AND x IS NULL", False),
        ("COALESCE(s, 'none') = 'none' AND s = 'a'", False),
        ("LEAST(x, 0) > 0", False),
        ("ABS(x) < 0 OR SQRT(x) < 0 OR EXP(x) < 0 OR FLOOR(x) > 2", False),
        ("LN(x) > 1", False),
        ("(x > 0 AND s = 'a') AND (x < 0 OR s = 'b')", False),
        ("(x + 1) IS NULL AND x IS NOT NULL", False),
        ("(x / y) IS NULL AND x > 0 AND y > 0", True),  # not proven
    ],
)
def test_what_is_possible(text, possible):
    assert satisfiable(rule(text), KINDS, BOUNDS) is possible


@pytest.mark.parametrize(
    ("a", "b", "follows"),
    [
        ("x > 0.5", "x > 0.4", True),
        ("x > 0.4", "x > 0.5", False),
        ("x > 0.5", "x IS NOT NULL", True),
        ("x > 0.5 AND s = 'a'", "s IN ('a', 'b')", True),
        ("s IN ('a', 'b')", "s <> 'ab'", True),
        ("s IS NOT NULL", "s IN ('a', 'b', 'ab')", True),
        ("TRUE", "s IN ('a', 'b', 'ab')", False),  # it may be unknown
        ("TRUE", "x >= -1", False),
        ("TRUE", "x >= -1 OR x IS NULL", True),
        ("x > y AND y > 1", "x > 1", True),
        ("x > 1 AND x < 0", "s = 'a'", True),
        ("x = 1 OR x = 0", "x IN (0, 1)", True),
    ],
)
def test_what_follows(a, b, follows):
    assert implies(rule(a), rule(b), KINDS, BOUNDS) is follows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", (12.0, 12.0)),
        ("100 * x", (-100.0, 200.0)),
        ("x - y", (-3.0, 3.0)),
        ("x * y", (-2.0, 4.0)),
        ("2 / (x + 2)", (0.5, 2.0)),
        ("1 / x", (-1.7976931348623157e308, 1.7976931348623157e308)),
        ("ABS(x)", (0.0, 2.0)),
        ("LEAST(x, 0.5)", (-1.0, 0.5)),
        ("GREATEST(x, 0.5)", (0.5, 2.0)),
        ("COALESCE(x, 7)", (-1.0, 7.0)),
        ("CASE WHEN x > 0 THEN 3 ELSE y END", (-1.0, 3.0)),
        ("1 / 0", (float("inf"), float("-inf"))),
        ("FLOOR(x / 2)", (-1.0, 1.0)),
    ],
)
def test_the_interval_of_a_number(text, expected):
    assert interval(number(text, KINDS, where="cost").tree, BOUNDS) == expected


def test_a_column_without_bounds_can_be_anything():
    assert interval(["column", "x"], {}) == (-np.inf, np.inf)
    assert satisfiable(rule("s = 'z' AND x > 1e300"), KINDS)


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(f"(x + {i} > y OR s = t OR y * {i} < x)" for i in range(200)) + " AND x <> x",
        " AND ".join(f"(x > {i} OR y > {i})" for i in range(500)),
        " OR ".join(f"(x = {i} AND x = {i + 1})" for i in range(2_000)),
        f"x IN ({', '.join(map(str, range(5_000)))}) AND x NOT IN ({', '.join(map(str, range(5_000)))})",
        f"x + 1 IN ({', '.join(map(str, range(5_000)))}) AND x > 1",
    ],
)
def test_a_huge_rule_gets_an_answer(text):
    assert satisfiable(rule(text), KINDS, BOUNDS) in (True, False)


def test_the_constants_of_a_rule_are_given_with_how_they_are_compared():
    tree = rule("x > 0.5 AND NOT (1 < x OR s IN ('a', 'b')) AND y = x AND t LIKE 'a%' AND f AND x BETWEEN -1 AND 1 + 1")
    assert constants(tree) == {
        "x": ((">", 0.5), (">", 1.0), (">=", -1.0), ("<=", 2.0)),
        "s": (("=", "a"), ("=", "b")),
        "t": (("like", "a%"),),
        "f": (("=", True),),
    }


def test_the_constants_inside_case_are_given_too():
    assert constants(rule("CASE WHEN x > 3 THEN y ELSE 0 END > 7")) == {"x": ((">", 3.0),)}
