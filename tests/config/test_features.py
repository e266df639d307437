import pytest
import yaml

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
from cxml.errors import ConfigError


@pytest.fixture
def feature(parsed):
    """Return the feature of one line of YAML."""
    return lambda line: parsed(features={"add": [yaml.safe_load(line)]}).features.add[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{kind: attribute, name: area, column: region}", Attribute(name="area", column="region")),
        (
            "{kind: aggregate, name: visits_90d, table: events, aggregate: count, window_days: 90}",
            Aggregate(name="visits_90d", table="events", aggregate="count", window_days=90),
        ),
        (
            "{kind: aggregate, name: late, table: events, aggregate: sum, column: delay, where: \"channel = 'web'\"}",
            Aggregate(name="late", table="events", aggregate="sum", column="delay", where="channel = 'web'"),
        ),
        (
            "{kind: recency, name: since_answer, table: surveys, since: first}",
            Recency(name="since_answer", table="surveys", since="first"),
        ),
        (
            "{kind: trend, name: more, table: events, aggregate: count, window_days: 30}",
            Trend(name="more", table="events", aggregate="count", window_days=30),
        ),
        ("{kind: contract, name: price, column: price}", Contract(name="price", column="price")),
        ("{kind: contract, name: left, measure: days_to_end}", Contract(name="left", measure="days_to_end")),
        (
            "{kind: environment, name: jobs, column: unemployment, change_days: 90}",
            Environment(name="jobs", column="unemployment", change_days=90),
        ),
        ("{kind: season, name: month, part: month}", Season(name="month", part="month")),
        (
            "{kind: aggregate, name: lately, table: events, aggregate: decay, half_life_days: 30}",
            Aggregate(name="lately", table="events", aggregate="decay", half_life_days=30),
        ),
        (
            "{kind: aggregate, name: late, table: events, aggregate: mean, column: paid - promised}",
            Aggregate(name="late", table="events", aggregate="mean", column="paid - promised"),
        ),
        (
            "{kind: share, name: web, table: events, of: \"channel = 'web'\", window_days: 90}",
            Share(name="web", table="events", of="channel = 'web'", window_days=90),
        ),
        (
            "{kind: promise, name: kept, table: events, column: delay_days, promise: promised_days}",
            Promise(name="kept", table="events", column="delay_days", promise="promised_days"),
        ),
        (
            "{kind: promise, name: kept, table: events, column: delay_days}",
            Promise(name="kept", table="events", column="delay_days", promise=0.0),
        ),
        ("{kind: ratio, name: r, numerator: a, denominator: b}", Ratio(name="r", numerator="a", denominator="b")),
        ("{kind: segment, name: s, of: a, by: plan}", Segment(name="s", of="a", by="plan")),
        (
            "{kind: environment, name: jobs, column: unemployment, against: national}",
            Environment(name="jobs", column="unemployment", against="national"),
        ),
        ("{kind: contract, name: dearer, measure: price_change}", Contract(name="dearer", measure="price_change")),
    ],
)
def test_a_feature_is_one_line(feature, line, expected):
    assert feature(line) == expected


def test_a_feature_is_frozen_and_can_be_counted_on_as_a_key(feature):
    line = "{kind: season, name: month, part: month}"
    assert {feature(line): 1}[feature(line)] == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "{kind: aggregate, name: n, table: events, aggregate: sum}",
            "'sum' needs a `column`; only count, rows, days_active, mean_gap_days, decay look",
        ),
        ("{kind: trend, name: n, table: events, aggregate: mean, window_days: 9}", "'mean' needs a `column`"),
        ("{kind: trend, name: n, table: events, aggregate: count}", "window_days: is missing"),
        ("{kind: contract, name: n}", "name a `column`, or a `measure`"),
        ("{kind: contract, name: n, column: price, measure: days_to_end}", "name a `column`, or a `measure`"),
        ("{kind: aggregate, name: n, table: events, aggregate: median, column: v}", "it is 'median'"),
        ("{kind: aggregate, name: n, table: environment, aggregate: count}", "it is 'environment'"),
        ("{kind: aggregate, name: n, table: events, aggregate: count, window_days: 0}", "greater than 0; it is 0"),
        ("{kind: season, name: n, part: week}", "it is 'week'"),
        (
            "{kind: aggregate, name: n, table: events, aggregate: decay}",
            "`half_life_days` and `aggregate: decay` belong",
        ),
        (
            "{kind: aggregate, name: n, table: events, aggregate: count, half_life_days: 9}",
            "`half_life_days` and `aggregate: decay` belong",
        ),
        (
            "{kind: aggregate, name: n, table: events, aggregate: days_active, column: v}",
            "looks at the times of rows and takes no `column`",
        ),
        (
            "{kind: environment, name: n, column: c, change_days: 9, against: national}",
            "is `change_days` or `against`, not both",
        ),
        ("{kind: season, name: 1n, part: month}", "name: string should match pattern"),
        ("{kind: agregate, name: n}", "'agregate'.*'aggregate'"),
        ("{name: n}", "kind"),
    ],
)
def test_a_feature_that_cannot_be_meant_is_refused_with_its_place(feature, line, says):
    with pytest.raises(ConfigError, match=rf"features\.add\[0\].*{says}"):
        feature(line)


def test_faults_of_several_features_are_reported_together(parsed):
    add = [{"kind": "season", "name": "a", "part": "week"}, {"kind": "recency", "name": "b", "tabel": "events"}]
    with pytest.raises(ConfigError, match=r"(?s)^config: 3 faults:.*add\[0\].*add\[1\].*add\[1\]"):
        parsed(features={"add": add})
