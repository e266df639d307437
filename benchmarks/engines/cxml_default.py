"""The default features, from a config that has nothing but the tables: a checked dataframe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines.company import N_FEATURES, config

if TYPE_CHECKING:
    import pandas as pd


def tables(folder: Path) -> Any:
    import pandas as pd

    from cxml.descriptive.defaults import features_of
    from cxml.descriptive.sources import read_tables

    company = config(folder)
    read = read_tables(company)
    features = features_of(company, read, until=None)
    if len(features) != N_FEATURES:
        raise SystemExit(f"the company is made for {N_FEATURES} default features; there are {len(features)}")
    return read, features, pd.read_parquet(folder / "moments.parquet")


def features(tables: Any) -> pd.DataFrame:
    from cxml.descriptive.features import feature_frame

    return feature_frame(*tables)


def from_files(folder: Path) -> pd.DataFrame:
    return features(tables(folder))


def write(found: pd.DataFrame, path: str) -> None:
    found.to_parquet(path)
