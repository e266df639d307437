"""Alarms of a whole company: what its config allows is not said, what it planted is."""

from cxml.config.company import AlarmsConfig
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables
from cxml.pipeline import plan
from cxml.pipeline.alarms import alarms_of


def alarms(config, frames):
    tables = read_tables(config, frames)
    labels = plan.labels_of(config, tables)
    splits = plan.splits_of(config, labels)
    features = plan.features_for(config, tables, plan.training_end(labels, splits))
    rows = {name: feature_frame(tables, features, of) for name, of in labels.items()}
    return alarms_of(config, tables, rows, labels, splits)


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
    allowing = sample.config.model_copy(update={"alarms": AlarmsConfig(allow=("leaving_reason",))})
    assert alarms(allowing, frames)["renewal"] == ()
