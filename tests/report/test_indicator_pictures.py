import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.report.indicator_pictures import indicator_picture, kpi_picture

COLUMNS = ["indicator", "by", "group", "period", "unit", "n", "n_customers", "value", "low", "high"]
NAN = float("nan")


@pytest.fixture
def frame():
    rows = [
        ("nps", "all", "all", "2024-01", "points", 10, 9, 5.0, -5.0, 14.0),
        ("nps", "all", "all", "2024-03", "points", 1, 1, -7.0, NAN, NAN),
        ("nps", "segment", "family", "2024-01", "points", 3, 3, 1.0, 0.0, 2.0),
        ("nps", "segment", "business", "2024-01", "points", 7, 6, 2.0, 0.0, 4.0),
        ("nps", "segment", None, "2024-02", "points", 1, 1, 3.0, NAN, NAN),
        ("revenue_kept", "all", "all", "2024-02", "money", 4, 4, 1200.0, NAN, NAN),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def line(axes, k=0):
    return axes.containers[k].lines[0].get_ydata()


def bars(axes, k=0):
    return [tuple(segment[:, 1]) for segment in axes.containers[k].lines[2][0].get_segments() if len(segment)]


def test_a_month_without_answers_breaks_the_line(frame):
    (axes,) = indicator_picture(frame, "nps").axes
    np.testing.assert_array_equal(line(axes), [5, NAN, -7])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2024-01", "2024-02", "2024-03"]


def test_the_bars_are_the_intervals_and_an_unknown_one_is_a_bare_point(frame):
    (axes,) = indicator_picture(frame, "nps").axes
    assert bars(axes) == [(-5, 14), (-7, -7)]


def test_the_title_gives_the_first_and_the_last_value(frame):
    title = indicator_picture(frame, "nps").get_suptitle()
    assert title == "NPS (points): +5.0 in 2024-01, -7.0 in 2024-03"
    assert indicator_picture(frame, "nps", by="segment").get_suptitle() == "NPS (points) by segment"


def test_each_group_has_a_line_those_with_most_answers_first(frame):
    (axes,) = indicator_picture(frame, "nps", by="segment").axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["business", "family", "unknown"]
    np.testing.assert_array_equal(line(axes, 0), [2, NAN])
    np.testing.assert_array_equal(line(axes, 2), [NAN, 3])


def test_each_kpi_has_a_panel_over_the_same_months(frame):
    first, second = kpi_picture(frame).axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("NPS (points)", "Revenue kept")
    np.testing.assert_array_equal(line(second), [NAN, 1200, NAN])
    assert len(kpi_picture(frame, ["nps"]).axes) == 1


def test_what_is_not_in_the_frame_is_named(frame):
    with pytest.raises(SchemaError, match=r"no row has 'nsp'; did you mean 'nps'\?"):
        indicator_picture(frame, "nsp")
    with pytest.raises(SchemaError, match=r"indicators.by: no row has 'touchpoint'.*It has all, segment"):
        indicator_picture(frame, "nps", by="touchpoint")


def test_a_frame_that_is_not_by_month_is_refused_with_what_to_ask_for(frame):
    with pytest.raises(SchemaError, match=r"must be months .* the first is 'all'. Ask for them by `month`"):
        indicator_picture(frame.assign(period="all"), "nps")
