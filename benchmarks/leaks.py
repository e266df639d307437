"""Leak alarms: planted leaks of five kinds found and named, clean companies and real data silent, shuffled labels.

Simulated companies of 1,500 customers, their features from the pipeline, and leaks planted into them, each company in
another form and strength; then the weakest strength of each form that is found in one company. The same
companies clean, and the companies of ``configs/`` whose files are under ``CXML_DATA``: nothing may be found. Telco's
status table, left in: every column of it that tells of the outcome. And the sample company with its labels shuffled:
`no signal`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.figures import Figures
from benchmarks.planted.leaks import FORMS, Form, Rows

CUSTOMERS: Final = 1_500
REAL: Final = ("telco", "telco_extended", "sfo", "garden_centre", "online_retail", "cdnow", "ecom")
# The columns of Telco's status table, but for ids and constants. CLTV is one too, and tells nothing of the outcome.
STATUS: Final = (
    "Customer Status",
    "Churn Value",
    "Churn Score",
    "Churn Category",
    "Churn Reason",
    "Satisfaction Score",
)


KINDS: Final = tuple(dict.fromkeys(form.kind for form in FORMS))


def run(scale: str) -> Figures:
    n_companies, n_ladder = (2, 1) if scale == "small" else (10, 1)
    companies = [_company(seed) for seed in range(n_companies)]
    rows = [*_planted(companies), *_clean(companies), *_real(), *_status(), *_shuffled(20 if scale == "full" else 2)]
    return [*rows, *(_weakest(companies[:n_ladder]) if scale == "full" else ())]


def _company(seed: int) -> Mapping[str, Rows]:
    from cxml.config.load import example_config, load_config
    from cxml.simulate import simulate

    return _rows_of(load_config(example_config("sample.yaml")), simulate(CUSTOMERS, random_state=seed).tables)


def _rows_of(config: Any, frames: Any = None) -> dict[str, Rows]:
    """Return what the alarm sees of each model of a company, as training does."""
    from cxml.descriptive.features import feature_frame
    from cxml.descriptive.sources import read_tables
    from cxml.pipeline import plan

    tables = read_tables(config, frames)
    labels = plan.labels_of(config, tables)
    splits = plan.splits_of(config, labels)
    features = plan.features_for(config, tables, plan.training_end(labels, splits))
    words = {"renewal": ("kept", "lost"), "nps": ("detractor", "passive", "promoter")}
    return {
        name: Rows(
            feature_frame(tables, features, of).drop(columns=["customer_id", "as_of"]),
            of,
            splits.get(name),
            words[name],
        )
        for name, of in labels.items()
    }


def _alarms(rows: Rows) -> Any:
    from cxml.predictive.leaks import leak_alarms

    of = rows.labels
    return leak_alarms(
        rows.X, of["label"], of["customer_id"], of["as_of"], rows.split,
        outcomes=rows.outcomes, texts=rows.texts, ids=rows.ids,
    )  # fmt: skip


def _found(form: Form, company: Mapping[str, Rows], strength: float, seed: int) -> tuple[bool, bool, int]:
    """Return whether a plant is found, whether its column is named, and how many other alarms there are."""
    alarms = _alarms(form.made(company[form.model], strength, np.random.default_rng(seed)))
    named = [alarm for alarm in alarms if alarm.column == form.column]
    return bool(alarms), bool(named), len(alarms) - len(named)


def _row(what: str, planted: int, found: int, named: int, others: int) -> dict[str, str | float]:
    return {
        "what": what,
        "planted": str(planted),
        "found": str(int(found)),
        "named": str(named),
        "other alarms": str(others),
    }


def _planted(companies: list[Mapping[str, Rows]]) -> Iterator[dict[str, str | float]]:
    for kind in KINDS:
        forms = [form for form in FORMS if form.kind == kind]
        results = []
        for i, company in enumerate(companies):
            form = forms[i % len(forms)]
            results.append(_found(form, company, form.strengths[(i // len(forms)) % 3], i))
        yield _row(kind, len(results), *(sum(values) for values in zip(*results, strict=True)))


def _clean(companies: list[Mapping[str, Rows]]) -> Iterator[dict[str, str | float]]:
    started = time.perf_counter()
    counts = [len(_alarms(rows)) for company in companies for rows in company.values()]
    each = (time.perf_counter() - started) / len(counts)
    yield _row(f"the same companies clean, {len(counts)} models ({each:.1f} s each)", 0, 0, 0, sum(counts))


def _real() -> Iterator[dict[str, str | float]]:
    from cxml.config.load import example_config, load_config
    from cxml.errors import SourceError

    for name in REAL:
        config = load_config(example_config(f"{name}.yaml"))
        if name == "cdnow":  # its file carries a leak, see configs/cdnow.yaml
            yield from _cdnow(config)
            continue
        try:
            companies = _rows_of(config)
        except SourceError:
            continue
        for model, rows in companies.items():
            yield _row(f"{name}, {model}", 0, 0, 0, len(_alarms(rows)))


def _cdnow(config: Any) -> Iterator[dict[str, str | float]]:
    from benchmarks.companies import moved

    path = Path(os.environ.get("CXML_DATA", ".")) / "cdnow_transactions.csv"
    if path.exists():
        found = _alarms(_rows_of(config)["renewal"])
        yield _row("cdnow as the file is: each month that of the next line", 1, bool(found), len(found), 0)
        # With the months moved back two moments have a horizon after them, and no past: one is asked for, as before.
        renewal = config.labels.renewal.model_copy(update={"every_days": 365})
        config = config.model_copy(update={"labels": config.labels.model_copy(update={"renewal": renewal})})
        yield _row("cdnow, months moved back", 0, 0, 0, len(_alarms(_rows_of(config, moved(path))["renewal"])))


def _status() -> Iterator[dict[str, str | float]]:
    from cxml.config.load import example_config, load_config

    path = Path(os.environ.get("CXML_DATA", ".")) / "telco_extended" / "status.csv"
    if not path.exists():
        return
    rows = _rows_of(load_config(example_config("telco_extended.yaml")))["renewal"]
    status = pd.read_csv(path).set_index("Customer ID").loc[rows.labels["customer_id"]].reset_index(drop=True)
    for name in (*STATUS, "CLTV"):
        rows = rows.column(name, status[name])
    named = {alarm.column for alarm in _alarms(rows)}
    told = len(named & {*STATUS})
    yield _row("telco_extended with its status table", len(STATUS), told, told, len(named - {*STATUS}))


def _weakest(companies: list[Mapping[str, Rows]]) -> Iterator[dict[str, str | float]]:
    for form in FORMS:
        weakest = "none"
        for strength in form.strengths:
            if not all(_found(form, company, strength, 100 + i)[1] for i, company in enumerate(companies)):
                break
            weakest = f"{strength:g}"
        n = str(len(companies))
        yield {
            "what": f"{form.kind}: {form.name}; found down to {weakest}",
            "planted": n,
            "found": n,
            "named": n,
            "other alarms": "",
        }


def _shuffled(times: int) -> Iterator[dict[str, str | float]]:
    from cxml.config.load import example_config, load_config
    from cxml.pipeline.plan import classifier
    from cxml.predictive.encoding import common_levels
    from cxml.predictive.evaluation import Examples, future_evaluation

    config = load_config(example_config("sample.yaml"))
    company = _company(0)
    frames = common_levels({name: rows.X for name, rows in company.items()})
    for name, rows in company.items():
        silent = 0
        for seed in range(times):
            y = rows.labels["label"].sample(frac=1, random_state=seed).set_axis(rows.labels.index)
            model = classifier(config, name)
            model.n_jobs = 1
            found = future_evaluation(model, Examples(frames[name], y, rows.labels["customer_id"]), rows.split)
            assert found.verdict is not None
            silent += not found.verdict.has_signal
        yield _row(
            f"sample company, {name} labels shuffled {times} times: no signal in {silent}", 0, 0, 0, times - silent
        )
