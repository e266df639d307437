"""The actions taken before contracts end: the random campaign, with exact propensities, and the log of all that was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxml.simulate.columns import customer_ids, labels, order_by_customer, times
from cxml.simulate.renewal import ACTIONS, DISCOUNT_SHARE
from cxml.simulate.timeline import Bools, Floats, Ints

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


@dataclass(frozen=True)
class Offers:
    """What customers ``who`` got at seconds ``when``, one entry each; a channel is None where nobody is contacted."""

    who: Ints
    when: Ints
    action: Ints
    channel: NDArray[np.object_]
    propensity: Floats
    cost: Floats
    holdout: Bools


def campaign_offers(due: Bools, when: Ints, segment: Ints, price: Floats, rng: np.random.Generator) -> Offers:
    """Reach a random part of those who are ``due`` and draw their actions; every array has an entry per customer."""
    who = np.flatnonzero(due & (rng.random(due.size) < CAMPAIGN_SHARE))
    action, holdout = draw_actions(segment[who], rng)
    return Offers(
        who=who,
        when=when[who],
        action=action,
        channel=channels_of(action),
        propensity=PROPENSITY[segment[who], action],
        cost=action_cost_eur(action, price[who]),
        holdout=holdout == 1,
    )


def draw_actions(segment: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the action code and the holdout flag (0 or 1) of each reached customer."""
    holdout = (rng.random(segment.size) < HOLDOUT_SHARE).astype(np.int64)
    cumulative = np.cumsum(DRAW, axis=1)[:, :-1]
    drawn = (rng.random(segment.size)[:, None] > cumulative[segment]).sum(axis=1)
    return np.where(holdout == 1, 0, drawn), holdout


def channels_of(action: Ints) -> NDArray[np.object_]:
    """Return the channel of each action code, None where nobody is contacted."""
    names: NDArray[np.object_] = np.array([*CHANNELS, None], dtype=object)
    return np.asarray(names[_CHANNEL_OF_ACTION[action]])


def action_cost_eur(action: Ints, price: Floats) -> Floats:
    """Return what an action costs; a discount is booked in full when offered, for twelve months."""
    cost = np.array([0.0, 0.0, _CALL_EUR, _FIX_EUR, _THANK_YOU_EUR])[action]
    discount = action == ACTIONS.index("discount")
    cost[discount] = (DISCOUNT_SHARE * 12 * price[discount]).round(2)
    return cost


def actions_table(offers: Sequence[Offers]) -> pd.DataFrame:
    """Return one row per action of one offer or more, ``no_action`` included."""
    who, when, action, propensity, cost, holdout = (
        np.concatenate([getattr(offer, name) for offer in offers])
        for name in ("who", "when", "action", "propensity", "cost", "holdout")
    )
    order = order_by_customer(who, when)
    channel = np.concatenate([offer.channel for offer in offers])[order]
    names = sorted({name for name in channel.tolist() if name is not None})
    codes = np.array([-1 if name is None else names.index(name) for name in channel.tolist()], dtype=np.int64)
    return pd.DataFrame(
        {
            "customer_id": customer_ids(who[order]),
            "action_time": times(when[order]),
            "action": labels(ACTIONS, action[order]),
            "channel": labels(names, codes),
            "propensity": propensity[order],
            "cost": cost[order],
            "holdout": holdout[order],
        }
    )
