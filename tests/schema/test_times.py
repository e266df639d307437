"""Times, as every table has them: their zone, and the moment that they must lie before."""

from datetime import datetime

import pandas as pd
import pytest

from cxml.schema.tables import ACTIONS, CONTRACTS, CUSTOMERS, EVENTS, SURVEYS

NOON = datetime(2024, 7, 1, 12)
ZONELESS = {
    "timestamp": "TIMESTAMP '2024-07-01 12:00:00'",
    "timestamp in seconds": "CAST('2024-07-01 12:00:00' AS TIMESTAMP_S)",
    "timestamp in nanoseconds": "CAST('2024-07-01 12:00:00' AS TIMESTAMP_NS)",
    "text": "'2024-07-01T12:00:00'",
    "text with a blank": "'2024-07-01 12:00:00.000'",
    "text of a day": "'2024-07-01'",
    "date": "DATE '2024-07-01'",
}
ZONED = {
    "timestamp": "TIMESTAMPTZ '2024-07-01 12:00:00Z'",
    "text in UTC": "'2024-07-01T12:00:00Z'",
    "text with an offset": "'2024-07-01T14:00:00+02:00'",
    "text with a western offset": "'2024-07-01T07:00:00-05:00'",
    "text with a short offset": "'2024-07-01 14:00:00+02'",
    "text without seconds": "'2024-07-01T14:00+02:00'",
    "text with half an hour": "'2024-07-01 17:30:00+0530'",
    "text that says UTC": "'2024-07-01 12:00:00 UTC'",
    "text that says GMT, without seconds": "'2024-07-01T12:00 GMT'",
    "text with nanoseconds": "'2024-07-01T12:00:00.000000000Z'",
    "text between blanks": "' 2024-07-01T12:00:00Z '",
    "text with the easternmost offset": "'2024-07-02T02:00:00+14:00'",
}


def event(time):
    return f"SELECT 'c1' AS customer_id, {time} AS event_time, 'visit' AS event_type"


@pytest.mark.parametrize("time", ZONELESS.values(), ids=ZONELESS)
def test_a_time_without_a_zone_is_a_fault(faults, time):
    (fault,) = faults(EVENTS, event(time))
    assert fault.startswith(
        "events.event_time: times must carry a zone; 1 of 1 rows does not (first: row 0, customer 'c1', '2024-07-01"
    )
    assert "`timezone: Europe/Lisbon`" in fault


@pytest.mark.parametrize("time", ZONED.values(), ids=ZONED)
@pytest.mark.parametrize("zone", [None, "Europe/Lisbon"])
def test_a_time_that_carries_its_zone_is_read_by_it_whatever_the_zone_of_the_table(report, time, zone):
    found = report(EVENTS, event(time), zone=zone)
    assert (found.faults, found.first_time) == ((), NOON)


@pytest.mark.parametrize("form", ["TIMESTAMP '{}'", "'{}'"])
@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Lisbon", "2024-01-15 12:00:00", datetime(2024, 1, 15, 12)),  # winter: as UTC
        ("Europe/Lisbon", "2024-07-01 12:00:00", datetime(2024, 7, 1, 11)),  # summer: an hour ahead
        ("Europe/Lisbon", "2024-07-01 00:30:00", datetime(2024, 6, 30, 23, 30)),  # another day, another month
        ("America/New_York", "2024-01-15 12:00:00", datetime(2024, 1, 15, 17)),
        ("Asia/Kolkata", "2024-07-01 12:00:00", datetime(2024, 7, 1, 6, 30)),
        ("UTC", "2024-07-01 12:00:00", NOON),
    ],
)
def test_a_time_without_a_zone_is_read_in_the_zone_of_the_table(report, form, zone, local, utc):
    found = report(EVENTS, event(form.format(local)), zone=zone)
    assert (found.faults, found.first_time) == ((), utc)


@pytest.mark.parametrize("day", ["DATE '2024-07-01'", "'2024-07-01'"])
def test_a_day_without_a_zone_starts_at_midnight_in_the_zone_of_the_table(report, day):
    found = report(EVENTS, event(day), zone="Europe/Lisbon")
    assert (found.faults, found.first_time) == ((), datetime(2024, 6, 30, 23))


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("time", ["'soon'", "'2024-13-01T00:00:00Z'", "''", "20240701", "1719835200.0", "TRUE"])
def test_what_is_no_time_is_a_fault(faults, time, zone):
    (fault,) = faults(EVENTS, event(time), zone=zone)
    assert fault.startswith("events.event_time: must be a time (ISO 8601); 1 of 1 rows is not")
    assert "2024-05-31T14:00:00Z" in fault


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize(
    "text",
    [
        "2022-03-01 09:00 PM",
        "2021-07-03T10:00:00 CET",
        "2021-07-03 10:00:00 America/New_York",
        "2021-07-03 10:00:00+25:00",
        "2021-07-03T10:00:00+99:99",
        "2021-07-03T10:00:00+16:00",
        "2021-07-03T10:00:00+01:60",
        "2021-07-03T10:00:00 +01:00 or so",
        "2021-07-03 about noon",
        "infinity",
        "epoch",
    ],
)
def test_a_time_with_more_behind_it_is_no_time_and_none_of_it_is_dropped(counted, text, zone):
    table = pd.DataFrame({"customer_id": "c1", "event_time": [f"2024-07-0{i}T12:00:00Z" for i in (1, 2)] + [text]})
    found = counted(EVENTS, table.assign(event_type="visit"), zone=zone)
    assert found == {("events.event_time", "must be a time (ISO 8601)"): (1, 2)}


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Berlin", "2024-03-31 02:30", datetime(2024, 3, 31, 1, 30)),  # skipped: as 03:30 of summer
        ("Europe/Berlin", "2024-10-27 02:30", datetime(2024, 10, 27, 1, 30)),  # twice: the one of winter
        ("America/New_York", "2024-03-10 02:30", datetime(2024, 3, 10, 7, 30)),
        ("America/New_York", "2024-11-03 01:30", datetime(2024, 11, 3, 6, 30)),
    ],
)
@pytest.mark.parametrize("form", ["TIMESTAMP '{}'", "'{}'"])
def test_where_clocks_change_a_skipped_time_is_an_hour_later_and_a_double_one_of_winter(report, form, zone, local, utc):
    found = report(EVENTS, event(form.format(local)), zone=zone)
    assert (found.faults, found.first_time) == ((), utc)


def test_times_with_and_without_a_zone_and_no_times_are_told_apart(counted):
    texts = ["2024-07-01T12:00:00Z", "2024-07-01T12:00:00", "soon", "2024-07-01T12:00:00+01:00", "2024-07-02 09:00"]
    table = pd.DataFrame({"customer_id": "c1", "event_time": texts, "event_type": "visit"})
    assert counted(EVENTS, table) == {
        ("events.event_time", "times must carry a zone"): (2, 1),
        ("events.event_time", "must be a time (ISO 8601)"): (1, 2),
    }
    assert list(counted(EVENTS, table, zone="UTC").values()) == [(1, 2)]


def test_a_missing_time_has_no_zone_to_carry(faults):
    table = "SELECT * FROM (VALUES ('c1', NULL), ('c2', '2024-07-01T12:00:00Z')) AS t(customer_id, since)"
    assert faults(CUSTOMERS, table) == []


@pytest.mark.parametrize(
    ("time", "n_faults"),
    [
        ("2024-07-01 11:59:59.999999Z", 0),
        ("2024-07-01 12:00:00Z", 1),  # facts are strictly before as_of
        ("2024-07-01 12:00:00.000001Z", 1),
        ("2024-07-01 12:30:00+01:00", 0),
    ],
)
def test_a_fact_lies_before_as_of(faults, time, n_faults):
    found = faults(EVENTS, event(f"TIMESTAMPTZ '{time}'"), as_of=NOON)
    assert len(found) == n_faults
    for fault in found:
        assert fault.startswith("events.event_time: must be before as_of (2024-07-01 12:00:00 UTC); 1 of 1 rows is not")
        assert "Move `as_of:`" in fault


@pytest.mark.parametrize(("time", "n_faults"), [("12:00:00.4", 0), ("12:00:00.5", 1)])
def test_a_fact_lies_before_an_as_of_within_a_second(faults, time, n_faults):
    found = faults(EVENTS, event(f"TIMESTAMPTZ '2024-07-01 {time}Z'"), as_of=NOON.replace(microsecond=500_000))
    assert len(found) == n_faults


def test_a_time_is_compared_with_as_of_in_utc(faults):
    lisbon = event("TIMESTAMP '2024-07-01 12:30:00'")  # 11:30 UTC
    assert faults(EVENTS, lisbon, zone="Europe/Lisbon", as_of=NOON) == []
    assert len(faults(EVENTS, lisbon, zone="UTC", as_of=NOON)) == 1


@pytest.mark.parametrize(
    ("schema", "column", "others"),
    [
        (CUSTOMERS, "since", ""),
        (CUSTOMERS, "known_time", ""),
        (EVENTS, "known_time", ", TIMESTAMPTZ '2020-01-01 00:00:00Z' AS event_time, 'visit' AS event_type"),
        (SURVEYS, "response_time", ", 'nps' AS instrument, 9 AS score"),
        (ACTIONS, "action_time", ", 'call' AS action"),
    ],
    ids=lambda value: getattr(value, "name", value if isinstance(value, str) and "'" not in value else ""),
)
def test_nothing_that_is_known_lies_in_the_future(counted, schema, column, others):
    table = f"SELECT 'c1' AS customer_id, TIMESTAMPTZ '2024-07-02 00:00:00Z' AS {column}{others}"
    rule = (f"{schema.name}.{column}", "must be before as_of (2024-07-01 12:00:00 UTC)")
    assert counted(schema, table, as_of=NOON) == {rule: (1, 0)}


def test_the_term_of_a_contract_may_lie_in_the_future(faults):
    start, end = "TIMESTAMPTZ '2024-08-01 00:00:00Z'", "TIMESTAMPTZ '2025-08-01 00:00:00Z'"
    term = f"{start} AS start_time, {end} AS end_time, FALSE AS renewed"
    assert faults(CONTRACTS, f"SELECT 'c1' AS customer_id, 'k1' AS contract_id, {term}", as_of=NOON) == []
