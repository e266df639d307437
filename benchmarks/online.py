"""The online twin: one event added and 60 default features read, for customers with few and with many events.

Many histories are in memory; they are gone through five times, each time adding an event to each one and reading its
features as of a second later. Beside it the same with the tables of that one customer in DuckDB. ``small`` has fewer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

N_EVENTS = (25, 250, 2_500)
HISTORIES = {"small": {25: 200, 250: 100, 2_500: 20}, "full": {25: 2_000, 250: 1_000, 2_500: 100}}
_ROUNDS = 5
N_FEATURES = 60
_BEGIN = pd.Timestamp("2022-01-01")
_DAYS = 900
_NOW = (_BEGIN + pd.Timedelta(days=_DAYS)).to_pydatetime()
_LATER = (_BEGIN + pd.Timedelta(days=_DAYS, seconds=1)).to_pydatetime()


def run(scale: str) -> Figures:
    from cxml.config.load import parse_config
    from cxml.descriptive.algebra import feature_plan
    from cxml.descriptive.defaults import features_of
    from cxml.descriptive.history import CustomerHistory
    from cxml.descriptive.sources import read_tables

    config = parse_config(
        {
            "company": "online",
            "timezone": "UTC",
            "as_of": (_BEGIN + pd.Timedelta(days=_DAYS + 1)).isoformat(),
            "tables": {"customers": {}, "events": {}},
            "labels": {"renewal": {"column": "churned", "lost": "yes"}},
        }
    )
    rows: list[dict[str, str | float]] = []
    for n_events in N_EVENTS:
        customer, events = _customer(n_events)
        frames = {"customers": pd.DataFrame([customer]), "events": pd.DataFrame(events)}
        tables = read_tables(config, frames)
        features = features_of(config, tables, until=None)[:N_FEATURES]
        plan = feature_plan(features, tables.kinds)
        event = events[-1] | {"event_time": _NOW}

        started = time.perf_counter()
        subjects = [CustomerHistory(plan, customer, {"events": events}) for _ in range(HISTORIES[scale][n_events])]
        building = (time.perf_counter() - started) * 1e6 / len(subjects)

        def online(history: CustomerHistory, event: dict[str, Any] = event) -> Mapping[str, Any]:
            history.add(event)
            return history.features(_LATER)

        in_duckdb = _in_duckdb(tables, plan, event)
        ways = {
            "CustomerHistory": [_microseconds(online, subject) for _ in range(_ROUNDS) for subject in subjects],
            "DuckDB": [_microseconds(in_duckdb, len(features)) for _ in range(20)],
        }
        for way, taken in ways.items():
            median, p99 = np.quantile(taken, [0.5, 0.99])
            rows.append(
                {
                    "events": f"{n_events:,}",
                    "way": way,
                    "features": str(len(features)),
                    "median µs": f"{median:,.0f}",
                    "p99 µs": f"{p99:,.0f}",
                    "building it µs": f"{building:,.0f}" if way == "CustomerHistory" else "",
                }
            )
    return rows


def _microseconds(asked: Callable[[Any], Any], subject: Any) -> float:
    started = time.perf_counter()
    asked(subject)
    return (time.perf_counter() - started) * 1e6


def _customer(n_events: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a customer, and events of four types at random times, each type with a measure of its own."""
    random = np.random.default_rng(0)
    times = np.sort(random.integers(0, _DAYS * 86_400, n_events))
    measured = {"purchase": "value", "contact": "duration", "delivery": "delay_days", "visit": "pages"}
    types = random.choice(list(measured), n_events, p=[0.3, 0.2, 0.2, 0.3])
    channels = random.choice(["web", "store", "phone", "mobile"], n_events)
    devices = random.choice(["ios", "android", "browser"], n_events)
    unknown = dict.fromkeys(measured.values())
    events = [
        {
            "customer_id": "c1",
            "event_time": (_BEGIN + pd.Timedelta(seconds=int(second))).to_pydatetime(),
            "event_type": str(event_type),
            "channel": str(channel),
            "device": str(device),
            **unknown,
            measured[event_type]: round(float(random.gamma(2, 20)), 2),
        }
        for second, event_type, channel, device in zip(times, types, channels, devices, strict=True)
    ]
    return {"customer_id": "c1", "since": _BEGIN.to_pydatetime(), "region": "north", "churned": "no"}, events


def _in_duckdb(tables: Any, plan: Any, event: dict[str, Any]) -> Callable[[int], None]:
    """Return what adds an event to the tables of one customer in DuckDB, and reads the features there."""
    from cxml.descriptive.queries import plan_queries

    query, columns = str(plan_queries(plan)), list(tables.kinds["events"])
    con = tables.con
    con.execute("CREATE TEMP TABLE spine (customer_id VARCHAR, as_of TIMESTAMP)")
    con.execute("INSERT INTO spine VALUES ('c1', ?)", [_LATER])

    def asked(n_features: int) -> None:
        con.execute(f"INSERT INTO events VALUES ({', '.join('?' * len(columns))})", [event[name] for name in columns])
        assert len(con.execute(query).fetchall()[0]) == 2 + n_features

    return asked
