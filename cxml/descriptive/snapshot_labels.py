"""The labels of a company that is one snapshot: a column of its customers, known at the moment of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxml.config.labels import NpsLabel, RenewalLabel, ValueLabel
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, SchemaError, broken_by, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd


def snapshot_scores(tables: Tables, label: NpsLabel) -> pd.DataFrame:
    """Return the answers in a column of the customers, checked against their scale.

    Returns
    -------
    DataFrame of shape (n_answers, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (the score), by customer.

    Raises
    ------
    ConfigError
        If the column is not there or holds no numbers.
    SchemaError
        If an answer is off the scale or, of instrument 'nps', between two points.
    """
    column = str(label.column)
    low, high = label.scale_of(label.instrument[0])
    frame = _snapshot(tables, column, "labels.nps.column")
    if (kind := tables.kinds["customers"][column]) != "number":
        raise ConfigError(
            f"labels.nps.column: customers.{column} must be a number from {low:g} to {high:g}; it is a {kind}."
        )
    scores, whole = frame[c.LABEL], label.instrument == ("nps",) and label.classes is None
    bad = frame[~scores.between(low, high) | (whole & (scores % 1 != 0))]
    if len(bad):
        raise SchemaError(
            f"customers.{column}: must be {'a whole number from ' * whole}{low:g}{' to ' if whole else '-'}{high:g}, "
            f"as labels.nps says; {broken_by(len(bad), len(frame))} (first: customer {bad[c.CUSTOMER_ID].iloc[0]!r} "
            f"has {bad[c.LABEL].iloc[0]:g}). If the answers use another scale, set `scale: [lowest, highest]`."
        )
    return frame


def snapshot_outcomes(tables: Tables, label: RenewalLabel, at: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a column of the customers as labels, 1.0 where it has a value that means lost, else 0.0.

    With ``at``, of the customers and moments asked about: the column is what came after them.

    Returns
    -------
    DataFrame of shape (n_outcomes, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (float), by customer.

    Raises
    ------
    ConfigError
        If the column is not there, or ``lost`` names no value of it.
    """
    frame = _snapshot(tables, str(label.column), "labels.renewal.column")
    kind = tables.kinds["customers"][str(label.column)]
    values = frame[c.LABEL].map(_shown) if kind == "number" else frame[c.LABEL].astype(str)
    for lost in label.lost:
        if not (values == lost).any():
            found = ", ".join(repr(value) for value in sorted(values.unique())[:10])
            raise ConfigError(
                f"labels.renewal.lost: no row of {label.column} has the value {lost!r}; its values are {found}. "
                f"Quote words such as 'Yes' in YAML."
            )
    return _asked(frame.assign(**{c.LABEL: values.isin(label.lost).astype("float64")}), at)


def snapshot_amounts(tables: Tables, label: ValueLabel, at: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a column of the customers as the money that came in.

    With ``at``, of the customers and moments asked about: the column is what came after them.

    Returns
    -------
    DataFrame of shape (n_amounts, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (money), by customer.

    Raises
    ------
    ConfigError
        If the column is not there or holds no numbers.
    """
    column = str(label.column)
    frame = _snapshot(tables, column, "labels.value.column")
    if (kind := tables.kinds["customers"][column]) != "number":
        raise ConfigError(f"labels.value.column: customers.{column} must be a number; it is a {kind}.")
    return _asked(frame.assign(**{c.LABEL: frame[c.LABEL].astype("float64")}), at)


def _asked(labels: pd.DataFrame, at: pd.DataFrame | None) -> pd.DataFrame:
    """Return the labels of a snapshot, or where moments are asked about, one for each of those."""
    if at is None:
        return labels
    found = at[list(c.KEY)].merge(labels.drop(columns=c.AS_OF), on=c.CUSTOMER_ID)
    return found.sort_values(list(c.KEY), ignore_index=True)


def _snapshot(tables: Tables, column: str, where: str) -> pd.DataFrame:
    kinds = tables.kinds["customers"]
    if column not in kinds:
        raise ConfigError(f"{where}: customers has no column {column!r}{near_miss(column, kinds) or '.'}")
    return frame_of(tables, f"""
        SELECT {c.CUSTOMER_ID}, TIMESTAMP '{tables.moment}' AS {c.AS_OF},
               TIMESTAMP '{tables.moment}' AS {c.KNOWN_TIME}, {quoted(column)} AS {c.LABEL}
        FROM customers WHERE {quoted(column)} IS NOT NULL ORDER BY 1
    """)  # fmt: skip


def _shown(number: float) -> str:
    """Return a number as a person writes it in a config: 1, not 1.0."""
    return str(int(number)) if number == int(number) else repr(float(number))
