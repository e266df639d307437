"""What a policy would have earned, against what was planted: the truth of every policy is known."""

import pandas as pd
import pytest
from planted import COST, STAYS, WORTH, share_that_stays

from cxml.config.policy import PolicyConfig
from cxml.errors import ConfigError, TrainingError
from cxml.pipeline import evaluate_policy

HELPS = {"at_risk": "call", "loyal": "no_action"}
WASTES = {"at_risk": "letter", "loyal": "call"}
NOBODY = {"at_risk": "no_action", "loyal": "no_action"}
ESTIMATORS = {"ips", "snips", "direct", "dr", "switch_dr"}


def policy_of(by_segment, **more):
    """Return a policy that does what it is told to each segment, whatever was measured."""
    actions = [
        {"name": action, "cost": COST.get(action, 2.0), "effect": 0.9, "eligibility": f"segment = '{segment}'"}
        for segment, action in by_segment.items()
        if action != "no_action"
    ]
    return PolicyConfig.model_validate({"actions": actions, "effects": {"use": "assumed"}, "holdout_share": 0, **more})


def net(tables, by_segment):
    """Return the true money per decision, net of cost, of a policy that gives each segment an action."""
    per_segment = {name: WORTH * STAYS[name][action] - COST[action] for name, action in by_segment.items()}
    return tables["customers"]["segment"].map(per_segment).mean()


def row(frame, outcome, policy, estimator="dr", against=None):
    keep = (frame["outcome"] == outcome) & (frame["policy"] == policy) & (frame["estimator"] == estimator)
    if against is not None:
        keep &= frame["against"] == against
    return frame[keep].squeeze()


@pytest.fixture(scope="module")
def valued(planted, tmp_path_factory):
    picture = tmp_path_factory.mktemp("valued") / "values.svg"
    found = evaluate_policy(planted.config, policy=policy_of(HELPS), against=policy_of(WASTES), picture=picture)
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    return found


def test_intervals_cover_the_truth_of_both_policies(planted, valued):
    for name, by_segment in (("the policy", HELPS), ("the other policy", WASTES), ("no action", NOBODY)):
        stays = share_that_stays(planted.tables, by_segment)
        for outcome, truth in (
            ("renewal", stays),
            ("revenue", WORTH * stays),
            ("net", net(planted.tables, by_segment)),
        ):
            found = row(valued.values, outcome, name)
            assert found["low"] <= truth <= found["high"], (outcome, name)
            assert found["high"] - found["low"] < 0.11 * truth  # and is of some use


def test_every_estimator_is_near_the_truth_and_has_its_rows(planted, valued):
    truth = share_that_stays(planted.tables, HELPS)
    of = valued.values[(valued.values["outcome"] == "renewal") & (valued.values["policy"] == "the policy")]
    assert set(of["estimator"]) == ESTIMATORS
    assert of["value"].to_numpy() == pytest.approx(truth, abs=0.05)
    assert (of["n"] == len(planted.tables["actions"])).all()


def test_the_difference_has_the_sign_and_size_of_the_truth(planted, valued):
    better = share_that_stays(planted.tables, HELPS) - share_that_stays(planted.tables, WASTES)
    found = row(valued.differences, "renewal", "the policy", against="the other policy")
    assert 0 < found["low"] <= better <= found["high"]
    apart = (
        row(valued.values, "renewal", "the policy")["value"]
        - row(valued.values, "renewal", "the other policy")["value"]
    )
    assert found["value"] == pytest.approx(apart)


def test_as_logged_is_the_plain_mean_of_what_came(planted, valued):
    first = planted.tables["contracts"].drop_duplicates("customer_id")
    stayed = first["renewed"].astype(float)
    assert row(valued.values, "renewal", "as logged", "ips")["value"] == pytest.approx(stayed.mean())
    assert row(valued.values, "net", "as logged", "ips")["value"] == pytest.approx(
        (WORTH * stayed).mean() - planted.tables["actions"]["cost"].mean()
    )
    of = valued.values[valued.values["policy"] == "as logged"]
    assert sorted(of["estimator"]) == ["ips"] * 3


def test_all_standing_comparisons_are_there_and_no_action_is_nobodys_call(planted, valued):
    told = {"random eligible", "propensity only", "without levers", "eligibility only", "no action"}
    assert set(valued.values["policy"]) == told | {"as logged", "the policy", "the other policy"}
    assert set(valued.differences["against"]) == told | {"the other policy"}
    assert valued.refusals == ()
    # One action for each segment, ranked alone: without levers and eligibility only do what the policy does.
    for name in ("random eligible", "propensity only", "without levers", "eligibility only"):
        assert (
            row(valued.differences, "renewal", "the policy", against=name)[["value", "low", "high"]].tolist() == [0] * 3
        )


def test_net_is_revenue_less_what_the_policy_is_known_to_cost(valued):
    for estimator in ("ips", "dr"):
        same = [row(valued.values, outcome, "no action", estimator)["value"] for outcome in ("revenue", "net")]
        assert same[0] == pytest.approx(same[1], rel=1e-12)  # it costs nothing
    revenue, left = (row(valued.values, outcome, "the policy") for outcome in ("revenue", "net"))
    assert left["value"] < revenue["value"]
    assert left["high"] - left["low"] == pytest.approx(revenue["high"] - revenue["low"], rel=0.2)


def test_the_text_tells_each_outcome_and_policy(valued):
    assert valued.text.startswith("planted: what the policy would have earned, by 3,000 decisions of the log")
    for word in ("Renewal: share", "Revenue: EUR", "Net of the cost", "the other policy", "SNIPS", "switch-DR"):
        assert word in valued.text


def test_the_policy_on_what_was_measured_is_near_the_best_there_is(planted):
    found = evaluate_policy(planted.config)
    best = net(planted.tables, HELPS)
    value = row(found.values, "net", "the policy")
    assert value["low"] <= best <= value["high"] * 1.01
    assert row(found.differences, "net", "the policy", against="no action")["low"] > 0
    assert row(found.differences, "net", "the policy", against="random eligible")["low"] > 0


def test_exploration_is_part_of_what_a_policy_does_and_the_holdout_is_not(planted):
    # Half are explored with, by call or nothing alike: three quarters of those at risk are called.
    shared = policy_of(HELPS, exploration_share=0.5, holdout_share=0.4)
    found = row(evaluate_policy(planted.config, policy=shared).values, "renewal", "the policy", "ips")
    helped, nobody = (share_that_stays(planted.tables, name) for name in (HELPS, NOBODY))
    assert found["low"] <= 0.75 * helped + 0.25 * nobody <= found["high"]
    # By hand: each row's reward, by how much likelier its action is under the policy than it was in the log.
    log = planted.tables["actions"].merge(planted.tables["customers"], on="customer_id")
    stayed = planted.tables["contracts"].drop_duplicates("customer_id").set_index("customer_id")["renewed"]
    odds = {("at_risk", "call"): 0.75, ("at_risk", "no_action"): 0.25, ("loyal", "no_action"): 1.0}
    total = 0.0
    for decided in log.itertuples():
        weight = odds.get((decided.segment, decided.action), 0.0) / decided.propensity
        total += weight * float(stayed[decided.customer_id])
    assert found["value"] == pytest.approx(total / len(log))


def test_where_propensities_were_not_logged_they_are_estimated(planted):
    tables = {**planted.tables, "actions": planted.tables["actions"].drop(columns=["propensity", "cost", "holdout"])}
    found = row(evaluate_policy(planted.config, policy=policy_of(HELPS), frames=tables).values, "renewal", "the policy")
    assert found["low"] <= share_that_stays(planted.tables, HELPS) <= found["high"]


def test_an_action_that_the_log_never_took_has_no_number(planted):
    found = evaluate_policy(planted.config, policy=policy_of({"at_risk": "gift", "loyal": "no_action"}))
    assert "the policy" not in set(found.values["policy"])
    assert {"as logged", "no action"} <= set(found.values["policy"])
    refusal = next(text for text in found.refusals if text.startswith("renewal, the policy, "))
    assert "'gift'" in refusal
    assert "the log never took it" in refusal
    assert f"no number: {refusal}" in found.text
    assert len(found.differences) == 0


def test_without_a_log_nothing_can_be_valued(planted):
    frames = {name: frame for name, frame in planted.tables.items() if name != "actions"}
    config = planted.config.model_copy(update={"tables": planted.config.tables.model_copy(update={"actions": None})})
    with pytest.raises(TrainingError, match=r"can only be valued on a log of decisions .* there is no table `actions`"):
        evaluate_policy(config, frames=frames)


def test_a_log_of_which_nothing_is_known_yet_is_said_to_be_one(planted):
    late = planted.tables["actions"].assign(action_time=pd.Timestamp("2023-12-30", tz="UTC"))
    with pytest.raises(TrainingError, match="of none of the 3,000 decisions of the log it is known"):
        evaluate_policy(planted.config, frames={**planted.tables, "actions": late})


def test_without_a_policy_there_is_nothing_to_value(planted):
    with pytest.raises(ConfigError, match="policy: the config has none"):
        evaluate_policy(planted.config.model_copy(update={"policy": None}))
