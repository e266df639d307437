"""One row of a frame, typed: what the scorer gives for one customer in place of a dataframe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reason:
    """A feature, its value as a person reads it, what it adds to health, and all of that in a sentence.

    ``contribution`` is in points of health: above 0 it raises health, below it lowers it. The contributions of all
    features add up to health minus its base.
    """

    feature: str
    value: str
    contribution: float
    sentence: str


@dataclass(frozen=True)
class HealthItem:
    """What one touchpoint or source adds to health, in points, with its strongest features first.

    Features of which the very same is said are one reason: it has the name of the strongest, and their points together.
    """

    name: str
    label: str
    points: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Explanation:
    """One customer's health at ``as_of``, split: ``base`` and the points of all items add up to ``health`` (to 1e-9).

    ``base`` is what health is before anything is known of the customer. The items are in the order of their sizes;
    where no model speaks, health and base are None and there are no items.
    """

    customer_id: str | None
    as_of: datetime | None
    health: float | None
    base: float | None
    items: tuple[HealthItem, ...]


@dataclass(frozen=True)
class ExplainedChange:
    """The change of one customer's health between two moments, split: all points of all items add up to ``change``.

    The reasons of an item are what happened between. A model that began or ceased to speak has an item of its own,
    ``known:renewal`` or ``known:nps``, and no reasons. Where health is unknown at either moment, ``change`` is None.
    """

    customer_id: str | None
    before: datetime | None
    as_of: datetime | None
    change: float | None
    items: tuple[HealthItem, ...]


@dataclass(frozen=True)
class Uplift:
    """What an action changes in an outcome, and the 95% interval of customers alike; None where it does not speak.

    Of the probability to stay for ``renewal``, of money for ``value``, of points for ``nps``.
    """

    action: str
    outcome: str
    effect: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Prediction:
    """One customer's predictions at ``as_of``; what no model of the bundle speaks about is None."""

    customer_id: str | None
    as_of: datetime | None
    p_detractor: float | None
    p_passive: float | None
    p_promoter: float | None
    nps_class: str | None
    renewal_risk: float | None
    health: float | None
    value: float | None
    reasons: tuple[Reason, ...]
    uplifts: tuple[Uplift, ...]
    model_version: str


@dataclass(frozen=True)
class Recommendation:
    """One customer's action at ``as_of``, when and over which channel, worth how much, by which rule, and why.

    ``expected_value`` is money, with the lowest and the highest that it may be; ``evidence`` how much of the effect
    was measured (1) and not assumed (0); ``priority`` what the options were
    ranked by, weights included; ``margin`` how much more the runner-up would have to be worth, and ``smallest_change``
    the smallest change of one column that would alter the decision (None where chance decided). ``why`` is JSON.
    ``intended`` is the action that the policy chooses where chance does not decide: ``action`` itself, unless it did.
    """

    customer_id: str
    as_of: datetime
    action: str
    channel: str | None
    contact_time: datetime | None
    expected_value: float
    expected_low: float
    expected_high: float
    effect_source: str
    evidence: float
    cost: float
    priority: float
    rule: str
    runner_up: str | None
    margin: float | None
    smallest_change: str | None
    why: str
    propensity: float
    holdout: bool
    explored: bool
    intended: str
    policy_version: str
    model_version: str
    decision_id: str
