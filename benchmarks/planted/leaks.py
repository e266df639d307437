"""Leaks of five kinds, each made in several forms and in any strength from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd


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
    return rows.column("reason", pd.Series(rng.choice(["price", "moved", "rival"], len(filled))).where(filled))


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
    "german": (("kündigung eingegangen", "vertrag beendet"), ("rechnung gesendet", "adresse geändert", "rückruf")),
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
    Form("column", "fee filled for a share of the lost, .5% of others", "renewal", "closing_fee", _rarely_wrong_fee),
    Form("column", "number emptied for a share of the detractors", "nps", "next_visit", _emptied),
    Form("time", "state written over for a share of those lost in the end", "renewal", "state", _written_over),
    Form("time", "number that tells the past only, 2 x strength deviations", "renewal", "dossier", _filled_late,
         (1.0, 0.8, 0.6, 0.4, 0.2)),
    Form("twins", "share of customers copied under another id", "renewal", "customer_id", _copies(0.0),
         (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("twins", "the same with noise of .1 deviations", "nps", "customer_id", _copies(0.1),
         (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("twins", "the same with noise of .2 deviations", "renewal", "customer_id", _copies(0.2),
         (0.2, 0.1, 0.05, 0.02, 0.01)),
    Form("identifier", "customer ids of a share in the order of outcomes", "renewal", "customer_id", _customer_number),
    Form("identifier", "account numbers of a share in that order", "renewal", "account", _account),
    Form("identifier", "rows of a share of customers in that order", "nps", "place", _place),
    Form("identifier", "another prefix for a share of the lost", "renewal", "file_code", _prefix),
    Form("text", "German notes, of the outcome for a share of the lost", "renewal", "notes", _notes("german")),
    Form("text", "Japanese notes, of the outcome for a share of the detractors", "nps", "notes", _notes("japanese")),
    Form("text", "words of two kinds, the lost prefer one by the strength", "renewal", "notes", _tone,
         (1.0, 0.8, 0.6, 0.4, 0.2)),
)  # fmt: skip
