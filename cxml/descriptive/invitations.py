"""Who was asked, when, and what was answered: the rows that tell who answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cxml.config.labels import NpsLabel
from cxml.descriptive.facts import ANSWER_DAYS
from cxml.descriptive.features import customers_at
from cxml.descriptive.labels import nps_labels
from cxml.descriptive.sources import Tables, frame_of
from cxml.schema import columns as c
from cxml.schema.sql import literal

if TYPE_CHECKING:
    import pandas as pd

Known = Literal["invitations", "answers", "customers"]


@dataclass(frozen=True, eq=False)
class Asked:
    """Who was asked and what they answered.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, 3)
        ``customer_id``, ``as_of`` (naive UTC, when they were asked) and ``label`` (ordered NPS class, missing where
        nobody answered), by key.
    known : what is known of those who did not answer
        ``invitations``: each invitation, answered or not. ``answers``: nothing but the answers that came.
        ``customers``: of a snapshot, each customer once, who was asked is not told.
    """

    frame: pd.DataFrame = field(repr=False)
    known: Known


def asked(tables: Tables, label: NpsLabel) -> Asked:
    """Return who was asked the label's question, when, and with which answer.

    Invitations of the last 14 days are left out, answered or not: those may still be answered. Answers are those of
    `nps_labels`.

    Raises
    ------
    ConfigError, SchemaError
        As for `cxml.descriptive.labels.nps_labels`.
    """
    key = list(c.KEY)
    answers = nps_labels(tables, label)[[*key, c.LABEL]]
    if label.column is not None:
        everyone = customers_at(tables, tables.moment)
        return Asked(everyone.merge(answers, how="left", on=key), "customers")
    if c.SENT_TIME not in tables.kinds["surveys"]:
        return Asked(answers, "answers")
    sent = f"CASE WHEN {c.SCORE} IS NULL THEN {c.SENT_TIME} ELSE coalesce({c.SENT_TIME}, {c.RESPONSE_TIME}) END"
    invited = frame_of(tables, f"""
        SELECT DISTINCT {c.CUSTOMER_ID}, {c.AS_OF} FROM (
            SELECT {c.CUSTOMER_ID}, least({sent}, {c.RESPONSE_TIME}) AS {c.AS_OF} FROM surveys
            WHERE {c.INSTRUMENT} IN ({", ".join(map(literal, label.instrument))})
        )
        WHERE {c.AS_OF} < TIMESTAMP '{tables.moment}' - INTERVAL {ANSWER_DAYS} DAY ORDER BY 1, 2
    """)  # fmt: skip
    found = invited.merge(answers, how="left", on=key)
    return Asked(found, "invitations") if found[c.LABEL].isna().any() else Asked(answers, "answers")


def years_observed(tables: Tables) -> pd.DataFrame:
    """Return for how long invitations of each customer would have been seen, as ``customer_id`` and ``years``.

    From the customer's first fact, or the first invitation of anybody where that is later, until now; of those who are
    no customers any more, until their last fact. Who has no fact is not there.
    """
    now, customers = f"TIMESTAMP '{tables.moment}'", customers_at(tables, tables.moment)[c.CUSTOMER_ID]
    times = {
        "customers": [c.SINCE],
        "events": [c.EVENT_TIME],
        "contracts": [c.START_TIME, c.END_TIME],
        "surveys": [c.SENT_TIME, c.RESPONSE_TIME],
    }
    facts = " UNION ALL ".join(
        f"SELECT {c.CUSTOMER_ID}, least({column}, {now}) AS fact FROM {table} WHERE {column} IS NOT NULL"
        for table, columns in times.items()
        for column in columns
        if table in tables and column in tables.kinds[table]
    )
    found = frame_of(
        tables,
        f"SELECT {c.CUSTOMER_ID}, min(fact) AS began, max(fact) AS ended FROM ({facts}) GROUP BY 1 ORDER BY 1",
    )
    invited = frame_of(tables, f"SELECT min({c.SENT_TIME}) AS began FROM surveys")["began"][0]
    ended = found["ended"].mask(found[c.CUSTOMER_ID].isin(customers), tables.moment)
    years = (ended - found["began"].clip(lower=invited)).dt.total_seconds() / (365.25 * 86_400)
    return found[[c.CUSTOMER_ID]].assign(years=years.clip(lower=0.0))
