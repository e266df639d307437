"""The maturity matrix: four sources of the customer's world, four aspects across them, and what each cell holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Source = Literal["behaviour", "alternatives", "competitors", "customer"]
Aspect = Literal["prices", "interfaces", "social", "environment"]
Place = tuple[Source, Aspect]

SOURCES: Final[Mapping[Source, str]] = {
    "behaviour": "what happened before",
    "alternatives": "alternatives taken",
    "competitors": "competitors",
    "customer": "who the customer is",
}
"""The rows of the matrix, each with what it is about."""

ASPECTS: Final[Mapping[Aspect, str]] = {
    "prices": "prices and portfolio",
    "interfaces": "service interfaces",
    "social": "social network",
    "environment": "environment",
}
"""The columns of the matrix, each with its title."""

MEANINGS: Final[Mapping[Place, str]] = {
    ("behaviour", "prices"): "what was bought, paid and signed: purchases, plan, price and its changes, tenure",
    ("behaviour", "interfaces"): "contacts, visits, complaints, deliveries: how often, how long, solved, promise kept",
    ("behaviour", "social"): "what the customer said: survey answers, comments, posts and their sentiment",
    ("behaviour", "environment"): "when it happened: the season, the calendar, the weather at the time",
    ("alternatives", "prices"): "other products taken: add-ons, substitutes, what is held elsewhere",
    ("alternatives", "interfaces"): "other ways taken: the mix of channels, first and last channel, outsourced contact",
    ("alternatives", "social"): "help and advice found elsewhere: communities, forums, peers",
    ("alternatives", "environment"): "substitutes within reach: what else the region offers",
    ("competitors", "prices"): "what competitors ask: their price index, promotions, the gap to their price",
    ("competitors", "interfaces"): "competitors named in contacts: calls, chats, reasons for leaving",
    ("competitors", "social"): "competitors named in posts and reviews, and how",
    ("competitors", "environment"): "competition in the region: how many competitors, their share, new openings",
    ("customer", "prices"): "what a price means to the customer: price or relationship orientation, way of paying",
    ("customer", "interfaces"): "technology: affinity, devices, preferred channel, channel of acquisition",
    ("customer", "social"): "what people like the customer say: answers and sentiment of the segment, ties, influence",
    ("customer", "environment"): "demographics and place: age, household; climate, culture, economy of the region",
}
"""What each cell holds, in the words of customer-experience practice."""


ALL: Final = "all"
"""The aspect of a whole row of the matrix, and the source of a whole column."""


def part_title(source: str, aspect: str) -> str:
    """Return how a cell is called, or a whole row (aspect ``all``) or column (source ``all``)."""
    if aspect == ALL:
        return f"{source}, all"
    title = {str(name): title for name, title in ASPECTS.items()}[aspect]
    return f"{title}, all" if source == ALL else f"{source} x {title}"
