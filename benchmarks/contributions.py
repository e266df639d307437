"""Exact SHAP values from tables against LightGBM's own ``pred_contrib``: rows per second on a wide forest.

300 trees on 150 features (numbers, counts, a tenth missing), of 8 leaves as cxml trains them and of 31 as LightGBM does
by default; one thread against one, and all against all. Of many rows LightGBM is timed on the first 2,000. The largest
difference is that of any value, on the rows both explained. ``small`` has 30 trees on 30 features.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figures

LEAVES = (8, 31)
ROWS = (1, 100, 20_000)
MOST_FOR_LIGHTGBM = 2_000


def company(n_rows: int, n_features: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return numbers and counts with missing values among them, and a label that many of them decide a little."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_features))
    X[:, ::3] = np.round(2 * np.exp(X[:, ::3]))
    X[rng.random(X.shape) < 0.1] = np.nan
    known = np.nan_to_num(X)
    score = known @ (rng.normal(size=n_features) / np.sqrt(np.arange(1, n_features + 1)))
    score += np.sin(known[:, 0] * known[:, 1]) + 0.5 * known[:, 2] * known[:, 3]
    score = 1.5 * (score - score.mean()) / score.std()
    return X, (rng.random(n_rows) < 1 / (1 + np.exp(-score))).astype(float)


def run(scale: str) -> Figures:
    import lightgbm

    from cxml.predictive.contributions import Contributions

    n_trees, n_features = (30, 30) if scale == "small" else (300, 150)
    X, y = company(ROWS[-1], n_features)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    figures: list[dict[str, str | float]] = []
    for n_leaves in LEAVES:
        params: dict[str, Any] = {"objective": "binary", "num_leaves": n_leaves, "learning_rate": 0.05, "verbose": -1}
        params |= {"feature_fraction": 0.4, "lambda_l2": 10.0, "min_data_in_leaf": 40}
        booster = lightgbm.train(params, lightgbm.Dataset(X, y), n_trees)
        started = time.perf_counter()
        tables = Contributions(booster.model_to_string().encode())
        made_in = time.perf_counter() - started
        for n_rows in ROWS:
            for n_threads in sorted({1, n_cores}):
                some = X[: min(n_rows, MOST_FOR_LIGHTGBM)]
                theirs = _best(partial(booster.predict, some, pred_contrib=True, num_threads=n_threads))
                ours = _best(partial(tables.values, X[:n_rows], n_threads=n_threads))
                difference = np.abs(theirs[1] - ours[1][: len(some), 0]).max()
                rates = len(some) / theirs[0], n_rows / ours[0]
                figures.append(
                    {
                        "leaves": str(n_leaves),
                        "rows": f"{n_rows:,}",
                        "threads": str(n_threads),
                        "LightGBM rows/s": f"{rates[0]:,.0f}",
                        "cxml rows/s": f"{rates[1]:,.0f}",
                        "times as fast": f"{rates[1] / rates[0]:.1f}",
                        "largest difference": f"{difference:.0e}",
                        "tables made in s": f"{made_in:.2f}",
                    }
                )
    return figures


def _best(explain: Callable[[], Any]) -> tuple[float, Any]:
    """Return the least seconds of several calls (as many as fit in a second, at least two), and what they gave."""
    seconds: list[float] = []
    while len(seconds) < 2 or sum(seconds) < 1:
        started = time.perf_counter()
        found = explain()
        seconds.append(time.perf_counter() - started)
    return min(seconds), found
