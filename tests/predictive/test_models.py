import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cxml.errors import SchemaError, TrainingError
from cxml.predictive.models import NpsClassifier, RenewalClassifier


def test_probabilities_are_near_the_truth_that_made_the_labels():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=6_000), "b": rng.choice(["x", "y"], 6_000)})
    p = expit(X["a"] + np.where(X["b"] == "x", 1.0, -1.0))
    y = (rng.random(len(X)) < p).astype(float)
    found = RenewalClassifier().fit(X, y).predict_proba(X)[:, 1]
    assert np.abs(found - p).mean() < 0.04


def test_nps_classes_come_in_the_order_of_the_scale(nps_model, nps_data):
    X, y = nps_data
    assert nps_model.classes_.tolist() == ["detractor", "passive", "promoter"]
    p = nps_model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for k, name in enumerate(nps_model.classes_):
        assert roc_auc_score(y == name, p[:, k]) > 0.6
    assert set(nps_model.predict(X)) <= set(nps_model.classes_)


def test_the_same_seed_gives_the_same_model_however_many_jobs(renewal_data, renewal_model):
    again = RenewalClassifier(max_trees=200, learning_rate=0.1, n_jobs=1).fit(*renewal_data)
    assert again.heads_.forests == renewal_model.heads_.forests
    assert again.heads_.to_json() == renewal_model.heads_.to_json()


def test_columns_are_found_by_name_not_by_place(renewal_model, renewal_data):
    X, _ = renewal_data
    assert np.array_equal(renewal_model.predict_proba(X[X.columns[::-1]]), renewal_model.predict_proba(X))


def test_an_array_without_names_is_refused_where_names_were_learnt(renewal_model, renewal_data):
    with pytest.raises(SchemaError, match="must be a dataframe, so that every column has a name; it is a ndarray"):
        renewal_model.predict_proba(renewal_data[0].to_numpy())


def test_it_keeps_scikit_learn_manners(renewal_data):
    model = clone(RenewalClassifier(num_leaves=3).set_params(max_trees=30))
    assert model.get_params() == {
        "members": ("trees", "score", "curves"), "learning_rate": 0.05, "num_leaves": 3, "max_trees": 30,
        "n_folds": 4, "n_jobs": -1, "random_state": 0,
    }  # fmt: skip
    pipe = make_pipeline(FunctionTransformer(), model)
    assert cross_val_score(pipe, *renewal_data, scoring="roc_auc", cv=3).mean() > 0.65


def test_no_customer_helps_to_judge_their_own_rows():
    rng = np.random.default_rng(5)
    customers = np.repeat(np.arange(150), 8)
    X = pd.DataFrame({"who": customers.astype(float), "noise": rng.normal(size=1_200)})
    y = np.repeat(rng.integers(0, 2, 150), 8).astype(float)  # a coin per customer: nothing to learn about the others
    by_customer = RenewalClassifier(max_trees=100).fit(X, y, groups=customers)
    by_row = RenewalClassifier(max_trees=100).fit(X, y)
    assert by_customer.n_trees_["trees_1"] < by_row.n_trees_["trees_1"]


def test_refit_keeps_trees_and_calibration_and_learns_new_rows(renewal_data):
    X, y = renewal_data
    model = RenewalClassifier(max_trees=100).fit(X[:800], y[:800])
    trees, heads, forests = model.n_trees_, model.heads_.heads, model.heads_.forests
    model.refit(X, y)
    assert (model.n_trees_, model.heads_.heads) == (trees, heads)
    assert model.heads_.forests != forests


def test_one_class_only_names_the_class():
    X = pd.DataFrame({"a": np.arange(200.0)})
    with pytest.raises(TrainingError, match=r"renewal: needs rows of at least two classes; all 200 are .*0\.0"):
        RenewalClassifier().fit(X, np.zeros(200))


def test_a_class_with_fewer_rows_than_folds_is_named():
    X = pd.DataFrame({"a": np.arange(200.0)})
    y = np.array(["promoter"] * 120 + ["detractor"] * 77 + ["passive"] * 3)
    with pytest.raises(TrainingError, match="nps: needs at least 4 rows of each class; 'passive' has 3"):
        NpsClassifier().fit(X, y)


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(TrainingError, match="a row has 'happy'"):
        NpsClassifier().fit(pd.DataFrame({"a": [1.0, 2.0]}), ["promoter", "happy"])


def test_an_identifier_is_not_learnt_by_heart():
    X = pd.DataFrame({"email": [f"c{i}@x.org" for i in range(1_500)]})
    with pytest.raises(TrainingError, match=r"features.email: must have at most 1,000 different names; it has 1,500"):
        RenewalClassifier().fit(X, np.arange(1_500) % 2.0)


def test_a_column_of_several_types_is_refused():
    X = pd.DataFrame({"a": ["x", 3, None] * 100})
    with pytest.raises(
        SchemaError, match=r"features.a: must be text, as in training; 100 of 300 rows are not \(first: row 1, 3\)"
    ):
        RenewalClassifier().fit(X, np.arange(300) % 2.0)
