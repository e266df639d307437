"""Default settings on public data and the sample company: what is asked for, and what comes out on unseen rows.

Every figure is of rows that the model has not seen: held-out customers of a stratified 5-fold where the data is a
snapshot (means over the held-out folds, as published figures are computed; the interval resamples customers of the
pooled rows), the future where there is time. One seed, nothing tuned. ``small`` takes Telco alone, once.

The sample company knows the truth: its rows give which share of the information that the truth holds beyond the base
rate (log loss) the model has, judged at the moment of the data, which training has not seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.companies import COMPANIES, _customers
from benchmarks.engines.held_out import company_rows, fold_mean, out_of_fold, without
from benchmarks.figures import Figures
from cxml.config.company import CompanyConfig
from cxml.predictive import measures as m
from cxml.predictive.evaluation import Examples
from cxml.predictive.models import NpsClassifier, RenewalClassifier


def run(scale: str) -> Figures:
    rows = list(_telco(1 if scale == "small" else 4))
    if scale == "full":
        for part in (_telco_extended, _sfo, _garden_centre, _shops, _sample):
            rows += part()
    return rows


def _row(data: str, what: str, wanted: str, value: float, measure: m.Measure | None = None, note: str = "") -> Any:
    interval = f"{measure.low:.3f} to {measure.high:.3f}" if measure else ""
    return {"data": data, "what": what, "wanted": wanted, "got": f"{value:.4f}", "95%": interval, "note": note}


def _by_name(codes: np.ndarray, p: np.ndarray, customers: Any) -> dict[str, m.Measure]:
    base = np.bincount(codes) / len(codes)
    return {measure.name: measure for measure in m.measured(codes, p, customers, base=base)}


def _telco(repeats: int) -> Iterator[Any]:
    examples, _ = company_rows("telco", "renewal")
    model = RenewalClassifier()
    codes = model.class_codes(examples.y)
    p, fold = out_of_fold(model, examples, repeats=repeats)
    found = _by_name(codes, p, examples.customers)
    data = f"Telco, 5 x {repeats} folds"
    for name, wanted, measure in (
        ("auc", ">= .849", m.auc),
        ("log_loss", "<= .411", m.log_loss),
        ("lift_at_10_percent", ">= 2.88", m.lift_at_10_percent),
        ("empc", ">= 10.40", m.empc),
    ):
        pooled = f"pooled {found[name].value:.4f}"
        yield _row(data, name, wanted, fold_mean(measure, codes, p, fold), found[name], pooled)
    inside = "inside" if found["ece"].value <= found["ece_floor"].high else "outside"
    floor = f"{inside} the floor's 95%: {found['ece_floor'].high:.4f}"
    yield _row(data, "ece", "<= floor's 95%", found["ece"].value, found["ece"], floor)


def _telco_extended() -> Iterator[Any]:
    # Satisfaction stands in the status table: without that, the NPS label goes too.
    def no_status(config: CompanyConfig) -> CompanyConfig:
        return config.model_copy(update={"labels": config.labels.model_copy(update={"nps": None})})

    examples, _ = company_rows("telco_extended", "renewal", lambda c: no_status(without("satisfaction")(c)))
    yield from _folds("Telco extended, no status", ">= .914", RenewalClassifier(), examples)


def _sfo() -> Iterator[Any]:
    everything, _ = company_rows("sfo", "nps")
    ratings = [name for name in everything.X if str(name).startswith("rate_")]
    for what, wanted, dropped in (
        ("every rating", ">= .79", []),
        ("no overall rating", ">= .785", [name for name in ratings if "overall" in str(name)]),
        ("demographics alone", ">= .57", ratings),
    ):
        examples, _ = company_rows("sfo", "nps", without(*map(str, dropped)))
        yield from _folds(f"SFO 2017, {what}", wanted, NpsClassifier(), examples)


def _garden_centre() -> Iterator[Any]:
    def with_comments(config: CompanyConfig) -> CompanyConfig:
        return config.model_copy(update={"features": config.features.model_copy(update={"drop": ("score",)})})

    examples, _ = company_rows("garden_centre", "nps", with_comments)
    yield from _folds("garden centre, everybody", "", NpsClassifier(), examples)
    wrote = np.flatnonzero(examples.X["survey_sentiment_last"].notna())
    yield from _folds("garden centre, who commented", ">= .69", NpsClassifier(), examples.taken(wrote))


def _folds(data: str, wanted: str, model: Any, examples: Examples) -> Iterator[Any]:
    codes = model.class_codes(examples.y)
    p, fold = out_of_fold(model, examples, repeats=1)
    found = _by_name(codes, p, examples.customers)
    what = "auc" if p.shape[1] == 2 else "macro auc"
    yield _row(data, what, wanted, fold_mean(m.auc, codes, p, fold), found["auc"], f"{len(codes):,} rows")


def _shops() -> Iterator[Any]:
    folder = Path(os.environ["CXML_DATA"])
    for name, wanted in (
        ("online_retail.parquet", ">= .75"),
        ("cdnow_transactions.csv", ">= .86"),
        ("cdnow_transactions.csv, months moved back", ""),
    ):
        assert name in COMPANIES
        X, _, lost = _customers(name, folder)
        examples = Examples(X, lost, lost.index.to_series().astype(str).reset_index(drop=True))
        yield from _folds(f"{name}, one day", wanted, RenewalClassifier(), examples)
    examples, split = company_rows("online_retail", "renewal")
    assert split is not None
    past, future = examples.taken(split.train), examples.taken(split.test)
    model = RenewalClassifier()
    past.fit(model)
    codes = model.class_codes(future.y)
    found = _by_name(codes, model.predict_proba(future.X), future.customers)
    yield _row("online_retail.parquet, the future", "auc", "", found["auc"].value, found["auc"], f"{len(codes):,} rows")


def _sample() -> Iterator[Any]:
    from tempfile import TemporaryDirectory

    from cxml.config.load import example_config, load_config
    from cxml.pipeline import score, train
    from cxml.simulate import simulate

    config = load_config(example_config("sample.yaml"))
    for n_customers in (4_000, 20_000):
        company = simulate(n_customers, random_state=0)
        with TemporaryDirectory() as models:
            train(config, frames=company.tables, models=models)
            predictions = score(config, frames=company.tables, models=models).predictions
        both = company.truth.merge(predictions, on="customer_id", suffixes=("_true", ""))
        true = both[[f"{name}_true" for name in ("p_detractor", "p_passive", "p_promoter")]].to_numpy()
        said = both[["p_detractor", "p_passive", "p_promoter"]].to_numpy()
        data = f"sample company, {n_customers:,} customers"
        yield _row(data, "nps: share of the information", ">= .80", _share(true, said), _resampled(true, said))
        both = both[both["renewal_risk"].notna()]
        risk, truth = both["renewal_risk"].to_numpy(), 1 - both["p_renew_no_action"].to_numpy()
        true, said = np.column_stack([1 - truth, truth]), np.column_stack([1 - risk, risk])
        yield _row(data, "renewal: share of the information", ">= .80", _share(true, said), _resampled(true, said))


def _share(true: np.ndarray, said: np.ndarray) -> float:
    """Return which part of the expected log loss between the base rate and the truth the predictions save."""

    def loss(p: np.ndarray) -> float:
        return float(-(true * np.log(np.clip(p, 1e-15, None))).sum(axis=1).mean())

    base = loss(np.tile(true.mean(axis=0), (len(true), 1)))
    return (base - loss(said)) / (base - loss(true))


def _resampled(true: np.ndarray, said: np.ndarray) -> m.Measure:
    rng = np.random.default_rng(0)
    draws: list[np.ndarray] = [rng.integers(len(true), size=len(true)) for _ in range(200)]
    low, high = np.quantile([_share(true[rows], said[rows]) for rows in draws], [0.025, 0.975])
    return m.Measure("share", _share(true, said), float(low), float(high))
