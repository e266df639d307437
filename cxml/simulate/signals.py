"""What shows satisfaction without moving it: complaints, social posts, purchases and visits."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxml.simulate.mood import Mood
from cxml.simulate.people import People
from cxml.simulate.timeline import Floats, Ints
from cxml.simulate.touchpoints import CHANNELS, Contacts, Deliveries, Window, followers, happenings
from cxml.simulate.world import World

COMPLAINTS_FALL = 0.9
"""By how much the log of the complaint rate falls per unit of satisfaction."""

PURCHASES_PER_MONTH = np.array([0.40, 0.55, 0.70])
PURCHASE_EUR = np.array([32.0, 48.0, 140.0])
"""By segment (people.SEGMENTS); EUR is the median."""

VISITS_PER_MONTH = 1.9
DEVICE_SHARES = np.array([[0.55, 0.30, 0.15], [0.25, 0.65, 0.10]])
"""Visits by web, mobile and tablet with no tech affinity and with all of it."""

_COMPLAINT_CHANNELS = np.array([CHANNELS.index(name) for name in ("phone", "web", "mobile", "store")])
_DEVICES = np.array([CHANNELS.index(name) for name in ("web", "mobile", "tablet")])


@dataclass(frozen=True)
class Complaints:
    """Complaints of a month."""

    who: Ints
    when: Ints
    channel: Ints


@dataclass(frozen=True)
class Posts:
    """Social posts of a month: ``sentiment`` from -1 to 1, ``competitor_mention`` 1 or 0."""

    who: Ints
    when: Ints
    sentiment: Floats
    competitor_mention: Ints


@dataclass(frozen=True)
class Purchases:
    """Purchases of a month, ``value`` in EUR."""

    who: Ints
    when: Ints
    channel: Ints
    value: Floats


@dataclass(frozen=True)
class Visits:
    """Visits to the web site and the apps in a month."""

    who: Ints
    when: Ints
    channel: Ints


def complaints(
    mood: Mood, satisfaction: Floats, window: Window, brought: Deliveries, met: Contacts, rng: np.random.Generator
) -> Complaints:
    """Draw a month's complaints: out of the blue, after late deliveries, and after contacts that solved nothing."""
    blue, blue_when = happenings(np.exp(-4.3 - COMPLAINTS_FALL * satisfaction), window, rng)
    reasons = np.concatenate([-3.6 + 0.30 * brought.delay_days, np.full(met.who.size, -1.9)])
    possible = np.concatenate([brought.delay_days > 0, met.solved == 0])
    who = np.concatenate([brought.who, met.who])[possible]
    when = np.concatenate([brought.when, met.when])[possible]
    angry = rng.random(who.size) < expit(reasons[possible] - COMPLAINTS_FALL * mood.at(who, when))
    who, when = who[angry], when[angry]
    when = followers(when, window.until[who], 1.5, rng)
    everyone = np.concatenate([blue, who])
    channel = _COMPLAINT_CHANNELS[rng.choice(4, size=everyone.size, p=[0.45, 0.25, 0.20, 0.10])]
    return Complaints(everyone, np.concatenate([blue_when, when]), channel)


def posts(mood: Mood, satisfaction: Floats, price_gap: Floats, window: Window, rng: np.random.Generator) -> Posts:
    """Draw a month's social posts; the delighted and the furious post more, the overcharged name the competitor."""
    who, when = happenings(np.exp(-4.1 + 0.8 * np.abs(satisfaction)), window, rng)
    felt = mood.at(who, when)
    sentiment = np.tanh(0.9 * felt + rng.normal(0, 0.35, size=who.size))
    mention = rng.random(who.size) < expit(-2.0 - 0.6 * felt + 5.0 * price_gap[who])
    return Posts(who, when, sentiment.round(3), mention.astype(np.int64))


def purchases(
    people: People, world: World, satisfaction: Floats, window: Window, rng: np.random.Generator
) -> Purchases:
    """Draw a month's purchases beside the contract; they follow satisfaction, season and the economy a little."""
    mood_of_the_economy = 0.01 * (world.consumer_confidence[people.region, window.month] - 100)
    per_month = PURCHASES_PER_MONTH[people.segment] * np.exp(
        0.15 * np.clip(satisfaction, -3, 3) + 0.3 * world.peak[window.month] + mood_of_the_economy
    )
    who, when = happenings(per_month, window, rng)
    online = rng.random(who.size) < 0.3 + 0.5 * people.tech_affinity[who]
    value = PURCHASE_EUR[people.segment[who]] * rng.lognormal(0, 0.6, size=who.size)
    return Purchases(who, when, np.where(online, CHANNELS.index("web"), CHANNELS.index("store")), value.round(2))


def visits(
    people: People, satisfaction: Floats, p_renew_soon: Floats, window: Window, rng: np.random.Generator
) -> Visits:
    """Draw a month's visits; they fall as a contract's end comes near that will probably not be renewed.

    ``p_renew_soon`` is 1 for every customer whose contract does not end within three months.
    """
    per_month = VISITS_PER_MONTH * (0.25 + 0.9 * people.tech_affinity) * np.exp(0.25 * np.clip(satisfaction, -3, 3))
    who, when = happenings(per_month * (0.25 + 0.75 * p_renew_soon), window, rng)
    tech = people.tech_affinity[who, None]
    shares = np.cumsum((1 - tech) * DEVICE_SHARES[0] + tech * DEVICE_SHARES[1], axis=1)
    return Visits(who, when, _DEVICES[(rng.random(who.size)[:, None] > shares[:, :-1]).sum(axis=1)])
