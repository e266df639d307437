"""Yearly contract terms: when they end, what they cost, and what the next one costs."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxml.simulate.columns import contract_ids, customer_ids, flags, labels, order_by_customer, times
from cxml.simulate.mood import felt_value
from cxml.simulate.people import PLANS, People
from cxml.simulate.renewal import DISCOUNT_SHARE
from cxml.simulate.timeline import Bools, Floats, Ints

RISE, RISE_SPREAD = 0.045, 0.025
"""Mean and spread of the price rise at a renewal: a little over the competitor's 3.7% a year (world.py)."""

FELT_PER_PERCENT = 0.015
"""Satisfaction from a price one percent lower; a rise costs mood.LOSS_AVERSION times as much."""


@dataclass(frozen=True)
class Terms:
    """Contract terms; ``renewed`` is 1 or 0, and -1 for a running term."""

    who: Ints
    number: Ints
    start: Ints
    end: Ints
    price: Floats
    renewed: Ints


def next_price(price: Floats, discounted: Bools, rng: np.random.Generator) -> Floats:
    """Return EUR per month of the next term: a rise for everyone, a discount off it for those who took one."""
    rise = np.clip(rng.normal(RISE, RISE_SPREAD, size=price.size), 0.0, 0.15)
    return np.round(price * (1 + rise) * np.where(discounted, 1 - DISCOUNT_SHARE, 1.0), 2)


def felt_price_change(old: Floats, new: Floats) -> Floats:
    """Return what the first invoice at a new price does to satisfaction."""
    return felt_value(-100 * (new / old - 1), FELT_PER_PERCENT)


@dataclass(frozen=True)
class ContractLog:
    """Terms in the order they ended."""

    _terms: list[Terms] = field(default_factory=list)

    def add(self, terms: Terms) -> None:
        """Append terms that ended."""
        self._terms.append(terms)

    def table(self, people: People, running: Terms) -> pd.DataFrame:
        """Return one row per term, the running ones included; ``price`` is in EUR per month."""
        found = [*self._terms, running]
        who = np.concatenate([terms.who for terms in found])
        start = np.concatenate([terms.start for terms in found])
        order = order_by_customer(who, start)
        who = who[order]
        return pd.DataFrame(
            {
                "customer_id": customer_ids(who),
                "contract_id": contract_ids(who, np.concatenate([terms.number for terms in found])[order]),
                "start_time": times(start[order]),
                "end_time": times(np.concatenate([terms.end for terms in found])[order]),
                "price": np.concatenate([terms.price for terms in found])[order],
                "plan": labels(PLANS, people.plan[who]),
                "addons": people.addons[who],
                "auto_pay": people.auto_pay[who],
                "renewed": flags(np.concatenate([terms.renewed for terms in found])[order]),
            }
        )
