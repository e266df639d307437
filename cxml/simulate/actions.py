"""The randomised action log: who was offered what before a contract's end, with exact propensities."""

import numpy as np
import pandas as pd

from cxml.simulate.columns import customer_ids, labels, order_by_customer, times
from cxml.simulate.renewal import ACTIONS, DISCOUNT_SHARE
from cxml.simulate.timeline import Floats, Ints

CAMPAIGN_SHARE = 0.75
"""Share of ending contracts the campaign reaches at all, by a coin; the others get nothing and leave no row."""

HOLDOUT_SHARE = 0.10
"""Share of the reached who are kept out for measurement, before any action is drawn: always ``no_action``."""

DRAW = np.array([[0.30, 0.25, 0.15, 0.15, 0.15], [0.30, 0.20, 0.20, 0.15, 0.15], [0.30, 0.10, 0.25, 0.20, 0.15]])
"""P(action | segment, reached, not held out); rows as people.SEGMENTS, columns as renewal.ACTIONS."""

PROPENSITY = (1 - HOLDOUT_SHARE) * DRAW + HOLDOUT_SHARE * (np.arange(len(ACTIONS)) == 0)
"""P(action | segment, reached): what the log states. The smallest is 0.09."""

CHANNELS = ("phone", "web", "mobile", "store")
_CHANNEL_OF_ACTION = np.array([-1, 2, 0, 3, 1])

_CALL_EUR, _FIX_EUR, _THANK_YOU_EUR = 9.0, 18.0, 3.0  # half an hour of an agent, a visit shared by a tour, a voucher


def draw_actions(segment: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the action code and the holdout flag (0 or 1) of each reached customer."""
    holdout = (rng.random(segment.size) < HOLDOUT_SHARE).astype(np.int64)
    cumulative = np.cumsum(DRAW, axis=1)[:, :-1]
    drawn = (rng.random(segment.size)[:, None] > cumulative[segment]).sum(axis=1)
    return np.where(holdout == 1, 0, drawn), holdout


def action_cost_eur(action: Ints, price: Floats) -> Floats:
    """Return what an action costs; a discount is booked in full when offered, for twelve months."""
    cost = np.array([0.0, 0.0, _CALL_EUR, _FIX_EUR, _THANK_YOU_EUR])[action]
    discount = action == ACTIONS.index("discount")
    cost[discount] = (DISCOUNT_SHARE * 12 * price[discount]).round(2)
    return cost


def actions_table(who: Ints, when: Ints, action: Ints, holdout: Ints, cost: Floats, segment: Ints) -> pd.DataFrame:
    """Return one row per reached contract end; ``segment`` is the customer's, one entry per row."""
    order = order_by_customer(who, when)
    who, when, action = who[order], when[order], action[order]
    return pd.DataFrame(
        {
            "customer_id": customer_ids(who),
            "action_time": times(when),
            "action": labels(ACTIONS, action),
            "channel": labels(CHANNELS, _CHANNEL_OF_ACTION[action]),
            "propensity": PROPENSITY[segment[order], action],
            "cost": cost[order],
            "holdout": holdout[order] == 1,
        }
    )
