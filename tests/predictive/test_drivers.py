"""The key-driver table against sums worked by hand, and its interval against resampling row by row."""

import numpy as np
import pytest

from cxml.predictive.drivers import drivers_frame
from cxml.predictive.items import Item, Items
from cxml.schema.check import checked_frame
from cxml.schema.frames import DRIVERS

NAN = float("nan")
ITEMS = Items((Item("contract"), Item("event", "visit")), np.array([1, 0, 1]))
NAMES = ("visits", "price", "plan")


def drivers(points, matrix, customers, **more):
    frame = drivers_frame(
        points, ITEMS, NAMES, np.array(matrix, dtype=float), customers,
        numeric=np.array([True, True, False]), label=str.upper, **more,
    )  # fmt: skip
    return checked_frame(frame, DRIVERS)


def test_points_shares_and_directions_by_hand():
    added = np.array([[2.0, -1.0, 0.0], [-4.0, 3.0, 1.0], [1.0, -2.0, 0.0]])
    found = drivers({"health": added}, [[5, 10, 0], [1, 30, 1], [4, NAN, 0]], ["a", "b", "c"])
    assert found[["of", "item", "feature", "label"]].to_numpy().tolist() == [
        ["health", "contract", "all", "contract"],
        ["health", "event:visit", "all", "visits"],
        ["health", "event:visit", "visits", "VISITS"],
        ["health", "contract", "price", "PRICE"],
        ["health", "event:visit", "plan", "PLAN"],
    ]
    # Visits and plan together: 2, -3, 1.
    assert found["points"].tolist() == pytest.approx([6 / 3, 6 / 3, 7 / 3, 6 / 3, 1 / 3])
    assert found["share_raised"].tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    assert found["share_lowered"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3, 2 / 3, 0])
    np.testing.assert_allclose(found["direction"], [NAN, NAN, 1.0, 1.0, NAN])
    assert (found["n_customers"] == 3).all()


def test_a_customer_counts_once_whatever_the_number_of_rows():
    added = np.array([[1.0, 0, 0], [3.0, 0, 0], [-8.0, 0, 0]])
    found = drivers({"health": added}, np.zeros((3, 3)), ["a", "a", "b"]).set_index("feature")
    assert found.loc["visits", "points"] == pytest.approx((2 + 8) / 2)
    assert found.loc["visits", "share_raised"] == pytest.approx(1 / 2)
    assert np.isnan(found.loc["visits", "direction"])  # the value never varies


def test_rows_of_which_nothing_is_said_are_left_out_and_so_is_what_is_said_of_nobody():
    added = np.array([[1.0, 0, 0], [NAN, NAN, NAN]])
    found = drivers({"nps": added, "renewal": np.full((2, 3), NAN)}, np.zeros((2, 3)), ["a", "b"])
    assert set(found["of"]) == {"nps"}
    assert (found["n_customers"] == 1).all()


@pytest.mark.parametrize("points", [{}, {"health": np.full((2, 3), NAN)}])
def test_where_nothing_is_said_of_anybody_there_is_a_table_without_rows(points):
    found = drivers_frame(
        points, ITEMS, NAMES, np.zeros((2, 3)), ["a", "b"], numeric=np.ones(3, dtype=bool), label=str.upper
    )
    assert found.empty
    assert list(found) == [column.name for column in DRIVERS.columns]


def test_the_interval_is_that_of_resampled_customers():
    rng = np.random.default_rng(5)
    customers = rng.integers(0, 60, 200)
    added = rng.normal(size=(200, 3)) + customers[:, None] / 30
    found = drivers({"health": added}, rng.normal(size=(200, 3)), customers, random_state=1).set_index("feature")
    ids = np.unique(customers)
    of_customer = [np.abs(added[customers == who, 0]).mean() for who in ids]
    draw = np.random.default_rng(2)
    means = [np.mean([of_customer[k] for k in draw.integers(len(ids), size=len(ids))]) for _ in range(2_000)]
    assert found.loc["visits", "points"] == pytest.approx(np.mean(of_customer))
    np.testing.assert_allclose(
        found.loc["visits", ["low", "high"]].astype(float), np.quantile(means, [0.025, 0.975]), atol=0.05
    )


def test_the_direction_is_spearmans():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    values = rng.integers(0, 6, size=(80, 3)).astype(float)
    added = rng.normal(size=(80, 3)) - values
    found = drivers({"health": added}, values, np.arange(80)).set_index("feature")
    assert found.loc["price", "direction"] == pytest.approx(spearmanr(values[:, 1], added[:, 1]).statistic)
