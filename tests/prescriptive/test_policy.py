import json

import pytest

from cxml.config.policy import PolicyConfig
from cxml.errors import ConfigError
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


def test_the_rule_is_kept_as_its_author_wrote_it():
    call, nothing = compiled_policy(policy(CALL), FEATURES, has_value=True).options
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
