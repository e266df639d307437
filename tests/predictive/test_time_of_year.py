import math
from datetime import date, timedelta

import pytest

from cxml.predictive.time_of_year import month_of, year_waves

SINE, COSINE = ({"kind": "season", "name": wave, "part": f"year_{wave}"} for wave in ("sin", "cos"))
CALLS = {"kind": "attribute", "name": "calls", "column": "calls"}


def waves(day):
    """Return the waves of a day as the feature algebra defines them."""
    angle = 2 * math.pi * day.timetuple().tm_yday / 365.2425
    return math.sin(angle), math.cos(angle)


def test_the_waves_of_every_day_give_its_month_or_on_the_last_days_of_a_leap_year_the_next():
    for year, leap in ((2023, False), (2024, True)):
        day = date(year, 1, 1)
        while day.year == year:
            tomorrow = day + timedelta(1)
            late = leap and tomorrow.day == 1 and day.month not in (1, 12)
            assert month_of(*waves(day)) == (tomorrow if late else day).month, day
            day = tomorrow


def test_a_wave_that_is_not_known_tells_no_month():
    assert month_of(math.nan, 1.0) is None
    assert month_of(1.0, math.nan) is None


@pytest.mark.parametrize(
    ("features", "names", "expected"),
    [
        ([SINE, COSINE, CALLS], ["calls", "sin", "cos"], {"sin": (1, 2), "cos": (1, 2)}),
        ([SINE, COSINE, CALLS], ["cos", "calls", "sin"], {"sin": (2, 0), "cos": (2, 0)}),
        ([SINE, COSINE, CALLS], ["calls", "sin"], {}),
        ([CALLS], ["calls"], {}),
    ],
)
def test_a_wave_alone_tells_no_month(features, names, expected):
    assert year_waves(features, names) == expected
