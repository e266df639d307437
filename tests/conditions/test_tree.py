import json

from cxml.conditions.parse import condition

KINDS = {"x": "number", "y": "number", "s": "text", "column": "text"}


def test_an_expression_keeps_its_text_and_names_its_columns_once_in_order():
    expression = condition("y > 1 AND x > y AND s = 'x'", KINDS, where="rule")
    assert expression.text == "y > 1 AND x > y AND s = 'x'"
    assert expression.columns == ("y", "x", "s")


def test_a_text_is_no_column_even_if_it_is_called_so():
    assert condition("s IN ('column', 'x')", KINDS, where="rule").columns == ("s",)
    assert condition("\"column\" = 'column'", KINDS, where="rule").columns == ("column",)


def test_a_tree_survives_json():
    text = "NOT (x BETWEEN -1 AND 2.5) OR s IN ('O''Brien') OR y / 3 IS NULL OR TRUE"
    tree = condition(text, KINDS, where="rule").tree
    assert json.loads(json.dumps(tree)) == tree
