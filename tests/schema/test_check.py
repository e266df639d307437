from collections import Counter
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.schema.tables import CONTRACTS, CUSTOMERS, EVENTS, SURVEYS

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)
MAY = datetime(2024, 5, 1)


def customers(**columns):
    n = len(next(iter(columns.values()), "ab"))
    return pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)]} | columns)


def events(**columns):
    times = pd.to_datetime(["2024-05-01T10:00Z", "2024-05-02T10:00Z"])
    return pd.DataFrame({"customer_id": ["c1", "c2"], "event_time": times, "event_type": "visit"} | columns)


def test_a_table_that_keeps_its_rules_has_no_faults(faults):
    assert faults(EVENTS, events(value=[1.5, None], channel=["store", None])) == []


def test_a_report_counts_rows_customers_and_missing_values_and_gives_the_first_and_last_time(report):
    found = report(EVENTS, events(customer_id=["c1", "c1"], value=[1.5, None], channel=["store", "web"]))
    assert (found.table, found.rows, found.customers, found.unknown) == ("events", 2, 1, {"value": 1})
    assert (found.first_time, found.last_time) == (datetime(2024, 5, 1, 10), datetime(2024, 5, 2, 10))


def test_a_missing_column_is_named_with_its_near_miss_and_the_remedy(faults):
    (fault,) = faults(EVENTS, events().rename(columns={"event_type": "evnt_type"}))
    assert fault.startswith("events: has no column 'event_type'; did you mean 'evnt_type'?")
    assert "`columns: {event_type: <its name>}`" in fault


def test_a_missing_column_without_a_near_miss_is_named_alone(faults):
    (fault,) = faults(EVENTS, events().rename(columns={"event_type": "zz"}))
    assert fault.startswith("events: has no column 'event_type'. If")


def test_a_column_that_the_schema_knows_is_not_proposed_for_another(faults):
    (fault,) = faults(EVENTS, events(known_time=pd.Timestamp("2024-05-01T10:00Z")).drop(columns="event_time"))
    assert "did you mean" not in fault


def test_an_empty_table_is_a_fault(faults):
    (fault,) = faults(CUSTOMERS, "SELECT 'c1' AS customer_id WHERE false")
    assert fault.startswith("customers: must have rows; it has none.")


def test_a_column_with_no_value_at_all_is_a_fault_and_one_value_is_enough(faults):
    (fault,) = faults(CUSTOMERS, customers(spend=[None, None]))
    assert fault.startswith("customers.spend: must not be all null; 2 of 2 rows are.")
    assert "`ignore: [spend]`" in fault
    assert faults(CUSTOMERS, customers(spend=[None, 1.0])) == []


def test_what_is_needed_may_all_be_unknown_yet(faults):
    terms = {"customer_id": ["c1"], "contract_id": ["k"], "start_time": [pd.Timestamp("2024-01-01T00:00Z")],
             "end_time": [pd.Timestamp("2024-02-01T00:00Z")]}  # fmt: skip
    for nothing in (pd.Series([None], dtype=object), pd.Series([None], dtype="boolean"), pd.Series([np.nan])):
        assert faults(CONTRACTS, pd.DataFrame(terms).assign(renewed=nothing)) == []


def test_a_key_must_be_filled(faults):
    (fault,) = faults(EVENTS, events(customer_id=["c1", None]))
    assert fault.startswith("events.customer_id: must be filled; 1 of 2 rows is not (first: row 1, no value).")


def test_a_fault_names_the_rule_the_count_the_first_row_its_customer_the_value_and_the_remedy(faults):
    table = pd.concat([events(value=["1", "2"])] * 10 + [events(value=["low", "high"])], ignore_index=True)
    (fault,) = faults(EVENTS, table)
    assert fault.startswith(
        "events.value: mixes numbers with text: must be all numbers or declared as names; "
        "2 of 22 rows are not (first: row 20, customer 'c1', 'low')."
    )


def test_all_faults_of_a_table_are_reported_at_once(faults):
    table = events(customer_id=["c1", None], event_time=["yesterday", "2024-05-02T10:00:00"], value=[float("inf"), 1])
    expected = [
        "events: has no column 'event_type'.",
        "events.customer_id: must be filled; 1 of 2 rows",
        "events.event_time: times must carry a zone; 1 of 2 rows",
        "events.event_time: must be a time (ISO 8601); 1 of 2 rows",
        "events.value: must be finite; 1 of 2 rows",
    ]
    found = faults(EVENTS, table.drop(columns="event_type"))
    assert [fault[: len(start)] for fault, start in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_number_is_a_fault(faults, value):
    (fault,) = faults(CUSTOMERS, customers(spend=[1.0, value]))
    assert fault.startswith("customers.spend: must be finite; 1 of 2 rows is not (first: row 1, customer 'c1'")


def test_the_largest_number_is_finite(faults):
    assert faults(CUSTOMERS, customers(spend=[1.0, 1.7e308])) == []


@pytest.mark.parametrize(("n_numbers", "n_faults"), [(8, 0), (9, 1), (10, 0)])
def test_text_of_which_nine_in_ten_are_numbers_is_a_fault(faults, n_numbers, n_faults):
    found = faults(CUSTOMERS, customers(code=["7"] * n_numbers + ["none"] * (10 - n_numbers)))
    assert len(found) == n_faults
    assert all("1 of 10 rows is not (first: row 9, customer 'c9', 'none')" in fault for fault in found)


def test_mixed_text_is_silenced_by_declaring_names(faults):
    table = customers(code=["7"] * 9 + ["none"])
    assert "`categories: [code]`" in faults(CUSTOMERS, table)[0]
    assert faults(CUSTOMERS, table, names=("code",)) == []


def test_a_missing_text_is_no_odd_value_between_numbers(faults):
    assert faults(CUSTOMERS, customers(code=["7"] * 9 + [None])) == []


def test_a_name_of_the_schema_may_look_like_a_number(faults):
    assert faults(CUSTOMERS, customers(segment=["7"] * 9 + ["none"])) == []


def test_a_number_column_of_another_type_is_a_fault(faults):
    times = pd.to_datetime(["2024-05-01T10:00Z"] * 2)
    answers = {"instrument": "nps", "score": ["9", "ten"]}
    table = pd.DataFrame({"customer_id": ["c1", "c2"], "response_time": times} | answers)
    (fault,) = faults(SURVEYS, table)
    assert fault.startswith("surveys.score: must be a number; 1 of 2 rows is not (first: row 1, customer 'c2', 'ten').")
    assert "`missing:`" in fault


@pytest.mark.parametrize("name", ['spend "net"', "o'spend", "{table}", "{spend}", "spend, cost", "ÄÖ €", "SELECT"])
def test_a_column_may_have_any_name(counted, name):
    table = customers(**{name: [1.0, float("inf"), 2.0]})
    assert counted(CUSTOMERS, table) == {(f"customers.{name}", "must be finite"): (1, 1)}
    assert counted(CUSTOMERS, customers(**{name: ["1"] * 9 + ["x"]})) == {
        (f"customers.{name}", "mixes numbers with text: must be all numbers or declared as names"): (1, 9)
    }


def test_a_column_that_hides_the_row_number_is_refused(faults):
    (fault,) = faults(CUSTOMERS, customers(rowid=[1.0, 2.0]))
    assert fault.startswith("customers: must not have a column 'rowid'")


_NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 1.5, -2.0, float("inf"), float("-inf")]))
_ROW = st.tuples(st.sampled_from(["a", "b", "c", "d", "e", "f"]), _NUMBERS, st.integers(-2, 2))


@EXAMPLES
@given(st.lists(_ROW, min_size=1, max_size=12))
def test_counts_and_first_rows_are_those_of_a_plain_loop(counted, rows):
    ids, spends, hours = zip(*rows, strict=True)
    since = [pd.Timestamp(MAY) + pd.Timedelta(hours=h) for h in hours]
    table = pd.DataFrame({"customer_id": ids, "spend": pd.array(spends, dtype="Float64"), "since": since})
    found = counted(CUSTOMERS, table.dropna(axis="columns", how="all"), zone="UTC", as_of=MAY)

    expected = {
        ("customers.customer_id", "must be unique"): [i for i, c in enumerate(ids) if c in ids[:i]],
        ("customers.spend", "must be finite"): [i for i, x in enumerate(spends) if x in (float("inf"), float("-inf"))],
        ("customers.since", f"must be before as_of ({MAY} UTC)"): [i for i, h in enumerate(hours) if h >= 0],
    }
    assert found == {rule: (len(bad), bad[0]) for rule, bad in expected.items() if bad}


@EXAMPLES
@given(st.lists(st.sampled_from(["1", "2.5", "-3e4", "", "x", "1,5", None]), min_size=1, max_size=30))
def test_mixed_text_is_found_as_a_plain_loop_finds_it(counted, texts):
    if all(text is None for text in texts):
        return
    kinds = Counter("null" if t is None else "number" if t in ("1", "2.5", "-3e4") else "text" for t in texts)
    odd = [i for i, text in enumerate(texts) if text in ("", "x", "1,5")]
    mixed = odd and kinds["number"] >= 0.9 * (kinds["number"] + kinds["text"])
    found = counted(CUSTOMERS, pd.DataFrame({"customer_id": [f"c{i}" for i in range(len(texts))], "code": texts}))
    assert list(found.values()) == ([(len(odd), odd[0])] if mixed else [])
