import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.schema.check import checked_frame
from cxml.schema.frames import FEATURES, PREDICTIONS, RECOMMENDATIONS

AS_OF = pd.Timestamp("2024-07-01", tz="UTC")


def features(**columns):
    return pd.DataFrame({"customer_id": ["c1", "c2"], "as_of": AS_OF, "visits_90d": [3.0, np.nan]} | columns)


def predictions(**columns):
    chances = {"p_detractor": [0.7, 0.2], "p_passive": [0.2, 0.3], "p_promoter": [0.1, 0.5]}
    rest = {"nps_class": ["detractor", "promoter"], "renewal_risk": 0.3, "health": 60.0, "value": 100.0}
    key = {"customer_id": ["c1", "c2"], "as_of": AS_OF}
    return pd.DataFrame(key | chances | rest | {"model_version": "v1"} | columns)


def recommendations(**columns):
    said = {"action": ["call", "no_action"], "channel": ["phone", None], "expected_value": [12.5, 0.0], "cost": 0.0}
    why = {"rule": "risk > 0.5", "runner_up": None, "why": "risk is 0.7", "propensity": 1.0, "holdout": False}
    said |= {
        "contact_time": AS_OF,
        "expected_low": 0.0,
        "expected_high": 20.0,
        "effect_source": "assumed",
        "evidence": 0.0,
        "priority": 1.0,
    }
    why |= {"margin": [1.0, None], "smallest_change": None, "explored": False, "intended": "call"}
    ids = {"policy_version": "p1", "model_version": "v1", "decision_id": ["d1", "d2"]}
    return pd.DataFrame({"customer_id": ["c1", "c2"], "as_of": AS_OF} | said | why | ids | columns)


@pytest.mark.parametrize(
    ("frame", "schema"),
    [(features(), FEATURES), (predictions(), PREDICTIONS), (recommendations(), RECOMMENDATIONS)],
    ids=["features", "predictions", "recommendations"],
)
def test_a_frame_that_keeps_its_schema_is_handed_on_itself_and_unchanged(frame, schema):
    before = frame.copy(deep=True)
    assert checked_frame(frame, schema) is frame
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"customer_id": ["c1", None]}, r"features\.customer_id: must be filled; 1 of 2 rows is not \(first: row 1"),
        ({"customer_id": "c1"}, r"features\.customer_id: must be unique together with as_of; 1 of 2 rows is not"),
        ({"as_of": [AS_OF, None]}, r"features\.as_of: must be filled; 1 of 2 rows is not .*customer 'c2', no value"),
        ({"visits_90d": [3.0, np.inf]}, r"visits_90d: must be finite; 1 of 2 rows is not .*customer 'c2', inf"),
    ],
)
def test_features_break_a_rule(columns, says):
    with pytest.raises(SchemaError, match=says):
        checked_frame(features(**columns), FEATURES)


def test_features_of_one_customer_at_two_moments_are_two_rows():
    checked_frame(features(customer_id="c1", as_of=[AS_OF, AS_OF + pd.Timedelta(days=1)]), FEATURES)


def test_features_may_hold_nothing_and_carry_any_column():
    checked_frame(features(visits_90d=np.nan, city=pd.Categorical(["Porto", None]), x=[True, None]), FEATURES)


def test_a_frame_without_rows_or_key_is_refused():
    with pytest.raises(SchemaError, match="features: must have rows; it has none"):
        checked_frame(features().head(0), FEATURES)
    with pytest.raises(SchemaError, match="features: has no column 'as_of'; did you mean 'asof'"):
        checked_frame(features().rename(columns={"as_of": "asof"}), FEATURES)


@pytest.mark.parametrize("column", ["p_detractor", "p_passive", "p_promoter", "renewal_risk", "health", "value"])
def test_a_prediction_may_be_unknown(column):
    checked_frame(predictions(**{column: np.nan}), PREDICTIONS)


@pytest.mark.parametrize(
    ("column", "values", "n"),
    [
        ("renewal_risk", [0.0, 1.0], 0),
        ("renewal_risk", [-0.001, 1.001], 2),
        ("health", [0.0, 100.0], 0),
        ("health", [-0.1, 100.1], 2),
        ("health", [50.0, 100.1], 1),
    ],
)
def test_a_prediction_keeps_to_its_range(column, values, n):
    frame = predictions(**{column: values})
    if not n:
        checked_frame(frame, PREDICTIONS)
        return
    scale = "0-1" if column == "renewal_risk" else "0-100"
    with pytest.raises(SchemaError, match=rf"predictions\.{column}: must be {scale}; {n} of 2 rows (is|are) not"):
        checked_frame(frame, PREDICTIONS)


@pytest.mark.parametrize("column", ["p_detractor", "p_passive", "p_promoter"])
def test_a_probability_keeps_to_its_range(column):
    with pytest.raises(SchemaError, match=rf"{column}: must be 0-1; 1 of 2 rows is not .*customer 'c2', 1.5"):
        checked_frame(predictions(**{column: [np.nan, 1.5]}), PREDICTIONS)


@pytest.mark.parametrize(("off", "kept"), [(0.0, True), (5e-10, True), (-5e-10, True), (2e-9, False), (-0.01, False)])
def test_the_three_probabilities_add_up_to_one(off, kept):
    frame = predictions(p_promoter=[0.1, 0.5 + off])
    if kept:
        checked_frame(frame, PREDICTIONS)
        return
    says = r"p_promoter: must add up to 1 with p_detractor and p_passive; 1 of 2 rows does not \(first: row 1"
    with pytest.raises(SchemaError, match=says):
        checked_frame(frame, PREDICTIONS)


@pytest.mark.parametrize("nps_class", ["detractr", "Promoter", ""])
def test_a_class_is_one_of_three(nps_class):
    checked_frame(predictions(nps_class=["passive", None]), PREDICTIONS)
    says = rf"nps_class: must be one of detractor, passive, promoter; 1 of 2 rows is not .*'{nps_class}'"
    with pytest.raises(SchemaError, match=says):
        checked_frame(predictions(nps_class=["passive", nps_class]), PREDICTIONS)


def test_the_classes_may_be_an_ordered_categorical():
    classes = pd.Categorical(["detractor", "promoter"], ["detractor", "passive", "promoter"], ordered=True)
    checked_frame(predictions(nps_class=classes), PREDICTIONS)


def test_predictions_may_carry_reasons_and_recommendations_nothing_more():
    checked_frame(predictions(reason_1_feature="visits_90d"), PREDICTIONS)
    with pytest.raises(SchemaError, match=r"has 2 columns that it must not have \(first: 'mood'\)"):
        checked_frame(recommendations(mood=1.0, luck=2.0), RECOMMENDATIONS)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"decision_id": "d1"}, r"decision_id: must be unique; 1 of 2 rows is not .*customer 'c2', 'd1'"),
        ({"action": ["call", None]}, r"action: must be filled; 1 of 2 rows is not"),
        ({"expected_value": [1.0, np.nan]}, r"expected_value: must be filled; 1 of 2 rows is not"),
        ({"cost": [1.0, -1.0]}, r"cost: must be 0 or more; 1 of 2 rows is not"),
        ({"propensity": [1.0, 1.01]}, r"propensity: must be 0-1; 1 of 2 rows is not"),
        ({"holdout": [False, None]}, r"holdout: must be filled; 1 of 2 rows is not"),
    ],
)
def test_recommendations_break_a_rule(columns, says):
    with pytest.raises(SchemaError, match=rf"recommendations\.{says}"):
        checked_frame(recommendations(**columns), RECOMMENDATIONS)


def test_all_faults_of_a_frame_are_raised_at_once():
    frame = recommendations(cost=-1.0, propensity=2.0).drop(columns="why")
    with pytest.raises(SchemaError, match=r"(?s)^3 faults:.*no column 'why'.*\.cost: .*2 of 2.*\.propensity: .*2 of 2"):
        checked_frame(frame, RECOMMENDATIONS)
