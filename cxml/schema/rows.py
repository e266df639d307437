"""One row of a frame, typed: what the scorer gives for one customer in place of a dataframe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reason:
    """A feature, its value as a person reads it, and what it adds to the score (log-odds; above 0 raises the risk)."""

    feature: str
    value: str
    contribution: float


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
    model_version: str


@dataclass(frozen=True)
class Recommendation:
    """One customer's action at ``as_of``, worth how much, by which rule, and why not another."""

    customer_id: str
    as_of: datetime
    action: str
    channel: str | None
    expected_value: float
    cost: float
    rule: str
    runner_up: str | None
    why: str
    propensity: float
    holdout: bool
    policy_version: str
    model_version: str
    decision_id: str
