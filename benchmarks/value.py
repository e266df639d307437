"""What customers will bring in the 90 days after a day, against carrying the past forward and BG/NBD with Gamma-Gamma.

Online Retail (purchases less what was sent back) and CDNOW, from their configs and the files under ``CXML_DATA``. The
models learn what was known before the last moment whose 90 days have ended, and are judged on the money that each
customer brought from then on; intervals are from resampling customers, the same resamples for every row.

The public file of CDNOW carries in each line the month of the next one (see ``configs/cdnow.yaml``): the months are
moved back by one line, and the 37 lines that then lie after the end of the data are left out.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.companies import moved
from benchmarks.figures import Figures

HORIZON_DAYS: Final = 90
_WEEK_S: Final = 7 * 86_400
_SHOWN: Final = ("mae", "rmse", "spearman", "total_ratio", "top_tenth")
_FILES: Final = {"online_retail": "online_retail.parquet", "cdnow": "cdnow_transactions.csv"}


def run(scale: str) -> Figures:
    folder = Path(os.environ.get("CXML_DATA", "."))
    found = [name for name, file in _FILES.items() if (folder / file).exists()]
    if not found:
        raise SystemExit(f"none of {', '.join(_FILES.values())} is in {folder}; set CXML_DATA to the folder of them")
    return [row for name in found[: 1 if scale == "small" else None] for row in _of_company(name, folder)]


def _of_company(name: str, folder: Path) -> Figures:
    from cxml.predictive.measures import money_measured
    from cxml.predictive.value import ValueRegressor
    from cxml.predictive.value_evaluation import fit_value

    examples, past, future, bought, now = _examples(name, folder)
    model = ValueRegressor(n_jobs=1)
    fit_value(model, past)
    of = future.customers.to_numpy()
    mean = float(past.y.mean())
    expected = {
        "mean of all": np.full(len(future), mean),
        "last 90 days carried forward": _carried_forward(bought, of, now),
        "BG/NBD and Gamma-Gamma": _bg_nbd_gamma_gamma(bought, of, now),
        f"cxml, {examples.X.shape[1]} default features": model.predict(future.X),
    }
    rows = []
    for label, said in expected.items():
        found = {m.name: m for m in money_measured(future.y, said, of, base=mean)}
        shown = {m: f"{found[m].value:.3g} [{found[m].low:.3g}, {found[m].high:.3g}]" for m in _SHOWN}
        rows.append({"data": name, "customers": f"{len(future):,}", "model": label, **shown})
    return rows


def _examples(name: str, folder: Path) -> tuple[Any, Any, Any, pd.DataFrame, pd.Timestamp]:
    """Return all examples, those of the past and of the last moment, all purchases, and the last moment."""
    from cxml.config.labels import ValueLabel
    from cxml.config.load import example_config, load_config
    from cxml.descriptive.features import feature_frame
    from cxml.descriptive.sources import frame_of, read_tables
    from cxml.descriptive.value_labels import value_labels
    from cxml.pipeline import plan
    from cxml.predictive.encoding import common_levels

    config, frames = load_config(example_config(f"{name}.yaml")), None
    event: tuple[str, ...] = ("purchase", "cancellation")
    column, every = "value", 30
    if name == "cdnow":
        event, column, every = ("purchase",), "amount", 45
        lines = moved(folder / _FILES[name])["events"]
        days = pd.to_datetime(lines["PURCHASE_DATE"], format="%m/%d/%Y")
        frames = {"events": lines[days < pd.Timestamp("1998-07-01")]}
        config = config.model_copy(update={"as_of": datetime(1998, 7, 1, 4, tzinfo=UTC)})
    label = ValueLabel(event=event, column=column, horizon_days=HORIZON_DAYS, every_days=every)
    config = config.model_copy(update={"labels": config.labels.model_copy(update={"renewal": None, "value": label})})
    tables = read_tables(config, frames)
    labels = value_labels(tables, label)
    now = labels["as_of"].max()
    features = plan.features_for(config, tables, now.to_pydatetime())
    rows = common_levels({"value": feature_frame(tables, features, labels)})["value"]
    examples = plan.examples_of(rows, labels)
    train, test = (np.flatnonzero(which) for which in (labels["known_time"] < now, labels["as_of"] == now))
    types = ", ".join(f"'{kind}'" for kind in event)
    bought = frame_of(
        tables,
        f"SELECT customer_id, event_time, event_type, {column} AS money FROM events WHERE event_type IN ({types})",
    )
    return examples, examples.taken(train), examples.taken(test), bought[bought["event_time"] < now], now


def _carried_forward(bought: pd.DataFrame, customers: np.ndarray, now: pd.Timestamp) -> np.ndarray:
    """Return what each customer brought in the horizon before."""
    last = bought[bought["event_time"] >= now - pd.Timedelta(days=HORIZON_DAYS)]
    found = last.groupby("customer_id")["money"].sum().reindex(customers, fill_value=0.0)
    return np.asarray(found, dtype=np.float64)


def _bg_nbd_gamma_gamma(bought: pd.DataFrame, customers: np.ndarray, now: pd.Timestamp) -> np.ndarray:
    """Return the purchases that a BG/NBD expects of each customer times the money that a Gamma-Gamma expects of one.

    A purchase is a day with purchases; its money is what was paid in all, less what was sent back.

    References
    ----------
    Fader, Hardie and Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD model", Marketing
    Science 24, 2005. Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013.
    """
    days = bought[bought["event_type"] == "purchase"].assign(day=lambda frame: frame["event_time"].dt.floor("D"))
    of = days.groupby("customer_id")["day"]
    first, last, n = (of.agg(how).reindex(customers) for how in ("min", "max", "nunique"))
    known = n.notna().to_numpy()  # whoever has only sent something back has bought before the data begins
    x = n.fillna(1).to_numpy(np.float64) - 1
    t_x = ((last - first).dt.total_seconds() / _WEEK_S).fillna(0).to_numpy(np.float64)
    age = ((now - first).dt.total_seconds() / _WEEK_S).fillna(1).to_numpy(np.float64)
    paid = bought.groupby("customer_id")["money"].sum().reindex(customers, fill_value=0.0).to_numpy()
    mean = np.maximum(paid / (x + 1), 0.01)
    purchases = _expected_purchases(x[known], t_x[known], age[known], HORIZON_DAYS / 7)
    found = np.zeros(len(customers))
    found[known] = purchases * _expected_money(x[known] + 1, mean[known])
    return found


def _expected_purchases(x: np.ndarray, t_x: np.ndarray, age: np.ndarray, horizon: float) -> np.ndarray:
    """Return the expected purchases in the horizon of customers with x repeats, the last at t_x, seen for ``age``."""
    from scipy.optimize import minimize
    from scipy.special import gammaln, hyp2f1

    again = x > 0

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        one = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        two = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        alive = -(r + x) * np.log(alpha + age)
        gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
        return -float(np.mean(one + two + np.where(again, np.logaddexp(alive, gone), alive)))

    fit = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4_000, "xatol": 1e-5, "fatol": 1e-9})
    r, alpha, a, b = np.exp(fit.x)
    series = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
    ever = (a + b + x - 1) / (a - 1) * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x) * series)
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return np.asarray(ever / (1 + np.where(again, odds, 0.0)))


def _expected_money(n: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the expected money of a purchase of customers whose n purchases brought ``mean`` on average."""
    from scipy.optimize import minimize
    from scipy.special import gammaln

    scale = float(mean.mean())
    m = mean / scale

    def loss(logs: np.ndarray) -> float:
        p, q, gamma = np.exp(logs)
        likelihood = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
        likelihood += (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(gamma + m * n)
        return -float(np.mean(likelihood))

    fit = minimize(loss, np.log([2.0, 3.0, 2.0]), method="Nelder-Mead", options={"maxiter": 4_000, "fatol": 1e-9})
    p, q, gamma = np.exp(fit.x)
    return np.asarray(p * (gamma + m * n) / (p * n + q - 1) * scale)
