import pandas as pd
import pytest

from cxml.config.labels import NpsLabel, RenewalLabel, ValueLabel
from cxml.descriptive.labels import nps_labels, renewal_labels
from cxml.descriptive.value_labels import value_labels
from cxml.errors import ConfigError, CxmlError, SchemaError


def snapshot(company, column, values, **options):
    customers = [{"customer_id": f"c{i}", column: value} for i, value in enumerate(values)]
    return company(customers=customers, labels={"nps": {"column": column}}, as_of="2024-01-01", **options).tables


def test_a_column_of_scores_is_known_at_the_moment_of_the_snapshot(company):
    found = nps_labels(snapshot(company, "Likely To Recommend", [9, None, 0]), NpsLabel(column="Likely To Recommend"))
    assert found.columns.tolist() == ["customer_id", "as_of", "known_time", "label", "score"]
    assert found["customer_id"].tolist() == ["c0", "c2"]
    assert found["score"].tolist() == [9, 0]
    assert found["label"].tolist() == ["promoter", "detractor"]
    assert (found[["as_of", "known_time"]] == pd.Timestamp("2024-01-01")).all(axis=None)


@pytest.mark.parametrize(
    ("values", "options", "says"),
    [
        (
            [9, 87, 3],
            {},
            r"customers\.x: must be a whole number from 0 to 10, .*; 1 of 3 rows is not .*customer 'c1' has 87",
        ),
        ([9, 7.5, 3], {}, r"must be a whole number .*; 1 of 3 rows is not \(first: customer 'c1' has 7.5\)"),
        ([9, 0, -3], {"scale": [1, 10]}, r"must be a whole number from 1 to 10, .*; 2 of 3 rows are not .*'c1' has 0"),
        (
            [1, 6, 3],
            {"instrument": "stars"},
            r"must be 1-5, .*; 1 of 3 rows is not .* set `scale: \[lowest, highest\]`",
        ),
        (
            [0, 101, 3],
            {"scale": [0, 100], "classes": [60, 80]},
            r"must be 0-100, .*; 1 of 3 rows is not .*'c1' has 101",
        ),
    ],
)
def test_a_score_off_the_scale_is_refused(company, values, options, says):
    with pytest.raises(SchemaError, match=says):
        nps_labels(snapshot(company, "x", values), NpsLabel(column="x", **options))


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([1, 6, 7, 8, 9, 10], {"scale": [1, 10]}, "ddpprr"),
        ([1, 3, 4, 5, 3.5, 4.5], {"instrument": "stars"}, "ddprpr"),
        ([1, 3, 4, 5], {"scale": [1, 5]}, "ddpr"),
        ([1, 4, 5, 6, 7], {"instrument": "ces"}, "ddppr"),
        ([0, 64.5, 65, 84, 84.5], {"scale": [0, 100], "classes": [64.5, 84]}, "ddppr"),
        ([1, 2, 3], {"scale": [1, 3], "classes": [1, 2], "instrument": "smiley"}, "dpr"),
        ([6, 5, 8, 7.5], {"classes": [5, 7]}, "pdrr"),
    ],
)
def test_a_column_of_another_scale_has_the_classes_of_that_scale(company, values, options, expected):
    names = {"d": "detractor", "p": "passive", "r": "promoter"}
    found = nps_labels(snapshot(company, "rating", values), NpsLabel(column="rating", **options))
    assert found["label"].tolist() == [names[letter] for letter in expected]


@pytest.mark.parametrize("values", [["good", "bad"], [True, False]], ids=["words", "true and false"])
def test_scores_must_be_numbers(company, values):
    with pytest.raises(CxmlError, match="nps"):
        nps_labels(snapshot(company, "nps", values), NpsLabel(column="nps"))


@pytest.mark.parametrize(
    ("values", "lost", "expected"),
    [
        (["Churned", "Stayed", "Joined", None], "Churned", [1, 0, 0]),
        (["Churned", "Stayed", "Joined"], ["Churned", "Joined"], [1, 0, 1]),
        (["Yes", "No", None], "Yes", [1, 0]),
        ([1, 0, None], 1, [1, 0]),
        ([2.5, 1.0], 2.5, [1, 0]),
        ([1_000_001, 1_000_002], 1_000_001, [1, 0]),
        ([True, False, None], True, [1, 0]),
        ([True, False], False, [0, 1]),
    ],
    ids=["text", "two values", "yes", "whole number", "number", "long number", "true", "false"],
)
def test_a_column_of_outcomes_becomes_one_where_lost(company, values, lost, expected):
    label = RenewalLabel(column="outcome", lost=lost)
    assert renewal_labels(snapshot(company, "outcome", values), label)["label"].tolist() == expected


def test_a_lost_value_that_is_not_there_lists_the_values_that_are(company):
    label = RenewalLabel(column="outcome", lost="Yes")
    with pytest.raises(ConfigError, match=r"labels\.renewal\.lost: .*'Yes'.*its values are 'churned', 'stayed'"):
        renewal_labels(snapshot(company, "outcome", ["stayed", "churned", "stayed"]), label)


def test_the_answer_no_that_yaml_reads_as_false_is_pointed_out(company):
    with pytest.raises(ConfigError, match=r"'No', 'Yes'.*Quote words such as 'Yes'"):
        renewal_labels(snapshot(company, "outcome", ["No", "Yes"]), RenewalLabel(column="outcome", lost=True))


def test_a_column_that_is_not_there_is_named_with_the_nearest(company):
    tables = snapshot(company, "Churn Label", ["Yes", "No"])
    with pytest.raises(ConfigError, match=r"labels\.renewal\.column: .*'Churn_Label'; did you mean 'Churn Label'"):
        renewal_labels(tables, RenewalLabel(column="Churn_Label", lost="Yes"))
    with pytest.raises(ConfigError, match=r"labels\.nps\.column: customers has no column 'nps'"):
        nps_labels(tables, NpsLabel(column="nps"))


SPEND = ValueLabel(table="customers", column="spend")


def test_a_column_of_money_is_what_came_in(company):
    found = value_labels(snapshot(company, "spend", [12.5, 0, None, -3]), SPEND)
    assert found.columns.tolist() == ["customer_id", "as_of", "known_time", "label"]
    assert dict(zip(found["customer_id"], found["label"], strict=True)) == {"c0": 12.5, "c1": 0, "c3": -3}
    assert (found[["as_of", "known_time"]] == pd.Timestamp("2024-01-01")).all(axis=None)


def test_of_moments_that_are_asked_about_a_column_is_what_came_after(company):
    asked = pd.DataFrame({"customer_id": ["c1", "c0", "c9"], "as_of": pd.to_datetime(["2023-12-01"] * 3)})
    found = value_labels(snapshot(company, "spend", [12.5, 0.0]), SPEND, asked)
    assert found[["customer_id", "label"]].to_numpy().tolist() == [["c0", 12.5], ["c1", 0.0]]
    assert (found["as_of"] == pd.Timestamp("2023-12-01")).all()
    assert (found["known_time"] == pd.Timestamp("2024-01-01")).all()


def test_money_must_be_a_number_in_a_column_that_is_there(company):
    tables = snapshot(company, "spend", ["much", "little"])
    with pytest.raises(
        ConfigError, match=r"labels\.value\.column: customers\.spend must be a number; it is a category"
    ):
        value_labels(tables, SPEND)
    with pytest.raises(ConfigError, match=r"labels\.value\.column: .*'spent'; did you mean 'spend'"):
        value_labels(tables, ValueLabel(table="customers", column="spent"))


def test_a_snapshot_needs_a_moment(company):
    tables = company(customers=[{"customer_id": "ada", "nps": 3}]).tables
    with pytest.raises(ConfigError, match=r"as_of: must be set"):
        nps_labels(tables, NpsLabel(column="nps"))
