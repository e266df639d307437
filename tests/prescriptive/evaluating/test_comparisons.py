"""The policies that a policy stands against: each by hand on a few customers."""

import numpy as np
import pytest
from deciding import NOW, arrays, compiled

from cxml.prescriptive.evaluating.comparisons import (
    ELIGIBILITY_ONLY,
    NO_ACTION,
    PROPENSITY_ONLY,
    RANDOM_ELIGIBLE,
    WITHOUT_LEVERS,
    compared_probabilities,
)
from cxml.schema.columns import uplift_columns

NAN = float("nan")
NAMES = {RANDOM_ELIGIBLE, PROPENSITY_ONLY, WITHOUT_LEVERS, ELIGIBILITY_ONLY, NO_ACTION}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.04}
CALL = {"name": "call", "channel": "phone", "cost": 8, "effect": 0.10, "eligibility": "x > 0"}


def compared(actions, *, policy=None, customers=None, **columns):
    """Return for each policy the probabilities of each customer as {label: probability}, without zeros."""
    found = arrays(columns)
    n_rows = len(next(iter(found.values())))
    kinds = {name: "number" for name in found if name not in ("value", "renewal_risk")}
    made = compiled(actions, kinds=kinds, **(policy or {}))
    customers = customers or [f"c{i}" for i in range(n_rows)]
    result = compared_probabilities(made, found, customers, np.full(n_rows, NOW))
    assert set(result) == NAMES
    for odds in result.values():
        assert odds.shape == (n_rows, len(made.options))
        assert (odds >= 0).all()
        assert odds.sum(axis=1) == pytest.approx(1)
    return {
        name: [{made.labels[j]: row[j] for j in np.flatnonzero(row)} for row in odds] for name, odds in result.items()
    }


def certain(*labels):
    return [{label: 1.0} for label in labels]


def test_each_of_the_five_by_hand():
    # mail 100 x .04 - 1 = 3, call 100 x .1 - 8 = 2: by money mail is first, by effect call, where it fires.
    found = compared([MAIL, CALL], x=[1.0, 0.0, NAN], value=[100.0] * 3)
    assert found[RANDOM_ELIGIBLE] == [{"mail": 0.5, "call": 0.5}, {"mail": 1.0}, {"mail": 1.0}]
    assert found[PROPENSITY_ONLY] == certain("call", "mail", "mail")
    assert found[WITHOUT_LEVERS] == certain("mail", "mail", "mail")
    assert found[ELIGIBILITY_ONLY] == certain("mail", "mail", "mail")
    assert found[NO_ACTION] == certain("no_action", "no_action", "no_action")


def test_random_eligible_acts_on_whoever_may_be_acted_on_whatever_it_is_worth():
    dear = MAIL | {"cost": 1_000}
    found = compared([dear, CALL], x=[0.0, 1.0], value=[100.0, NAN])
    # who is worth nothing known has no option that fires
    assert found[RANDOM_ELIGIBLE] == certain("mail", "no_action")


def test_propensity_only_forgets_cost_and_worth():
    dear = MAIL | {"cost": 1_000}
    assert compared([dear], value=[1.0])[PROPENSITY_ONLY] == certain("mail")
    harmful = MAIL | {"effect": -0.01}
    assert compared([harmful], value=[1.0])[PROPENSITY_ONLY] == certain("no_action")


def test_propensity_only_ranks_by_what_was_measured():
    other = MAIL | {"name": "letter", "effect": 0}
    measured = {
        name: [value] for name, value in zip(uplift_columns("renewal", "letter"), (0.2, 0.19, 0.21), strict=True)
    }
    assert compared([MAIL, other], value=[100.0], **measured)[PROPENSITY_ONLY] == certain("letter")


def test_without_levers_ranks_by_money():
    # With its lever, call ranks with 100 x .1 x 3 - 8 = 22 before mail with 3; without it is 2.
    pushed = CALL | {"lever": 3}
    found = compared([MAIL, pushed], x=[1.0], value=[100.0], policy={"channel_preferences": {"phone": 2}})
    assert found[WITHOUT_LEVERS] == certain("mail")
    assert found[ELIGIBILITY_ONLY] == certain("call")  # keeps them


def test_eligibility_only_leaves_out_whom_it_suits_and_when():
    fitting = MAIL | {"suitability": "x > 5", "applicability": "y > 5", "eligibility": "z > 5"}
    columns = {"x": [9.0, 0.0, 9.0, 9.0], "y": [9.0, 9.0, 0.0, 9.0], "z": [9.0, 9.0, 9.0, 0.0], "value": [100.0] * 4}
    found = compared([fitting], **columns)
    assert found[ELIGIBILITY_ONLY] == certain("mail", "mail", "mail", "no_action")
    for name in (WITHOUT_LEVERS, PROPENSITY_ONLY, RANDOM_ELIGIBLE):
        assert found[name] == certain("mail", "no_action", "no_action", "no_action")


def test_all_keep_what_is_never_done_and_how_often_anybody_is_contacted():
    rails = {
        "guard_rails": {"never": [{"action": "mail", "customers": ["c1"]}]},
        "contact_policy": {"max_contacts": 1, "window_days": 30},
    }
    found = compared([MAIL], value=[100.0] * 3, contacts_30d=[0.0, 0.0, 1.0], policy=rails)
    for name in NAMES - {NO_ACTION}:
        assert found[name] == certain("mail", "no_action", "no_action")


def test_none_explores_or_holds_out():
    customers = [f"c{i}" for i in range(200)]
    policy = {"exploration_share": 0.4, "holdout_share": 0.4}
    found = compared([MAIL], value=[100.0] * 200, customers=customers, policy=policy)
    for name in NAMES - {NO_ACTION}:
        assert found[name] == certain(*["mail"] * 200)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("limit", [{"of": "cost", "amount": 30}, {"of": "contacts", "amount": 10}])
def test_limits_hold_for_each(limit):
    rng = np.random.default_rng(0)
    found = compared(
        [MAIL, CALL],
        x=rng.normal(size=100).tolist(),
        value=(100 * rng.random(100)).tolist(),
        policy={"limits": [limit]},
    )
    for name, rows in found.items():
        assert all(set(row.values()) == {1.0} for row in rows)
        chosen = [next(iter(row)) for row in rows]
        used = {
            "cost": 1.0 * chosen.count("mail") + 8.0 * chosen.count("call"),
            "contacts": 100 - chosen.count("no_action"),
        }
        assert used[limit["of"]] <= limit["amount"]
        if name != NO_ACTION:
            assert used[limit["of"]] > limit["amount"] - 8  # and are used


def test_under_a_limit_chance_falls_on_everybody_alike():
    n = 2_000
    rng = np.random.default_rng(0)
    value = rng.random(n) * 100 + 50
    found = compared([MAIL], value=value.tolist(), policy={"limits": [{"of": "contacts", "amount": n / 4}]})
    drawn = np.array([row == {"mail": 1.0} for row in found[RANDOM_ELIGIBLE]])
    assert drawn.sum() == n / 4
    # Who was drawn is worth as much as anybody: within 3 standard errors of the mean of all.
    assert abs(value[drawn].mean() - value.mean()) < 3 * value.std() / np.sqrt(drawn.sum())
    best = np.array([row == {"mail": 1.0} for row in found[WITHOUT_LEVERS]])
    assert value[best].min() >= value[~best].max()
