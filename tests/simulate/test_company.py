import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cxml.errors import ConfigError
from cxml.simulate import simulate

KEYS = {
    "customers": ["customer_id"],
    "events": ["customer_id", "event_time"],
    "surveys": ["customer_id", "sent_time"],
    "contracts": ["customer_id", "start_time"],
    "environment": ["observed_time"],
    "actions": ["customer_id", "action_time"],
}


def _bytes(frame):
    return frame.to_csv().encode()


@pytest.fixture(scope="module")
def small():
    return simulate(150, months=24, random_state=5)


def test_the_same_seed_gives_the_same_bytes_whatever_the_global_state(small):
    np.random.seed(1)
    again = simulate(150, months=24, random_state=5)
    assert {name: _bytes(table) for name, table in again.tables.items()} == {
        name: _bytes(table) for name, table in small.tables.items()
    }
    assert _bytes(again.truth) == _bytes(small.truth)


def test_another_seed_gives_another_company(small):
    other = simulate(150, months=24, random_state=6)
    assert all(_bytes(other.tables[name]) != _bytes(small.tables[name]) for name in small.tables)


def test_the_global_random_state_is_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    simulate(20, months=24)
    assert np.random.get_state()[1].tolist() == before


def test_the_calendar_ends_at_as_of(small):
    assert small.as_of == pd.Timestamp("2024-01-01", tz="UTC")


@pytest.mark.parametrize("name", sorted(set(KEYS) - {"environment"}))
def test_tables_are_sorted_by_customer_and_time_with_a_plain_index(company, name):
    table = company.tables[name]
    assert table.sort_values(KEYS[name], kind="stable").index.equals(table.index)
    assert table.index.equals(pd.RangeIndex(len(table)))


def test_the_environment_is_sorted_by_time_within_each_region(company):
    table = company.tables["environment"]
    assert (table["region"] != table["region"].shift()).sum() == table["region"].nunique()
    assert all(times.is_monotonic_increasing for _, times in table.groupby("region")["observed_time"])


@pytest.mark.parametrize("name", KEYS)
def test_every_time_is_utc_in_microseconds_and_before_as_of(company, name):
    table = company.tables[name]
    names = [column for column in table if column.endswith("_time") or column == "since"]
    assert {str(table[column].dtype) for column in names} == {"datetime64[us, UTC]"}
    assert all(table[column].max() < company.as_of for column in names if column != "end_time")


def test_times_are_not_all_at_midnight(company):
    events = company.tables["events"]
    assert (events["event_time"] == events["event_time"].dt.normalize()).mean() < 0.01


def test_only_age_household_and_what_customers_say_of_themselves_are_missing(company):
    customers = company.tables["customers"]
    missing = customers.isna().mean()
    assert set(missing[missing > 0].index) == {"age", "household_size", "tech_affinity", "price_orientation"}
    assert customers["customer_id"].is_unique


@pytest.mark.parametrize("n_customers", [1, 2, 9])
def test_a_handful_of_customers_is_a_company_too(n_customers):
    company = simulate(n_customers, months=24)
    assert len(company.tables["customers"]) == n_customers
    assert set(company.truth["customer_id"]) <= set(company.tables["customers"]["customer_id"])


def test_a_year_is_refused():
    with pytest.raises(ConfigError, match="months must be at least 24, not 12"):
        simulate(10, months=12)


def test_nobody_is_refused():
    with pytest.raises(ConfigError, match="n_customers must be at least 1, not 0"):
        simulate(0)


def test_both_faults_are_reported_together():
    with pytest.raises(ConfigError, match=r"(?s)n_customers must be.*months must be"):
        simulate(-3, months=23)


def test_importing_cxml_does_not_import_the_simulation():
    code = "import sys, cxml; sys.exit('cxml.simulate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
