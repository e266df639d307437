"""Random histories: DuckDB's SQL, the online twin and a plain Python loop agree, and none of them sees the future."""

from functools import cache
from itertools import zip_longest

import duckdb
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from plain_loop import TIME, Loop, invitations, is_known
from random_histories import (
    BEGIN,
    CUSTOMERS,
    DAY,
    END,
    GROUPS,
    KINDS,
    features_of,
    histories,
    identity,
    moments,
    spines,
)

from cxml.config.load import parse_config
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.export import histories as histories_of
from cxml.descriptive.export import surroundings
from cxml.descriptive.features import feature_frame
from cxml.descriptive.history import CustomerHistory
from cxml.descriptive.queries import plan_queries
from cxml.descriptive.sources import Tables, read_tables

SQL_TYPES = {"time": "TIMESTAMP", "number": "DOUBLE", "flag": "BOOLEAN", "category": "VARCHAR", "key": "VARCHAR"}
SETTINGS = settings(
    deadline=None, database=None, derandomize=True, report_multiple_bugs=False, phases=[Phase.generate, Phase.shrink]
)


@cache
def plan_of(group):
    return feature_plan(features_of(group), {table: KINDS[table] for table in GROUPS[group]})


@cache
def query_of(group):
    return str(plan_queries(plan_of(group)))


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        con.execute("SET threads = 1; CREATE TABLE spine (customer_id VARCHAR, as_of TIMESTAMP)")
        for table, kinds in KINDS.items():
            columns = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in kinds.items())
            con.execute(f"CREATE TABLE {table} ({columns})")
        yield con


def stored(con, group, history):
    """Put a history into the tables, in the order in which they are read from a source; return them."""
    rows = {**history, "invitations": invitations(history.get("surveys", []))}
    for table in GROUPS[group]:
        time = TIME.get(table)
        late = [row for row in rows[table] if time is not None and row[time] is None]
        order = ["customer_id"] * (table != "environment") + [time] * (table in TIME and table != "environment")
        order += ["contract_id"] * (table == "contracts") + ["region"] * (table == "environment")
        known = [row for row in rows[table] if time is None or row[time] is not None]
        known.sort(key=lambda row, order=order: [row[column] for column in order])
        insert(con, table, [[row[column] for column in KINDS[table]] for row in known + late])
    return Tables(con, {table: KINDS[table] for table in GROUPS[group]}, (), None, "")


def insert(con, table, rows):
    con.execute(f"DELETE FROM {table}")
    if rows:
        places = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in rows)
        con.execute(f"INSERT INTO {table} VALUES {places}", [value for row in rows for value in row])


def by_sql(con, group, spine):
    """Return the features of each (customer, as_of), as the SQL gives them from what is stored."""
    insert(con, "spine", spine)
    return {row[:2]: row[2:] for row in con.execute(query_of(group)).fetchall()}


def twins(con, group, history, n_at_once=None):
    """Return the history of each customer, some of its facts handed over at once and the others added one by one.

    The surroundings of each are exported without the facts that are added to it.
    """
    plan, full = plan_of(group), surroundings(stored(con, group, history), plan_of(group))
    found = {}
    for person in history["customers"]:
        shared = full
        facts = {
            table: [row for row in rows if row["customer_id"] == person["customer_id"]]
            for table, rows in history.items()
            if table in GROUPS[group] and table not in ("customers", "environment")
        }
        first = {table: rows[:n_at_once] for table, rows in facts.items()}
        if plan.segments and first != facts:
            shared = surroundings(stored(con, group, with_own(history, person["customer_id"], first)), plan)
        twin = CustomerHistory(plan, person, first, shared)
        for table, rows in facts.items():
            for row in rows[len(first[table]) :]:
                if table == "surveys" and row["sent_time"] is not None and row["response_time"] is not None:
                    twin.add(row | {"response_time": None, "score": None}, table)  # first sent, then answered
                twin.add(row, table)
        found[person["customer_id"]] = twin
    stored(con, group, history)
    return found


def with_own(history, customer, own):
    """Return a history with these facts of one customer, and those of all others."""
    others = {table: [row for row in rows if row["customer_id"] != customer] for table, rows in history.items()}
    return others | {table: others[table] + rows for table, rows in own.items()} | {"customers": history["customers"]}


def assert_same(found, expected, about):
    if expected is None or isinstance(expected, str) or found is None:
        assert found == expected, about
    else:
        assert found == pytest.approx(float(expected), rel=1e-9, abs=1e-9), about


def assert_all_same(group, found, expected, about):
    for feature, value, wanted in zip_longest(features_of(group), found, expected):
        assert_same(value, wanted, (feature, *about))


EXAMPLES = {"environment": 20, "segments": 8}
RANDOM = [group for group in GROUPS if group != "everything"]


@pytest.mark.parametrize("group", RANDOM)
def test_sql_the_online_twin_and_a_plain_loop_agree(con, group):
    named = {feature.name: feature for feature in features_of(group)}

    @settings(SETTINGS, max_examples=EXAMPLES.get(group, 15))
    @given(history=histories(group), spine=spines, n_at_once=st.sampled_from([0, 3, None]))
    def check(history, spine, n_at_once):
        online = twins(con, group, history, n_at_once)
        loop = Loop(history, named)
        for (customer, as_of), found in by_sql(con, group, spine).items():
            expected = [loop.value(feature, customer, as_of) for feature in features_of(group)]
            assert_all_same(group, found, expected, ("SQL", customer, as_of))
            assert_all_same(group, online[customer].features(as_of).values(), expected, ("twin", customer, as_of))

    check()


def before_it_was_added(table, row):
    """Return a fact as it may have stood in the tables before it was known as it is, or nothing."""
    if table == "contracts":
        return row | {"price": 2.0, "start_time": BEGIN, "end_time": END, "renewed": None}
    sent = table == "surveys" and None not in (row["sent_time"], row["response_time"])
    return row | {"response_time": None, "score": None} if sent else None


def test_what_is_added_after_the_export_takes_no_part_in_the_means_of_the_segment(con):
    group = "segments"

    @settings(SETTINGS, max_examples=8)
    @given(history=histories(group), random=st.randoms(use_true_random=False), spine=spines)
    def check(history, random, spine):
        full = surroundings(stored(con, group, history), plan_of(group))
        expected = by_sql(con, group, spine)
        person = random.choice(history["customers"][:2])
        exported, added = {}, []
        for table in ("events", "surveys", "contracts", "actions"):
            exported[table] = []
            for row in history[table]:
                if row["customer_id"] != person["customer_id"]:
                    continue
                late = random.random() < 0.5
                added += [(row, table)] * late
                exported[table] += filter(None, [before_it_was_added(table, row) if late else row])
        facts = with_own(history, person["customer_id"], exported)
        shared = surroundings(stored(con, group, facts), plan_of(group))
        twin = CustomerHistory(plan_of(group), person, exported, shared)
        for row, table in added:
            twin.add(row, table)
        asked = {about: wanted for about, wanted in expected.items() if about[0] == person["customer_id"]}
        for (customer, as_of), wanted in asked.items():
            assert_all_same(group, twin.features(as_of).values(), wanted, ("export before", customer, as_of))
        twin.surroundings = full
        for (customer, as_of), wanted in asked.items():
            assert_all_same(group, twin.features(as_of).values(), wanted, ("export after", customer, as_of))

    check()


def future_replaced(history, other, as_of):
    """Return a history with the same past before a moment, and the future of another one in its midst."""
    changed = {}
    for table, rows in history.items():
        past = [row for row in rows if is_known(table, row, as_of)]
        future = [row for row in other[table] if not is_known(table, row, as_of)]
        if table == "contracts":  # whether a term was renewed is future until it has ended
            flipped = {None: True, True: None, False: None}
            past = [row | ({"renewed": flipped[row["renewed"]]} if row["end_time"] >= as_of else {}) for row in past]
            future = [row | {"contract_id": f"a{row['contract_id']}"} for row in future]
        if table == "customers":  # every customer stays; what was not known of one becomes something else
            late = as_of + DAY
            past = [
                row | ({"since": late} if row["since"] is not None and row["since"] >= as_of else {}) for row in past
            ]
            known = {row["customer_id"] for row in past}
            future = [row | {"known_time": as_of} for row in other[table] if row["customer_id"] not in known]
            future.append(other[table][0] | {"customer_id": "new", "known_time": as_of})
        if table == "surveys":
            past, future = surveys_replaced(rows, other[table], as_of)
        if table == "environment":
            past_ids = {identity(row) for row in past}
            future = [row for row in future if identity(row) not in past_ids]
        mixed = zip_longest(future, past)
        changed[table] = [row for pair in mixed for row in pair if row is not None]
    return changed


def surveys_replaced(rows, others, as_of):
    """Return surveys that were known or at least sent before a moment, the latter answered otherwise, and others."""
    past, future = [], []
    for row in rows:
        if is_known("surveys", row, as_of):
            past.append(row)
        elif any(is_known("invitations", sent, as_of) for sent in invitations([row])):
            past.append(row | {"response_time": as_of, "known_time": None, "score": 4.0, "confidence": 0.25})
    for row in others:
        sent = any(is_known("invitations", found, as_of) for found in invitations([row]))
        if not sent and not is_known("surveys", row, as_of):
            future.append(row)
    return past, future


@pytest.mark.parametrize("group", RANDOM)
def test_what_happens_or_becomes_known_at_or_after_as_of_changes_no_feature(con, group):
    @settings(SETTINGS, max_examples=EXAMPLES.get(group, 10))
    @given(history=histories(group), other=histories(group), as_of=moments)
    def check(history, other, as_of):
        spine = [(customer, as_of) for customer in CUSTOMERS]
        found = []
        for facts in (history, future_replaced(history, other, as_of)):
            online = twins(con, group, facts)
            found.append(
                by_sql(con, group, spine) | {name: twin.features(as_of).values() for name, twin in online.items()}
            )
        before, after = found
        for about, expected in before.items():
            assert_all_same(group, after[about], expected, (about, as_of))

    check()


# Of a customer with one row in each table, everything is known: no table is empty, and no column.
FULL = {
    "customers": ["zoe", "north", "b", BEGIN, 1.0, True, BEGIN],
    "events": ["zoe", BEGIN, "call", "web", 1.0, 0.25, True, BEGIN],
    "surveys": ["zoe", BEGIN, BEGIN + DAY, "nps", 3.0, "web", 0.7, BEGIN + DAY],
    "contracts": ["zoe", "z1", BEGIN, BEGIN + 3 * DAY, 1.0, "web", False, True, BEGIN],
    "environment": [BEGIN, "north", 1.0, False, 0.25, BEGIN],
    "actions": ["zoe", BEGIN, "call_back", 1.0, False, 0.7],
}
CONFIG = parse_config(
    {
        "company": "random",
        "timezone": "UTC",
        "as_of": END.isoformat(),
        "tables": {table: {} for table in FULL},
        "labels": {"nps": {}},
    }
)


def test_they_agree_on_tables_that_were_read_and_sorted():
    features = features_of("everything")

    @settings(SETTINGS, max_examples=6)
    @given(history=histories("everything"), spine=spines)
    def check(history, spine):
        full = {table: dict(zip(KINDS[table], row, strict=True)) for table, row in FULL.items()}
        history = {table: [*rows, full[table]] for table, rows in history.items()}
        frames = {table: pd.DataFrame(rows, columns=list(KINDS[table])) for table, rows in history.items()}
        tables = read_tables(CONFIG, {table: frame.astype(_types(table)) for table, frame in frames.items()})
        assert tables.kinds == KINDS
        asked = pd.DataFrame([*spine, ("zoe", END)], columns=["customer_id", "as_of"])
        found = feature_frame(tables, features, asked.astype({"as_of": "datetime64[us]"}))
        online = histories_of(tables, feature_plan(features, tables.kinds), asked["customer_id"])
        loop = Loop(history, {feature.name: feature for feature in features})
        for customer, as_of, *values in found.astype({"as_of": "datetime64[us, UTC]"}).itertuples(index=False):
            moment = as_of.to_pydatetime().replace(tzinfo=None)
            expected = [loop.value(feature, customer, moment) for feature in features]
            known = [None if value != value else value for value in values]
            assert_all_same("everything", known, expected, ("SQL", customer, moment))
            twin = online[customer].row(as_of)
            assert [twin.pop("customer_id"), twin.pop("as_of")] == [customer, as_of]
            assert_all_same("everything", twin.values(), expected, ("twin", customer, moment))

    check()


def _types(table):
    return {name: "datetime64[us]" for name, kind in KINDS[table].items() if kind == "time"}
