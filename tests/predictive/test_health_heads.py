"""The heads of health, from models of a few curves whose every number can be worked by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cxml.predictive.additive import Additive, Curve
from cxml.predictive.bundle import Model
from cxml.predictive.calibration import Calibration
from cxml.predictive.heads import Head, Heads
from cxml.predictive.health import HealthWeights, health
from cxml.predictive.health_heads import health_heads
from cxml.predictive.health_items import health_items

LINE = Curve((-10.0, 10.0), (-10.0, 10.0), 0.0)  # adds the value itself
NOTHING = Curve((-10.0, 10.0), (0.0, 0.0), 0.0)
PLAIN = Calibration("temperature", parameters=(1.0,))
GROUPS = np.array([0, 1])


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def model(*curves_of_heads, bases, calibrations=None, applies=None):
    additives = {f"a{h}": Additive(0.0, curves) for h, curves in enumerate(curves_of_heads)}
    maps = calibrations or [PLAIN] * len(bases)
    heads = tuple(Head({f"a{h}": 1.0}, base, maps[h]) for h, base in enumerate(bases))
    return Model(Heads({}, additives, heads), applies)


def bundle(weights=(0.6, 0.4), **models):
    return SimpleNamespace(models=models, health=HealthWeights(*weights))


def columns(matrix):
    return {"a": matrix[:, 0], "b": matrix[:, 1]}


def split(found, matrix):
    heads = health_heads(found, columns(matrix), matrix)
    return heads, health_items(heads, GROUPS)


def test_heads_say_what_the_models_say_and_health_is_their_sum():
    matrix = np.array([[1.0, -2.0], [0.5, 0.25]])
    renewal = model((LINE, NOTHING), bases=[-1.0])
    nps = model((LINE, LINE), (NOTHING, LINE), bases=[2.0, -1.0])
    heads, found = split(bundle(renewal=renewal, nps=nps), matrix)
    assert [(h.model, h.weight, h.raises) for h in heads] == [
        ("renewal", 0.6, False), ("nps", 0.2, True), ("nps", 0.2, True)
    ]  # fmt: skip
    assert [h.p_base for h in heads] == pytest.approx([sigmoid(-1), sigmoid(2), sigmoid(-1)])
    p = [[sigmoid(-1 + a), sigmoid(2 + a + b), min(sigmoid(2 + a + b), sigmoid(-1 + b))] for a, b in matrix]
    expected = [60 * (1 - lost) + 20 * above + 20 * top for lost, above, top in p]
    np.testing.assert_allclose(found.health, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.base + found.items.sum(axis=1), expected, rtol=0, atol=1e-9)


def test_where_the_heads_cross_the_items_add_up_to_what_is_predicted():
    """P(> detractor) of log-odds 0 + a, P(> passive) of -1 + b: above a = b - 1 they cross, and the first one rules."""
    nps = model((LINE, NOTHING), (NOTHING, LINE), bases=[0.0, -1.0])
    matrix = np.array([[0.0, 0.0], [-3.0, 2.0], [1.0, 1.0]])
    heads, found = split(bundle(nps=nps), matrix)
    p = nps.heads.probabilities(matrix)
    expected = health(np.full(3, np.nan), p[:, 0], p[:, 2], HealthWeights(0.6, 0.4))
    np.testing.assert_allclose(found.health, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.base + found.items.sum(axis=1), expected, rtol=0, atol=1e-9)
    # The second row: the second head alone would say sigmoid(1), all of it by b; it is held down to sigmoid(-3), which
    # (less the thousandth that the class between keeps), which a (size 3) and b (size 2) share.
    down = sigmoid(-3) - 0.001 - sigmoid(1)
    a = 50 * (sigmoid(-3) - 0.5) + 50 * down * 3 / 5
    b = 50 * (sigmoid(1) - sigmoid(-1)) + 50 * down * 2 / 5
    np.testing.assert_allclose(found.items[1], [a, b], rtol=0, atol=1e-9)
    assert heads[1].p[1] == heads[0].p[1] - 0.001


def test_heads_that_cross_at_their_base_add_up_too():
    nps = model((LINE, NOTHING), (NOTHING, NOTHING), bases=[-1.0, 1.0])  # the second is constant, and held everywhere
    matrix = np.array([[0.5, 0.0], [4.0, 0.0], [0.0, 0.0]])
    heads, found = split(bundle(nps=nps), matrix)
    assert heads[1].p_base == pytest.approx(sigmoid(-1) - 0.001)
    np.testing.assert_allclose(heads[1].p, [sigmoid(-0.5) - 0.001, sigmoid(1), sigmoid(-1) - 0.001])
    np.testing.assert_allclose(found.base + found.items.sum(axis=1), found.health, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.items[:, 1], 0.0)


def test_a_row_has_the_bits_of_many_whether_heads_cross_or_not():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(200, 2)) * 2
    speaks = [">", ["column", "a"], ["number", -1.0]]
    found = bundle(
        renewal=model((LINE, NOTHING), bases=[-1.0], applies=speaks),
        nps=model((LINE, NOTHING), (NOTHING, LINE), bases=[0.3, -0.2]),
    )
    _, many = split(found, matrix)
    for row in range(0, 200, 9):
        _, one = split(found, matrix[row : row + 1])
        for name in ("health", "base", "features", "items"):
            assert np.array_equal(getattr(one, name)[0], getattr(many, name)[row], equal_nan=True)


def test_a_model_that_speaks_of_nobody_has_its_base_all_the_same():
    matrix = np.array([[1.0, 1.0]])
    silent = model((LINE, NOTHING), bases=[-1.0], applies=[">", ["column", "a"], ["number", 5.0]])
    (head,) = health_heads(bundle(renewal=silent), columns(matrix), matrix)
    assert head.p_base == pytest.approx(sigmoid(-1))
    assert math.isnan(head.p[0])


def test_what_does_not_count_has_no_head():
    matrix = np.array([[1.0, 1.0]])
    renewal = model((LINE, NOTHING), bases=[-1.0])
    assert health_heads(bundle(weights=(0.0, 1.0), renewal=renewal), columns(matrix), matrix) == []


def test_the_slope_at_the_base_is_that_of_the_calibration():
    """Contributions that cancel: 2 - 2. Of straight lines from 0 at -2 to 1 at 2, the slope is 1/4 everywhere."""
    lines = Calibration("isotonic", at=(-2.0, 2.0), levels=(0.0, 1.0))
    renewal = model((LINE, LINE), bases=[0.5], calibrations=[lines])
    heads, found = split(bundle(renewal=renewal), np.array([[2.0, -2.0]]))
    assert heads[0].slope == pytest.approx(0.25)
    np.testing.assert_allclose(found.items, [[-50.0, 50.0]], atol=1e-9)


def test_a_step_that_a_tiny_score_crosses_is_no_slope_without_end():
    """Contributions of 3 and -2.99999 move the raw score by 1e-5, over a step from .2 to .6: shared by size."""
    steps = Calibration("venn_abers", at=(0.0,), levels=(0.2, 0.4, 0.6))
    renewal = model((LINE, LINE), bases=[-5e-6], calibrations=[steps])
    _, found = split(bundle(renewal=renewal), np.array([[3.0, -2.99999]]))
    np.testing.assert_allclose(found.items.sum(), -40.0, atol=1e-9)
    rest = -100 * (0.4 - 0.5 * 1e-5)  # the step, less what the steepest slope makes of the score
    expected = [-150 + rest * 3 / 5.99999, 149.9995 + rest * 2.99999 / 5.99999]
    np.testing.assert_allclose(found.items, [expected], atol=1e-6)
