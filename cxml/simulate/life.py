"""The months of the company, one after the other: what happens, what is felt, who is asked, who renews."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit

from cxml.simulate.actions import Offers, campaign_offers
from cxml.simulate.contracts import ContractLog, Terms, felt_price_change, next_price
from cxml.simulate.events import EventLog
from cxml.simulate.mood import SHOCK, Mood, mood
from cxml.simulate.people import People
from cxml.simulate.renewal import ACTIONS, MEMORY, action_effects, price_sensitivity, renewal_logit
from cxml.simulate.signals import complaints, posts, purchases, visits
from cxml.simulate.state import Averages, State, first_state, price_gap, tenure_years
from cxml.simulate.surveys import RELATIONAL_EVERY_MONTHS, Invitations, invitations
from cxml.simulate.timeline import TERM_MONTHS, Bools, Floats, Ints, Timeline
from cxml.simulate.touchpoints import PHONE, Window, contacts, deliveries, voice_tone
from cxml.simulate.world import World

LEAD_DAYS = (55, 65)
"""How long before a contract's end the campaign decides: about 60 days, in office hours or not."""

_SECONDS_SOON = 92 * 86_400  # an end within three months already shows in the visits


@dataclass
class Life:
    """Everything that happened, and where everyone stands.

    Attributes
    ----------
    state : at ``as_of``
    lead : how many seconds before a contract's end a customer's action is decided
    phase : the month of the half-year in which a customer gets the relational survey
    past_states : copies at the start of the months that were asked for
    """

    people: People
    world: World
    timeline: Timeline
    state: State
    lead: Ints
    phase: Ints
    events: EventLog = field(default_factory=EventLog)
    contracts: ContractLog = field(default_factory=ContractLog)
    invitations: list[Invitations] = field(default_factory=list)
    offers: list[Offers] = field(default_factory=list)
    averages: Averages = field(default_factory=Averages)
    past_states: dict[int, State] = field(default_factory=dict)

    def decided_at(self) -> Ints:
        """Return the second at which the action before the end of each running term is decided."""
        return self.state.term_end(self.people, self.timeline) - self.lead

    def due(self) -> Bools:
        """Who is under contract when the month begins and has an action decided within it."""
        start, end = (self.timeline.start_of(self.state.month + ahead) for ahead in (0, 1))
        decided = self.decided_at()
        return np.asarray((decided >= start) & (decided < end) & self.state.in_force(self.people))

    def contracts_table(self) -> pd.DataFrame:
        """Return one row per term that ended, and per running one."""
        running = np.flatnonzero(self.state.in_force(self.people))
        return self.contracts.table(self.people, _terms(self, running, np.full(running.size, -1)))


Offering = Callable[[Life, np.random.Generator], Offers]
"""What is decided in a month for those who are due; may draw."""


def campaign(run: Life, rng: np.random.Generator) -> Offers:
    """Return the random actions of a month."""
    return campaign_offers(run.due(), run.decided_at(), run.people.segment, run.state.price, rng)


def life(
    people: People, world: World, timeline: Timeline, rng: np.random.Generator, keep: frozenset[int] = frozenset()
) -> Life:
    """Live through every month; ``keep`` names months whose starting state is wanted as well."""
    run = begun(people, world, timeline, rng)
    for month in range(timeline.months):
        if month in keep:
            run.past_states[month] = run.state.copy()
        live_month(run, campaign, rng)
    return run


def begun(people: People, world: World, timeline: Timeline, rng: np.random.Generator) -> Life:
    """Return a life at the calendar's first instant."""
    return Life(
        people=people,
        world=world,
        timeline=timeline,
        state=first_state(people, rng),
        lead=rng.integers(LEAD_DAYS[0] * 86_400, LEAD_DAYS[1] * 86_400, size=people.n),
        phase=rng.integers(0, RELATIONAL_EVERY_MONTHS, size=people.n),
    )


def live_month(run: Life, offering: Offering, rng: np.random.Generator) -> None:
    """Live through the month that comes next."""
    people, world, state = run.people, run.world, run.state
    month = state.month
    window = _window(run, month)
    gap = price_gap(state.price, people, world, month)
    satisfaction = people.level + state.deviation

    brought = deliveries(people, world, window, rng)
    met = contacts(people, world, window, brought, satisfaction, gap, rng)
    who, when = np.concatenate([brought.who, met.who]), np.concatenate([brought.when, met.when])
    shock = rng.normal(0, SHOCK, size=people.n)
    felt = np.concatenate([brought.felt, met.felt])
    now = mood(window.start, window.end, people.level, state.deviation, shock, who, when, felt)
    angry = complaints(now, satisfaction, window, brought, met, rng)

    _take_actions(run, offering(run, rng), now, gap)
    p_renew_soon = _p_renew_soon(run, window, satisfaction, gap)
    tone = np.where(met.channel == PHONE, voice_tone(now.at(met.who, met.when), met.solved, rng), np.nan)
    run.events.add_touchpoints(brought, met, tone)
    run.events.add_signals(
        angry,
        posts(now, satisfaction, gap, window, rng),
        purchases(people, world, satisfaction, window, rng),
        visits(people, satisfaction, p_renew_soon, window, rng),
    )
    run.invitations.append(invitations(now, window, brought, met, run.phase, rng))

    everyone = np.arange(people.n)
    count = {
        "late": _count(brought.who[brought.delay_days > 0], people.n),
        "unsolved": _count(met.who[met.solved == 0], people.n),
        "complaints": _count(angry.who, people.n),
    }
    felt_in_all = np.asarray(np.bincount(who, felt, minlength=people.n), np.float64)
    full = (window.until - window.begin) == window.end - window.start
    run.averages.add(people, month, full, felt_in_all, count["complaints"], satisfaction)

    # A new price is felt with its first invoice: at the end of the month, after everything else.
    price_felt = _decide_renewals(run, window, now, gap, angry.who, angry.when, rng)
    present = window.until > window.begin
    after = now.at(everyone, np.full(people.n, window.end)) - people.level + price_felt
    state.deviation = np.where(present, after, state.deviation)
    state.late = MEMORY * state.late + count["late"]
    state.unsolved = MEMORY * state.unsolved + count["unsolved"]
    state.complaints = MEMORY * state.complaints + count["complaints"]
    state.month = month + 1


def _window(run: Life, month: int) -> Window:
    people, timeline = run.people, run.timeline
    start, end = timeline.start_of(month), timeline.start_of(month + 1)
    joining = people.joined_month == month
    begin = np.where(joining, start + people.offset, start)
    here = joining | run.state.in_force(people)
    return Window(month, start, end, begin, np.where(here, end, begin))


def _take_actions(run: Life, offers: Offers, now: Mood, gap: Floats) -> None:
    """Take the actions of a month; effects are those of the moment.

    Recent counts are those of the month's start, satisfaction is that of the very second.
    """
    people, state = run.people, run.state
    who, when, action = offers.who, offers.when, offers.action
    sensitivity = price_sensitivity(people.segment, people.price_orientation)[who]
    effects = action_effects(now.at(who, when), gap[who], state.late[who], state.unsolved[who], sensitivity)
    state.effect[who] = effects[np.arange(who.size), action]
    state.discounted[who] = action == ACTIONS.index("discount")
    run.offers.append(offers)


def _p_renew_soon(run: Life, window: Window, satisfaction: Floats, gap: Floats) -> Floats:
    """How likely each customer would renew today, for contracts that end within three months; 1 for the others."""
    end = run.state.term_end(run.people, run.timeline)
    soon = end < window.start + _SECONDS_SOON
    return np.where(soon, expit(_logit(run, window.month, satisfaction, gap, run.state.complaints, end)), 1.0)


def _decide_renewals(
    run: Life, window: Window, now: Mood, gap: Floats, angry: Ints, angry_when: Ints, rng: np.random.Generator
) -> Floats:
    """Renew or let go every contract that ends this month; returns what new prices do to satisfaction."""
    people, state = run.people, run.state
    end = state.term_end(people, run.timeline)
    ends = (end >= window.start) & (end < window.end) & state.in_force(people)
    complained = _count(angry[angry_when < end[angry]], people.n)
    satisfaction = now.at(np.arange(people.n), np.where(ends, end, window.start))
    logit = _logit(run, window.month, satisfaction, gap, MEMORY * state.complaints + complained, end)
    renews = rng.random(people.n) < expit(logit)
    who = np.flatnonzero(ends)
    run.contracts.add(_terms(run, who, renews[who].astype(np.int64)))

    goes, stays = ends & ~renews, ends & renews
    price = np.where(stays, next_price(state.price, state.discounted, rng), state.price)
    felt = felt_price_change(state.price, price)
    state.left[goes] = end[goes]
    state.price = price
    state.term_month[stays] += TERM_MONTHS
    state.term[stays] += 1
    state.effect[ends] = 0.0
    state.discounted[ends] = False
    return felt


def _logit(run: Life, month: int, satisfaction: Floats, gap: Floats, complaints: Floats, when: Ints) -> Floats:
    people = run.people
    return renewal_logit(
        satisfaction=satisfaction,
        price_gap=gap,
        complaints=complaints,
        tenure_years=tenure_years(people, run.timeline, when),
        confidence=run.world.consumer_confidence[people.region, month],
        sensitivity=price_sensitivity(people.segment, people.price_orientation),
        auto_pay=people.auto_pay,
        addons=people.addons,
        effect=run.state.effect,
    )


def _count(who: Ints, n: int) -> Ints:
    return np.asarray(np.bincount(who, minlength=n), np.int64)


def _terms(run: Life, who: Ints, renewed: Ints) -> Terms:
    people, state, timeline = run.people, run.state, run.timeline
    return Terms(
        who=who,
        number=state.term[who],
        start=(timeline.starts_of(state.term_month) + people.offset)[who],
        end=state.term_end(people, timeline)[who],
        price=state.price[who],
        renewed=renewed,
    )
