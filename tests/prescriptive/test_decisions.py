import json

import numpy as np
import pytest
from deciding import decide

from cxml.prescriptive.decisions import decision_id
from cxml.schema.decided import HELD_OUT, NOTHING_PAYS

NAN = float("nan")

CALL = {"name": "call", "channel": "phone", "cost": 10, "effect": 0.2, "eligibility": "renewal_risk > 0.5"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}


def test_worth_is_benefit_times_effect_minus_cost_and_the_best_is_chosen():
    found = decide([CALL, MAIL], renewal_risk=[0.9, 0.1, 0.9], value=[100.0, 100.0, 10.0])
    # call: 100 x .2 - 10 = 10; mail: 100 x .05 - 1 = 4; for a value of 10: call -8, mail -.5, nothing 0
    assert found.action.tolist() == ["call", "mail", "no_action"]
    assert found.expected_value.tolist() == [10.0, 4.0, 0.0]
    assert found.cost.tolist() == [10.0, 1.0, 0.0]
    assert found.channel.tolist() == ["phone", "mail", None]
    assert found.rule.tolist() == ["renewal_risk > 0.5", "everyone", NOTHING_PAYS]
    assert found.runner_up.tolist() == ["mail", "no_action", "mail"]
    assert found.margin.tolist() == [6.0, 4.0, 0.5]  # 10 - 4, 4 - 0, 0 - (-.5)
    assert [json.loads(why) for why in found.why] == [
        {"fired": ["call", "mail"], "not_met": {}, "not_applicable": {}, "suppressed": {}},
        {"fired": ["mail"], "not_met": {"call": "eligibility"}, "not_applicable": {}, "suppressed": {}},
        {"fired": ["call", "mail"], "not_met": {}, "not_applicable": {}, "suppressed": {}},
    ]


def test_an_unknown_value_never_fires_a_rule():
    found = decide([CALL], renewal_risk=[NAN, 0.9], value=[100.0, 100.0])
    assert found.action.tolist() == ["no_action", "call"]


def test_an_action_of_unknown_worth_is_not_chosen():
    found = decide([MAIL], renewal_risk=[0.5, 0.5], value=[NAN, 100.0])
    assert found.action.tolist() == ["no_action", "mail"]


def test_a_tie_goes_to_the_action_that_is_named_first():
    twin = {**MAIL, "name": "letter"}
    assert decide([MAIL, twin], value=[100.0]).action.tolist() == ["mail"]
    assert decide([twin, MAIL], value=[100.0]).action.tolist() == ["letter"]


def test_cost_and_effect_can_be_expressions():
    action = {"name": "discount", "channel": "mail", "cost": "0.1 * value", "effect": "0.5 * renewal_risk"}
    found = decide([action], renewal_risk=[0.8], value=[200.0])
    assert (found.cost[0], found.expected_value[0]) == (20.0, 200 * 0.4 - 20)


LIMITED = {"holdout_share": 0, "contact_policy": {"max_contacts": 2, "window_days": 30}}


@pytest.mark.parametrize(
    ("past", "expected"), [(0.0, "mail"), (1.0, "mail"), (2.0, "no_action"), (5.0, "no_action"), (NAN, "mail")]
)
def test_the_contact_limit_suppresses_what_reaches_the_customer(past, expected):
    found = decide([MAIL], value=[100.0], contacts_30d=[past], policy=LIMITED)
    assert found.action.tolist() == [expected]
    stopped = {} if expected == "mail" else {"mail": "2 contacts in 30 days"}
    assert json.loads(found.why[0])["suppressed"] == stopped


def test_an_action_that_contacts_nobody_is_not_limited():
    upgrade = {"name": "upgrade", "cost": 1, "effect": 0.05}
    assert decide([upgrade], value=[100.0], contacts_30d=[9.0], policy=LIMITED).action.tolist() == ["upgrade"]


def test_held_out_customers_get_nothing_and_propensities_say_how_likely_that_was():
    customers = [f"c{i}" for i in range(20_000)]
    found = decide([MAIL], customers=customers, value=[100.0] * 20_000, policy={"holdout_share": 0.1})
    assert found.holdout.mean() == pytest.approx(0.1, abs=0.01)
    assert set(found.action[found.holdout]) == {"no_action"}
    assert set(found.action[~found.holdout]) == {"mail"}
    assert set(found.propensity[found.holdout]) == {0.1}
    assert set(found.propensity[~found.holdout]) == {0.9}
    assert set(found.rule[found.holdout]) == {HELD_OUT}
    again = decide(
        [CALL, MAIL],
        customers=customers,
        value=[9.0] * 20_000,
        renewal_risk=[0.9] * 20_000,
        policy={"holdout_share": 0.1},
    )
    assert np.array_equal(found.holdout, again.holdout)  # the group stays when the policy changes


def test_where_nothing_pays_no_action_was_certain():
    found = decide([MAIL], customers=[f"c{i}" for i in range(100)], value=[0.0] * 100, policy={"holdout_share": 0.5})
    assert set(found.propensity) == {1.0}


def test_each_row_is_decided_alone():
    rng = np.random.default_rng(0)
    risk, value = rng.random(200), rng.random(200) * 300
    many = decide([CALL, MAIL], renewal_risk=risk, value=value)
    for i in range(0, 200, 17):
        one = decide([CALL, MAIL], customers=[f"c{i}"], renewal_risk=risk[i : i + 1], value=value[i : i + 1])
        for alone, together in zip(vars(one).values(), vars(many).values(), strict=True):
            assert alone[0] == together[i] or (alone[0] != alone[0] and together[i] != together[i])


def test_a_decision_has_the_same_id_for_the_same_inputs_only():
    decision = ("c1", "2024-01-01T00:00:00.000000Z", "m1 p1", "call", 1.5)
    others = [("c2", *decision[1:]), ("c1", "2024-01-02T00:00:00.000000Z", *decision[2:]),
              (*decision[:2], "m2 p1", *decision[3:]), (*decision[:3], "mail", 1.5), (*decision[:4], 1.25)]  # fmt: skip
    assert decision_id(*decision) == decision_id(*decision)
    assert len({decision_id(*decision), *(decision_id(*other) for other in others)}) == 6
