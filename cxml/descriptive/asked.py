"""Which moments a label is asked about: the same of everybody, or a customer's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cxml.descriptive.sources import Tables
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_ASKED: Final = "asked_moments"
_WHOSE: Final = "whose"


@dataclass(frozen=True)
class Asked:
    """The query of the moments, with ``as_of``, and the SQL condition that a row joined to it is of that customer.

    ``customer`` is the column that tells the customer of a moment, of whom there may be no such row.
    """

    query: str
    whose: str
    customer: str


def asked(tables: Tables, regular: str, at: pd.DataFrame | None) -> Asked:
    """Return the moments that a label is asked about.

    Parameters
    ----------
    tables : Tables
    regular : the query of the moments that are the same of everybody
    at : DataFrame with ``customer_id`` and ``as_of`` (naive UTC)
        In place of them, customers with moments of their own.
    """
    if at is None:
        return Asked(regular, "TRUE", c.CUSTOMER_ID)
    con = tables.con
    con.register("asked_in", at[list(c.KEY)])
    con.execute(
        f"CREATE OR REPLACE TABLE {_ASKED} AS SELECT DISTINCT {c.CUSTOMER_ID} AS {_WHOSE}, {c.AS_OF} FROM asked_in"
    )
    con.unregister("asked_in")
    return Asked(f"SELECT * FROM {_ASKED}", f"{_WHOSE} = {c.CUSTOMER_ID}", _WHOSE)


def values_of(moments: Sequence[datetime]) -> str:
    """Return the query of some moments."""
    listed = ", ".join(f"(TIMESTAMP '{moment}')" for moment in moments) or "(NULL)"
    return f"SELECT * FROM (VALUES {listed}) AS moments ({c.AS_OF})"
