"""Small companies for the tests of the descriptive layer: rows as they are written down, checked tables out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.config.load import parse_config
from cxml.descriptive.defaults import features_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.queries import feature_sql
from cxml.descriptive.sources import Tables, read_tables

Rows = list[dict[str, Any]]
CUSTOMERS: Rows = [{"customer_id": "ada", "region": "north"}, {"customer_id": "bob", "region": "south"}]


@dataclass(frozen=True)
class Company:
    """A config, and its tables as they were read."""

    config: CompanyConfig
    tables: Tables

    def features(self, until: str | None = None) -> dict[str, Feature]:
        """Return the features by name."""
        moment = None if until is None else datetime.fromisoformat(until)
        return {feature.name: feature for feature in features_of(self.config, self.tables, until=moment)}

    def frame(self, features: list[Feature], moments: list[tuple[str, str]]) -> pd.DataFrame:
        """Return the FEATURES frame of (customer, as_of) pairs."""
        spine = pd.DataFrame(moments, columns=["customer_id", "as_of"])
        return feature_frame(self.tables, features, spine.assign(as_of=pd.to_datetime(spine["as_of"])))


@pytest.fixture
def company() -> Callable[..., Company]:
    """Return what reads rows into a company, in UTC; where no customers are given there are Ada and Bob."""

    def read(
        *,
        as_of: str | None = None,
        labels: Mapping[str, Any] | None = None,
        features: Mapping[str, Any] | None = None,
        **rows: Rows,
    ) -> Company:
        config = parse_config(
            {
                "company": "sample",
                "timezone": "UTC",
                "as_of": as_of,
                "tables": {"customers": {}},
                "labels": labels or {"nps": {}},
                "features": features or {},
            }
        )
        frames = {name: pd.DataFrame(table) for name, table in ({"customers": CUSTOMERS} | rows).items()}
        return Company(config, read_tables(config, frames))

    return read


@pytest.fixture
def value(company: Callable[..., Company]) -> Callable[..., Any]:
    """Return what computes one feature of one customer (Ada, where no other is named) at one moment."""

    def compute(feature: Feature, as_of: str, *, customer: str = "ada", **rows: Rows) -> Any:
        tables = company(**rows).tables
        spine = f"SELECT '{customer}' AS customer_id, TIMESTAMP '{as_of}' AS as_of"
        tables.con.execute(f"CREATE TEMP TABLE spine AS {spine}")
        (row,) = tables.con.execute(feature_sql([feature], tables.kinds)).fetchall()
        return row[-1]

    return compute
