"""The texts that were known of a customer at a moment, for whoever looks for what they should not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxml.descriptive.sources import Tables, frame_of
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd


def text_columns(tables: Tables) -> tuple[str, ...]:
    """Return the names of the columns that `texts_at` gives."""
    return (f"surveys.{c.COMMENT}",) if c.COMMENT in tables.kinds.get("surveys", {}) else ()


def texts_at(tables: Tables, moments: pd.DataFrame) -> pd.DataFrame:
    """Return the comments of each customer that were known strictly before a moment, the latest first.

    Parameters
    ----------
    tables : Tables
    moments : DataFrame with ``customer_id`` and ``as_of`` (naive UTC)

    Returns
    -------
    DataFrame of shape (n_moments, n_tables), same index
        A column ``<table>.comment`` for `surveys` where it has comments; missing where none was known.
    """
    import pandas as pd

    found = pd.DataFrame(index=moments.index)
    if not (columns := text_columns(tables)):
        return found
    known = f"AND coalesce({c.KNOWN_TIME}, {c.RESPONSE_TIME}) < m.{c.AS_OF}"
    if c.KNOWN_TIME not in tables.kinds["surveys"]:
        known = ""
    keys = moments[list(c.KEY)].reset_index(drop=True).assign(place=range(len(moments)))
    tables.con.register("text_moments", keys)
    try:
        texts = frame_of(tables, f"""
            SELECT m.place, string_agg(s.{c.COMMENT}, ' ' ORDER BY s.{c.RESPONSE_TIME} DESC, s.{c.COMMENT}) AS text
            FROM text_moments m JOIN surveys s
                ON s.{c.CUSTOMER_ID} = m.{c.CUSTOMER_ID} AND s.{c.RESPONSE_TIME} < m.{c.AS_OF} {known}
            WHERE s.{c.COMMENT} IS NOT NULL
            GROUP BY m.place
        """)  # fmt: skip
    finally:
        tables.con.unregister("text_moments")
    of_place = texts.set_index("place")["text"].reindex(range(len(moments)))
    return found.assign(**dict.fromkeys(columns, of_place.to_numpy(object)))
