"""What changed between two periods, for every indicator and group, and whether chance alone can explain it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from cxml.descriptive.breakdown import ALL, SUMS, facts_for, in_order
from cxml.descriptive.facts import Facts, answers_sql, groups_of
from cxml.descriptive.indicators import method_of
from cxml.descriptive.intervals import Overlap, Sample, difference
from cxml.descriptive.periods import MONTH, Period, period_of
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.figures import FIGURES
from cxml.schema.frames import COMPARISONS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


def compared(tables: Tables, before: str, after: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return how much each indicator changed between two periods, for everyone and by group.

    Customers with answers in both periods are compared with themselves. The p-values are also given as Holm adjusts
    them for the rows of one grouping (everyone; all segments; ...): whatever these have to do with each other, the
    chance that any of them with ``p_holm`` below 0.05 has not changed is at most 5%.

    Parameters
    ----------
    tables : Tables
    before, after : periods that do not overlap, such as ``2024-01:2024-03`` and ``2024-04:2024-06``
    by : columns to group by, as for `indicators`, but for ``month``

    Returns
    -------
    DataFrame, a COMPARISONS frame
        One row per ``indicator``, ``by`` and ``group`` with answers in both periods: answers (``n_before``,
        ``n_after``), values, ``difference`` (after - before) with its 95% interval from ``low`` to ``high``,
        ``p_value`` and ``p_holm``; the last four are missing where a period has the answers of one customer alone.

    Raises
    ------
    ConfigError
        If the periods overlap, nothing can be compared, or a column to group by is not there.
    SchemaError
        If a sentiment is not from -1 to 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979.
    """
    import pandas as pd

    first, second = period_of(before), period_of(after)
    if first.overlaps(second):
        raise ConfigError(f"compare: the two periods must not overlap; {before!r} and {after!r} do.")
    if MONTH in by:
        raise ConfigError(f"compare: {MONTH!r} is no group to compare; the two periods say when.")
    rows = [
        _row(fact.name, column, *found)
        for fact in facts_for(tables, by)
        for column in (None, *groups_of(tables, fact, by))
        for found in _pairs(tables, fact, column, first, second)
    ]
    if not rows:
        raise ConfigError(f"compare: no indicator has answers in both {before} and {after}. Name other periods.")
    columns = [column.name for column in COMPARISONS.columns if column.name != c.P_HOLM]
    frame = pd.DataFrame(in_order(rows), columns=columns)
    frame[c.P_HOLM] = frame.groupby(c.BY)[c.P_VALUE].transform(holm)
    return checked_frame(frame, COMPARISONS)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number after Holm; unknown ones (NaN) stay so and do not count.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[: int((~np.isnan(p)).sum())]  # NaN comes last
    adjusted = np.full(len(p), nan)
    raised = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted


def _pairs(tables: Tables, fact: Facts, by: str | None, first: Period, second: Period) -> list[tuple[Any, ...]]:
    """Return, for each group, the sums of both periods' samples and of what they share."""
    of = {i: f"FILTER ({period.within('time')})" for i, period in ((1, first), (2, second))}
    found: list[tuple[Any, ...]] = tables.con.execute(f"""
        SELECT grp, {SUMS.format(m="m1", s="s1")}, {SUMS.format(m="m2", s="s2")},
               sum(s1 * s2), sum(s1 * m2), sum(m1 * s2), sum(m1 * m2)
        FROM (SELECT grp, CAST(nullif(count(*) {of[1]}, 0) AS DOUBLE) AS m1, sum(x) {of[1]} AS s1,
                     CAST(nullif(count(*) {of[2]}, 0) AS DOUBLE) AS m2, sum(x) {of[2]} AS s2
              FROM ({answers_sql(tables, fact, by)}) GROUP BY {c.CUSTOMER_ID}, grp)
        GROUP BY grp HAVING count(m1) > 0 AND count(m2) > 0 ORDER BY grp NULLS LAST
    """).fetchall()  # fmt: skip
    return found


def _row(name: str, by: str | None, group: str | None, *sums: Any) -> tuple[Any, ...]:
    figure, method = FIGURES[name], method_of(name)
    before, after = (Sample(int(n), int(n_customers), *rest) for n, n_customers, *rest in (sums[:6], sums[6:12]))
    found = difference(before, after, Overlap(*(shared or 0.0 for shared in sums[12:])), method)
    times = 100 if figure.unit == "points" else 1
    widest = figure.high - figure.low
    low, high = (x if isnan(x) else min(max(times * x, -widest), widest) for x in (found.low, found.high))
    return (
        name, by or ALL, group, figure.unit, before.n, after.n, times * before.mean, times * after.mean,
        times * found.value, low, high, found.p_value,
    )  # fmt: skip
