"""Alarms of a whole company: what its config allows is not said, what it planted is."""

import pytest

from cxml.config.company import AlarmsConfig
from cxml.config.features import Attribute, Contract
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables
from cxml.errors import ConfigError
from cxml.pipeline import check, plan, train
from cxml.pipeline.alarms import alarms_of, allowed_names


def allowing(config, *names):
    return config.model_copy(update={"alarms": AlarmsConfig(allow=names)})


def alarms(config, frames):
    tables = read_tables(config, frames)
    labels = plan.labels_of(config, tables)
    splits = plan.splits_of(config, labels)
    features = plan.features_for(config, tables, plan.training_end(labels, splits))
    rows = {name: feature_frame(tables, features, of) for name, of in labels.items()}
    return alarms_of(config, tables, rows, labels, splits, features)


def leaving_reasons(tables):
    """Return the tables with a reason for leaving, filled for the customers whose last contract was not renewed."""
    known = tables["contracts"].dropna(subset="renewed").sort_values("end_time")
    kept = known.groupby("customer_id")["renewed"].last().astype(bool)
    gone = tables["customers"]["customer_id"].map(~kept).fillna(False).astype(bool)
    reason = tables["customers"]["customer_id"].map(lambda _: "price").where(gone)
    return {**tables, "customers": tables["customers"].assign(leaving_reason=reason)}


def test_the_sample_company_raises_no_alarm_in_training(sample):
    assert sample.trained.alarms == {"nps": (), "renewal": ()}
    assert all(evaluation.verdict.has_signal for evaluation in sample.trained.evaluations.values())


def test_a_reason_for_leaving_among_the_customers_is_named_unless_it_is_allowed(sample):
    frames = leaving_reasons(sample.simulation.tables)
    found = alarms(sample.config, frames)
    assert [alarm.column for alarm in found["renewal"]] == ["leaving_reason"]
    assert alarms(allowing(sample.config, "leaving_reason"), frames)["renewal"] == ()


def test_an_allowed_name_that_is_not_there_is_refused_by_check_and_before_training(sample, tmp_path):
    config, frames = allowing(sample.config, "pirce", "moon"), sample.simulation.tables
    says = (
        "2 faults:\n  - alarms.allow: there is no feature or column 'pirce'; did you mean 'price'?\n"
        "  - alarms.allow: there is no feature or column 'moon'."
    )
    assert check(config, frames=frames).faults == (says,)
    steps = []

    def step(name):
        steps.append(name)
        return plan.quiet(name)

    with pytest.raises(ConfigError) as raised:
        train(config, frames=frames, models=tmp_path, step=step)
    assert str(raised.value) == says
    assert steps == ["check tables"]


def test_whatever_an_alarm_can_name_can_be_allowed_and_a_column_allows_the_features_made_of_it(sample):
    tables = read_tables(sample.config, sample.simulation.tables)
    features = (Attribute(name="tenure", column="since"), Contract(name="fee", column="price"))

    def allowed(*names):
        return allowed_names(allowing(sample.config, *names), tables, features)

    assert allowed("tenure", "customer_id", "surveys.comment") == {"tenure", "customer_id", "surveys.comment"}
    assert allowed("price", "comment") == {"price", "fee", "comment", "surveys.comment"}
    same_name = (*features, Attribute(name="price", column="region"))
    assert allowed_names(allowing(sample.config, "price"), tables, same_name) == {"price"}  # the feature, no column
