"""Each kind of feature on a history that can be worked by hand; random ones are in test_algebra_properties.py."""

from math import sqrt

import pytest

from cxml.config.features import Aggregate, Contract, Recency, Trend
from cxml.descriptive.algebra import feature_plan
from cxml.errors import ConfigError


def event(time, event_type="call", *, customer_id="ada", **measures):
    return {"customer_id": customer_id, "event_time": time, "event_type": event_type, **measures}


def term(contract_id, start_time, end_time, *, renewed=None, **attributes):
    return {"customer_id": "ada", "contract_id": contract_id, "start_time": start_time, "end_time": end_time,
            "renewed": renewed, **attributes}  # fmt: skip


def counted(**options):
    return Aggregate(name="n", table="events", aggregate="count", **options)


EVENTS = [
    event("2024-03-01 12:00", value=10.0, channel="web"),
    event("2024-03-05 12:00", value=20.0, channel="web"),
    event("2024-03-09 12:00", "visit", value=60.0, channel="store"),
    event("2024-03-09 12:00", "visit", customer_id="bob", value=1000.0, channel="ivr"),
]


@pytest.mark.parametrize(
    ("aggregate", "column", "expected"),
    [
        ("count", None, 3),
        ("sum", "value", 90),
        ("mean", "value", 30),
        ("min", "value", 10),
        ("max", "value", 60),
        ("std", "value", sqrt((20**2 + 10**2 + 30**2) / 2)),
        ("distinct", "channel", 2),
        ("last", "value", 60),
        ("last", "channel", "store"),
        ("min", "channel", "store"),
    ],
)
def test_an_aggregate_of_three_events(value, aggregate, column, expected):
    feature = Aggregate(name="a", table="events", aggregate=aggregate, column=column)
    assert value(feature, "2024-03-11", events=EVENTS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [("count", 0), ("sum", 0), ("distinct", 0)] + [(a, None) for a in ("mean", "min", "max", "std", "last")],
)
def test_of_a_customer_without_facts_only_what_counts_is_known(value, aggregate, expected):
    feature = Aggregate(name="a", table="events", aggregate=aggregate, column="value")
    assert value(feature, "2024-03-01", events=EVENTS) == expected


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("mean", 15), ("sum", 30), ("last", 20), ("count", 3), ("distinct", 2)]
)
def test_a_missing_value_is_skipped_though_its_row_counts(value, aggregate, expected):
    column = None if aggregate == "count" else "value"
    feature = Aggregate(name="a", table="events", aggregate=aggregate, column=column)
    events = [event("2024-03-01", value=10.0), event("2024-03-02", value=20.0), event("2024-03-03", value=None)]
    assert value(feature, "2024-03-11", events=events) == expected


@pytest.mark.parametrize(("order", "last"), [(1, 9), (-1, 5)])
def test_of_several_values_at_one_moment_the_one_later_in_the_table_is_the_last(value, order, last):
    feature = Aggregate(name="a", table="events", aggregate="last", column="value")
    events = [event("2024-03-01", value=99.0), event("2024-03-02", value=5.0), event("2024-03-02", value=9.0)]
    assert value(feature, "2024-03-11", events=events[::order]) == last


def test_one_value_has_no_spread(value):
    feature = Aggregate(name="a", table="events", aggregate="std", column="value")
    assert value(feature, "2024-03-04", events=EVENTS) is None


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        ("2024-03-03 23:59:59.999999", False),
        ("2024-03-04", True),  # as_of - 7 days
        ("2024-03-10 23:59:59.999999", True),
        ("2024-03-11", False),  # as_of
    ],
)
def test_a_window_holds_its_first_moment_and_not_as_of(value, time, inside):
    assert value(counted(window_days=7), "2024-03-11", events=[event(time)]) == inside


@pytest.mark.parametrize(("as_of", "known"), [("2024-03-10", False), ("2024-03-10 00:00:00.000001", True)])
def test_a_fact_counts_from_just_after_it_is_known(value, as_of, known):
    assert value(counted(), as_of, events=[event("2024-03-01", known_time="2024-03-10")]) == known


def test_a_fact_without_known_time_is_known_when_it_happens(value):
    events = [event("2024-03-01", known_time=None), event("2024-03-02", known_time="2024-05-01")]
    assert value(counted(), "2024-03-11", events=events) == 1


def test_a_condition_that_is_unknown_for_a_row_leaves_it_out(value):
    events = [event("2024-03-01", solved=True), event("2024-03-02", solved=False), event("2024-03-03", solved=None)]
    assert value(counted(where="solved = FALSE"), "2024-03-11", events=events) == 1
    assert value(counted(where="solved IS NULL OR solved"), "2024-03-11", events=events) == 2


@pytest.mark.parametrize("event_type", ['client\'s "case"', "réclamation", "a\\b", "{0} %s ? $1", "-- x; /* y"])
def test_a_condition_finds_any_text(value, event_type):
    where = "event_type = '{}'".format(event_type.replace("'", "''"))
    assert value(counted(where=where), "2024-03-11", events=[event("2024-03-01", event_type), *EVENTS[:2]]) == 1


def test_true_counts_as_one_and_false_as_nought(value):
    events = [event("2024-03-01", solved=True), event("2024-03-02", solved=True), event("2024-03-03", solved=False)]
    found = {
        aggregate: value(
            Aggregate(name="a", table="events", aggregate=aggregate, column="solved"), "2024-03-11", events=events
        )
        for aggregate in ("sum", "mean", "min", "max", "last")
    }
    assert found == {"sum": 2, "mean": pytest.approx(2 / 3), "min": 0, "max": 1, "last": 0}


def test_two_features_that_differ_only_in_case_are_refused(company):
    features = [Aggregate(name=name, table="events", aggregate="count") for name in ("call_n", "Call_n")]
    with pytest.raises(
        ConfigError, match="'Call_n' is the name of two features, or differs from another in case alone"
    ):
        company(events=EVENTS).frame(features, [("ada", "2024-03-11")])


def test_a_count_of_a_column_counts_its_known_values(value):
    events = [event("2024-03-01", "call"), event("2024-03-02", "call") | {"value": 3.0}]
    for column, expected in ((None, 2), ("value", 1)):
        feature = Aggregate(name="n", table="events", aggregate="count", column=column)
        assert value(feature, "2024-03-11", events=events) == expected


@pytest.mark.parametrize(("since", "days"), [("last", 1.5), ("first", 9.5)])
def test_recency_is_in_days_with_their_fraction(value, since, days):
    feature = Recency(name="r", table="events", since=since)
    assert value(feature, "2024-03-11 00:00", events=EVENTS) == days


def test_recency_of_what_never_happened_is_missing(value):
    feature = Recency(name="r", table="events", where="event_type = 'complaint'")
    assert value(feature, "2024-03-11", events=EVENTS) is None


def test_a_trend_is_this_window_minus_the_one_before(value):
    times = ["2024-03-04", "2024-03-07", "2024-03-10", "2024-03-03 23:59", "2024-02-26", "2024-02-25 23:59"]
    events = [event(time, value=float(i)) for i, time in enumerate(times)]  # three in the week, two before, one older

    def trend(aggregate, column=None):
        feature = Trend(name="t", table="events", aggregate=aggregate, column=column, window_days=7)
        return value(feature, "2024-03-11", events=events)

    assert trend("count") == 3 - 2
    assert trend("sum", "value") == (0 + 1 + 2) - (3 + 4)
    assert trend("mean", "value") == 1 - 3.5


def test_the_trend_of_a_mean_is_missing_where_one_window_is_empty(value):
    feature = Trend(name="t", table="events", aggregate="mean", column="value", window_days=7)
    assert value(feature, "2024-03-11", events=EVENTS[1:3]) is None  # both in the last week
    assert value(feature, "2024-03-17", events=EVENTS[:2]) is None  # both in the week before


def test_the_trend_of_a_count_is_a_number_whatever_column_it_names(company):
    feature = Trend(name="t", table="events", aggregate="count", column="channel", window_days=7)
    made = company(events=EVENTS)
    (meaning,) = feature_plan([feature], made.tables.kinds).features
    assert meaning.kind == "number"
    assert made.frame([feature], [("ada", "2024-03-11")])["t"].tolist() == [2 - 1]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2023-01-01", None),  # starts at as_of
        ("2023-01-02", 10),
        ("2023-10-01", 10),  # the second starts at as_of
        ("2023-10-02", 12),  # both run: the later start
        ("2024-01-01", 12),
        ("2024-10-01", 12),  # ends at as_of
        ("2024-10-02", None),
    ],
)
def test_the_contract_in_force_is_the_one_that_started_last(value, as_of, expected):
    contracts = [
        term("k2", "2023-01-01", "2024-01-01", price=10.0, renewed=True),
        term("k1", "2023-10-01", "2024-10-01", price=12.0),
    ]
    assert value(Contract(name="price", column="price"), as_of, contracts=contracts) == expected


def test_a_price_that_the_contract_in_force_lacks_is_not_taken_from_an_older_one(value):
    contracts = [
        term("k1", "2023-01-01", "2025-01-01", price=10.0, renewed=True),
        term("k2", "2023-06-01", "2025-01-01", price=None),
    ]
    assert value(Contract(name="price", column="price"), "2024-01-01", contracts=contracts) is None


def test_the_age_of_a_contract_and_the_days_it_still_runs(value):
    contracts = [term("k1", "2024-01-01", "2024-12-31", renewed=True)]
    assert value(Contract(name="a", measure="days_since_start"), "2024-03-01 06:00", contracts=contracts) == 60.25
    assert value(Contract(name="a", measure="days_to_end"), "2024-12-01 12:00", contracts=contracts) == 29.5


@pytest.mark.parametrize(("as_of", "n"), [("2023-06-01", 0), ("2024-01-01", 0), ("2024-01-02", 1), ("2025-06-01", 1)])
def test_a_renewal_counts_from_the_end_of_its_term(value, as_of, n):
    contracts = [
        term("k1", "2023-01-01", "2024-01-01", renewed=True),
        term("k2", "2024-01-01", "2025-01-01", renewed=False),
    ]
    feature = Aggregate(name="before", table="contracts", aggregate="count", where="renewed = TRUE")
    assert value(feature, as_of, contracts=contracts) == n


@pytest.mark.parametrize(("as_of", "expected"), [("2024-03-08", None), ("2024-03-09", 9)])
def test_a_score_is_known_after_the_answer_not_after_the_question(value, as_of, expected):
    surveys = [
        {
            "customer_id": "ada",
            "sent_time": "2024-03-01",
            "response_time": "2024-03-08",
            "instrument": "nps",
            "score": 9,
        }
    ]
    feature = Aggregate(name="nps_last", table="surveys", aggregate="last", column="score")
    assert value(feature, as_of, surveys=surveys) == expected
