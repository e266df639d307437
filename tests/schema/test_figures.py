import math

import pytest

from cxml.schema.figures import FIGURES, Z_95


@pytest.mark.parametrize(
    ("name", "value", "written", "change"),
    [
        ("nps", -9.567, "-9.6", "-9.6"),
        ("nps", 30, "+30.0", "+30.0"),
        ("csat", 0.397, "39.7%", "+39.7"),
        ("ces", 4.309, "4.31", "+4.31"),
        ("brand_sentiment", -0.004, "0.00", "+0.00"),
        ("customers", 2816, "2,816", "+2,816.0"),
        ("revenue_kept", 8042.97, "8,043", "+8,043.0"),
        ("nps", math.nan, "", ""),
    ],
)
def test_a_value_and_a_change_are_written_in_their_unit(name, value, written, change):
    assert FIGURES[name].written(value) == written
    assert FIGURES[name].change(value) == change


def test_shares_and_points_end_where_their_scales_do():
    assert {(figure.low, figure.high) for figure in FIGURES.values() if figure.unit == "share"} == {(0, 1)}
    assert (FIGURES["nps"].low, FIGURES["nps"].high) == (-100, 100)
    assert all(name == figure.name for name, figure in FIGURES.items())


def test_the_quantile_leaves_a_fortieth_above_it():
    assert math.erfc(Z_95 / math.sqrt(2)) == pytest.approx(0.05, abs=1e-15)
