import pandas as pd
import pytest

from cxml.report.indicator_text import comparison_text, indicator_text, kpi_text

NAN = float("nan")
COLUMNS = ["indicator", "by", "group", "period", "unit", "n", "n_customers", "value", "low", "high"]


def frame_of(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def indicators():
    return frame_of(
        ("nps", "all", "all", "all", "points", 5968, 2802, -9.57, -12.31, -6.81),
        ("nps", "segment", "business", "all", "points", 896, 341, -32.37, -39.09, 3.0),
        ("nps", "segment", None, "all", "points", 1, 1, 100.0, NAN, NAN),
        ("csat", "all", "all", "all", "share", 657, 590, 0.397, 0.358, 0.437),
    )


def test_every_figure_stands_with_its_interval_and_its_answers(indicators):
    assert indicator_text(indicators).splitlines()[:7] == [
        "NPS (points)          value    95% interval      n  customers",
        "all                    -9.6   [-12.3, -6.8]  5,968      2,802",
        "segment  business     -32.4   [-39.1, +3.0]    896        341",
        "segment  (unknown)   +100.0         unknown      1          1",
        "",
        "CSAT (share of 4-5)   value    95% interval      n  customers",
        "all                   39.7%  [35.8%, 43.7%]    657        590",
    ]


def test_months_have_a_column_of_their_own_where_there_are_several(indicators):
    later = indicators.assign(period="2024-02")
    text = indicator_text(pd.concat([indicators.assign(period="2024-01"), later]))
    assert "NPS (points)         period    value    95% interval      n  customers" in text
    assert "segment  business    2024-01   -32.4   [-39.1, +3.0]    896        341" in text
    assert "segment  business    2024-02   -32.4   [-39.1, +3.0]    896        341" in text
    assert "period" not in indicator_text(indicators)


def test_the_text_says_whom_an_interval_leaves_out(indicators):
    assert "who did not answer may think otherwise" in indicator_text(indicators)


def test_changes_stand_with_their_interval_and_both_p_values():
    columns = ["indicator", "by", "group", "unit", "n_before", "n_after", "value_before", "value_after", "difference"]
    frame = pd.DataFrame(
        [
            ("nps", "all", "all", "points", 192, 248, 6.77, -20.97, -27.74, -43.1, -12.0, 0.0006, 0.0054),
            ("csat", "all", "all", "share", 20, 26, 0.6, 0.308, -0.292, -0.539, -0.001, 0.049, 0.44),
            ("csat", "segment", "business", "share", 1, 3, 0.0, 0.667, 0.667, NAN, NAN, NAN, NAN),
        ],
        columns=[*columns, "low", "high", "p_value", "p_holm"],
    )
    assert comparison_text(frame, "2023-09", "2023-12").splitlines()[:6] == [
        "NPS (points)         2023-09    n  2023-12    n  change    95% interval       p   Holm",
        "all                     +6.8  192    -21.0  248   -27.7  [-43.1, -12.0]  <0.001  0.005  *",
        "",
        "CSAT (share of 4-5)  2023-09    n  2023-12    n  change    95% interval       p   Holm",
        "all                    60.0%   20    30.8%   26   -29.2   [-53.9, -0.1]   0.049  0.440",
        "segment  business       0.0%    1    66.7%    3   +66.7         unknown",
    ]


@pytest.fixture
def kpis():
    return frame_of(
        ("nps", "all", "all", "2024-01", "points", 218, 206, -11.93, -23.4, -0.2),
        ("nps", "all", "all", "2024-02", "points", 1, 1, 100.0, NAN, NAN),
        ("contracts_ended", "all", "all", "2024-02", "count", 3, 3, 3.0, NAN, NAN),
        ("renewal_rate", "all", "all", "2024-02", "share", 2, 2, 0.5, 0.1, 0.9),
        ("revenue_kept", "all", "all", "2024-02", "money", 0, 0, 0.0, NAN, NAN),
        ("revenue_lost", "all", "all", "2024-02", "money", 1, 1, 1234.5, NAN, NAN),
    )


def test_kpis_stand_month_by_month_and_months_that_are_not_covered_are_empty(kpis):
    assert kpi_text(kpis, currency="EUR", unfinished="2024-02").splitlines() == [
        "                                                     Revenue  Revenue",
        "                             Contracts                  kept     lost",
        "month                   NPS      ended      Renewed      EUR      EUR",
        "2024-01         -11.9 ±11.6",
        "2024-02 so far    +100.0 ±?          3  50.0% ±40.0        0    1,234",
        "",
        "± is half of the 95% interval, ? where it cannot be known. Months that a table does not cover are empty.",
        "1 of 3 contracts that ended: not known whether they were renewed.",
        "1 of 2 contracts that were renewed or not: no price, so in no revenue.",
    ]


def test_tables_of_many_kpis_are_split_before_they_are_too_wide(kpis):
    names = ["nps", "csat", "ces", "response_rate", "brand_sentiment", "renewal_rate", "contact_cost", "customers"]
    rows = [kpis.iloc[:1].assign(indicator=name) for name in names]
    text = kpi_text(pd.concat(rows), currency="EUR")
    assert max(len(line) for line in text.splitlines()[:-1]) <= 100
    assert text.count("month ") == 2
