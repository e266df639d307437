"""Random small histories of a few customers, and features of every kind to ask of them, for the property tests."""

from datetime import datetime, timedelta
from functools import cache
from itertools import cycle, product

from hypothesis import strategies as st

from cxml.config.features import (
    Aggregate,
    Attribute,
    Contract,
    Environment,
    Promise,
    Ratio,
    Recency,
    Season,
    Segment,
    Share,
    Trend,
)

# Few half days of two weeks, missed by a microsecond at times: there are ties, and facts on both edges of a window.
BEGIN, DAY = datetime(2024, 2, 20), timedelta(days=1)
END = BEGIN + 15 * DAY
moments = st.builds(
    lambda halves, miss: BEGIN + halves * DAY / 2 + timedelta(microseconds=miss),
    st.sampled_from([0, 1, 6, 7, 8, 12, 13, 14, 22, 24]),
    st.sampled_from([0, 0, 0, 0, 0, 0, 0, -1, 1]),
)
_COLUMNS = {
    "customers": "customer_id:key region:category segment:category since:time size:number vip:flag known_time:time",
    "events": "customer_id:key event_time:time event_type:category channel:category value:number cost:number "
    "solved:flag known_time:time",
    "surveys": "customer_id:key sent_time:time response_time:time instrument:category score:number "
    "touchpoint:category confidence:number known_time:time",
    "contracts": "customer_id:key contract_id:key start_time:time end_time:time price:number plan:category auto:flag "
    "renewed:flag known_time:time",
    "environment": "observed_time:time region:category jobless:number strike:flag confidence:number known_time:time",
    "actions": "customer_id:key action_time:time action:category cost:number holdout:flag confidence:number",
    "invitations": "customer_id:key sent_time:time instrument:category touchpoint:category",
}
KINDS = {table: dict(column.split(":") for column in text.split()) for table, text in _COLUMNS.items()}
GROUPS = {
    "customers": ("customers",),
    "events": ("customers", "events"),
    "surveys": ("customers", "surveys", "invitations"),
    "contracts": ("customers", "contracts"),
    "actions": ("customers", "actions"),
    "environment": ("customers", "environment"),
    "segments": ("customers", "events", "surveys", "invitations", "contracts", "actions"),
    "everything": tuple(KINDS),
}
"""Which tables the features of each group read."""

CUSTOMERS = ("ann", "bob", "cid", "dan")  # Dan never has a fact


def _is(column, value):
    return lambda row: None if row[column] is None else row[column] == value


def _over(column, bound):
    return lambda row: None if row[column] is None else row[column] > bound


def _both(a, b):
    return lambda row: False if False in (a(row), b(row)) else None if None in (a(row), b(row)) else True


CONDITIONS = {
    "event_type = 'call' AND value > 1": _both(_is("event_type", "call"), _over("value", 1)),
    "NOT (value > 1)": lambda row: None if row["value"] is None else row["value"] <= 1,
    "solved OR channel IS NULL": lambda row: row["solved"] is True or row["channel"] is None,
    "channel IN ('web', 'ivr') AND value + 1 BETWEEN 0 AND 2": lambda row: (
        row["channel"] in ("web", "ivr") and row["value"] is not None and -1 <= row["value"] <= 1
    ),
    "channel = 'web'": _is("channel", "web"),
    "solved": _is("solved", True),
    "instrument = 'nps' AND score IS NOT NULL": lambda row: row["instrument"] == "nps" and row["score"] is not None,
    "instrument = 'nps'": _is("instrument", "nps"),
    "touchpoint = 'web'": _is("touchpoint", "web"),
    "score > 2": _over("score", 2),
    "renewed = TRUE": _is("renewed", True),
    "renewed IS NULL": lambda row: row["renewed"] is None,
    "plan = 'web'": _is("plan", "web"),
    "renewed": _is("renewed", True),
    "action <> 'no_action'": lambda row: row["action"] != "no_action",
    "holdout = FALSE": _is("holdout", False),
    "holdout": _is("holdout", True),
}
"""What each condition is of a row: true, false, or None for unknown."""

EXPRESSIONS = {
    "value - 2 * cost": lambda row: None if None in (row["value"], row["cost"]) else row["value"] - 2 * row["cost"],
    "value / cost": lambda row: row["value"] / row["cost"] if row["value"] is not None and row["cost"] else None,
    "score * 10": lambda row: None if row["score"] is None else row["score"] * 10,
    "cost * 1e308 * 1e308": lambda row: 0.0 if row["cost"] == 0 else None,  # all else overflows
}
_FILTERS = {
    "events": list(CONDITIONS)[:4],
    "surveys": ["instrument = 'nps' AND score IS NOT NULL", "score > 2"],
    "invitations": ["instrument = 'nps'"],
    "contracts": ["renewed = TRUE", "renewed IS NULL"],
    "actions": ["action <> 'no_action'", "holdout = FALSE"],
}
_OF = {"events": ("channel = 'web'", "solved"), "surveys": ("score > 2",), "invitations": ("touchpoint = 'web'",),
       "contracts": ("plan = 'web'", "renewed"), "actions": ("holdout",)}  # fmt: skip
_NUMBERS = {"events": ("value", "value - 2 * cost", "value / cost", "solved"), "surveys": ("score", "score * 10"),
            "contracts": ("price", "renewed"), "actions": ("cost", "holdout", "cost * 1e308 * 1e308"),
            "invitations": ()}  # fmt: skip
_NAMES = {"events": "channel", "surveys": "touchpoint", "contracts": "plan", "actions": "action",
          "invitations": "touchpoint"}  # fmt: skip
_PROMISES = {"events": (("cost", "value"), ("value", 1)), "surveys": (("score", 3),), "actions": (("cost", 0.5),)}


def _row(table):
    by_kind = {
        "time": moments,
        "number": st.none() | st.integers(-8, 8).map(lambda n: n / 4),  # sums of quarters are exact in any order
        "flag": st.sampled_from([True, False, None]),
        "category": st.sampled_from([None, "web", "ivr", "é'"]),
    }
    by_name = {
        "customer_id": st.sampled_from(["ann", "ann", "bob", "cid"]),
        "contract_id": st.integers(0, 99).map("k{:02d}".format),
        "region": st.sampled_from(["north", "south"] if table == "environment" else ["north", "south", None]),
        "segment": st.sampled_from(["a", "a", "b", None]),
        "observed_time": st.sampled_from([1, 7, 13]).map(lambda halves: BEGIN + halves * DAY / 2),  # often restated
        "event_type": st.sampled_from(["call", "visit"]),
        "instrument": st.sampled_from(["nps", "csat"]),
        "score": st.none() | st.integers(1, 5).map(float),
        "action": st.sampled_from(["call_back", "no_action"]),
        "price": st.none() | st.integers(0, 8).map(lambda n: n / 4),
        "confidence": st.sampled_from([None, None, 0.0, 0.1, 0.25, 0.7, 1.0]),
        **dict.fromkeys(("known_time", "sent_time", "response_time", "since"), st.none() | moments),
    }
    if table == "actions":
        by_name["cost"] = st.none() | st.integers(0, 8).map(lambda n: n / 4)
    row = st.fixed_dictionaries({name: by_name.get(name, by_kind.get(kind)) for name, kind in KINDS[table].items()})
    if table == "contracts":
        return row.map(lambda row: row | {"end_time": max(row["end_time"], row["start_time"] + DAY / 2)})
    return row.map(_answered_after_it_was_sent) if table == "surveys" else row


def _answered_after_it_was_sent(row):
    sent, answered = row["sent_time"], row["response_time"]
    if answered is None:
        return row | {"score": None}
    return row if sent is None else row | {"sent_time": min(sent, answered), "response_time": max(sent, answered)}


def identity(row):
    """Return what is unique in a table: the contract, or the place, the time and when it became known."""
    return row["contract_id"] if "contract_id" in row else (row["region"], row["observed_time"], row["known_time"])


@cache
def histories(group, most=12):
    """Return the strategy of the tables of a group: from each name to its rows, in the order of the source."""
    rows = {"customers": st.tuples(*(_row("customers").map(_called(name)) for name in CUSTOMERS)).map(list)}
    for table in GROUPS[group]:
        if table not in ("customers", "invitations"):
            unique = identity if table in ("contracts", "environment") else None
            rows[table] = st.lists(_row(table), max_size=most, unique_by=unique)
    return st.fixed_dictionaries(rows)


def _called(name):
    return lambda row: row | {"customer_id": name}


spines = st.lists(st.tuples(st.sampled_from(CUSTOMERS), moments), min_size=10, max_size=20, unique=True)


@cache
def features_of(group):
    """Return the features that are asked of a group."""
    if group == "customers":
        made = [Season(name=part, part=part) for part in ("month", "quarter", "weekday", "year_sin", "year_cos")]
        made += [Attribute(name=name, column=name) for name in ("region", "since", "size", "vip")]
        return (*made, *(Ratio(name=f"r{i}", numerator=a, denominator=b) for i, (a, b) in enumerate(_DIVIDED)))
    if group == "environment":
        options = [{}, *({"change_days": days} for days in (1, 5)), {"against": "national"}]
        asked = enumerate(product(("jobless", "strike"), options))
        return tuple(Environment(name=f"e{i}", column=column, **more) for i, (column, more) in asked)
    if group == "segments":
        return tuple(_segment_features())
    if group == "everything":  # some of each
        plain = [feature for name in list(GROUPS)[:-2] for feature in features_of(name)]
        return (*[feature for feature in plain if not isinstance(feature, Ratio)][::5], *features_of("segments")[:9])
    tables = [table for table in GROUPS[group] if table != "customers"]
    return tuple(feature for table in tables for feature in _fact_features(table))


_DIVIDED = [("since", "size"), ("size", "weekday"), ("vip", "size"), ("size", "vip"), ("vip", "vip")]


def _fact_features(table):
    filters, numbers, name = _FILTERS[table], _NUMBERS[table], _NAMES[table]
    asked = list(product(("sum", "mean", "min", "max", "std", "distinct", "last", "first", "count"), numbers))
    asked += list(product(("min", "max", "distinct", "last", "first", "entropy"), (name,)))
    asked += [(aggregate, None) for aggregate in ("count", "count", "count", "rows", "days_active", "mean_gap_days")]
    asked += [("decay", column) for column in (None, *numbers[:1])] * 2
    # One filter and one window for each, in turn: to plan every combination would take most of the test's time.
    turns = cycle(product((None, *filters), (None, 3, 8)))
    for i, ((aggregate, column), (where, days)) in enumerate(zip(asked, turns, strict=False)):
        more = {"half_life_days": 1.5} if aggregate == "decay" else {}
        yield Aggregate(name=f"{table}_a{i}", table=table, aggregate=aggregate, column=column, where=where,
                        window_days=days, **more)  # fmt: skip
    trends = [("count", None, filters[0]), ("count", None, None)]
    trends += [(aggregate, column, None) for aggregate, column in product(("sum", "mean"), numbers[:1])]
    for i, (aggregate, column, where) in enumerate(trends):
        yield Trend(name=f"{table}_t{i}", table=table, window_days=3, aggregate=aggregate, column=column, where=where)
    for i, (since, where) in enumerate(product(("last", "first"), (None, filters[0]))):
        yield Recency(name=f"{table}_r{i}", table=table, since=since, where=where)
    for i, (of, (where, days)) in enumerate(product(_OF[table], ((None, None), (filters[-1], 3)))):
        yield Share(name=f"{table}_s{i}", table=table, of=of, where=where, window_days=days)
    for i, (column, promise) in enumerate(_PROMISES.get(table, ())):
        yield Promise(name=f"{table}_p{i}", table=table, column=column, promise=promise, window_days=8)
    yield Ratio(name=f"{table}_q", numerator=f"{table}_t0", denominator=f"{table}_r0")
    if table == "contracts":
        for column in ("price", "plan", "auto", "renewed", "contract_id"):
            yield Contract(name=f"c_{column}", column=column)
        for measure in ("days_since_start", "days_to_end", "price_change", "tenure_days", "renewals"):
            yield Contract(name=measure, measure=measure)


def _segment_features():
    asked = [
        ("events", "count", None, "event_type = 'call' AND value > 1"),
        ("events", "count", "value", None),
        ("events", "sum", "value - 2 * cost", None),
        ("events", "mean", "value", "solved OR channel IS NULL"),
        ("events", "mean", "solved", None),
        ("surveys", "mean", "score", "instrument = 'nps'"),
        ("invitations", "count", None, None),
        ("contracts", "mean", "price", None),
        ("actions", "count", None, None),
        ("actions", "sum", "cost", "action <> 'no_action'"),
        ("actions", "mean", "cost", None),
    ]
    for i, (table, aggregate, column, where) in enumerate(asked):
        days = (2, 5, 9)[i % 3]
        yield Aggregate(name=f"own{i}", table=table, aggregate=aggregate, column=column, where=where, window_days=days)
        yield Segment(name=f"others{i}", of=f"own{i}", by=("segment", "vip")[i % 4 == 3])
        yield Ratio(name=f"to_others{i}", numerator=f"own{i}", denominator=f"others{i}")
