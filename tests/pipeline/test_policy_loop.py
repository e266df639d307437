"""The loop on a company with planted effects: learnt, decided on, simulated, recorded, measured, learnt anew."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from planted import COST, NOW, ODDS, PRICE, STAYS, WORTH

from cxml.config.effects import EffectsConfig
from cxml.config.labels import NpsLabel, ValueLabel
from cxml.config.ledger import LedgerConfig
from cxml.config.load import load_config
from cxml.config.policy import PolicyConfig
from cxml.config.tables import TableConfig
from cxml.errors import BundleError, ConfigError, SinkError, TrainingError
from cxml.pipeline import evaluate_policy, learn_policy, mature_outcomes, measure_policy, score, simulate_policy, train
from cxml.pipeline.ledger import ledger_of
from cxml.predict import load
from cxml.schema.columns import uplift_columns

EARLY = pd.Timestamp("2023-06-15", tz="UTC")


def files(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def with_policy(planted, **changed):
    policy = {**planted.config.policy.model_dump(exclude_unset=True), **changed}
    return planted.config.model_copy(update={"policy": PolicyConfig.model_validate(policy)})


# --- what training learns, and what scoring makes of it


def test_training_finds_the_planted_effects_and_that_a_letter_has_none(planted):
    effects = planted.trained.effects.set_index("action")
    share = (planted.tables["customers"]["segment"] == "at_risk").mean()
    truth = share * (STAYS["at_risk"]["call"] - STAYS["at_risk"]["no_action"])
    assert effects.loc["call", "low"] <= truth <= effects.loc["call", "high"]
    assert effects.loc["call", "low"] > 0
    assert effects.loc["letter", "low"] <= 0 <= effects.loc["letter", "high"]
    assert effects.loc["call", "p_heterogeneity"] < 0.05
    counted = planted.tables["actions"]["action"].value_counts()
    assert effects["n_treated"].to_dict() == {"call": counted["call"], "letter": counted["letter"]}
    assert (effects["n_untreated"] == counted["no_action"]).all()
    assert "effects of actions, against doing nothing" in planted.trained.text


def test_training_says_why_a_log_teaches_nothing(planted, tmp_path):
    sure = {**planted.tables, "actions": planted.tables["actions"].assign(propensity=1.0)}
    trained = train(planted.config, frames=sure, models=tmp_path)
    assert trained.effects is None
    assert any(
        warning.startswith("actions: nothing is learnt of what they change: all 3,000 decisions of the log have a")
        for warning in trained.warnings
    )


def test_the_effect_is_found_where_it_is(planted):
    known = planted.scored.predictions.dropna(subset=["uplift_renewal_call"])
    known = known.merge(planted.tables["customers"], on="customer_id")
    by_segment = known.groupby("segment")["uplift_renewal_call"].mean()
    assert by_segment["at_risk"] == pytest.approx(0.35, abs=0.1)
    assert by_segment["loyal"] == pytest.approx(0.0, abs=0.06)


def test_an_effect_on_renewal_keeps_every_probability_to_stay_between_0_and_1(planted):
    known = planted.scored.predictions.dropna(subset=["renewal_risk"])
    for action in ("call", "letter"):
        name, low, high = uplift_columns("renewal", action)
        for end in (name, low, high):
            stays = 1 - known["renewal_risk"] + known[end]
            assert stays.min() >= -1e-12
            assert stays.max() <= 1 + 1e-12
        assert (known[low] <= known[name]).all()
        assert (known[name] <= known[high]).all()


def test_an_effect_is_not_told_where_the_risk_is_not(planted):
    unknown = planted.scored.predictions["renewal_risk"].isna()
    assert unknown.any()
    assert planted.scored.predictions.loc[unknown, "uplift_renewal_call"].isna().all()
    assert (planted.scored.recommendations.loc[unknown, "action"] == "no_action").all()


def test_scoring_recommends_on_what_was_measured(planted):
    both = planted.scored.recommendations.merge(planted.tables["customers"], on="customer_id")
    called = both[both["action"] == "call"]
    assert (called["segment"] == "at_risk").mean() > 0.8
    assert set(called["effect_source"]) == {"measured"}
    assert set(called["evidence"]) == {1.0}
    told = called.merge(planted.scored.predictions, on=["customer_id", "as_of"])
    expected = ("expected_value", "expected_low", "expected_high")
    for end, worth in zip(uplift_columns("renewal", "call"), expected, strict=True):
        assert told[worth].to_numpy() == pytest.approx(WORTH * told[end] - COST["call"])
    assert "100% measured from the log of actions" in planted.scored.summary


def test_what_is_assumed_alone_decides_where_the_policy_says_so(planted, tmp_path):
    config = with_policy(planted, effects={"use": "assumed"})
    found = score(config, models=planted.models, to=tmp_path / "a.parquet").recommendations
    assert set(found["action"]) == {"no_action"}  # both effects are assumed to be nothing
    assert found["evidence"].eq(0).all()


# --- what a policy would do


@pytest.fixture(scope="module")
def simulated(planted):
    before = files(planted.models)
    found = simulate_policy(planted.config, models=planted.models)
    assert files(planted.models) == before  # nothing is recorded, and nothing written
    return found


def test_simulating_is_scoring_without_a_trace(planted, simulated):
    pd.testing.assert_frame_equal(simulated.recommendations, planted.scored.recommendations)


def test_the_funnel_adds_up(simulated):
    funnel, decided = simulated.funnel, simulated.recommendations
    assert funnel.loc[0, ["decided", "explored", "holdout"]].sum() == len(decided)
    for name in ("decided", "explored", "holdout"):
        known = funnel[name].dropna().to_numpy()
        assert (np.diff(known) <= 0).all()
    assert funnel["decided"].iloc[-1] == (decided["action"] != "no_action").sum()


def test_who_is_explored_with_or_held_out_has_a_column_of_the_funnel(planted):
    config = with_policy(planted, holdout_share=0.2, exploration_share=0.3)
    found = simulate_policy(config, models=planted.models, budgets=[0])
    counts = {
        "holdout": found.recommendations["holdout"].sum(),
        "explored": found.recommendations["explored"].sum(),
    }
    assert min(counts.values()) > 100
    assert {name: found.funnel[name].iloc[0] for name in counts} == counts
    assert found.funnel["decided"].iloc[0] == len(found.recommendations) - sum(counts.values())


def test_the_mix_of_each_segment_adds_up_to_one_and_is_that_of_the_recommendations(planted, simulated):
    assert simulated.mix.groupby("group")["share"].sum().to_numpy() == pytest.approx(1)
    both = simulated.recommendations.merge(planted.tables["customers"], on="customer_id")
    for row in simulated.mix.itertuples():
        assert row.n == ((both["segment"] == row.group) & (both["action"] == row.action)).sum()


def test_the_curve_spends_within_each_budget_and_never_falls(planted):
    budgets = [500, 0, 50, 150, 300, 10_000]
    curve = simulate_policy(planted.config, models=planted.models, budgets=budgets).curve
    assert curve["budget"].tolist() == sorted(budgets)
    assert (curve["cost"] <= curve["budget"]).all()
    assert (np.diff(curve["expected_value"]) >= -1e-9).all()
    assert curve.loc[0, ["cost", "n_chosen", "expected_value"]].tolist() == [0, 0, 0]
    whole = planted.scored.recommendations
    last = curve.iloc[-1]
    assert last["cost"] == pytest.approx(whole["cost"].sum())
    assert last["expected_value"] == pytest.approx(whole["expected_value"].sum())
    assert last["price"] == 0


def test_the_curve_is_of_those_decided_by_worth_alone(planted):
    explored = with_policy(planted, holdout_share=0.2, exploration_share=0.3)
    found = [
        simulate_policy(config, models=planted.models, budgets=[100]).curve for config in (planted.config, explored)
    ]
    pd.testing.assert_frame_equal(*found)


def test_half_the_budget_buys_the_best_calls(planted):
    # All calls cost alike: with money for half of them, the half worth most is called.
    config = with_policy(planted, actions=[{"name": "call", "channel": "phone", "cost": 5, "effect": 0}])
    whole = simulate_policy(config, models=planted.models, budgets=[0])
    worth = np.sort(whole.recommendations["expected_value"][whole.recommendations["action"] == "call"])[::-1]
    half = len(worth) // 2
    curve = simulate_policy(config, models=planted.models, budgets=[5 * half]).curve
    assert curve["n_chosen"].tolist() == [half]
    assert curve["expected_value"].to_numpy() == pytest.approx([worth[:half].sum()])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"budgets": [10, -1]}, "budgets: must be 0 or more, and finite; the first that is not is -1"),
        ({"budgets": [float("nan")]}, "budgets: must be 0 or more"),
        ({"budgets": [float("inf")]}, "the first that is not is inf"),
        ({"by": "segmnt"}, "by: there is no feature 'segmnt'"),
    ],
)
def test_what_cannot_be_simulated_is_one_message(planted, options, says):
    with pytest.raises(ConfigError, match=says):
        simulate_policy(planted.config, models=planted.models, **options)


def test_without_a_policy_there_is_nothing_to_simulate_or_learn(planted):
    bare = planted.config.model_copy(update={"policy": None})
    for work in (simulate_policy, learn_policy):
        with pytest.raises(ConfigError, match="policy: the config has none"):
            work(bare, models=planted.models)


@pytest.mark.parametrize("work", [simulate_policy, measure_policy, evaluate_policy])
def test_a_picture_that_cannot_be_drawn_is_refused_before_any_work(planted, work, tmp_path):
    steps = []
    with pytest.raises(SinkError, match=r"must be one of \.svg, \.png"):
        work(planted.config, picture=tmp_path / "curve.xls", step=steps.append)
    assert steps == []


# --- what came of decisions


@pytest.fixture(scope="module")
def decided_early(planted, tmp_path_factory):
    """Return the company with a ledger of its own, with the decisions of a moment in the past in it."""
    folder = tmp_path_factory.mktemp("early")
    config = planted.config.model_copy(update={"ledger": LedgerConfig(path=str(folder / "ledger"))})
    scored = score(config, models=planted.models, as_of=EARLY.to_pydatetime(), to=folder / "out.parquet")
    return config, scored.recommendations


def came_of(tables, customer, moment, now, *, horizon):
    """Return what came of a decision, and when: of the contract in force, the one that began last."""
    in_force = [
        term
        for term in tables["contracts"][tables["contracts"]["customer_id"] == customer].itertuples()
        if term.start_time < moment <= term.end_time
    ]
    if not in_force:
        return None
    term = max(in_force, key=lambda term: (term.start_time, term.contract_id))
    if not moment < term.end_time <= moment + pd.Timedelta(days=horizon) or term.end_time >= now:
        return None
    if pd.isna(term.renewed):
        return None
    return ("renewed" if term.renewed else "lost"), term.end_time


def test_outcomes_are_recorded_once_and_are_those_of_the_tables(planted, decided_early):
    config, decided = decided_early
    expected = {
        row.decision_id: outcome
        for row in decided.itertuples()
        if (outcome := came_of(planted.tables, row.customer_id, row.as_of, NOW, horizon=120)) is not None
    }
    assert 100 < len(expected) < len(decided)
    first = mature_outcomes(config, models=planted.models)
    assert (first.n_decisions, first.known, first.n_new) == (len(decided), {"renewal": len(expected)}, len(expected))
    assert f"{len(expected):,} outcomes recorded that were not there" in first.text
    again = mature_outcomes(config, models=planted.models)
    assert (again.n_new, again.known) == (0, first.known)
    written = ledger_of(config).outcomes()
    found = {row.decision_id: (row.outcome, row.outcome_time) for row in written.itertuples()}
    assert found == expected


def test_money_and_answers_are_recorded_too(planted, tmp_path):
    labels = planted.config.labels.model_copy(
        update={"renewal": None, "nps": NpsLabel(), "value": ValueLabel(horizon_days=90, per="day")}
    )
    config = planted.config.model_copy(
        update={"labels": labels, "ledger": LedgerConfig(path=str(tmp_path / "ledger")),
                "effects": EffectsConfig(answer_days=45)}
    )  # fmt: skip
    with_ledger = planted.config.model_copy(update={"ledger": config.ledger})
    score(with_ledger, models=planted.models, as_of=EARLY.to_pydatetime(), to=tmp_path / "out.parquet")
    rng = np.random.default_rng(5)
    ids = planted.tables["customers"]["customer_id"]
    surveys = pd.DataFrame(
        {
            "customer_id": rng.choice(ids, 2_000),
            "response_time": EARLY + pd.to_timedelta(rng.integers(-30, 90, 2_000), "D"),
            "instrument": "nps",
            "score": rng.integers(0, 11, 2_000) * 1.0,
        }
    ).drop_duplicates(["customer_id", "response_time"])
    tables = config.tables.model_copy(update={"surveys": TableConfig()})
    frames = {**planted.tables, "surveys": surveys}
    found = mature_outcomes(config.model_copy(update={"tables": tables}), frames=frames)
    outcomes = ledger_of(config).outcomes()
    assert found.n_new == len(outcomes) == sum(found.known.values())
    by_customer = ledger_of(config).decisions().set_index("decision_id")["customer_id"]
    answers = outcomes[outcomes["outcome"] != "brought"]
    expected = {}
    for row in surveys.sort_values("response_time").itertuples():
        if EARLY <= row.response_time < EARLY + pd.Timedelta(days=45):
            expected.setdefault(
                row.customer_id, "detractor" if row.score <= 6 else "passive" if row.score <= 8 else "promoter"
            )
    decided = set(by_customer)
    assert {by_customer[row.decision_id]: row.outcome for row in answers.itertuples()} == {
        who: outcome for who, outcome in expected.items() if who in decided
    }
    assert set(answers["outcome_time"]) == {EARLY + pd.Timedelta(days=45)}
    money = outcomes[outcomes["outcome"] == "brought"].set_index("decision_id")["value"]
    assert len(money) == len(decided)
    terms = planted.tables["contracts"].groupby("customer_id")
    for decision, worth in money.iloc[::50].items():
        days = 0.0
        for term in terms.get_group(by_customer[decision]).itertuples():
            begun, over = max(term.start_time, EARLY), min(term.end_time, EARLY + pd.Timedelta(days=90))
            days += max((over - begun) / pd.Timedelta(days=1), 0.0)
        assert worth == pytest.approx(PRICE * days)


def test_an_empty_ledger_says_so(planted, tmp_path):
    config = planted.config.model_copy(update={"ledger": LedgerConfig(path=str(tmp_path / "ledger"))})
    found = mature_outcomes(config, models=tmp_path)
    assert (found.n_decisions, found.n_new, found.known) == (0, 0, {})
    assert "The ledger holds no decision yet" in found.text


# --- what a policy has brought


def test_what_was_brought_is_the_difference_of_the_means_of_both_sides(planted, tmp_path):
    found = measure_policy(planted.config, models=tmp_path)
    stayed = planted.tables["contracts"].drop_duplicates("customer_id").set_index("customer_id")["renewed"]
    sides = {True: [], False: []}
    spent = 0.0
    for row in planted.tables["actions"].itertuples():
        sides[row.holdout].append((float(stayed[row.customer_id]), row.cost))
        spent += row.cost
    values = found.values.set_index(["outcome", "action"])
    for outcome, reward in (
        ("renewal", lambda stays, cost: stays),
        ("revenue", lambda stays, cost: WORTH * stays),
        ("net", lambda stays, cost: WORTH * stays - cost),
    ):
        treated, held = (np.mean([reward(*one) for one in sides[side]]) for side in (False, True))
        of = values.loc[outcome, "all"]
        assert of["value"] == pytest.approx(treated - held)
        assert of["total"] == pytest.approx((treated - held) * len(sides[False]))
        assert (of["n"], of["n_held_out"]) == (len(sides[False]), len(sides[True]))
        assert of["cost"] == pytest.approx(spent)
    assert any("the ledger is empty" in note for note in found.notes)
    back = (values.loc["revenue", "all"]["value"]) / (spent / len(sides[False]))
    assert values.loc["revenue", "all"]["ratio"] == pytest.approx(back)
    saved = (spent / len(sides[False])) / values.loc["renewal", "all"]["value"]
    assert values.loc["renewal", "all"]["ratio"] == pytest.approx(saved)


def test_the_interval_of_what_was_brought_holds_what_was_planted(planted, tmp_path):
    found = measure_policy(planted.config, models=tmp_path).values.set_index(["outcome", "action"])
    segments = planted.tables["customers"]["segment"]
    truth = (segments == "at_risk").mean() * ODDS["at_risk"][1] * 0.35
    for outcome, expected in (("renewal", truth), ("revenue", WORTH * truth)):
        assert found.loc[(outcome, "all"), "low"] <= expected <= found.loc[(outcome, "all"), "high"]


def test_a_share_is_of_the_first_decision_of_each_customer(planted, tmp_path):
    """A year before, the same decisions with other ends: who stayed is decided on again, and counts once."""
    year, rng = pd.Timedelta(days=365), np.random.default_rng(0)
    contracts, log = planted.tables["contracts"], planted.tables["actions"]
    before = contracts.drop_duplicates("customer_id").assign(
        start_time=lambda frame: frame["start_time"] - year, end_time=lambda frame: frame["end_time"] - year
    )
    before["renewed"], before["contract_id"] = rng.random(len(before)) < 0.6, "before " + before["contract_id"]
    twice = pd.concat([log.assign(action_time=log["action_time"] - year), log])
    frames = {**planted.tables, "contracts": pd.concat([before, contracts]), "actions": twice}
    found = measure_policy(planted.config, frames=frames, models=tmp_path)
    stayed, held = before.set_index("customer_id")["renewed"], log.set_index("customer_id")["holdout"]
    sides = [stayed.reindex(held.index[held == side]).mean() for side in (False, True)]
    of = found.values.set_index(["outcome", "action"]).loc["renewal", "all"]
    assert of["value"] == pytest.approx(sides[0] - sides[1])
    assert (of["n"], of["n_held_out"]) == ((~held).sum(), held.sum())
    assert any(note.startswith("customers have several decisions") for note in found.notes)


def test_an_interval_of_few_customers_is_said_to_be_rough(planted, tmp_path):
    log = planted.tables["actions"]
    few = pd.concat([log[log["holdout"]].head(5), log[~log["holdout"]]])
    found = measure_policy(planted.config, frames={**planted.tables, "actions": few}, models=tmp_path)
    n = len(log[~log["holdout"]])
    rough = f"renewal: known of {n:,} treated customers and 5 held out; the interval of fewer than 30 on either side"
    assert any(note.startswith(rough) for note in found.notes)
    assert not any("rough" in note for note in measure_policy(planted.config, models=tmp_path).notes)


def test_without_a_holdout_actions_are_compared_by_their_propensities(planted, tmp_path):
    """By a plain loop: the mean of each side weighted by 1 / propensity."""
    log = planted.tables["actions"].assign(holdout=False)
    found = measure_policy(planted.config, frames={**planted.tables, "actions": log}, models=tmp_path)
    assert "all" not in set(found.values["action"])
    assert not found.monitored
    assert any(note.startswith("nobody was held out: single actions are compared") for note in found.notes)
    stayed = planted.tables["contracts"].drop_duplicates("customer_id").set_index("customer_id")["renewed"]
    sums = {name: [0.0, 0.0] for name in set(log["action"])}
    for row in log.itertuples():
        sums[row.action][0] += stayed[row.customer_id] / row.propensity
        sums[row.action][1] += 1 / row.propensity
    mean = {name: of / n for name, (of, n) in sums.items()}
    values = found.values[found.values["outcome"] == "renewal"].set_index("action")
    assert set(values.index) == set(log["action"]) - {"no_action"}
    for action, row in values.iterrows():
        assert row["value"] == pytest.approx(mean[action] - mean["no_action"])
    with pytest.raises(ConfigError, match="picture: is of what is looked at daily against the holdout"):
        measure_policy(
            planted.config, frames={**planted.tables, "actions": log}, models=tmp_path, picture=tmp_path / "p.svg"
        )
    assert not (tmp_path / "p.svg").exists()


def test_without_a_holdout_and_without_chance_nothing_can_be_measured(planted, tmp_path):
    log = planted.tables["actions"].assign(holdout=False)
    for unknown in (log.drop(columns="propensity"), log.assign(propensity=1.0)):
        frames = {**planted.tables, "actions": unknown}
        with pytest.raises(TrainingError, match="against customers who were held out; none of 3,000 decisions is of"):
            measure_policy(planted.config, frames=frames, models=tmp_path)


def test_without_decisions_there_is_nothing_to_measure(planted, tmp_path):
    config = planted.config.model_copy(update={"tables": planted.config.tables.model_copy(update={"actions": None})})
    frames = {name: frame for name, frame in planted.tables.items() if name != "actions"}
    with pytest.raises(ConfigError, match=r"no ledger and no table `actions`. Run `cxml score`"):
        measure_policy(config, frames=frames, models=tmp_path)


def test_decisions_of_which_nothing_came_yet_have_to_wait(planted, tmp_path):
    late = planted.tables["actions"].assign(action_time=pd.Timestamp("2023-12-30", tz="UTC"))
    with pytest.raises(TrainingError, match="nothing is known yet of what came of its decisions"):
        measure_policy(planted.config, frames={**planted.tables, "actions": late}, models=tmp_path)


def test_the_decisions_of_the_ledger_are_measured_by_what_was_intended(planted, tmp_path):
    held = with_policy(planted, holdout_share=0.3).model_copy(
        update={"ledger": LedgerConfig(path=str(tmp_path / "ledger"))}
    )
    decided = score(held, models=planted.models, as_of=EARLY.to_pydatetime(), to=tmp_path / "o.parquet").recommendations
    found = measure_policy(held, models=planted.models).values.set_index(["outcome", "action"])
    sides = {}
    for row in decided.itertuples():
        outcome = came_of(planted.tables, row.customer_id, row.as_of, NOW, horizon=120)
        if outcome is not None:
            for name in ("all", row.intended):
                sides.setdefault(name, {True: [], False: []})[row.holdout].append(float(outcome[0] == "renewed"))
    told = {"all"} | {
        name for name, of in sides.items() if name not in ("all", "no_action") and min(map(len, of.values())) >= 30
    }
    assert len(told) > 1
    assert set(found.loc["renewal"].index) == told
    for name in told:
        of = sides[name]
        row = found.loc["renewal", name]
        assert row["value"] == pytest.approx(np.mean(of[False]) - np.mean(of[True]))
        assert (row["n"], row["n_held_out"]) == (len(of[False]), len(of[True]))


# --- learning anew


@pytest.fixture
def copied(planted, tmp_path):
    """Return a copy of the models folder, to learn into."""
    shutil.copytree(planted.models, tmp_path / "models")
    return tmp_path / "models"


def without_help(tables):
    """Return tables in which a call keeps nobody: those at risk who were called renew as if they had not been."""
    rng = np.random.default_rng(3)
    contracts, actions = tables["contracts"].copy(), tables["actions"]
    called = set(actions[actions["action"] == "call"]["customer_id"])
    risky = set(tables["customers"][tables["customers"]["segment"] == "at_risk"]["customer_id"])
    rows = contracts["customer_id"].isin(called & risky) & contracts["renewed"].notna()
    contracts.loc[rows, "renewed"] = rng.random(int(rows.sum())) < STAYS["at_risk"]["no_action"]
    return {**tables, "contracts": contracts}


def test_learning_replaces_the_effects_in_the_bundle_and_nothing_else(planted, copied):
    bundle = copied / "planted" / "bundle"
    before, was_told = files(bundle), json.loads((bundle / "model.json").read_text(encoding="utf-8"))
    found = learn_policy(planted.config, frames=without_help(planted.tables), models=copied)
    effects = found.effects.set_index("action")
    assert effects.loc["call", "low"] <= 0 <= effects.loc["call", "high"]
    was = planted.trained.effects.set_index("action")["value"]
    assert effects["value_before"].to_dict() == was.to_dict()
    after = files(bundle)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {"manifest.json", "model.json"} <= changed
    assert all(name.startswith("effect") for name in changed - {"manifest.json", "model.json"})
    now = json.loads((bundle / "model.json").read_text(encoding="utf-8"))
    assert was_told.pop("effects") != now.pop("effects")
    assert was_told == now
    loaded = load(bundle)
    assert loaded.bundle.model_version == found.model_version != planted.trained.model_version
    assert [effect.average for effect in loaded.bundle.effects] == found.effects["value"].tolist()
    assert found.model_version in found.text


def test_learning_from_the_same_log_gives_the_same_bundle(planted, copied):
    before = files(copied / "planted" / "bundle")
    found = learn_policy(planted.config, models=copied)
    assert files(copied / "planted" / "bundle") == before
    assert found.model_version == planted.trained.model_version
    assert found.effects["value"].tolist() == found.effects["value_before"].tolist()


def test_the_next_scoring_decides_on_what_was_learnt(planted, copied, tmp_path):
    learn_policy(planted.config, frames=without_help(planted.tables), models=copied)
    found = score(planted.config, models=copied, to=tmp_path / "out.parquet").recommendations
    called = (found["action"] == "call").sum()
    assert called < 0.3 * (planted.scored.recommendations["action"] == "call").sum()


def test_the_bundle_stays_where_nothing_can_be_learnt(planted, copied):
    before = files(copied / "planted" / "bundle")
    config = planted.config.model_copy(update={"tables": planted.config.tables.model_copy(update={"actions": None})})
    frames = {name: frame for name, frame in planted.tables.items() if name != "actions"}
    with pytest.raises(TrainingError, match="nothing can be learnt yet"):
        learn_policy(config, frames=frames, models=copied)
    with pytest.raises(ConfigError, match="by: there is no feature 'segmnt'"):
        learn_policy(planted.config, models=copied, by="segmnt")
    assert files(copied / "planted" / "bundle") == before


def test_without_a_bundle_there_is_nothing_to_learn_into(planted, tmp_path):
    with pytest.raises(BundleError, match="there is no bundle"):
        learn_policy(planted.config, models=tmp_path)


def test_where_the_next_run_explores_is_told_by_segment(planted, copied):
    config = with_policy(planted, exploration_share=0.3)
    found = learn_policy(config, models=copied).exploration
    everyone = planted.scored.recommendations.merge(planted.tables["customers"], on="customer_id")
    counts = everyone["segment"].value_counts()
    for segment, of in found.groupby("group"):
        assert (of["n_customers"] == counts[segment]).all()
        assert of["explored"].to_numpy() == pytest.approx(0.3 * counts[segment])
        assert of["n"].sum() == pytest.approx(0.3 * counts[segment])
    assert set(found["group"]) == {"at_risk", "loyal"}
    assert set(found["action"]) == {"call", "letter", "no_action"}


def test_outcomes_are_recorded_before_learning(planted, copied, tmp_path):
    config = planted.config.model_copy(update={"ledger": LedgerConfig(path=str(tmp_path / "ledger"))})
    score(config, models=copied, as_of=EARLY.to_pydatetime(), to=tmp_path / "out.parquet")
    found = learn_policy(config, models=copied)
    assert found.matured.n_new > 100
    assert mature_outcomes(config, models=copied).n_new == 0
    assert "outcomes recorded" in found.text


def test_the_config_of_the_planted_company_is_read_from_its_file(planted):
    assert load_config(planted.path) == planted.config
