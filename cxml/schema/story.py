"""One customer's whole story, the 360-degree view: what a notebook looks at and the report tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cxml.schema.rows import ExplainedChange, Explanation, Prediction, Recommendation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CustomerStory:
    """Everything that was known of one customer before ``as_of``, and what is expected.

    The frames have no row where the company has no such table, or the customer nothing in it; times are in UTC.

    Attributes
    ----------
    company, currency, language, customer_id, as_of
        Of whom, when, and in which words.
    profile : DataFrame with ``attribute``, ``kind`` and ``value`` (text), of what is known in ``customers``
    outcomes : the same of the columns of ``customers`` that the models learn to foretell
    touchpoints : DataFrame with ``event_type``, ``last_year``, ``in_all`` (counts), ``last_time`` and ``channels``
        (channels of the last year, the most frequent first); the most frequent first
    answers : DataFrame with ``sent_time``, ``response_time``, ``instrument``, ``touchpoint``, ``score`` and
        ``comment``, an invitation that waits without the last ones; the latest first
    contracts : DataFrame of the terms, the latest first, with ``renewed`` only where the term has ended
    actions : DataFrame of what was done, the latest first
    in_force : whether this is a customer at ``as_of``; if not, the last term of the contracts has ended
    prediction, explanation : at the last moment at which this was a customer, ``as_of`` or the first of a month before
        it; None for who was one at none of them
    health : a HEALTH_ITEMS frame of that moment and of the months before it; without rows where there is none
    predictions : a PREDICTIONS frame of the same moments; without rows where there is none
    changes : from each of the moments to the next
    labels : what each item is called, by its name
    names : what is called how in the language, by what it is and by its name: an ``attribute`` of the customer or of
        a contract, an ``event_type``, a ``channel``, an ``instrument``, a ``touchpoint``, or a category of an attribute
    recommendation : None without a policy, and for whom is no customer any more
    """

    company: str
    currency: str
    language: str
    customer_id: str
    as_of: datetime
    in_force: bool
    profile: pd.DataFrame = field(repr=False)
    outcomes: pd.DataFrame = field(repr=False)
    touchpoints: pd.DataFrame = field(repr=False)
    answers: pd.DataFrame = field(repr=False)
    contracts: pd.DataFrame = field(repr=False)
    actions: pd.DataFrame = field(repr=False)
    prediction: Prediction | None
    explanation: Explanation | None = field(repr=False)
    health: pd.DataFrame = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)
    changes: tuple[ExplainedChange, ...] = field(repr=False)
    labels: dict[str, str] = field(repr=False)
    names: dict[tuple[str, str], str] = field(repr=False)
    recommendation: Recommendation | None
