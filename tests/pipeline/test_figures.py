"""The figures of a whole company, on the sample one and on one that is a snapshot."""

import pandas as pd
import pytest

from cxml.config.load import parse_config
from cxml.errors import ConfigError, SinkError
from cxml.pipeline import compare, indicators, kpi
from cxml.schema.frames import INDICATORS


def test_the_indicators_of_the_sample_company_are_those_of_its_answers(sample):
    found = indicators(sample.config, frames=sample.simulation.tables)
    surveys = sample.simulation.tables["surveys"]
    scores = surveys[(surveys["instrument"] == "nps") & surveys["score"].notna()]["score"]
    nps = found.frame[(found.frame["indicator"] == "nps") & (found.frame["by"] == "all")]
    assert nps["value"].item() == pytest.approx(100 * ((scores >= 9).mean() - (scores <= 6).mean()))
    assert nps["n"].item() == len(scores)
    assert set(found.frame["by"]) == {"all", "segment", "touchpoint"}
    assert {"csat", "ces", "response_rate", "brand_sentiment", "renewal_rate"} <= set(found.frame["indicator"])
    assert found.text.startswith("sample: indicators, as known at 2024-07-01 00:00 UTC\n\nNPS (points)")
    assert found.written is None


def test_the_nps_of_each_segment_of_the_sample_company_is_what_counting_gives(sample):
    frame = indicators(sample.config, frames=sample.simulation.tables, by=["segment"]).frame
    found = frame[(frame["indicator"] == "nps") & (frame["by"] == "segment")].set_index("group")
    answers = sample.simulation.tables["surveys"].query("instrument == 'nps' and score.notna()")
    answers = answers.merge(sample.simulation.tables["customers"][["customer_id", "segment"]], on="customer_id")
    net = (answers["score"] >= 9).astype(int) - (answers["score"] <= 6).astype(int)
    counted = 100 * net.groupby(answers["segment"]).mean()
    assert found["value"].to_dict() == pytest.approx(counted.to_dict())
    assert ((found["low"] < found["value"]) & (found["value"] < found["high"])).all()


def test_the_frame_is_written_and_read_back_as_it_was(sample, tmp_path):
    found = indicators(
        sample.config, frames=sample.simulation.tables, by=["segment", "month"], to=tmp_path / "deep" / "f.parquet"
    )
    assert found.written == tmp_path / "deep" / "f.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(found.written), found.frame)


def test_a_column_that_answers_do_not_have_is_noted(sample):
    found = indicators(sample.config, frames=sample.simulation.tables, by=["channel"])
    assert any("surveys has no column 'channel'" in note for note in found.notes)
    assert not indicators(sample.config, frames=sample.simulation.tables, by=["segment", "month"]).notes


def test_the_crisis_of_the_sample_company_is_a_change_that_chance_does_not_explain(sample):
    frame = compare(sample.config, "2023-07:2023-10", "2023-12:2024-03", frames=sample.simulation.tables, by=()).frame
    nps = frame[frame["indicator"] == "nps"].iloc[0]
    assert nps["difference"] < 0
    assert nps["p_holm"] < 0.05


def test_the_kpis_of_the_sample_company_add_up_to_its_contracts(sample):
    tables = sample.simulation.tables
    frame = kpi(sample.config, frames=tables).frame
    assert list(frame.columns) == [column.name for column in INDICATORS.columns]
    ended = tables["contracts"][tables["contracts"]["end_time"] < sample.simulation.as_of]
    sums = frame.groupby("indicator")["value"].sum()
    assert sums["contracts_ended"] == len(ended)
    assert sums["revenue_kept"] == pytest.approx(ended[ended["renewed"]]["price"].sum())
    assert sums["revenue_lost"] == pytest.approx(ended[~ended["renewed"]]["price"].sum())
    assert sums["contact_cost"] == pytest.approx(tables["actions"]["cost"].sum())
    last = frame[(frame["indicator"] == "customers") & (frame["period"] == "2024-06")]
    assert last["value"].item() == len(sample.scored.predictions)


def test_the_month_that_is_not_over_is_marked(sample):
    early, surveys = sample.config.model_copy(update={"as_of": None}), sample.simulation.tables["surveys"]
    tables = {
        "customers": sample.simulation.tables["customers"],
        "surveys": surveys[surveys["response_time"] < pd.Timestamp("2024-06-15", tz="UTC")],
    }
    only = early.model_copy(
        update={
            "tables": early.tables.model_copy(update=dict.fromkeys(("events", "contracts", "environment", "actions")))
        }
    )
    assert "2024-06 so far" in kpi(only, frames=tables, period="2024-05:").text
    assert "so far" not in kpi(sample.config, frames=sample.simulation.tables, period="2024-05:").text


def test_a_snapshot_company_is_told_what_its_indicators_need():
    config = parse_config(
        {
            "company": "acme",
            "as_of": "2024-01-01",
            "tables": {"customers": {}},
            "labels": {"renewal": {"column": "lost", "lost": "Yes"}},
        }
    )
    frames = {"customers": pd.DataFrame({"customer_id": ["a", "b"], "lost": ["Yes", "No"]})}
    with pytest.raises(ConfigError, match="this company has `customers` alone"):
        indicators(config, frames=frames)
    with pytest.raises(ConfigError, match="kpi: there is nothing to report on"):
        kpi(config, frames=frames)


def test_a_file_that_cannot_be_written_is_refused_before_any_table_is_read(sample):
    with pytest.raises(SinkError, match=r"must end in \.parquet or \.csv"):
        indicators(sample.config, to="figures.xlsx")
