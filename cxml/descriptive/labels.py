"""What the models learn: answers as NPS classes and customers who were lost, each with when it became known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.config.labels import NpsLabel, RenewalLabel
from cxml.descriptive.asked import asked
from cxml.descriptive.churn_labels import churn_labels
from cxml.descriptive.snapshot_labels import snapshot_outcomes, snapshot_scores
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, TrainingError
from cxml.schema import columns as c
from cxml.schema.sql import literal

if TYPE_CHECKING:
    import pandas as pd

# With fewer labelled rows the interval of any measure covers guessing: of 100 rows, the AUC's is about +-.1.
MIN_ROWS: Final = 100


def nps_labels(tables: Tables, label: NpsLabel) -> pd.DataFrame:
    """Return the answers of the label's instruments, or of its column, as NPS classes.

    A survey answer is predicted from what was known when the customer was asked (``sent_time``, or the answer where
    that is missing) and is itself known from ``response_time``.

    Returns
    -------
    DataFrame of shape (n_answers, 5)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC), ``label`` (ordered NPS class) and ``score`` (the
        answer), by key; one answer per key, the last one given.

    Raises
    ------
    ConfigError
        If the table or the column is not there.
    SchemaError
        If an answer of a snapshot column is off its scale.
    """
    if label.column is not None:
        frame = snapshot_scores(tables, label).assign(**{c.INSTRUMENT: label.instrument[0]})
    elif "surveys" not in tables:
        raise ConfigError("labels.nps: needs the table `surveys`, or `column:` for a company that is one snapshot.")
    else:
        known = c.KNOWN_TIME if c.KNOWN_TIME in tables.kinds["surveys"] else c.RESPONSE_TIME
        sent = "" if c.SENT_TIME in tables.kinds["surveys"] else f"NULL AS {c.SENT_TIME}, "
        asked = f"coalesce({c.SENT_TIME}, {c.RESPONSE_TIME})"
        answer = f"{{'{c.SCORE}': {c.SCORE}, '{c.INSTRUMENT}': {c.INSTRUMENT}}}"
        frame = frame_of(tables, f"""
            SELECT {c.CUSTOMER_ID}, {c.AS_OF}, {c.KNOWN_TIME}, answer.{c.SCORE} AS {c.LABEL}, answer.{c.INSTRUMENT}
            FROM (
                SELECT {c.CUSTOMER_ID}, least({asked}, {c.RESPONSE_TIME}) AS {c.AS_OF},
                       max(greatest({c.RESPONSE_TIME}, {known})) AS {c.KNOWN_TIME},
                       arg_max({answer}, ({c.RESPONSE_TIME}, {c.SCORE}, {c.INSTRUMENT})) AS answer
                FROM (SELECT {sent}* FROM surveys)
                WHERE {answers_sql(label)} GROUP BY 1, 2
            )
            ORDER BY 1, 2
        """)  # fmt: skip
    classes = answer_classes(frame[c.LABEL], frame[c.INSTRUMENT], label)
    frame = frame.rename(columns={c.LABEL: c.SCORE}).assign(**{c.LABEL: classes})
    return frame[[*c.KEY, c.KNOWN_TIME, c.LABEL, c.SCORE]]


def answers_sql(label: NpsLabel) -> str:
    """Return the SQL condition on `surveys` that a row is an answer of the label's instruments."""
    return f"{c.INSTRUMENT} IN ({', '.join(map(literal, label.instrument))}) AND {c.SCORE} IS NOT NULL"


def answer_classes(scores: pd.Series[float], instruments: pd.Series[str], label: NpsLabel) -> pd.Series[str]:
    """Turn answers of any instrument into ordered NPS classes, each by the cuts of its own scale.

    An answer between two points, such as one that came from another scale, counts as the nearer (the upper of two
    equally near); with ``classes`` of one's own it is compared as it is.

    Parameters
    ----------
    scores, instruments : Series of shape (n_answers,), with the same index, none missing
    label : NpsLabel

    Returns
    -------
    Series of shape (n_answers,), ordered categorical, same index
        ``detractor`` < ``passive`` < ``promoter``.

    Examples
    --------
    >>> import pandas as pd
    >>> label = NpsLabel(instrument=["nps", "stars"])
    >>> answer_classes(pd.Series([9.0, 4.0]), pd.Series(["nps", "stars"]), label).tolist()
    ['promoter', 'passive']
    """
    import pandas as pd

    answers = scores.to_numpy(np.float64)
    points = answers if label.classes else np.floor(answers + 0.5)
    codes = np.zeros(len(points), dtype=np.intp)
    for instrument in label.instrument:
        of_instrument = (instruments == instrument).to_numpy()
        codes[of_instrument] = np.searchsorted(label.cuts_of(instrument), points[of_instrument], side="left")
    classes = pd.CategoricalDtype(list(c.NPS_CLASSES), ordered=True)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=classes), index=scores.index)


def renewal_labels(tables: Tables, label: RenewalLabel, at: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return who was lost and who was not: 1.0 lost, 0.0 kept.

    By contracts: looking back from the moment of the data every ``every_days``, each customer whose contract in force
    (the one that started last, as in the features) ends after the gap and within the horizon is a row, known from its
    end. One whose end or outcome is not known yet is censored: no row. By events: see `churn_labels`; by a column:
    see `snapshot_outcomes`.

    Parameters
    ----------
    tables : Tables
    label : RenewalLabel
    at : DataFrame with ``customer_id`` and ``as_of`` (naive UTC), optional
        Customers and moments that are asked about in place of everybody every so many days.

    Returns
    -------
    DataFrame of shape (n_rows, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (float), by key.

    Raises
    ------
    ConfigError
        If the table or the column is not there, or ``lost`` or ``event`` names no value of it.
    TrainingError
        If no horizon after such an event has ended.
    """
    if label.column is not None:
        return snapshot_outcomes(tables, label, at)
    if label.event_condition is not None:
        return churn_labels(tables, label, at)
    if "contracts" not in tables:
        raise ConfigError(
            "labels.renewal: needs the table `contracts`, `event:` for customers without contracts, or `column:` for a "
            "company that is one snapshot."
        )
    late = c.KNOWN_TIME in tables.kinds["contracts"]
    known = f"coalesce({c.KNOWN_TIME}, {c.START_TIME})" if late else c.START_TIME
    now, step = tables.moment, f"INTERVAL {label.every_days} DAY"
    regular = f"""
        SELECT unnest(generate_series(
            TIMESTAMP '{now}' - {step}, (SELECT min({c.START_TIME}) FROM contracts), - {step})) AS {c.AS_OF}
    """
    moments = asked(tables, regular, at)
    return frame_of(tables, f"""
        WITH moments AS ({moments.query})
        SELECT {c.CUSTOMER_ID}, {c.AS_OF}, term.{c.END_TIME} AS {c.KNOWN_TIME},
               CAST(NOT term.{c.RENEWED} AS DOUBLE) AS {c.LABEL}
        FROM (
            SELECT {c.CUSTOMER_ID}, {c.AS_OF},
                   arg_max({{'{c.END_TIME}': {c.END_TIME}, '{c.RENEWED}': {c.RENEWED}}},
                           ({c.START_TIME}, {c.CONTRACT_ID})) AS term
            FROM moments JOIN contracts
                ON {moments.whose} AND {c.START_TIME} < {c.AS_OF} AND {known} < {c.AS_OF} AND {c.END_TIME} >= {c.AS_OF}
            GROUP BY 1, 2
        )
        WHERE term.{c.END_TIME} > {c.AS_OF} + INTERVAL {label.gap_days} DAY
            AND term.{c.END_TIME} <= {c.AS_OF} + INTERVAL {label.gap_days + label.horizon_days} DAY
            AND term.{c.END_TIME} < TIMESTAMP '{now}' AND term.{c.RENEWED} IS NOT NULL
        ORDER BY 1, 2
    """)  # fmt: skip


def trainable(labels: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return labels that a model can be trained on.

    Raises
    ------
    TrainingError
        If there are fewer than 100 rows, or all rows are of one class.
    """
    if len(labels) < MIN_ROWS:
        raise TrainingError(
            f"labels.{label}: needs at least {MIN_ROWS} rows whose outcome is known, to train and judge a model; "
            f"there are {len(labels):,}. Collect more, or leave `labels.{label}` out."
        )
    if labels[c.LABEL].nunique() < 2:
        raise TrainingError(
            f"labels.{label}: needs rows of at least two classes; all {len(labels):,} are "
            f"{labels[c.LABEL].tolist()[0]!r}. "
            f"Check its column and values."
        )
    return labels
