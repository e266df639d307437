"""The policy of the sample company checked, as it is and with slips of every kind."""

import pandas as pd
import pytest

import cxml
from cxml.config.policy import PolicyConfig
from cxml.errors import BundleError, ConfigError
from cxml.pipeline import check_policy


@pytest.fixture(scope="module")
def sound(sample):
    return check_policy(sample.config, frames=sample.simulation.tables, models=sample.models)


def with_policy(config, **keys):
    """Return the config with some keys of its policy changed; actions are those of the sample, changed by name."""
    actions = keys.pop("actions", {})
    policy = config.policy.model_dump(exclude_unset=True)
    policy["actions"] = [{**action, **actions.pop(action["name"], {})} for action in policy["actions"]]
    policy["actions"] = [action for action in policy["actions"] if action["name"] != "no_action"]
    policy["actions"] += [{"name": name, **more} for name, more in actions.items()]
    return config.model_copy(update={"policy": PolicyConfig.model_validate(policy | keys)})


def checked(sample, **keys):
    return check_policy(with_policy(sample.config, **keys), frames=sample.simulation.tables, models=sample.models)


def test_the_sample_policy_has_no_faults_and_its_coverage_adds_up(sample, sound):
    assert sound.faults == ()
    assert sound.text.endswith("no faults")
    n = len(sample.scored.features)
    counts = ["n_not_met", "n_not_valid", "n_suppressed", "n_no_worth", "n_fired"]
    assert set(sound.options[counts].sum(axis=1)) == {float(n)}
    assert set(sound.conditions[["n_true", "n_false", "n_unknown"]].sum(axis=1)) == {float(n)}
    assert sound.options["n_chosen"].sum() == n


def test_coverage_is_that_of_the_recommendations(sample, sound):
    recommended, predictions = sample.scored.recommendations, sample.scored.predictions
    decided = recommended[~recommended["holdout"]]
    chosen = sound.options.set_index("option")["n_chosen"]
    for action, n in decided["action"].value_counts().items():
        assert n <= chosen[action]
    rescue = sound.conditions[sound.conditions["option"] == "rescue_call"].iloc[0]
    risk, unhappy = predictions["renewal_risk"], predictions["p_detractor"]
    true = (risk > 0.15) & (unhappy > 0.25)
    assert rescue["n_true"] == true.sum()
    known_false = (risk <= 0.15) | (unhappy <= 0.25)
    assert rescue["n_false"] == known_false.sum()
    nothing = recommended[recommended["why"].str.contains('"fired": \\[\\]')]
    assert sound.uncovered.n == len(nothing)
    assert sound.uncovered.example == nothing["customer_id"].iloc[0]


def test_slips_are_found_with_the_values_that_customers_have(sample):
    segment = sample.simulation.tables["customers"]["segment"].dropna().iloc[0]
    found = checked(
        sample,
        actions={
            "discount": {"eligibility": f"segment = '{segment.upper()}'"},
            "service_fix": {"eligibility": "health < 50 AND renewal_risk > 1"},
            "late": {"effect": 0.1, "valid_until": "2020-01-01", "channel": "mail"},
        },
        guard_rails={"never": [{"customers": ["nobody"]}]},
        holdout_share=0.02,
        cases=[
            {"name": "angry", "given": {"renewal_risk": 0.5, "p_detractor": 0.8, "value": 500},
             "expect": "rescue_call"},
            {"name": "calm", "given": {"renewal_risk": 0.1, "value": 100}, "expect": "discount"},
            {"name": "slip", "given": {"renewl_risk": 0.1}, "expect": "discount"},
        ],
    )  # fmt: skip
    told = {(finding.code, finding.where) for finding in found.findings}
    assert told >= {
        ("unknown-value", "policy.actions[1].eligibility"),
        ("never-fires", "policy.actions[2].eligibility"),
        ("expired", "policy.actions[4].valid_until"),
        ("unknown-customers", "policy.guard_rails.never[0]"),
        ("thin-share", "policy.holdout_share"),
        ("failed-case", "policy.cases[1]"),
        ("refused", "policy.cases[2].given.renewl_risk"),
    }
    assert [case.passed for case in found.cases] == [True, False]
    assert found.text.endswith(f"faults: {len(found.faults)}")
    assert max(map(len, found.text.splitlines())) <= 100


def test_what_cannot_be_read_is_a_finding_each_and_no_error(sample):
    found = checked(
        sample,
        actions={"discount": {"eligibility": "renewl_risk > 0.5"}, "service_fix": {"cost": "'cheap'"}},
        limits=[{"of": "cost", "action": "discont", "amount": 5}],
    )
    assert [(finding.code, finding.where) for finding in found.findings] == [
        ("refused", "policy.actions[1].eligibility"),
        ("refused", "policy.actions[2].cost"),
        ("refused", "policy.limits[0]"),
    ]
    assert found.findings[0].says.startswith("there is no column 'renewl_risk'; did you mean 'renewal_risk'?")
    assert found.options is None
    assert "note: correct what is refused first: nothing else was looked at." in found.text


def test_without_a_bundle_rules_and_cases_are_checked_and_it_says_so(sample, tmp_path):
    config = with_policy(
        sample.config,
        actions={"service_fix": {"eligibility": "health > 100"}},
        cases=[{"name": "calm", "given": {"renewal_risk": 0.1, "value": 100}, "expect": "discount"}],
    )
    found = check_policy(config, frames=sample.simulation.tables, models=tmp_path)
    assert {finding.code for finding in found.faults} == {"never-fires", "failed-case"}
    assert (found.options, found.conditions, found.uncovered) == (None, None, None)
    assert "there is no bundle in" in found.notes[0]
    assert "note: there is no bundle in" in found.text


def test_a_bundle_that_cannot_be_read_is_an_error(sample, tmp_path):
    (tmp_path / "sample" / "bundle").mkdir(parents=True)
    with pytest.raises(BundleError):
        check_policy(sample.config, frames=sample.simulation.tables, models=tmp_path)


def test_a_config_without_a_policy_is_refused(sample):
    config = sample.config.model_copy(update={"policy": None})
    with pytest.raises(ConfigError, match=r"policy: the config has none\."):
        cxml.check_policy(config, frames=sample.simulation.tables, models=sample.models)


def test_checking_twice_says_the_same(sample, sound):
    again = check_policy(sample.config, frames=sample.simulation.tables, models=sample.models)
    assert again.text == sound.text
    assert again.findings == sound.findings
    pd.testing.assert_frame_equal(again.options, sound.options)
