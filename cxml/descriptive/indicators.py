"""The indicators that a CX programme reports, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from cxml.errors import SchemaError, broken_by
from cxml.schema.columns import NPS_CLASSES

if TYPE_CHECKING:
    import pandas as pd

Z_95 = 1.959963984540054  # the 97.5% quantile of the normal distribution


@dataclass(frozen=True)
class Indicator:
    """A figure with its 95% interval and the number of customers or answers behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:+.1f} [{self.low:+.1f}, {self.high:+.1f}] (n = {self.n:,})"


def nps_class(scores: pd.Series[float]) -> pd.Series[str]:
    """Turn likelihood-to-recommend answers into ordered NPS classes.

    Parameters
    ----------
    scores : Series of shape (n_answers,), whole points on 0-10
        A missing answer stays missing.

    Returns
    -------
    Series of shape (n_answers,), ordered categorical, same index
        ``detractor`` (0-6) < ``passive`` (7-8) < ``promoter`` (9-10).

    Raises
    ------
    SchemaError
        If an answer is not a whole number from 0 to 10.

    References
    ----------
    Reichheld, "The One Number You Need to Grow", Harvard Business Review, 2003.

    Examples
    --------
    >>> import pandas as pd
    >>> nps_class(pd.Series([6, 7, 10])).tolist()
    ['detractor', 'passive', 'promoter']
    """
    import pandas as pd

    bad = scores[scores.notna() & ~scores.isin(range(11))]
    if not bad.empty:
        raise SchemaError(
            f"nps score must be a whole number from 0 to 10; {broken_by(len(bad), len(scores))} "
            f"(first: row {bad.index.tolist()[0]!r} has {bad.tolist()[0]!r}). "
            f"Map other scales in the survey table's `scale:`."
        )
    return pd.cut(scores, [-1, 6, 8, 10], labels=list(NPS_CLASSES))


def nps(n_detractors: int, n_passives: int, n_promoters: int) -> Indicator:
    """Return the Net Promoter Score of counted answers, in points from -100 to 100.

    The interval is Wald's: with shares p of promoters and d of detractors, the variance of p - d is
    (p + d - (p - d)^2) / n.

    Raises
    ------
    SchemaError
        If there is no answer.

    References
    ----------
    Rocks, "Interval estimation for the Net Promoter Score", The American Statistician 70(4), 2016.

    Examples
    --------
    >>> str(nps(20, 30, 50))
    '+30.0 [+14.7, +45.3] (n = 100)'
    """
    n = n_detractors + n_passives + n_promoters
    if n == 0:
        raise SchemaError("nps needs at least one answer; there is none.")
    p, d = n_promoters / n, n_detractors / n
    half = Z_95 * sqrt((p + d - (p - d) ** 2) / n)
    return Indicator(100 * (p - d), 100 * max(p - d - half, -1.0), 100 * min(p - d + half, 1.0), n)
