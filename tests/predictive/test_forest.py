import lightgbm
import numpy as np
import pytest

from cxml.predictive.forest import Split, UnreadForestError, forest_from_text

TEXT = """tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=3

Tree=0
num_leaves=4
num_cat=1
split_feature=2 0 3
threshold=1.5 -2 0
decision_type=10 4 1
left_child=1 -1 -2
right_child=2 -3 -4
leaf_value=0.5 -1 2 0.25
leaf_count=10 20 30 40
internal_count=100 40 60
cat_boundaries=0 2
cat_threshold=5 2
is_linear=0
shrinkage=1


end of trees

feature_importances:
"""


def test_a_tree_is_read_as_lightgbm_writes_it():
    forest = forest_from_text(TEXT.encode())
    (tree,) = forest.trees
    assert (forest.n_features, forest.n_classes) == (4, 1)
    assert tree.splits == (
        Split(2, 1.5, "nan", True),
        Split(0, -2.0, "zero", False),
        Split(3, 0.0, "nan", False, frozenset({0, 2, 33})),
    )
    assert tree.mean == pytest.approx(0.1 * 0.5 + 0.2 * -1 + 0.3 * 2 + 0.4 * 0.25)
    assert [tree.rows_of(child) for child in (2, -1)] == [60, 10]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("is_linear=0", "is_linear=1", "linear"),
        ("version=v4", "average_output", "averaged"),
        ("leaf_count=10 20", "leaf_count=0 20", "no training row"),
        ("threshold=1.5", "threshold=nan", "not a number"),
        ("left_child=1 -1", "left_child=-1 -1", "order"),
        ("left_child=1 -1 -2\n", "left_child=1 -1\n", "more or fewer splits"),
        ("leaf_value", "leaf", "KeyError"),
        ("split_feature=2 0 3", "split_feature=2 0 4", "a feature"),
    ],
)
def test_what_cannot_be_explained_is_refused(old, new, match):
    with pytest.raises(UnreadForestError, match=match):
        forest_from_text(TEXT.replace(old, new).encode())


def test_classes_take_turns():
    X, y = np.random.default_rng(0).normal(size=(300, 2)), np.repeat([0, 1, 2], 100)
    params = {"objective": "multiclass", "num_class": 3, "verbose": -1}
    forest = forest_from_text(lightgbm.train(params, lightgbm.Dataset(X, y), 4).model_to_string().encode())
    assert (forest.n_classes, len(forest.trees)) == (3, 12)
