"""The key drivers as text, from a frame written by hand."""

import pandas as pd

from cxml.report.drivers_text import drivers_text

NAN = float("nan")
COLUMNS = ["of", "item", "feature", "label", "points", "low", "high", "direction", "share_raised", "share_lowered"]


def frame(*rows):
    return pd.DataFrame([dict(zip(COLUMNS, (*row, 0.0), strict=True)) for row in rows])


DRIVERS = frame(
    ("health", "contact", "all", "support contacts", 5.0, 4.0, 6.0, NAN, 0.5),
    ("health", "contact", "open", "contacts unsolved", 4.0, 3.5, 4.5, -0.9, 0.25),
    ("health", "contact", "region", "region", 3.0, 2.5, 3.5, NAN, 0.5),
    ("health", "contact", "age", "age", 2.0, 1.5, 2.5, 0.49, 0.75),
    ("health", "contact", "idle", "never used", 0.0, 0.0, 0.0, NAN, 0.0),
    ("nps", "contact", "all", "support contacts", 1.0, 0.9, 1.1, NAN, 0.5),
    ("nps", "contact", "solved", "contacts solved", 1.0, 0.9, 1.1, 0.5, 0.5),
)


def test_each_feature_stands_with_its_item_its_points_and_what_more_of_it_does():
    lines = drivers_text(DRIVERS).splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["contacts", "unsolved", "support", "contacts", "4.00", "[3.50,", "4.50]", "25%", "lowers"],
        ["region", "support", "contacts", "3.00", "[2.50,", "3.50]", "50%"],
        ["age", "support", "contacts", "2.00", "[1.50,", "2.50]", "75%"],
    ]
    assert "  contacts solved  support contacts    1.00  [0.90, 1.10]     50%      raises" in lines


def test_what_moves_nobody_is_not_told_and_of_many_the_eight_strongest_are():
    many = frame(
        ("health", "contact", "all", "support contacts", 9.0, 9.0, 9.0, NAN, 0.5),
        *(("health", "contact", f"f{k}", f"feature {k}", 9.0 - k, 1.0, 9.0, NAN, 0.5) for k in range(9)),
    )
    text = drivers_text(many)
    assert "feature 7" in text
    assert "feature 8" not in text
    assert "never used" not in drivers_text(DRIVERS)
