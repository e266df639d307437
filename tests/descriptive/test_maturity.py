"""Where features stand in the maturity matrix, found from what they read."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.features import (
    Aggregate,
    Attribute,
    Contract,
    Environment,
    Promise,
    Ratio,
    Recency,
    Season,
    Segment,
    Share,
    Trend,
)
from cxml.descriptive.maturity import placed_features, seen
from cxml.errors import ConfigError

KINDS = {
    "customers": {
        "customer_id": "key",
        "since": "time",
        "segment": "category",
        "region": "category",
        "age": "number",
        "tech_affinity": "number",
        "price_orientation": "number",
        "preferredChannel": "category",
        "MonthlyCharges": "number",
        "postcode": "category",
        "usage": "number",
    },
    "events": {
        "customer_id": "key",
        "event_type": "category",
        "channel": "category",
        "value": "number",
        "duration": "number",
        "delay_days": "number",
        "promised": "number",
        "sentiment": "number",
        "competitor_mention": "flag",
        "outsourced": "flag",
    },
    "surveys": {"instrument": "category", "score": "number", "price_rating": "number"},
    "invitations": {"instrument": "category"},
    "contracts": {"price": "number", "plan": "category", "addons": "number"},
    "environment": {
        "rain_mm": "number",
        "consumer_prices": "number",
        "competitor_price_index": "number",
        "competitors": "number",
    },
    "actions": {"action": "category", "channel": "category"},
}


def events(aggregate="count", where=None, **keys):
    return Aggregate(name="f", table="events", aggregate=aggregate, where=where, **keys)


def cell_of(feature, *others, cells=None):
    return placed_features([feature, *others], KINDS, cells or {})[0].cell


@pytest.mark.parametrize(
    ("feature", "cell"),
    [
        # who the customer is
        (Attribute(name="f", column="age"), ("customer", "environment")),
        (Attribute(name="f", column="segment"), ("customer", "environment")),
        (Attribute(name="f", column="postcode"), ("customer", "environment")),  # not a post
        (Attribute(name="f", column="tech_affinity"), ("customer", "interfaces")),
        (Attribute(name="f", column="preferredChannel"), ("customer", "interfaces")),
        (Attribute(name="f", column="price_orientation"), ("customer", "prices")),
        # what is written of the customer but happened
        (Attribute(name="f", column="since"), ("behaviour", "prices")),
        (Attribute(name="f", column="MonthlyCharges"), ("behaviour", "prices")),
        (Attribute(name="f", column="usage"), ("behaviour", "interfaces")),
        # what happened
        (events(), ("behaviour", "interfaces")),
        (events("mean", "event_type = 'contact'", column="duration"), ("behaviour", "interfaces")),
        (events("count", "event_type = 'contact' AND channel = 'phone'"), ("behaviour", "interfaces")),
        (events("sum", "event_type = 'purchase'", column="value"), ("behaviour", "prices")),
        (events("count", "event_type = 'post'"), ("behaviour", "social")),
        (events("mean", column="sentiment"), ("behaviour", "social")),
        (events("mean", column="delay_days - promised"), ("behaviour", "interfaces")),
        (Promise(name="f", table="events", column="delay_days", promise="promised"), ("behaviour", "interfaces")),
        (Recency(name="f", table="events", where="event_type = 'complaint'"), ("behaviour", "interfaces")),
        (
            Trend(name="f", table="events", aggregate="count", window_days=30, where="event_type = 'purchase'"),
            ("behaviour", "prices"),
        ),
        (Contract(name="f", measure="days_to_end"), ("behaviour", "prices")),
        (Contract(name="f", column="plan"), ("behaviour", "prices")),
        (Aggregate(name="f", table="surveys", aggregate="mean", column="score"), ("behaviour", "social")),
        (Aggregate(name="f", table="surveys", aggregate="mean", column="price_rating"), ("behaviour", "social")),
        (Aggregate(name="f", table="invitations", aggregate="count"), ("behaviour", "social")),
        (Aggregate(name="f", table="actions", aggregate="count"), ("behaviour", "interfaces")),
        (
            Aggregate(name="f", table="actions", aggregate="count", where="action = 'discount'"),
            ("behaviour", "prices"),
        ),
        (Season(name="f", part="year_sin"), ("behaviour", "environment")),
        # alternatives taken
        (Share(name="f", table="events", of="channel = 'web'"), ("alternatives", "interfaces")),
        (events("entropy", column="channel"), ("alternatives", "interfaces")),
        (events("mean", "event_type = 'contact'", column="outsourced"), ("alternatives", "interfaces")),
        (Contract(name="f", column="addons"), ("alternatives", "prices")),
        # competitors
        (events("mean", "event_type = 'post'", column="competitor_mention"), ("competitors", "social")),
        (events("mean", "event_type = 'contact'", column="competitor_mention"), ("competitors", "interfaces")),
        (Environment(name="f", column="competitor_price_index"), ("competitors", "prices")),
        (Environment(name="f", column="competitors"), ("competitors", "environment")),
        # the place
        (Environment(name="f", column="rain_mm"), ("customer", "environment")),
        (Environment(name="f", column="consumer_prices"), ("customer", "environment")),
    ],
)
def test_a_feature_stands_in_the_cell_of_what_it_reads(feature, cell):
    assert cell_of(feature) == cell


def test_a_share_of_the_channels_is_an_alternative_and_a_share_within_one_is_not():
    within = Share(name="f", table="events", of="outsourced = FALSE", where="channel = 'web'")
    assert cell_of(within) == ("alternatives", "interfaces")  # by the word outsourced
    late = Share(name="f", table="events", of="delay_days > 0", where="channel = 'web'")
    assert cell_of(late) == ("behaviour", "interfaces")
    of_actions = Share(name="f", table="actions", of="channel = 'web'")
    assert cell_of(of_actions) == ("behaviour", "interfaces")  # the company's choice, not the customer's


def test_a_ratio_stands_with_its_numerator_and_a_segment_among_those_like_the_customer():
    spent = Aggregate(name="spent", table="events", aggregate="sum", column="value", window_days=30)
    named = Aggregate(name="named", table="events", aggregate="mean", column="competitor_mention", window_days=30)
    score = Aggregate(name="score", table="surveys", aggregate="mean", column="score", window_days=30)
    assert cell_of(Ratio(name="f", numerator="spent", denominator="score"), spent, score) == ("behaviour", "prices")
    assert cell_of(Segment(name="f", of="score"), score) == ("customer", "social")
    assert cell_of(Segment(name="f", of="spent"), spent) == ("customer", "prices")
    assert cell_of(Segment(name="f", of="named"), named) == ("competitors", "interfaces")


@pytest.mark.parametrize("named", ["f", "value", "purchase"])
def test_the_config_decides_by_feature_by_column_and_by_compared_name(named):
    spent = events("sum", "event_type = 'purchase'", column="value")
    assert cell_of(spent, cells={named: ("alternatives", "social")}) == ("alternatives", "social")


def test_the_name_of_a_feature_counts_before_its_column_and_a_column_before_its_conditions():
    spent = events("sum", "event_type = 'purchase'", column="value")
    cells = {"purchase": ("customer", "social"), "value": ("alternatives", "prices")}
    assert cell_of(spent, cells=cells) == ("alternatives", "prices")
    assert cell_of(spent, cells=cells | {"f": ("competitors", "prices")}) == ("competitors", "prices")


def test_what_the_config_says_of_a_feature_holds_for_what_is_made_of_it():
    score = Aggregate(name="score", table="surveys", aggregate="mean", column="score", window_days=30)
    cells = {"score": ("behaviour", "interfaces")}
    assert cell_of(Segment(name="f", of="score"), score, cells=cells) == ("customer", "interfaces")


def test_names_that_are_not_there_are_refused_with_the_near_miss():
    cells = {
        "competitor_mentions": ("competitors", "social"),
        "age": ("customer", "prices"),
        "zzz": ("customer", "social"),
    }
    with pytest.raises(ConfigError) as caught:
        placed_features([events()], KINDS, cells)
    assert str(caught.value) == (
        "2 faults:\n"
        "  - maturity.cells: there is no feature, column or compared name 'competitor_mentions'; "
        "did you mean 'competitor_mention'?\n"
        "  - maturity.cells: there is no feature, column or compared name 'zzz'."
    )


def test_it_is_said_what_placed_a_feature():
    placed = placed_features(
        [events(where="event_type = 'visit'"), Attribute(name="age", column="age"), Season(name="s", part="month")],
        KINDS,
        {"visit": ("behaviour", "interfaces")},
    )
    assert [one.by for one in placed] == ["config: visit", "table: customers", "season"]
    assert [one.table for one in placed] == ["events", "customers", None]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (events(), [True, False, False]),  # a count of 0: nothing was seen
        (events("sum", column="value"), [True, False, False]),
        (events("mean", column="value"), [True, True, False]),  # a mean of 0 is of something
        (Trend(name="f", table="events", aggregate="count", window_days=7), [True, False, False]),
        (Contract(name="f", measure="renewals"), [True, False, False]),
        (Contract(name="f", column="addons"), [True, True, False]),
        (Season(name="f", part="year_sin"), [True, True, False]),
    ],
)
def test_a_count_of_zero_has_seen_nothing_and_a_mean_of_zero_has(feature, expected):
    assert seen(feature, pd.Series([2.0, 0.0, np.nan])).tolist() == expected


def test_a_name_is_seen_where_it_is_known():
    assert seen(Attribute(name="f", column="region"), pd.Series(["north", None])).tolist() == [True, False]
