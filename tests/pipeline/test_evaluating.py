"""Companies evaluated from their tables: a snapshot with known truth, and the sample company with its future."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

import cxml
from cxml.config.company import FeaturesConfig, ModelsConfig
from cxml.config.load import example_config, load_config, parse_config
from cxml.errors import ConfigError, SinkError, TrainingError
from cxml.pipeline import evaluate
from cxml.predictive.measures import empc

QUICK = {"learning_rate": 0.2, "max_trees": 40}


def customers(n=700, seed=0):
    """Return customers whose risk of leaving follows from their usage alone."""
    rng = np.random.default_rng(seed)
    usage = rng.normal(size=n)
    left = rng.random(n) < 1 / (1 + np.exp(0.5 + 2 * usage))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "usage": usage,
            "fee": np.round(rng.uniform(10, 60, n), 2),
            "segment": rng.choice(["basic", "gold"], n),
            "children": rng.choice([0.0, 1.0, np.nan], n),
            "left": np.where(left, "yes", "no"),
        }
    )


def snapshot(**changed):
    raw = {
        "company": "acme",
        "as_of": "2024-01-01",
        "tables": {"customers": {}},
        "labels": {"renewal": {"column": "left", "lost": "yes"}},
        "models": QUICK,
    }
    return parse_config(raw | changed)


@pytest.fixture(scope="module")
def tables():
    return {"customers": customers()}


@pytest.fixture(scope="module")
def found(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    picture = folder / "curves.svg"
    return cxml.evaluate(snapshot(), frames=tables, repeats=1, to=folder, file_format="csv", picture=picture)


def test_a_snapshot_is_judged_on_held_out_customers_and_beats_the_base_rate(found):
    measures = found.measures.set_index("measure")
    assert measures.loc["log_loss", "high"] < measures.loc["base_log_loss", "low"]
    assert (measures["n"] == 700).all()
    assert measures.loc["empc_folds", "value"] > 0
    assert found.evaluations["renewal"].how == "held-out customers, 1 x stratified 5-fold"


def test_groups_are_the_segments_and_a_snapshot_has_no_months(found):
    assert found.reliability["by"].unique().tolist() == ["all", "segment"]
    assert found.reliability["group"].dropna().tolist() == ["basic", "gold"]


def test_the_text_says_it_in_words(found):
    text = " ".join(found.text.split())
    assert "acme: how good its models are on rows that they have not seen, data as of 2024-01-01" in text
    assert "judged on 700 held-out customers, 1 x stratified 5-fold" in text
    assert "lost: calibrated by " in text
    assert "a published example: give `costs:` of your own" in text


def test_each_frame_is_a_file_and_the_picture_too(found):
    names = [path.name for path in found.written]
    of_model = ["measures", "classes", "confusions", "reliability", "bins", "gains", "calibrations", "thresholds"]
    frames = [*of_model, "nps", "drivers"]
    assert names == [*(f"{name}.csv" for name in frames), "curves.svg"]
    assert all(path.stat().st_size for path in found.written)
    read = pd.read_csv(found.written[0])
    pd.testing.assert_frame_equal(read, found.measures, check_dtype=False)


def test_columns_to_look_at_are_those_of_customers_and_a_missing_level_is_no_group(tables):
    found = evaluate(snapshot(), frames=tables, by=["children", "segment"], repeats=1)
    of = found.reliability[found.reliability["by"] == "children"]
    assert of["group"].tolist() == ["0", "1"]
    assert of["n"].sum() == tables["customers"]["children"].notna().sum()


def test_what_drives_health_is_told_of_the_customers_of_now(found):
    drivers = found.drivers
    assert drivers["of"].unique().tolist() == ["health", "renewal"]
    assert (drivers["n_customers"] == 700).all()
    first = drivers[drivers["feature"] != "all"].iloc[0]
    assert (first["feature"], first["direction"] > 0.9) == ("usage", True)  # only usage keeps these customers
    assert first["low"] > drivers[drivers["feature"] == "fee"]["high"].max()
    assert "what drives health" in found.text
    assert found.nps.empty
    assert "NPS of all customers" not in found.text


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (["segmnt"], r"have a column 'segmnt'; did you mean 'segment'\?"),
        (["usage"], r"'usage' must have at most 50 groups; it has 700\. Name a column of names"),
    ],
)
def test_a_column_that_cannot_be_grouped_by_is_refused(tables, by, message):
    begun = []
    with pytest.raises(ConfigError, match=message):
        evaluate(snapshot(), frames=tables, by=by, step=lambda name: begun.append(name) or nullcontext())
    assert begun == ["check tables", "build features"]  # before anything takes long


def test_what_cannot_be_written_or_repeated_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"is a file\. Name a folder"):
        evaluate(snapshot(), frames={}, to=tmp_path / "file")
    with pytest.raises(SinkError, match=r"must be one of \.svg, \.png"):
        evaluate(snapshot(), frames={}, picture=tmp_path / "a.pdf")
    with pytest.raises(ConfigError, match="repeats: must be 1 or more; it is 0"):
        evaluate(snapshot(), frames={}, repeats=0)


def test_costs_of_the_company_decide_its_threshold_and_value_may_serve(tables):
    config = snapshot(value="12 * fee", costs={"offer": 30, "contact": 3})
    found = evaluate(config, frames=tables, repeats=1)
    won = 0.3 * (12 * tables["customers"]["fee"].mean() - 30) - 3
    by_costs = found.thresholds.set_index("chosen_by").loc["costs"]
    assert by_costs["threshold"] == pytest.approx(33 / (33 + won))
    held_out = found.evaluations["renewal"].held_out
    published = empc(held_out.classes, held_out.p, np.ones(700))
    assert found.measures.set_index("measure").loc["empc", "value"] > published
    assert "published example" not in " ".join(found.text.split())


def test_a_mean_value_below_the_offer_is_refused(tables):
    with pytest.raises(ConfigError, match=r"costs\.clv: the mean of `value`.* is 5\.00, not above the offer of 30\.00"):
        evaluate(snapshot(value=5, costs={"offer": 30, "contact": 3}), frames=tables)


def test_labels_of_one_class_are_an_error(tables):
    with pytest.raises(TrainingError, match="needs rows of at least two classes"):
        evaluate(snapshot(), frames={"customers": tables["customers"].assign(left="yes")})


@pytest.fixture(scope="module")
def future(sample):
    config = sample.config.model_copy(
        update={
            "features": FeaturesConfig(windows_days=(90, 365), add=sample.config.features.add),
            "models": ModelsConfig(learning_rate=0.15, max_trees=60),
        }
    )
    return evaluate(config, frames=sample.simulation.tables)


def test_both_models_are_judged_on_the_future_by_segment_and_month(future):
    assert future.measures["model"].unique().tolist() == ["nps", "renewal"]
    assert set(future.reliability["by"]) == {"all", "segment", "month"}
    assert set(zip(future.reliability["model"], future.reliability["head"], strict=True)) == {
        ("nps", "detractor"),
        ("nps", "promoter"),
        ("renewal", "lost"),
    }
    first = future.evaluations["renewal"].how.split()[2][:7]
    months = future.reliability[(future.reliability["by"] == "month") & (future.reliability["model"] == "renewal")]
    assert months["group"].min() >= first
    assert months["n"].sum() == future.evaluations["renewal"].n_test
    assert not future.measures["measure"].str.endswith("_folds").any()


def test_the_nps_of_all_customers_stands_beside_that_of_those_who_answered(future, sample):
    everyone = future.nps.iloc[0]
    assert everyone["by"] == "all"
    assert everyone["n_customers"] == len(sample.scored.predictions)
    assert everyone["correction"] == "silence"
    assert everyone["respondents_high"] < everyone["predicted_nps"]  # who is unhappy answers more often there
    assert future.drivers["of"].unique().tolist() == ["health", "renewal", "nps"]
    assert "Corrected for who answers by silence itself" in future.text


def test_the_same_company_gives_the_same_figures(future, sample, tables):
    first, second = (evaluate(snapshot(), frames=tables, repeats=1) for _ in range(2))
    pd.testing.assert_frame_equal(first.measures, second.measures)
    assert first.text == second.text


def test_telco_is_as_good_as_published_and_means_what_it_says(real_data):
    real_data("telco_churn.csv")
    config = load_config(example_config("telco.yaml")).model_copy(
        update={"models": ModelsConfig(learning_rate=0.2, max_trees=100)}
    )
    found = evaluate(config, by=["gender"], repeats=1)
    value = found.measures.set_index("measure")["value"]
    assert 0.84 < value["auc"] < 0.856  # the honest ceiling is about .851: more would be a leak
    assert 0.02 < value["empc_folds"] - value["empc"] < 0.2
    assert found.reliability["inside"].all()
    profit = found.thresholds.set_index("chosen_by")
    assert profit.loc["costs", "low"] > profit.loc["half", "high"]
