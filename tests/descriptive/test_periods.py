from datetime import datetime

import pytest

from cxml.descriptive.periods import month_of, period_of
from cxml.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2024-01:2024-03", datetime(2024, 1, 1), datetime(2024, 4, 1)),
        ("2024-12", datetime(2024, 12, 1), datetime(2025, 1, 1)),
        ("2023", datetime(2023, 1, 1), datetime(2024, 1, 1)),
        ("2024-01-15:2024-02-29", datetime(2024, 1, 15), datetime(2024, 3, 1)),
        ("2023:2024-02", datetime(2023, 1, 1), datetime(2024, 3, 1)),
        ("2024-02:", datetime(2024, 2, 1), None),
        (":2024-02", None, datetime(2024, 3, 1)),
        (":", None, None),
    ],
)
def test_both_ends_of_a_period_are_in_it(text, begin, end):
    found = period_of(text)
    assert (found.begin, found.end) == (begin, end)
    assert found.name == ("all" if text == ":" else text)


@pytest.mark.parametrize(
    "text", ["soon", "2024-13", "2024-02-30", "2024-1", "2024-01:2024-03:2024-05", "24", "2024-01 "]
)
def test_what_is_no_period_is_refused_with_how_to_write_one(text):
    with pytest.raises(ConfigError, match=r"must be a year, a month, a day.*2024-01:2024-03"):
        period_of(text)


def test_a_period_does_not_end_before_it_begins():
    with pytest.raises(ConfigError, match="must not end before it begins"):
        period_of("2024-03:2024-01")


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("2024-01", "2024-02", False),
        ("2024-01:2024-02", "2024-02", True),
        (":2024-01", "2024-02:", False),
        (":2024-02", "2024-02:", True),
        (":", "2024", True),
        ("2024-01-31", "2024-01", True),
    ],
)
def test_periods_overlap_where_a_moment_is_in_both(one, other, overlap):
    assert period_of(one).overlaps(period_of(other)) is overlap
    assert period_of(other).overlaps(period_of(one)) is overlap


@pytest.mark.parametrize(
    ("month", "span", "inside"),
    [("2024-01", "2024", True), ("2023-12", "2024", False), ("2024-01", "2024-01-02:", False), ("2024-01", ":", True)],
)
def test_a_month_is_in_a_span_that_it_begins_in(month, span, inside):
    assert month_of(month).begins_in(period_of(span)) is inside


def test_an_open_beginning_lies_in_an_open_span_alone():
    assert period_of(":2024-01").begins_in(period_of(":"))
    assert not period_of(":2024-01").begins_in(period_of("2020:"))
