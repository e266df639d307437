import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.predictive.health import HealthWeights, health
from cxml.predictive.health_items import Head, health_change, health_items

NAN = float("nan")


def curve(raw, temperature=1.0):
    return 1 / (1 + np.exp(-np.clip(raw / temperature, -700, 700)))


def head(contributions, *, model="renewal", weight=0.6, raises=False, base=-1.0, speaks=None, temperature=1.0):
    contributions = np.asarray(contributions, dtype=float)
    raw = base + contributions.cumsum(axis=1)[:, -1]
    p = curve(raw, temperature)
    if speaks is not None:
        p = np.where(speaks, p, NAN)
    return Head(model, p, float(curve(np.float64(base), temperature)), contributions, weight, raises)


def plain(heads, groups, row):
    """Return health, base, and the points of features and items of one row, as the definition says it."""
    speaking = [h for h in heads if not math.isnan(h.p[row])]
    total = sum(h.weight for h in speaking)
    if not speaking:
        return NAN, NAN, [NAN] * len(groups), [NAN] * (max(groups) + 1)
    value = base = 0.0
    features, items = [0.0] * len(groups), [0.0] * (max(groups) + 1)
    for h in speaking:
        points = 100 * h.weight / total
        value += points * (h.p[row] if h.raises else 1 - h.p[row])
        base += points * (h.p_base if h.raises else 1 - h.p_base)
        raw = sum(h.contributions[row])
        for j, c in enumerate(h.contributions[row]):
            if raw != 0 and c != 0:
                part = (1 if h.raises else -1) * points * (h.p[row] - h.p_base) / raw * c
                features[j] += part
                items[groups[j]] += part
    return value, base, features, items


N_FEATURES = 5
GROUPS = np.array([0, 1, 0, 2, 1])
parts = st.one_of(st.just(0.0), st.floats(-4, 4).map(lambda x: round(x, 3)), st.floats(-300, 300))
rows = st.lists(parts, min_size=N_FEATURES, max_size=N_FEATURES)


@st.composite
def companies(draw, n_rows=3):
    heads = []
    for model, raises, weight in (("renewal", False, 0.6), ("nps", True, 0.2), ("nps", True, 0.2)):
        found = np.array([draw(rows) for _ in range(n_rows)])
        if draw(st.booleans()) and draw(st.booleans()):
            found[:] = 0.0  # a head that is constant
        heads.append(
            head(found, model=model, raises=raises, weight=weight, base=draw(st.sampled_from([-40.0, -2.0, 0.0, 3.0])))
        )
    known = {m: np.array([draw(st.booleans()) for _ in range(n_rows)]) for m in ("renewal", "nps")}
    return [replace(h, p=np.where(known[h.model], h.p, NAN)) for h in heads]


@settings(max_examples=100, deadline=None)
@given(companies())
def test_items_add_up_to_health_minus_base(heads):
    found = health_items(heads, GROUPS)
    for split in (found.items, found.features):
        np.testing.assert_allclose(found.base + split.sum(axis=1), found.health, rtol=0, atol=1e-9)
    expected = health(
        heads[0].p, 1 - heads[1].p, heads[2].p, HealthWeights(0.6, 0.4)
    )  # advocacy is the mean of P(y > detractor) and P(y > passive)
    np.testing.assert_allclose(found.health, expected, rtol=0, atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(companies())
def test_items_are_those_of_a_plain_loop(heads):
    found = health_items(heads, GROUPS)
    for row in range(3):
        sums = [(abs(sum(h.contributions[row])), sum(abs(h.contributions[row]))) for h in heads]
        if any(raw <= 1e-6 * size for raw, size in sums if size):
            continue  # where they cancel, the loop divides rounding by rounding
        value, base, features, items = plain(heads, GROUPS.tolist(), row)
        np.testing.assert_allclose([found.health[row], found.base[row]], [value, base], rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.features[row], features, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.items[row], items, rtol=0, atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(companies())
def test_a_feature_keeps_its_direction_where_there_is_one_head(heads):
    for h in heads:
        found = np.nan_to_num(health_items([h], GROUPS).features)
        sign = 1 if h.raises else -1
        assert (sign * found * h.contributions >= -1e-12).all()


def test_one_row_has_the_bits_of_many():
    rng = np.random.default_rng(0)
    heads = [head(rng.normal(size=(300, 20)), model=m, raises=m == "nps") for m in ("renewal", "nps")]
    groups = rng.integers(0, 4, 20)
    many = health_items(heads, groups)
    for row in (0, 17, 299):
        one = health_items(
            [replace(h, p=h.p[row : row + 1], contributions=h.contributions[row : row + 1]) for h in heads], groups
        )
        for name in ("health", "base", "features", "items"):
            assert np.array_equal(getattr(one, name)[0], getattr(many, name)[row])


def test_contributions_that_cancel_count_by_the_slope_at_the_base():
    found = health_items([head([[2.0, -2.0, 0.0]], base=0.0, weight=1.0)], np.array([0, 1, 2]))
    np.testing.assert_allclose(found.items, [[-50.0, 50.0, 0.0]], atol=1e-9)
    steeper = replace(head([[2.0, -2.0, 0.0]], base=0.0), slope=0.125)
    np.testing.assert_allclose(health_items([steeper], np.array([0, 1, 2])).items, [[-25.0, 25.0, 0.0]], atol=1e-9)


def test_rounding_is_not_taken_for_a_slope():
    contributions = np.array([[0.1, 0.2, -0.3]])  # 5.6e-17 in all
    found = health_items([replace(head(contributions, base=0.0), p=np.array([0.5 + 1e-15]))], np.array([0, 1, 2]))
    np.testing.assert_allclose(found.items, [[-2.5, -5.0, 7.5]], atol=1e-9)


def test_a_probability_that_nothing_explains_is_refused():
    h = replace(head(np.zeros((2, 3)), base=0.0), p=np.array([0.5, 0.7]))
    with pytest.raises(ValueError, match=r"renewal: the probability of 1 rows .*first: row 1, 0.7 and 0.5"):
        health_items([h], np.array([0, 0, 1]))


def test_a_head_without_weight_is_refused():
    with pytest.raises(ValueError, match="weight above 0"):
        health_items([head(np.zeros((1, 2)), weight=0.0)], np.array([0, 0]))


@settings(max_examples=100, deadline=None)
@given(companies(), companies())
def test_the_change_of_health_adds_up(before, after):
    after = [replace(b, p=a.p, contributions=a.contributions) for b, a in zip(before, after, strict=True)]
    # The second moment is of other contributions to the same heads, so of the same bases.
    after = [
        replace(h, p=np.where(np.isnan(h.p), NAN, curve(h.contributions.sum(axis=1) + np.log(odds(h.p_base)))))
        for h in after
    ]
    found = health_change(before, after, GROUPS)
    expected = health_items(after, GROUPS).health - health_items(before, GROUPS).health
    np.testing.assert_allclose(found.change, expected, rtol=0, atol=1e-9)
    for split in (found.features, found.items):
        np.testing.assert_allclose(split.sum(axis=1) + found.known.sum(axis=1), expected, rtol=0, atol=1e-9)
    assert (found.known[found.began == 0][~np.isnan(found.known[found.began == 0])] == 0).all()


def odds(p):
    return max(p, 1e-300) / max(1 - p, 1e-300)


def test_the_change_by_hand_where_a_model_begins_to_speak():
    renewal = [head([[x, 0.0]], weight=0.6, base=0.0) for x in (0.0, 1.0)]
    nps = [head([[0.0, 2.0]], model="nps", raises=True, weight=0.4, base=0.0, speaks=[s]) for s in (False, True)]
    found = health_change([renewal[0], nps[0]], [renewal[1], nps[1]], np.array([0, 1]))
    staying, speaking_well = 100 * (1 - curve(1.0)), 100 * curve(2.0)
    after = 0.6 * staying + 0.4 * speaking_well
    np.testing.assert_allclose(found.change, [after - 50])
    np.testing.assert_allclose(found.items, [[staying - 50, 0.0]], atol=1e-9)
    np.testing.assert_allclose(found.known, [[0.0, after - staying]], atol=1e-9)
    assert found.models == ("renewal", "nps")
    assert found.began.tolist() == [[0, 1]]


def test_where_one_model_takes_over_from_another_it_did_all_of_the_change():
    renewal = [head([[1.0, 0.0]], speaks=[s]) for s in (True, False)]
    nps = [head([[0.0, 2.0]], model="nps", raises=True, speaks=[s]) for s in (False, True)]
    found = health_change([renewal[0], nps[0]], [renewal[1], nps[1]], np.array([0, 1]))
    np.testing.assert_allclose(found.known, [[0.0, found.change[0]]])
    assert found.began.tolist() == [[-1, 1]]


def test_a_change_from_nothing_known_is_unknown():
    h = [head([[1.0, 0.0]], speaks=[s]) for s in (False, True)]
    found = health_change([h[0]], [h[1]], np.array([0, 1]))
    assert all(np.isnan(x).all() for x in (found.change, found.features, found.items, found.known))


def test_moments_of_other_heads_are_not_compared():
    with pytest.raises(ValueError, match="same heads"):
        health_change([head([[1.0]])], [head([[1.0]], weight=0.5)], np.array([0]))
