"""The blend of each head: what it is worth beside its parts, and what it refuses."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from cxml.errors import BundleError, SchemaError, TrainingError
from cxml.predictive.blending import blended
from cxml.predictive.calibration import Calibration
from cxml.predictive.heads import Head, Heads, class_probabilities, falling
from cxml.predictive.models import NpsClassifier, RenewalClassifier
from cxml.predictive.ordinal import OrdinalClassifier
from cxml.predictive.splits import later_folds
from cxml.schema.columns import NPS_CLASSES


def scored(n, seed):
    """Return features, a latent score on 0-10 that they explain in a straight line and a step, and its classes."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    latent = 7.2 + 1.2 * X["a"] + 1.6 * (X["b"] > 0.3) - 0.8 + rng.normal(size=n) * 1.2
    scores = np.clip(np.round(latent), 0, 10).to_numpy()
    return X, scores, np.array(NPS_CLASSES)[np.digitize(scores, [6.5, 8.5])]


def loss(model, X, y):
    p = model.predict_proba(X)
    return -np.log(p[np.arange(len(y)), model.class_codes(y)]).mean()


def test_the_blend_is_no_worse_than_any_of_its_parts():
    X, scores, y = scored(3_000, 0)
    parts = [("trees",), ("score",), ("curves",), ("trees", "score", "curves")]
    losses = [
        loss(
            NpsClassifier(members=m, learning_rate=0.1).fit(X[:1_000], y[:1_000], scores=scores[:1_000]),
            X[1_000:],
            y[1_000:],
        )
        for m in parts
    ]
    assert losses[-1] < min(losses[:-1]) + 0.005


def test_the_score_tells_more_than_its_class():
    X, scores, y = scored(3_000, 1)
    model = NpsClassifier(members=("score",), learning_rate=0.1)
    with_scores = loss(model.fit(X[:1_000], y[:1_000], scores=scores[:1_000]), X[1_000:], y[1_000:])
    assert with_scores < loss(model.fit(X[:1_000], y[:1_000]), X[1_000:], y[1_000:])


def test_a_member_that_says_nothing_gets_no_weight():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4_000)
    hits = (rng.random(4_000) < expit(truth)).astype(float)
    weights, bias = blended(np.column_stack([truth, rng.normal(size=4_000)]), hits, np.ones(4_000))
    assert weights[0] == pytest.approx(1, abs=0.1)
    assert weights[1] < 0.1
    assert bias == pytest.approx(0, abs=0.1)


def test_two_members_of_half_the_truth_each_are_added_up():
    rng = np.random.default_rng(1)
    halves = rng.normal(size=(6_000, 2))
    hits = (rng.random(6_000) < expit(1.5 * halves[:, 0] + 0.5 * halves[:, 1] - 0.4)).astype(float)
    weights, bias = blended(halves, hits, np.ones(6_000))
    np.testing.assert_allclose([*weights, bias], [1.5, 0.5, -0.4], atol=0.12)


def test_no_weight_is_below_zero_and_a_constant_member_is_left_out():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=3_000)
    hits = (rng.random(3_000) < expit(truth)).astype(float)
    weights, _ = blended(np.column_stack([truth, -truth, np.full(3_000, 7.0)]), hits, np.ones(3_000))
    assert weights[0] > 0.5
    assert weights[1:].tolist() == [0, 0]


def test_case_weights_move_the_probabilities_to_the_weighted_shares():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.normal(size=4_000)})
    y = (rng.random(4_000) < 0.5).astype(float)
    model = RenewalClassifier(max_trees=30).fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(0.75, abs=0.02)


def test_class_probabilities_by_hand():
    np.testing.assert_allclose(
        class_probabilities(np.array([[0.9, 0.3], [0.5, 0.5]])), [[0.1, 0.6, 0.3], [0.5, 0, 0.5]]
    )


def test_heads_that_cross_are_made_to_fall_and_leave_the_class_between_a_thousandth():
    flat = Calibration("temperature", (1.0,))
    heads = Heads({}, {}, (Head({}, 0.0, flat), Head({}, 1.0, flat)))
    np.testing.assert_allclose(heads.probabilities(np.zeros((1, 0))), [[0.5, 0.001, 0.499]])


def test_no_class_is_impossible_even_where_little_is_above_it():
    own = np.array([[0.9, 0.3, 0.2], [0.001, 0.9, 0.9], [0.4, 0.3995, 0.1]])
    np.testing.assert_allclose(falling(own), [[0.9, 0.3, 0.2], [0.001, 0.0005, 0.00025], [0.4, 0.399, 0.1]], rtol=1e-12)
    rng = np.random.default_rng(0)
    own = rng.random((1_000, 4))
    p = class_probabilities(falling(own))
    assert (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    higher = falling(np.minimum(own + rng.random((1_000, 4)) / 10, 1))
    assert (higher >= falling(own)).all()  # a head that says more never lowers another


def test_a_head_without_its_member_is_refused():
    with pytest.raises(BundleError, match="needs the member 'trees_1', which is not there"):
        Heads({}, {}, (Head({"trees_1": 1.0}, 0.0, Calibration("temperature", (1.0,))),))


def test_contributions_add_up_to_the_log_odds(nps_model, nps_data):
    matrix, _ = nps_model.encoding_.matrix(nps_model.encoding_.typed(dict(nps_data[0].items()), keys=()))
    added, base = nps_model.heads_.contributions(matrix)
    np.testing.assert_allclose(added.sum(axis=2) + base, nps_model.heads_.raw_scores(matrix), atol=1e-9)


def test_numbers_of_trees_are_found_on_later_rows_where_there_are_any():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"a": rng.normal(size=2_000)})
    # until the 1,200th row "a" tells everything, from then on nothing
    p = np.where(np.arange(2_000) < 1_200, expit(4 * X["a"]), 0.5)
    y = (rng.random(2_000) < p).astype(float)
    model = RenewalClassifier(members=("trees",))
    by_customer = model.fit(X, y).n_trees_["trees_1"]
    later = [(np.arange(1_200), np.arange(1_200, 2_000))]
    assert model.fit(X, y, later=later).n_trees_["trees_1"] < by_customer / 4


def test_later_folds_learn_what_was_known_when_their_span_began():
    days = np.datetime64("2024-01-01", "us") + np.arange(1_000) * np.timedelta64(1, "D")
    known = days + np.timedelta64(60, "D")
    folds = later_folds(days, known, np.arange(1_000) % 2, n_folds=4)
    assert len(folds) == 4
    for train, test in folds:
        assert known[train].max() < days[test].min()
        assert days[test].min() - days[train].max() > np.timedelta64(60, "D")  # purged by the horizon
    tests = np.concatenate([test for _, test in folds])
    assert sorted(tests) == list(range(400, 1_000))[-len(tests) :]
    assert len(tests) == 600 or len(tests) == 601


def test_later_folds_are_none_where_too_little_was_known_by_then():
    days = np.datetime64("2024-01-01", "us") + np.arange(300) * np.timedelta64(1, "D")
    assert later_folds(days, days + np.timedelta64(290, "D"), np.arange(300) % 2, n_folds=4) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sample_weight": np.full(200, -1.0)}, "one finite number of 0 or more for each of 200 rows"),
        ({"sample_weight": np.zeros(200)}, "must not be zero for every row"),
        ({"scores": np.full(200, np.nan)}, "scores must hold a finite number for each row"),
        ({"groups": np.repeat([0, 1], 100)}, "needs rows of at least 4 customers"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, message):
    X = pd.DataFrame({"a": np.arange(200.0)})
    with pytest.raises(TrainingError, match=message):
        RenewalClassifier().fit(X, np.arange(200) % 2.0, **given)


def test_an_infinite_value_names_column_and_row():
    X = pd.DataFrame({"a": np.arange(200.0), "b": np.where(np.arange(200) == 7, np.inf, 1.0)})
    with pytest.raises(SchemaError, match=r"features.b: must be finite or missing; 1 of 200 rows is not .*row 7, inf"):
        RenewalClassifier().fit(X, np.arange(200) % 2.0)


def test_an_array_has_columns_without_names():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 2))
    y = np.where(X[:, 0] > 0, "high", "low")
    model = OrdinalClassifier(max_trees=50).fit(X, y)
    assert model.classes_.tolist() == ["high", "low"]
    assert (model.predict(X) == y).mean() > 0.95


def test_a_fitted_model_can_be_pickled(renewal_data, renewal_model):
    X, _ = renewal_data
    again = pickle.loads(pickle.dumps(renewal_model))
    assert again.heads_.forests
    np.testing.assert_array_equal(again.predict_proba(X), renewal_model.predict_proba(X))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"learning_rate": -1}, "learning_rate: must be above 0, and at most 1; it is -1"),
        ({"num_leaves": 1}, "num_leaves: must be 2 or more; it is 1"),
        ({"max_trees": 0}, "max_trees: must be 1 or more; it is 0"),
    ],
)
def test_a_setting_that_no_tree_can_be_grown_with_is_refused(nps_data, parameters, says):
    with pytest.raises(TrainingError, match=says):
        NpsClassifier(**parameters).fit(*nps_data)


@pytest.mark.parametrize("later", [np.arange(2_000) > 1_000, [(np.array([0, 1]), np.array([99_999]))], [([0.5], [1])]])
def test_later_rows_that_are_no_pairs_of_positions_are_refused(renewal_data, later):
    with pytest.raises(
        TrainingError, match=r"later: must be pairs of positions of the [\d,]+ rows \(train, later rows"
    ):
        RenewalClassifier(max_trees=5).fit(*renewal_data, later=later)
