import json
import pickle

import numpy as np
import pytest

from cxml.errors import BundleError
from cxml.predictive.additive import Additive, Curve
from cxml.predictive.boosting import Boosting
from cxml.predictive.customer_value import CustomerValue

MATRIX = np.random.default_rng(0).normal(size=(500, 2))
CURVES = Additive(1.0, (Curve((0.0, 1.0), (0.0, 1.0), 0.5), Curve((0.0, 1.0), (0.0, 0.0), 0.0)))


def forest(objective):
    target = np.exp(MATRIX[:, 0]) * (MATRIX[:, 1] > 0)
    grower = Boosting(objective, learning_rate=0.1, num_leaves=8, max_trees=20, random_state=0)
    return grower.grown(MATRIX, (), target, np.ones(500), 20).encode()


@pytest.fixture(scope="module")
def value():
    forests = {"differences": forest("regression"), "trees": forest("tweedie")}
    return CustomerValue(forests, {"curves": CURVES}, {"trees": 10.0, "differences": 2.0, "curves": 3.0}, -4.0, 0.0)


def test_money_is_the_weighted_sum_of_the_members_and_not_below_the_least(value):
    import lightgbm

    said = {name: lightgbm.Booster(model_str=text.decode()).predict(MATRIX) for name, text in value.forests.items()}
    curve = np.exp(1.0 + np.clip(MATRIX[:, 0], 0, 1))
    expected = np.maximum(10 * said["trees"] + 2 * said["differences"] + 3 * curve - 4, 0)
    np.testing.assert_allclose(value.amounts(MATRIX), expected, rtol=1e-12)


def test_one_row_has_the_bits_that_it_has_among_many(value):
    many = value.amounts(MATRIX)
    assert [value.amounts(MATRIX[i : i + 1])[0] for i in range(0, 500, 7)] == many[::7].tolist()


def test_what_is_read_is_what_was_written(value):
    again = CustomerValue.from_json(json.loads(json.dumps(value.to_json())), value.forests)
    assert again == value
    assert again.amounts(MATRIX).tolist() == value.amounts(MATRIX).tolist()
    assert pickle.loads(pickle.dumps(value)) == value


def test_the_members_know_how_many_features_they_read(value):
    assert value.n_features == {2}
    assert CustomerValue({}, {}, {}, 5.0, None).amounts(MATRIX[:3]).tolist() == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weights": {"trees": 1.0}}, "'curves' must be a member and have a weight"),
        ({"weights": {"curves": 1.0, "differences": 1.0, "trees": 1.0, "nets": 1.0}}, "'nets' must be a member"),
        ({"bias": float("nan")}, "every number must be finite"),
        ({"bias": None}, "needs additives, weights, bias, least"),
        ({"weights": None}, "needs additives, weights, bias, least"),
    ],
)
def test_what_is_no_value_model_is_refused(value, changes, says):
    with pytest.raises(BundleError, match=rf"value model: {says}"):
        CustomerValue.from_json(value.to_json() | changes, value.forests)
