"""Labels of customer value: by hand at every boundary, and against a plain Python loop."""

from datetime import datetime, timedelta
from math import exp, log

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxml.config.labels import ValueLabel
from cxml.descriptive.sources import Tables
from cxml.descriptive.value_labels import value_labels
from cxml.errors import ConditionError, ConfigError, SchemaError, TrainingError

NOW = "2024-07-01"


def purchase(event_time, value, *, customer_id="ada", event_type="purchase", **more):
    return {"customer_id": customer_id, "event_time": event_time, "event_type": event_type, "value": value, **more}


def term(start, end, price, *, customer_id="ada", renewed=None, **more):
    number = f"{customer_id} {start}"
    return {"customer_id": customer_id, "contract_id": number, "start_time": start, "end_time": end, "price": price,
            "renewed": renewed, **more}  # fmt: skip


def value_of(company, *, as_of=NOW, events=(), contracts=(), **options):
    """Return labels as {(customer, as_of): label}, for a horizon of 30 days, moments 30 days apart."""
    tables = {name: list(rows) for name, rows in (("events", events), ("contracts", contracts)) if rows}
    options = {"horizon_days": 30, "every_days": 30} | ({"event": "purchase"} if events else {}) | options
    found = value_labels(company(as_of=as_of, **tables).tables, ValueLabel(**options))
    assert found.columns.tolist() == ["customer_id", "as_of", "known_time", "label"]
    days = found["as_of"].astype("string").str.removesuffix(" 00:00:00")
    return dict(zip(zip(found["customer_id"], days, strict=True), found["label"], strict=True))


def test_purchases_of_the_horizon_add_up_and_returns_count_below_zero(company):
    # Moments back from 1 July less 30 days: 1 June, 2 May, 2 April, 3 March; one horizon after 1 February is 2 March.
    events = [purchase("2024-02-01", 5.0), purchase("2024-05-02", 20.0), purchase("2024-05-09", 4.5),
              purchase("2024-05-12", -30.0), purchase("2024-06-03", 7.0, event_type="visit")]  # fmt: skip
    assert value_of(company, events=events) == {
        ("ada", "2024-03-03"): 0.0, ("ada", "2024-04-02"): 0.0, ("ada", "2024-05-02"): -5.5, ("ada", "2024-06-01"): 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event_time", "expected"),
    [
        ("2024-05-01 23:59:59.999999", {"2024-04-02": 8.0, "2024-05-02": 0.0}),
        ("2024-05-02", {"2024-04-02": 0.0, "2024-05-02": 8.0}),  # at a moment it is the future's
        ("2024-05-31 23:59:59.999999", {"2024-05-02": 8.0, "2024-06-01": 0.0}),
        ("2024-06-01", {"2024-05-02": 0.0, "2024-06-01": 8.0}),  # the horizon does not hold its end
    ],
)
def test_the_horizon_holds_its_first_moment_and_not_its_end(company, event_time, expected):
    found = value_of(company, events=[purchase("2024-02-01", 1.0), purchase(event_time, 8.0)])
    assert {moment: found["ada", moment] for moment in expected} == expected


def test_nobody_is_a_row_before_their_first_purchase(company):
    found = value_of(company, events=[purchase("2024-02-01", 1.0), purchase("2024-05-02", 3.0, customer_id="bob")])
    assert [key for key in found if key[0] == "bob"] == [("bob", "2024-06-01")]


def test_what_became_known_after_the_horizon_does_not_count(company):
    events = [purchase("2024-02-01", 1.0, known_time="2024-02-01"),
              purchase("2024-05-10", 3.0, known_time="2024-05-31 23:59"),
              purchase("2024-05-11", 9.0, known_time="2024-06-01")]  # fmt: skip
    assert value_of(company, events=events)["ada", "2024-05-02"] == 3.0


def test_a_contract_brings_the_price_of_its_days_within_the_horizon(company):
    # 30 days, of which the first term covers 10 at 2 a day and the renewal 20 at 3; then the renewal alone.
    contracts = [term("2024-01-01", "2024-05-12", 2.0, renewed=True), term("2024-05-12", "2024-09-01", 3.0)]
    found = value_of(company, contracts=contracts, per="day")
    assert found["ada", "2024-04-02"] == pytest.approx(30 * 2.0)
    assert found["ada", "2024-05-02"] == pytest.approx(10 * 2.0 + 20 * 3.0)
    assert found["ada", "2024-06-01"] == pytest.approx(30 * 3.0)


def test_who_is_not_renewed_brings_nothing_from_the_end_on_and_is_then_no_row(company):
    found = value_of(company, contracts=[term("2024-01-01", "2024-05-12", 2.0, renewed=False)], per="day")
    assert found["ada", "2024-05-02"] == pytest.approx(20.0)
    assert ("ada", "2024-06-01") not in found


@pytest.mark.parametrize(
    ("per", "a_day"),
    [("day", 73.05), ("week", 73.05 / 7), ("month", 2.4), ("quarter", 0.8), ("year", 0.2), ("term", 73.05 / 244)],
)
def test_a_price_is_for_its_period(company, per, a_day):
    # A year has 365.25 days, so a price of 73.05 is 2.4 a day of a month; 1 January to 1 September 2024 are 244 days.
    found = value_of(company, contracts=[term("2024-01-01", "2024-09-01", 73.05)], per=per)
    assert found["ada", "2024-05-02"] == pytest.approx(30 * a_day)


def test_a_price_is_for_a_month_where_nothing_is_said(company):
    assert value_of(company, contracts=[term("2024-01-01", "2024-09-01", 73.05)])["ada", "2024-05-02"] == pytest.approx(
        72
    )


def test_two_contracts_at_once_both_count(company):
    contracts = [term("2024-01-01", "2024-09-01", 2.0), {**term("2024-05-22", "2024-09-01", 5.0), "contract_id": "b"}]
    found = value_of(company, contracts=contracts, per="day")
    assert found["ada", "2024-05-02"] == pytest.approx(30 * 2.0 + 10 * 5.0)


@pytest.mark.parametrize(("event_time", "first"), [("2024-03-05", "2024-04-02"), ("2024-04-03", "2024-01-03")])
def test_contracts_wait_for_events_where_three_horizons_follow_the_first(company, event_time, first):
    # 90 days before 1 July are 2 April; from 5 March on, 2 April is the first moment.
    events = [purchase(event_time, 1.0), purchase(event_time, 1.0, customer_id="bob")]
    found = value_of(company, events=events, contracts=[term("2024-01-01", "2024-09-01", 2.0)], event=())
    assert min(moment for _, moment in found) == first


def test_which_contracts_count_is_a_condition(company):
    contracts = [term("2024-01-01", "2024-09-01", 2.0), {**term("2024-05-22", "2024-09-01", 5.0), "contract_id": "b"}]
    assert value_of(company, contracts=contracts, per="day", where="price < 3")["ada", "2024-05-02"] == pytest.approx(
        60
    )
    assert value_of(company, contracts=contracts, per="day", where="price > 3") == {
        ("ada", "2024-04-02"): 0.0, ("ada", "2024-05-02"): pytest.approx(50), ("ada", "2024-06-01"): pytest.approx(150),
        ("ada", "2024-03-03"): 0.0, ("ada", "2024-02-02"): 0.0, ("ada", "2024-01-03"): 0.0,
    }  # fmt: skip


def test_what_comes_later_is_worth_less(company):
    # At 10% a year, 100 that come after a year of 365.25 days are worth 100 / 1.1.
    events = [purchase("2020-01-01", 1.0), purchase("2022-12-31 06:00", 100.0)]
    found = value_of(company, events=events, as_of="2024-01-01", horizon_days=730, every_days=9_000, discount_rate=0.1)
    assert found == {("ada", "2022-01-01"): pytest.approx(100 * exp(-log(1.1) * 364.25 / 365.25))}
    # Two years of 1 a day: the integral of 1.1^-(t / 365.25) from 0 to 730 days.
    contracts = [term("2021-01-01", "2025-01-01", 1.0)]
    (found,) = value_of(
        company,
        contracts=contracts,
        as_of="2024-01-01",
        horizon_days=730,
        every_days=9_000,
        discount_rate=0.1,
        per="day",
    ).values()
    assert found == pytest.approx(sum(1.1 ** -((day + 0.5) / 365.25) for day in range(730)), rel=1e-6)


def test_a_row_is_known_from_the_last_microsecond_of_its_horizon(company):
    tables = company(events=[purchase("2024-02-01", 1.0)], as_of=NOW).tables
    found = value_labels(tables, ValueLabel(event="purchase", horizon_days=30, every_days=500))
    assert found["known_time"].astype(str).tolist() == ["2024-06-30 23:59:59.999999"]


def test_a_horizon_that_has_not_ended_is_censored(company):
    found = value_of(company, events=[purchase("2024-02-01", 1.0)], as_of="2024-06-30 23:59")
    assert max(moment for _, moment in found) == "2024-05-31 23:59:00"


def test_a_horizon_longer_than_the_history_is_refused(company):
    with pytest.raises(TrainingError, match=r"first such event \(2024-06-01\) and has ended by 2024-07-01"):
        value_of(company, events=[purchase("2024-06-01", 1.0)])
    with pytest.raises(TrainingError, match=r"first contract \(2024-06-01\)"):
        value_of(company, contracts=[term("2024-06-01", "2025-06-01", 1.0)])


def test_money_that_is_missing_is_not_taken_for_none(company):
    events = [purchase("2024-02-01", 1.0), purchase("2024-03-01", None), purchase("2024-04-01", None)]
    with pytest.raises(
        SchemaError, match=r"events\.value: .* 2 of 3 rows are not \(first: customer 'ada', 2024-03-01\)"
    ):
        value_of(company, events=events)
    assert value_of(company, events=events, where="value IS NOT NULL")["ada", "2024-03-03"] == 0.0
    contracts = [term("2024-01-01", "2024-09-01", None), term("2024-01-01", "2024-09-01", 1.0, customer_id="bob")]
    with pytest.raises(SchemaError, match=r"contracts\.price: must be filled .* 1 of 2 rows is not"):
        value_of(company, contracts=contracts)


def test_faults_are_named_with_the_nearest(company):
    events = [purchase("2024-02-01", 1.0, channel="web")]
    for options, error, says in (
        ({"event": "purchse"}, ConfigError, r"labels\.value\.event: .*'purchse'; did you mean 'purchase'"),
        ({"column": "valu"}, ConfigError, r"labels\.value\.column: events has no column 'valu'; did you mean 'value'"),
        ({"column": "channel"}, ConfigError, r"events\.channel must be a number; it is a category"),
        ({"where": "valu > 1"}, ConditionError, r"labels\.value\.where: .*'valu'"),
        ({"where": "value > 1"}, ConfigError, r"no row of events meets `event_type = 'purchase' AND \(value > 1\)`"),
        ({"event": ()}, ConfigError, r"labels\.value: needs the table `contracts`, or `event:`"),
    ):
        with pytest.raises(error, match=says):
            value_of(company, events=events, **options)


# Half days, missed by a microsecond at times: there are ties, and events on both edges of the horizon.
BEGIN, DAY = datetime(2024, 2, 20), timedelta(days=1)
moments = st.builds(
    lambda halves, miss: BEGIN + halves * DAY / 2 + timedelta(microseconds=miss),
    st.integers(0, 30),
    st.sampled_from([0, 0, 0, 0, -1, 1]),
)
END = BEGIN + 16 * DAY
who, late, money = st.sampled_from(["ann", "bob"]), st.none() | moments, st.sampled_from([-2.0, 0.0, 1.0, 8.0])
types = st.sampled_from(["buy", "buy", "visit"])
event_rows = st.lists(st.tuples(who, moments, types, money, late), max_size=8)
terms = st.builds(
    lambda who, start, halves, price, known: (who, start, start + halves * DAY / 2, price, known),
    who, moments, st.integers(1, 12), st.sampled_from([0.0, 1.0, 8.0]), late,
)  # fmt: skip
contract_rows = st.lists(terms, max_size=6)
asked = {
    "horizon_days": st.integers(1, 5),
    "every_days": st.integers(1, 4),
    "discount_rate": st.sampled_from([0.0, 0.5]),
}
EVENT_KINDS = {"customer_id": "key", "event_time": "time", "event_type": "category", "value": "number",
               "known_time": "time"}  # fmt: skip
TERM_KINDS = {"customer_id": "key", "start_time": "time", "end_time": "time", "price": "number", "known_time": "time"}
SETTINGS = settings(
    deadline=None, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate, Phase.shrink]
)


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE events (customer_id VARCHAR, event_time TIMESTAMP, event_type VARCHAR, value DOUBLE, "
            "known_time TIMESTAMP)"
        )
        con.execute(
            "CREATE TABLE contracts (customer_id VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, price DOUBLE, "
            "known_time TIMESTAMP)"
        )
        yield con


def computed(con, table, kinds, rows, label):
    """Return the rows as the SQL gives them; none where it refuses for want of such a row or of history."""
    con.execute(f"DELETE FROM {table}")
    if rows:
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
        con.execute(f"INSERT INTO {table} VALUES {places}", [value for row in rows for value in row])
    try:
        found = value_labels(Tables(con, {table: kinds}, (), END, ""), label)
    except (ConfigError, TrainingError):
        return []
    rows = zip(found["customer_id"], found["as_of"], found["known_time"], found["label"], strict=True)
    return [(name, m.to_pydatetime(), k.to_pydatetime(), pytest.approx(y, abs=1e-9)) for name, m, k, y in rows]


def discounted(label, days):
    return (1 + label.discount_rate) ** (-days / 365.25)


def moments_of(first, label, least):
    horizon, found = timedelta(days=label.horizon_days), []
    moment = END - horizon
    while moment > first and (moment == END - horizon or moment - first >= least):
        found.append(moment)
        moment -= timedelta(days=label.every_days)
    return found


def days_of(span):
    return span / DAY


def loop_events(rows, label):
    """Return what the rows should be, moment by moment, customer by customer, event by event."""
    rows = [(who, at, value, max(at, at if known is None else known)) for who, at, kind, value, known in rows
            if kind == "buy"]  # fmt: skip
    if not rows:
        return []
    horizon, found = timedelta(days=label.horizon_days), []
    for moment in moments_of(min(known for *_, known in rows), label, horizon):
        for who in ("ann", "bob"):
            mine = [row[1:] for row in rows if row[0] == who]
            if not any(at < moment and known < moment for at, _, known in mine):
                continue
            total = 0.0
            for at, value, known in mine:
                if moment <= at < moment + horizon and known < moment + horizon:
                    total += value * discounted(label, days_of(at - moment))
            found.append((who, moment, moment + horizon - timedelta(microseconds=1), total))
    return sorted(found)


def loop_contracts(rows, label):
    """Return what the rows should be, adding up the half days that each contract ran in the horizon."""
    rows = [(who, start, end, price, max(start, start if known is None else known)) for who, start, end, price, known
            in rows]  # fmt: skip
    if not rows:
        return []
    horizon, found = timedelta(days=label.horizon_days), []
    for moment in moments_of(min(known for *_, known in rows), label, timedelta(microseconds=1)):
        for who in ("ann", "bob"):
            mine = [row[1:] for row in rows if row[0] == who]
            if not any(start < moment and known < moment and end >= moment for start, end, _, known in mine):
                continue
            total = 0.0
            for start, end, price, known in mine:
                begun, over = max(start, moment), min(end, moment + horizon)
                if known < moment + horizon and over > begun:
                    a, b = days_of(begun - moment), days_of(over - moment)
                    force = log(1 + label.discount_rate) / 365.25
                    total += price * ((exp(-force * a) - exp(-force * b)) / force if force else b - a)
            found.append((who, moment, moment + horizon - timedelta(microseconds=1), total))
    return sorted(found)


def test_every_row_by_events_is_what_a_plain_loop_gives(con):
    seen = set()

    @settings(SETTINGS, max_examples=120)
    @given(rows=event_rows, label=st.builds(ValueLabel, event=st.just("buy"), **asked))
    def check(rows, label):
        rows = [row for row in rows if row[1] < END]
        expected = loop_events(rows, label)
        assert computed(con, "events", EVENT_KINDS, rows, label) == expected
        seen.update(y > 0 for *_, y in expected)

    check()
    assert seen == {True, False}


def test_every_row_by_contracts_is_what_a_plain_loop_gives(con):
    seen = set()

    @settings(SETTINGS, max_examples=120)
    @given(rows=contract_rows, label=st.builds(ValueLabel, per=st.just("day"), **asked))
    def check(rows, label):
        expected = loop_contracts(rows, label)
        assert computed(con, "contracts", TERM_KINDS, rows, label) == expected
        seen.update(y > 0 for *_, y in expected)

    check()
    assert seen == {True, False}


def test_nothing_known_after_a_row_changes_it(con):
    @settings(SETTINGS, max_examples=60)
    @given(
        rows=event_rows, other=event_rows, label=st.builds(ValueLabel, event=st.just("buy"), **asked), moment=moments
    )
    def check(rows, other, label, moment):
        def known(row):
            return max(row[1], row[4] or row[1])

        always = ("cid", BEGIN - DAY, "buy", 1.0, None)
        past = [always, *(row for row in rows if known(row) < moment)]
        future = [row for row in other if known(row) >= moment]

        def before(history):
            return [row for row in computed(con, "events", EVENT_KINDS, history, label) if row[2] < moment]

        first, then = before(past), before([*future, *reversed(past)])
        assert [(*row[:3], row[3].expected) for row in first] == [(*row[:3], row[3].expected) for row in then]

    check()
