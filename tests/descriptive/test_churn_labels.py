"""Labels of customers without contracts: by hand at every boundary, and against a plain Python loop."""

from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxml.config.labels import RenewalLabel
from cxml.descriptive.churn_labels import churn_labels
from cxml.descriptive.labels import renewal_labels
from cxml.descriptive.sources import Tables
from cxml.errors import ConditionError, ConfigError, TrainingError

NOW = "2024-07-01"


def purchase(event_time, *, customer_id="ada", event_type="purchase", **more):
    return {"customer_id": customer_id, "event_time": event_time, "event_type": event_type, **more}


def churn_of(company, *events, as_of=NOW, customers=None, **options):
    """Return labels as (customer, as_of, label), for a horizon of 30 days, moments 30 days apart."""
    options = {"event": "purchase", "horizon_days": 30, "every_days": 30} | options
    found = renewal_labels(
        company(events=list(events), as_of=as_of, **({"customers": customers} if customers else {})).tables,
        RenewalLabel(**options),
    )
    assert found.columns.tolist() == ["customer_id", "as_of", "known_time", "label"]
    days = found["as_of"].astype("string").str.removesuffix(" 00:00:00")
    return list(zip(found["customer_id"], days, found["label"], strict=True))


def test_who_bought_once_is_lost_at_every_moment_from_then_on(company):
    # Moments back from 1 July less 30 days: 1 June, 2 May, 2 April, 3 March; one horizon after 1 February is 2 March.
    assert churn_of(company, purchase("2024-02-01")) == [
        ("ada", "2024-03-03", 1.0), ("ada", "2024-04-02", 1.0), ("ada", "2024-05-02", 1.0), ("ada", "2024-06-01", 1.0),
    ]  # fmt: skip


def test_one_event_of_centuries_ago_begins_no_history(company):
    many = [purchase("2024-02-01", customer_id=f"c{i}") for i in range(120)]
    customers = [{"customer_id": f"c{i}"} for i in range(120)]
    found = churn_of(company, *many, purchase("1900-01-01", customer_id="c7"), customers=customers)
    assert sorted({moment for _, moment, _ in found}) == ["2024-03-03", "2024-04-02", "2024-05-02", "2024-06-01"]
    assert found == churn_of(company, *many, customers=customers)


@pytest.mark.parametrize(
    ("event_time", "expected"),
    [
        ("2024-05-01 23:59:59.999999", {"2024-04-02": 0.0, "2024-05-02": 1.0}),
        ("2024-05-02", {"2024-04-02": 1.0, "2024-05-02": 0.0}),  # at a moment it is the future's
        ("2024-05-31 23:59:59.999999", {"2024-05-02": 0.0, "2024-06-01": 1.0}),
        ("2024-06-01", {"2024-05-02": 1.0, "2024-06-01": 0.0}),  # the horizon does not hold its end
        ("2024-06-30 23:59:59.999999", {"2024-05-02": 1.0, "2024-06-01": 0.0}),
    ],
)
def test_the_horizon_holds_its_first_moment_and_not_its_end(company, event_time, expected):
    found = churn_of(company, purchase("2024-02-01"), purchase(event_time))
    assert {moment: label for _, moment, label in found if moment in expected} == expected


@pytest.mark.parametrize(
    ("event_time", "label"),
    [
        ("2024-05-21 23:59:59.999999", 1.0),  # in the horizon of the moment before, and known
        ("2024-05-22", 1.0),
        ("2024-05-31 23:59:59.999999", 1.0),
        ("2024-06-01", 0.0),
        ("2024-06-30 23:59:59.999999", 0.0),
    ],
)
def test_an_event_in_the_gap_counts_neither_way(company, event_time, label):
    # With a gap of 10 days the last moment is 22 May, and 1 June to 1 July decides.
    found = churn_of(company, purchase("2024-02-01"), purchase(event_time), gap_days=10)
    assert found[-1] == ("ada", "2024-05-22", label)
    only = churn_of(company, purchase("2024-02-01", customer_id="bob"), purchase(event_time), gap_days=10)
    assert {who for who, moment, _ in only if moment == "2024-05-22"} == (
        {"ada", "bob"} if event_time < "2024-05-22" else {"bob"}
    )


def test_a_row_is_known_from_the_last_microsecond_of_its_horizon(company):
    tables = company(events=[purchase("2024-02-01")], as_of=NOW).tables
    found = churn_labels(tables, RenewalLabel(event="purchase", horizon_days=30, gap_days=10, every_days=500))
    assert found["as_of"].astype(str).tolist() == ["2024-05-22"]
    assert found["known_time"].astype(str).tolist() == ["2024-06-30 23:59:59.999999"]


def test_nobody_is_a_row_before_their_first_event(company):
    found = churn_of(company, purchase("2024-02-01"), purchase("2024-05-02", customer_id="bob"))
    assert [row for row in found if row[0] == "bob"] == [("bob", "2024-06-01", 1.0)]


@pytest.mark.parametrize(("active_days", "n_rows"), [(30, 0), (31, 1), (60, 1), (61, 2), (121, 4), (None, 4)])
def test_only_who_was_active_lately_can_be_lost(company, active_days, n_rows):
    # 1 February is 31, 61, 91 and 121 days before the moments.
    assert len(churn_of(company, purchase("2024-02-01"), active_days=active_days)) == n_rows


@pytest.mark.parametrize(
    ("known_time", "label"),
    [("2024-05-31 23:59:59.999999", 0.0), ("2024-06-01", 1.0), (None, 0.0)],
    ids=["before the end of the horizon", "at its end", "as it happened"],
)
def test_an_event_known_only_after_the_horizon_does_not_count(company, known_time, label):
    late = purchase("2024-05-10", known_time=known_time)
    found = churn_of(company, purchase("2024-02-01", known_time="2024-02-01"), late)
    assert {moment: label for _, moment, label in found}["2024-05-02"] == label


def test_an_event_known_only_later_makes_nobody_active(company):
    events = [
        purchase("2024-02-01", known_time="2024-05-02"),
        purchase("2024-01-01", customer_id="bob", known_time=None),
    ]
    found = churn_of(company, *events)
    assert [row for row in found if row[0] == "ada"] == [("ada", "2024-06-01", 1.0)]


def test_which_events_count_is_a_type_several_or_a_condition(company):
    events = [purchase("2024-02-01", value=10.0), purchase("2024-06-10", value=0.0),
              purchase("2024-06-20", event_type="visit", value=None)]  # fmt: skip
    for options, label in (
        ({"event": "purchase"}, 0.0),
        ({"event": "purchase", "where": "value > 0"}, 1.0),
        ({"event": ["visit", "purchase"], "where": "value > 0 OR value IS NULL"}, 0.0),
        ({"event": (), "where": "value > 0"}, 1.0),
        ({"event": (), "where": "value > 0 OR event_type = 'visit'"}, 0.0),
    ):
        assert churn_of(company, *events, **options)[-1] == ("ada", "2024-06-01", label)


def test_a_horizon_that_has_not_ended_is_censored(company):
    found = churn_of(company, purchase("2024-02-01"), purchase("2024-06-20"), as_of="2024-06-30 23:59")
    assert max(moment for _, moment, _ in found) == "2024-05-31 23:59:00"


def test_older_moments_leave_a_horizon_of_history(company):
    # Back from 1 June: 2 May is 31 days after 1 April, and 2 April only one; a first event of 2 May leaves the last.
    assert [row[1] for row in churn_of(company, purchase("2024-04-01"))] == ["2024-05-02", "2024-06-01"]
    assert [row[1] for row in churn_of(company, purchase("2024-05-03"))] == ["2024-06-01"]


def test_a_horizon_longer_than_the_history_is_refused(company):
    with pytest.raises(
        TrainingError, match=r"began after the first such event \(2024-06-01\) and has ended by 2024-07-01"
    ):
        churn_of(company, purchase("2024-06-01"))


def test_faults_of_the_event_are_named_with_the_nearest(company):
    events = [purchase("2024-02-01", value=1.0)]
    for options, error, says in (
        ({"event": "purchse"}, ConfigError, r"labels\.renewal\.event: .*'purchse'; did you mean 'purchase'"),
        ({"event": ["vist", "sale"]}, ConfigError, r"2 faults"),
        ({"where": "valu > 1"}, ConditionError, r"labels\.renewal\.where: .*'valu'; did you mean 'value'"),
        ({"where": "value > 1"}, ConfigError, r"no row of events meets `event_type = 'purchase' AND \(value > 1\)`"),
    ):
        with pytest.raises(error, match=says):
            churn_of(company, *events, **options)
    with pytest.raises(ConfigError, match=r"labels\.renewal\.event: needs the table `events`"):
        renewal_labels(company(as_of=NOW).tables, RenewalLabel(event="purchase"))


# Half days, missed by a microsecond at times: there are ties, and events on both edges of gap and horizon.
BEGIN, DAY = datetime(2024, 2, 20), timedelta(days=1)
moments = st.builds(
    lambda halves, miss: BEGIN + halves * DAY / 2 + timedelta(microseconds=miss),
    st.integers(0, 30),
    st.sampled_from([0, 0, 0, 0, -1, 1]),
)
END = BEGIN + 16 * DAY
events = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["ann", "bob"]),
        "event_time": moments,
        "event_type": st.sampled_from(["buy", "buy", "visit"]),
        "value": st.sampled_from([None, 0.0, 2.0]),
        "known_time": st.none() | moments,
    }
)
histories = st.lists(events, max_size=8)
labels = st.builds(
    RenewalLabel,
    horizon_days=st.integers(1, 5),
    gap_days=st.integers(0, 3),
    every_days=st.integers(1, 4),
    where=st.sampled_from([None, "value > 1", "NOT (value > 1)"]),
    event=st.just("buy"),
    active_days=st.none() | st.integers(1, 6),
)
KINDS = {"customer_id": "key", "event_time": "time", "event_type": "category", "value": "number", "known_time": "time"}
MEETS = {None: lambda value: True, "value > 1": lambda value: value == 2, "NOT (value > 1)": lambda value: value == 0}
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
        yield con


def computed(con, history, label):
    """Return the rows as the SQL gives them; none where it refuses for want of such an event or of history."""
    always = {"customer_id": "cid", "event_time": END - DAY / 2, "event_type": "buy", "value": None, "known_time": None}
    rows = [[row[column] for column in KINDS] for row in (*history, always)]
    places = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    con.execute("DELETE FROM events")
    con.execute(f"INSERT INTO events VALUES {places}", [value for row in rows for value in row])
    try:
        found = churn_labels(Tables(con, {"events": KINDS}, (), END, ""), label)
    except (ConfigError, TrainingError):
        return []
    rows = zip(found["customer_id"], found["as_of"], found["known_time"], found["label"], strict=True)
    return [(who, m.to_pydatetime(), k.to_pydatetime(), y) for who, m, k, y in rows if who != "cid"]


def known(row):
    return max(row["event_time"], row["known_time"] or row["event_time"])


def loop(history, label):
    """Return what the rows should be, moment by moment and customer by customer."""
    history = [row for row in history if row["event_type"] == "buy" and MEETS[label.where](row["value"])]
    span, found = timedelta(days=label.gap_days + label.horizon_days), []
    first = min((known(row) for row in history), default=END)
    moment = END - span
    while moment > first and (moment == END - span or moment - first >= timedelta(days=label.horizon_days)):
        for who in ("ann", "bob"):
            rows = [row for row in history if row["customer_id"] == who]
            active = [
                row
                for row in rows
                if known(row) < moment
                and (label.active_days is None or row["event_time"] >= moment - timedelta(days=label.active_days))
            ]
            came = [
                row
                for row in rows
                if row["event_time"] >= moment + timedelta(days=label.gap_days) and known(row) < moment + span
            ]
            if active:
                known_time = moment + span - timedelta(microseconds=1)
                found.append((who, moment, known_time, 0.0 if came else 1.0))
        moment -= timedelta(days=label.every_days)
    return sorted(found)


def test_every_row_is_what_a_plain_loop_gives(con):
    rows_seen = set()

    @settings(SETTINGS, max_examples=200)
    @given(history=histories, label=labels)
    def check(history, label):
        found = computed(con, history, label)
        assert found == loop(history, label)
        rows_seen.update(row[-1] for row in found)

    check()
    assert rows_seen == {0.0, 1.0}


def test_nothing_known_after_a_row_changes_it(con):
    @settings(SETTINGS, max_examples=120)
    @given(history=histories, other=histories, label=labels, moment=moments)
    def check(history, other, label, moment):
        past = [row for row in history if known(row) < moment]
        future = [row for row in other if known(row) >= moment]
        before = [row for row in computed(con, history, label) if row[2] < moment]
        after = [row for row in computed(con, [*future, *reversed(past)], label) if row[2] < moment]
        assert after == before

    check()
