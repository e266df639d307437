"""The figures that a CX programme reports: name, title, unit and scale of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final, Literal

Z_95: Final = 1.959963984540054  # the 97.5% quantile of the normal distribution, of every 95% interval

Unit = Literal["points", "share", "score", "count", "money"]


@dataclass(frozen=True)
class Figure:
    """One figure: how it is headed, its unit, and the ends of its scale.

    Points run from -100 to 100 and shares from 0 to 1; a score is a mean on a scale of its own; money is in the
    currency of the company, and counts and money are sums, which have no interval.
    """

    name: str
    title: str
    unit: Unit
    low: float = -inf
    high: float = inf

    def written(self, value: float) -> str:
        """Return a value as a person reads it; an unknown one is an empty text."""
        if not isfinite(value):
            return ""
        if self.unit == "points":
            return f"{value:+.1f}"
        if self.unit == "share":
            return f"{value:.1%}"
        return f"{round(value, 2) + 0.0:.2f}" if self.unit == "score" else f"{value:,.0f}"  # + 0.0: never -0.00

    def change(self, value: float) -> str:
        """Return a difference of two values as a person reads it, with its sign; that of shares in points."""
        if not isfinite(value):
            return ""
        if self.unit == "share":
            return f"{round(100 * value, 1) + 0.0:+.1f}"
        return f"{round(value, 2) + 0.0:+.2f}" if self.unit == "score" else f"{round(value, 1) + 0.0:+,.1f}"


FIGURES: Final[Mapping[str, Figure]] = {
    figure.name: figure
    for figure in (
        Figure("nps", "NPS (points)", "points", -100, 100),
        Figure("csat", "CSAT (share of 4-5)", "share", 0, 1),
        Figure("ces", "CES (mean of 1-7)", "score", 1, 7),
        Figure("ces_easy", "CES (share of 5-7)", "share", 0, 1),
        Figure("stars", "Stars (mean of 1-5)", "score", 1, 5),
        Figure("stars_top", "Stars (share of 4-5)", "share", 0, 1),
        Figure("smiley", "Smileys (mean of 1-5)", "score", 1, 5),
        Figure("smiley_top", "Smileys (share of 4-5)", "share", 0, 1),
        Figure("response_rate", "Response rate", "share", 0, 1),
        Figure("comments_negative", "Comments, negative", "share", 0, 1),
        Figure("comments_neutral", "Comments, neutral", "share", 0, 1),
        Figure("comments_positive", "Comments, positive", "share", 0, 1),
        Figure("posts_negative", "Posts, negative", "share", 0, 1),
        Figure("posts_neutral", "Posts, neutral", "share", 0, 1),
        Figure("posts_positive", "Posts, positive", "share", 0, 1),
        Figure("comment_sentiment", "Comment sentiment", "score", -1, 1),
        Figure("brand_sentiment", "Brand sentiment", "score", -1, 1),
        Figure("customers", "Customers", "count"),
        Figure("contracts_ended", "Contracts ended", "count"),
        Figure("renewal_rate", "Renewed", "share", 0, 1),
        Figure("revenue_kept", "Revenue kept", "money"),
        Figure("revenue_lost", "Revenue lost", "money"),
        Figure("contact_cost", "Contact cost", "money"),
        Figure("contacts_per_customer", "Contacts per customer", "score", 0),
    )
}
"""Every indicator and KPI by name, in the order in which they are shown."""
