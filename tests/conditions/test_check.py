import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.conditions.check import checked_tree
from cxml.conditions.closures import truth
from cxml.conditions.parse import condition, number
from cxml.errors import ConditionError

KINDS = {"x": "number", "s": "text", "f": "flag", "since": "time"}
X, ONE, TEXT = ["column", "x"], ["number", 1.0], ["text", "a"]


def refused(tree, says="is not of the grammar", kinds=KINDS, result="condition"):
    with pytest.raises(ConditionError, match=says) as caught:
        checked_tree(tree, kinds, result=result, where="policy.json")
    assert str(caught.value).startswith("policy.json: ")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kinds", [KINDS, None])
@pytest.mark.parametrize(
    "text",
    [
        "x > 1 AND NOT s = 'a' OR f",
        "x BETWEEN -1 AND 2 AND s NOT IN ('a', 'b') AND s LIKE 'a%' AND (x > 1) IS NULL",
        "f = 1 AND x = TRUE AND f IN (0, 1)",
        "CASE s WHEN 'a' THEN x ELSE NULL END > COALESCE(x, 0) / ABS(-x)",
        "LEAST(x, 1, 2) > 0 AND COALESCE(s, 'b') = 'b' AND COALESCE(f, TRUE)",
        "CASE WHEN f THEN s ELSE 'b' END = 'b'",
    ],
)
def test_what_the_parser_gives_is_let_through(text, kinds):
    tree = json.loads(json.dumps(condition(text, KINDS, where="rule").tree))
    assert checked_tree(tree, kinds, result="condition", where="rule") == tree


def test_a_number_is_let_through_as_a_number():
    tree = number("x * 2 + LN(x)", KINDS, where="rule").tree
    assert checked_tree(tree, KINDS, result="number", where="rule") == tree
    refused(tree, "must be a condition, and is a number")
    refused([">", X, ONE], "must be a number, and is a condition", result="number")


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        (None, "a list headed by its operator"),
        ("TRUE", "a list headed by its operator"),
        ({}, "a list headed by its operator"),
        ([], "a list headed by its operator"),
        ([["and"]], "a list headed by its operator"),
        (["call", X], "there is no 'call'"),
        (["**", X, ONE], "there is no"),
        (["__class__"], "there is no"),
        (["and", [">", X, ONE]], "it has 1 parts"),
        (["not"], "it has 0 parts"),
        (["not", X], "a part is a number"),
        ([">", X], "it has 1 parts"),
        ([">", X, ONE, ONE], "it has 3 parts"),
        ([">", X, TEXT], "its parts are a number and a text"),
        ([">", ["column", "s"], TEXT], "a part is a text"),
        (["=", X, ["flag", 1]], "a flag is true or false"),
        (["=", X, ["number", "1"]], "a number is finite"),
        (["=", X, ["number", float("nan")]], "a number is finite"),
        (["=", X, ["number", float("inf")]], "a number is finite"),
        (["=", X, ["number", True]], "a number is finite"),
        (["=", X, ["null"]], "NULL is only given by CASE"),
        (["=", ["column", ["x"]], ONE], "is a string"),
        (["=", ["column", "xx"], ONE], "there is no column 'xx'; did you mean 'x'"),
        (["=", ["column", "since"], ONE], "'since' is a time"),
        (["=", ["column"], ONE], "it holds one value"),
        (["in", X], "it has 1 parts"),
        (["in", X, ONE, TEXT], "its parts are"),
        (["like", ["column", "s"], ["column", "s"]], "a pattern is a text"),
        (["like", X, TEXT], "a part is a number"),
        ([">", ["abs", X, X], ONE], "it has 2 parts"),
        ([">", ["least", X], ONE], "it has 1 parts"),
        ([">", ["case", [">", X, ONE], ONE], ONE], "it has 2 parts"),
        ([">", ["case", X, ONE, ONE], ONE], "a part is a number"),
        ([">", ["case", [">", X, ONE], ONE, TEXT], ONE], "its parts are"),
        ([">", ["case", [">", X, ONE], ["null"], ["null"]], ONE], "it has 0 parts"),
        (["=", ["text", "a\0"], TEXT], "nobody can store"),
        (["=", ["text", "\ud800"], TEXT], "nobody can store"),
        (X, "must be a condition, and is a number"),
    ],
)
def test_any_other_tree_is_refused(tree, says):
    refused(tree, says)


def test_a_tree_that_would_break_what_runs_it_is_refused():
    deep = [">", X, ONE]
    for _ in range(100_000):
        deep = ["not", deep]
    refused(deep, "more than 100 levels deep")
    refused(["or"] + [[">", X, ONE]] * 50_000, "more than 50,000 parts")


_scalars = st.one_of(st.none(), st.booleans(), st.floats(), st.sampled_from(["x", "s", "f", "and", "column", "a"]))
_ops = st.sampled_from(
    ["and", "not", "=", ">", "in", "like", "case", "coalesce", "abs", "+", "is null", "column", "number"]
)
_json = st.recursive(
    _scalars, lambda inner: st.builds(lambda op, parts: [op, *parts], _ops, st.lists(inner, max_size=3))
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(_json)
def test_what_is_let_through_runs(tree):
    try:
        checked_tree(tree, KINDS, result="condition", where="rule")
    except ConditionError:
        return
    assert truth(tree)({"x": 1.0, "s": "a", "f": True}) in (True, False, None)
