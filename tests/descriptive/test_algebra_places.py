"""What a customer has, where the customer lives and when it is, on histories worked by hand."""

from math import cos, pi, sin

import pytest

from cxml.config.features import Attribute, Environment, Season


def observed(region, time, jobless, **more):
    return {"region": region, "observed_time": time, "jobless": jobless, **more}


JOBLESS = [
    observed("north", "2024-01-01", 5.0),
    observed("north", "2024-02-01", 6.0),
    observed("north", "2024-03-01", 8.5),
    observed("south", "2024-03-01", 99.0),
]


@pytest.mark.parametrize(
    ("as_of", "expected"), [("2024-01-01", None), ("2024-02-15", 6), ("2024-03-01", 6), ("2024-03-02", 8.5)]
)
def test_the_environment_is_that_of_the_own_region_before_as_of(value, as_of, expected):
    assert value(Environment(name="e", column="jobless"), as_of, environment=JOBLESS) == expected


def test_a_change_of_the_environment_is_since_the_value_in_force_then(value):
    feature = Environment(name="e", column="jobless", change_days=30)  # 2024-03-15 - 30 days is 2024-02-14
    assert value(feature, "2024-03-15", environment=JOBLESS) == 8.5 - 6
    assert value(feature, "2024-01-15", environment=JOBLESS) is None


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("as_of", "expected"), [("2024-02-01", 5), ("2024-02-11", 5.2), ("2024-03-11", 5.4)])
def test_a_restated_measure_counts_as_it_was_known(value, order, as_of, expected):
    known = {"2024-01-02": 5.0, "2024-02-10": 5.2, "2024-03-10": 5.4}
    environment = [observed("north", "2024-01-01", jobless, known_time=time) for time, jobless in known.items()]
    assert value(Environment(name="e", column="jobless"), as_of, environment=environment[::order]) == expected


def test_the_environment_of_a_customer_is_unknown_until_the_region_is(value):
    customers = [{"customer_id": "ada", "region": "north", "known_time": "2024-06-01"}]
    feature = Environment(name="e", column="jobless")
    assert value(feature, "2024-03-15", environment=JOBLESS, customers=customers) is None
    assert value(feature, "2024-06-02", environment=JOBLESS, customers=customers) == 8.5


@pytest.mark.parametrize(("as_of", "expected"), [("2024-01-15", None), ("2024-02-15", 5 - 6), ("2024-03-15", 5 - 8)])
def test_the_nation_is_the_mean_of_the_latest_values_of_all_regions(value, as_of, expected):
    observed = [("north", "2024-02-01", 5.0), ("south", "2024-02-01", 7.0), ("west", "2024-03-01", 12.0)]
    environment = [{"region": region, "observed_time": time, "jobless": x} for region, time, x in observed]
    feature = Environment(name="e", column="jobless", against="national")
    assert value(feature, as_of, environment=environment) == expected


@pytest.mark.parametrize(("confidence", "expected"), [((1, 0.5, None), 5 - 19 / 2.5), ((0, 0, 0), None)])
def test_a_region_counts_in_the_nation_for_the_confidence_of_its_latest_statement(value, confidence, expected):
    observed = [("north", "2024-01-01", 5.0), ("south", "2024-01-01", 4.0), ("west", "2024-01-01", 12.0)]
    environment = [
        {"region": region, "observed_time": time, "jobless": x, "confidence": weight}
        for (region, time, x), weight in zip(observed, confidence, strict=True)
    ]
    environment.insert(0, {"region": "west", "observed_time": "2023-01-01", "jobless": 99.0, "confidence": 0.1})
    environment.append({"region": "west", "observed_time": "2024-02-01", "jobless": None, "confidence": 0.1})
    feature = Environment(name="e", column="jobless", against="national")
    assert value(feature, "2024-03-15", environment=environment) == pytest.approx(expected)


def test_a_change_is_between_two_values_each_as_it_was_known_then(value):
    known = [("2024-01-01", "2024-01-02", 5.0), ("2024-01-01", "2024-03-10", 6.0), ("2024-02-01", "2024-02-02", 8.0)]
    environment = [
        {"region": "north", "observed_time": time, "known_time": late, "jobless": x} for time, late, x in known
    ]
    change = Environment(name="e", column="jobless", change_days=50)
    assert value(change, "2024-03-15", environment=environment) == 8 - 5  # 6.0 was not known on 2024-01-25


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_forecasts_of_one_moment_the_one_stated_last_counts(value, order):
    stated = [("2024-02-01", 5.0), ("2024-02-20", 6.0)]
    environment = [
        {"region": "north", "observed_time": "2024-03-01", "known_time": known, "jobless": x} for known, x in stated
    ]
    found = value(Environment(name="e", column="jobless"), "2024-03-15", environment=environment[::order])
    assert found == 6


@pytest.mark.parametrize(
    ("part", "as_of", "expected"),
    [
        ("month", "2024-12-31 23:59", 12),
        ("quarter", "2024-03-31", 1),
        ("quarter", "2024-04-01", 2),
        ("year_sin", "2024-01-01", sin(2 * pi / 365.2425)),
        ("year_cos", "2024-02-10", cos(2 * pi * 41 / 365.2425)),
    ],
)
def test_the_season_is_that_of_as_of(value, part, as_of, expected):
    assert value(Season(name="s", part=part), as_of) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("as_of", "day"), [("2024-03-10 23:59", 7), ("2024-03-11", 1), ("2024-03-13", 3)])
def test_monday_is_the_first_day_of_the_week(value, as_of, day):
    assert value(Season(name="s", part="weekday"), as_of) == day


@pytest.mark.parametrize(
    ("column", "as_of", "expected"),
    [
        ("size", "2024-03-11", 3),
        ("vip", "2024-03-11", 1),
        ("region", "2024-03-11", "north"),
        ("since", "2024-03-11", 10.5),
        ("since", "2024-02-29 12:00", None),  # begins at as_of
    ],
)
def test_an_attribute_is_a_number_a_name_or_the_days_since(value, column, as_of, expected):
    customers = [{"customer_id": "ada", "region": "north", "since": "2024-02-29 12:00", "size": 3, "vip": True}]
    assert value(Attribute(name="a", column=column), as_of, customers=customers) == expected


def test_an_attribute_is_missing_until_it_is_known(value):
    customers = [
        {"customer_id": "ada", "size": 3.0, "known_time": "2024-03-10"},
        {"customer_id": "bob", "size": 4.0, "known_time": None},
    ]
    feature = Attribute(name="size", column="size")
    assert value(feature, "2024-03-10", customers=customers) is None
    assert value(feature, "2024-03-11", customers=customers) == 3
    assert value(feature, "2024-03-10", customers=customers, customer="bob") == 4
