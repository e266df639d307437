"""Small companies for the tests of the descriptive layer: rows as they are written down, checked tables out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.config.load import parse_config
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.defaults import features_of
from cxml.descriptive.export import histories
from cxml.descriptive.features import feature_frame
from cxml.descriptive.queries import feature_sql
from cxml.descriptive.sources import Tables, inspected_tables, read_tables

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
    """Return what computes one feature of one customer (Ada, where no other is named) at one moment.

    The SQL and the online twin must say the same. Features that it is made of come as ``others``.
    """

    def compute(
        feature: Feature, as_of: str, *, customer: str = "ada", others: Sequence[Feature] = (), **rows: Rows
    ) -> Any:
        tables = company(**rows).tables
        spine = f"SELECT '{customer}' AS customer_id, TIMESTAMP '{as_of}' AS as_of"
        tables.con.execute(f"CREATE TEMP TABLE spine AS {spine}")
        features = [*others, feature]
        (row,) = tables.con.execute(feature_sql(features, tables.kinds)).fetchall()
        (twin,) = histories(tables, feature_plan(features, tables.kinds), [customer]).values()
        online = twin.features(as_of)[feature.name]
        assert online == (row[-1] if isinstance(row[-1], str | None) else pytest.approx(row[-1], rel=1e-9, abs=1e-9))
        return row[-1]

    return compute


class Reading:
    """A company of one or more tables, read from what a test says of them."""

    @staticmethod
    def config(customers: Mapping[str, Any], keys: Mapping[str, Any] | None = None, **tables: Any) -> CompanyConfig:
        """Return a config of these tables, times in UTC."""
        tables = {"customers": customers, **tables}
        return parse_config(
            {"company": "acme", "timezone": "UTC", "labels": {"renewal": {}}, "tables": tables} | (keys or {})
        )

    def tables(self, customers: Mapping[str, Any] | None = None, frames: Any = None, **tables: Any) -> Tables:
        """Return the tables, which have no fault."""
        return read_tables(self.config(customers or {}, **tables), frames)

    def rows(self, *args: Any, table: str = "customers", columns: str = "*", **tables: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one table."""
        return self.tables(*args, **tables).con.execute(f"SELECT {columns} FROM {table}").fetchall()

    def inspected(self, customers: Mapping[str, Any] | None = None, frames: Any = None, **tables: Any) -> Tables:
        """Return the tables with their faults."""
        return inspected_tables(self.config(customers or {}, **tables), frames)

    def faults(self, *args: Any, **tables: Any) -> list[str]:
        """Return the faults of the tables."""
        return list(self.inspected(*args, **tables).faults)

    def warnings(self, *args: Any, **tables: Any) -> list[str]:
        """Return what was left out of the tables, or needs a look."""
        return list(self.tables(*args, **tables).warnings)


@pytest.fixture
def reading() -> Reading:
    """Return what reads tables from the keys of their config."""
    return Reading()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    """Return the path of a new file with this content."""

    def of(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return of
