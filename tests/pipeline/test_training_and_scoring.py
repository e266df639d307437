import numpy as np
import pandas as pd
import pytest

from cxml.config.features import Aggregate
from cxml.config.load import example_config, load_config
from cxml.config.policy import PolicyConfig
from cxml.descriptive.sources import read_tables
from cxml.errors import BundleError, ConfigError, SchemaError, TrainingError
from cxml.pipeline import demo, score, train
from cxml.predict import load
from cxml.schema.check import checked_frame
from cxml.schema.frames import PREDICTIONS, RECOMMENDATIONS


def changed(config, **changes):
    return config.model_copy(update=changes)


def test_the_demo_twice_gives_the_same_bytes(tmp_path):
    for folder in ("first", "second"):
        demo(tmp_path / folder, n_customers=600)
    for name in ("recommendations.parquet", "predictions.parquet", "bundle/manifest.json"):
        first, second = ((tmp_path / folder / "sample" / name).read_bytes() for folder in ("first", "second"))
        assert first == second


def test_everyone_who_is_a_customer_gets_one_prediction_and_one_action(sample):
    contracts = sample.simulation.tables["contracts"]
    in_force = (contracts["start_time"] < sample.simulation.as_of) & (contracts["end_time"] >= sample.simulation.as_of)
    customers = contracts[in_force]["customer_id"].tolist()
    assert 0 < len(customers) < 1_200
    assert any(f"{1_200 - len(customers):,} of 1,200 in customers are not" in note for note in sample.scored.warnings)
    for frame, schema in ((sample.scored.predictions, PREDICTIONS), (sample.scored.recommendations, RECOMMENDATIONS)):
        assert sorted(frame["customer_id"]) == sorted(customers)
        checked_frame(frame, schema)
        assert (frame["as_of"] == sample.simulation.as_of).all()


def test_the_written_files_hold_the_frames(sample):
    predictions, recommendations = (pd.read_parquet(path) for path in sample.scored.written)
    assert [path.name for path in sample.scored.written] == ["predictions.parquet", "recommendations.parquet"]
    pd.testing.assert_frame_equal(predictions, sample.scored.predictions)
    pd.testing.assert_frame_equal(recommendations, sample.scored.recommendations)


def test_both_models_beat_the_base_rate_on_the_future(sample):
    nps, renewal = (sample.trained.evaluations[name].by_name for name in ("nps", "renewal"))
    assert nps["log_loss"].high < nps["base_log_loss"].low
    assert nps["auc"].low > 0.65
    assert renewal["auc"].low > 0.5


def test_shuffled_labels_are_no_signal_and_leave_no_bundle(sample, tmp_path):
    surveys = sample.simulation.tables["surveys"].copy()
    answered = surveys["score"].notna() & (surveys["instrument"] == "nps")
    surveys.loc[answered, "score"] = surveys.loc[answered, "score"].sample(frac=1, random_state=0).to_numpy()
    config = changed(sample.config, labels=changed(sample.config.labels, renewal=None), policy=None)
    config = changed(config, features=changed(config.features, drop=("score", "sentiment")))
    trained = train(config, frames={**sample.simulation.tables, "surveys": surveys}, models=tmp_path)
    assert not trained.evaluations["nps"].verdict.has_signal
    assert trained.bundle is None
    assert not (tmp_path / "sample" / "bundle").exists()
    assert trained.run.run_id  # what was tried is on record
    with pytest.raises(BundleError, match="there is no bundle"):
        score(config, frames=sample.simulation.tables, models=tmp_path)


def test_a_model_without_a_signal_is_left_out_and_the_others_serve(sample, tmp_path):
    contracts = sample.simulation.tables["contracts"].copy()
    known = contracts["renewed"].notna()
    contracts.loc[known, "renewed"] = contracts.loc[known, "renewed"].sample(frac=1, random_state=1).to_numpy()
    tables = {**sample.simulation.tables, "contracts": contracts}
    trained = train(sample.config, frames=tables, models=tmp_path)
    assert trained.evaluations["nps"].verdict.has_signal
    assert not trained.evaluations["renewal"].verdict.has_signal
    scored = score(sample.config, frames=tables, models=tmp_path)
    assert scored.predictions["renewal_risk"].isna().all()
    assert scored.predictions["p_detractor"].notna().all()
    assert any("renewal" in note for note in scored.warnings)


def test_predictions_are_near_the_truth_of_the_simulation(sample):
    truth = sample.simulation.truth.merge(sample.scored.predictions, on="customer_id", suffixes=("_true", ""))
    for name in ("p_detractor", "p_promoter"):
        assert np.corrcoef(truth[name], truth[f"{name}_true"])[0, 1] > 0.6
    assert np.corrcoef(truth["renewal_risk"], 1 - truth["p_renew_no_action"])[0, 1] > 0.4


def test_the_predicted_nps_is_nearer_to_everyones_than_the_answers_are(sample):
    truth = sample.simulation.truth
    everyone = 100 * (truth["p_promoter"] - truth["p_detractor"]).mean()
    in_force = sample.scored.predictions[sample.scored.predictions["customer_id"].isin(truth["customer_id"])]
    predicted = 100 * (in_force["p_promoter"] - in_force["p_detractor"]).mean()
    surveys = sample.simulation.tables["surveys"]
    answers = surveys[(surveys["instrument"] == "nps") & surveys["score"].notna()]["score"]
    answered = 100 * ((answers >= 9).mean() - (answers <= 6).mean())
    assert abs(predicted - everyone) < abs(answered - everyone)


def test_scoring_from_files_is_scoring_from_frames(sample, tmp_path, monkeypatch):
    for name, frame in sample.simulation.tables.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setenv("CXML_SAMPLE", str(tmp_path))
    found = score(load_config(example_config("sample.yaml")), models=sample.models, to=tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(found.recommendations, sample.scored.recommendations)
    assert {path.name for path in found.written} == {"out.parquet", "out_predictions.parquet"}


def test_an_earlier_moment_sees_only_what_was_known_then(sample, tmp_path):
    as_of = pd.Timestamp("2024-01-01", tz="UTC").to_pydatetime()
    columns = {"events": "event_time", "surveys": "response_time", "contracts": "start_time", "actions": "action_time",
               "environment": "observed_time"}  # fmt: skip
    past = {
        name: frame if name == "customers" else frame[~(frame[columns[name]] >= as_of)]
        for name, frame in sample.simulation.tables.items()
        if name != "surveys"
    }
    sent = sample.simulation.tables["surveys"].query("sent_time < @as_of")  # and perhaps answered only later
    unanswered = sent["response_time"] >= as_of
    past["surveys"] = sent.assign(
        **{name: sent[name].mask(unanswered) for name in ("response_time", "score", "comment")}
    )
    found = [
        score(sample.config, frames=frames, models=sample.models, as_of=as_of, to=tmp_path / "out.csv").predictions
        for frames in (sample.simulation.tables, past)
    ]
    pd.testing.assert_frame_equal(found[0], found[1])


def test_a_changed_policy_decides_at_the_next_scoring(sample, tmp_path):
    policy = PolicyConfig.model_validate({"actions": [{"name": "gift", "channel": "mail", "cost": 1, "effect": 1}]})
    found = score(
        changed(sample.config, policy=policy),
        frames=sample.simulation.tables,
        models=sample.models,
        to=tmp_path / "a.csv",
    )
    assert set(found.recommendations["action"]) == {"gift", "no_action"}


def test_without_a_policy_only_predictions_are_written(sample, tmp_path):
    config = changed(sample.config, policy=None)
    found = score(config, frames=sample.simulation.tables, models=sample.models, to=tmp_path / "a.csv")
    assert found.recommendations is None
    assert [path.name for path in found.written] == ["a_predictions.csv"]


def test_unseen_categories_are_counted_in_the_notes(sample, tmp_path):
    customers = sample.simulation.tables["customers"].assign(segment="martian")
    frames = {**sample.simulation.tables, "customers": customers}
    found = score(sample.config, frames=frames, models=sample.models, to=tmp_path / "a.parquet")
    assert any("rows have categories not seen in training (first: 'martian')" in note for note in found.warnings)


def test_the_contact_limit_reads_the_log_of_actions(sample, sample_features):
    decided = sample.scored.recommendations.set_index("customer_id")
    contacted = sample_features.set_index("customer_id")["contacts_30d"] >= 1
    assert contacted.sum() > 0
    assert (decided.loc[contacted[contacted].index, "channel"].isna()).all()


def test_training_ends_well_without_mlflow_and_says_so(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    trained = train(sample.config, frames=sample.simulation.tables, models=tmp_path)
    assert trained.run.run_id is None
    assert "127.0.0.1" in trained.run.problem
    assert load(trained.bundle).bundle.model_version == sample.trained.model_version


def test_the_summary_names_what_a_manager_asks_for(sample):
    for word in ("NPS", "answers of the last 365 days", "predicted", "Classes", "detractor", "Renewal risk", "Health",
                 "Action", "worth EUR", "held out"):  # fmt: skip
        assert word in sample.scored.summary


def test_scoring_before_training_says_what_to_do(sample, tmp_path):
    with pytest.raises(BundleError, match=r"there is no bundle\. Run `cxml train` first"):
        score(sample.config, frames=sample.simulation.tables, models=tmp_path)


def test_a_bad_target_is_refused_before_any_work(sample, tmp_path):
    from cxml.errors import SinkError

    with pytest.raises(SinkError, match=r"must end in \.parquet or \.csv"):
        score(sample.config, frames=sample.simulation.tables, models=sample.models, to=tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ("models", "cannot be written, for .*models is a file"),
        ("models/sample", "cannot be written, for .*sample is a file"),
        ("models/sample/bundle", "is not a bundle and will not be overwritten"),
    ],
)
def test_models_that_could_not_be_saved_are_refused_before_any_work(sample, tmp_path, there, says):
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).touch()
    steps = []
    with pytest.raises(BundleError, match=says):
        train(sample.config, frames=sample.simulation.tables, models=tmp_path / "models", step=steps.append)
    assert steps == []


def answered(surveys):
    return (surveys["instrument"] == "nps") & surveys["score"].notna()


def answers(surveys, most):
    asked = answered(surveys)
    return surveys[~asked | (asked.cumsum() <= most)]


BAD = {
    "fewer respondents than a model can be trained on": (
        lambda t: {"surveys": answers(t["surveys"], 40)},
        TrainingError,
        r"labels.nps: needs at least 100 rows whose outcome is known, .* there are 40",
    ),
    "one class only": (
        lambda t: {"surveys": t["surveys"].assign(score=t["surveys"]["score"].where(~answered(t["surveys"]), 10.0))},
        TrainingError,
        r"labels.nps: needs rows of at least two classes; all [\d,]+ are 'promoter'",
    ),
    "an empty table": (
        lambda t: {"events": t["events"].head(0)},
        SchemaError,
        r"events: must have rows; it has none\. Leave an empty table out",
    ),
    "duplicate customers": (
        lambda t: {"customers": pd.concat([t["customers"], t["customers"].head(3)])},
        SchemaError,
        r"customers.customer_id: must be unique; 3 of 1,203 rows are not \(first: row 1200, 'c000000'\)",
    ),
    "times without a zone": (
        lambda t: {"events": t["events"].assign(event_time=t["events"]["event_time"].dt.tz_localize(None))},
        SchemaError,
        r"events.event_time: times must carry a zone; .* Say which zone they are in with `timezone:",
    ),
    "scores off the scale": (
        lambda t: {"surveys": t["surveys"].assign(score=t["surveys"]["score"] * 10)},
        SchemaError,
        r"surveys.score: must be 0-10 for instrument 'nps'; .* set `scale:",
    ),
    "a column that is all null": (
        lambda t: {"customers": t["customers"].assign(age=np.nan)},
        SchemaError,
        r"customers.age: must not be all null; 1,200 of 1,200 rows are",
    ),
    "a missing column": (
        lambda t: {"contracts": t["contracts"].drop(columns="end_time")},
        SchemaError,
        r"contracts: has no column 'end_time'",
    ),
    "a wrong type": (
        lambda t: {"contracts": t["contracts"].assign(price="a lot")},
        SchemaError,
        r"contracts.price: must be a number; .* 'a lot'",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_ends_training_with_a_clear_error_and_nothing_written(sample, tmp_path, fault):
    broken, error, message = BAD[fault]
    frames = {**sample.simulation.tables, **broken(sample.simulation.tables)}
    with pytest.raises(error, match=message):
        train(sample.config, frames=frames, models=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ({"table": "events", "aggregate": "sum", "column": "valeu"}, "features.mine: .*valeu"),
        ({"table": "events", "aggregate": "sum", "column": "channel"}, "features.mine: .*channel"),
    ],
)
def test_a_feature_that_does_not_fit_stops_before_training(sample, tmp_path, feature, says):
    config = sample.config.with_features(Aggregate(name="mine", **feature))
    with pytest.raises(ConfigError, match=says):
        train(config, frames=sample.simulation.tables, models=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_facts_in_the_future_of_as_of_are_refused(sample, tmp_path):
    config = changed(sample.config, as_of=pd.Timestamp("2024-01-01", tz="UTC").to_pydatetime())
    with pytest.raises(SchemaError, match=r"events.event_time: must be before as_of \(2024-01-01 00:00:00 UTC\)"):
        train(config, frames=sample.simulation.tables, models=tmp_path)


def test_unknown_customers_are_left_out_and_reported_or_refused_where_strict(sample, tmp_path):
    frames = {**sample.simulation.tables, "customers": sample.simulation.tables["customers"].iloc[5:]}
    assert any(
        "events.customer_id: must be in customers" in note for note in read_tables(sample.config, frames).warnings
    )
    with pytest.raises(
        SchemaError, match=r"events.customer_id: must be in customers; .* 5 unknown customers \(first: 'c00000"
    ):
        train(changed(sample.config, strict=True), frames=frames, models=tmp_path)


def test_a_bad_policy_stops_before_training(sample, tmp_path):
    policy = PolicyConfig.model_validate({"actions": [{"name": "gift", "eligibility": "renewal_rsk > 0.5"}]})
    with pytest.raises(ConfigError, match="there is no column 'renewal_rsk'; did you mean 'renewal_risk'"):
        train(changed(sample.config, policy=policy), frames=sample.simulation.tables, models=tmp_path)
    assert list(tmp_path.iterdir()) == []
