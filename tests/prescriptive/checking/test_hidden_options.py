"""An option that is said to be always hidden is never chosen: held against customers at random."""

import numpy as np
import pytest
from checking import KINDS, codes, met, under_check
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.prescriptive.checking import hidden_options
from cxml.prescriptive.checking.hidden_options import hidden_findings

CALL = {"name": "call", "channel": "phone", "cost": 5, "effect": 0.1, "eligibility": "renewal_risk > 0.5"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.1, "eligibility": "renewal_risk > 0.3"}


def hidden(*actions, **policy):
    return codes(hidden_findings(under_check(*actions, **policy)))


def test_what_costs_more_for_the_same_under_a_narrower_rule_is_hidden():
    (finding,) = hidden_findings(under_check(CALL, MAIL))
    assert (finding.code, finding.where) == ("hidden", "policy.actions[0]")
    assert (
        "'call' is never chosen: whenever its rule is true, so is that of 'mail', which is worth more" in finding.says
    )
    assert hidden(MAIL, CALL) == [("hidden", "policy.actions[1]")]


def test_of_two_that_are_the_same_the_later_is_hidden():
    assert hidden(MAIL, {**MAIL, "name": "letter"}) == [("hidden", "policy.actions[1]")]


@pytest.mark.parametrize(
    "keys",
    [
        {"eligibility": "renewal_risk > 0.2"},  # fires where the mail does not
        {"eligibility": "renewal_risk > 0.5 OR visits > 3"},
        {"eligibility": None},
        {"cost": 0.5},
        {"effect": 0.2},
        {"effect": "0.2 * renewal_risk"},
        {"benefit": 300},
        {"lever": 2},
        {"cost": "0.001 * visits"},
        {"valid_until": "2025-01-01", "cost": 0},
    ],
)
def test_what_may_be_worth_more_or_fire_alone_is_not_hidden(keys):
    assert hidden({**CALL, **keys}, MAIL) == []


@pytest.mark.parametrize(
    ("call", "mail"),
    [
        ({"effect": "0.1 * renewal_risk"}, {"effect": "0.2 * renewal_risk"}),
        ({"effect": "renewal_risk"}, {"effect": 1}),
        ({"cost": "0.2 * visits", "effect": 0.05}, {"cost": "0.1 * visits"}),
        ({"cost": "visits", "uses": {"hours": "visits"}}, {"uses": {"hours": "0.5 * visits"}, "cost": 0}),
        ({"valid_from": "2024-01-01"}, {}),
        ({"valid_until": "2024-08-01"}, {"valid_until": "2024-09-01"}),
    ],
)
def test_amounts_are_compared_as_multiples_of_the_same_or_by_their_ranges(call, mail):
    assert hidden({**MAIL, **mail}, {**CALL, **call}) == [("hidden", "policy.actions[1]")]


@pytest.mark.parametrize(
    ("mail", "policy"),
    [
        ({"valid_until": "2024-09-01"}, {}),
        ({"uses": {"hours": "visits"}}, {}),  # may be unknown, and then the mail cannot be chosen
        ({"cost": "0 * visits"}, {}),
        ({}, {"limits": [{"of": "cost", "channel": "mail", "amount": 10}]}),
        ({}, {"guard_rails": {"fairness": [{"by": "plan", "max_difference": 0.1}]}}),
        ({}, {"guard_rails": {"never": [{"channel": "mail", "customers": ["c1"]}]}}),
        ({}, {"guard_rails": {"consent": {"mail": "likes = 'mail'"}}}),
        ({}, {"contact_policy": {"channels": {"mail": {"max_contacts": 1, "window_days": 30}}}}),
        ({}, {"contact_policy": {"suppress": [{"channel": "mail", "when": "visits > 3"}]}}),
        ({}, {"weights": [{"channel": "mail", "weight": 0.5}]}),
    ],
)
def test_what_may_stand_against_the_other_keeps_an_option_from_being_hidden(mail, policy):
    assert hidden({**MAIL, **mail}, CALL, **policy) == []


def test_what_stands_against_both_does_not():
    policy = {
        "limits": [{"of": "contacts", "channel": "phone", "amount": 10}],
        "guard_rails": {"never": [{"customers": ["c1"]}]},
        "contact_policy": {"max_contacts": 2, "window_days": 30},
        "weights": [{"weight": 0.5, "when": "visits > 3"}],
    }
    assert hidden(MAIL, CALL, **policy) == [("hidden", "policy.actions[1]")]


def test_of_a_benefit_below_0_the_later_is_hidden_for_it_is_worth_no_more_than_nothing():
    free = {**CALL, "cost": 0, "effect": 0}
    better = {**MAIL, "cost": 0, "effect": 0.1}
    assert hidden(better, free) == [("hidden", "policy.actions[1]")]
    assert hidden({"name": "no_action"}, better, free) == [("hidden", "policy.actions[2]")]


CONDITIONS = st.sampled_from(
    [None, "renewal_risk > 0.3", "renewal_risk > 0.6", "renewal_risk BETWEEN 0.2 AND 0.7", "plan = 'gold'",
     "plan IN ('gold', 'basic')", "visits > 3", "visits IS NULL", "renewal_risk > 0.6 AND plan = 'gold'"]
)  # fmt: skip
AMOUNTS = st.sampled_from([0, 1, 5, "0.1 * visits", "visits", "0.5 * visits"])
EFFECTS = st.sampled_from([0, 0.1, 0.3, "0.1 * renewal_risk", "0.3 * renewal_risk", "renewal_risk", -0.1])
ACTION = st.fixed_dictionaries(
    {"eligibility": CONDITIONS, "suitability": CONDITIONS, "cost": AMOUNTS, "effect": EFFECTS},
    optional={"benefit": st.sampled_from([10, "visits"]), "lever": st.sampled_from([0, 2]), "channel": st.just("mail")},
)
CONSENT = st.sampled_from([{}, {"guard_rails": {"consent": {"mail": "likes = 'mail'"}}}])


@settings(max_examples=150, deadline=None)
@given(
    actions=st.lists(ACTION, min_size=2, max_size=4), policy=CONSENT, first=st.booleans(), seed=st.integers(0, 2**16)
)
def test_no_customer_ever_gets_what_is_hidden(actions, policy, first, seed):
    named = [{**action, "name": f"a{i}"} for i, action in enumerate(actions)]
    if policy and not any("channel" in action for action in named):
        policy = {}
    named.insert(0 if first else len(named), {"name": "no_action"})
    checked = under_check(*named, kinds=KINDS, **policy)
    places = [checked.places.index(finding.where) for finding in hidden_findings(checked)]
    if not places:
        return
    rng = np.random.default_rng(seed)
    n = 400
    found = met(
        checked,
        renewal_risk=np.where(rng.random(n) < 0.1, np.nan, rng.random(n).round(1)).tolist(),
        visits=np.where(rng.random(n) < 0.2, np.nan, rng.integers(-2, 8, n)).tolist(),
        value=np.where(rng.random(n) < 0.1, np.nan, rng.integers(-50, 100, n)).tolist(),
        plan=rng.choice(["gold", "basic", "silver"], n).tolist(),
        likes=rng.choice(["mail", "phone"], n).tolist(),
    )
    assert not np.isin(found.best, places).any()


def test_where_there_are_too_many_pairs_to_look_at_it_says_so(monkeypatch):
    monkeypatch.setattr(hidden_options, "_MOST_PAIRS", 3)
    many = [{"name": f"a{i}", "channel": "mail", "effect": 0.1, "eligibility": f"visits = {i}"} for i in range(5)]
    assert hidden(*many) == [("not-looked-at", "policy.actions")]
    assert hidden(*many[:2]) == []
