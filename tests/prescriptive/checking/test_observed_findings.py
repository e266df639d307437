import pytest
from checking import codes, met, under_check

from cxml.prescriptive.checking.observed_findings import observed_findings

CALL = {"name": "call", "channel": "phone", "cost": 5, "effect": 0.2, "eligibility": "renewal_risk > 0.5"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.2}
N = 30


def found(*actions, customers=None, policy=None, **columns):
    given = {"value": [100.0] * N, "renewal_risk": [0.9] * N} | columns
    here = met(under_check(*actions, **(policy or {})), customers=customers, **given)
    return list(observed_findings(here, here.customers))


def test_a_policy_that_meets_its_customers_has_no_findings():
    risk = [0.9, 0.1] * (N // 2)
    assert found({**CALL, "effect": 0.3}, MAIL, renewal_risk=risk) == []


def test_a_rule_that_fires_for_nobody_says_why():
    (finding,) = found(CALL, renewal_risk=[0.1] * 20 + [None] * 10)
    assert (finding.code, finding.where) == ("never-fired", "policy.actions[0]")
    assert finding.says == (
        "'call' fires for none of 30 customers: "
        "policy.actions[0].eligibility is true of 0, false of 20 and unknown of 10."
    )
    stopped = {"contact_policy": {"max_contacts": 1, "window_days": 30}}
    (finding,) = found(MAIL, policy=stopped, contacts_30d=[1.0] * N)
    assert "'1 contact in 30 days' suppresses it for 30" in finding.says


def test_an_action_that_is_always_worth_less_is_told_with_what_beats_it():
    (finding,) = found(CALL, MAIL)
    assert (finding.code, finding.where) == ("never-chosen", "policy.actions[0]")
    assert "'call' fires for 30 customers and is worth most to none; most often, 30 times, 'mail'" in finding.says


def test_an_action_that_costs_more_than_it_brings_is_beaten_by_doing_nothing():
    (finding,) = found({**CALL, "cost": 50})
    assert "'no_action' is worth more" in finding.says


def test_unknown_worth_is_counted():
    (finding,) = found(MAIL, value=[None] * 4 + [100.0] * 26)
    assert (finding.code, finding.where) == ("unknown-worth", "policy.actions[0]")
    assert "for 4 customers whose rule is true" in finding.says


def test_a_consent_that_nobody_gave_is_told():
    policy = {"guard_rails": {"consent": {"mail": "likes = 'mail'"}}}
    findings = found(MAIL, policy=policy, likes=["phone"] * 10 + [None] * 20)
    assert codes(findings) == [
        ("never-fired", "policy.actions[0]"),
        ("no-consent", "policy.guard_rails.consent.mail"),
    ]
    assert "is false of 10 customers and unknown of 20" in findings[1].says
    assert found(MAIL, policy=policy, likes=["mail"] + ["phone"] * 29) == []


def test_weights_below_zero_or_unknown_are_counted_each_once():
    policy = {"weights": [{"weight": "visits", "when": "renewal_risk > 0.5"}]}
    risk = [0.9] * 10 + [0.1] * 20
    visits = [-1.0] * 3 + [None] * 2 + [1.0] * 5 + [-1.0] * 20  # the last twenty are not weighted
    other = {**MAIL, "name": "letter", "cost": 0.5, "eligibility": "renewal_risk < 0.5"}
    (finding,) = found(MAIL, other, policy=policy, renewal_risk=risk, visits=visits)
    assert finding.code == "odd-weight"
    assert "below 0 for 3, which counts as 0 and unknown for 2, which counts as 1, of 10 customers" in finding.says


@pytest.mark.parametrize(
    ("limit", "loose"),
    [
        ({"of": "cost", "amount": 110}, True),  # 10 may be called for 5, 20 may get mail alone for 1: 70
        ({"of": "cost", "amount": 70}, True),
        ({"of": "cost", "amount": 69}, False),
        ({"of": "contacts", "channel": "phone", "amount": 10}, True),
        ({"of": "contacts", "channel": "phone", "amount": 9}, False),
        ({"of": "cost", "per_day": 60}, False),  # 120 in two days, and 70 on one
        ({"of": "cost", "per_day": 70}, True),
    ],
)
def test_a_limit_that_all_together_cannot_reach_is_told(limit, loose):
    policy = {"limits": [limit], "plan_days": 2}
    findings = found({**CALL, "effect": 0.3}, MAIL, policy=policy, renewal_risk=[0.9] * 10 + [0.1] * 20)
    assert codes(findings) == [("loose-limit", "policy.limits[0]")] * loose


def fairness(plan, *actions):
    policy = {"guard_rails": {"fairness": [{"by": "plan", "max_difference": 0.1}]}}
    return found(*(actions or [MAIL]), policy=policy, plan=plan)


def test_fairness_needs_two_groups_of_some_size():
    assert [f.says for f in fairness(["a"] * N)] == [
        "there are no two groups to be fair between: all have the same plan. Take it out."
    ]
    assert "plan is unknown of everybody" in fairness([None] * N)[0].says
    (finding,) = fairness(["a"] * 25 + ["b"] * 5)
    assert finding.code == "thin-group"
    assert "1 of 2 groups have fewer than 20 customers (smallest: 'b' with 5): whoever" in finding.says
    assert "by 20%" in finding.says


def test_a_group_that_the_rule_shuts_out_holds_the_others_back():
    plan = ["a"] * 40 + ["b"] * 40
    action = {**MAIL, "eligibility": "plan = 'a'"}
    policy = {"guard_rails": {"fairness": [{"by": "plan", "max_difference": 0.1}]}}
    (finding,) = found(action, policy=policy, plan=plan, value=[100.0] * 80, renewal_risk=[0.9] * 80)
    assert finding.code == "one-sided"
    assert "of the plan 'b' nobody may get it, so of the others at most 10% can" in finding.says


def test_listed_customers_who_are_none_are_counted_with_the_first():
    policy = {"guard_rails": {"never": [{"customers": ["c1", "x9", "x1"]}]}}
    (finding,) = found(MAIL, policy=policy)
    assert (finding.code, finding.where) == ("unknown-customers", "policy.guard_rails.never[0]")
    assert "2 of 3 listed are no customers (first: 'x1')" in finding.says


def test_groups_of_chance_that_are_too_small_to_measure_are_told():
    findings = found(MAIL, policy={"holdout_share": 0.05, "exploration_share": 0.1})
    assert codes(findings) == [("thin-share", "policy.holdout_share"), ("thin-share", "policy.exploration_share")]
    assert "0.05 of 30 customers are about 2; with fewer than 100" in findings[0].says


def test_what_is_told_of_what_a_rule_says_is_not_told_again():
    expired = {**MAIL, "valid_until": "2024-05-01"}
    assert found(expired) == []
    assert found({**MAIL, "eligibility": "health > 100"}) == []
