import numpy as np
import pytest

from cxml.predictive.measures import gain_curve, gain_points


def test_a_perfect_ranking_finds_everyone_as_soon_as_it_can():
    hits = np.repeat([1, 0], [20, 80])
    points = gain_points(hits, np.linspace(0.9, 0.1, 100)[:, None], np.arange(100))
    found = {round(point.contacted, 2): point for point in points}
    assert found[0.1].found == pytest.approx(0.5)
    assert found[0.1].lift == pytest.approx(5)
    assert found[0.2].found == found[1.0].found == pytest.approx(1)
    assert len(points) == 50


def test_a_model_that_says_the_same_of_all_finds_as_many_as_it_contacts():
    points = gain_points(np.repeat([1, 0], 50), np.full((100, 1), 0.5), np.arange(100))
    assert [point.found for point in points] == pytest.approx([point.contacted for point in points])


def test_points_lie_on_the_gain_curve_of_the_weighted_rows_and_repeats_are_averaged():
    rng = np.random.default_rng(0)
    p, weight = rng.random((300, 2)), rng.gamma(2, 0.5, 300)
    hits = (rng.random(300) < p[:, 0]).astype(int)
    points = gain_points(hits, p, np.arange(300), weight=weight)
    curves = [gain_curve(hits, np.column_stack([1 - said, said]), weight) for said in p.T]
    at = [point.contacted for point in points]
    expected = np.mean([np.interp(at, curve.contacted, curve.found) for curve in curves], axis=0)
    assert [point.found for point in points] == pytest.approx(expected)
    assert all(point.low <= point.found <= point.high for point in points[:-1])


def test_rows_of_one_customer_count_once_for_the_interval():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    hits = (rng.random(200) < p).astype(int)
    alone = gain_points(hits, p[:, None], np.arange(200))
    five = gain_points(np.repeat(hits, 5), np.repeat(p, 5)[:, None], np.repeat(np.arange(200), 5))
    widths = [[point.high - point.low for point in points] for points in (alone, five)]
    assert widths[0] == pytest.approx(widths[1], abs=0.02)
