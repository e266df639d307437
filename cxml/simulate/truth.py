"""What is true of each customer today, and what would happen at the contract's end under each action."""

import numpy as np
import pandas as pd
from scipy.special import expit

from cxml.simulate.answers import nps_probabilities
from cxml.simulate.columns import customer_ids, times
from cxml.simulate.life import Life
from cxml.simulate.mood import PERSISTENCE, SHOCK
from cxml.simulate.renewal import (
    ACTIONS,
    MEMORY,
    PER_CONFIDENCE_POINT,
    PER_PRICE_GAP,
    PER_SATISFACTION,
    action_effects,
    price_sensitivity,
    renewal_logit,
)
from cxml.simulate.state import State, price_gap, tenure_years
from cxml.simulate.timeline import MONTHS_AHEAD, Floats, Ints
from cxml.simulate.world import (
    COMPETITOR_DRIFT,
    COMPETITOR_SHOCK,
    CONFIDENCE_MEAN,
    CONFIDENCE_PERSISTENCE,
    CONFIDENCE_SHOCK,
)

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


def truth_table(run: Life) -> pd.DataFrame:
    """Return one row per customer under contract at ``as_of``; see `cxml.simulate.simulate` for the columns."""
    state, people = run.state, run.people
    who = np.flatnonzero(state.in_force(people))
    satisfaction = people.level + state.deviation
    p_nps = nps_probabilities(satisfaction)
    p_renew = p_renew_by_action(run, state)
    columns: dict[str, object] = {"customer_id": customer_ids(who), "satisfaction": satisfaction[who]}
    columns |= {f"p_{name}": p_nps[who, code] for code, name in enumerate(("detractor", "passive", "promoter"))}
    columns |= {f"p_renew_{action}": p_renew[who, code] for code, action in enumerate(ACTIONS)}
    columns["price"] = state.price[who]
    columns["contract_end"] = times(state.term_end(people, run.timeline)[who])
    return pd.DataFrame(columns)


def p_renew_by_action(run: Life, state: State) -> Floats:
    """Return P(the running term is renewed | state, that action now and no other); shape (n, 5), columns as ACTIONS."""
    people = run.people
    last = max(state.month - 1, 0)
    gap = price_gap(state.price, people, run.world, last)
    sensitivity = price_sensitivity(people.segment, people.price_orientation)
    effects = action_effects(people.level + state.deviation, gap, state.late, state.unsolved, sensitivity)
    return np.stack([p_renew(run, state, effects[:, code]) for code in range(len(ACTIONS))], axis=1)


def p_renew(run: Life, state: State, effect: Floats) -> Floats:
    """Return P(the running term is renewed | state, ``effect`` added to the logit), over what may still happen.

    Conditions on the state when ``state.month`` begins (personal level, satisfaction, recent counts, price, tenure)
    and on the last month's economy. Until the term ends, satisfaction reverts to its level while average months
    (by segment, region and season of this company) keep moving it; confidence reverts; the competitor's prices
    drift. The logit is taken as normal around that expectation and integrated by Gauss-Hermite quadrature. Two
    things are approximate: the sum of what will be felt is not exactly normal, and complaints enter by their
    expectation.
    """
    people, world = run.people, run.world
    end = state.term_end(people, run.timeline)
    months, fraction = _time_left(run, state, end)
    satisfaction, variance = _satisfaction_at_end(run, state, months, fraction)
    last = max(state.month - 1, 0)
    ahead = months + 1  # the economy of the last month is known; that of the month of the end lies this far ahead
    gap = price_gap(state.price, people, world, last) - COMPETITOR_DRIFT * ahead
    departure = world.consumer_confidence[people.region, last] - CONFIDENCE_MEAN
    faded = MEMORY ** (months + fraction)
    rate = run.averages.complaints((satisfaction + people.level + state.deviation) / 2)
    sensitivity = price_sensitivity(people.segment, people.price_orientation)
    mean = renewal_logit(
        satisfaction=satisfaction,
        price_gap=gap,
        complaints=faded * state.complaints + (1 - faded) / (1 - MEMORY) * rate,
        tenure_years=tenure_years(people, run.timeline, end),
        confidence=CONFIDENCE_MEAN + departure * CONFIDENCE_PERSISTENCE**ahead,
        sensitivity=sensitivity,
        auto_pay=people.auto_pay,
        addons=people.addons,
        effect=effect,
    )
    confidence_variance = CONFIDENCE_SHOCK**2 * (
        (1 - CONFIDENCE_PERSISTENCE ** (2 * ahead)) / (1 - CONFIDENCE_PERSISTENCE**2)
    )
    spread = np.sqrt(
        PER_SATISFACTION**2 * variance
        + (PER_PRICE_GAP * sensitivity * COMPETITOR_SHOCK) ** 2 * ahead
        + PER_CONFIDENCE_POINT**2 * confidence_variance
    )
    p = np.zeros(people.n)
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        p += weight * expit(mean + node * spread)
    return p


def _time_left(run: Life, state: State, end: Ints) -> tuple[Ints, Floats]:
    """Whole months until the term's last one, and how far into that one it ends."""
    month = run.timeline.month_of(end)
    start, following = run.timeline.starts_of(month), run.timeline.starts_of(month + 1)
    return np.maximum(month - state.month, 0), (end - start) / (following - start)


def _satisfaction_at_end(run: Life, state: State, months: Ints, fraction: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of satisfaction when the running term ends: mood.py's recursion, month by month."""
    deviation, variance = state.deviation.copy(), np.zeros(state.deviation.size)
    per_month = run.averages.felt_variance(run.people)
    for ahead in range(MONTHS_AHEAD):
        felt = run.averages.felt(run.people, state.month + ahead)
        # 1 in a month that is lived through, the fraction in the last one, 0 after it
        part = np.where(ahead < months, 1.0, np.where(ahead == months, fraction, 0.0))
        deviation = deviation * PERSISTENCE**part + felt * part
        variance = variance * PERSISTENCE ** (2 * part) + per_month * part + (SHOCK * part) ** 2
    return run.people.level + deviation, variance
