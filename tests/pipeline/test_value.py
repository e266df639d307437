"""A shop and a subscription company, simulated with known habits: what customers bring is learnt, scored and told."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cxml.cli import main
from cxml.config.load import parse_config
from cxml.errors import ConfigError
from cxml.pipeline import check, evaluate, score, train
from cxml.predict import Predictor, load

BEGIN, AS_OF = pd.Timestamp("2022-01-01", tz="UTC"), pd.Timestamp("2023-07-01", tz="UTC")
DAYS, HORIZON = (AS_OF - BEGIN).days, 60


def purchases(n_customers=500, seed=0):
    """Return purchases until 60 days after AS_OF: each customer buys at a rate and a price of their own."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_customers):
        rate, price, day = rng.gamma(1, 1 / 40), rng.lognormal(3, 0.7), rng.uniform(0, 300)
        while day < DAYS + HORIZON:
            rows.append((f"c{i:03d}", BEGIN + pd.Timedelta(days=day), "purchase", price * rng.lognormal(0, 0.3)))
            day += rng.exponential(1 / rate)
    return pd.DataFrame(rows, columns=["customer_id", "event_time", "event_type", "value"])


def config(value=None, **more):
    raw = {
        "company": "shop",
        "as_of": AS_OF.isoformat(),
        "tables": {"customers": {}},
        "labels": {"value": {"event": "purchase", "horizon_days": HORIZON, "every_days": 30} | (value or {})},
        "models": {"learning_rate": 0.2, "max_trees": 60},
    }
    return parse_config(raw | more)


@pytest.fixture(scope="module")
def frames():
    bought = purchases()
    known = bought[bought["event_time"] < AS_OF]
    ids = [*known["customer_id"].unique(), "never"]
    return {"customers": pd.DataFrame({"customer_id": ids}), "events": known}, bought[bought["event_time"] >= AS_OF]


@pytest.fixture(scope="module")
def trained(frames, tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    return train(config(), frames=frames[0], models=models), models


@pytest.fixture(scope="module")
def scored(frames, trained):
    return score(config(), frames=frames[0], models=trained[1])


def test_the_evaluation_is_of_the_future(trained):
    evaluation = trained[0].evaluations["value"]
    assert "not seen in training" in evaluation.how
    found = evaluation.by_name
    assert found["mae"].high < found["base_mae"].value
    assert found["spearman"].low > 0.3
    assert 0.8 < found["total_ratio"].value < 1.25


def test_the_command_prints_how_good_the_value_model_is(frames, tmp_path):
    tables = {name: {"path": f"{name}.csv"} for name in frames[0]}
    for name, frame in frames[0].items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    raw = config().model_dump(mode="json", exclude_none=True, exclude_defaults=True) | {"tables": tables}
    (tmp_path / "company.yaml").write_text(json.dumps(raw))  # JSON is YAML
    told = CliRunner().invoke(main, ["train", str(tmp_path / "company.yaml"), "--models", str(tmp_path / "models")])
    assert told.exit_code == 0, told.output
    assert "value: " in told.output
    assert "total_ratio " in told.output
    assert "bundle " in told.output


def test_a_company_that_asks_for_value_alone_can_be_evaluated(frames, trained):
    found = evaluate(config(), frames=frames[0])
    assert found.measures["model"].unique().tolist() == ["value"]
    told = found.measures.set_index("measure")["value"]
    assert told["total_ratio"] == trained[0].evaluations["value"].by_name["total_ratio"].value
    assert "all that was expected / all that came" in found.text
    assert found.drivers.empty
    assert found.nps.empty
    assert found.reliability.empty


def test_the_value_is_that_of_the_days_that_then_came(frames, scored):
    said = scored.predictions.set_index("customer_id")["value"]
    came = frames[1].groupby("customer_id")["value"].sum().reindex(said.index, fill_value=0.0)
    known = said.notna()
    assert said[known].sum() == pytest.approx(came[known].sum(), rel=0.2)
    assert np.corrcoef(said[known].rank(), came[known].rank())[0, 1] > 0.4


def test_who_never_bought_has_no_value(scored):
    said = scored.predictions.set_index("customer_id")["value"]
    assert np.isnan(said["never"])
    assert said.drop("never").notna().all()


def test_one_customer_has_the_bits_of_the_batch(trained, scored):
    predictor = load(trained[0].bundle)
    for i in range(0, len(scored.features), 50):
        row = scored.features.iloc[i].to_dict()
        row = {name: (None if value != value else value) for name, value in row.items()}
        found, expected = predictor.predict(row).value, scored.predictions["value"].iloc[i]
        assert found == expected or (found is None and np.isnan(expected))


def test_the_summary_tells_the_total_and_how_right_it_was(scored, trained):
    total = scored.predictions["value"].sum()
    assert f"Value          {total:,.0f} EUR expected in 60 days of" in scored.summary
    ratio = trained[0].evaluations["value"].by_name["total_ratio"]
    assert f"it expected {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] of what came" in scored.summary


def test_a_policy_may_use_what_is_learnt(frames, trained, tmp_path):
    policy = {"actions": [{"name": "gift", "cost": 1, "effect": 0.1, "eligibility": "value > 100"}], "holdout_share": 0}
    found = score(config(policy=policy), frames=frames[0], models=trained[1], to=tmp_path / "out.csv")
    gifts = found.recommendations.set_index("customer_id")["action"] == "gift"
    assert set(gifts.index[gifts]) == set(found.predictions["customer_id"][found.predictions["value"] > 100])


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        ({"horizon_days": 61}, "horizon_days"),
        ({"discount_rate": 0.1}, "discount_rate"),
        ({"where": "value > 0"}, "where"),
    ],
)
def test_another_question_needs_another_training(frames, trained, value, changed):
    with pytest.raises(ConfigError, match=rf"labels\.value: is not what the bundle was trained for \({changed} chan"):
        score(config(value), frames=frames[0], models=trained[1])


def test_a_config_without_the_label_asks_for_other_models(frames, trained):
    other = config(labels={"renewal": {"event": "purchase", "horizon_days": HORIZON}})
    with pytest.raises(ConfigError, match="the bundle has models of value, the config asks for others"):
        score(other, frames=frames[0], models=trained[1])


def test_a_value_model_of_other_features_is_refused(trained):
    from cxml.errors import BundleError

    bundle = load(trained[0].bundle).bundle
    encoding = type(bundle.encoding)(bundle.encoding.names[:-1], bundle.encoding.levels)
    with pytest.raises(BundleError, match=r"model value: has \[\d+\] features"):
        Predictor(type(bundle)(**{**vars(bundle), "encoding": encoding}))


def test_check_names_the_faults_of_the_label(frames):
    assert check(config(), frames=frames[0]).faults == ()
    found = check(config({"column": "valu"}), frames=frames[0])
    assert found.faults == ("labels.value.column: events has no column 'valu'; did you mean 'value'?",)


def test_contracts_tell_the_value_beside_the_risk(tmp_path):
    from cxml.simulate import simulate

    raw = {
        "company": "sample",
        "tables": {"customers": {}},
        "labels": {"value": {"horizon_days": 180}, "renewal": {}},
        "models": {"learning_rate": 0.2, "max_trees": 60},
    }
    tables = simulate(600, random_state=0).tables
    company = parse_config(raw)
    found = train(company, frames=tables, models=tmp_path).evaluations
    assert set(found) == {"renewal", "value"}
    assert found["value"].by_name["mae"].high < found["value"].by_name["base_mae"].low
    assert 0.9 < found["value"].by_name["total_ratio"].value < 1.1
    scored = score(company, frames=tables, models=tmp_path)
    value, features = scored.predictions["value"], scored.features
    assert value.notna().tolist() == features["contract_days_to_end"].notna().tolist()
    safe = features["contract_days_to_end"] > 180  # under contract all the time: six months at the price of today
    paid = features["contract_price"] * 180 / (365.25 / 12)
    assert (value[safe] / paid[safe]).median() == pytest.approx(1, abs=0.05)
