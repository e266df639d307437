import pytest

from cxml.conditions.parse import condition, number
from cxml.errors import ConditionError, ConfigError
from cxml.schema.frames import PREDICTIONS, RECOMMENDATIONS
from cxml.schema.tables import TABLES

KINDS = {
    "renewal_risk": "number",
    "value": "number",
    "nps_class": "category",
    "customer_id": "key",
    "note": "text",
    "holdout": "flag",
    "since": "time",
    "odd name": "number",
}


def refused(text, says, parse=condition):
    with pytest.raises(ConditionError, match=says) as caught:
        parse(text, KINDS, where="policy.actions[0].eligibility")
    assert str(caught.value).startswith("policy.actions[0].eligibility: ")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("value > 1", [">", ["column", "value"], ["number", 1.0]]),
        ("value > -1.5e3", [">", ["column", "value"], ["negative", ["number", 1500.0]]]),
        ("value > .5;", [">", ["column", "value"], ["number", 0.5]]),
        ("value > 1 -- rich", [">", ["column", "value"], ["number", 1.0]]),
        ('"odd name" >= 1', [">=", ["column", "odd name"], ["number", 1.0]]),
        ("nps_class = 'O''Brien'", ["=", ["column", "nps_class"], ["text", "O'Brien"]]),
        ("note = '\"quoted\"'", ["=", ["column", "note"], ["text", '"quoted"']]),
        ("customer_id IN ('c1', 'c2')", ["in", ["column", "customer_id"], ["text", "c1"], ["text", "c2"]]),
        ("holdout", ["=", ["column", "holdout"], ["flag", True]]),
        ("holdout = 0", ["=", ["column", "holdout"], ["number", 0.0]]),
    ],
)
def test_a_text_becomes_a_tree(text, tree):
    assert condition(text, KINDS, where="rule").tree == tree


@pytest.mark.parametrize("form", ["{} IS NOT NULL", "NOT {} IS NULL", "{} IN ('a')", "{} = 'a' OR TRUE", "({} <> 'a')"])
def test_every_column_of_every_table_can_be_named_without_quotes(form):
    schemas = [*TABLES.values(), PREDICTIONS, RECOMMENDATIONS]
    for name in {column.name for schema in schemas for column in schema.columns}:
        assert condition(form.format(name), {name: "text"}, where="rule").columns == (name,)


@pytest.mark.parametrize(
    ("text", "tree"), [(12, ["number", 12.0]), (0.1, ["number", 0.1]), ("value", ["column", "value"])]
)
def test_a_number_becomes_a_tree(text, tree):
    expression = number(text, KINDS, where="cost")
    assert (expression.text, expression.tree) == (str(text), tree)


def test_a_condition_error_is_a_config_error():
    assert issubclass(ConditionError, ConfigError)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("value IN (SELECT 1)", r"'value IN \(SELECT 1\)'"),
        ("EXISTS (SELECT 1)", r"'EXISTS\(SELECT 1\)'"),
        ("(SELECT 1) > 0", r"'\(SELECT 1\)'"),
        ("EXISTS(SELECT 1)", "EXISTS"),
        ("abs(value) > 1", r"'ABS\(value\)'"),
        ("now() > 1", r"'NOW\(\)'"),
        ("read_text('/etc/passwd') = 'x'", "READ_TEXT"),
        ("CASE WHEN holdout THEN 1 END > 0", "'CASE WHEN holdout THEN 1 END'"),
        ("value::INT > 1", r"'CAST\(value AS INT\)'"),
        ("value % 2 = 1", "'value % 2'"),
        ("value // 2 = 1", "'value // 2'"),
        ("note LIKE note", "'note LIKE note'"),
        ("note LIKE 'a%' ESCAPE '!'", "ESCAPE"),
        ("note ILIKE 'a%'", "ILIKE"),
        ("note || 'a' = 'ba'", r"\|\|"),
        ("value = NULL", "'NULL'"),
        ("value IN (1, NULL)", "'NULL'"),
        ("value IN ()", r"'value IN \(\)'"),
        ("holdout IS TRUE", "'holdout IS TRUE'"),
        ("value IS DISTINCT FROM 1", "IS DISTINCT FROM"),
        ("value > ?", r"'\?'"),
        ("value > $1", r"'\$1'"),
        ("value[1] > 1", r"'value\[1\]'"),
        ("value > 1e400", "'1e400'"),
        ("current_date > 1", "'CURRENT_DATE'"),
        ("* > 1", r"'\*'"),
    ],
)
def test_what_is_outside_the_grammar_is_refused_with_what_can_be_used(text, part):
    refused(text, rf"{part}.* cannot be used in .*Only columns, numbers, 'text', TRUE/FALSE, .* IS NULL can be used\.")


def test_bounds_in_any_order_are_not_taken_for_bounds_in_order(table):
    try:
        found = table([(2.0,)], {"value": "number"}).where("value BETWEEN SYMMETRIC 3 AND 1")
    except ConditionError:
        return
    assert found == ([0], [0])


@pytest.mark.parametrize(
    "text", ["(value > 1", "value > 1)", "value >", "AND", "value > 1 OR", "nps_class = 'a", 'value > "a', "value 1 2"]
)
def test_what_is_no_sql_cannot_be_read_and_says_what_it_was(text):
    refused(text, "cannot be read.*Only columns")


def test_an_unbalanced_text_is_located():
    refused("value > 1)", r"cannot be read at character \d+: 'value > 1\)'\. Only columns")


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_is_refused(text):
    refused(text, "must not be empty")


@pytest.mark.parametrize(
    "text",
    [
        "value > 1; value > 2",
        "value > 1; DROP TABLE customers",
        ";",
        "-- nothing",
        "SELECT value",
        "DROP TABLE customers",
        "value > 1 AS rich",
    ],
)
def test_it_is_one_expression(text):
    refused(text, "must be one expression|cannot be read")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("renewal_rsk > 1", "there is no column 'renewal_rsk'; did you mean 'renewal_risk'"),
        ("Value > 1", "there is no column 'Value'; did you mean 'value'"),
        ("zz > 1", r"there is no column 'zz'\. It is named in 'zz > 1'"),
        ('nps_class = "promoter"', "there is no column 'promoter'"),
        ("customers.value > 1", "names a table; give the column alone"),
    ],
)
def test_an_unknown_column_is_named_with_its_near_miss(text, says):
    refused(text, says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("value = 'a'", "compares a number with a text"),
        ("nps_class = 1", "compares a text with a number"),
        ("holdout = 'TRUE'", "compares a flag with a text"),
        ("holdout > 0", "compares a flag with a number"),
        ("value IN (1, 'a')", "compares a number with a text"),
        ("nps_class BETWEEN 'a' AND 'b'", "a text has no order; use = or <> or IN"),
        ("nps_class > 'a'", "a text has no order; use = or <> or IN"),
        ("holdout < TRUE", "a flag has no order"),
        ("nps_class + 1 > 1", "'nps_class' is a text, not a number"),
        ("-note > 1", "'note' is a text, not a number"),
        ("holdout * 2 > 1", "'holdout' is a flag, not a number"),
        ("value AND holdout", "'value' is a number, not a condition"),
        ("NOT nps_class", "'nps_class' is a text, not a condition"),
        ("value", "must be a condition; 'value' is a number. Compare it"),
        ("'promoter'", "must be a condition; .* is a text"),
        ("since > 1", "'since' is a time and cannot be compared"),
        ("value LIKE 'a%'", "LIKE compares a text with a 'pattern'"),
        ("note LIKE 1", "LIKE compares a text with a 'pattern'"),
        ("1 < value < 3", "compares a condition with a number"),
    ],
)
def test_like_is_compared_with_like(text, says):
    refused(text, says)


@pytest.mark.parametrize(("text", "kind"), [("value > 1", "condition"), ("nps_class", "text"), ("holdout", "flag")])
def test_a_number_is_wanted_where_a_number_is_said(text, kind):
    refused(text, f"must be a number; '{text}' is a {kind}", number)


@pytest.mark.parametrize("n", [300, 3_000])
@pytest.mark.parametrize("text", ["(" * 9 + "{}" + ")" * 9, "{}"], ids=["in brackets", "bare"])
@pytest.mark.parametrize("joint", [" AND ", " OR "])
def test_a_long_condition_is_read_or_refused_but_never_a_crash(table, n, joint, text):
    try:
        found = table([(2.0,), (0.0,)], {"value": "number"}).where(text.format(joint.join(["value > 1"] * n)))
    except ConditionError as error:
        assert "is nested too deeply" in str(error)  # noqa: PT017
    else:
        assert found == ([0], [0])


@pytest.mark.parametrize(
    "text", ["(" * 5_000 + "value > 1" + ")" * 5_000, "NOT " * 5_000 + "holdout", "- " * 5_000 + "value > 1"]
)
def test_huge_nesting_is_refused(text):
    refused(text, "is nested too deeply")


def test_a_long_list_is_no_nesting():
    choices = ", ".join(map(str, range(5_000)))
    assert len(condition(f"value IN ({choices})", KINDS, where="rule").tree) == 5_002
