"""The NPS of all customers of a company, from its config and tables alone."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cxml.cli import main
from cxml.config.load import example_config, load_config, parse_config
from cxml.descriptive.labels import nps_labels
from cxml.descriptive.sources import read_tables
from cxml.errors import ConfigError, TrainingError
from cxml.pipeline import plan, population_nps
from cxml.pipeline.answering import answering, response_fit, weights_of, without_answers
from cxml.schema.check import checked_frame
from cxml.schema.frames import POPULATION_NPS
from cxml.simulate import simulate


@pytest.fixture(scope="module")
def company():
    """Return a small sample company whose models are quick to fit."""
    config = load_config(example_config("sample.yaml"))
    models = config.models.model_copy(update={"max_trees": 40, "learning_rate": 0.1})
    return config.model_copy(update={"models": models}), simulate(600, random_state=5)


@pytest.fixture(scope="module")
def found(company):
    config, sample = company
    return population_nps(config, frames=sample.tables, by=["segment"])


@pytest.fixture
def snapshot():
    """Return a snapshot of 400 customers; ``answered`` says who of them gave an answer."""

    def read(answered):
        rng = np.random.default_rng(0)
        calls = rng.poisson(2, 400).astype(float)
        score = np.clip(np.round(10 - calls + rng.normal(size=400)), 0, 10)
        frame = {"customer_id": [f"c{i:03d}" for i in range(400)], "calls": calls, "vip": ["yes", "no"] * 200}
        keys = {"company": "snap", "as_of": "2024-01-01", "tables": {"customers": {}}, "models": {"max_trees": 40}}
        config = parse_config(keys | {"labels": {"nps": {"column": "mood"}}})
        customers = pd.DataFrame(frame | {"mood": np.where(answered(calls, rng), score, np.nan)})
        return config, {"customers": customers}, score

    return read


def net_of(score):
    return 100 * ((np.asarray(score) >= 9).mean() - (np.asarray(score) <= 6).mean())


def test_the_true_nps_is_inside_and_the_respondents_are_further_off(company, found):
    _, sample = company
    net = 100 * (sample.truth["p_promoter"] - sample.truth["p_detractor"])
    everyone = found.frame.iloc[0]
    assert everyone["predicted_low"] <= net.mean() <= everyone["predicted_high"]
    assert abs(everyone["respondents_nps"] - net.mean()) > 2 * abs(everyone["predicted_nps"] - net.mean())
    assert everyone["n_customers"] == len(net)
    assert everyone["predicted_high"] - everyone["predicted_low"] < 40


def test_counts_are_those_of_the_tables(company, found):
    _, sample = company
    surveys = sample.tables["surveys"].query("instrument == 'nps'")
    asked = surveys[surveys["sent_time"] < sample.as_of - pd.Timedelta(days=14)]
    everyone, groups = found.frame.iloc[0], found.frame[found.frame["by"] == "segment"]
    assert everyone["share_answered"] == pytest.approx(asked["score"].notna().mean())
    assert everyone["n_learnt"] == surveys["score"].notna().sum() == groups["n_learnt"].sum()
    recent = surveys[surveys["response_time"] >= sample.as_of - pd.Timedelta(days=365)]
    assert everyone["n"] == len(recent) == groups["n"].sum()
    assert everyone["respondents_nps"] == pytest.approx(net_of(recent["score"]))
    assert groups["n_customers"].sum() == everyone["n_customers"]
    assert groups["group"].tolist() == ["business", "consumer", "family"]
    assert 0 < everyone["effective_size"] <= everyone["n_learnt"]
    assert set(found.frame["correction"]) == {"silence"}


def test_the_text_says_how_it_was_corrected_and_what_it_assumes(found):
    assert found.text.startswith("sample: NPS of all customers as of 2024-07-01\n\nNPS (points)")
    assert "invitations, 2" in found.text
    assert "It assumes" in found.text


def test_the_frame_keeps_its_schema_and_is_written_as_it_is(company, tmp_path):
    config, sample = company
    tables = sample.tables | {"surveys": sample.tables["surveys"].dropna(subset=["score"])}
    written = population_nps(config, frames=tables, by=[], to=tmp_path / "nps.parquet")
    checked_frame(written.frame, POPULATION_NPS)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "nps.parquet"), written.frame, check_dtype=False)
    # A table of answers alone: nobody knows who was asked.
    assert set(written.frame["correction"]) == {"weights"}
    assert "cannot be told from these tables" in written.text


def test_features_tell_neither_whether_a_customer_answered_nor_what(company):
    config, sample = company
    features = plan.features_for(config, read_tables(config, sample.tables), None)
    names = {feature.name for feature in without_answers(features)}
    assert {"age", "visit_count_90d", "contract_price"} <= names
    gone = {"nps_last", "nps_mean_365d", "segment_nps_mean_365d", "invited_365d", "response_rate_365d"}
    assert gone <= {feature.name for feature in features}
    assert not gone & names


def test_where_there_are_no_other_features_those_stay(company):
    config, sample = company
    features = plan.features_for(config, read_tables(config, sample.tables), None)
    alone = [feature for feature in features if feature.name in ("nps_last", "nps_mean_365d")]
    assert list(without_answers(alone)) == alone


def test_rows_are_invitations_answers_and_customers_of_now(company):
    config, sample = company
    of = answering(config, read_tables(config, sample.tables))
    assert of.known == "invitations"
    assert of.rows["now"].sum() == len(sample.truth)
    surveys = sample.tables["surveys"].query("instrument == 'nps'")
    assert (of.codes >= 0).sum() == surveys["score"].notna().sum()
    assert of.rows["asked"].sum() == (surveys["sent_time"] < sample.as_of - pd.Timedelta(days=14)).sum()
    assert len(of.X) == len(of.rows) == len(of.customers)


def test_every_label_has_a_weight_in_its_order(company):
    config, sample = company
    tables = read_tables(config, sample.tables)
    of = answering(config, tables)
    weights = weights_of(of, response_fit(config, of))
    assert len(weights.values) == len(nps_labels(tables, config.labels.nps))
    assert weights.values.mean() == pytest.approx(1)
    assert 0.5 * len(weights.values) < weights.effective_size <= len(weights.values)


def test_a_snapshot_where_everybody_answered_needs_no_correction(snapshot):
    config, frames, score = snapshot(lambda calls, rng: np.ones(400, bool))
    found = population_nps(config, frames=frames, by=["vip"])
    everyone = found.frame.iloc[0]
    assert everyone["predicted_nps"] == everyone["respondents_nps"] == pytest.approx(net_of(score))
    assert everyone["predicted_low"] == everyone["respondents_low"]
    assert everyone["effective_size"] == everyone["n_learnt"] == 400
    assert found.frame["correction"].tolist() == ["none"] * 3
    assert "Every customer has answered" in found.text
    of = answering(config, read_tables(config, frames))
    assert (weights_of(of, response_fit(config, of)).values == 1).all()


def test_a_snapshot_with_silent_customers_is_weighted_and_says_what_it_cannot_know(snapshot):
    # Who calls often keeps silent, and calls make detractors.
    config, frames, score = snapshot(lambda calls, rng: rng.random(400) < np.where(calls > 2, 0.25, 0.8))
    found = population_nps(config, frames=frames, by=[])
    everyone, truth = found.frame.iloc[0], net_of(score)
    assert everyone["respondents_nps"] > truth + 8
    assert everyone["predicted_low"] <= truth <= everyone["predicted_high"]
    assert abs(everyone["predicted_nps"] - truth) < abs(everyone["respondents_nps"] - truth) / 2
    assert everyone["correction"] == "weights"


def test_a_column_that_is_not_there_is_named_with_those_that_are(company):
    config, sample = company
    with pytest.raises(ConfigError, match=r"no column 'segmnt'; did you mean 'segment'\?[\s\S]*age is a number"):
        population_nps(config, frames=sample.tables, by=["segmnt", "age"])


def test_without_an_nps_label_the_error_says_what_to_add(company):
    config, sample = company
    config = config.model_copy(update={"labels": config.labels.model_copy(update={"nps": None})})
    with pytest.raises(ConfigError, match=r"labels\.nps: is not in the config"):
        population_nps(config, frames=sample.tables)


def test_too_few_answers_are_an_error(company):
    config, sample = company
    surveys = sample.tables["surveys"]
    few = surveys["score"].isna() | (surveys["score"].notna().cumsum() <= 50)
    with pytest.raises(TrainingError, match=r"labels\.nps: needs at least 100 rows"):
        population_nps(config, frames=sample.tables | {"surveys": surveys[few]})


def test_the_command_prints_the_table_and_writes_it(snapshot, tmp_path):
    _, frames, score = snapshot(lambda calls, rng: np.ones(400, bool))
    frames["customers"].to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "company.yaml").write_text(
        f"company: snap\nas_of: 2024-01-01\ntables:\n  customers: {{path: {tmp_path / 'customers.csv'}}}\n"
        "labels:\n  nps: {column: mood}\n"
    )
    command = ["nps", str(tmp_path / "company.yaml"), "--by", "vip", "--to", str(tmp_path / "nps.csv")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert f"{net_of(score):+.1f}" in result.output
    assert "vip  yes" in result.output
    assert pd.read_csv(tmp_path / "nps.csv")["n_customers"].tolist() == [400, 200, 200]
