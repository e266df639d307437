"""One row at a time; that it means the same as over arrays and in DuckDB is asserted wherever `table` is used."""

import numpy as np
import pytest

from cxml.conditions.closures import truth, value
from cxml.conditions.parse import condition, number

KINDS = {"x": "number", "y": "number", "s": "text", "f": "flag"}


def holds(text, **row):
    return truth(condition(text, KINDS, where="rule").tree)({"x": None, "y": None, "s": None, "f": None} | row)


def worth(text, **row):
    return value(number(text, KINDS, where="rule").tree)(row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 0", True),
        ("x > 1", False),
        ("y > 0", None),
        ("NOT y > 0", None),
        ("x > 0 OR y > 0", True),
        ("y > 0 OR x > 0", True),
        ("x > 1 OR y > 0", None),
        ("y > 0 OR x > 1", None),
        ("x > 1 AND y > 0", False),
        ("y > 0 AND x > 1", False),
        ("x > 0 AND y > 0", None),
        ("y > 0 AND x > 0", None),
        ("(y > 0) IS NULL", True),
        ("x IN (1, 2)", True),
        ("x IN (2, 3)", False),
        ("x IN (2, y)", None),
        ("x IN (y, 1)", True),
        ("y IN (1, 2)", None),
        ("x NOT IN (2, y)", None),
        ("x BETWEEN 1 AND y", None),
        ("x BETWEEN 2 AND y", False),
        ("s = 'a' AND f", True),
        ("f = 1 AND f <> FALSE", True),
        ("TRUE", True),
    ],
)
def test_a_row_is_true_false_or_unknown(text, expected):
    assert holds(text, x=1.0, s="a", f=True) is expected


@pytest.mark.parametrize("unknown", [None, float("nan"), np.nan, np.float64("nan")])
def test_nan_is_unknown_like_none(unknown):
    assert holds("x > 0 OR x <= 0 OR x = x", x=unknown) is None
    assert holds("x IS NULL", x=unknown) is True
    assert holds("x NOT IN (1)", x=unknown) is None
    assert worth("x + 1", x=unknown) is None


def test_a_truth_is_a_plain_one_whatever_the_numbers_are():
    assert holds("x > 0 AND NOT x > 5", x=np.float64(1)) is True
    assert holds("x IN (1) AND x = 1", x=np.int64(1)) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x * 1e308 * 10", None),
        ("x * 1e308 * 10 - x * 1e308 * 10", None),
        ("x / (x * 1e308 * 10)", 0.0),  # infinite half-way, and a number in the end
        ("x / 0", None),
        ("x / (1 - 1)", None),
        ("-x / 4", -0.5),
        ("x + y", None),
        ("2 + 3 * 4", 14.0),
    ],
)
def test_what_overflows_or_is_divided_by_zero_is_unknown(text, expected):
    assert worth(text, x=2.0, y=None) == expected


def test_a_value_is_that_of_the_column_as_it_is():
    assert value(["column", "s"])({"s": "a"}) == "a"
    assert value(["column", "f"])({"f": False}) is False
    assert value(["text", "a"])({}) == "a"


def test_a_column_that_the_row_lacks_is_an_error():
    with pytest.raises(KeyError, match="x"):
        worth("x + 1", y=1.0)


def test_a_tree_that_is_not_of_the_grammar_is_refused():
    with pytest.raises(ValueError, match="'call' is not in the grammar"):
        truth(["call", ["column", "x"]])
    with pytest.raises(ValueError, match=r"'\*\*' is not in the grammar"):
        value(["**", ["column", "x"], ["number", 2.0]])
