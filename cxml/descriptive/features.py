"""The FEATURES frame: everything known about each customer strictly before a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cxml.config.features import Feature
from cxml.descriptive.algebra import SPINE, feature_kind, feature_sql
from cxml.descriptive.sources import Tables, frame_of
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import FEATURES

if TYPE_CHECKING:
    import pandas as pd


def feature_frame(tables: Tables, features: Sequence[Feature], moments: pd.DataFrame) -> pd.DataFrame:
    """Compute features for customers at moments.

    Parameters
    ----------
    tables : Tables
    features : the features, in the order of the columns
    moments : DataFrame with ``customer_id`` and ``as_of`` (naive UTC), no row twice

    Returns
    -------
    DataFrame of shape (n_moments, 2 + n_features), a FEATURES frame
        Key first (``as_of`` in UTC), then one column per feature, numbers as float64 and names as text; by key.

    Raises
    ------
    ConfigError
        If a feature does not fit the tables.
    """
    import pandas as pd

    query = feature_sql(features, tables.kinds)
    tables.con.register("moments_in", moments[list(c.KEY)])
    tables.con.execute(f"CREATE OR REPLACE TEMP TABLE {SPINE} AS SELECT * FROM moments_in")
    tables.con.unregister("moments_in")
    frame = frame_of(tables, query)
    frame[c.AS_OF] = frame[c.AS_OF].astype("datetime64[us]").dt.tz_localize("UTC")
    for feature in features:
        if feature_kind(feature, tables.kinds) == "category":
            names = frame[feature.name].astype(object)
            frame[feature.name] = names.where(names.notna(), None).astype("str" if pd.__version__ >= "3" else object)
    return checked_frame(frame, FEATURES)


def customers_at(tables: Tables, as_of: datetime) -> pd.DataFrame:
    """Return everyone who is a customer at a moment, by id, as ``customer_id`` and ``as_of`` (naive UTC).

    Someone who comes later, or whose contracts have all ended, is not; someone who never had a contract is.
    """
    moment = f"TIMESTAMP '{as_of}'"
    conditions = ["TRUE", _known("customers", tables, moment)]
    if c.SINCE in tables.kinds["customers"]:
        conditions.append(f"({c.SINCE} IS NULL OR {c.SINCE} < {moment})")
    if "contracts" in tables:
        begun = f"{c.START_TIME} < {moment} AND {_known('contracts', tables, moment)}"
        of_customer = f"FROM contracts WHERE contracts.{c.CUSTOMER_ID} = customers.{c.CUSTOMER_ID} AND {begun}"
        in_force = f"EXISTS (SELECT 1 {of_customer} AND {c.END_TIME} >= {moment})"
        conditions.append(f"({in_force} OR NOT EXISTS (SELECT 1 {of_customer}))")
    query = f"SELECT {c.CUSTOMER_ID}, {moment} AS {c.AS_OF} FROM customers WHERE {' AND '.join(conditions)} ORDER BY 1"
    return frame_of(tables, query)


def _known(table: str, tables: Tables, moment: str) -> str:
    known = f"{table}.{c.KNOWN_TIME}"
    return f"({known} IS NULL OR {known} < {moment})" if c.KNOWN_TIME in tables.kinds[table] else "TRUE"
