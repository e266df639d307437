import numpy as np
import pytest

from cxml.conditions.arrays import mask, numbers
from cxml.conditions.parse import condition, number

KINDS = {"x": "number", "s": "text"}


def holds(text, **columns):
    n = len(next(iter(columns.values())))
    arrays = {name: np.array(values, dtype=float if name == "x" else object) for name, values in columns.items()}
    return mask(condition(text, KINDS, where="rule").tree, arrays, n).tolist()


@pytest.mark.parametrize("text", ["x > 0", "x <= 0", "x = x", "x <> x", "x < 1e300", "NOT x = 1", "x NOT IN (1)"])
def test_nan_never_fires(text):
    assert holds(text, x=[np.nan]) == [False]


def test_infinity_is_a_number():
    assert holds("x > 1e300", x=[np.inf, -np.inf]) == [True, False]


def test_a_constant_is_as_long_as_the_table():
    assert holds("TRUE", x=[1.0, 2.0, 3.0]) == [True] * 3
    assert holds("'a' = 'b'", x=[1.0, 2.0]) == [False] * 2
    assert np.isnan(numbers(number("1 / 0", KINDS, where="cost").tree, {}, 2)).tolist() == [True] * 2


def test_a_number_is_written_to_an_array_of_its_own():
    x = np.array([1.0, 2.0])
    found = numbers(number("x", KINDS, where="cost").tree, {"x": x}, 2)
    found[0] = 9.0
    assert x.tolist() == [1.0, 2.0]


def test_no_rows_give_no_truths():
    assert holds("x > 0 AND s = 'a'", x=[], s=[]) == []


def test_division_by_zero_is_unknown_and_quiet():
    with np.errstate(all="raise"):
        assert holds("1 / x > 0", x=[0.0, 2.0, -0.0]) == [False, True, False]


def test_a_tree_that_is_not_of_the_grammar_is_refused():
    with pytest.raises(ValueError, match="'call' is not in the grammar"):
        mask(["call", ["column", "x"]], {"x": np.zeros(1)}, 1)
    with pytest.raises(ValueError, match=r"'\*\*' is not in the grammar"):
        numbers(["**", ["column", "x"], ["number", 2.0]], {"x": np.zeros(1)}, 1)
