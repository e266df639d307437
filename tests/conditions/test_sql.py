import pytest

from cxml.conditions.parse import condition, number
from cxml.conditions.sql import sql

KINDS = {"x": "number", "s": "text", "odd name": "number", 'a"b': "number", "select": "number"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 1", '("r"."x" > CAST(1.0 AS DOUBLE))'),
        ("x > 1 AND NOT s = 'a'", """(("r"."x" > CAST(1.0 AS DOUBLE)) AND (NOT ("r"."s" = 'a')))"""),
        ("s IN ('a', 'b')", """("r"."s" IN ('a', 'b'))"""),
        ("x IS NULL", '("r"."x" IS NULL)'),
        ('"odd name" <> 0', '("r"."odd name" <> CAST(0.0 AS DOUBLE))'),
        ('"a""b" = 0', '("r"."a""b" = CAST(0.0 AS DOUBLE))'),
        ('"select" = 0', '("r"."select" = CAST(0.0 AS DOUBLE))'),
    ],
)
def test_every_name_is_quoted_and_every_value_a_literal(text, expected):
    assert sql(condition(text, KINDS, where="rule").tree, "r") == expected


def test_a_division_is_guarded():
    found = sql(number("x / 2", KINDS, where="cost").tree, "r")
    assert found == '("r"."x" / nullif(CAST(2.0 AS DOUBLE), 0))'


@pytest.mark.parametrize("name", ["O'Brien", "odd name", 'a"b', '"; DROP TABLE given; --', "1) OR (1=1", "{x}"])
def test_a_column_may_have_any_name(table, name):
    given = table([(1.0,), (None,), (-1.0,)], {name: "number"})
    identifier = '"' + name.replace('"', '""') + '"'
    assert given.where(f"{identifier} > 0") == ([0], [0])
    assert given.con.execute("SELECT count(*) FROM given").fetchall() == [(3,)]


@pytest.mark.parametrize(
    "value", ["O'Brien", "''", "'; DROP TABLE given; --", "a\\b", "\\", "%", "x' OR '1'='1", "ÄÖ €", "", '"', "?", "$1"]
)
def test_a_text_may_hold_anything(table, value):
    given = table([(value,), ("other",), (None,)], {"s": "text"})
    literal = "'" + value.replace("'", "''") + "'"
    assert given.where(f"s = {literal}") == ([0], [0])
    assert given.where(f"s <> {literal}") == ([1], [1])
    assert given.con.execute("SELECT count(*) FROM given").fetchall() == [(3,)]


@pytest.mark.parametrize("x", [1.0, None])
@pytest.mark.parametrize("compared", ["{} = ''", "'' = {}", "{} <> ''", "'' <> {}", "{} LIKE ''", "{} NOT LIKE ''"])
@pytest.mark.parametrize("text", ["CASE WHEN x IS NULL THEN NULL ELSE 'a' END", "COALESCE(s, 'a')", "s", "''"])
def test_an_empty_text_is_compared_in_whatever_duckdb_makes_of_it(table, compared, text, x):
    given = table([(x, "" if x else None)], {"x": "number", "s": "text"})
    arrays, in_duckdb = given.where(compared.format(text))
    assert arrays == in_duckdb


@pytest.mark.parametrize(
    "pattern", ["%a%b%c%", "%a_b%%c%d", "a%.%(%)%", "%\\%[%]%", "%\n%\u00e9%_%", "%%%%%", "%a%b%$%^%"]
)
def test_a_pattern_of_many_parts_means_the_same(table, pattern):
    texts = ["abc", "xaxbxcx", "a.b()", "a.()", "\\[]", "a\n\u00e9b", "", "a\u00e9b%cxd", "ab$^", "a_b c d", None]
    arrays, in_duckdb = table([(text,) for text in texts], {"s": "text"}).where(f"s LIKE '{pattern}'")
    assert arrays == in_duckdb


def test_a_tree_that_is_not_of_the_grammar_is_refused():
    with pytest.raises(ValueError, match="'call' is not in the grammar"):
        sql(["call", ["column", "x"]], "r")
