"""The summary of a scored company that a manager can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.report.limits_text import limits_lines
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated
from cxml.schema.figures import Z_95

if TYPE_CHECKING:
    import pandas as pd

_PREDICTED: Final = (
    "The mean of the predictions, which learn from those who answered; the interval is of chance alone.",
    "`cxml nps` tells the NPS of all customers corrected for silence, with an interval that knows of that.",
)


@dataclass(frozen=True)
class NpsFigure:
    """An NPS in points, from -100 to 100, with its 95% interval, and what it was computed from."""

    of: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.1f} [{self.low:+.1f}, {self.high:+.1f}]  {self.of}"


def customers(n: int) -> str:
    """Return a number of customers in words, such as ``1 customer`` or ``1,200 customers``."""
    return f"{n:,} customer{'' if n == 1 else 's'}"


def predicted_nps(predictions: pd.DataFrame) -> NpsFigure | None:
    """Return the NPS that the predicted probabilities imply for all customers; None without an NPS model.

    The interval is that of the answers the customers would give if the probabilities were right: it holds chance, not
    an error of the model.
    """
    known = predictions[predictions[c.P_DETRACTOR].notna()]
    if known.empty:
        return None
    p, d = known[c.P_PROMOTER].to_numpy(), known[c.P_DETRACTOR].to_numpy()
    half = Z_95 * sqrt(float((p + d - (p - d) ** 2).sum())) / len(known)
    mean = float((p - d).mean())
    return NpsFigure(
        f"{'' if len(known) == 1 else 'all '}{customers(len(known))}, predicted",
        100 * mean,
        100 * max(mean - half, -1.0),
        100 * min(mean + half, 1.0),
    )


@dataclass(frozen=True)
class Losses:
    """How many customers are expected to be lost, of how many at risk, with a 95% interval of chance alone."""

    expected: float
    low: float
    high: float
    n_at_risk: int
    n_likely: int

    def __str__(self) -> str:
        share = f"{self.expected / self.n_at_risk:.1%}"
        return (
            f"{self.expected:,.0f} [{self.low:,.0f}, {self.high:,.0f}] of {customers(self.n_at_risk)} at risk "
            f"{'is' if self.n_at_risk == 1 else 'are'} expected to be lost ({share})"
        )


def expected_losses(predictions: pd.DataFrame) -> Losses | None:
    """Return the losses that the renewal risks of a PREDICTIONS frame add up to; None where nobody is at risk."""
    risk = predictions[c.RENEWAL_RISK].dropna().to_numpy(dtype=np.float64)
    if not len(risk):
        return None
    lost, half = float(risk.sum()), Z_95 * sqrt(float((risk * (1 - risk)).sum()))
    low, high = max(lost - half, 0.0), min(lost + half, float(len(risk)))
    return Losses(lost, low, high, len(risk), int((risk > 0.5).sum()))


@dataclass(frozen=True)
class ValueFigure:
    """The money to expect of customers over so many days, what the top tenth brings of it, and how right it has been.

    ``ratio`` is the expected in relation to the true total of the rows on which the model was judged, with its 95%
    interval.
    """

    total: float
    n: int
    days: int
    top_share: float
    ratio: tuple[float, float, float]

    def lines(self, currency: str) -> tuple[str, str]:
        """Return the figure as a person reads it."""
        value, low, high = self.ratio
        return (
            f"{self.total:,.0f} {currency} expected in {self.days} days of {customers(self.n)}, "
            f"{self.top_share:.0%} of it of the top tenth",
            f"Where the model was judged, it expected {value:.2f} [{low:.2f}, {high:.2f}] of what came",
        )


def expected_value(predictions: pd.DataFrame, *, days: int, ratio: tuple[float, float, float]) -> ValueFigure | None:
    """Return the money that the value model expects in all; None where it speaks for nobody, or expects none.

    Parameters
    ----------
    predictions : PREDICTIONS frame
    days : the horizon of the model
    ratio : how right the total was where the model was judged; see `ValueFigure`
    """
    known = np.sort(predictions[c.VALUE].dropna().to_numpy(dtype=np.float64))[::-1]
    total = float(known.sum())
    if total <= 0:
        return None
    return ValueFigure(total, len(known), days, float(known[: max(len(known) // 10, 1)].sum()) / total, ratio)


def summary(
    title: str,
    predictions: pd.DataFrame,
    recommendations: pd.DataFrame | None,
    *,
    currency: str,
    answered: NpsFigure | None = None,
    value: ValueFigure | None = None,
    allocated: Allocated | None = None,
) -> str:
    """Return the summary of a batch as plain text, 100 columns wide at most.

    Parameters
    ----------
    title : company and moment
    predictions : PREDICTIONS frame
    recommendations : RECOMMENDATIONS frame, or None without a policy
    currency : of value, cost and expected value
    answered : the NPS of those who answered, to stand beside that of everyone
    value : the money to expect of all customers
    allocated : how the limits of the policy were used; None where it has none
    """
    lines = [title, ""]
    predicted = predicted_nps(predictions)
    for i, figure in enumerate(figure for figure in (answered, predicted) if figure):
        lines.append(f"{'NPS' if i == 0 else '':<15}{figure}")
    if predicted:
        lines += [f"{'':<15}{text}" for text in _PREDICTED]
        lines.append(f"{'Classes':<15}" + ", ".join(_classes(predictions)))
    if losses := expected_losses(predictions):
        lines.append(f"{'Renewal risk':<15}{losses}")
        lines.append(
            f"{'':<15}{losses.n_likely:,} {'is' if losses.n_likely == 1 else 'are'} more likely to go than to stay"
        )
    if value:
        lines += [f"{name:<15}{text}" for name, text in zip(("Value", ""), value.lines(currency), strict=True)]
    if predictions[c.HEALTH].notna().any():
        low, middle, high = np.nanquantile(predictions[c.HEALTH], [0.1, 0.5, 0.9])
        lines.append(f"{'Health':<15}median {middle:.0f} of 100; a tenth is below {low:.0f}, a tenth above {high:.0f}")
    if recommendations is not None:
        lines += ["", *_actions(recommendations, currency)]
    if allocated is not None:
        lines += ["", *limits_lines(allocated, currency)]
    return "\n".join(lines)


def _classes(predictions: pd.DataFrame) -> Iterator[str]:
    counts = predictions[c.NPS_CLASS].value_counts()
    n = int(counts.sum())
    for name in c.NPS_CLASSES:
        count = int(counts.get(name, 0))
        yield f"{name} {count:,} ({count / n:.0%})"


def _actions(recommendations: pd.DataFrame, currency: str) -> Iterator[str]:
    width = max(22, *(len(name) + 2 for name in recommendations[c.ACTION].unique()))
    yield f"{'Action':<{width}}{'channel':<10}{'customers':>10}{f'cost {currency}':>14}{f'worth {currency}':>16}"
    channels = recommendations[c.CHANNEL].astype(object).fillna("")
    grouped = recommendations.assign(**{c.CHANNEL: channels}).groupby([c.ACTION, c.CHANNEL], sort=False)
    table = grouped.agg(customers=(c.ACTION, "size"), cost=(c.COST, "sum"), worth=(c.EXPECTED_VALUE, "sum"))
    for row in table.sort_values(["worth", "customers"], ascending=False).reset_index().itertuples():
        yield f"{row.action:<{width}}{row.channel:<10}{row.customers:>10,}{row.cost:>14,.0f}{row.worth:>16,.0f}"
    total = recommendations[[c.COST, c.EXPECTED_VALUE]].sum()
    yield f"{'all':<{width + 10}}{len(recommendations):>10,}{total[c.COST]:>14,.0f}{total[c.EXPECTED_VALUE]:>16,.0f}"
    held, drawn = (int(recommendations[name].sum()) for name in (c.HOLDOUT, c.EXPLORED))
    chance = f"{customers(held)} {'is' if held == 1 else 'are'} held out"
    if drawn:
        chance += f", {drawn:,} drawn to learn from"
    low, high = (recommendations[name].sum() for name in (c.EXPECTED_LOW, c.EXPECTED_HIGH))
    yield f"Worth is net of cost. {_rests_on(recommendations)}"
    yield f"{low:,.0f} to {high:,.0f} {currency} if all are at the low or high end of their ranges. {chance}."


def _rests_on(recommendations: pd.DataFrame) -> str:
    """Return on what effects the recommended actions rest: measured ones, or those that the policy assumes."""
    evidence = recommendations.loc[recommendations[c.ACTION] != c.NO_ACTION, c.EVIDENCE]
    measured = float(evidence.mean()) if len(evidence) else 0.0
    if measured == 0:
        return "It rests on the effects that the policy assumes:"
    return f"Its effects are {measured:.0%} measured from the log of actions, {1 - measured:.0%} assumed by the policy:"
