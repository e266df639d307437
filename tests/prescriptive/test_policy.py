import json

import pytest

from cxml.config.policy import PolicyConfig
from cxml.errors import BundleError, ConfigError
from cxml.prescriptive.compiling import compiled_policy
from cxml.prescriptive.policy import Policy

FEATURES = {"calls": "number", "plan": "category", "contacts_30d": "number"}


def policy(*actions, **rest):
    return PolicyConfig.model_validate({"actions": list(actions), **rest})


CALL = {
    "name": "call",
    "channel": "phone",
    "cost": 5,
    "eligibility": "renewal_risk > 0.6 AND plan = 'gold'",
    "effect": 0.1,
}


def test_a_compiled_policy_survives_json():
    compiled = compiled_policy(policy(CALL), FEATURES, has_value=True)
    assert Policy.from_json(json.loads(json.dumps(compiled.to_json()))) == compiled


def full_policy():
    return policy(
        CALL | {"group": "talk", "applicability": "calls < 9", "uses": {"hours": 0.2}, "lever": 2},
        {"name": "mail", "treatments": [{"channel": "mail"}, {"channel": "web", "suitability": "calls > 1"}]},
        groups={"talk": {"issue": "retention"}},
        weights=[{"issue": "retention", "weight": "calls", "when": "plan = 'gold'"}],
        contact_policy={"max_contacts": 2, "window_days": 30, "suppress": [{"group": "talk", "when": "calls > 5"}]},
        guard_rails={
            "consent": {"web": "plan <> 'none'"},
            "never": [{"action": "call", "customers": ["c7"]}],
            "fairness": [{"by": "plan", "max_difference": 0.1}],
        },
        limits=[{"amount": 100}, {"of": "hours", "per_day": 4}],
        plan_days=3,
        exploration_share=0.1,
        exploration={"method": "thompson", "by": "plan"},
    )


def test_everything_that_a_policy_can_say_survives_json():
    compiled = compiled_policy(full_policy(), FEATURES, has_value=True)
    assert Policy.from_json(json.loads(json.dumps(compiled.to_json()))) == compiled
    assert compiled.labels == ("no_action", "call", "mail/mail", "mail/web")
    assert compiled.reads == {"calls": "number", "contacts_30d": "number", "plan": "text"}
    assert [(limit.options, limit.amount) for limit in compiled.limits] == [((1, 2, 3), 100), ((1, 2, 3), 12)]


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda stored: stored["options"][1].update(eligibility=["eval", "1"]), "not of the grammar"),
        (lambda stored: stored["options"][1].update(cost=["text", "free"]), "must be a number, and is a text"),
        (lambda stored: stored["options"][1]["stops"][0].update(tree=[["and"]]), "not of the grammar"),
        (lambda stored: stored.pop("exploration"), "is not one of this version of cxml"),
        (lambda stored: stored.pop("limits"), "is not one of this version of cxml"),
        (lambda stored: stored.update(actions=[]), "is not one of this version of cxml"),
    ],
)
def test_a_stored_policy_that_is_none_is_refused(break_it, says):
    stored = json.loads(json.dumps(compiled_policy(full_policy(), FEATURES, has_value=True).to_json()))
    break_it(stored)
    with pytest.raises(BundleError, match=says):
        Policy.from_json(stored)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"limits": [{"amount": 1, "group": "gift"}]}, r"policy.limits\[0\]: no action has the group 'gift'"),
        ({"limits": [{"amount": 1, "channel": "phon"}]}, "no action has the channel 'phon'; did you mean 'phone'"),
        (
            {"limits": [{"amount": 1, "action": "mail", "channel": "phone"}]},
            "no action is of action mail channel phone at",
        ),
        ({"limits": [{"of": "hour", "amount": 1}]}, "is of 'hour', which no action uses; did you mean 'hours'"),
        ({"groups": {"tlk": {}}}, "policy.groups.tlk: no action is in it; did you mean 'talk'"),
        ({"issues": {"growth": {}}}, "policy.issues.growth: no action is in it. Name it at an action"),
        ({"channel_preferences": {"sms": 2}}, "no action has the channel 'sms'"),
        ({"weights": [{"weight": "'x'"}]}, r"policy.weights\[0\].weight: must be a number"),
        ({"guard_rails": {"consent": {"phone": "agred"}}}, "there is no column 'agred'"),
        (
            {"guard_rails": {"fairness": [{"by": "call", "max_difference": 0.1}]}},
            "no column 'call'; did you mean 'calls'",
        ),
        ({"guard_rails": {"never": [{"action": "call", "file": "/no/such.csv"}]}}, "such.csv is not there. Give"),
        ({"contact_policy": {"suppress": [{"group": "talk", "after": {"group": "tlk"}, "days": 9}]}}, "mean 'talk'"),
    ],
)
def test_a_limit_about_nothing_is_a_slip_of_the_pen(keys, says):
    mail = {"name": "mail", "channel": "mail"}
    bad = policy(CALL | {"group": "talk", "uses": {"hours": 1}}, mail, **keys)
    with pytest.raises(ConfigError, match=says):
        compiled_policy(bad, FEATURES, has_value=True)


def test_the_rule_is_kept_as_its_author_wrote_it():
    nothing, call = compiled_policy(policy(CALL), FEATURES, has_value=True).options
    assert call.rule == "renewal_risk > 0.6 AND plan = 'gold'"
    assert (nothing.action, nothing.rule, nothing.eligibility) == ("no_action", "everyone", None)


def test_the_version_follows_what_the_policy_says():
    first = compiled_policy(policy(CALL), FEATURES, has_value=True)
    assert compiled_policy(policy(CALL), FEATURES, has_value=True).version == first.version
    assert compiled_policy(policy({**CALL, "cost": 6}), FEATURES, has_value=True).version != first.version
    assert compiled_policy(policy(CALL, holdout_share=0.2), FEATURES, has_value=True).version != first.version


def test_every_fault_of_every_action_is_reported_together():
    bad = policy(
        {**CALL, "eligibility": "renewl_risk > 0.6"},
        {**CALL, "name": "mail", "cost": "plan", "effect": "colour * 2"},
    )
    with pytest.raises(ConfigError) as caught:
        compiled_policy(bad, FEATURES, has_value=True)
    message = str(caught.value)
    assert message.startswith("3 faults:")
    assert "policy.actions[0].eligibility: there is no column 'renewl_risk'; did you mean 'renewal_risk'?" in message
    assert "policy.actions[1].cost: must be a number; 'plan' is a text" in message
    assert "policy.actions[1].effect: there is no column 'colour'." in message


def test_a_policy_on_value_needs_a_company_that_says_what_a_customer_is_worth():
    with pytest.raises(ConfigError, match=r"policy.actions\[0\].benefit: uses `value`, but .* Set `value:`"):
        compiled_policy(policy(CALL), FEATURES, has_value=False)
    compiled_policy(policy({**CALL, "benefit": 100}), FEATURES, has_value=False)
