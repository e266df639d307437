import pytest

from cxml.conditions import parse
from cxml.errors import ConditionError
from cxml.predictive.condition_text import condition_tree, conjuncts
from cxml.predictive.items import items_of, one_value

KINDS = {"event_type": "category", "channel": "category", "solved": "flag", "delay_days": "number", "paid": "number"}


@pytest.mark.parametrize(
    "text",
    [
        "event_type = 'contact' AND solved = FALSE",
        "solved",
        "NOT solved AND delay_days > -1.5e2 OR channel <> 'it''s'",
        "delay_days BETWEEN 1 AND 3 AND channel IN ('web', 'phone')",
        "channel NOT IN ('web')",
        "paid - 2 * delay_days / (3 + paid) >= .5",
        "paid IS NULL OR delay_days IS NOT NULL",
        "channel LIKE 'we%' AND channel NOT LIKE '_x'",
        "NOT (solved OR paid < 3) and event_type = 'x'",
        "- paid + 1 <= delay_days",
        "delay_days NOT BETWEEN 1 AND 2",
        '"delay_days" != 3',
    ],
)
def test_a_stored_condition_is_read_as_the_checking_parser_reads_it(text):
    assert condition_tree(text) == _unsure(parse.condition(text, KINDS, where="x").tree)


def _unsure(tree):
    """Return a tree as one reads it without the kinds of columns: a lone flag stays a column."""
    return tree[1] if tree == ["=", ["column", "solved"], ["flag", True]] else tree


@pytest.mark.parametrize("text", ["", "a =", "a ~ b", "(a", "a b", "a NOT b", "IN (1)", "a IS 3", "f(x)", "a = $1"])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ConditionError):
        condition_tree(text)


def test_conjuncts_are_in_order():
    assert [tree[1][1] for tree in conjuncts(condition_tree("a AND (b > 1 AND c = 'x')"))] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("event_type = 'a' AND x > 1", "a"),
        ("event_type IN ('a')", "a"),
        ("event_type IN ('a', 'b')", None),
        ("event_type = 'a' OR x > 1", None),
        ("event_type <> 'a'", None),
        ("~", None),
        (None, None),
    ],
)
def test_the_one_type_that_a_condition_wants(condition, expected):
    assert one_value(condition, "event_type") == expected


def events(**more):
    return {"kind": "aggregate", "name": "f", "table": "events", "aggregate": "count", **more}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (events(where="event_type = 'contact'"), "event:contact"),
        (events(), "activity"),
        (events(aggregate="entropy", column="channel"), "channel"),
        ({"kind": "share", "name": "f", "table": "events", "of": "channel = 'web'"}, "channel"),
        (events(table="surveys", aggregate="mean", column="score"), "answers"),
        (events(table="invitations"), "answers"),
        (events(table="contracts", aggregate="mean", column="price"), "price"),
        (events(table="contracts"), "contract"),
        (events(table="actions"), "actions"),
        ({"kind": "contract", "name": "f", "column": "price"}, "price"),
        ({"kind": "contract", "name": "f", "measure": "price_change"}, "price"),
        ({"kind": "contract", "name": "f", "measure": "days_to_end"}, "contract"),
        ({"kind": "environment", "name": "f", "column": "rain"}, "environment"),
        ({"kind": "segment", "name": "f", "of": "g"}, "segment"),
        ({"kind": "season", "name": "f", "part": "month"}, "season"),
        ({"kind": "recency", "name": "f", "table": "events", "where": "event_type = 'visit'"}, "event:visit"),
        ({"kind": "ratio", "name": "f", "numerator": "g", "denominator": "h"}, "event:delivery"),
        ({"kind": "attribute", "name": "f", "column": "age"}, "customer"),
    ],
)
def test_a_feature_belongs_to_what_it_tells_of(feature, expected):
    other = events(name="g", where="event_type = 'delivery'")
    found = items_of([feature, other], ["f"])
    assert [str(item) for item in found.items] == [expected]


def test_columns_of_a_snapshot_are_items_each():
    features = [{"kind": "attribute", "name": n, "column": n} for n in ("plan", "age")]
    found = items_of(features)
    assert [str(item) for item in found.items] == ["column:age", "column:plan"]
    assert found.groups.tolist() == [1, 0]


def test_ratios_of_each_other_end():
    loop = [{"kind": "ratio", "name": a, "numerator": b, "denominator": a} for a, b in (("x", "y"), ("y", "x"))]
    assert [str(item) for item in items_of(loop).items] == ["activity"]
