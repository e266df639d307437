"""Chance: who is held out, who is explored with, and that logged propensities are the frequencies of many runs."""

import numpy as np
import pytest
from deciding import NOW, arrays, compiled

from cxml.prescriptive.decisions import decisions
from cxml.schema.decided import EXPLORED

MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
CALL = {"name": "call", "channel": "phone", "cost": 2, "effect": 0.05}
ACTIONS = [MAIL, CALL | {"eligibility": "renewal_risk > 0.5"}, {"name": "gift", "cost": 4, "effect": 0.02}]
CUSTOMERS = [f"c{i}" for i in range(4_000)]


def runs(policy, n_runs, **columns):
    """Return the decisions of the same customers on as many days."""
    for day in range(n_runs):
        moments = np.full(len(CUSTOMERS), NOW + np.timedelta64(day, "D"))
        yield decisions(policy, arrays(columns), CUSTOMERS, moments)[0]


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(0)
    return {"renewal_risk": rng.random(len(CUSTOMERS)), "value": rng.random(len(CUSTOMERS)) * 200}


def test_explored_customers_get_any_option_that_fired_equally_often(columns):
    found = next(iter(runs(compiled(ACTIONS, exploration_share=0.9), 1, **columns)))
    risky = found.explored & (np.asarray(columns["renewal_risk"]) > 0.5)
    shares = {name: (found.action[risky] == name).mean() for name in ("mail", "call", "gift", "no_action")}
    assert found.explored.mean() == pytest.approx(0.9, abs=0.02)
    assert shares == pytest.approx(dict.fromkeys(shares, 0.25), abs=0.04)
    safe = found.explored & ~risky
    assert not (found.action[safe] == "call").any()
    assert set(found.rule[found.explored]) == {EXPLORED}
    assert np.isnan(found.margin[found.explored]).all()


def test_exploration_is_drawn_anew_and_the_holdout_is_for_good(columns):
    first, second = runs(compiled(ACTIONS, exploration_share=0.5, holdout_share=0.3), 2, **columns)
    assert np.array_equal(first.holdout, second.holdout)
    assert (first.explored != second.explored).mean() > 0.2
    assert not (first.holdout & first.explored).any()
    again = next(iter(runs(compiled(ACTIONS, exploration_share=0.5, holdout_share=0.3), 1, **columns)))
    assert first.action.tolist() == again.action.tolist()


def test_propensities_add_up_to_one_over_what_can_happen():
    """One customer, three options that fired: best, another, nothing; by the definition."""
    columns = {"renewal_risk": [0.9] * 4_000, "value": [100.0] * 4_000}
    found = next(iter(runs(compiled([MAIL, CALL], exploration_share=0.6, holdout_share=0.1), 1, **columns)))
    share = dict(zip(found.action, found.propensity, strict=True))
    assert share["mail"] == pytest.approx(0.9 * (0.4 + 0.6 / 3))  # mail is worth 4, a call 3
    assert share["call"] == pytest.approx(0.9 * 0.6 / 3)
    assert share["no_action"] == pytest.approx(0.9 * 0.6 / 3 + 0.1)
    assert sum(share.values()) == pytest.approx(1)


@pytest.mark.parametrize("limits", [[], [{"of": "contacts", "channel": "phone", "amount": 150}]])
def test_propensities_are_the_frequencies_of_many_runs(columns, limits):
    """Inverse propensity weighting counts every action as often as there are customers who may get it."""
    policy = compiled(ACTIONS, exploration_share=0.5, limits=limits)
    n_runs = 20
    counted = dict.fromkeys(("mail", "gift", "no_action"), 0.0)
    for found in runs(policy, n_runs, **columns):
        assert (found.propensity > 0).all()
        for name in counted:
            counted[name] += (1 / found.propensity[found.action == name]).sum() / n_runs / len(CUSTOMERS)
    assert counted == pytest.approx(dict.fromkeys(counted, 1.0), abs=0.08)


@pytest.mark.parametrize("action", [{"channel": "mail"}, {"treatments": [{"channel": "mail"}, {"channel": "phone"}]}])
def test_propensities_are_the_frequencies_where_a_limit_cuts_through_customers_who_are_alike(action):
    """At the price of the limit an action is worth as much as none to everybody: the order decides, not the price."""
    mail = {"name": "mail", "cost": 1, "benefit": 60, "effect": 0.06} | action
    limits = [{"of": "contacts", "channel": "mail", "amount": 400}, {"of": "contacts", "amount": 600}]
    policy = compiled([mail], exploration_share=0.3, holdout_share=0.1, limits=limits)
    columns = {"value": [100.0] * len(CUSTOMERS)}
    n_runs, counted = 15, dict.fromkeys([option.channel for option in policy.options], 0.0)
    for found in runs(policy, n_runs, **columns):
        for channel in counted:
            counted[channel] += (1 / found.propensity[found.channel == channel]).sum() / n_runs / len(CUSTOMERS)
        by_chance = found.holdout | found.explored
        assert (found.intended[by_chance] == "mail").mean() == pytest.approx(
            (found.action[~by_chance] == "mail").mean(), abs=0.06
        )
    # the holdout is for good: a tenth, give or take a hundredth
    assert counted == pytest.approx(dict.fromkeys(counted, 1.0), abs=0.08)


GIFT = {"name": "gift", "channel": "mail", "cost": "0.02 * value", "effect": 0.03}
VISIT = {
    "name": "visit",
    "channel": "phone",
    "cost": 400,
    "benefit": 20_000,
    "effect": 0.5,
    "eligibility": "value > 300",
}


@pytest.mark.parametrize(("actions", "amount"), [([GIFT], 500), ([GIFT, VISIT], 2_000)], ids=["in proportion", "large"])
def test_intended_is_what_the_free_get_where_prices_do_not_tell(actions, amount):
    """A gift is worth as much by euro to everybody; of a few large visits one does not fit, and gifts get its room."""
    policy = compiled(actions, limits=[{"amount": amount}], exploration_share=0.1, holdout_share=0.1)
    shares, counted = [], []
    for seed in range(60):
        columns = arrays({"value": np.random.default_rng(seed).lognormal(4, 0.7, 800)})
        found = decisions(policy, columns, [f"c{i}/{seed}" for i in range(800)], np.full(800, NOW))[0]
        free = ~(found.holdout | found.explored)
        shares.append([(of == "gift").mean() for of in (found.action[free], found.intended[~free])])
        counted.append([(1 / found.propensity[found.action == name]).sum() / 800 for name in ("gift", "no_action")])
    got, told = np.mean(shares, axis=0)
    assert 0.3 < got < 0.9
    assert told == pytest.approx(got, abs=0.03)
    assert np.mean(counted, axis=0) == pytest.approx([1, 1], abs=0.06)


def few_calls(amount):
    """Return the runs of 300 customers, drawn anew, who may get any number of mails and a few calls."""
    mail = {"name": "mail", "channel": "mail", "cost": 1, "benefit": 50, "effect": 0.1}
    call = {"name": "call", "channel": "phone", "cost": 2, "benefit": 50, "effect": "0.15 + 0.3 * renewal_risk"}
    limits = [{"of": "contacts", "channel": "phone", "amount": amount}]
    policy = compiled([mail, call], limits=limits, exploration_share=0.2, holdout_share=0.1)
    columns = arrays({"renewal_risk": np.random.default_rng(0).random(300), "value": np.full(300, 50.0)})
    for run in range(200):
        yield decisions(policy, columns, [f"c{i}/{run}" for i in range(300)], np.full(300, NOW))


def test_a_limit_that_the_explored_use_up_is_not_free_to_whom_chance_decides():
    """The price of what is left tells nothing where nothing is left: one who is held out would not have got it."""
    used_up = 0
    for found, allocated in few_calls(2):
        if (found.action[found.explored] == "call").sum() == 2:
            used_up += 1
            assert (found.intended[found.holdout] == "mail").all()
            assert "call" not in found.action[~found.explored & ~found.holdout]
            # the most that a call was worth above a mail, to whom it could have been given
            free = ~found.explored & ~found.holdout
            gain = 2.5 - 1 + 15 * np.random.default_rng(0).random(300)
            assert allocated.limits[0].price == pytest.approx(gain[free].max())
    assert used_up > 20


def test_a_limit_of_one_action_leaves_the_draws_of_the_others():
    counted, n_explored, n_runs = dict.fromkeys(("mail", "call", "no_action"), 0.0), 0, 0
    drawn = dict.fromkeys(counted, 0)
    for found, _ in few_calls(8):
        n_runs, n_explored = n_runs + 1, n_explored + found.explored.sum()
        for name in counted:
            drawn[name] += (found.action[found.explored] == name).sum()
            counted[name] += (1 / found.propensity[found.action == name]).sum() / len(found.action)
    assert drawn["mail"] / n_explored == pytest.approx(1 / 3, abs=0.02)
    assert drawn["call"] / n_runs == pytest.approx(4, abs=0.4)  # half of what the limit allows
    assert {name: n / n_runs for name, n in counted.items()} == pytest.approx(dict.fromkeys(counted, 1.0), abs=0.1)


def test_what_is_drawn_holds_within_the_limits(columns):
    limits = [{"of": "contacts", "channel": "phone", "amount": 20}, {"of": "cost", "amount": 300}]
    policy = compiled(ACTIONS, exploration_share=0.9, limits=limits)
    for found in runs(policy, 5, **columns):
        assert (found.action == "call").sum() <= 20
        assert found.cost.sum() <= 300
        assert found.explored.any()


def test_who_chance_decides_for_is_told_what_was_intended(columns):
    found = next(iter(runs(compiled(ACTIONS, exploration_share=0.4, holdout_share=0.2), 1, **columns)))
    alone = next(iter(runs(compiled(ACTIONS), 1, **columns)))  # nothing is left to chance
    by_chance = found.holdout | found.explored
    assert found.intended.tolist() == alone.action.tolist()
    assert found.intended[~by_chance].tolist() == found.action[~by_chance].tolist()
    assert set(found.intended[found.holdout]) > {"no_action"}
