"""Companies unlike the sample one, and what changes between training and scoring."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.load import parse_config
from cxml.config.policy import PolicyConfig
from cxml.errors import ConfigError
from cxml.pipeline import check, score, train

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")


def snapshot(n_rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    usage = rng.normal(size=n_rows)
    lost = np.where(rng.random(n_rows) < 1 / (1 + np.exp(2 * usage)), "Yes", "No")
    return pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(n_rows)], "usage": usage, "calls": rng.poisson(2, n_rows), "lost": lost}
    )


def company(**keys):
    labels = {"renewal": {"column": "lost", "lost": "Yes"}}
    policy = {"actions": [{"name": "call", "channel": "phone", "cost": 1, "effect": 0.1}], "holdout_share": 0}
    return parse_config(
        {
            "company": "acme",
            "as_of": AS_OF.isoformat(),
            "tables": {"customers": {}},
            "labels": labels,
            "value": 100,
            "policy": policy,
        }
        | keys
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    train(company(), frames={"customers": snapshot()}, models=folder)
    return folder


def test_a_company_of_numbers_alone_is_scored_with_its_reasons(models):
    found = score(company(), frames={"customers": snapshot()}, models=models)
    assert found.predictions["reason_1_value"].map(float).notna().all()
    assert found.predictions["reason_3_feature"].isna().all()  # there are two features
    assert len(found.features) == len(found.recommendations) == 400


def test_codes_that_are_nearly_all_numbers_are_names_where_declared(tmp_path):
    customers = snapshot().assign(code=[str(i % 30) if i % 30 else "2A" for i in range(400)])
    config = company(tables={"customers": {"categories": ["code"]}})
    train(config, frames={"customers": customers}, models=tmp_path)
    assert len(score(config, frames={"customers": customers}, models=tmp_path).predictions) == 400


def test_names_that_are_all_digits_tonight_are_still_names(tmp_path):
    customers = snapshot().assign(code=[str(i % 3) if i % 3 else "A" for i in range(400)])
    config = company(tables={"customers": {"path": str(tmp_path / "*.csv")}})
    customers.to_csv(tmp_path / "c.csv", index=False)
    train(config, models=tmp_path / "models")
    customers[customers["code"] != "A"].to_csv(tmp_path / "c.csv", index=False)
    assert len(score(config, models=tmp_path / "models").predictions) == (customers["code"] != "A").sum()


def test_a_changed_value_or_health_counts_at_the_next_scoring(models):
    found = score(
        company(value=500, health={"renewal": 1, "advocacy": 0}), frames={"customers": snapshot()}, models=models
    )
    assert set(found.predictions["value"]) == {500.0}
    assert set(found.recommendations["expected_value"]) == {500 * 0.1 - 1}


def test_labels_that_the_bundle_was_not_trained_for_are_refused(models):
    labels = {"renewal": {"column": "lost", "lost": "Yes"}, "nps": {"column": "calls"}}
    with pytest.raises(
        ConfigError, match=r"labels: the bundle has models of renewal, the config asks for others\. Train again"
    ):
        score(company(labels=labels), frames={"customers": snapshot()}, models=models)


def test_a_horizon_that_needs_training_is_refused(sample):
    labels = sample.config.labels.model_copy(
        update={"renewal": sample.config.labels.renewal.model_copy(update={"horizon_days": 30})}
    )
    with pytest.raises(ConfigError, match=r"labels\.renewal: is not what the bundle was trained for"):
        score(
            sample.config.model_copy(update={"labels": labels}), frames=sample.simulation.tables, models=sample.models
        )


@pytest.mark.parametrize("channel", ["mail", None])
def test_another_contact_window_needs_no_training(sample, tmp_path, channel):
    gift = {"name": "gift", "cost": 1, "effect": 0.5, "channel": channel}
    policy = PolicyConfig.model_validate(
        {"actions": [gift], "contact_policy": {"max_contacts": 1, "window_days": 31}, "holdout_share": 0}
    )
    config = sample.config.model_copy(update={"policy": policy})
    found = score(config, frames=sample.simulation.tables, models=sample.models, to=tmp_path / "a.parquet")
    contacted = found.features["contacts_31d"] > 0
    assert contacted.any()
    assert (found.recommendations["action"][contacted] == "gift").all() == (channel is None)


def test_a_moment_before_anybody_came_is_refused(sample, tmp_path):
    as_of = pd.Timestamp("1990-01-01", tz="UTC").to_pydatetime()
    with pytest.raises(ConfigError, match=r"as_of: must be after the first fact .*; it is 1990-01-01"):
        score(sample.config, frames=sample.simulation.tables, models=sample.models, as_of=as_of, to=tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_facts_that_are_there_twice_are_told_of_unless_the_config_drops_them():
    day = pd.Timestamp("2024-01-01", tz="UTC")
    customers = pd.DataFrame({"customer_id": ["a", "b"]})
    events = pd.DataFrame({"customer_id": ["a", "b", "a", "a"], "event_time": day, "event_type": "visit"})
    for drop, expected in ((False, "events: 2 of 4 rows are the same as another in every column"), (True, None)):
        table = {"drop_duplicates": drop}
        company = parse_config({"company": "x", "labels": {"nps": {}}, "tables": {"customers": {}, "events": table}})
        warnings = check(company, frames={"customers": customers, "events": events}).warnings
        said = [warning for warning in warnings if "count twice" in warning]
        assert [text[: len(expected)] for text in said] == [expected] if expected else said == []
