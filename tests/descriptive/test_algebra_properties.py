"""Every kind of feature against a plain Python loop over random small histories, and none of them sees the future."""

import statistics
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle, product
from math import cos, pi, sin

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxml.config.features import Aggregate, Attribute, Contract, Environment, Recency, Season, Trend
from cxml.descriptive.queries import feature_sql

# Half days over two weeks, missed by a microsecond at times: there are ties, and facts on both edges of a window.
BEGIN, DAY = datetime(2024, 2, 20), timedelta(days=1)
moments = st.builds(
    lambda halves, miss: BEGIN + halves * DAY / 2 + timedelta(microseconds=miss),
    st.integers(0, 28),
    st.sampled_from([0, 0, 0, 0, -1, 1]),
)
COLUMNS = {
    "customers": "customer_id region joined_time size vip known_time",
    "events": "customer_id event_time event_type channel value solved known_time",
    "surveys": "customer_id sent_time response_time instrument score touchpoint known_time",
    "contracts": "customer_id contract_id start_time end_time price plan auto renewed known_time",
    "environment": "region observed_time jobless known_time",
    "actions": "customer_id action_time action cost holdout known_time",
}
NUMBERS, FLAGS = ("size", "value", "score", "price", "jobless", "cost"), ("vip", "solved", "auto", "renewed", "holdout")
TIME = {"events": "event_time", "surveys": "response_time", "contracts": "start_time", "environment": "observed_time",
        "actions": "action_time"}  # fmt: skip
MEASURES = {"events": ("value", "solved"), "surveys": ("score",), "contracts": ("price", "renewed"),
            "actions": ("cost", "holdout")}  # fmt: skip
NAMES = {"events": "channel", "surveys": "touchpoint", "contracts": "plan", "actions": "action"}
CUSTOMERS = ("ann", "bob", "cid")  # Cid never has a fact


def kind(column):
    if column.endswith(("_time", "_id")):
        return "time" if column.endswith("_time") else "key"
    return "number" if column in NUMBERS else "flag" if column in FLAGS else "category"


KINDS = {table: {column: kind(column) for column in columns.split()} for table, columns in COLUMNS.items()}
SQL_TYPES = {"time": "TIMESTAMP", "number": "DOUBLE", "flag": "BOOLEAN", "category": "VARCHAR", "key": "VARCHAR"}
CONDITIONS = {
    "events": {
        "event_type = 'call' AND value > 1": lambda row: (
            row["event_type"] == "call" and is_over_1(row["value"]) is True
        ),
        "NOT (value > 1)": lambda row: is_over_1(row["value"]) is False,
        "solved OR channel IS NULL": lambda row: row["solved"] is True or row["channel"] is None,
        "channel IN ('web', 'ivr') AND value + 1 BETWEEN 0 AND 2": lambda row: (
            row["channel"] in ("web", "ivr") and row["value"] is not None and -1 <= row["value"] <= 1
        ),
    },
    "surveys": {
        "instrument = 'nps' AND score IS NOT NULL": lambda row: row["instrument"] == "nps" and row["score"] is not None
    },
    "contracts": {
        "renewed = TRUE": lambda row: row["renewed"] is True,
        "renewed IS NULL": lambda row: row["renewed"] is None,
    },
    "actions": {
        "action <> 'no_action'": lambda row: row["action"] != "no_action",
        "holdout = FALSE": lambda row: row["holdout"] is False,
    },
}


def is_over_1(value):
    return None if value is None else value > 1


def row_of(table):
    by_kind = {
        "time": moments,
        "number": st.none() | st.integers(-8, 8).map(lambda n: n / 4),  # sums of quarters are exact in any order
        "flag": st.sampled_from([True, False, None]),
        "category": st.sampled_from([None, "web", "ivr", "é'"]),
    }
    by_name = {
        "customer_id": st.sampled_from(CUSTOMERS[:2]),
        "contract_id": st.integers(0, 99).map("k{:02d}".format),
        "region": st.sampled_from(["north", "south"]),
        "event_type": st.sampled_from(["call", "visit"]),
        "instrument": st.sampled_from(["nps", "csat"]),
        "action": st.sampled_from(["call_back", "no_action"]),
        **dict.fromkeys(("known_time", "sent_time", "response_time"), st.none() | moments),
    }
    row = st.fixed_dictionaries({name: by_name.get(name, by_kind.get(kind)) for name, kind in KINDS[table].items()})
    return row.filter(lambda row: row["end_time"] > row["start_time"]) if table == "contracts" else row


def identity(row):
    """Return what is unique in a table: the contract, or the place, the time and when it became known."""
    if "contract_id" in row:
        return row["contract_id"]
    return row["region"], row["observed_time"], row["known_time"] or row["observed_time"]


def history_of(table):
    people = st.tuples(*(row_of("customers").map(lambda row, who=who: row | {"customer_id": who}) for who in CUSTOMERS))
    unique = identity if table in ("contracts", "environment") else None
    rows = {} if table == "customers" else {table: st.lists(row_of(table), max_size=12, unique_by=unique)}
    return st.fixed_dictionaries({"customers": people, **rows})


@cache
def features_of(table):
    if table == "customers":
        seasons = [Season(name=part, part=part) for part in ("month", "quarter", "year_sin", "year_cos")]
        return seasons + [Attribute(name=name, column=name) for name in ("region", "joined_time", "size", "vip")]
    if table == "environment":
        return [Environment(name=f"e{days}", column="jobless", change_days=days) for days in (None, 1, 5)]
    filters, first = list(CONDITIONS[table]), MEASURES[table][0]
    asked = list(product(("sum", "mean", "min", "max", "std", "distinct", "last"), MEASURES[table]))
    asked += list(product(("min", "max", "distinct", "last"), (NAMES[table],)))
    asked += [("count", None)] * len(filters) * 3
    # One filter and one window for each, in turn: to plan every combination would take most of the test's time.
    turns = cycle(product((None, *filters), (None, 3, 8)))
    made = [
        Aggregate(name=f"a{i}", table=table, aggregate=name, column=column, where=where, window_days=days)
        for i, ((name, column), (where, days)) in enumerate(zip(asked, turns, strict=False))
    ]
    trends = [("count", None, filters[0]), ("count", None, None), ("sum", first, None), ("mean", first, None)]
    made += [
        Trend(name=f"t{i}", table=table, window_days=3, aggregate=name, column=column, where=where)
        for i, (name, column, where) in enumerate(trends)
    ]
    made += [
        Recency(name=f"r{i}", table=table, since=since, where=where)
        for i, (since, where) in enumerate(product(("last", "first"), (None, filters[0])))
    ]
    if table == "contracts":
        made += [
            Contract(name=f"c_{name}", column=name) for name in ("price", "plan", "auto", "renewed", "contract_id")
        ]
        made += [Contract(name=measure, measure=measure) for measure in ("days_since_start", "days_to_end")]
    return made


def is_known(table, row, as_of):
    """Return whether a row happened before a moment and was known before it."""
    time = row[TIME[table]] if table in TIME else datetime.min
    return time is not None and time < as_of and (row["known_time"] or time) < as_of


def loop(feature, history, customer, as_of):
    """Return what a feature should be, by going through the rows one by one."""
    if isinstance(feature, Season):
        angle = 2 * pi * (as_of - datetime(as_of.year - 1, 12, 31)).days / 365.2425
        month, quarter = as_of.month, (as_of.month + 2) // 3
        return {"month": month, "quarter": quarter, "year_sin": sin(angle), "year_cos": cos(angle)}[feature.part]
    (person,) = (row for row in history["customers"] if row["customer_id"] == customer)
    person = person if is_known("customers", person, as_of) else dict.fromkeys(person)
    if isinstance(feature, Attribute):
        found = person[feature.column]
        if isinstance(found, datetime):
            return (as_of - found) / DAY if found < as_of else None
        return found
    if isinstance(feature, Environment):
        return environment(feature, history["environment"], person["region"], as_of)
    table = "contracts" if isinstance(feature, Contract) else feature.table
    rows = [row for row in history[table] if row["customer_id"] == customer and is_known(table, row, as_of)]
    if table == "contracts":
        rows = [row if row["end_time"] < as_of else row | {"renewed": None} for row in rows]
    if isinstance(feature, Contract):
        return contract(feature, rows, as_of)
    rows = [row for row in rows if feature.where is None or CONDITIONS[table][feature.where](row)]
    time = TIME[table]
    if isinstance(feature, Recency):
        edge = max if feature.since == "last" else min
        return (as_of - edge(row[time] for row in rows)) / DAY if rows else None
    window = timedelta(days=feature.window_days or 999)
    late = aggregate(feature, [row for row in rows if row[time] >= as_of - window], time)
    if isinstance(feature, Aggregate):
        return late
    early = aggregate(feature, [row for row in rows if as_of - 2 * window <= row[time] < as_of - window], time)
    return None if late is None or early is None else late - early


def aggregate(feature, rows, time):
    if feature.aggregate == "count" or (feature.aggregate == "sum" and not rows):
        return len(rows)
    rows = [row for row in rows if row[feature.column] is not None]
    found = [row[feature.column] for row in rows]
    if feature.aggregate == "distinct":
        return len(set(found))
    if feature.aggregate == "std":
        return statistics.stdev(map(float, found)) if len(found) > 1 else None
    if feature.aggregate == "last":  # of several at the same time, the greatest
        return max((row[time], row[feature.column]) for row in rows)[1] if rows else None
    return {"sum": sum, "mean": statistics.fmean, "min": min, "max": max}[feature.aggregate](found) if found else None


def contract(feature, rows, as_of):
    in_force = [row for row in rows if row["end_time"] >= as_of]
    if not in_force:
        return None
    latest = max(in_force, key=lambda row: (row["start_time"], row["contract_id"]))
    if feature.measure == "value":
        return latest[feature.column]
    return (as_of - latest["start_time"] if feature.measure == "days_since_start" else latest["end_time"] - as_of) / DAY


def environment(feature, rows, region, as_of):
    rows = [row for row in rows if row["region"] == region and is_known("environment", row, as_of)]

    def value(before):
        seen = [row for row in rows if row["observed_time"] < before and row["jobless"] is not None]
        return max(seen, key=identity)["jobless"] if seen else None  # of one time, what became known last

    now, then = value(as_of), value(as_of - timedelta(days=feature.change_days or 0))
    if feature.change_days is None:
        return now
    return None if now is None or then is None else now - then


@cache
def query(table):
    return feature_sql(features_of(table), KINDS)


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        con.execute("SET threads = 1; CREATE TABLE spine (customer_id VARCHAR, as_of TIMESTAMP)")
        for table, kinds in KINDS.items():
            columns = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in kinds.items())
            con.execute(f"CREATE TABLE {table} ({columns})")
        yield con


def computed(con, table, history, spine):
    """Return the key and the features of each row of the spine, as the SQL gives them."""
    tables = {name: [[row[column] for column in KINDS[name]] for row in rows] for name, rows in history.items()}
    for name, rows in {**tables, "spine": spine}.items():
        con.execute(f"DELETE FROM {name}")
        if rows:
            places = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in rows)
            con.execute(f"INSERT INTO {name} VALUES {places}", [value for row in rows for value in row])
    return con.execute(query(table)).fetchall()


def assert_same(found, expected, about):
    if expected is None or isinstance(expected, str):
        assert found == expected, about
    else:
        assert found == pytest.approx(float(expected), rel=1e-9, abs=1e-9), about


SETTINGS = settings(
    deadline=None, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate, Phase.shrink]
)
EXAMPLES = {"customers": 100, "environment": 150}  # quick, for they have few features
spines = st.lists(st.tuples(st.sampled_from(CUSTOMERS), moments), min_size=1, max_size=6, unique=True)


@pytest.mark.parametrize("table", KINDS)
def test_every_feature_is_what_a_plain_loop_gives(con, table):
    @settings(SETTINGS, max_examples=EXAMPLES.get(table, 40))
    @given(history=history_of(table), spine=spines)
    def check(history, spine):
        rows = computed(con, table, history, spine)
        assert [row[:2] for row in rows] == sorted(spine)
        for customer, as_of, *found in rows:
            for feature, value in zip(features_of(table), found, strict=True):
                assert_same(value, loop(feature, history, customer, as_of), (feature, customer, as_of))

    check()


def future_replaced(history, other, as_of):
    """Return a history with the same past before a moment, in another order, and the future of another one."""
    changed = {}
    for table, rows in history.items():
        past = [row for row in reversed(rows) if is_known(table, row, as_of)]
        future = [row for row in other[table] if not is_known(table, row, as_of)]
        if table == "contracts":  # whether a term was renewed is future until it has ended
            flipped = {None: True, True: None, False: None}
            past = [row | ({"renewed": flipped[row["renewed"]]} if row["end_time"] >= as_of else {}) for row in past]
            future = [row | {"contract_id": f"new {row['contract_id']}"} for row in future]
        if table == "customers":  # every customer stays; what was not known of one becomes something else
            past = [row | ({"joined_time": as_of + DAY} if row["joined_time"] >= as_of else {}) for row in past]
            known = {row["customer_id"] for row in past}
            future = [row | {"known_time": as_of} for row in other[table] if row["customer_id"] not in known]
        changed[table] = future + past
    return changed


@pytest.mark.parametrize("table", KINDS)
def test_what_happens_or_becomes_known_at_or_after_as_of_changes_no_feature(con, table):
    @settings(SETTINGS, max_examples=EXAMPLES.get(table, 25))
    @given(history=history_of(table), other=history_of(table), as_of=moments)
    def check(history, other, as_of):
        spine = [(customer, as_of) for customer in CUSTOMERS]
        before = computed(con, table, history, spine)
        after = computed(con, table, future_replaced(history, other, as_of), spine)
        for (customer, _, *first), (_, _, *second) in zip(before, after, strict=True):
            for feature, old, new in zip(features_of(table), first, second, strict=True):
                assert_same(new, old, (feature, customer, as_of))

    check()
