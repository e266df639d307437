"""What customers answered after moments of their own, such as those of an action: points of the NPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxml.config.labels import NpsLabel
from cxml.descriptive.labels import answer_classes, answers_sql, nps_labels
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd


def answers_after(tables: Tables, label: NpsLabel, at: pd.DataFrame, *, days: int) -> pd.DataFrame:
    """Return each customer's first answer after a moment in points: 100 a promoter, 0 a passive, -100 a detractor.

    An answer counts that was given at or after the moment and within ``days``; it is known when they are over, so that
    everybody was waited for equally long. A row of whom the days are not over yet is none; nor one without an answer.

    Parameters
    ----------
    tables : Tables
    label : NpsLabel
        Of answers to surveys; an answer in a column of `customers` has no time, and counts of every moment.
    at : DataFrame with ``customer_id`` and ``as_of`` (naive UTC)
    days : after the moment

    Returns
    -------
    DataFrame of shape (n_answers, 4)
        ``customer_id``, ``as_of`` and ``known_time`` (naive UTC) and ``label`` (points, -100 to 100), by key.

    Raises
    ------
    ConfigError
        If the table or the column is not there.
    """
    if label.column is not None:
        labels = nps_labels(tables, label).drop(columns=[c.AS_OF, c.SCORE])
        found = at[list(c.KEY)].merge(labels, on=c.CUSTOMER_ID).sort_values(list(c.KEY), ignore_index=True)
        return found.assign(**{c.LABEL: 100.0 * (found[c.LABEL].cat.codes - 1.0)})
    if "surveys" not in tables:
        raise ConfigError("labels.nps: needs the table `surveys`, or `column:` for a company that is one snapshot.")
    known = c.KNOWN_TIME if c.KNOWN_TIME in tables.kinds["surveys"] else c.RESPONSE_TIME
    end = f"a.{c.AS_OF} + INTERVAL {days} DAY"
    tables.con.register("asked_in", at[list(c.KEY)])
    found = frame_of(tables, f"""
        SELECT a.{c.CUSTOMER_ID}, a.{c.AS_OF}, {end} AS {c.KNOWN_TIME},
               arg_min(s.{c.SCORE}, (s.{c.RESPONSE_TIME}, s.{c.SCORE}, s.{c.INSTRUMENT})) AS {c.SCORE},
               arg_min(s.{c.INSTRUMENT}, (s.{c.RESPONSE_TIME}, s.{c.SCORE}, s.{c.INSTRUMENT})) AS {c.INSTRUMENT}
        FROM (SELECT DISTINCT {c.CUSTOMER_ID}, {c.AS_OF} FROM asked_in) a
        JOIN (SELECT * FROM surveys WHERE {answers_sql(label)}) s ON s.{c.CUSTOMER_ID} = a.{c.CUSTOMER_ID}
            AND s.{c.RESPONSE_TIME} >= a.{c.AS_OF} AND greatest(s.{c.RESPONSE_TIME}, s.{known}) < {end}
        WHERE {end} <= TIMESTAMP '{tables.moment}'
        GROUP BY 1, 2, 3 ORDER BY 1, 2
    """)  # fmt: skip
    tables.con.unregister("asked_in")
    points = 100.0 * (answer_classes(found[c.SCORE], found[c.INSTRUMENT], label).cat.codes - 1.0)
    return found[[*c.KEY, c.KNOWN_TIME]].assign(**{c.LABEL: points.astype("float64")})
