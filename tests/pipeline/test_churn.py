"""A shop without contracts, simulated with known habits, and a snapshot with stars: trained, scored, and refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxml.conditions.arrays import mask
from cxml.config.load import parse_config
from cxml.descriptive.features import customers_at, feature_frame
from cxml.descriptive.labels import renewal_labels
from cxml.descriptive.sources import read_tables
from cxml.errors import ConfigError
from cxml.pipeline import check, plan, score, train
from cxml.predict import load

BEGIN, AS_OF = pd.Timestamp("2022-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz="UTC")
HORIZON = 60


def shop(n_customers=700, random_state=0):
    """Return purchases until 60 days after AS_OF: each customer buys at a rate of their own until a day of their own.

    Rates are gamma, the last day exponential, as in the Pareto/NBD model (Schmittlein, Morrison and Colombo, 1987).
    """
    rng = np.random.default_rng(random_state)
    end = (AS_OF - BEGIN).days + HORIZON
    rows = []
    for i in range(n_customers):
        came = rng.uniform(0, 600)
        rate, gone = rng.gamma(1.2, 1 / 40), came + rng.exponential(400)
        day = came
        while day < min(gone, end):
            rows.append((f"c{i:03d}", BEGIN + pd.Timedelta(days=day), "purchase", rng.lognormal(3, 0.5)))
            day += rng.exponential(1 / rate)
        rows += [(f"c{i:03d}", BEGIN + pd.Timedelta(days=d), "visit", np.nan) for d in rng.uniform(came, end, 2)]
    return pd.DataFrame(rows, columns=["customer_id", "event_time", "event_type", "value"])


def of_labels(**labels):
    quick = {"learning_rate": 0.2, "max_trees": 60}
    return parse_config(
        {
            "company": "acme",
            "as_of": AS_OF.isoformat(),
            "tables": {"customers": {}},
            "labels": labels,
            "models": quick,
        }
    )


def config(**renewal):
    asked = {"event": "purchase", "horizon_days": HORIZON, "every_days": 45, "active_days": 365} | renewal
    return of_labels(renewal=asked)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    events, models = shop(), tmp_path_factory.mktemp("models")
    customers = events.groupby("customer_id", as_index=False).agg(since=("event_time", "min"))
    frames = {"customers": customers[customers["since"] < AS_OF], "events": events[events["event_time"] < AS_OF]}
    result = train(config(), frames=frames, models=models)
    return SimpleNamespace(events=events, frames=frames, models=models, result=result)


def test_the_model_ranks_and_means_what_it_says_on_the_future_it_was_judged_on(trained):
    evaluation = trained.result.evaluations["renewal"]
    measures = evaluation.by_name
    assert measures["auc"].low > 0.65
    assert measures["log_loss"].high < measures["base_log_loss"].low
    p, lost = evaluation.held_out.p[:, 1], evaluation.held_out.classes
    for third in np.array_split(np.argsort(p), 3):
        assert abs(p[third].mean() - lost[third].mean()) < 0.1


def test_the_risk_is_that_of_the_days_that_then_came(trained):
    scored = score(config(), frames=trained.frames, models=trained.models)
    bought = trained.events[(trained.events["event_type"] == "purchase") & (trained.events["event_time"] >= AS_OF)]
    speaks = scored.predictions[scored.predictions["renewal_risk"].notna()]
    lost = ~speaks["customer_id"].isin(bought["customer_id"])
    risk = speaks["renewal_risk"]
    assert abs(risk.mean() - lost.mean()) < 0.06
    higher = risk[lost].to_numpy()[:, None] > risk[~lost].to_numpy()[None, :]
    assert higher.mean() > 0.65  # the share of pairs in the right order is the AUC
    assert "customers at risk are expected to be lost" in scored.summary


def test_risk_is_empty_for_who_was_not_active(trained):
    scored = score(config(), frames=trained.frames, models=trained.models)
    events = trained.frames["events"]
    last = events[events["event_type"] == "purchase"].groupby("customer_id")["event_time"].max()
    active = set(last[last >= AS_OF - pd.Timedelta(days=365)].index)
    told = scored.predictions.set_index("customer_id")[["renewal_risk", "health"]].notna()
    assert 0 < len(active) < len(told)
    assert set(told.index[told["renewal_risk"]]) == set(told.index[told["health"]]) == active


@pytest.mark.parametrize("drop", [[], ["days_since_purchase"]])
def test_a_label_has_rows_of_exactly_those_whom_the_model_speaks_for(trained, drop):
    asked = config(every_days=100, active_days=120)
    asked = asked.model_copy(update={"features": asked.features.model_copy(update={"drop": tuple(drop)})})
    tables = read_tables(asked, trained.frames)
    labels = renewal_labels(tables, asked.labels.renewal)
    features = plan.features_for(asked, tables, None)
    assert ("days_since_renewal_event" in {feature.name for feature in features}) == bool(drop)
    kinds = plan.kinds_of(features, tables)
    for as_of, rows in labels.groupby("as_of"):
        everyone = feature_frame(tables, features, customers_at(tables, as_of.to_pydatetime()))
        columns = {name: everyone[name].to_numpy() for name in kinds}
        speaks = mask(plan.renewal_applies(asked, features, kinds), columns, len(everyone))
        assert set(everyone["customer_id"][speaks]) == set(rows["customer_id"])


def test_a_feature_of_ones_own_cannot_take_the_name_that_the_label_needs(trained):
    feature = {"kind": "recency", "name": "days_since_renewal_event", "table": "events"}
    raw = config().model_dump(mode="json") | {"features": {"add": [feature], "drop": ["days_since_purchase"]}}
    with pytest.raises(ConfigError, match=r"features\.days_since_renewal_event: is the name of a feature that labels"):
        train(parse_config(raw), frames=trained.frames, models=trained.models)


@pytest.mark.parametrize(
    ("renewal", "changed"),
    [
        ({"horizon_days": 61}, "horizon_days"),
        ({"gap_days": 1}, "gap_days"),
        ({"active_days": None}, "active_days"),
        ({"event": "visit"}, "event"),
        ({"event": ["purchase", "visit"], "where": "value > 0"}, "event, where"),
        ({"column": "lost", "lost": "Yes", "event": (), "active_days": None}, "active_days, column, event, gap_days"),
    ],
)
def test_another_question_needs_another_training(trained, tmp_path, renewal, changed):
    with pytest.raises(ConfigError, match=rf"labels\.renewal: is not what the bundle was trained for \({changed}"):
        score(config(**renewal), frames=trained.frames, models=trained.models, to=tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_other_moments_to_learn_from_are_no_other_question(trained, tmp_path):
    score(config(every_days=7), frames=trained.frames, models=trained.models, to=tmp_path / "out.csv")


def test_a_label_of_one_moment_is_judged_on_held_out_customers(trained, tmp_path):
    evaluation = train(config(every_days=9_000), frames=trained.frames, models=tmp_path).evaluations["renewal"]
    assert evaluation.how.startswith("held-out customers")
    assert evaluation.by_name["auc"].low > 0.6


def test_the_bundle_keeps_the_question_and_for_whom_it_speaks(trained):
    model = load(trained.result.bundle).bundle.models["renewal"]
    assert model.question == {
        "horizon_days": 60, "gap_days": 0, "event": ["purchase"], "where": None, "active_days": 365,
    }  # fmt: skip
    assert model.applies == ["<=", ["column", "days_since_purchase"], ["number", 365.0]]


def starred(**nps):
    labels = {"nps": {"column": "rating", "instrument": "stars"} | nps}
    return parse_config({"company": "hotel", "as_of": AS_OF.isoformat(), "tables": {"customers": {}}, "labels": labels})


def test_a_snapshot_with_stars_gives_nps_classes(tmp_path):
    rng = np.random.default_rng(0)
    n = 400
    comfort = rng.normal(size=n)
    rating = np.clip(np.round(4 + comfort + rng.normal(scale=0.5, size=n)), 1, 5)
    customers = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(n)], "comfort": comfort, "nights": rng.poisson(2, n), "rating": rating}
    )
    result = train(starred(), frames={"customers": customers}, models=tmp_path)
    assert result.evaluations["nps"].by_name["auc"].low > 0.75
    found = score(starred(), frames={"customers": customers}, models=tmp_path).predictions
    assert found["renewal_risk"].isna().all()
    for name, truth in (("p_detractor", rating <= 3), ("p_passive", rating == 4), ("p_promoter", rating == 5)):
        assert abs(found[name].mean() - truth.mean()) < 0.02
    for nps, changed in (({"classes": [2, 4]}, "classes"), ({"scale": [1, 10]}, "scale")):
        with pytest.raises(ConfigError, match=rf"labels\.nps: is not what the bundle was trained for \({changed} chan"):
            score(starred(**nps), frames={"customers": customers}, models=tmp_path)


def test_check_names_every_fault_of_the_event(trained):
    found = check(config(event=["purchse"]), frames=trained.frames)
    assert found.faults == ("labels.renewal.event: no row of events has the type 'purchse'; did you mean 'purchase'?",)
    (fault,) = check(config(horizon_days=800), frames=trained.frames).faults
    assert "Bring a longer history, or shorten `horizon_days`" in fault
    assert check(config(), frames=trained.frames).faults == ()
