"""Tables in little memory: they go to the disk, the features are the same bytes, and too little is said."""

import gc
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxml.config.load import parse_config
from cxml.descriptive.defaults import features_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables
from cxml.errors import SourceError

N_CUSTOMERS, N_EVENTS = 9_000, 600_000
RNG = np.random.default_rng(7)
IDS = np.array([f"customer-{i:06d}" for i in range(N_CUSTOMERS)])
EVENTS = pd.DataFrame(
    {
        "customer_id": RNG.choice(IDS, N_EVENTS),
        "event_time": pd.Timestamp("2023-01-01", tz="UTC") + pd.to_timedelta(RNG.integers(0, 365, N_EVENTS), unit="D"),
        "event_type": RNG.choice(["visit", "call"], N_EVENTS),
        "value": RNG.normal(size=N_EVENTS),
    }
)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder that temporary files go to; each thread needs memory of its own, so there are two."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the tables as Parquet."""
    folder = tmp_path_factory.mktemp("tables")
    pd.DataFrame({"customer_id": IDS}).to_parquet(folder / "customers.parquet")
    EVENTS.to_parquet(folder / "events.parquet")
    return folder


def config(folder, memory_limit):
    tables = {name: {"path": str(folder / f"{name}.parquet")} for name in ("customers", "events")}
    return parse_config({"company": "acme", "labels": {"nps": {}}, "tables": tables, "memory_limit": memory_limit})


def frame(company):
    tables = read_tables(company)
    moments = pd.DataFrame({"customer_id": IDS, "as_of": pd.Timestamp("2023-11-05")})
    return feature_frame(tables, features_of(company, tables, until=None), moments), tables


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def test_tables_beyond_the_limit_go_to_the_disk_and_give_the_same_bytes(folder, temporary):
    limited, tables = frame(config(folder, "100MB"))
    assert megabytes(temporary) > 5  # the values alone are 4.6 MB that cannot be packed
    del tables
    gc.collect()
    assert megabytes(temporary) == 0
    unlimited, _ = frame(config(folder, None))
    assert megabytes(temporary) == 0
    pd.testing.assert_frame_equal(limited, unlimited, check_exact=True)


@pytest.mark.parametrize("memory_limit", ["4MB", "10KB"])
def test_too_little_memory_says_which_key_to_raise(folder, temporary, memory_limit):
    with pytest.raises(SourceError, match=r"^memory_limit: is too little for these tables \(.+\)\. Raise it in"):
        frame(config(folder, memory_limit))
