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
        ({"contact_policy": {"max_contacts": 1}}, r"contact_policy: `max_contacts` and `window_days` go together\."),
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


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"exploration_share": 0.6, "holdout_share": 0.4}, "exploration_share and holdout_share must leave somebody"),
        ({"limits": [{"of": "cost"}]}, r"limits\[0\]: needs either `amount`, of the whole run, or `per_day`"),
        ({"limits": [{"amount": 1, "per_day": 1}]}, r"limits\[0\]: needs either `amount`"),
        ({"limits": [{"amount": -1}]}, r"limits\[0\]\.amount: should be greater than or equal to 0; it is -1\."),
        ({"limits": [{"amount": float("nan")}]}, r"limits\[0\]\.amount: should be"),
        ({"limits": [{"amount": 1}, {"per_day": 2}]}, "every limit must have a name of its own; 'cost' is there twice"),
        ({"plan_days": 0}, r"plan_days: should be greater than 0; it is 0\."),
        (
            {"contact_policy": {"suppress": [{"group": "a"}]}},
            r"suppress\[0\]: needs either `after` with `days`, or `when`",
        ),
        ({"contact_policy": {"suppress": [{"after": {"action": "a"}}]}}, "`after` and `days` go together"),
        ({"guard_rails": {"never": [{"action": "call"}]}}, "needs `customers`, `file` or `when`"),
        ({"guard_rails": {"fairness": [{"by": "region", "max_difference": 2}]}}, "max_difference: should be less than"),
        ({"issues": {"retention": {"levr": 2}}}, "issues.retention has no key 'levr'; did you mean 'lever'"),
        (
            {"features": [{"kind": "attribute", "name": "value", "column": "x"}]},
            "'value' is the name of a key or a pred",
        ),
    ],
)
def test_what_the_policy_says_of_its_limits_is_checked(parsed, keys, says):
    with pytest.raises(ConfigError, match=says):
        parsed(**policy(CALL, **keys))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"treatments": [{"channel": "web"}]}, "says `channel` and `treatments`; keep one of them"),
        ({"channel": None, "treatments": [{"channel": "web"}, {"channel": "web"}]}, "two treatments over 'web'"),
        ({"valid_from": "2024-06-01", "valid_until": "2024-05-01"}, "must be valid from before it is valid until"),
        ({"valid_from": 20240501}, r"valid_from: must be a date such as 2024-05-31"),
        ({"valid_until": "2024-13-01"}, "valid_until: month must be in 1..12"),
        ({"uses": {"agent_hours": -1}}, "uses.agent_hours of 'call' must be 0 or more"),
        ({"lever": -1}, "lever: should be greater than or equal to 0"),
        ({"lever": float("inf")}, "lever: should be a finite number"),
    ],
)
def test_what_an_action_says_is_checked(parsed, keys, says):
    with pytest.raises(ConfigError, match=says):
        parsed(**policy(CALL | keys))


def test_an_issue_of_its_own_beside_another_of_its_group_is_refused(parsed):
    groups = {"offers": {"issue": "retention"}}
    with pytest.raises(ConfigError, match="'call' is of issue 'growth', its group of 'retention'; say one"):
        parsed(**policy(CALL | {"group": "offers", "issue": "growth"}, groups=groups))
    found = parsed(**policy(CALL | {"group": "offers"}, groups=groups)).policy
    assert found.issue_of(found.actions[0]) == "retention"


def test_the_last_day_of_an_action_counts_to_its_end(parsed):
    days = {"valid_from": "2024-05-01", "valid_until": "2024-05-31"}
    call = parsed(**policy(CALL | days)).policy.actions[0]
    assert call.valid_from.isoformat() == "2024-05-01T00:00:00+00:00"
    assert call.valid_until.isoformat() == "2024-05-31T23:59:59.999999+00:00"
