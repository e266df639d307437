"""The sample company lived month by month, with decisions that come from outside."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxml.errors import ConfigError, broken_by, listed, near_miss
from cxml.simulate.actions import Offers, action_cost_eur, actions_table, channels_of
from cxml.simulate.columns import customer_ids, times
from cxml.simulate.events import delivery_delays
from cxml.simulate.life import begun, campaign, live_month
from cxml.simulate.people import customers_table, people
from cxml.simulate.renewal import ACTIONS
from cxml.simulate.surveys import surveys_table
from cxml.simulate.timeline import Ints, Timeline
from cxml.simulate.truth import truth_table
from cxml.simulate.world import environment_table, world

# What each stream of random numbers is for. Every month has its own, so that companies of one seed whose decisions
# differ draw alike as far as they can.
_BEGIN, _MONTH, _DELAYS, _CUSTOMERS, _ENVIRONMENT = range(5)


class LiveCompany:
    """A sample company whose customers get the actions that they are given, month by month.

    People, world and behaviour are those of `cxml.simulate.simulate`; the draws are others. About 60 days before a
    yearly contract ends an action can be taken, once; it works on the renewal as it does there.

    Parameters
    ----------
    n_customers : int, at least 1
        Everyone who is under contract at some moment of the calendar; those who join later are in no table before.
    months_before : int, at least 1
        Months from 2022-01-01 UTC on that are lived at once.
    months_ahead : int, at least 1
        How many months can be lived after them.
    random_state : int, 0 or more
        The same seed and the same decisions give the same bytes.
    campaign : bool
        Whether the first months have the random campaign of `simulate`; otherwise nobody gets an action in them.

    Raises
    ------
    ConfigError
        If a number is too small.

    Examples
    --------
    >>> company = LiveCompany(300, campaign=False)
    >>> company.as_of
    Timestamp('2023-07-01 00:00:00+0000', tz='UTC')
    >>> due = company.due()
    >>> company.live_month(due.assign(action="thank_you", propensity=1.0))
    >>> len(company.tables()["actions"]) == len(due)
    True
    """

    def __init__(
        self,
        n_customers: int = 4_000,
        *,
        months_before: int = 18,
        months_ahead: int = 24,
        random_state: int = 0,
        campaign: bool = True,
    ) -> None:
        least = {
            "n_customers": (n_customers, 1),
            "months_before": (months_before, 1),
            "months_ahead": (months_ahead, 1),
        }
        least["random_state"] = random_state, 0
        faults = [f"{name} must be at least {low}, not {given}." for name, (given, low) in least.items() if given < low]
        if faults:
            raise ConfigError(listed(faults))
        self._random_state = random_state
        self._timeline = Timeline(months_before + months_ahead)
        rng, months = self._rng(_BEGIN), self._timeline.months
        self._life = begun(people(n_customers, months, rng), world(months, rng), self._timeline, rng)
        self._delays: list[Ints] = []
        for _ in range(months_before):
            self._live(None if campaign else _nobody())

    @property
    def as_of(self) -> pd.Timestamp:
        """The start of the month that comes next, UTC."""
        return times(np.array([self._seconds]))[0]

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return what the company knows at ``as_of``, as the tables of `cxml.simulate.simulate`.

        Later months add rows, the answers to invitations that were open, and how running contracts ended.
        """
        run, now = self._life, self._seconds
        customers = customers_table(run.people, self._timeline, self._rng(_CUSTOMERS))
        environment = environment_table(run.world, self._timeline, self._rng(_ENVIRONMENT))
        delays = np.concatenate(self._delays)
        return {
            "customers": customers[run.people.joined_month < run.state.month].reset_index(drop=True),
            "events": run.events.table(run.state.left, now, delays),
            "surveys": surveys_table(run.invitations, run.state.left, now),
            "contracts": run.contracts_table(),
            "environment": environment[environment["known_time"] < self.as_of].reset_index(drop=True),
            "actions": actions_table(run.offers),
        }

    def due(self) -> pd.DataFrame:
        """Return the customers whose action is decided in the coming month, and when; about 60 days before their end.

        Returns
        -------
        DataFrame of shape (n_due, 2)
            ``customer_id``, sorted, and ``decision_time``, UTC.
        """
        who = np.flatnonzero(self._life.due())
        return pd.DataFrame({"customer_id": customer_ids(who), "decision_time": times(self._life.decided_at()[who])})

    def truth(self) -> pd.DataFrame:
        """Return what is true at ``as_of`` of everyone under contract, as `cxml.simulate.simulate` tells it."""
        return truth_table(self._life)

    def live_month(self, decisions: pd.DataFrame | None = None) -> None:
        """Live the coming month, with an action for some of those who are due; the others get none, and no row.

        Parameters
        ----------
        decisions : DataFrame, a row for each customer who is given an action, ``no_action`` included
            ``customer_id`` and ``action``; and where the log is to have them ``propensity`` (unknown by default),
            ``holdout`` (False), ``channel`` and ``cost`` in EUR (as the action has them). Other columns are not read.

        Raises
        ------
        ConfigError
            If a customer is not due or is there twice, an action is none of `cxml.simulate.renewal.ACTIONS`, a held-out
            customer gets one, a propensity is not above 0 and up to 1, a cost is below 0, or the calendar is at its
            end. All faults of the decisions together; no month is lived then.
        """
        if self._life.state.month == self._timeline.months:
            raise ConfigError(f"the calendar ends at {self.as_of:%Y-%m-%d}; make the company with more `months_ahead`.")
        self._live(_nobody() if decisions is None else self._offers(decisions))

    @property
    def _seconds(self) -> int:
        return self._timeline.start_of(self._life.state.month)

    def _live(self, offers: Offers | None) -> None:
        """Live a month with given offers, or with those of the campaign."""
        month, n_before = self._life.state.month, self._life.events.n
        offering = campaign if offers is None else lambda _life, _rng: offers
        live_month(self._life, offering, self._rng(_MONTH, month))
        self._delays.append(delivery_delays(self._life.events.n - n_before, self._rng(_DELAYS, month)))

    def _rng(self, purpose: int, month: int = 0) -> np.random.Generator:
        return np.random.default_rng([self._random_state, purpose, month])

    def _offers(self, decisions: pd.DataFrame) -> Offers:
        if missing := [name for name in ("customer_id", "action") if name not in decisions]:
            raise ConfigError(f"decisions: there is no column {missing[0]!r}. Give customer_id and action.")
        due = np.flatnonzero(self._life.due())
        place = pd.Index(customer_ids(due)).get_indexer(pd.Index(decisions["customer_id"]))
        action = pd.Index(ACTIONS).get_indexer(pd.Index(decisions["action"]))
        n = len(decisions)
        propensity = _column(decisions, "propensity", np.full(n, np.nan))
        holdout = _column(decisions, "holdout", np.zeros(n)) == 1
        cost = action_cost_eur(action, self._life.state.price[due[place]]) if n and due.size else np.zeros(n)
        cost = _column(decisions, "cost", cost)
        wrong = action < 0
        meant = near_miss(str(decisions["action"].iloc[int(wrong.argmax())]), ACTIONS) if wrong.any() else ""
        again = decisions["customer_id"].duplicated().to_numpy()
        impossible = ~(np.isnan(propensity) | ((propensity > 0) & (propensity <= 1)))
        faults = [
            _fault(decisions, name, rule, bad) + remedy
            for name, rule, bad, remedy in (
                ("customer_id", "must be due in the coming month", place < 0, " `due` tells who is."),
                ("customer_id", "must be there once", again, " A customer gets one action before a contract's end."),
                ("action", f"must be one of {', '.join(ACTIONS)}", wrong, f" {meant.removeprefix('; ')}".rstrip()),
                ("action", "must be no_action where holdout is true", holdout & (action > 0), ""),
                ("propensity", "must be above 0 and up to 1", impossible, " Leave unknown ones empty."),
                ("cost", "must be 0 or more", ~(cost >= 0), ""),
            )
            if bad.any()
        ]
        if faults:
            raise ConfigError(listed(faults))
        channel = channels_of(action)
        if "channel" in decisions:
            channel = (
                decisions["channel"].astype(object).where(decisions["channel"].notna(), None).to_numpy(dtype=object)
            )
        who = due[place]
        return Offers(who, self._life.decided_at()[who], action.astype(np.int64), channel, propensity, cost, holdout)


def _nobody() -> Offers:
    none = np.zeros(0, np.int64)
    return Offers(none, none, none, channels_of(none), np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))


def _column(decisions: pd.DataFrame, name: str, otherwise: NDArray[Any]) -> NDArray[Any]:
    return decisions[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in decisions else otherwise


def _fault(decisions: pd.DataFrame, name: str, rule: str, bad: NDArray[np.bool_]) -> str:
    first = decisions.iloc[int(bad.argmax())]
    has = "" if name == "customer_id" else f" has {first[name]!r}"
    customer = first["customer_id"]
    return f"decisions.{name}: {rule}; {broken_by(int(bad.sum()), len(bad))} (first: {customer!r}{has})."
