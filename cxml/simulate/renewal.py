"""The renewal decision: one logistic function, and what each action adds to its logit for whom."""

import numpy as np
from scipy.special import expit

from cxml.simulate.timeline import Bools, Floats, Ints
from cxml.simulate.world import CONFIDENCE_MEAN

ACTIONS = ("no_action", "discount", "rescue_call", "service_fix", "thank_you")

INTERCEPT = 0.85
"""Set so that about four terms in five are renewed, a usual figure for yearly subscriptions."""

PER_SATISFACTION = 1.75
PER_PRICE_GAP = -5.0
"""Logit per unit of the log of price over the competitor's, for the average segment: 10% dearer costs 0.48."""

PER_COMPLAINT = -0.45
PER_LOG_TENURE = 0.30
PER_CONFIDENCE_POINT = 0.04
AUTO_PAY = 0.45
PER_ADDON = 0.25
"""Logit per product held beside the plan: who would have to move more than the plan stays."""

PRICE_SENSITIVITY = np.array([1.0, 1.3, 0.6])
"""By segment: families compare prices most, businesses least."""

DISCOUNT_SHARE = 0.15
"""What an accepted discount takes off the next term's price."""

MEMORY = 0.7
"""Share of a recent count (late deliveries, unsolved contacts, complaints) that still matters a month later."""


def price_sensitivity(segment: Ints, price_orientation: Floats) -> Floats:
    """Return how much a price counts: that of the segment, from half for the relationship to one and a half for it."""
    sensitivity: Floats = PRICE_SENSITIVITY[segment] * (0.5 + price_orientation)
    return sensitivity


def renewal_logit(
    satisfaction: Floats,
    price_gap: Floats,
    complaints: Floats,
    tenure_years: Floats,
    confidence: Floats,
    sensitivity: Floats,
    auto_pay: Bools,
    addons: Ints,
    effect: Floats,
) -> Floats:
    """Return the logit of P(the contract is renewed at its end)."""
    logit: Floats = (
        INTERCEPT
        + PER_SATISFACTION * satisfaction
        + PER_PRICE_GAP * sensitivity * price_gap
        + PER_COMPLAINT * complaints
        + PER_LOG_TENURE * np.log1p(tenure_years)
        + PER_CONFIDENCE_POINT * (confidence - CONFIDENCE_MEAN)
        + AUTO_PAY * auto_pay
        + PER_ADDON * addons
        + effect
    )
    return logit


def action_effects(
    satisfaction: Floats, price_gap: Floats, late: Floats, unsolved: Floats, sensitivity: Floats
) -> Floats:
    """Return what each action adds to the renewal logit; shape (n, 5), columns as `ACTIONS`.

    A discount convinces those who pay more than the competitor asks, most where price counts most. A rescue call
    helps the unhappy, twice so with an unsolved contact, and annoys the happy. A service fix helps in proportion to
    recent late deliveries. A thank-you pleases promoters a little. All are judged at the moment of the action.
    """
    unhappy = expit((-0.35 - satisfaction) / 0.25)
    happy = expit((satisfaction - 0.55) / 0.25)
    return np.stack(
        [
            np.zeros_like(satisfaction),
            sensitivity * np.clip(0.40 + 4.0 * price_gap, 0.0, 1.4),
            unhappy * (0.70 + 0.70 * np.minimum(unsolved, 1.0)) - 0.45 * happy,
            np.minimum(0.60 * late, 1.3),
            0.35 * happy - 0.05 * unhappy,
        ],
        axis=1,
    )
