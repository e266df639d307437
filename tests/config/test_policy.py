import pytest

from cxml.config.policy import ActionConfig
from cxml.errors import ConfigError

CALL = {"name": "call", "channel": "phone", "cost": 15, "effect": "0.1 * renewal_risk", "eligibility": "health < 50"}


def policy(*actions, **keys):
    return {"policy": {"actions": list(actions), **keys}}


def test_no_action_is_added_at_the_end(parsed):
    actions = parsed(**policy(CALL, {"name": "mail"})).policy.actions
    assert [action.name for action in actions] == ["call", "mail", "no_action"]
    assert actions[-1] == ActionConfig(name="no_action", cost=0, effect=0, channel=None, eligibility=None)


def test_no_action_that_is_listed_is_not_added_again(parsed):
    assert [a.name for a in parsed(**policy({"name": "no_action"}, CALL)).policy.actions] == ["no_action", "call"]


@pytest.mark.parametrize("key", [{"cost": 3}, {"channel": "web"}, {"effect": 0.1}, {"eligibility": "health < 50"}])
def test_no_action_does_nothing(parsed, key):
    with pytest.raises(ConfigError, match=r"policy: 'no_action' is free, contacts nobody and changes nothing"):
        parsed(**policy(CALL, {"name": "no_action"} | key))


def test_actions_have_names_of_their_own(parsed):
    with pytest.raises(ConfigError, match=r"every action must have a name of its own; 'call' is there twice"):
        parsed(**policy(CALL, {"name": "mail"}, {"name": "call"}, {"name": "mail"}, {"name": "sms"}))


def test_there_is_an_action(parsed):
    with pytest.raises(ConfigError, match=r"policy\.actions: .*at least 1"):
        parsed(**policy())
    with pytest.raises(ConfigError, match=r"policy\.actions: is missing"):
        parsed(policy={})


def test_what_an_action_leaves_out_has_its_default(parsed):
    call = ActionConfig(name="call", channel=None, cost=0, benefit="value", effect=0, eligibility=None)
    assert parsed(**policy({"name": "call"})).policy.actions[0] == call


def test_a_cost_is_a_number_or_an_expression(parsed):
    actions = parsed(**policy({"name": "a", "cost": 3}, {"name": "b", "cost": "0.1 * value"})).policy.actions
    assert [action.cost for action in actions[:2]] == [3.0, "0.1 * value"]


def test_an_action_that_is_wrong_is_the_only_fault(parsed):
    with pytest.raises(ConfigError, match=r"^config: policy\.actions\[0\] has no key 'efect'; did you mean 'effect'.$"):
        parsed(**policy({"name": "call", "efect": 1}))


def test_a_cost_that_is_neither_is_one_fault(parsed):
    with pytest.raises(ConfigError, match=r"^config: policy\.actions\[0\]\.cost.*$"):
        parsed(**policy({"name": "call", "cost": [1]}, {"name": "mail"}))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"holdout_share": 1}, r"holdout_share: should be less than 1; it is 1\."),
        ({"holdout_share": -0.1}, r"holdout_share: should be greater than or equal to 0; it is -0\.1\."),
        ({"contact_policy": {"max_contacts": 1}}, r"contact_policy\.window_days: is missing\."),
        ({"contact_policy": {"max_contacts": -1, "window_days": 7}}, r"contact_policy\.max_contacts: .*it is -1\."),
        ({"contact_policy": {"max_contacts": 1, "window_days": 0}}, r"contact_policy\.window_days: .*it is 0\."),
    ],
)
def test_the_limits_have_limits(parsed, keys, says):
    with pytest.raises(ConfigError, match=rf"^config: policy\.{says}"):
        parsed(**policy(CALL, **keys))


@pytest.mark.parametrize("name", ["call me", "1st", "", "a" * 101])
def test_a_name_is_letters_digits_and_underscores(parsed, name):
    with pytest.raises(ConfigError, match=r"policy\.actions\[0\]\.name: string should"):
        parsed(**policy({"name": name}, CALL))
