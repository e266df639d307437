import numpy as np
import pytest

from cxml.conditions import arrays
from cxml.conditions.arrays import mask, numbers, object_array
from cxml.conditions.closures import value
from cxml.conditions.coded import coded
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


@pytest.mark.parametrize(
    "text",
    [
        "x > 0 AND s = 'a' OR x IS NULL",
        "NOT (x > 0 AND s <> 'a')",
        "s IN ('a', 'b', 'c', 'd') OR x IN (1, 2, 3, 4, 5, 6, 7, 8, 9)",
        "s NOT IN ('a', 'b', 'c', 'd') AND x NOT IN (1, 2, 3, 4, 5, 6, 7, 8, 9)",
        "s IN ('a', 'b') AND x IN (1, x / 0)",
        "s IN (s, 'a') AND NOT s LIKE '%b%' AND 'a' LIKE '_'",
        "CASE WHEN x > 0 THEN s ELSE 'b' END = 'b' AND (x > 0) IS NOT NULL",
        "COALESCE(s, 'a') = 'a' AND LEAST(x, 2) < 2 AND EXP(x) > 1",
    ],
)
def test_rows_mean_the_same_in_whatever_block_they_are(monkeypatch, text):
    x = np.tile([1.0, -1.0, np.nan, 0.0, 7.0], 7)
    s = object_array(["a", "b", None, "", "ab", "c", "a"] * 5)
    tree = condition(text, KINDS, where="rule").tree
    whole = mask(tree, {"x": x, "s": s}, 35)
    alone = [mask(tree, {"x": x[i : i + 1], "s": s[i : i + 1]}, 1).item() for i in range(35)]
    assert whole.tolist() == alone
    monkeypatch.setattr(arrays, "_BLOCK", 8)
    assert mask(tree, {"x": x, "s": s}, 35).tolist() == alone
    assert mask(tree, {"x": x, "s": coded(s)}, 35).tolist() == alone


def test_a_coded_column_holds_each_text_once():
    texts = object_array(["b", None, "a", "b", None])
    found = coded(texts)
    assert found.values.tolist() == ["b", None, "a"]
    assert found.values[found.codes].tolist() == texts.tolist()


def test_no_column_is_changed():
    x, s = np.array([1.0, np.nan, -1.0]), object_array(["a", None, "b"])
    mask(condition("NOT (x > 0 OR s <> 'a') OR x = 1", KINDS, where="rule").tree, {"x": x, "s": s}, 3)
    assert np.array_equal(x, [1.0, np.nan, -1.0], equal_nan=True)
    assert s.tolist() == ["a", None, "b"]


def test_a_logarithm_has_the_bits_of_one_row():
    x = np.random.default_rng(0).random(2_000) * 100
    for name in ("LN", "EXP"):
        tree = number(f"{name}(x)", KINDS, where="cost").tree
        assert numbers(tree, {"x": x}, len(x)).tolist() == [value(tree)({"x": each}) for each in x.tolist()]


def test_a_tree_that_is_not_of_the_grammar_is_refused():
    with pytest.raises(ValueError, match="'call' is not in the grammar"):
        mask(["call", ["column", "x"]], {"x": np.zeros(1)}, 1)
    with pytest.raises(ValueError, match=r"'\*\*' is not in the grammar"):
        numbers(["**", ["column", "x"], ["number", 2.0]], {"x": np.zeros(1)}, 1)
