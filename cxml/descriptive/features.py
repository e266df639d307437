"""The FEATURES frame: everything known about each customer strictly before a moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cxml.config.features import Feature
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.cells import SPINE
from cxml.descriptive.places import Places
from cxml.descriptive.plan import Plan
from cxml.descriptive.queries import plan_queries
from cxml.descriptive.shared import shared_statements
from cxml.descriptive.sources import Tables, frame_of
from cxml.descriptive.store import n_workers, within_memory
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import FEATURES
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Each batch is one query on one thread, so that sums of floats keep their order: the bytes do not depend on how many
# threads there are. Few enough moments that their aggregates fit into memory, enough to pay for a query.
_BATCH_ROWS: Final = (4_096, 65_536)
_BATCHES: Final = 8


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
    import pyarrow as pa

    plan = feature_plan(features, tables.kinds)
    return checked_frame(_frame(pa.concat_tables(feature_batches(tables, plan, moments)), plan), FEATURES)


def feature_batches(tables: Tables, plan: Plan, moments: pd.DataFrame) -> Iterator[pa.Table]:
    """Give the features of customers at moments batch by batch, by key, each as an Arrow table.

    Only a few batches are in memory at any time.
    """
    con, shared = tables.con, shared_statements(plan)
    con.register("moments_in", moments[list(c.KEY)])
    con.execute(f"CREATE OR REPLACE TABLE all_moments AS SELECT * FROM moments_in ORDER BY {', '.join(c.KEY)}")
    con.unregister("moments_in")
    for name, query in shared.items():
        con.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS {query}")
    least, most = _BATCH_ROWS
    size = min(max(-(-len(moments) // _BATCHES), least), most)
    begins, workers = range(0, max(len(moments), 1), size), n_workers()
    places = {name: Places.of(con, name) for name in _by_customer(plan)} if len(begins) > 1 else {}

    def batch(begin: int) -> Any:
        with within_memory(), con.cursor() as cursor:
            cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {SPINE} AS SELECT * FROM all_moments "
                f"WHERE rowid >= {begin} AND rowid < {begin + size} ORDER BY rowid"
            )
            ends = cursor.execute(f"SELECT min({c.CUSTOMER_ID}), max({c.CUSTOMER_ID}) FROM {SPINE}").fetchall()
            first, last = ends[0]
            rows = {name: place.rows(first, last) for name, place in places.items()}
            found = cursor.sql(plan_queries(plan, rows).query).to_arrow_table()
            cursor.execute(f"DROP TABLE {SPINE}")
            return found

    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(batch, begin) for begin in begins[:workers]]
        for i in range(len(begins)):
            yield waiting[i].result()
            if i + workers < len(begins):
                waiting.append(pool.submit(batch, begins[i + workers]))
            waiting[i] = None  # type: ignore[call-overload]
    for name in (*shared, "all_moments"):
        con.execute(f"DROP TABLE {quoted(name)}")


def _by_customer(plan: Plan) -> set[str]:
    """Return the tables, in the order of customers, that the query of a batch reads."""
    return {"customers", *(cell.table for cell in plan.cells)}


def _frame(table: pa.Table, plan: Plan) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas()
    frame[c.AS_OF] = frame[c.AS_OF].astype("datetime64[us]").dt.tz_localize("UTC")
    for feature in plan.features:
        if feature.kind == "category":
            names = frame[feature.name].astype(object)
            frame[feature.name] = names.where(names.notna(), None).astype("str" if pd.__version__ >= "3" else object)
    return frame


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
