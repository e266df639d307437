"""A company's tables as every job sees them: those of the config, and what the ledger gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.descriptive import sources
from cxml.descriptive.sources import Tables
from cxml.pipeline.ledger import logged

if TYPE_CHECKING:
    import pandas as pd


def read_tables(config: CompanyConfig, frames: Mapping[str, pd.DataFrame] | None = None) -> Tables:
    """Return a company's tables, checked, with the ledger's `actions` and `outcomes` where the config names a ledger.

    As `cxml.descriptive.sources.read_tables`; raises `SinkError`, too, if the ledger cannot be read.
    """
    return sources.read_tables(config, frames, logged(config))


def inspected_tables(config: CompanyConfig, frames: Mapping[str, pd.DataFrame] | None = None) -> Tables:
    """Return a company's tables with every fault, as `read_tables`, without raising `SchemaError`."""
    return sources.inspected_tables(config, frames, logged(config))
