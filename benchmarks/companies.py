"""Who buys no more, from the default features of purchase lines, against recency, frequency and money by hand.

Online Retail and CDNOW, from nothing but their configs and the files under ``CXML_DATA``: of those who bought before a
day, who buys nothing in the horizon after it. Out-of-fold over a stratified 5-fold, the same folds for every row. The
difference is to LightGBM's defaults on the four features by hand, customers resampled in pairs.

The public file of CDNOW carries in each line the month of the next one (see ``configs/cdnow.yaml``): times before the
day tell of times after it. It is measured as it is, and with the months moved back by one line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

# The config, the day in the company's own time, the column of money, and what is done to the file first.
COMPANIES: Final[Mapping[str, tuple[str, datetime, str, Callable[[Path], dict[str, pd.DataFrame]]]]] = {
    "online_retail.parquet": ("online_retail", datetime(2011, 9, 10), "value", lambda path: {}),
    "cdnow_transactions.csv": ("cdnow", datetime(1997, 10, 1), "amount", lambda path: {}),
    "cdnow_transactions.csv, months moved back": ("cdnow", datetime(1997, 10, 1), "amount", lambda path: moved(path)),
}


def run(scale: str) -> Figures:
    folder = Path(os.environ.get("CXML_DATA", "."))
    found = [name for name in COMPANIES if (folder / name.partition(",")[0]).exists()]
    if not found:
        raise SystemExit(f"none of {', '.join(COMPANIES)} is in {folder}; set CXML_DATA to the folder that holds them")
    return [row for name in found[: 1 if scale == "small" else None] for row in _of_company(name, folder)]


def _of_company(name: str, folder: Path) -> Figures:
    from lightgbm import LGBMClassifier

    from cxml.predictive.models import RenewalClassifier

    X, by_hand, lost = _customers(name, folder)
    models: dict[str, tuple[Callable[[], Any], pd.DataFrame]] = {
        "LightGBM defaults, 4 features by hand": (lambda: LGBMClassifier(verbose=-1, random_state=0), by_hand),
        f"LightGBM defaults, {X.shape[1]} default features": (lambda: LGBMClassifier(verbose=-1, random_state=0), X),
        f"cxml, {X.shape[1]} default features": (RenewalClassifier, X),
    }
    scores = {label: _out_of_fold(model, frame, lost) for label, (model, frame) in models.items()}
    rng = np.random.default_rng(0)
    draws = [rng.multinomial(len(lost), np.full(len(lost), 1 / len(lost))) for _ in range(500)]
    areas = {label: np.array([_auc(lost, p, draw) for draw in [None, *draws]]) for label, p in scores.items()}
    first = next(iter(areas.values()))
    return [
        {
            "data": name,
            "customers": f"{len(lost):,}",
            "model": label,
            "AUC": _with_interval(area, "{:.4f}"),
            "difference": "" if area is first else _with_interval(area - first, "{:+.4f}"),
        }
        for label, area in areas.items()
    ]


def _customers(name: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series[float]]:
    """Return the default features, four features by hand, and who bought nothing more."""
    from cxml.config.load import example_config, load_config
    from cxml.descriptive.defaults import features_of
    from cxml.descriptive.features import feature_frame
    from cxml.descriptive.sources import frame_of, read_tables

    config_name, day, money, made = COMPANIES[name]
    config = load_config(example_config(f"{config_name}.yaml"))
    assert config.timezone is not None
    assert config.labels.renewal is not None
    tables = read_tables(config, made(folder / name.partition(",")[0]))
    cut = day.replace(tzinfo=ZoneInfo(config.timezone)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    bought = frame_of(tables, f"SELECT customer_id, event_time, {money} FROM events WHERE event_type = 'purchase'")
    before = bought[bought["event_time"] < cut]
    until = cut + timedelta(days=config.labels.renewal.horizon_days)
    after = bought[(bought["event_time"] >= cut) & (bought["event_time"] < until)]
    of = before.groupby("customer_id")
    by_hand = pd.DataFrame(
        {
            "recency": (cut - of["event_time"].max()).dt.total_seconds(),
            "frequency": of.size(),
            "money": of[money].sum(),
            "first": (cut - of["event_time"].min()).dt.total_seconds(),
        }
    ).sort_index()
    moments = pd.DataFrame({"customer_id": by_hand.index, "as_of": cut})
    frame = feature_frame(tables, features_of(config, tables, until=cut), moments)
    assert list(frame["customer_id"]) == list(by_hand.index)
    X = frame.drop(columns=["customer_id", "as_of"])
    X = X.astype({column: "category" for column in X if X[column].dtype.kind not in "fiub"})
    lost = ~by_hand.index.isin(after["customer_id"])
    return X, by_hand.reset_index(drop=True), pd.Series(lost.astype(float))


def moved(path: Path) -> dict[str, pd.DataFrame]:
    """Return the lines of CDNOW, each with the month of the line before: what it was before it slipped."""
    lines = pd.read_csv(path)
    month, day, year = (lines["PURCHASE_DATE"].str.split("/").str[i] for i in range(3))
    return {"events": lines.assign(PURCHASE_DATE=month.shift(1).fillna("1") + "/" + day + "/" + year)}


def _out_of_fold(model: Callable[[], Any], X: pd.DataFrame, y: pd.Series[float]) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold

    p = np.empty(len(y))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        p[test] = model().fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])[:, 1]
    return p


def _auc(y: pd.Series[float], p: np.ndarray, weight: np.ndarray | None) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, p, sample_weight=weight))


def _with_interval(values: np.ndarray, form: str) -> str:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return f"{form.format(values[0])} [{form.format(low)}, {form.format(high)}]"
