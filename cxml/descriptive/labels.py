"""What the models learn: NPS answers and contracts that were not renewed, each with when it became known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from cxml.config.company import NpsLabel, RenewalLabel
from cxml.descriptive.indicators import nps_class
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, TrainingError, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

LABEL: Final = "label"
# With fewer labelled rows the interval of any measure covers guessing: of 100 rows, the AUC's is about +-.1.
MIN_ROWS: Final = 100


def nps_labels(tables: Tables, label: NpsLabel) -> pd.DataFrame:
    """Return the NPS answers as labels.

    A survey answer is predicted from what was known when the customer was asked (``sent_time``, or the answer where
    that is missing) and is itself known from ``response_time``.

    Returns
    -------
    DataFrame of shape (n_answers, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (ordered NPS class), by key; one answer
        per key, the last one given.

    Raises
    ------
    ConfigError
        If the table or the column is not there.
    SchemaError
        If an answer of a snapshot column is off the 0-10 scale.
    """
    if label.column is not None:
        frame = _snapshot(tables, label.column, "labels.nps.column")
        if (kind := tables.kinds["customers"][label.column]) != "number":
            raise ConfigError(
                f"labels.nps.column: customers.{label.column} must be a number from 0 to 10; it is a {kind}."
            )
    elif "surveys" not in tables:
        raise ConfigError("labels.nps: needs the table `surveys`, or `column:` for a company that is one snapshot.")
    else:
        known = c.KNOWN_TIME if c.KNOWN_TIME in tables.kinds["surveys"] else c.RESPONSE_TIME
        frame = frame_of(tables, f"""
            SELECT {c.CUSTOMER_ID}, least(coalesce({c.SENT_TIME}, {c.RESPONSE_TIME}), {c.RESPONSE_TIME}) AS {c.AS_OF},
                   max(greatest({c.RESPONSE_TIME}, {known})) AS {c.KNOWN_TIME},
                   arg_max({c.SCORE}, ({c.RESPONSE_TIME}, {c.SCORE})) AS {LABEL}
            FROM (SELECT {"" if c.SENT_TIME in tables.kinds["surveys"] else f"NULL AS {c.SENT_TIME}, "}* FROM surveys)
            WHERE {c.INSTRUMENT} = 'nps' AND {c.SCORE} IS NOT NULL
            GROUP BY 1, 2 ORDER BY 1, 2
        """)  # fmt: skip
    return frame.assign(**{LABEL: nps_class(frame[LABEL].astype("float64"))})


def renewal_labels(tables: Tables, label: RenewalLabel) -> pd.DataFrame:
    """Return contracts that came up for renewal as labels: 1.0 not renewed, 0.0 renewed.

    Looking back from the moment of the data every ``every_days``, each customer whose contract in force (the one that
    started last, as in the features) ends after the gap and within the horizon is a row, known from its end. One whose
    end or outcome is not known yet is censored: no row.

    Returns
    -------
    DataFrame of shape (n_rows, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (float), by key.

    Raises
    ------
    ConfigError
        If the table or the column is not there, or ``lost`` names no value of it.
    """
    if label.column is not None:
        return _snapshot_outcomes(tables, label)
    if "contracts" not in tables:
        raise ConfigError(
            "labels.renewal: needs the table `contracts`, or `column:` for a company that is one snapshot."
        )
    late = c.KNOWN_TIME in tables.kinds["contracts"]
    known = f"coalesce({c.KNOWN_TIME}, {c.START_TIME})" if late else c.START_TIME
    now, step = _moment(tables), f"INTERVAL {label.every_days} DAY"
    return frame_of(tables, f"""
        WITH moments AS (
            SELECT unnest(generate_series(
                TIMESTAMP '{now}' - {step}, (SELECT min({c.START_TIME}) FROM contracts), - {step})) AS {c.AS_OF}
        )
        SELECT {c.CUSTOMER_ID}, {c.AS_OF}, term.{c.END_TIME} AS {c.KNOWN_TIME},
               CAST(NOT term.{c.RENEWED} AS DOUBLE) AS {LABEL}
        FROM (
            SELECT {c.CUSTOMER_ID}, {c.AS_OF},
                   arg_max({{'{c.END_TIME}': {c.END_TIME}, '{c.RENEWED}': {c.RENEWED}}},
                           ({c.START_TIME}, {c.CONTRACT_ID})) AS term
            FROM moments JOIN contracts
                ON {c.START_TIME} < {c.AS_OF} AND {known} < {c.AS_OF} AND {c.END_TIME} >= {c.AS_OF}
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
    if labels[LABEL].nunique() < 2:
        raise TrainingError(
            f"labels.{label}: needs rows of at least two classes; all {len(labels):,} are "
            f"{labels[LABEL].tolist()[0]!r}. "
            f"Check its column and values."
        )
    return labels


def _moment(tables: Tables) -> datetime:
    if tables.as_of is None:
        raise ConfigError(
            "as_of: must be set; no table has times. Say when the snapshot was taken, such as `as_of: 2024-01-01`."
        )
    return tables.as_of


def _snapshot(tables: Tables, column: str, where: str) -> pd.DataFrame:
    kinds = tables.kinds["customers"]
    if column not in kinds:
        raise ConfigError(f"{where}: customers has no column {column!r}{near_miss(column, kinds) or '.'}")
    return frame_of(tables, f"""
        SELECT {c.CUSTOMER_ID}, TIMESTAMP '{_moment(tables)}' AS {c.AS_OF},
               TIMESTAMP '{_moment(tables)}' AS {c.KNOWN_TIME}, {quoted(column)} AS {LABEL}
        FROM customers WHERE {quoted(column)} IS NOT NULL ORDER BY 1
    """)  # fmt: skip


def _snapshot_outcomes(tables: Tables, label: RenewalLabel) -> pd.DataFrame:
    frame = _snapshot(tables, str(label.column), "labels.renewal.column")
    kind = tables.kinds["customers"][str(label.column)]
    values = frame[LABEL].map(_shown) if kind == "number" else frame[LABEL].astype(str)
    for lost in label.lost:
        if not (values == lost).any():
            found = ", ".join(repr(value) for value in sorted(values.unique())[:10])
            raise ConfigError(
                f"labels.renewal.lost: no row of {label.column} has the value {lost!r}; its values are {found}. "
                f"Quote words such as 'Yes' in YAML."
            )
    return frame.assign(**{LABEL: values.isin(label.lost).astype("float64")})


def _shown(number: float) -> str:
    """Return a number as a person writes it in a config: 1, not 1.0."""
    return str(int(number)) if number == int(number) else repr(float(number))
