"""SQL and the online twin on real purchases: customers at random moments, features of every kind."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.features import Aggregate, Promise, Segment, Share
from cxml.config.load import parse_config
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.defaults import features_of
from cxml.descriptive.export import histories
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables


def retail_tables(path):
    """Return the purchase lines of customers whose country is their segment; cancellations are a type of their own."""
    lines = pd.read_parquet(path).dropna(subset=["CustomerID"])
    ids = lines["CustomerID"].astype(float).astype(int).astype(str)
    cancelled = lines["InvoiceNo"].astype(str).str.startswith("C")
    events = pd.DataFrame(
        {
            "customer_id": ids,
            "event_time": pd.to_datetime(lines["InvoiceDate"]),
            "event_type": np.where(cancelled, "cancellation", "purchase"),
            "value": lines["Quantity"].astype(float) * lines["UnitPrice"].astype(float),
            "quantity": lines["Quantity"].astype(float),
            "product": lines["StockCode"].astype(str),
        }
    )
    customers = lines.assign(customer_id=ids).groupby("customer_id", as_index=False)["Country"].last()
    config = parse_config(
        {
            "company": "retail",
            "timezone": "UTC",
            "tables": {"customers": {}, "events": {"categories": ["product"]}},
            "labels": {"renewal": {"column": "gone", "lost": "yes"}},
        }
    )
    return config, read_tables(
        config, {"customers": customers.rename(columns={"Country": "segment"}), "events": events}
    )


OWN = (
    Aggregate(name="value_std", table="events", aggregate="std", column="value"),
    Aggregate(name="value_min", table="events", aggregate="min", column="value", window_days=90),
    Aggregate(name="lately", table="events", aggregate="decay", column="value", half_life_days=30, window_days=180),
    Aggregate(name="product_entropy", table="events", aggregate="entropy", column="product"),
    Aggregate(name="price", table="events", aggregate="mean", column="value / quantity", where="quantity > 0"),
    Share(name="cancelled", table="events", of="event_type = 'cancellation'", window_days=180),
    Promise(name="small", table="events", column="value", promise="quantity", window_days=180),
    Aggregate(name="spent_90d", table="events", aggregate="sum", column="value", window_days=90),
    Segment(name="country_spent_90d", of="spent_90d"),
    Aggregate(name="line_mean_90d", table="events", aggregate="mean", column="value", window_days=90),
    Segment(name="country_line_mean_90d", of="line_mean_90d"),
)


def test_sql_and_the_online_twin_agree_on_real_purchases(real_data):
    config, tables = retail_tables(real_data("online_retail.parquet"))
    features = (*features_of(config, tables, until=None), *OWN)
    random = np.random.default_rng(0)
    ids = [name for (name,) in tables.con.execute("SELECT customer_id FROM customers ORDER BY 1").fetchall()]
    moments = pd.Timestamp("2011-01-01") + pd.to_timedelta(random.integers(0, 350 * 86_400, 600), unit="s")
    asked = pd.DataFrame({"customer_id": np.repeat(random.choice(ids, 300, replace=False), 2), "as_of": moments})
    found = feature_frame(tables, features, asked)
    twins = histories(tables, feature_plan(features, tables.kinds), asked["customer_id"])
    online = pd.DataFrame(
        [twins[customer].row(as_of) for customer, as_of in zip(found["customer_id"], found["as_of"], strict=True)]
    )
    assert len(features) > 40
    assert found.drop(columns=["customer_id", "as_of"]).notna().any().all()
    for feature in features:
        expected, got = found[feature.name], online[feature.name]
        if expected.dtype == float:
            np.testing.assert_allclose(got.astype(float), expected, rtol=1e-9, atol=1e-9, err_msg=feature.name)
        else:
            assert got.where(got.notna(), None).tolist() == expected.where(expected.notna(), None).tolist()


def test_a_real_history_is_the_same_however_it_came(real_data):
    _, tables = retail_tables(real_data("online_retail.parquet"))
    plan = feature_plan(OWN[:7], tables.kinds)
    (customer, _), *_ = tables.con.execute(
        "SELECT customer_id, count(*) FROM events GROUP BY 1 HAVING count(*) BETWEEN 300 AND 400 ORDER BY 1"
    ).fetchall()
    (at_once,) = histories(tables, plan, [customer]).values()
    columns = list(tables.kinds["events"])
    rows = tables.con.execute(
        f"SELECT {', '.join(columns)} FROM events WHERE customer_id = ? ORDER BY rowid", [customer]
    )
    events = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
    one_by_one = type(at_once)(plan, {"customer_id": customer, "segment": None})
    late = events[::7]  # these come after the others
    for event in [row for i, row in enumerate(events) if i % 7] + late:
        one_by_one.add(event)
    for as_of in ("2011-03-01", "2011-09-10", "2011-12-31"):
        found, expected = (
            {name: np.nan if x is None else x for name, x in twin.features(as_of).items()}
            for twin in (one_by_one, at_once)
        )
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
