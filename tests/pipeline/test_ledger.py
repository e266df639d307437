"""What scoring decided comes back: recorded once, its outcomes beside it, and seen by every job alike."""

from datetime import timedelta

import pandas as pd
import pytest

import cxml
from cxml.config.features import Aggregate
from cxml.config.ledger import LedgerConfig
from cxml.config.policy import ActionConfig, ContactPolicy
from cxml.errors import ConfigError, SchemaError, SinkError
from cxml.pipeline.checking import check
from cxml.pipeline.ledger import ledger_of, recorded
from cxml.pipeline.reading import read_tables


@pytest.fixture
def company(sample, tmp_path):
    """Return the sample company with a ledger of its own, in which nothing stands yet."""
    return sample.config.model_copy(update={"ledger": LedgerConfig(path=str(tmp_path / "ledger"))})


@pytest.fixture
def without_actions(company, sample):
    """Return the company without a log of actions of its own, and with few features and trees, and its tables."""
    seen = Aggregate(name="delay", table="events", aggregate="mean", column="delay_days", window_days=90)
    score = Aggregate(name="score", table="surveys", aggregate="mean", column="score", window_days=365)
    one_contact = company.policy.model_copy(update={"contact_policy": ContactPolicy(max_contacts=1, window_days=30)})
    few = {
        "value": 100.0,
        "tables": company.tables.model_copy(update={"actions": None}),
        "labels": company.labels.model_copy(update={"renewal": None}),
        "features": company.features.model_copy(update={"defaults": False, "add": (seen, score), "drop": ()}),
        "models": company.models.model_copy(update={"max_trees": 20, "num_leaves": 4}),
        "policy": one_contact.model_copy(
            update={
                "actions": (
                    ActionConfig(name="call", channel="phone", benefit=100.0, effect=0.5, cost=4.0),
                    ActionConfig(name="no_action"),
                )
            }
        ),
    }
    frames = {name: frame for name, frame in sample.simulation.tables.items() if name != "actions"}
    return company.model_copy(update=few), frames


def offers(recommendations):
    """Return the decisions that contact somebody."""
    return recommendations[recommendations["channel"].notna()].reset_index(drop=True)


def test_scoring_twice_is_recorded_once(sample, company):
    decided = sample.scored.recommendations
    assert recorded(company, decided) == f"ledger: {len(decided):,} decisions recorded."
    again = cxml.score(company, frames=sample.simulation.tables, models=sample.models).recommendations
    pd.testing.assert_frame_equal(again, decided)  # what was decided at this moment is not known before it
    assert recorded(company, again) == f"ledger: all {len(decided):,} decisions were recorded before."
    assert len(ledger_of(company).decisions()) == len(decided)


def test_without_the_key_decisions_are_kept_in_the_models_folder_and_not_read_back(sample, tmp_path):
    recorded(sample.config, sample.scored.recommendations, tmp_path)
    assert (tmp_path / "sample" / "ledger" / "decisions" / "000000001.parquet").exists()
    bare, before = (read_tables(sample.config, sample.simulation.tables) for _ in range(2))
    assert "outcomes" not in bare
    assert bare.fingerprint == before.fingerprint


def test_decisions_and_outcomes_are_in_the_tables_of_the_next_training(sample, company):
    decided = sample.scored.recommendations
    recorded(company, decided)
    first, second = offers(decided)["decision_id"].head(2)
    came = pd.DataFrame(
        {
            "decision_id": [first, second],
            "outcome": ["accepted", "refused"],
            "outcome_time": sample.simulation.as_of + pd.to_timedelta([3, 4], "D"),
        }
    )
    assert cxml.record_outcomes(company, came) == 2
    assert cxml.record_outcomes(company, came) == 0
    frames = sample.simulation.tables
    tables = read_tables(company, frames)
    found = tables.con.sql("SELECT * FROM actions WHERE decision_id IS NOT NULL").to_arrow_table().to_pandas()
    assert len(tables.con.sql("SELECT 1 FROM actions").fetchall()) == len(frames["actions"]) + len(decided)
    both = found.merge(decided, on="decision_id", suffixes=("", "_decided"))
    assert len(both) == len(decided)
    assert (both["action_time"].dt.tz_localize("UTC") == both["as_of"]).all()
    for column in ("customer_id", "action", "propensity", "cost", "holdout"):
        assert (both[column] == both[f"{column}_decided"]).all()
    told = tables.con.sql("SELECT decision_id, outcome, action FROM outcomes ORDER BY outcome").fetchall()
    actions = decided.set_index("decision_id")["action"]
    assert told == [(first, "accepted", actions[first]), (second, "refused", actions[second])]
    assert tables.as_of == sample.simulation.as_of.tz_localize(None)


def test_the_night_after_counts_the_contacts_of_the_night_before(sample, without_actions, tmp_path):
    company, frames = without_actions
    cxml.train(company, frames=frames, models=tmp_path)  # with an empty ledger, and no other log of actions
    decided = cxml.score(company, frames=frames, models=tmp_path).recommendations
    recorded(company, decided)
    contacted = set(offers(decided)["customer_id"])
    assert contacted
    next_night = cxml.score(company, frames=frames, models=tmp_path, as_of=sample.simulation.as_of + timedelta(days=1))
    assert not contacted & set(offers(next_night.recommendations)["customer_id"])
    row = next_night.features.set_index("customer_id")["contacts_30d"]
    assert row.to_dict() == {who: float(who in contacted) for who in row.index}
    later = cxml.score(company, frames=frames, models=tmp_path, as_of=sample.simulation.as_of + timedelta(days=31))
    assert contacted & set(offers(later.recommendations)["customer_id"])
    (history,) = cxml.histories(company, [min(contacted)], frames=frames, models=tmp_path).values()
    assert history.row(sample.simulation.as_of + timedelta(days=1))["contacts_30d"] == 1
    assert history.row(sample.simulation.as_of)["contacts_30d"] == 0
    story = cxml.customer(
        company, min(contacted), frames=frames, models=tmp_path, as_of=sample.simulation.as_of + timedelta(days=1)
    )
    assert (
        story.actions["action"].tolist()
        == offers(decided).set_index("customer_id").loc[[min(contacted)], "action"].tolist()
    )


def test_what_counts_money_and_what_checks_sees_the_ledger_too(sample, without_actions):
    company, frames = without_actions
    decided = sample.scored.recommendations
    spent = decided["cost"].sum()
    assert spent > 0
    recorded(company, decided)
    reports = {report.table: report for report in check(company, frames=frames).reports}
    assert (reports["actions"].rows, reports["outcomes"].rows) == (len(decided), 0)
    # At the moment of the data itself they are still to come.
    assert "contact_cost" not in set(cxml.kpi(company, frames=frames).frame["indicator"])
    later = company.model_copy(update={"as_of": (sample.simulation.as_of + timedelta(days=30)).to_pydatetime()})
    found = cxml.kpi(later, frames=frames).frame.set_index(["indicator", "period"])["value"]
    assert found["contact_cost", f"{sample.simulation.as_of:%Y-%m}"] == pytest.approx(spent)


def test_outcomes_of_nobody_are_refused(sample, company):
    recorded(company, sample.scored.recommendations)
    came = pd.DataFrame({"decision_id": ["x"], "outcome": ["refused"], "outcome_time": ["2030-01-01"]})
    with pytest.raises(
        SchemaError, match=r"must be a decision of the ledger; 1 of 1 rows is not \(first: row 0, decision 'x'"
    ):
        cxml.record_outcomes(company, came)


def test_a_ledger_in_postgresql_is_named_by_the_company_and_a_variable(sample, monkeypatch):
    config = sample.config.model_copy(update={"ledger": LedgerConfig(path="${CXML_NO_SUCH_LEDGER}")})
    with pytest.raises(SinkError, match="needs the environment variable CXML_NO_SUCH_LEDGER, which is not set"):
        read_tables(config, sample.simulation.tables)
    monkeypatch.setenv("CXML_NO_SUCH_LEDGER", "postgresql://u:s3cret@h/d")
    assert repr(ledger_of(config)) == "PostgresqlLedger(database_schema='cxml_sample')"
    assert "s3cret" not in repr(config) + str(config.model_dump(mode="json"))


def test_a_feature_of_outcomes_needs_them(sample):
    refused = Aggregate(name="refused", table="outcomes", aggregate="count", where="outcome = 'refused'")
    with pytest.raises(ConfigError, match=r"features\.refused: needs the table 'outcomes'"):
        cxml.train(sample.config.with_features(refused), frames=sample.simulation.tables)
