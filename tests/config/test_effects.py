"""`effects` of company.yaml and policy.yaml, and a policy read on its own: what they say, and what they cannot."""

import pytest

from cxml.config.load import example_config, load_config, load_policy
from cxml.errors import ConfigError


def test_effects_are_learnt_on_every_outcome_that_has_a_label(parsed):
    every = {"renewal": {}, "nps": {}, "value": {}}
    assert parsed(labels=every).effect_outcomes == ("renewal", "value", "nps")
    assert parsed(labels={"nps": {}}).effect_outcomes == ("nps",)
    assert parsed(labels=every).effects.answer_days == 90


def test_outcomes_may_be_chosen_and_none_is_a_choice(parsed):
    every = {"renewal": {}, "nps": {}}
    assert parsed(labels=every, effects={"outcomes": ["nps"]}).effect_outcomes == ("nps",)
    assert parsed(labels=every, effects={"outcomes": []}).effect_outcomes == ()


@pytest.mark.parametrize(
    ("effects", "says"),
    [
        (
            "{outcomes: [renewal, value]}",
            "effects.outcomes: 'value' needs `labels.value`, which says what it is",
        ),
        ("{outcomes: [churn]}", "effects.outcomes[0]: should be 'renewal', 'value' or 'nps'; it is 'churn'."),
        ("{answer_days: 0}", "effects.answer_days: should be greater than 0; it is 0."),
        ("{answr_days: 30}", "effects has no key 'answr_days'; did you mean 'answer_days'?"),
    ],
)
def test_effects_that_cannot_be_learnt_are_refused(refused, effects, says):
    said = refused(text=f"company: acme\ntables: {{customers: {{}}}}\nlabels: {{renewal: {{}}}}\neffects: {effects}\n")
    assert said.startswith("company.yaml: ")
    assert says in said


def test_what_an_action_is_measured_by_has_a_label(parsed, refused):
    policy = "policy: {actions: [{name: mail}, {name: gift, measured_by: value}, {name: call, measured_by: renewal}]}\n"
    said = refused(text=f"company: acme\ntables: {{customers: {{}}}}\nlabels: {{nps: {{}}}}\n{policy}")
    assert (
        "2 actions of the policy are measured by an outcome without a label (first: 'gift' by value): give "
        "`labels.value`, or leave `measured_by` out" in said
    )
    measured = {"actions": [{"name": "gift", "measured_by": "renewal"}, {"name": "mail", "measured_by": "nothing"}]}
    assert parsed(labels={"renewal": {}}, policy=measured).policy.actions[0].measured_by == "renewal"


def written(folder, text):
    (folder / "new.yaml").write_text(text, encoding="utf-8")
    return folder / "new.yaml"


def refusal(folder, text):
    with pytest.raises(ConfigError) as caught:
        load_policy(written(folder, text))
    return str(caught.value)


def test_a_policy_is_read_on_its_own_as_it_is_within_a_company():
    company = load_config(example_config("sample.yaml"))
    assert load_policy(example_config("policy.yaml")) == company.policy


def test_its_lists_of_customers_are_beside_it(tmp_path):
    path = written(tmp_path, "actions: [{name: mail}]\nguard_rails: {never: [{action: mail, file: never.csv}]}\n")
    assert load_policy(path).guard_rails.never[0].file == str(tmp_path / "never.csv")


def test_effects_of_a_policy_are_measured_and_expected_by_default(tmp_path):
    effects = load_policy(written(tmp_path, "actions: [{name: mail}]\n")).effects
    assert (effects.use, effects.decide_on) == ("measured", "expected")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("actons: [{name: mail}]", "the policy has no key 'actons'; did you mean 'actions'?"),
        ("actions: [{name: mail, chanel: web}]", "actions[0] has no key 'chanel'; did you mean 'channel'?"),
        ("{actions: [{name: mail}], effects: {usee: measured}}", "effects has no key 'usee'; did you mean 'use'?"),
        ("{actions: [{name: mail}], effects: {use: guessed}}", "effects.use: should be 'measured' or 'assumed'"),
        ("{actions: [{name: mail, measured_by: nps}]}", "say with `benefit` what a point of the NPS is worth"),
        ("{actions: [{name: mail, measured_by: value, benefit: 3}]}", "its effect is money, so leave `benefit` out"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_by_the_name_of_its_file(tmp_path, text, says):
    said = refusal(tmp_path, text)
    assert said.startswith("new.yaml: ")
    assert says in said


def test_all_faults_of_a_policy_are_told_together(tmp_path):
    said = refusal(tmp_path, "{actions: [{name: mail, cost: -1}], holdout_share: 2, limts: []}")
    assert "new.yaml: 3 faults:" in said
    assert "did you mean 'limits'?" in said


def test_a_policy_that_is_not_there_is_told_by_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: there is no such file\. Give the path of a policy\.yaml\."):
        load_policy(tmp_path / "nowhere.yaml")
