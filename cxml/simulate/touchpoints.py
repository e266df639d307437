"""What moves satisfaction within a month: deliveries and the promises they break, contacts and whether they solve."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxml.simulate.mood import felt_value
from cxml.simulate.people import People
from cxml.simulate.timeline import Floats, Ints
from cxml.simulate.world import DEPOT_DELAY_DAYS, World

CHANNELS = ("store", "phone", "ivr", "web", "mobile", "tablet")

DELIVERIES_PER_MONTH = np.array([0.45, 0.60, 0.75])
CONTACTS_PER_MONTH = np.array([0.17, 0.22, 0.30])
"""By segment (people.SEGMENTS), before the contacts that late deliveries bring."""

FELT_PER_DAY = 0.095
"""Satisfaction from a delivery one day early; a day late costs mood.LOSS_AVERSION times as much."""

DAYS_PER_MM_OF_RAIN = 0.012
PEAK_DELAY_DAYS = 0.5
"""Mean days that the gift season adds; with more deliveries as well, everyone's NPS sinks by over ten points."""

FELT_SOLVED, FELT_UNSOLVED = 0.12, -0.55

CHANNEL_SHARES = np.array([[0.28, 0.40, 0.16, 0.08, 0.06, 0.02], [0.10, 0.20, 0.10, 0.26, 0.27, 0.07]])
"""Where contacts happen for customers with no tech affinity and with all of it; the others lie between."""

P_SOLVED = np.array([0.80, 0.76, 0.42, 0.70, 0.68, 0.66])
MINUTES = np.array([14.0, 9.0, 4.0, 6.0, 5.0, 6.0])
STORE, PHONE = 0, 1

OUTSOURCED_SHARES = np.array([0.0, 0.30, 0.0, 0.30, 0.0, 0.0])
"""By channel (`CHANNELS`), how many contacts a partner of the company handles; it solves fewer."""
OUTSOURCED_SOLVED = -0.15


@dataclass(frozen=True)
class Window:
    """The part of one month in which each customer is under contract, in seconds; empty for the others."""

    month: int
    start: int
    end: int
    begin: Ints
    until: Ints


@dataclass(frozen=True)
class Deliveries:
    """Deliveries of a month: ``delay_days`` is actual minus promised, negative when early."""

    who: Ints
    when: Ints
    delay_days: Floats

    @property
    def felt(self) -> Floats:
        """What each delivery does to satisfaction."""
        return felt_value(-self.delay_days, FELT_PER_DAY)


@dataclass(frozen=True)
class Contacts:
    """Contacts of a month; ``voice_tone`` is drawn later, from the mood.

    ``solved`` and ``outsourced`` are 1 or 0; so is ``competitor_mention`` in the store and on the phone, where somebody
    listens, and -1 elsewhere.
    """

    who: Ints
    when: Ints
    channel: Ints
    solved: Ints
    duration: Floats
    outsourced: Ints
    competitor_mention: Ints

    @property
    def felt(self) -> Floats:
        """What each contact does to satisfaction."""
        return np.where(self.solved == 1, FELT_SOLVED, FELT_UNSOLVED)


def happenings(per_month: Floats, window: Window, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw customers and seconds of independent events at a monthly rate, within each customer's window."""
    length = window.until - window.begin
    counts = rng.poisson(per_month * length / (window.end - window.start))
    who = np.repeat(np.arange(counts.size), counts)
    return who, window.begin[who] + (rng.random(who.size) * length[who]).astype(np.int64)


def followers(when: Ints, until: Ints, lag_days: float, rng: np.random.Generator) -> Ints:
    """Draw the seconds of events that others bring about: soon after them, and always within the window."""
    lag = rng.exponential(lag_days * 86_400, size=when.size)
    room = until - when
    return when + np.where(lag < room, lag, rng.random(when.size) * room).astype(np.int64)


def deliveries(people: People, world: World, window: Window, rng: np.random.Generator) -> Deliveries:
    """Draw a month's deliveries; depots, rain and the gift season make them late."""
    peak = world.peak[window.month]
    who, when = happenings(DELIVERIES_PER_MONTH[people.segment] * (1 + 0.5 * peak), window, rng)
    region = people.region[who]
    expected = (
        DEPOT_DELAY_DAYS[region]
        + DAYS_PER_MM_OF_RAIN * (world.rain_mm[region, window.month] - 60)
        + PEAK_DELAY_DAYS * peak
        - 1.8
    )
    return Deliveries(who, when, np.round(expected + rng.gamma(1.0, 2.0, size=who.size)))


def contacts(
    people: People,
    world: World,
    window: Window,
    brought: Deliveries,
    satisfaction: Floats,
    price_gap: Floats,
    rng: np.random.Generator,
) -> Contacts:
    """Draw a month's contacts: ordinary ones, and those that the late deliveries ``brought`` cause.

    The overcharged and the unhappy (of the month's start) name the competitor.
    """
    ordinary, when = happenings(CONTACTS_PER_MONTH[people.segment], window, rng)
    asks = rng.random(brought.who.size) < 1 - np.exp(-0.07 * np.maximum(brought.delay_days, 0))
    late = brought.who[asks]
    who = np.concatenate([ordinary, late])
    when = np.concatenate([when, followers(brought.when[asks], window.until[late], 2.0, rng)])

    tech = people.tech_affinity[who, None]
    shares = np.cumsum((1 - tech) * CHANNEL_SHARES[0] + tech * CHANNEL_SHARES[1], axis=1)
    channel = (rng.random(who.size)[:, None] > shares[:, :-1]).sum(axis=1)
    outsourced = (rng.random(who.size) < OUTSOURCED_SHARES[channel]).astype(np.int64)
    p_solved = P_SOLVED[channel] + OUTSOURCED_SOLVED * outsourced - 0.08 * world.peak[window.month]
    solved = (rng.random(who.size) < p_solved).astype(np.int64)
    minutes = MINUTES[channel] * np.where(solved == 1, 1.0, 1.5) * rng.lognormal(0, 0.5, size=who.size)
    names = rng.random(who.size) < expit(-3.0 - 0.4 * satisfaction[who] + 5.0 * price_gap[who])
    mention = np.where((channel == STORE) | (channel == PHONE), names.astype(np.int64), -1)
    return Contacts(who, when, channel, solved, minutes.round(1), outsourced, mention)


def voice_tone(satisfaction: Floats, solved: Ints, rng: np.random.Generator) -> Floats:
    """Draw how a customer sounds on the phone, from -1 to 1."""
    heard = 0.6 * satisfaction - 0.25 * (solved == 0) + rng.normal(0, 0.35, size=satisfaction.size)
    return np.asarray(np.tanh(heard).round(3))
