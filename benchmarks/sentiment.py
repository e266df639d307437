"""The sentiment of comments: learned from scores, and English by VADER, against labels that neither has seen.

AUC of telling negative comments from the others, and positive ones, with a 95% interval (authors resampled), on the
files found under ``CXML_DATA``. Out-of-fold is by author. Forward reads every month with what was known before it; the
tweets are of nine days, so there a day stands for a month. The plain model is scikit-learn's TF-IDF and logistic
regression with their defaults, on the same folds. ``small`` takes the first 3,000 comments of the first file.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

# The place on the scale of a score in each class of NPS.
_POSITION = {-1: 0.0, 0: 0.7, 1: 1.0}


def _frame(author: pd.Series[str], comment: pd.Series[str], tone: pd.Series[float], when: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": author.astype(str), "comment": comment, "tone": tone, "when": when})
    return frame[frame["tone"].notna() & frame["comment"].notna()].reset_index(drop=True)


def _nps_class(score: pd.Series[float]) -> pd.Series[float]:
    return score.map(lambda s: np.nan if np.isnan(s) else float((s >= 7) + (s >= 9) - 1))


def _tweets(folder: Path) -> pd.DataFrame:
    raw = pd.read_csv(folder / "airline_tweets.csv")
    day = pd.to_datetime(raw["tweet_created"], format="%d-%m-%Y %H.%M").dt.normalize()
    months = (day - day.min()).dt.days.map(lambda n: pd.Timestamp(2015, 1 + n, 1))
    tone = raw["airline_sentiment"].map({"negative": -1, "neutral": 0, "positive": 1}).astype("float64")
    return _frame(raw["name"], raw["text"], tone, months)


def _reviews(folder: Path) -> pd.DataFrame:
    raw = pd.read_csv(folder / "airline_reviews.csv")
    written = raw["Datetime"].str.replace(r"(\d)(st|nd|rd|th)", r"\1", regex=True)
    when = pd.to_datetime(written, format="%d %B %Y")
    return _frame(raw["Name"].fillna("unknown"), raw["ReviewBody"], _nps_class(raw["OverallRating"]), when)


def _garden(folder: Path) -> pd.DataFrame:
    raw = pd.read_csv(folder / "garden_centre_nps.csv", encoding="latin-1")
    return _frame(raw["id"], raw["explication"], _nps_class(raw["nps"]), pd.Series(pd.NaT, index=raw.index))


DATA: Mapping[str, Callable[[Path], pd.DataFrame]] = {
    "airline_tweets.csv": _tweets,
    "airline_reviews.csv": _reviews,
    "garden_centre_nps.csv": _garden,
}


def _readings(frame: pd.DataFrame, english: bool) -> Iterator[tuple[str, Callable[[], pd.Series[float]]]]:
    from cxml.descriptive.sentiment import english_sentiment, learned_sentiment

    scored = frame.assign(position=frame["tone"].map(_POSITION))
    at_once = pd.Timestamp("2000-01-01")
    yield "plain model, out-of-fold", lambda: _plain(frame)
    yield "learned, out-of-fold", lambda: learned_sentiment(scored.assign(response_time=at_once, known_time=at_once))
    if len(dated := scored[scored["when"].notna()]):
        dated = dated.assign(response_time=dated["when"], known_time=dated["when"])
        yield "learned, forward", lambda: learned_sentiment(dated).reindex(frame.index)
    if english:
        yield "VADER", lambda: english_sentiment(frame["comment"])


def _plain(frame: pd.DataFrame) -> pd.Series[float]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    fold = np.array([zlib.crc32(author.encode()) % 5 for author in frame["customer_id"]])  # as `learned_sentiment` does
    sentiment = pd.Series(np.nan, index=frame.index)
    for k in range(5):
        model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1_000))
        model.fit(frame["comment"][fold != k], frame["tone"][fold != k])
        p = model.predict_proba(frame["comment"][fold == k])
        sentiment[fold == k] = p[:, 2] - p[:, 0]
    return sentiment


def _auc(came_true: pd.Series[bool], sentiment: pd.Series[float], author: pd.Series[str]) -> str:
    from cxml.predictive.measures import measured

    p = (1 + sentiment.to_numpy()) / 2
    codes = came_true.to_numpy().astype(np.intp)
    base = [1 - codes.mean(), codes.mean()]
    auc, *_ = measured(codes, np.column_stack([1 - p, p]), author.to_numpy(), base=base)
    return f"{auc.value:.4f} [{auc.low:.4f}, {auc.high:.4f}]"


def run(scale: str) -> Figures:
    folder = Path(os.environ.get("CXML_DATA", "."))
    found = [name for name in DATA if (folder / name).exists()]
    if not found:
        raise SystemExit(f"none of {', '.join(DATA)} is in {folder}; set CXML_DATA to the folder that holds them")
    rows: list[dict[str, str | float]] = []
    for name in found[: 1 if scale == "small" else None]:
        frame = DATA[name](folder)[: 3_000 if scale == "small" else None]
        for label, reading in _readings(frame, english=name.startswith("airline")):
            started = time.process_time()
            sentiment = reading()
            seconds = time.process_time() - started
            read = frame[sentiment.notna()]
            kept = sentiment[read.index]
            rows.append(
                {
                    "data": name,
                    "sentiment": label,
                    "read": f"{len(read):,} of {len(frame):,}",
                    "AUC negative": _auc(read["tone"] == -1, -kept, read["customer_id"]),
                    "AUC positive": _auc(read["tone"] == 1, kept, read["customer_id"]),
                    "CPU seconds": f"{seconds:.1f}",
                }
            )
    return rows
