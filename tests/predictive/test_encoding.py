import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.predictive.encoding import Encoding, common_levels, frame_columns

ENCODING = Encoding(("tenure", "plan", "price"), {"plan": ("basic", "gold")})
ROW = {"tenure": [3], "plan": ["gold"], "price": [9.5]}


def test_columns_are_aligned_by_name():
    matrix, unseen = ENCODING.matrix(ENCODING.typed({"price": [9.5], "plan": ["gold"], "tenure": [3]}))
    assert matrix.tolist() == [[3.0, 1.0, 9.5]]
    assert unseen == ()


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")])
def test_missing_is_missing_however_it_is_written(missing):
    matrix, unseen = ENCODING.matrix(ENCODING.typed({"tenure": [missing], "plan": [missing], "price": [missing]}))
    assert np.isnan(matrix).all()
    assert unseen == ()


def test_an_unseen_category_is_unknown_counted_and_reported():
    rows = {"tenure": [1, 2, 3], "plan": ["silver", "gold", "bronze"], "price": [1, 1, 1]}
    matrix, (unseen,) = ENCODING.matrix(ENCODING.typed(rows))
    assert np.isnan(matrix[[0, 2], 1]).all()
    assert (unseen.feature, unseen.rows, unseen.first) == ("plan", 2, "silver")
    assert str(unseen) == (
        "features.plan: 2 rows have categories not seen in training (first: 'silver'); scored as unknown"
    )


def test_a_missing_column_is_named_with_the_near_miss():
    with pytest.raises(SchemaError, match=r"features: has no column 'tenure'; did you mean 'tenur'\?"):
        ENCODING.typed({"tenur": [3], "plan": ["gold"], "price": [1]})


def test_an_extra_column_is_named():
    with pytest.raises(SchemaError, match=r"only the 3 columns .* 1 more is there \(first: 'age'\)\. Drop them"):
        ENCODING.typed({**ROW, "age": [40]})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("tenure", "3", r"features.tenure: must be a number, as in training; 1 of 1 rows is not \(first: row 0, '3'\)"),
        ("plan", 2, r"features.plan: must be text, as in training; 1 of 1 rows is not \(first: row 0, 2\)"),
        ("price", [1], r"features.price: must be a number"),
    ],
)
def test_a_retyped_column_is_named(column, value, message):
    with pytest.raises(SchemaError, match=message):
        ENCODING.typed({**ROW, column: [value]})


def test_a_number_column_swapped_with_a_name_column_is_named_twice():
    with pytest.raises(
        SchemaError, match=r"(?s)2 faults.*features.tenure: must be a number.*features.plan: must be text"
    ):
        ENCODING.typed({**ROW, "tenure": ["gold"], "plan": [3]})


def test_all_faults_come_together():
    with pytest.raises(SchemaError, match=r"(?s)3 faults.*no column 'price'.*1 more is there.*features.tenure"):
        ENCODING.typed({"tenure": ["x"], "plan": ["gold"], "extra": [1]})


def test_keys_may_stand_beside_the_features():
    assert list(ENCODING.typed({"customer_id": ["c1"], "as_of": [None], **ROW})) == ["tenure", "plan", "price"]


def test_a_column_twice_is_refused():
    frame = pd.DataFrame([[1, 2]], columns=["tenure", "tenure"])
    with pytest.raises(SchemaError, match="has the column 'tenure' twice"):
        frame_columns(frame)


def test_frames_of_two_models_get_the_same_categories():
    frames = {"a": pd.DataFrame({"plan": ["x", None]}), "b": pd.DataFrame({"plan": ["y", "x"]})}
    found = common_levels(frames)
    assert [list(frame["plan"].cat.categories) for frame in found.values()] == [["x", "y"], ["x", "y"]]
    assert frames["a"]["plan"].tolist()[0] == "x"  # what came in is not touched
    assert str(frames["a"]["plan"].dtype) != "category"


def test_a_value_is_shown_as_a_person_reads_it():
    assert [ENCODING.shown("plan", 1.0), ENCODING.shown("price", 9.5), ENCODING.shown("plan", np.nan)] == [
        "gold", "9.5", "unknown",
    ]  # fmt: skip
