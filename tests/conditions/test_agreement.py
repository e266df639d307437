"""A condition means one thing: over arrays, in DuckDB, and to a plain Python reader of three-valued logic."""

import math
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)

_TEXTS = ["a", "b", "O'Brien", 'x "y"', "", "a\n\u00e9%", "a.b\\_"]
_NUMBERS = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
_ROW = st.tuples(
    *[st.none() | _NUMBERS] * 2, *[st.none() | st.sampled_from(_TEXTS)] * 2, *[st.none() | st.booleans()] * 2
)
_COMPARE = {
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITY = ["=", "<>", "!="]

# A tree of this test: (how tightly it binds, its text, a function from a row to its value, None for unknown).
OR, AND, NOT, COMPARISON, SUM, PRODUCT, ATOM = range(7)


def inside(tree, least):
    """Return the text of a tree, in brackets where it binds less tightly than its place needs."""
    return tree[1] if tree[0] >= least else f"({tree[1]})"


def known(function, *trees):
    """Return the function of a row that is unknown where one of the trees is."""

    def value(row):
        values = [tree[2](row) for tree in trees]
        return None if None in values else function(*values)

    return value


def column(name, place):
    return (ATOM, name, lambda row: row[place])


def constant(value):
    text = {True: "TRUE", False: "FALSE"}[value] if isinstance(value, bool) else repr(value)
    return (ATOM, "'" + value.replace("'", "''") + "'" if isinstance(value, str) else text, lambda _: value)


def computed(op, a, b):
    by = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": lambda p, q: p / q if q else None}[op]
    level = SUM if op in "+-" else PRODUCT
    return (level, f"{inside(a, level)} {op} {inside(b, level + 1)}", known(by, a, b))


def compared(op, a, b):
    return (COMPARISON, f"{inside(a, SUM)} {op} {inside(b, SUM)}", known(_COMPARE[op], a, b))


def negated(a):
    return (NOT, f"NOT {inside(a, NOT)}", known(operator.not_, a))


def joined(op, a, b):
    level, ends = (AND, False) if op == "AND" else (OR, True)

    def value(row):
        values = a[2](row), b[2](row)
        return ends if ends in values else None if None in values else not ends

    return (level, f"{inside(a, level)} {op} {inside(b, level + 1)}", value)


def chosen(a, choices, negation):
    def value(row):
        values = [compared("=", a, choice)[2](row) for choice in choices]
        found = True if True in values else None if None in values else False
        return found if found is None else found != bool(negation)

    return (COMPARISON, f"{inside(a, SUM)} {negation}IN ({', '.join(inside(b, SUM) for b in choices)})", value)


def between(a, low, high, negation):
    def value(row):
        found = joined("AND", compared(">=", a, low), compared("<=", a, high))[2](row)
        return found if found is None else found != bool(negation)

    return (COMPARISON, f"{inside(a, SUM)} {negation}BETWEEN {inside(low, SUM)} AND {inside(high, SUM)}", value)


def alike(a, pattern, negation):
    def fits(text, wanted):  # by the definition, a character at a time
        if not wanted:
            return not text
        if wanted[0] == "%":
            return any(fits(text[i:], wanted[1:]) for i in range(len(text) + 1))
        return bool(text) and wanted[0] in ("_", text[0]) and fits(text[1:], wanted[1:])

    quoted = "'" + pattern.replace("'", "''") + "'"
    value = known(lambda text: fits(text, pattern) != bool(negation), a)
    return (COMPARISON, f"{inside(a, SUM)} {negation}LIKE {quoted}", value)


def null(a, negation):
    return (COMPARISON, f"{inside(a, SUM)} IS {negation}NULL", lambda row: (a[2](row) is None) != bool(negation))


def called(name, *trees):
    """Return a function of numbers that chooses or computes; what cannot be computed is unknown."""

    def value(row):
        values = [tree[2](row) for tree in trees]
        there = [found for found in values if found is not None]
        if name == "COALESCE":
            return there[0] if there else None
        if name in ("LEAST", "GREATEST"):
            return (min if name == "LEAST" else max)(there) if there else None
        if values[0] is None or (name == "SQRT" and values[0] < 0) or (name == "LN" and values[0] <= 0):
            return None
        try:
            return float(_COMPUTED[name](values[0]))
        except OverflowError:
            return None

    return (ATOM, f"{name}({', '.join(tree[1] for tree in trees)})", value)


_COMPUTED = {
    "ABS": abs,
    "FLOOR": math.floor,
    "CEIL": math.ceil,
    "SQRT": math.sqrt,
    "LN": math.log,
    "EXP": math.exp,
}


def case(pairs, otherwise):
    """Return CASE WHEN; of no ELSE, or of NULL, nothing is known."""

    def value(row):
        for when, then in pairs:
            if when[2](row) is True:
                return None if then is None else then[2](row)
        return None if otherwise is None else otherwise[2](row)

    text = "".join(f" WHEN {a[1]} THEN {'NULL' if b is None else b[1]}" for a, b in pairs)
    return (ATOM, f"CASE{text}{'' if otherwise is None else ' ELSE ' + otherwise[1]} END", value)


def simple_case(asked, pairs, otherwise):
    found = case([(compared("=", asked, choice), then) for choice, then in pairs], otherwise)
    text = "".join(f" WHEN {a[1]} THEN {b[1]}" for a, b in pairs)
    return (ATOM, f"CASE {asked[1]}{text}{'' if otherwise is None else ' ELSE ' + otherwise[1]} END", found[2])


_negation = st.sampled_from(["", "NOT "])
_name = st.one_of(st.just(column("s", 2)), st.just(column("t", 3)), st.sampled_from(_TEXTS).map(constant))
_switch = st.one_of(st.just(column("f", 4)), st.just(column("g", 5)), st.booleans().map(constant))
_leaf = st.one_of(st.just(column("x", 0)), st.just(column("y", 1)), _NUMBERS.filter(lambda n: n >= 0).map(constant))
_asked = st.one_of(
    st.builds(compared, st.sampled_from(list(_COMPARE)), _leaf, _leaf),
    st.builds(compared, st.sampled_from(_EQUALITY), _name, _name),
    st.builds(null, st.one_of(_leaf, _name), _negation),
)


def cases(results):
    """Return strategies of what chooses among results."""
    pairs = st.lists(st.tuples(_asked, results), min_size=1, max_size=2)
    first = st.builds(lambda pair, others: [pair, *others], st.tuples(_asked, results), pairs)
    with_null = st.builds(lambda pair, when: [pair, (when, None)], st.tuples(_asked, results), _asked)
    return st.one_of(
        st.builds(case, st.one_of(pairs, first, with_null), st.none() | results),
        st.builds(simple_case, _name, st.lists(st.tuples(_name, results), min_size=1, max_size=2), st.none() | results),
        st.builds(lambda trees: called("COALESCE", *trees), st.lists(results, min_size=2, max_size=3)),
    )


_text = st.one_of(_name, _name, cases(_name))
_flag = st.one_of(_switch, _switch, cases(_switch))
_number = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(computed, st.sampled_from("+-*/"), inner, inner),
        inner.map(lambda a: (ATOM, f"- {inside(a, ATOM)}", known(operator.neg, a))),
        st.builds(called, st.sampled_from(list(_COMPUTED)), inner),
        st.builds(
            lambda name, trees: called(name, *trees),
            st.sampled_from(["LEAST", "GREATEST"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
        cases(inner),
    ),
    max_leaves=4,
)
_atom = st.one_of(
    st.builds(compared, st.sampled_from(list(_COMPARE)), _number, _number),
    st.builds(compared, st.sampled_from(_EQUALITY), _text, _text),
    st.builds(compared, st.sampled_from(_EQUALITY), _flag, _flag),
    st.builds(compared, st.sampled_from(_EQUALITY), st.just(column("x", 0)), st.booleans().map(constant)),
    _flag,
    st.builds(chosen, _number, st.lists(_number, min_size=1, max_size=3), _negation),
    st.builds(chosen, _text, st.lists(_text, min_size=1, max_size=3), _negation),
    st.builds(between, _number, _number, _number, _negation),
    st.builds(alike, _text, st.text("ab%_O'Brien. \\\n\u00e9", max_size=6), _negation),
    st.builds(null, st.one_of(_number, _text, _flag), _negation),
)
_condition = st.recursive(
    _atom,
    lambda inner: st.one_of(st.builds(joined, st.sampled_from(["AND", "OR"]), inner, inner), inner.map(negated)),
    max_leaves=5,
)


@EXAMPLES
@given(_condition, st.lists(_ROW, min_size=1, max_size=6))
def test_a_condition_is_true_in_the_same_rows_three_times(table, tree, rows):
    expected = [i for i, row in enumerate(rows) if tree[2](row) is True]
    assert table(rows).where(tree[1]) == (expected, expected)


@EXAMPLES
@given(_number, st.lists(_ROW, min_size=1, max_size=6))
def test_a_number_is_the_same_three_times(table, tree, rows):
    expected = [tree[2](row) for row in rows]
    assert table(rows).values(tree[1]) == (expected, expected)


def rows_of(x, y=None, s=None, f=None):
    return (x, y, s, None, f, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 0", [1]),
        ("NOT x > 0", [0]),  # of unknown, NOT is unknown
        ("x > 0 OR NOT x > 0", [0, 1]),
        ("x = x", [0, 1]),
        ("x <> x", []),
        ("x IS NULL", [2]),
        ("x IS NOT NULL", [0, 1]),
        ("x IS NULL OR x > 0", [1, 2]),
        ("x IN (1, y)", [1]),
        ("NOT x IN (3, y)", []),  # y is unknown, and might be x
        ("x NOT IN (3, 4)", [0, 1]),
        ("x NOT BETWEEN 0 AND y", [0]),  # too low whatever y is
        ("x > 0 AND y > 0", []),
        ("NOT (x > 0 AND y > 0)", [0]),
        ("x / 0 > 0 OR x / 0 <= 0", []),
        ("x / 0 IS NULL", [0, 1, 2]),
        ("x / (1 - 1) = x / 0", []),
        ("TRUE", [0, 1, 2]),
        ("NOT TRUE", []),
        ("f", [0]),
        ("NOT f", [1]),
        ("f = 1", [0]),
        ("f = 2", []),
        ("f <> FALSE", [0]),
        ("x = TRUE", [1]),
        ("s = ''", [1]),
        ("s <> ''", [0]),
        ("s LIKE 'a%'", [0]),
        ("s LIKE '%'", [0, 1]),
        ("s LIKE '_'", [0]),
        ("s NOT LIKE 'a'", [1]),
        ("1 - 1 - 1 < 0", [0, 1, 2]),
        ("2 / 4 / 2 = 0.25", [0, 1, 2]),
        ("1 + 2 * 3 = 7", [0, 1, 2]),
        ("NOT f OR f", [0, 1]),
        ("FALSE AND FALSE OR TRUE", [0, 1, 2]),
        ("-x > 0", [0]),
        ("- - x > 0", [1]),
        ("CASE WHEN x > 0 THEN 1 ELSE 2 END = 2", [0, 2]),  # what is unknown is not met
        ("CASE WHEN x > 0 THEN 1 END IS NULL", [0, 2]),
        ("CASE WHEN x > 0 THEN NULL ELSE 2 END = 2", [0, 2]),
        ("CASE s WHEN 'a' THEN 1 WHEN '' THEN 2 ELSE 3 END > 1", [1, 2]),
        ("CASE WHEN x > 0 THEN s ELSE 'b' END = ''", [1]),
        ("CASE WHEN x IS NULL THEN s ELSE 'b' END IS NULL", [2]),
        ("CASE WHEN f THEN FALSE ELSE TRUE END", [1, 2]),
        ("COALESCE(x, 5) > 0", [1, 2]),
        ("COALESCE(y, x, 0) = 0", [2]),
        ("COALESCE(s, 'b') IN ('', 'b')", [1, 2]),
        ("COALESCE(f, TRUE)", [0, 2]),
        ("COALESCE(x / 0, 1) = 1", [0, 1, 2]),
        ("LEAST(x, y, 0) = 0", [1, 2]),  # what is unknown is passed over
        ("GREATEST(x, y) IS NULL", [2]),
        ("GREATEST(x, 0) > 0", [1]),
        ("SQRT(x) IS NULL", [0, 2]),
        ("LN(x) = 0", [1]),
        ("LN(x - 1) IS NULL", [0, 1, 2]),
        ("EXP(x * 1000) IS NULL", [1, 2]),
        ("FLOOR(x - 0.5) = -2 OR CEIL(x - 0.5) = 1", [0, 1]),
        ("ABS(x) = 1", [0, 1]),
    ],
)
def test_what_is_unknown_never_fires(table, text, expected):
    rows = [rows_of(-1.0, None, "a", True), rows_of(1.0, None, "", False), rows_of(None)]
    assert table(rows).where(text) == (expected, expected)


@pytest.mark.parametrize("text", ["x * 1e308 - x * 1e308 > 0", "NOT x * 1e308 - x * 1e308 > 0", "0 * (x * 1e308) >= 0"])
def test_a_number_that_overflows_means_the_same_twice(table, text):
    arrays, in_duckdb = table([rows_of(100.0)]).where(text)
    assert arrays == in_duckdb


def test_a_truth_that_is_compared_with_null_means_the_same_twice(table):
    rows = [rows_of(1.0), rows_of(None)]
    assert table(rows).where("NOT x > 2") == ([0], [0])
    assert table(rows).where("(x > 2) IS NULL") == ([1], [1])
