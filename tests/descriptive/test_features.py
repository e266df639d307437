"""The FEATURES frame: its types, its order, what is missing in it, and the faults that it refuses."""

from datetime import datetime

import pandas as pd
import pytest

from cxml.config.features import Aggregate, Attribute, Contract, Environment, Recency, Season, Trend
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.features import customers_at, feature_frame
from cxml.errors import ConfigError

CUSTOMERS = [{"customer_id": "ada", "region": "north", "since": "2020-01-01"},
             {"customer_id": "bob", "region": None, "since": "2024-02-01"},
             {"customer_id": "cid", "region": "south", "since": None}]  # fmt: skip
EVENTS = [{"customer_id": "ada", "event_time": "2024-01-01", "event_type": "call", "channel": "web", "value": 4.0,
           "solved": True}]  # fmt: skip
CONTRACTS = [{"customer_id": "ada", "contract_id": "k", "start_time": "2023-06-01", "end_time": "2024-06-01",
              "renewed": None, "plan": "basic"},
             {"customer_id": "ada", "contract_id": "j", "start_time": "2022-06-01", "end_time": "2023-06-01",
              "renewed": True, "plan": "basic"}]  # fmt: skip
ENVIRONMENT = [{"region": "north", "observed_time": "2023-06-01", "jobless": 5.0}]
ROWS = {"customers": CUSTOMERS, "events": EVENTS, "contracts": CONTRACTS, "environment": ENVIRONMENT}

EVERY_KIND = [
    Attribute(name="region", column="region"),
    Attribute(name="tenure_days", column="since"),
    Aggregate(name="calls", table="events", aggregate="count"),
    Aggregate(name="spent", table="events", aggregate="sum", column="value"),
    Aggregate(name="channels", table="events", aggregate="distinct", column="channel"),
    Aggregate(name="spent_mean", table="events", aggregate="mean", column="value"),
    Aggregate(name="solved_last", table="events", aggregate="last", column="solved"),
    Aggregate(name="channel_last", table="events", aggregate="last", column="channel"),
    Recency(name="days_since_call", table="events"),
    Trend(name="call_trend", table="events", aggregate="count", window_days=30),
    Contract(name="plan", column="plan"),
    Contract(name="days_to_end", measure="days_to_end"),
    Environment(name="jobless", column="jobless"),
    Season(name="month", part="month"),
]
NAMES = {"region", "channel_last", "plan"}
KNOWN_WITHOUT_FACTS = {"calls": 0, "spent": 0, "channels": 0, "call_trend": 0, "month": 2}


def test_numbers_are_doubles_and_names_are_text(company):
    frame = company(**ROWS).frame(EVERY_KIND, [("ada", "2024-02-01")])
    assert frame.columns.tolist() == ["customer_id", "as_of", *(feature.name for feature in EVERY_KIND)]
    assert str(frame["as_of"].dtype) == "datetime64[us, UTC]"
    for feature in EVERY_KIND:
        if feature.name in NAMES:
            assert isinstance(frame[feature.name].item(), str)
        else:
            assert frame[feature.name].dtype == "float64", feature.name
            assert pd.notna(frame[feature.name].item()), feature.name


def test_the_types_are_the_same_where_nothing_is_known(company):
    made = company(**ROWS)
    full, empty = (made.frame(EVERY_KIND, [(who, "2024-02-01")]) for who in ("ada", "bob"))
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)


def test_what_is_unknown_of_a_customer_is_missing_unless_it_counts(company):
    row = company(**ROWS).frame(EVERY_KIND, [("bob", "2024-02-01")]).iloc[0]
    assert {name: row[name] for name in KNOWN_WITHOUT_FACTS} == KNOWN_WITHOUT_FACTS
    assert row.drop(["customer_id", "as_of", *KNOWN_WITHOUT_FACTS]).isna().all()


def test_a_missing_name_is_none_and_a_missing_number_is_nan(company):
    frame = company(**ROWS).frame(EVERY_KIND[:2], [("bob", "2024-02-01"), ("ada", "2024-02-01")])
    assert frame["region"].isna().tolist() == [False, True]
    assert frame["tenure_days"].tolist() == [1492.0, pytest.approx(float("nan"), nan_ok=True)]  # 4 years and 31 days


@pytest.mark.parametrize("order", [1, -1])
def test_rows_are_by_customer_then_moment(company, order):
    moments = [("ada", "2024-01-15"), ("ada", "2024-02-01"), ("bob", "2023-01-01"), ("cid", "2024-02-01")]
    frame = company(**ROWS).frame([EVERY_KIND[2], EVERY_KIND[-1]], moments[::order])
    assert list(zip(frame["customer_id"], frame["as_of"].dt.strftime("%Y-%m-%d"), strict=True)) == moments
    assert frame["month"].tolist() == [1, 2, 1, 2]


def test_each_moment_has_its_own_past(company):
    frame = company(**ROWS).frame([EVERY_KIND[2]], [("ada", "2024-01-01"), ("ada", "2024-01-02")])
    assert frame["calls"].tolist() == [0, 1]


def test_the_same_tables_and_moments_give_the_same_frame(company):
    moments = [("ada", "2024-02-01"), ("bob", "2024-02-01")]
    made = company(**ROWS)
    pd.testing.assert_frame_equal(made.frame(EVERY_KIND, moments), made.frame(EVERY_KIND, moments))
    pd.testing.assert_frame_equal(made.frame(EVERY_KIND, moments), company(**ROWS).frame(EVERY_KIND, moments))


def test_the_moments_are_not_changed_and_may_carry_other_columns(company):
    moments = pd.DataFrame({"customer_id": ["ada"], "as_of": pd.to_datetime(["2024-02-01"]), "label": [1.0]})
    before = moments.copy(deep=True)
    frame = feature_frame(company(**ROWS).tables, EVERY_KIND, moments)
    pd.testing.assert_frame_equal(moments, before)
    assert "label" not in frame


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_of_any_resolution_mean_the_same(company, unit):
    times = ["2024-03-04", "2024-03-10 23:59:59.999999", "2024-03-11"]
    customers = [{"customer_id": "ada", "size": 3.0, "known_time": None},
                 {"customer_id": "bob", "size": 4.0, "known_time": "2024-03-11"}]  # fmt: skip
    made = company(customers=customers, events=[EVENTS[0] | {"event_time": time} for time in times])
    as_of = pd.to_datetime(["2024-03-11"] * 2).astype(f"datetime64[{unit}]")
    features = [
        Aggregate(name="n", table="events", aggregate="count", window_days=7),
        Recency(name="r", table="events"),
        Attribute(name="size", column="size"),
    ]
    frame = feature_frame(made.tables, features, pd.DataFrame({"customer_id": ["ada", "bob"], "as_of": as_of}))
    assert frame["n"].tolist() == [2, 0]
    assert frame["r"][0] == pytest.approx(1e-6 / 86_400, rel=1e-9)
    assert frame["size"].isna().tolist() == [False, True]


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_the_kind_of_a_feature_is_number_or_category(company, feature):
    kinds = company(**ROWS).tables.kinds
    (meaning,) = feature_plan([feature], kinds).features
    assert meaning.kind == ("category" if feature.name in NAMES else "number")


def refused(company, *features, **rows):
    with pytest.raises(ConfigError) as error:
        company(**(rows or ROWS)).frame(list(features), [("ada", "2024-02-01")])
    return str(error.value)


def test_a_table_that_is_not_there_is_named(company):
    says = refused(company, Recency(name="r", table="surveys"))
    assert says.startswith("features.r: needs the table 'surveys'")


def test_a_column_that_is_not_there_is_named_with_the_nearest(company):
    assert "features.e: environment has no column 'joblss'; did you mean 'jobless'?" in refused(
        company, Environment(name="e", column="joblss")
    )
    assert "features.a: customers has no column 'xyz'." in refused(company, Attribute(name="a", column="xyz"))


@pytest.mark.parametrize("aggregate", ["sum", "mean", "std"])
def test_a_name_has_no_sum(company, aggregate):
    says = refused(company, Aggregate(name="a", table="events", aggregate=aggregate, column="channel"))
    assert "features.a: events.channel is a category" in says
    assert aggregate in says


@pytest.mark.parametrize(
    "feature",
    [
        Aggregate(name="f", table="events", aggregate="last", column="event_time"),
        Aggregate(name="f", table="contracts", aggregate="max", column="end_time"),
        Contract(name="f", column="start_time"),
        Environment(name="f", column="region"),
        Environment(name="f", column="observed_time"),
        Trend(name="f", table="events", aggregate="sum", column="channel", window_days=7),
    ],
    ids=["last time", "latest time", "time of a contract", "place", "time of the environment", "trend of a name"],
)
def test_a_feature_that_would_be_neither_number_nor_name_is_refused(company, feature):
    assert refused(company, feature).startswith("features.f: ")


def test_the_environment_needs_the_region_of_customers(company):
    customers = [{"customer_id": "ada", "age": 3}]
    says = refused(company, Environment(name="e", column="jobless"), customers=customers, environment=ENVIRONMENT)
    assert says.startswith("features.e: needs the table 'environment' and `customers.region`")


def test_two_features_cannot_have_one_name(company):
    says = refused(company, Season(name="s", part="month"), Season(name="s", part="quarter"))
    assert "features: 's' is the name of two features" in says


def test_all_faults_are_reported_together(company):
    says = refused(
        company,
        Recency(name="r", table="surveys"),
        Attribute(name="a", column="xyz"),
        Aggregate(name="s", table="events", aggregate="sum", column="channel"),
        Season(name="m", part="month"),
        Season(name="m", part="quarter"),
    )
    assert says.startswith("4 faults:")
    assert all(part in says for part in ("features.r", "features.a", "features.s", "'m' is the name of two"))


def test_a_condition_that_cannot_be_read_is_reported_with_the_other_faults(company):
    says = refused(
        company,
        Aggregate(name="n", table="events", aggregate="count", where="chanel = 'web'"),
        Recency(name="r", table="events", where="event_type ="),
        Attribute(name="a", column="xyz"),
    )
    assert all(
        part in says for part in ("features.n.where", "did you mean 'channel'", "features.r.where", "features.a")
    )


@pytest.mark.parametrize(
    ("as_of", "known"), [("2019-12-31", {"cid"}), ("2024-02-01", {"ada", "cid"}), ("2024-02-02", {"ada", "bob", "cid"})]
)
def test_customers_at_a_moment_are_those_who_came_before_it(company, as_of, known):
    found = customers_at(company(**ROWS).tables, datetime.fromisoformat(as_of))
    assert found["customer_id"].tolist() == sorted(known)
    assert (found["as_of"] == pd.Timestamp(as_of)).all()


def test_customers_without_a_since_are_always_there(company):
    found = customers_at(company().tables, datetime(2024, 1, 1))
    assert found["customer_id"].tolist() == ["ada", "bob"]


@pytest.mark.parametrize(
    ("as_of", "there"),
    [
        ("2023-05-01", True),  # before the first contract
        ("2024-01-01", True),  # ends at as_of
        ("2024-01-02", False),
        ("2024-03-02", True),  # back with a second one
        ("2024-06-02", False),
    ],
)
def test_who_has_no_contract_left_is_no_customer_any_more(company, as_of, there):
    contracts = [{"customer_id": "ada", "contract_id": start, "start_time": start, "end_time": end, "renewed": False}
                 for start, end in [("2023-06-01", "2024-01-01"), ("2024-03-01", "2024-06-01")]]  # fmt: skip
    found = customers_at(company(contracts=contracts).tables, datetime.fromisoformat(as_of))
    assert found["customer_id"].tolist() == (["ada", "bob"] if there else ["bob"])


def test_a_customer_or_contract_counts_from_when_it_was_known(company):
    customers = [{"customer_id": "ada"}, {"customer_id": "bob", "known_time": "2024-03-01"}]
    ended = {"contract_id": "k", "start_time": "2023-01-01", "end_time": "2024-01-01", "renewed": False}
    contracts = [ended | {"customer_id": "ada", "known_time": "2024-02-15"}]
    tables = company(customers=customers, contracts=contracts).tables
    found = [customers_at(tables, datetime(2024, month, 10))["customer_id"].tolist() for month in (2, 3)]
    assert found == [["ada"], ["bob"]]  # in February nobody knew of Bob, nor that Ada's contract had ended
