"""The sample company: a few years of a subscription business, drawn from a seed, with its truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxml.errors import ConfigError, listed
from cxml.simulate.actions import actions_table
from cxml.simulate.columns import times
from cxml.simulate.events import delivery_delays
from cxml.simulate.life import Life, life
from cxml.simulate.people import customers_table, people
from cxml.simulate.surveys import surveys_table
from cxml.simulate.timeline import Timeline
from cxml.simulate.truth import truth_table
from cxml.simulate.world import environment_table, world

LEAST_MONTHS = 24
"""Two yearly terms: with less, nobody is seen to decide twice, and no season is seen twice."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """A sample company.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        ``customers``, ``events``, ``surveys``, ``contracts``, ``environment``, ``actions``, as `cxml.schema` has them.
    truth : DataFrame
        One row per customer under contract at ``as_of``; no table tells it.
    as_of : Timestamp
        Today, UTC midnight: after everything in the tables but the ends of running contracts.
    """

    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    truth: pd.DataFrame = field(repr=False)
    as_of: pd.Timestamp


def simulate(n_customers: int = 4_000, *, months: int = 30, random_state: int = 0) -> Simulation:
    """Draw a subscription company whose customers' satisfaction and choices are known.

    Satisfaction is latent. Late deliveries, unsolved contacts and price rises lower it more than early deliveries,
    solved contacts and discounts raise it; it is forgotten by half within 3.5 months. It shows in complaints, posts,
    voices, visits, purchases and survey answers, and decides with price, competitor, add-ons, economy and tenure
    whether a yearly contract is renewed. The unhappy and the extreme answer surveys more often. About 60 days before a
    contract's end a random part of the customers receives a random action, whose effect differs by customer.

    Parameters
    ----------
    n_customers : int, at least 1
        Everyone who is under contract at some moment; about two thirds still are at the end.
    months : int, at least 24
        Length of the calendar, which begins on 2022-01-01 UTC.
    random_state : int
        The same seed gives the same bytes.

    Returns
    -------
    Simulation
        Money is in EUR (``contracts.price`` per month), ``events.duration`` in minutes, delays in days (negative:
        early). ``actions.propensity`` is P(action | segment, reached by the campaign), holdout included; the reached
        are a coin's choice, and the others, who have no row, got nothing. The cost of a discount is booked in full
        when it is offered, whether or not the contract is renewed.

        ``truth`` has ``satisfaction`` now; ``p_detractor``, ``p_passive``, ``p_promoter``, the answer if everyone were
        asked now and everyone answered; and ``p_renew_<action>``, P(the running term is renewed at its end) if that
        action were taken now and no other before or after it. The latter conditions on everything latent as of now
        and is averaged over what may happen until the end, as `cxml.simulate.truth.p_renew` explains. Its ``price``
        and ``contract_end`` are those of the running term.

    Raises
    ------
    ConfigError
        If there is less than one customer, or less than two years.

    Examples
    --------
    >>> company = simulate(200)
    >>> sorted(company.tables)
    ['actions', 'contracts', 'customers', 'environment', 'events', 'surveys']
    >>> company.as_of
    Timestamp('2024-07-01 00:00:00+0000', tz='UTC')
    """
    faults = []
    if n_customers < 1:
        faults.append(f"n_customers must be at least 1, not {n_customers}.")
    if months < LEAST_MONTHS:
        faults.append(
            f"months must be at least {LEAST_MONTHS}, not {months}: contracts are yearly, and customers are to be seen "
            "deciding twice."
        )
    if faults:
        raise ConfigError(listed(faults))
    rng = np.random.default_rng(random_state)
    return simulation(lived(n_customers, months, rng), rng)


def lived(n_customers: int, months: int, rng: np.random.Generator, keep: frozenset[int] = frozenset()) -> Life:
    """Live a company's months; ``keep`` names months whose starting state is wanted as well."""
    timeline = Timeline(months)
    return life(people(n_customers, months, rng), world(months, rng), timeline, rng, keep)


def simulation(run: Life, rng: np.random.Generator) -> Simulation:
    """Bring a life into tables, and work out its truth."""
    timeline, left = run.timeline, run.state.left
    tables = {
        "customers": customers_table(run.people, timeline, rng),
        "events": run.events.table(left, timeline.as_of, delivery_delays(run.events.n, rng)),
        "surveys": surveys_table(run.invitations, left, timeline.as_of),
        "contracts": run.contracts_table(),
        "environment": environment_table(run.world, timeline, rng),
        "actions": actions_table(run.offers),
    }
    return Simulation(tables=tables, truth=truth_table(run), as_of=times(np.array([timeline.as_of]))[0])
