"""The indicators that a CX programme reports, each of answers and with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Final, Literal, get_args

from cxml.descriptive.intervals import Method, Sample, interval, sample_of
from cxml.errors import ConfigError, SchemaError, broken_by
from cxml.schema.columns import NPS_CLASSES
from cxml.schema.figures import FIGURES
from cxml.schema.tables import INSTRUMENT_SCALES

if TYPE_CHECKING:
    import pandas as pd

TOP: Final[Mapping[str, tuple[str, float | None]]] = {
    "csat": ("csat", 4),
    "ces": ("ces", None),
    "ces_easy": ("ces", 5),
    "stars": ("stars", None),
    "stars_top": ("stars", 4),
    "smiley": ("smiley", None),
    "smiley_top": ("smiley", 4),
}
"""The instrument of each figure of scores, and the lowest score that its share counts; None is the mean."""

_NpsMethod = Literal["adjusted_wald", "wald"]

NEUTRAL: Final = 0.05
"""A sentiment from -1 to 1 this near to 0 is neutral: Hutto and Gilbert, "VADER", ICWSM 2014."""


@dataclass(frozen=True)
class Indicator:
    """A figure with its 95% interval and the number of customers or answers behind it.

    An interval that cannot be known (of a single customer's answers) is NaN.
    """

    value: float
    low: float
    high: float
    n: int
    name: str = "nps"

    def __str__(self) -> str:
        value, low, high = (FIGURES[self.name].written(x) for x in (self.value, self.low, self.high))
        return f"{value} [{'unknown' if isnan(self.low) else f'{low}, {high}'}] (n = {self.n:,})"


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


def nps(
    n_detractors: int,
    n_passives: int,
    n_promoters: int,
    *,
    method: _NpsMethod = "adjusted_wald",
) -> Indicator:
    """Return the Net Promoter Score of counted answers of as many customers, in points from -100 to 100.

    Parameters
    ----------
    n_detractors, n_passives, n_promoters : answers of 0-6, 7-8 and 9-10
    method : of the interval
        ``wald``: with shares p of promoters and d of detractors, the variance of p - d is (p + d - (p - d)^2) / n.
        Below 100 answers it is too narrow. ``adjusted_wald`` is the same with 3/4 promoter, 3/4 detractor and 3/2
        passives added, and is not.

    Raises
    ------
    SchemaError
        If there is no answer, or a count is none.
    ConfigError
        If there is no such method.

    References
    ----------
    Rocks, "Interval estimation for the Net Promoter Score", The American Statistician 70(4), 2016.

    Examples
    --------
    >>> str(nps(20, 30, 50))
    '+30.0 [+14.1, +44.2] (n = 100)'
    """
    counts = {"n_detractors": n_detractors, "n_passives": n_passives, "n_promoters": n_promoters}
    if bad := [f"{name} is {count!r}" for name, count in counts.items() if not (count >= 0 and count % 1 == 0)]:
        raise SchemaError(f"nps needs counts of answers, whole numbers from 0 on; {bad[0]}.")
    if method not in get_args(_NpsMethod):
        raise ConfigError(f"method: must be one of {', '.join(get_args(_NpsMethod))}; it is {method!r}.")
    n, net = n_detractors + n_passives + n_promoters, n_promoters - n_detractors
    if n == 0:
        raise SchemaError("nps needs at least one answer; there is none.")
    return indicator("nps", Sample(n, n, net, n_promoters + n_detractors, net, n), method=method)


def csat(scores: pd.Series[float], customers: pd.Series[str] | None = None) -> Indicator:
    """Return the share of 4 and 5 among CSAT answers of 1-5 (top-2-box); see `ces` for the parameters.

    References
    ----------
    Morgan and Rego, "The value of different customer satisfaction and loyalty metrics in predicting business
    performance", Marketing Science 25(5), 2006.
    """
    return _of_scores("csat", scores, customers)


def ces(scores: pd.Series[float], customers: pd.Series[str] | None = None, *, share: bool = False) -> Indicator:
    """Return the Customer Effort Score of answers of 1-7 (7: the company made it easy): mean, or share of 5-7.

    Parameters
    ----------
    scores : Series of shape (n_answers,)
        A missing one is left out.
    customers : Series of shape (n_answers,), same index, optional
        Who gave each answer; an interval knows then that the answers of one customer resemble each other.
    share : return the share of those who agree at least somewhat, in place of the mean

    Raises
    ------
    SchemaError
        If there is no answer, one is off the scale or no number, or customers and answers do not go together.

    References
    ----------
    Dixon, Toman and DeLisi, "The Effortless Experience", 2013, for the question and the scale; Gartner, "What's your
    customer effort score?", for the share of 5 and above.
    """
    return _of_scores("ces_easy" if share else "ces", scores, customers)


def stars(scores: pd.Series[float], customers: pd.Series[str] | None = None, *, share: bool = False) -> Indicator:
    """Return the mean of 1-5 stars, or the share of 4 and 5; see `ces` for the parameters."""
    return _of_scores("stars_top" if share else "stars", scores, customers)


def smiley(scores: pd.Series[float], customers: pd.Series[str] | None = None, *, share: bool = False) -> Indicator:
    """Return the mean of five faces (5: the happiest), or the share of 4 and 5; see `ces` for the parameters."""
    return _of_scores("smiley_top" if share else "smiley", scores, customers)


def sentiment_shares(
    sentiments: pd.Series[float], customers: pd.Series[str] | None = None
) -> tuple[Indicator, Indicator, Indicator]:
    """Return the shares of negative, neutral and positive comments.

    Parameters
    ----------
    sentiments : Series of shape (n_comments,), from -1 to 1
        Above 0.05 is positive, below -0.05 negative. A missing one is left out.
    customers : as for `ces`

    Raises
    ------
    SchemaError
        If there is no sentiment, or one is off the scale.

    References
    ----------
    Hutto and Gilbert, "VADER: a parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014.
    """
    x, who = _on_scale("sentiment", sentiments, customers, -1, 1)
    shares = {"negative": x < -NEUTRAL, "neutral": x.abs() <= NEUTRAL, "positive": x > NEUTRAL}
    negative, neutral, positive = (
        indicator(f"comments_{name}", sample_of(those, who)) for name, those in shares.items()
    )
    return negative, neutral, positive


def method_of(name: str) -> Method:
    """Return how the interval of a figure is made, which follows from its unit."""
    unit = FIGURES[name].unit
    return "adjusted_wald" if unit == "points" else "agresti_coull" if unit == "share" else "t"


def indicator(name: str, sample: Sample, *, method: Method | None = None) -> Indicator:
    """Return a figure of a sample: its mean (times 100 for NPS), its interval cut at the ends of the scale."""
    figure, low, high = FIGURES[name], *interval(sample, method or method_of(name))
    times = 100 if figure.unit == "points" else 1
    low, high = (x if isnan(x) else min(max(times * x, figure.low), figure.high) for x in (low, high))
    return Indicator(times * sample.mean, low, high, sample.n, name)


def _of_scores(name: str, scores: pd.Series[float], customers: pd.Series[str] | None) -> Indicator:
    instrument, top = TOP[name]
    x, who = _on_scale(f"{instrument} score", scores, customers, *INSTRUMENT_SCALES[instrument])
    return indicator(name, sample_of(x if top is None else x >= top, who))


def _on_scale(
    what: str, values: pd.Series[float], customers: pd.Series[str] | None, low: float, high: float
) -> tuple[pd.Series[float], pd.Series[str] | None]:
    """Return the known values and who gave each, or raise where there is none or one is off its scale."""
    import pandas as pd

    values, who = pd.Series(values), None if customers is None else pd.Series(customers)
    given = values[values.notna()]
    known = pd.to_numeric(given, errors="coerce")
    if known.empty:
        raise SchemaError(f"{what}: needs at least one answer; there is none.")
    bad = given[~known.between(low, high)]
    if not bad.empty:
        raise SchemaError(
            f"{what} must be from {low} to {high}; {broken_by(len(bad), len(values))} "
            f"(first: row {bad.index.tolist()[0]!r} has {bad.tolist()[0]!r}). Map other scales to it first."
        )
    if who is None:
        return known, None
    if not who.index.equals(values.index):
        raise SchemaError(f"customers: must have the index of the {what}s, row by row; it has another. Align them.")
    who = who[values.notna()]
    if unknown := int(who.isna().sum()):
        raise SchemaError(f"customers: must not be missing where there is a {what}; {broken_by(unknown, len(who))}.")
    return known, who
