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
    ("text", "part", "character", "hint"),
    [
        ("value IN (SELECT 1)", "'SELECT'", 11, "reads the row alone"),
        ("(SELECT 1) > 0", "'SELECT'", 2, "reads the row alone"),
        ("value > 1 UNION SELECT 2", "'UNION'", 11, ""),
        ("value::INT > 1", "'::'", 6, "is read as its kind"),
        ("value % 2 = 1", "'%'", 7, "no remainder"),
        ("value // 2 = 1", "'//'", 7, "FLOOR"),
        ("value >> 1 > 0", "'value >> 1'", 1, ""),
        ("note LIKE note", "'note LIKE note'", 1, "one 'pattern'"),
        ("note LIKE 'a%' ESCAPE '!'", "'ESCAPE'", 16, ""),
        ("note ILIKE 'a%'", "'ILIKE'", 6, "upper and lower case"),
        ("note ~ 'a'", "'~'", 6, ""),
        ("note || 'a' = 'ba'", r"'\|\|'", 6, "Write OR"),
        ("value > 1 && holdout", "'&&'", 11, "Write AND"),
        ("value != 1 AND !holdout", "'!'", 16, "Write NOT"),
        ("value = NULL", "'NULL'", 9, "write IS NULL"),
        ("value IN (1, NULL)", "'NULL'", 14, "write IS NULL"),
        ("coalesce(value, NULL) > 1", "'NULL'", 17, "write IS NULL"),
        ("value IN ()", "'value'", 1, "a list of values in brackets"),
        ("value IN [1, 2]", r"'\['", 10, ""),
        ("holdout IS TRUE", "'IS'", 9, "A flag is a condition by itself"),
        ("value IS DISTINCT FROM 1", "'IS'", 7, "only IS NULL"),
        ("value ISNULL", "'ISNULL'", 7, "IS NULL"),
        ("value > ?", r"'\?'", 9, "no parameters"),
        ("value > $1", r"'\$'", 9, "no parameters"),
        ("value[1] > 1", r"'\['", 6, ""),
        ("{'a': 1} = 1", "'{'", 1, ""),
        ("holdout -> holdout", "'->'", 9, ""),
        ("value > 1e400", "'1e400'", 9, "too large"),
        ("value > 1_000", "'1_000'", 9, "Write numbers as"),
        ("value > \uff15", "'\uff15'", 9, ""),
        ("current_date > 1", "'current_date'", 1, ""),
        ("INTERVAL 1 DAY > 1", "'INTERVAL'", 1, ""),
        ("* > 1", r"'\*'", 1, "Name one column"),
        ("value * * 2 > 1", r"'\*'", 9, "Name one column"),
        ("value = (1, 2)", "'1, 2'", 10, "one value with one value"),
        ("value > 1 AS rich", "'AS'", 11, ""),
        ("DROP TABLE customers", "'DROP'", 1, ""),
        ("nps_class = E'a'", "\"E'a'\"", 13, ""),
        ("nps_class = $$a$$", r"'\$\$a\$\$'", 13, ""),
        ("nps_class = `a`", "'`'", 13, "double quotes"),
        ("nps_class = \u2018a\u2019", "'\u2018a\u2019'", 13, "single quotes"),
        ("valu\u200be > 1", r"'valu\\u200be'", 1, "nobody sees"),
        ("value > 1 {% x %}", "'{%'", 11, ""),
        ("COALESCE(value) > 1", r"'COALESCE\(value\)'", 1, "COALESCE takes 2 values or more"),
        ("FLOOR(value, 2) > 1", "'value, 2'", 7, "FLOOR takes 1 value"),
    ],
)
def test_what_is_outside_the_grammar_is_refused_where_it_stands(text, part, character, hint):
    refused(text, rf"{part} at character {character} cannot be used in .*{hint}.*Only columns, .* can be used\.")


@pytest.mark.parametrize(
    ("text", "name", "character", "hint"),
    [
        ("value > 1 AND abss(value) > 1", "'abss'; did you mean 'ABS'", 15, ""),
        ("ceiling(value) > 1", "'ceiling'; did you mean 'CEIL'", 1, ""),
        ("now() > 1", "'now'", 1, ""),
        ("EXISTS (SELECT 1)", "'EXISTS'", 1, "reads the row alone"),
        ("COUNT(*) > 1", "'COUNT'", 1, "reads the row alone"),
        ("SUM(value) OVER () > 1", "'SUM'", 1, "reads the row alone"),
        ("row_number() OVER () > 1", "'row_number'", 1, ""),
        ("read_text('/etc/passwd') = 'x'", "'read_text'", 1, "No file"),
        ("read_csv('x.csv') = 1", "'read_csv'", 1, "No file"),
        ("getenv('HOME') = 'x'", "'getenv'", 1, "No file"),
        ("CAST(value AS INT) > 1", "'CAST'", 1, "is read as its kind"),
        ("list_filter([1], x -> x > 1) = 1", "'list_filter'", 1, ""),
        ("LOWER(note) = 'a'", "'LOWER'", 1, "each spelling in IN"),
        ("IF(holdout, 1, 2) > 1", "'IF'", 1, "CASE WHEN"),
        ("MAX(value, 1) > 1", "'MAX'", 1, "GREATEST"),
        ("value = ANY (1)", "'ANY'", 9, ""),
        ('"abs"(value) > 1', "'\"abs\"'", 1, ""),
    ],
)
def test_a_call_of_another_function_is_refused_with_what_can_be_called(text, name, character, hint):
    refused(text, rf"there is no function {name}.* at character {character}\..*{hint}.*the functions ABS, .*COALESCE")


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
    refused("value > 1)", r"cannot be read at character 10: 'value > 1\)'\. Only columns")


@pytest.mark.parametrize("text", ["", "  ", "\n", "-- nothing", "/* nothing */"])
def test_an_empty_text_is_refused(text):
    refused(text, "must not be empty")


@pytest.mark.parametrize("text", ["value > 1; value > 2", "value > 1; DROP TABLE customers"])
def test_it_is_one_expression(text):
    refused(text, "must be one expression; another begins at character 11 of")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("renewal_rsk > 1", "there is no column 'renewal_rsk'; did you mean 'renewal_risk'"),
        ("Value > 1", "there is no column 'Value'; did you mean 'value'"),
        ("zz > 1", r"there is no column 'zz'\. It is named in 'zz > 1' at character 1\."),
        ("value > 1 AND valu > 1", "did you mean 'value'.* at character 15"),
        ('nps_class = "promoter"', "there is no column 'promoter'.* A text is put in single quotes: 'promoter'"),
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
        ("1 < value < 3", "compares a condition with a number.*write a < b AND b < c"),
        ("value > 1 AND value = 'a'", "compares a number with a text at character 15 in"),
        ("CASE WHEN holdout THEN 1 ELSE 'a' END > 0", "CASE gives a number and a text, at character 31"),
        ("CASE WHEN holdout THEN 1 ELSE TRUE END > 0", "CASE gives a number and a flag"),
        ("CASE WHEN holdout THEN NULL END > 0", "CASE gives nothing but NULL"),
        ("CASE WHEN holdout THEN value > 1 END", "'value > 1' is a condition, at character 24"),
        ("CASE WHEN value THEN 1 END > 0", "'value' is a number, not a condition"),
        ("CASE nps_class WHEN 1 THEN 1 END > 0", "compares a text with a number"),
        ("COALESCE(value, 'a') > 1", "COALESCE takes a number and a text, at character 17"),
        ("FLOOR(note) > 1", "'note' is a text, not a number, at character 7"),
        ("LEAST(note, 'a') = 'a'", "'note' is a text, not a number"),
        ("CASE nps_class WHEN NULL THEN 1 END > 0", "write IS NULL"),
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
def test_a_long_condition_runs_everywhere(table, n, joint, text):
    found = table([(2.0,), (0.0,)], {"value": "number"}).where(text.format(joint.join(["value > 1"] * n)))
    assert found == ([0], [0])


@pytest.mark.parametrize("part", ["abs({})", "({} + 1)", "CASE WHEN holdout THEN {} ELSE 1 END", "(1 / {})", "-({})"])
def test_what_is_as_deep_as_allowed_runs_everywhere(table, part):
    text = "value"
    while True:
        try:
            condition(f"{text} > 0", KINDS, where="rule")
        except ConditionError as error:
            assert "is nested too deeply" in str(error)  # noqa: PT017
            break
        deepest, text = text, part.format(text)
    arrays, in_duckdb = table([(2.0, True), (None, None)], {"value": "number", "holdout": "flag"}).where(
        f"{deepest} > 0"
    )
    assert arrays == in_duckdb


def test_a_sum_of_as_many_parts_as_allowed_runs_everywhere(table):
    text = "value" + " + value" * 90 + " = 91"
    assert table([(1.0,), (2.0,)], {"value": "number"}).where(text) == ([0], [0])
    refused("value" + " + value" * 110 + " = 91", "is nested too deeply")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "value > 1" + ")" * 10_000,
        "NOT " * 10_000 + "holdout",
        "- " * 10_000 + "value > 1",
        "CASE WHEN " * 5_000 + "holdout",
        "abs(" * 5_000 + "value" + ")" * 5_000 + " > 1",
        "NOT (" * 5_000 + "holdout" + ")" * 5_000,
        "value" + " + value" * 9_000 + " > 1",
        "value" + " BETWEEN value" * 5_000,
    ],
)
def test_huge_nesting_is_refused(text):
    refused(text, "is nested too deeply|cannot be read")


def test_what_is_said_again_and_again_is_refused():
    text = "value"
    for _ in range(17):  # three choices at each level: 3 ** 17 if it were written out
        text = f"CASE {text} WHEN 1 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 4 END"
    refused(f"{text} > 1", "is nested too deeply or says too much")


def test_a_long_list_is_no_nesting(table):
    choices = ", ".join(map(str, range(5_000)))
    assert len(condition(f"value IN ({choices})", KINDS, where="rule").tree) == 5_002
    given = table([(4_999.0,), (5_000.0,), (0.5,), (None,)], {"value": "number"})
    assert given.where(f"value IN ({choices})") == ([0], [0])
    assert given.where(f"value NOT IN ({choices})") == ([1, 2], [1, 2])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("value > 1 AND " * 80_000 + "holdout", "has 1,120,007 characters, and 100,000 are allowed"),
        ("v" * 90_000 + " > 1", "there is no column"),
        ("value > " + "9" * 90_000, "is too large for a number"),
        ("," * 90_000, "cannot be read"),
        (";" * 90_000, "must be one expression"),
        ("a." * 40_000, "names a table"),
        ("/*" * 30_000, "cannot be"),
        ("'" * 99_999, "a quote or a comment is not closed"),
        ("value > 1 /* and", "a quote or a comment is not closed"),
        ("value > 1\0", r"has '\\x00' at character 10, which nobody sees"),
        ("nps_class = 'a\0'", r"has '\\x00' at character 15"),
        ("nps_class = '\ud800'", r"has '\\ud800' at character 14"),
        ("value > \u00b2", "there is no column"),
    ],
)
def test_an_absurd_text_is_refused_in_few_words(text, says):
    refused(text, says)
    with pytest.raises(ConditionError) as caught:
        condition(text, KINDS, where="rule")
    assert len(str(caught.value)) < 1_500


def test_comments_and_spaces_say_nothing():
    assert condition("value /* rich */ >\n\t 1 -- yes", KINDS, where="rule").tree == [
        ">", ["column", "value"], ["number", 1.0]
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", ["%a" * 200 + "b", "%_" * 300 + "b", "%" * 5_000, "a%" * 100])
def test_a_pattern_of_many_parts_is_no_trap(table, pattern):
    arrays, in_duckdb = table([("a" * 300,), ("b",), (None,)], {"s": "text"}).where(f"s LIKE '{pattern}'")
    assert arrays == in_duckdb
