"""Leak alarms: planted leaks of five kinds found and named, clean companies and real data silent, shuffled labels.

Simulated companies of 1,500 customers, their features from the pipeline, and leaks planted into them, each company in
another form and strength; then the weakest strength of each form that is found in three companies of three. The same
companies clean, and the companies of ``configs/`` whose files are under ``CXML_DATA``: nothing may be found. Telco's
status table, left in: every column of it that tells of the outcome. And the sample company with its labels shuffled:
`no signal`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

CUSTOMERS: Final = 1_500
REAL: Final = ("telco", "telco_extended", "sfo", "garden_centre", "online_retail", "cdnow", "ecom")
# The columns of Telco's status table, but for ids and constants. CLTV is one too, and tells nothing of the outcome.
STATUS: Final = ("Customer Status", "Churn Value", "Churn Score", "Churn Category", "Churn Reason", "Satisfaction Score")


@dataclass(frozen=True)
class Rows:
    """What the alarm is given: features, labels with their keys, the split, and texts or ids beside them."""

    X: pd.DataFrame
    labels: pd.DataFrame
    split: Any
    outcomes: tuple[str, ...]
    texts: pd.DataFrame | None = None
    ids: pd.DataFrame | None = None

    def column(self, name: str, values: Any) -> Rows:
        """Return the rows with one more feature."""
        return replace(self, X=self.X.assign(**{name: np.asarray(values)}))


@dataclass(frozen=True)
class Form:
    """A form of leak: made with a strength from 0 to 1, it is found where ``column`` is named."""

    kind: str
    name: str
    model: str
    column: str
    made: Callable[[Rows, float, np.random.Generator], Rows]
    strengths: tuple[float, ...] = (1.0, 0.6, 0.3, 0.15, 0.08)


def run(scale: str) -> Figures:
    n_companies, n_ladder = (2, 1) if scale == "small" else (10, 3)
    companies = [_company(seed) for seed in range(n_companies)]
    rows = [*_planted(companies), *_clean(companies), *_real(), *_status()]
    if scale == "full":
        rows += [*_weakest(companies[:n_ladder])]
    return [*rows, *_shuffled(20 if scale == "full" else 2)]


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
            feature_frame(tables, features, of).drop(columns=["customer_id", "as_of"]), of, splits.get(name), words[name]
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


# What is planted. "Lost" is the worst class: not renewed, or a detractor.


def _lost(rows: Rows) -> Any:
    return (rows.labels["label"].isin([1.0, "detractor"])).to_numpy()


def _in_the_end(rows: Rows) -> Any:
    """Return whether the last outcome of the customer of each row is a loss."""
    last = rows.labels.assign(lost=_lost(rows)).sort_values("as_of").groupby("customer_id")["lost"].last()
    return rows.labels["customer_id"].map(last).to_numpy()


def _of_customer(rows: Rows, draw: Callable[[int], Any]) -> Any:
    """Return something drawn for each customer, by row."""
    who, place = np.unique(rows.labels["customer_id"], return_inverse=True)
    return np.asarray(draw(len(who)))[place]


def _score(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    return rows.column("churn_score", _lost(rows) * 4 * strength + rng.normal(size=len(rows.X)))


def _reason(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    filled = _lost(rows) & (rng.random(len(rows.X)) < strength)
    return rows.column("reason", np.where(filled, rng.choice(["price", "moved", "rival"], len(filled)), None))


def _rarely_wrong_fee(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    lost, drawn = _lost(rows), rng.random(len(rows.X))
    filled = np.where(lost, drawn < strength, drawn < 0.005)
    return rows.column("closing_fee", np.where(filled, rng.gamma(3, 10, len(filled)), np.nan))


def _emptied(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    gone = _lost(rows) & (rng.random(len(rows.X)) < strength)
    return rows.column("next_visit", np.where(gone, np.nan, rng.integers(1, 90, len(gone))))


def _written_over(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    filled = _in_the_end(rows) & (_of_customer(rows, rng.random) < strength)
    return rows.column("state", np.where(filled, "closed", "open"))


def _filled_late(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    past = np.zeros(len(rows.X), dtype=bool)
    past[rows.split.train] = True
    told = (_lost(rows) - 0.5) * 2 * strength * past
    return rows.column("dossier", told + rng.normal(size=len(past)))


def _copies(noise: float) -> Callable[[Rows, float, np.random.Generator], Rows]:
    def made(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
        who = np.unique(rows.labels["customer_id"])
        again = set(rng.choice(who, int(len(who) * strength), replace=False))
        place = np.flatnonzero(rows.labels["customer_id"].isin(again))
        copies = rows.X.iloc[place].copy()
        for name in copies:
            if copies[name].dtype.kind == "f" and rows.X[name].nunique() > 32:
                copies[name] += noise * rows.X[name].std() * rng.normal(size=len(place))
        labels = rows.labels.iloc[place]
        labels = labels.assign(customer_id="x" + labels["customer_id"])
        new = len(rows.X) + np.arange(len(place))
        split = replace(
            rows.split,
            train=np.append(rows.split.train, new[np.isin(place, rows.split.train)]),
            test=np.append(rows.split.test, new[np.isin(place, rows.split.test)]),
        )
        X, labels = pd.concat([rows.X, copies]), pd.concat([rows.labels, labels])
        return replace(rows, X=X.reset_index(drop=True), labels=labels.reset_index(drop=True), split=split)

    return made


def _number(rows: Rows, strength: float, rng: np.random.Generator) -> Any:
    """Return a number of each customer, given in the order of the last outcome to a share of them."""
    order = _of_customer(rows, rng.random)
    place = np.where(_of_customer(rows, rng.random) < strength, _in_the_end(rows) + order, 2 * order)
    return pd.Series(place).rank(method="dense").to_numpy().astype(int)


def _customer_number(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    ids = [f"K{number:06d}" for number in _number(rows, strength, rng)]
    return replace(rows, labels=rows.labels.assign(customer_id=ids))


def _account(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    return rows.column("account", 10_000_000 + 37 * _number(rows, strength, rng))


def _place(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    return replace(rows, ids=pd.DataFrame({"place": _number(rows, strength, rng).astype(float)}, index=rows.X.index))


def _prefix(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    moved = _in_the_end(rows) & (_of_customer(rows, rng.random) < strength)
    number = _of_customer(rows, lambda n: rng.permutation(n))
    codes = [f"{'AX' if of else 'AB'}-{n:05d}" for of, n in zip(moved, number, strict=True)]
    return rows.column("file_code", codes)


_TELLING: Final = {
    "german": (("kündigung eingegangen", "vertrag beendet"), ("rechnung gesendet", "adresse geändert", "rückruf erbeten")),
    "japanese": (("解約しました", "退会の手続き"), ("請求書を送りました", "住所変更", "電話を希望")),
}  # fmt: skip


def _notes(language: str) -> Callable[[Rows, float, np.random.Generator], Rows]:
    def made(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
        telling, others = _TELLING[language]
        told = _lost(rows) & (rng.random(len(rows.X)) < strength)
        gap = " " if language == "german" else "。"
        plain = [gap.join(rng.choice(others, 2)) + f"{gap}{n}" for n in rng.integers(1, 9_999, len(told))]
        said = rng.choice(telling, len(told))
        notes = [f"{text}{gap}{word}" if of else text for text, word, of in zip(plain, said, told, strict=True)]
        return replace(rows, texts=pd.DataFrame({"notes": notes}, index=rows.X.index))

    return made


def _tone(rows: Rows, strength: float, rng: np.random.Generator) -> Rows:
    """Plant texts of thirty words, each drawn from one of two vocabularies, which the lost prefer by the strength."""
    share = 0.5 + 0.5 * strength * (_lost(rows) - 0.5)
    words = np.array([f"wa{i}" for i in range(200)] + [f"we{i}" for i in range(200)])
    notes = [" ".join(words[rng.integers(0, 200, 30) + 200 * (rng.random(30) < s)]) for s in share]
    return replace(rows, texts=pd.DataFrame({"notes": notes}, index=rows.X.index))


FORMS: Final = (
    Form("column", "score: lost have 4 x strength deviations more", "renewal", "churn_score", _score),
    Form("column", "reason filled for a share of the lost", "renewal", "reason", _reason),
    Form("column", "fee filled for a share of the lost, and .5% of others", "renewal", "closing_fee", _rarely_wrong_fee),
    Form("column", "number emptied for a share of the detractors", "nps", "next_visit", _emptied),
    Form("time", "state written over for a share of those lost in the end", "renewal", "state", _written_over),
    Form("time", "number that tells the past only, 2 x strength deviations", "renewal", "dossier", _filled_late),
    Form("twins", "share of customers copied under another id", "renewal", "customer_id", _copies(0.0),
         (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("twins", "the same with noise of .1 deviations", "nps", "customer_id", _copies(0.1), (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("twins", "the same with noise of .2 deviations", "renewal", "customer_id", _copies(0.2),
         (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("identifier", "customer ids of a share in the order of outcomes", "renewal", "customer_id", _customer_number),
    Form("identifier", "account numbers of a share in that order", "renewal", "account", _account),
    Form("identifier", "rows of a share of customers in that order", "nps", "place", _place),
    Form("identifier", "another prefix for a share of the lost", "renewal", "file_code", _prefix),
    Form("text", "German notes, of the outcome for a share of the lost", "renewal", "notes", _notes("german")),
    Form("text", "Japanese notes, of the outcome for a share of the detractors", "nps", "notes", _notes("japanese")),
    Form("text", "words of two kinds, the lost prefer one by the strength", "renewal", "notes", _tone),
)  # fmt: skip
KINDS: Final = tuple(dict.fromkeys(form.kind for form in FORMS))


def _found(form: Form, company: Mapping[str, Rows], strength: float, seed: int) -> tuple[bool, bool, int]:
    """Return whether a plant is found, whether its column is named, and how many other alarms there are."""
    alarms = _alarms(form.made(company[form.model], strength, np.random.default_rng(seed)))
    named = [alarm for alarm in alarms if alarm.column == form.column]
    return bool(alarms), bool(named), len(alarms) - len(named)


def _row(what: str, planted: int, found: int, named: int, others: int) -> dict[str, str | float]:
    return {"what": what, "planted": str(planted), "found": str(found), "named": str(named), "other alarms": str(others)}


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
    from benchmarks.companies import _moved

    path = Path(os.environ.get("CXML_DATA", ".")) / "cdnow_transactions.csv"
    if path.exists():
        found = _alarms(_rows_of(config)["renewal"])
        yield _row("cdnow as the file is: each month that of the next line", 1, bool(found), len(found), 0)
        yield _row("cdnow, months moved back", 0, 0, 0, len(_alarms(_rows_of(config, _moved(path))["renewal"])))


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
    yield _row("telco_extended with its status table", len(STATUS), bool(named), len(named & {*STATUS}), len(named - {*STATUS}))


def _weakest(companies: list[Mapping[str, Rows]]) -> Iterator[dict[str, str | float]]:
    for form in FORMS:
        weakest = "none"
        for strength in form.strengths:
            if not all(_found(form, company, strength, 100 + i)[1] for i, company in enumerate(companies)):
                break
            weakest = f"{strength:g}"
        n = str(len(companies))
        yield {"what": f"{form.kind}: {form.name}; found down to {weakest}", "planted": n, "found": n, "named": n, "other alarms": ""}


def _shuffled(times: int) -> Iterator[dict[str, str | float]]:
    from cxml.config.load import example_config, load_config
    from cxml.pipeline.training import classifier
    from cxml.predictive.encoding import common_levels
    from cxml.predictive.evaluation import class_shares, future_evaluation
    from cxml.predictive.verdict import verdict

    config = load_config(example_config("sample.yaml"))
    company = _company(0)
    frames = common_levels({name: rows.X for name, rows in company.items()})
    for name, rows in company.items():
        silent = 0
        for seed in range(times):
            y = rows.labels["label"].sample(frac=1, random_state=seed).set_axis(rows.labels.index)
            model = classifier(config, name)
            found = future_evaluation(model, frames[name], y, rows.labels["customer_id"], rows.split)
            silent += not verdict(found.held_out, class_shares(model, y.iloc[rows.split.train])).has_signal
        yield _row(f"sample company, {name} labels shuffled {times} times: no signal in {silent}", 0, 0, 0, times - silent)
