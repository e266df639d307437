"""One customer's whole story, from the sample company and from a snapshot without any time."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import cxml
from cxml.config.load import parse_config
from cxml.errors import ConfigError
from cxml.pipeline import train
from cxml.predict import load
from cxml.report.customer_text import customer_text
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import HEALTH_ITEMS, PREDICTIONS


def story_of(sample, who, **more):
    return cxml.customer(sample.config, who, frames=sample.simulation.tables, models=sample.models, **more)


@pytest.fixture(scope="module")
def who(sample):
    """Return somebody who has been a customer for more than a year, with answers and actions."""
    tables, scored = sample.simulation.tables, set(sample.scored.features[c.CUSTOMER_ID])
    answered = set(tables["surveys"].dropna(subset=["score"])[c.CUSTOMER_ID])
    customers = tables["customers"]
    old = set(customers[customers["since"] < pd.Timestamp("2023-01-01", tz="UTC")][c.CUSTOMER_ID])
    return min(scored & answered & old & set(tables["actions"][c.CUSTOMER_ID]))


@pytest.fixture(scope="module")
def story(sample, who):
    return story_of(sample, who)


def test_now_is_what_the_night_said(story, sample, who):
    night = sample.scored.predictions.set_index(c.CUSTOMER_ID).loc[who]
    assert story.prediction.health == night[c.HEALTH]
    assert story.prediction.renewal_risk == night[c.RENEWAL_RISK]
    assert [reason.sentence for reason in story.prediction.reasons] == [
        night[f"reason_{k}_sentence"] for k in (1, 2, 3)
    ]
    decided = sample.scored.recommendations.set_index(c.CUSTOMER_ID).loc[who]
    assert story.recommendation.decision_id == decided[c.DECISION_ID]
    assert story.in_force


def test_facts_are_those_of_the_tables(story, sample, who):
    tables = sample.simulation.tables
    events = tables["events"].query("customer_id == @who")
    assert dict(zip(story.touchpoints["event_type"], story.touchpoints["in_all"], strict=True)) == dict(
        events["event_type"].value_counts()
    )
    mine = tables["surveys"].query("customer_id == @who")
    assert len(story.answers) == len(mine)
    assert sorted(story.answers["score"].dropna()) == sorted(mine["score"].dropna())
    assert len(story.actions) == len(tables["actions"].query("customer_id == @who"))
    assert len(story.contracts) == len(tables["contracts"].query("customer_id == @who"))


def test_health_over_time_is_that_of_each_moments_own_score(story, sample, who):
    checked_frame(story.health, HEALTH_ITEMS)
    checked_frame(story.predictions, PREDICTIONS)
    moments = [*pd.date_range("2023-07-01", "2024-06-01", freq="MS", tz="UTC"), sample.simulation.as_of]
    assert story.predictions[c.AS_OF].tolist() == moments
    added = story.health.groupby(c.AS_OF)[c.POINTS].sum()
    np.testing.assert_allclose(added, story.predictions[c.HEALTH], rtol=0, atol=1e-9)
    history = cxml.histories(sample.config, [who], frames=sample.simulation.tables, models=sample.models)[who]
    for moment in moments[::6]:
        then = load(sample.trained.bundle).predict(history.row(moment.to_pydatetime()))
        assert then.health == pytest.approx(added[moment], abs=1e-6)


def test_changes_lead_from_each_moment_to_the_next(story):
    health = story.predictions[c.HEALTH].to_numpy()
    np.testing.assert_allclose([change.change for change in story.changes], np.diff(health), rtol=0, atol=1e-9)
    for change in story.changes:
        assert sum(item.points for item in change.items) == pytest.approx(change.change, abs=1e-9)


def test_an_earlier_moment_sees_only_what_was_known_then(sample, who):
    as_of = datetime(2024, 1, 1, tzinfo=UTC)
    story = story_of(sample, who, as_of=as_of, months=1)
    assert story.as_of == as_of
    assert story.predictions[c.AS_OF].dt.strftime("%Y-%m-%d").tolist() == ["2023-12-01", "2024-01-01"]
    naive = pd.Timestamp("2024-01-01")
    assert (story.touchpoints["last_time"] < naive).all()
    assert (story.contracts["start_time"] < naive).all()
    assert story.contracts[story.contracts["end_time"] >= naive]["renewed"].isna().all()


def test_months_before_somebody_came_are_left_out(sample):
    customers = sample.simulation.tables["customers"]
    recent = customers[customers["since"] > pd.Timestamp("2024-03-15", tz="UTC")]
    young = min(set(recent[c.CUSTOMER_ID]) & set(sample.scored.features[c.CUSTOMER_ID]))
    since = customers.set_index(c.CUSTOMER_ID).loc[young, "since"]
    assert (story_of(sample, young).predictions[c.AS_OF] > since).all()


def test_who_left_is_told_of_the_last_moment(sample):
    scored, contracts = set(sample.scored.features[c.CUSTOMER_ID]), sample.simulation.tables["contracts"]
    ends = contracts.groupby(c.CUSTOMER_ID)["end_time"].max()
    ended = ends[(ends > "2024-02-01") & (ends < "2024-06-01")]
    gone = min(set(ended.index) - scored)
    story = story_of(sample, gone)
    assert not story.in_force
    assert story.recommendation is None
    assert story.prediction.as_of <= ends[gone]
    assert "not a customer on 2024-07-01: the last contract ended on 2024-0" in customer_text(story)


def test_who_left_before_all_moments_has_no_prediction_and_no_health(sample):
    ends = sample.simulation.tables["contracts"].groupby(c.CUSTOMER_ID)["end_time"].max()
    gone = ends[ends < "2023-06-30"].index.min()
    story = story_of(sample, gone)
    assert not story.in_force
    assert (story.prediction, story.explanation, story.changes, story.recommendation) == (None, None, (), None)
    assert list(story.health) == [column.name for column in HEALTH_ITEMS.columns]
    assert len(story.health) == len(story.predictions) == 0
    assert len(story.contracts) > 0
    assert len(story.touchpoints) > 0
    assert f"not a customer on 2024-07-01: the last contract ended on {ends[gone]:%Y-%m-%d}." in customer_text(story)


def test_who_has_not_come_yet_is_refused(sample):
    since = sample.simulation.tables["customers"].set_index(c.CUSTOMER_ID)["since"]
    young = since[since > "2024-03-15"].index.min()
    with pytest.raises(ConfigError, match=rf"as_of: customer '{young}' is not a customer yet at 2024-03-01"):
        story_of(sample, young, as_of=datetime(2024, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("year", [1999, 2030])
def test_a_moment_of_which_the_tables_tell_nothing_is_refused_as_in_scoring(sample, who, year):
    moment = datetime(year, 1, 1, tzinfo=UTC)
    refused = rf"as_of: must be after the first fact .* at most 365 days after .*2024-07-01.*; it is {year}-01-01"
    with pytest.raises(ConfigError, match=refused):
        story_of(sample, who, as_of=moment)
    with pytest.raises(ConfigError, match=refused):
        cxml.score(sample.config, frames=sample.simulation.tables, models=sample.models, as_of=moment)


def test_a_moment_at_which_nobody_is_a_customer_is_refused_as_in_scoring(sample, who):
    tables, moment = sample.simulation.tables, datetime(2025, 6, 30, tzinfo=UTC)
    until = tables["contracts"]["end_time"].clip(upper=pd.Timestamp("2025-06-01", tz="UTC"))
    ended = tables | {"contracts": tables["contracts"].assign(end_time=until)}
    for told in (
        lambda: cxml.customer(sample.config, who, frames=ended, models=sample.models, as_of=moment),
        lambda: cxml.score(sample.config, frames=ended, models=sample.models, as_of=moment, to=sample.models / "x.csv"),
    ):
        with pytest.raises(ConfigError, match="as_of: nobody in customers is a customer at 2025-06-30"):
            told()


def test_both_languages_have_a_text(sample, story, who):
    text = customer_text(story)
    for heading in ("Who", "Contract", "Touchpoints", "Answers", "Actions", "Predicted", "Health", "Over time", "Next"):
        assert f"\n{heading} " in text
    assert max(map(len, text.splitlines())) <= 100
    told = customer_text(story_of(sample, who, language="pt", months=1))
    assert "Saúde" in told
    assert "pontos" in told
    assert "Quem          cliente desde " in told
    assert not re.search(r"\d\.\d", "".join(line for line in told.splitlines() if "porque" not in line))
    for english in ("since", "segment ", "region", "acquisition", "deliver", "visits", "auto_pay", "delivery)"):
        assert english not in re.sub("“.*?”", "", told)
    with pytest.raises(ConfigError, match="language: must be one of en, pt; it is 'fr'"):
        story_of(sample, who, language="fr")


def test_an_unknown_id_gets_those_that_are_written_alike(sample):
    with pytest.raises(
        ConfigError, match=r"customer 'C00001': must be in customers; .*did you mean 'c000001' or 'c00001"
    ):
        story_of(sample, "C00001")
    with pytest.raises(ConfigError, match=r"customer 'x': .*Ids are compared as text"):
        story_of(sample, "x")


def test_a_snapshot_gets_what_there_is(tmp_path):
    rng = np.random.default_rng(0)
    spend = rng.normal(50, 10, 400)
    customers = pd.DataFrame(
        {
            "customer_id": [f"k{i}" for i in range(400)],
            "monthly_spend": spend,
            "calls": rng.poisson(2, 400).astype(float),
            "left": np.where(rng.random(400) < 1 / (1 + np.exp((spend - 45) / 4)), "yes", "no"),
        }
    )
    config = parse_config(
        {
            "company": "shop",
            "as_of": "2024-01-01",
            "tables": {"customers": {}},
            "labels": {"renewal": {"column": "left", "lost": "yes"}},
        }
    )
    train(config, frames={"customers": customers}, models=tmp_path)
    story = cxml.customer(config, "k7", frames={"customers": customers}, models=tmp_path)
    assert story.predictions[c.AS_OF].tolist() == [pd.Timestamp("2024-01-01", tz="UTC")]
    assert story.changes == ()
    assert story.recommendation is None
    assert {item.name for item in story.explanation.items} == {"column:monthly_spend", "column:calls"}
    headings = [line.split()[0] for line in customer_text(story).splitlines()[1:] if line and line[0] != " "]
    assert headings == ["Who", "Outcome", "Predicted", "Health"]
    assert story.profile["attribute"].tolist() == ["monthly_spend", "calls"]
    assert story.outcomes[["attribute", "value"]].to_numpy().tolist() == [["left", customers["left"][7]]]


def test_health_means_what_it_says(sample):
    """Among customers of about the same health, what comes true is worth that health, to four points.

    Each customer's contract and answer are drawn 200 times from the truth of the simulation.
    """
    truth = sample.simulation.truth.set_index(c.CUSTOMER_ID)
    health = sample.scored.predictions.set_index(c.CUSTOMER_ID)[c.HEALTH]
    true = truth.loc[health.index]
    rng = np.random.default_rng(0)
    kept = rng.random((200, len(true))) < true["p_renew_no_action"].to_numpy()
    mark = rng.random((200, len(true)))
    promoter = (mark < true["p_promoter"].to_numpy()).astype(float)
    detractor = (mark > 1 - true["p_detractor"].to_numpy()).astype(float)
    weights = sample.config.health
    came_true = 100 * (weights.renewal * kept + weights.advocacy * (1 + promoter - detractor) / 2)
    groups = pd.qcut(health.to_numpy(), 6).codes
    for group in range(6):
        of_group = groups == group
        assert came_true[:, of_group].mean() == pytest.approx(health.to_numpy()[of_group].mean(), abs=4)
