"""Who the customers are: what the company can see of them, and the personal level it cannot."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxml.simulate.columns import customer_ids, labels, times
from cxml.simulate.timeline import MONTHS_BEFORE_START, Bools, Floats, Ints, Timeline
from cxml.simulate.world import REGIONS

SEGMENTS = ("consumer", "family", "business")
PLANS = ("basic", "standard", "premium")
ACQUISITION = ("store", "web", "partner", "phone")

LIST_PRICE_EUR = np.array([24.0, 39.0, 59.0])
"""Monthly price of each plan at the calendar's start; the competitor's equal plan costs the same at index 100."""

PRICE_SPREAD = 0.14
"""Standard deviation of the log of what a customer pays over the list: old promotions and options."""

SHARE_AT_START = 0.55
"""Customers already under contract on the first day; the others join month by month."""

LEVEL_NOISE = 0.28
"""Standard deviation of the personal level that no attribute explains; see mood.py for the unit."""

SHARE_AGE_MISSING = 0.06
SHARE_TECH_MISSING = 0.10
SHARE_ORIENTATION_MISSING = 0.15


@dataclass(frozen=True)
class People:
    """Arrays with one entry per customer; ``level`` is the hidden resting point of satisfaction.

    Attributes
    ----------
    joined_month : month of the first contract, negative before the calendar
    price_orientation : 0 who buys for the relationship, 1 who buys on price
    addons : products of the company held beside the plan
    offset : seconds after a month's start at which contracts begin and end; under 28 days, so every month has it
    first_price : EUR per month of the first term inside this calendar
    """

    segment: Ints
    region: Ints
    plan: Ints
    acquisition: Ints
    age: Floats
    household_size: Floats
    tech_affinity: Floats
    price_orientation: Floats
    addons: Ints
    auto_pay: Bools
    level: Floats
    joined_month: Ints
    offset: Ints
    first_price: Floats

    @property
    def n(self) -> int:
        """Number of customers."""
        return int(self.segment.size)


def people(n: int, months: int, rng: np.random.Generator) -> People:
    """Draw ``n`` customers who are under contract at some moment of the calendar."""
    segment = rng.choice(len(SEGMENTS), size=n, p=[0.58, 0.30, 0.12])
    region = rng.choice(len(REGIONS), size=n, p=[0.16, 0.10, 0.12, 0.14, 0.11, 0.09, 0.15, 0.13])
    age = np.clip(np.array([38.0, 43.0, 47.0])[segment] + rng.normal(0, 13, size=n), 18, 90).round()
    household = np.array([1.0, 3.0, np.nan])[segment]  # a business is not a household
    household += rng.binomial(3, np.array([0.2, 0.35, 0.0])[segment])
    tech = np.clip(0.95 - 0.009 * age + rng.normal(0, 0.16, size=n), 0, 1)
    orientation = np.clip(np.array([0.50, 0.58, 0.38])[segment] + rng.normal(0, 0.22, size=n), 0, 1)
    plan = (rng.random(n)[:, None] > np.array([[0.45, 0.85], [0.25, 0.75], [0.10, 0.50]])[segment]).sum(axis=1)
    acquisition = rng.choice(len(ACQUISITION), size=n, p=[0.30, 0.40, 0.18, 0.12])
    addons = rng.poisson(np.array([0.5, 0.9, 0.7])[segment])
    auto_pay = rng.random(n) < 0.35 + 0.4 * tech

    at_start = rng.random(n) < SHARE_AT_START
    past = -1 - (rng.exponential(30.0, size=n) % (MONTHS_BEFORE_START - 1)).astype(np.int64)
    joined_month = np.where(at_start, past, rng.integers(0, months, size=n))
    offset = rng.integers(0, 28, size=n) * 86_400 + rng.integers(8 * 3600, 20 * 3600, size=n)

    level = (
        0.42
        + np.array([0.0, 0.10, -0.20])[segment]
        + np.array([0.0, 0.05, 0.25])[plan]
        + np.array([0.05, 0.0, -0.30, -0.15])[acquisition]
        + 0.012 * (age - 42)
        + 0.5 * (tech - 0.55)
        + 0.45 * (0.5 - orientation)
        + rng.normal(0, LEVEL_NOISE, size=n)
    )
    list_price = LIST_PRICE_EUR[plan] * np.exp(0.003 * np.maximum(joined_month, 0))
    return People(
        segment=segment,
        region=region,
        plan=plan,
        acquisition=acquisition,
        age=age,
        household_size=household,
        tech_affinity=tech,
        price_orientation=orientation,
        addons=addons,
        auto_pay=auto_pay,
        level=level,
        joined_month=joined_month,
        offset=offset,
        first_price=np.round(list_price * np.exp(rng.normal(0, PRICE_SPREAD, size=n)), 2),
    )


def customers_table(people: People, timeline: Timeline, rng: np.random.Generator) -> pd.DataFrame:
    """Return the visible attributes, some ages, tech affinities and price orientations missing at random."""
    oriented = rng.random(people.n) >= SHARE_ORIENTATION_MISSING
    return pd.DataFrame(
        {
            "customer_id": customer_ids(np.arange(people.n)),
            "since": times(timeline.starts_of(people.joined_month) + people.offset),
            "segment": labels(SEGMENTS, people.segment),
            "region": labels(REGIONS, people.region),
            "age": np.where(rng.random(people.n) < SHARE_AGE_MISSING, np.nan, people.age),
            "household_size": people.household_size,
            "tech_affinity": np.where(rng.random(people.n) < SHARE_TECH_MISSING, np.nan, people.tech_affinity.round(2)),
            "price_orientation": np.where(oriented, people.price_orientation.round(2), np.nan),
            "acquisition": labels(ACQUISITION, people.acquisition),
        }
    )
