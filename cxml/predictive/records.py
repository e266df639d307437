"""What a caller hands over to be scored: a dict, a list of dicts or a dataframe, brought to columns and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError, broken_by
from cxml.predictive.encoding import frame_columns
from cxml.schema import columns as c


@dataclass(frozen=True)
class Shape:
    """How features came in (dict, list or frame), and how many customers they are of."""

    kind: str
    n_rows: int


def columns_in(features: Any) -> tuple[Mapping[str, Any], Shape]:
    """Return what came in as columns, with how it came.

    Raises
    ------
    SchemaError
        If it has no names for its values, or its records differ in their keys.
    """
    if isinstance(features, Mapping):
        return {name: [value] for name, value in features.items()}, Shape("dict", 1)
    if hasattr(features, "columns"):
        return frame_columns(features), Shape("frame", len(features))
    if (
        isinstance(features, Sequence)
        and not isinstance(features, str)
        and all(isinstance(x, Mapping) for x in features)
    ):
        if not features:
            raise SchemaError("features: must have at least one record; the list is empty.")
        names = list(features[0])
        for i, record in enumerate(features):
            if record.keys() != features[0].keys():
                odd = sorted(record.keys() ^ features[0].keys())[0]
                raise SchemaError(f"features: every record must have the same keys; record {i} differs in {odd!r}.")
        return {name: [record[name] for record in features] for name in names}, Shape("list", len(features))
    raise SchemaError(
        f"features: must be a dict, a list of dicts or a dataframe, so that every value has a name; "
        f"it is a {type(features).__name__}."
    )


def keys_in(columns: Mapping[str, Any], n_rows: int, *, needed: bool) -> tuple[Any, Any]:
    """Return the customers (list of str) and moments (datetime64[us], UTC), each None where it may be and is missing.

    Raises
    ------
    SchemaError
        If a key is missing though needed, a customer is not text, or a moment carries no zone.
    """
    if missing := [name for name in c.KEY if name not in columns]:
        if needed:
            raise SchemaError(f"features: has no column {missing[0]!r}. A decision needs its customer and its moment.")
        return (list(columns[c.CUSTOMER_ID]) if c.CUSTOMER_ID in columns else None), None
    customers = list(columns[c.CUSTOMER_ID])
    if bad := [i for i, customer in enumerate(customers) if not isinstance(customer, str) or not customer]:
        raise SchemaError(
            f"features.customer_id: must be text; {broken_by(len(bad), n_rows)} "
            f"(first: row {bad[0]}, {customers[bad[0]]!r}). Write ids as text, as in training."
        )
    return customers, _moments(columns[c.AS_OF])


def _moments(values: Any) -> NDArray[np.datetime64]:
    dtype = getattr(values, "dtype", None)
    if dtype is not None and str(dtype).startswith("datetime64"):
        if hasattr(values, "isna") and (unknown := np.flatnonzero(values.isna())).size:
            raise SchemaError(
                f"features.as_of: must be filled; {broken_by(len(unknown), len(values), verb='be')} "
                f"(first: row {unknown[0]}). A decision needs its moment."
            )
        if (zone := getattr(dtype, "tz", None)) is not None and str(zone) != "UTC":
            values = values.dt.tz_convert("UTC")
        return np.asarray(
            values.to_numpy(dtype="datetime64[us]") if hasattr(values, "to_numpy") else values, "datetime64[us]"
        )
    moments = []
    for i, value in enumerate(values):
        moment = value
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                moment = None
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise SchemaError(
                f"features.as_of: must be a time with a zone; row {i} has {value!r}. Write it as 2024-05-31T00:00:00Z."
            )
        moments.append(np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us"))
    return np.array(moments, dtype="datetime64[us]")


def iso_text(moment: np.datetime64) -> str:
    """Return a moment in UTC as ISO 8601 to the microsecond, the form that ids are made of."""
    return f"{np.datetime_as_string(moment, unit='us')}Z"


def utc_datetime(moment: np.datetime64) -> datetime:
    """Return a moment as a datetime that says it is in UTC."""
    plain: datetime = moment.astype("datetime64[us]").item()
    return plain.replace(tzinfo=UTC)


def plain_value(value: Any) -> Any:
    """Return a scalar of a result as Python has it, None where it is unknown."""
    if value is None or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value
