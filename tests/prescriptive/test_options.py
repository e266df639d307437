"""For whom an option fires, what stops it, and what it is worth: each pair fires / does not fire."""

import json

import numpy as np
import pytest
from deciding import NOW, decide

NAN = float("nan")
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
CALL = {"name": "call", "channel": "phone", "cost": 1, "effect": 0.05}


def states(found):
    return [json.loads(why) for why in found.why]


def state(found, label, i=0):
    """Return the state of an option for a customer, and what it is for."""
    told = json.loads(found.why[i])
    if label in told["fired"]:
        return "fired"
    return next(
        (kind, told[kind][label]) for kind in ("not_met", "not_applicable", "suppressed") if label in told[kind]
    )


@pytest.mark.parametrize(
    ("key", "state_of"),
    [
        ("eligibility", ("not_met", "eligibility")),
        ("suitability", ("not_met", "suitability")),
        ("applicability", ("not_applicable", "applicability")),
    ],
)
def test_every_condition_must_be_true(key, state_of):
    found = decide([MAIL | {key: "health < 50"}], health=[10.0, 90.0, NAN], value=[100.0] * 3)
    assert [state(found, "mail", i) for i in range(3)] == ["fired", state_of, state_of]
    assert found.action.tolist() == ["mail", "no_action", "no_action"]


def test_conditions_of_issue_group_action_and_treatment_must_all_be_true():
    action = {
        "name": "offer",
        "group": "gifts",
        "effect": 0.1,
        "eligibility": "renewal_risk < 0.9",
        "treatments": [{"channel": "mail", "eligibility": "x < 9"}, {"channel": "web"}],
    }
    more = {
        "issues": {"retention": {"eligibility": "health > 20"}},
        "groups": {"gifts": {"issue": "retention", "suitability": "y = 1"}},
    }
    found = decide(
        [action],
        policy=more,
        health=[50.0, 10.0, 50.0, 50.0, 50.0],
        renewal_risk=[0.5, 0.5, 0.95, 0.5, 0.5],
        y=[1.0, 1.0, 1.0, 0.0, 1.0],
        x=[0.0, 0.0, 0.0, 0.0, 10.0],
        value=[100.0] * 5,
    )
    assert found.action.tolist() == ["offer", "no_action", "no_action", "no_action", "offer"]
    assert found.channel.tolist() == ["mail", None, None, None, "web"]
    assert found.rule[0] == "(health > 20) AND (renewal_risk < 0.9) AND (x < 9) AND (y = 1)"
    assert state(found, "offer/mail", 3) == ("not_met", "suitability")


def test_a_treatment_says_what_it_does_differently():
    action = {
        "name": "offer",
        "cost": 5,
        "effect": 0.2,
        "treatments": [{"channel": "phone", "cost": 12}, {"channel": "mail", "effect": 0.15}],
    }
    found = decide([action], value=[100.0, 20.0])
    # phone 100 x .2 - 12 = 8, mail 100 x .15 - 5 = 10; of 20: phone -8, mail -2
    assert (found.channel[0], found.expected_value[0], found.runner_up[0]) == ("mail", 10.0, "offer/phone")
    assert found.action[1] == "no_action"


@pytest.mark.parametrize(
    ("dates", "fires"),
    [
        ({"valid_from": "2024-06-01"}, True),
        ({"valid_from": "2024-06-02"}, False),
        ({"valid_until": "2024-06-01"}, True),  # a date counts to its end
        ({"valid_until": "2024-05-31"}, False),
        ({"valid_until": "2024-06-01T00:00:00Z"}, False),
        ({"valid_from": "2024-01-01", "valid_until": "2024-12-31"}, True),
    ],
)
def test_an_action_has_its_dates(dates, fires):
    found = decide([MAIL | dates], value=[100.0])
    assert state(found, "mail") == ("fired" if fires else ("not_applicable", "outside its dates"))


def test_each_row_has_its_own_moment():
    moments = [NOW - np.timedelta64(1, "D"), NOW]
    found = decide([MAIL | {"valid_from": "2024-06-01"}], moments=moments, value=[100.0, 100.0])
    assert found.action.tolist() == ["no_action", "mail"]


@pytest.mark.parametrize("amount", [{"cost": "x"}, {"effect": "x"}, {"benefit": "x"}, {"uses": {"hours": "x"}}])
def test_an_option_of_unknown_worth_or_use_is_not_chosen(amount):
    found = decide([MAIL | amount], x=[NAN, 0.5], value=[100.0, 100.0])
    assert [state(found, "mail", i) for i in range(2)] == [("not_applicable", "cost, use or worth unknown"), "fired"]


@pytest.mark.parametrize("amount", [{"cost": "x"}, {"uses": {"hours": "x"}}])
def test_nothing_costs_less_than_nothing(amount):
    found = decide([MAIL | amount], x=[-1.0], value=[100.0])
    assert found.action[0] == "no_action"


def test_consent_that_is_unknown_is_none():
    rails = {"guard_rails": {"consent": {"phone": "agreed = 1"}}}
    found = decide([CALL, MAIL | {"effect": 0.03}], policy=rails, agreed=[1.0, 0.0, NAN], value=[100.0] * 3)
    assert found.action.tolist() == ["call", "mail", "mail"]
    assert state(found, "call", 2) == ("suppressed", "no consent to phone")


def test_who_is_on_a_list_never_gets_it():
    rails = {"guard_rails": {"never": [{"action": "call", "customers": ["c1"]}, {"channel": "mail", "when": "x > 0"}]}}
    found = decide([CALL, MAIL], policy=rails, x=[1.0, 1.0, 0.0], value=[100.0] * 3)
    assert found.action.tolist() == ["call", "no_action", "call"]
    assert state(found, "call", 1) == ("suppressed", "on a list of never")
    assert state(found, "mail", 1) == ("suppressed", "never where x > 0")


def test_a_list_can_be_a_file(tmp_path):
    path = tmp_path / "never.csv"
    path.write_text("note,customer_id\nasked us,c1\n,c2 \n", encoding="utf-8")
    rails = {"guard_rails": {"never": [{"action": "call", "file": str(path)}]}}
    assert decide([CALL], policy=rails, value=[100.0] * 4).action.tolist() == ["call", "no_action", "no_action", "call"]


def test_marketing_rests_while_something_holds():
    rest = {"contact_policy": {"suppress": [{"issue": "marketing", "when": "open_complaints > 0"}]}}
    offer = MAIL | {"issue": "marketing"}
    found = decide([offer], policy=rest, open_complaints=[0.0, 2.0, NAN], value=[100.0] * 3)
    assert found.action.tolist() == ["mail", "no_action", "mail"]


def test_a_limit_of_contacts_of_a_channel_leaves_the_others():
    contacts = {"contact_policy": {"channels": {"phone": {"max_contacts": 1, "window_days": 90}}}}
    found = decide([CALL, MAIL | {"effect": 0.03}], policy=contacts, contacts_phone_90d=[0.0, 1.0], value=[100.0] * 2)
    assert found.action.tolist() == ["call", "mail"]


def test_no_contact_is_allowed_where_the_limit_is_none():
    contacts = {"contact_policy": {"max_contacts": 0, "window_days": 30}}
    fix = {"name": "fix", "cost": 1, "effect": 0.02}
    assert decide([CALL, fix], policy=contacts, contacts_30d=[0.0], value=[100.0]).action.tolist() == ["fix"]


def test_weights_change_the_rank_and_not_the_money():
    # call 100 x .05 - 1 = 4, mail 100 x .04 - 1 = 3; with the lever of 2 mail ranks with 100 x .04 x 2 - 1 = 7
    found = decide([CALL, MAIL | {"effect": 0.04, "lever": 2}], value=[100.0])
    assert (found.action[0], found.expected_value[0], found.priority[0], found.margin[0]) == ("mail", 3.0, 7.0, 3.0)


def test_levers_weights_and_preferences_multiply_where_they_apply():
    more = {
        "groups": {"gifts": {"lever": 3}},
        "weights": [{"group": "gifts", "weight": 2, "when": "vip = 1"}, {"channel": "web", "weight": 100}],
        "channel_preferences": {"mail": "likes_mail"},
    }
    web = {"name": "web", "channel": "web", "cost": 1, "effect": 0}
    found = decide(
        [MAIL | {"group": "gifts"}, web],
        policy=more,
        vip=[1.0, 0.0, NAN],
        likes_mail=[0.5, NAN, -1.0],
        value=[100.0] * 3,
    )
    # 100 x .05 = 5: x 3 x 2 x .5 - 1; x 3 - 1 where preference is unknown; x 0 - 1 where it is below 0, so nothing pays
    assert found.priority.tolist() == [14.0, 14.0, 0.0]
    assert found.expected_value.tolist() == [4.0, 4.0, 0.0]


def test_the_range_of_the_effect_is_that_of_the_money():
    known = MAIL | {"name": "known", "effect": 0.06, "effect_low": 0.0, "effect_high": "0.1"}
    found = decide([MAIL], value=[100.0])
    # nothing, .05 x 100, or twice that, minus 1
    assert (found.expected_low[0], found.expected_value[0], found.expected_high[0]) == (-1.0, 4.0, pytest.approx(9.0))
    found = decide([known], value=[100.0])
    assert (found.expected_low[0], found.expected_value[0], found.expected_high[0]) == (-1.0, 5.0, 9.0)
    assert set(found.effect_source) == {"assumed"}


def test_a_treatment_with_an_effect_of_its_own_has_a_range_of_its_own():
    action = {"name": "offer", "effect": 0.01, "effect_low": 0.01, "effect_high": 0.02,
              "treatments": [{"channel": "mail", "effect": 0.1}]}  # fmt: skip
    found = decide([action], value=[100.0])
    assert (found.expected_low[0], found.expected_value[0], found.expected_high[0]) == pytest.approx((0, 10, 20))
