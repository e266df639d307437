"""The sentiment of comments, from -1 to 1: learned from the company's own scores, or English by VADER.

A learned sentiment never sees the score beside the comment itself, and nothing that was known only later. The comments
of a calendar month are read by a model of the scored comments that were known before the month began. Where answers
carry one and the same moment, as in a snapshot, no time tells them apart: each is read by a model of other customers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.descriptive.tone import MAX_CHARACTERS, MAX_COMMENTS, MIN_COMMENTS, is_enough, term_counts, tone_model
from cxml.errors import ConfigError
from cxml.schema import columns as c
from cxml.schema.sql import quoted
from cxml.schema.tables import INSTRUMENT_SCALES, Kind

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Kinds = Mapping[str, Mapping[str, Kind]]

POSITION: Final = "position"
"""Where a score lies on the scale of its instrument, from 0 (lowest) to 1 (highest)."""

# The cuts of NPS (detractor 0-6, promoter 9-10 of 10) on every scale: csat, stars and smiley 1-3 / 4 / 5, ces 1-4 /
# 5-6 / 7. The classes rank comments as well as a regression on the score itself does (rank correlation with the
# score, 5-fold: .422 against .420 on garden-centre comments, .815 against .831 on airline reviews), and 0 is neutral.
_NEGATIVE_BELOW: Final = 0.65
_POSITIVE_FROM: Final = 0.85

# A new model once there is a quarter more to learn from: the number of fits grows with the logarithm of the comments.
_GROWTH: Final = 1.25
_FOLDS: Final = 5
_BLOCK: Final = 20_000
"""Comments that are read at once, to bound memory."""


def with_sentiment(con: duckdb.DuckDBPyConnection, kinds: Kinds, config: CompanyConfig) -> Kinds:
    """Give the tables with a ``comment`` their column ``sentiment``, where they do not bring one themselves.

    ``surveys`` learns from its scores, ``customers`` from the column of the NPS label, if there is one; with
    ``sentiment: english`` both are read by VADER. It is NULL where there is no comment, or no model yet.

    Parameters
    ----------
    con : DuckDB connection with the typed tables, which are altered
    kinds : for each table that is there, the kind of each of its columns
    config : CompanyConfig

    Returns
    -------
    mapping
        ``kinds`` with the new columns.

    Raises
    ------
    ConfigError
        If VADER is asked for and not installed.
    """
    made = {}
    for table, position in (("surveys", _survey_position()), ("customers", _customer_position(kinds, config))):
        columns = kinds.get(table, {})
        if config.sentiment == "none" or c.COMMENT not in columns or c.SENTIMENT in columns:
            continue
        if config.sentiment == "learned" and position is None:
            continue
        moment = c.RESPONSE_TIME if table == "surveys" else "TIMESTAMP '1970-01-01'"  # a snapshot has one moment
        known = c.KNOWN_TIME if table == "surveys" and c.KNOWN_TIME in columns else moment
        query = f"""
            SELECT rowid AS row, {c.CUSTOMER_ID}, {c.COMMENT}, {moment} AS {c.RESPONSE_TIME},
                   {known} AS {c.KNOWN_TIME}, {position or "CAST(NULL AS DOUBLE)"} AS {POSITION}
            FROM {table} WHERE {c.COMMENT} IS NOT NULL AND {moment} IS NOT NULL
        """
        frame = con.sql(query).to_arrow_table().to_pandas()
        frame = frame[[bool(comment.strip()) for comment in frame[c.COMMENT].tolist()]]
        sentiment = english_sentiment(frame[c.COMMENT]) if config.sentiment == "english" else learned_sentiment(frame)
        _write(con, table, frame.assign(**{c.SENTIMENT: sentiment})[["row", c.SENTIMENT]].dropna())
        made[table] = {**columns, c.SENTIMENT: "number"}
    return {**kinds, **made}


def english_sentiment(comments: pd.Series[str]) -> pd.Series[float]:
    """Return the sentiment of English comments by VADER's lexicon and rules: its compound score, from -1 to 1.

    Parameters
    ----------
    comments : Series of shape (n_comments,), no value missing

    Returns
    -------
    Series of shape (n_comments,), same index

    Raises
    ------
    ConfigError
        If vaderSentiment is not installed.

    References
    ----------
    Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
    """
    import pandas as pd

    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise ConfigError(
            "sentiment: 'english' needs the package vaderSentiment, which is not installed. Install it with "
            "`pip install cxml[text]`, or set `sentiment: learned` to learn from the company's own scored comments."
        ) from None
    vader = SentimentIntensityAnalyzer()
    scores = [vader.polarity_scores(comment[:MAX_CHARACTERS])["compound"] for comment in comments.tolist()]
    return pd.Series(scores, index=comments.index, name=c.SENTIMENT, dtype="float64")


def learned_sentiment(comments: pd.DataFrame) -> pd.Series[float]:
    """Return the sentiment of comments by models of the scored ones among them, each model blind to what it reads.

    The comments of a month (UTC) are read by a model of those that were scored and known before it began; a new model
    is fitted where they have grown by a quarter since the last. Before the first model, comments that share one moment
    are read out-of-fold: by a model of the other four fifths of the customers at that moment. The order of the rows
    makes no difference, nor does anything that comes later.

    Parameters
    ----------
    comments : DataFrame of shape (n_comments, 5)
        ``customer_id``, ``comment``, ``response_time`` and ``known_time`` (naive UTC; known from the response on where
        it is missing or earlier), and ``position``, where the score beside it lies on its scale (0-1), missing where
        there is none; nothing else is missing.

    Returns
    -------
    Series of shape (n_comments,), same index
        The expected tone, from -1 (negative) to 1 (positive); NaN where there is no model: one needs 100 scored
        comments, 10 of them negative and 10 positive.
    """
    import pandas as pd

    keys = [zlib.crc32(str(customer).encode()) for customer in comments[c.CUSTOMER_ID].tolist()]
    known = comments[[c.RESPONSE_TIME, c.KNOWN_TIME]].max(axis=1)
    rows = comments.assign(**{c.KNOWN_TIME: known}).assign(key=np.array(keys, dtype=np.int64)).reset_index(drop=True)
    # Rows that tie on all of these are alike to every model, so the order in which they came makes no difference.
    rows = rows.sort_values([c.KNOWN_TIME, "key", c.CUSTOMER_ID, c.RESPONSE_TIME, c.COMMENT, POSITION])
    position = rows[POSITION].to_numpy(dtype=np.float64, na_value=np.nan)
    in_order = _InOrder(
        texts=rows[c.COMMENT].to_numpy(dtype=object),
        moment=rows[c.RESPONSE_TIME].to_numpy().astype("datetime64[us]"),
        known=rows[c.KNOWN_TIME].to_numpy().astype("datetime64[us]"),
        scored=~np.isnan(position),
        tones=(position >= _NEGATIVE_BELOW).astype(np.int64) + (position >= _POSITIVE_FROM) - 1,
        fold=rows["key"].to_numpy() % _FOLDS,
    )
    sentiment = np.empty(len(rows))
    sentiment[rows.index.to_numpy()] = _month_by_month(in_order)
    return pd.Series(sentiment, index=comments.index, name=c.SENTIMENT)


@dataclass(frozen=True)
class _InOrder:
    """Comments in the order in which they became known; each field has shape (n_comments,)."""

    texts: NDArray[np.object_]
    moment: NDArray[np.datetime64]
    known: NDArray[np.datetime64]
    scored: NDArray[np.bool_]
    tones: NDArray[np.int64]
    fold: NDArray[np.int64]


def _month_by_month(comments: _InOrder) -> Floats:
    scored = np.flatnonzero(comments.scored)
    month_of = comments.moment.astype("datetime64[M]")
    months = np.unique(month_of)
    sentiment = np.full(len(comments.texts), np.nan)
    model, n_learned = None, 0
    held: list[tuple[Rows, csr_matrix]] = []  # scored comments that a model may still learn from
    for month in months:
        n_past = int(np.searchsorted(comments.known[scored], month.astype("datetime64[us]")))
        past = scored[max(n_past - MAX_COMMENTS, 0) : n_past]
        held = [part for part in held if not len(past) or part[0][-1] >= past[0]]
        if n_past >= _GROWTH * n_learned and is_enough(comments.tones[past]):
            newer = tone_model(_held_counts(held, past), comments.tones[past])
            model, n_learned = (model, n_learned) if newer is None else (newer, n_past)
        rows = np.flatnonzero(month_of == month)
        if model is None:
            for wave in _waves(comments, rows):
                sentiment[wave] = _out_of_fold(comments, wave)
        if model is None and month == months[-1]:
            break  # nothing would be made of the counts
        for block in _blocks(rows):
            counts = term_counts(comments.texts[block])
            if model is not None:
                sentiment[block] = model.sentiment(counts)
            if (later := comments.scored[block]).any():
                held.append((block[later], counts[later]))
    return sentiment


def _held_counts(held: list[tuple[Rows, csr_matrix]], wanted: Rows) -> csr_matrix:
    from scipy.sparse import vstack

    rows = np.concatenate([part for part, _ in held])
    order = np.argsort(rows)
    return vstack([counts for _, counts in held], format="csr")[order[np.searchsorted(rows, wanted, sorter=order)]]


def _waves(comments: _InOrder, rows: Rows) -> Iterator[Rows]:
    """Yield the rows that share a moment, where those scored and known at that moment are enough for a model."""
    moments, n = np.unique(comments.moment[rows], return_counts=True)
    for moment in moments[n >= MIN_COMMENTS]:
        yield rows[comments.moment[rows] == moment]


def _out_of_fold(comments: _InOrder, wave: Rows) -> Floats:
    """Return the sentiment of comments of one moment, each by a model of other customers at that moment."""
    learned = np.flatnonzero(comments.scored[wave] & (comments.known[wave] == comments.moment[wave]))[-MAX_COMMENTS:]
    fold, tones = comments.fold[wave], comments.tones[wave]
    sentiment = np.full(len(wave), np.nan)
    if not is_enough(tones[learned]):
        return sentiment
    counts = term_counts(comments.texts[wave[learned]])
    others = [fold[learned] != k for k in range(_FOLDS)]
    models = [tone_model(counts[other], tones[learned][other]) for other in others]

    def fill(rows: Rows, counts: csr_matrix) -> None:
        for k, model in enumerate(models):
            mine = fold[rows] == k
            if model is not None and mine.any():
                sentiment[rows[mine]] = model.sentiment(counts[mine])

    fill(learned, counts)
    for block in _blocks(np.setdiff1d(np.arange(len(wave)), learned)):
        fill(block, term_counts(comments.texts[wave[block]]))
    return sentiment


def _blocks(rows: Rows) -> list[Rows]:
    return [rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]


def _survey_position() -> str:
    """Return the SQL of where the score of a survey lies on the scale of its instrument, 0-1."""
    cases = (
        f"WHEN '{name}' THEN ({c.SCORE} - {low}) / {high - low}" for name, (low, high) in INSTRUMENT_SCALES.items()
    )
    return f"CASE {c.INSTRUMENT} {' '.join(cases)} END"


def _customer_position(kinds: Kinds, config: CompanyConfig) -> str | None:
    """Return the SQL of where a customer's NPS answer lies on its scale, or None where there is no such column."""
    column = config.labels.nps.column if config.labels.nps else None
    if column is None or kinds.get("customers", {}).get(column) != "number":
        return None
    low, high = INSTRUMENT_SCALES["nps"]
    return f"CASE WHEN {quoted(column)} BETWEEN {low} AND {high} THEN ({quoted(column)} - {low}) / {high - low} END"


def _write(con: duckdb.DuckDBPyConnection, table: str, sentiment: pd.DataFrame) -> None:
    import pyarrow as pa

    con.execute(f"ALTER TABLE {table} ADD COLUMN {c.SENTIMENT} DOUBLE")
    con.register("sentiment_of_rows", pa.Table.from_pandas(sentiment, preserve_index=False))
    con.execute(
        f"UPDATE {table} SET {c.SENTIMENT} = s.{c.SENTIMENT} FROM sentiment_of_rows s WHERE {table}.rowid = s.row"
    )
    con.unregister("sentiment_of_rows")
