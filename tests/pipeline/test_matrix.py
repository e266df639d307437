"""The maturity matrix of the sample company, and what falls out of it where a source is left out."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.company import FeaturesConfig, ModelsConfig
from cxml.config.labels import LabelsConfig, NpsLabel
from cxml.config.load import parse_config
from cxml.config.maturity import MaturityConfig
from cxml.errors import ConfigError, SinkError
from cxml.pipeline import check, maturity

EMPTY = {("alternatives", "social"), ("alternatives", "environment"), ("competitors", "environment")}


def without(tables, **columns):
    """Return tables without some columns."""
    return {name: frame.drop(columns=columns.get(name, [])) for name, frame in tables.items()}


def cells(found):
    return found.cells.set_index(["source", "aspect"])


def losses(found, measure="log_loss"):
    return found.lost[found.lost["measure"] == measure].set_index(["source", "aspect"])


def skill(found):
    return found.skill.set_index("measure")["value"]


@pytest.fixture(scope="module")
def company(sample):
    """Return the sample company that learns NPS alone, from few features with small models, so that tests are fast."""
    return sample.config.model_copy(
        update={
            "labels": LabelsConfig(nps=NpsLabel()),
            "features": FeaturesConfig(windows_days=(90, 365), add=sample.config.features.add),
            "models": ModelsConfig(learning_rate=0.15, max_trees=60),
            "policy": None,
        }
    )


@pytest.fixture(scope="module")
def tables(sample):
    return dict(sample.simulation.tables)


@pytest.fixture(scope="module")
def matrix(company, tables):
    return maturity(company, frames=tables, skill=False)


@pytest.fixture(scope="module")
def with_noise(company, tables):
    """Return the maturity of a company that knows a random number of each customer, and of nothing else in its cell."""
    noise = np.random.default_rng(0).normal(size=len(tables["customers"]))
    frames = tables | {"customers": tables["customers"].assign(lucky_number=noise)}
    config = company.model_copy(update={"maturity": MaturityConfig(cells={"lucky_number": ("alternatives", "social")})})
    return maturity(config, frames=frames)


def test_the_sample_company_fills_all_cells_but_three(matrix):
    n = cells(matrix)["n_features"]
    assert {place for place in n.index if n[place] == 0} == EMPTY
    assert n.sum() == len(matrix.features)
    assert matrix.features["feature"].is_unique
    assert matrix.lost.empty
    assert matrix.skill.empty


def test_coverage_is_the_share_of_todays_customers_of_whom_anything_in_the_cell_is_known(matrix, sample, tables):
    today = sample.scored.features["customer_id"]
    known = tables["customers"].set_index("customer_id").loc[today]
    cell = cells(matrix).loc[("customer", "prices")]
    assert cell["coverage"] == pytest.approx(known["price_orientation"].notna().mean())
    assert cell["n_customers"] == known["price_orientation"].notna().sum()
    events = tables["events"]
    named = events[(events["event_type"] == "post") & (events["known_time"] < sample.simulation.as_of)]
    ever = today.isin(named.loc[named["competitor_mention"].notna(), "customer_id"]).mean()
    assert cells(matrix).loc[("competitors", "social"), "coverage"] == pytest.approx(ever)
    assert cells(matrix).loc[("behaviour", "environment"), "coverage"] == 1  # the season is known of everyone
    assert cells(matrix).loc[("competitors", "environment"), "coverage"] == 0


@pytest.mark.parametrize(
    ("left_out", "place"),
    [
        ({"contracts": ["addons"]}, ("alternatives", "prices")),
        ({"events": ["channel", "outsourced"]}, ("alternatives", "interfaces")),
        ({"environment": ["competitor_price_index"]}, ("competitors", "prices")),
        ({"customers": ["tech_affinity", "acquisition"]}, ("customer", "interfaces")),
        ({"customers": ["price_orientation"]}, ("customer", "prices")),
    ],
)
def test_a_source_that_is_left_out_leaves_its_cell_empty_and_the_others_as_they_were(
    company, tables, matrix, left_out, place
):
    found = maturity(company, frames=without(tables, **left_out), skill=False)
    n, before = cells(found)["n_features"], cells(matrix)["n_features"]
    assert n[place] == 0 < before[place]
    assert n.drop(place).equals(before.drop(place))
    assert not set(found.features["feature"]) & set(
        matrix.features[(matrix.features["source"] == place[0]) & (matrix.features["aspect"] == place[1])]["feature"]
    )


def test_skill_that_the_truth_rests_on_is_lost_and_that_of_a_random_number_is_not(with_noise):
    lost = losses(with_noise)
    assert lost.loc[("behaviour", "interfaces"), "low"] > 0.05  # deliveries and contacts move satisfaction
    assert lost.loc[("behaviour", "all"), "low"] > 0.05
    assert lost.loc[("alternatives", "social"), "low"] <= 0  # the random number
    assert losses(with_noise, "auc").loc[("alternatives", "social"), "low"] <= 0
    assert losses(with_noise, "auc").loc[("behaviour", "interfaces"), "low"] > 0
    assert lost.loc[("alternatives", "social"), "n_features"] == 1


def test_every_filled_cell_row_and_column_is_judged(with_noise):
    n = cells(with_noise)["n_features"]
    filled = {place for place in n.index if n[place]}
    parts = filled | {(source, "all") for source, _ in filled} | {("all", aspect) for _, aspect in filled}
    for measure in ("log_loss", "auc"):
        assert set(losses(with_noise, measure).index) == parts
    assert losses(with_noise).loc[("all", "prices"), "n_features"] == n[:, "prices"].sum()


def test_without_a_source_the_skill_falls_by_what_was_reported(company, tables, with_noise):
    events = tables["events"]
    kept = events[~events["event_type"].isin(["delivery", "contact", "complaint", "visit"])]
    silent = {name: frame for name, frame in tables.items() if name != "actions"} | {
        "events": kept.dropna(axis=1, how="all").reset_index(drop=True)
    }
    without_actions = company.tables.model_copy(update={"actions": None})
    config = company.model_copy(update={"features": FeaturesConfig(windows_days=(90, 365)), "tables": without_actions})
    found = maturity(config, frames=silent)
    before, after = skill(with_noise)["log_loss"], skill(found)["log_loss"]
    reported = losses(with_noise).loc[("behaviour", "interfaces")]
    assert after - before > reported["low"]
    assert after - before == pytest.approx(reported["value"], abs=0.05)


def test_the_report_says_cells_losses_and_what_they_mean(with_noise):
    lines = with_noise.text.splitlines()
    assert lines[0].startswith("sample: maturity of the data as of 2024-07-01, ")
    assert any(line.startswith("  behaviour x service interfaces       +0.") for line in lines)
    assert max(map(len, lines)) <= 100


def test_the_confidence_of_a_table_is_shown_where_it_is_stated(company, tables, matrix):
    assert cells(matrix)["confidence"].isna().all()
    surveys = tables["surveys"].assign(confidence=np.where(np.arange(len(tables["surveys"])) % 2, 0.5, np.nan))
    found = maturity(company, frames=tables | {"surveys": surveys}, skill=False)
    assert cells(found).loc[("customer", "social"), "confidence"] == pytest.approx(0.75, abs=1e-3)  # unstated: 1
    assert np.isnan(cells(found).loc[("customer", "environment"), "confidence"])
    assert "Confidence" in found.text


def test_a_name_that_is_not_there_is_refused_also_by_check(company, tables):
    config = company.model_copy(update={"maturity": MaturityConfig(cells={"price_index": ("competitors", "prices")})})
    with pytest.raises(ConfigError, match=r"maturity\.cells: there is no feature.*'price_index'; did you mean"):
        maturity(config, frames=tables, skill=False)
    assert any("maturity.cells" in fault for fault in check(config, frames=tables).faults)


def test_the_picture_is_written_twice_alike_and_nothing_else_is_drawn(company, tables, tmp_path):
    for name in ("a.svg", "b.svg", "c.png"):
        maturity(company, frames=tables, skill=False, picture=tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SinkError, match=r"maturity\.txt: must be one of \.svg, \.png"):
        maturity(company, frames=tables, picture=tmp_path / "maturity.txt")


def test_a_snapshot_has_its_matrix_too():
    rng = np.random.default_rng(0)
    usage = rng.normal(size=300)
    lost = np.where(rng.random(300) < 1 / (1 + np.exp(3 * usage)), "Yes", "No")
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)], "usage": usage, "age": 30.0, "lost": lost})
    config = parse_config(
        {
            "company": "acme",
            "as_of": "2024-01-01",
            "tables": {"customers": {}},
            "labels": {"renewal": {"column": "lost", "lost": "Yes"}},
            "models": {"max_trees": 20},
        }
    )
    found = maturity(config, frames={"customers": customers})
    n = cells(found)["n_features"]
    assert {place: n[place] for place in n.index if n[place]} == {
        ("behaviour", "interfaces"): 1,
        ("customer", "environment"): 1,
    }
    assert losses(found).loc[("behaviour", "interfaces"), "low"] > 0
    assert "held-out customers" in found.text
