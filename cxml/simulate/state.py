"""Where every customer stands at the start of a month, and what the company's average month is like."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from cxml.simulate.people import LIST_PRICE_EUR, People
from cxml.simulate.signals import COMPLAINTS_FALL
from cxml.simulate.timeline import TERM_MONTHS, YEAR_SECONDS, Bools, Floats, Ints, Timeline
from cxml.simulate.world import REGIONS, World

NEVER = np.int64(2**40)
"""The second at which a customer leaves who has not left: beyond any calendar."""


@dataclass
class State:
    """One entry per customer, as things stand when ``month`` begins.

    Attributes
    ----------
    deviation : satisfaction minus the personal level (see mood.py)
    late, unsolved, complaints : recent counts, each month forgetting ``1 - renewal.MEMORY`` of them
    price : EUR per month of the running term
    term_month : month in which the running term began
    term : number of the running term within the calendar, from 1
    effect : what the action received on the running term adds to the renewal logit
    discounted : whether a discount waits for the renewal
    left : second at which the customer left, or `NEVER`
    """

    month: int
    deviation: Floats
    late: Floats
    unsolved: Floats
    complaints: Floats
    price: Floats
    term_month: Ints
    term: Ints
    effect: Floats
    discounted: Bools
    left: Ints

    def copy(self) -> "State":
        """Return a state that later months do not change."""
        return deepcopy(self)

    def in_force(self, people: People) -> Bools:
        """Who is under contract when the month begins."""
        return np.asarray((people.joined_month < self.month) & (self.left == NEVER))

    def term_end(self, people: People, timeline: Timeline) -> Ints:
        """Return the second at which each running term ends."""
        return timeline.starts_of(self.term_month + TERM_MONTHS) + people.offset


def first_state(people: People, rng: np.random.Generator) -> State:
    """Return how everyone begins; terms already running keep the month they began in, within the year before."""
    zeros = np.zeros(people.n)
    return State(
        month=0,
        deviation=rng.normal(-0.2, 0.45, size=people.n),
        late=zeros.copy(),
        unsolved=zeros.copy(),
        complaints=zeros.copy(),
        price=people.first_price.copy(),
        term_month=np.where(
            people.joined_month < 0, people.joined_month % TERM_MONTHS - TERM_MONTHS, people.joined_month
        ),
        term=np.ones(people.n, np.int64),
        effect=zeros.copy(),
        discounted=np.zeros(people.n, np.bool_),
        left=np.full(people.n, NEVER),
    )


def price_gap(price: Floats, people: People, world: World, month: int) -> Floats:
    """Return the log of the price over what the competitor asks for an equal plan in the region, that month."""
    competitor = LIST_PRICE_EUR[people.plan] * world.competitor_price_index[people.region, month] / 100
    return np.asarray(np.log(price / competitor))


def tenure_years(people: People, timeline: Timeline, when: Ints) -> Floats:
    """Return the years since each customer joined."""
    since = timeline.starts_of(people.joined_month) + people.offset
    return np.asarray(np.maximum(when - since, 0) / YEAR_SECONDS)


class Averages:
    """What an average month does to satisfaction, by segment and region and by calendar month: sums to be divided."""

    def __init__(self) -> None:
        self._place = np.zeros((3, 3 * len(REGIONS)))
        self._season = np.zeros((2, 12))
        self._complaints = np.zeros(2)

    def add(
        self, people: People, month: int, full: Bools, felt: Floats, complaints: Ints, satisfaction: Floats
    ) -> None:
        """Count one month of the customers who were under contract for all of it."""
        place, felt = _place(people)[full], felt[full]
        for row, weights in enumerate((np.ones_like(felt), felt, felt**2)):
            self._place[row] += np.bincount(place, weights, minlength=self._place.shape[1])
        self._season[:, month % 12] += felt.size, felt.sum()
        self._complaints += complaints[full].sum(), np.exp(-COMPLAINTS_FALL * satisfaction[full]).sum()

    def felt(self, people: People, month: int) -> Floats:
        """Return the mean of what a customer feels in a month: that of segment and region, plus that of the season."""
        count, felt, _ = self._place
        season = self._season[1] / np.maximum(self._season[0], 1)
        overall = self._season[1].sum() / max(self._season[0].sum(), 1)
        return np.asarray((felt / np.maximum(count, 1))[_place(people)] + season[month % 12] - overall)

    def felt_variance(self, people: People) -> Floats:
        """Return the variance of what a customer feels in a month, by segment and region."""
        _, felt, square = self._place / np.maximum(self._place[0], 1)
        return np.asarray((square - felt**2)[_place(people)])

    def complaints(self, satisfaction: Floats) -> Floats:
        """Return complaints per month at a satisfaction."""
        return np.asarray(self._complaints[0] / max(self._complaints[1], 1) * np.exp(-COMPLAINTS_FALL * satisfaction))


def _place(people: People) -> Ints:
    return people.segment * len(REGIONS) + people.region
