"""The default trees against LightGBM's own defaults: AUC and log loss on held-out customers of public data sets.

Stratified 5-fold, the same folds for both, on the files found under ``CXML_DATA``; ``small`` takes the first of them.
Leaks are left out as a careful data scientist would (``duration`` of the bank's calls is known after the outcome).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.figures import Figures


def _telco(folder: Path) -> tuple[pd.DataFrame, pd.Series[float]]:
    frame = pd.read_csv(folder / "telco_churn.csv", na_values=[" "])
    return frame.drop(columns=["customerID", "Churn"]), (frame["Churn"] == "Yes").astype(float)


def _bank(folder: Path) -> tuple[pd.DataFrame, pd.Series[float]]:
    frame = pd.read_csv(folder / "bank_marketing.csv.gz", sep=";")
    target = frame.columns[-1]
    return frame.drop(columns=["duration", target]), (frame[target] == "yes").astype(float)


def _hillstrom(folder: Path) -> tuple[pd.DataFrame, pd.Series[float]]:
    frame = pd.read_csv(folder / "hillstrom.csv")
    return frame.drop(columns=["visit", "conversion", "spend"]), frame["visit"].astype(float)


DATA: Mapping[str, Callable[[Path], tuple[pd.DataFrame, pd.Series[float]]]] = {
    "telco_churn.csv": _telco,
    "bank_marketing.csv.gz": _bank,
    "hillstrom.csv": _hillstrom,
}


def run(scale: str) -> Figures:
    from lightgbm import LGBMClassifier
    from sklearn.metrics import log_loss, roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    from cxml.predictive.models import RenewalClassifier

    folder = Path(os.environ.get("CXML_DATA", "."))
    found = [name for name in DATA if (folder / name).exists()]
    if not found:
        raise SystemExit(f"none of {', '.join(DATA)} is in {folder}; set CXML_DATA to the folder that holds them")
    rows: list[dict[str, str | float]] = []
    for name in found[: 1 if scale == "small" else None]:
        X, y = DATA[name](folder)
        X = X.astype({column: "category" for column in X.columns if X[column].dtype.kind not in "fiub"})
        models: dict[str, Callable[[], Any]] = {
            "LightGBM defaults": lambda: LGBMClassifier(verbose=-1, random_state=0),
            "cxml defaults": RenewalClassifier,
        }
        for label, model in models.items():
            started, folds = time.perf_counter(), []
            for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
                p = model().fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])[:, 1]
                folds.append((roc_auc_score(y.iloc[test], p), log_loss(y.iloc[test], p)))
            area, loss = np.mean(folds, axis=0)
            seconds = f"{time.perf_counter() - started:.1f}"
            rows.append(
                {"data": name, "model": label, "AUC": f"{area:.4f}", "log loss": f"{loss:.4f}", "seconds": seconds}
            )
    return rows
