"""One customer during a conversation: the history that a company's bundle reads, from its config alone."""

import pytest

import cxml
from cxml.errors import BundleError, SchemaError
from cxml.predict import load


def histories(sample, *ids):
    return cxml.histories(sample.config, ids, frames=sample.simulation.tables, models=sample.models)


def test_a_history_gives_what_the_night_gave_of_the_same_customer(sample):
    night = sample.scored.features.set_index("customer_id")
    ids = list(night.index[::60])
    for who, history in histories(sample, *ids).items():
        row = history.row(sample.simulation.as_of)
        assert (row.pop("customer_id"), row.pop("as_of")) == (who, sample.simulation.as_of)
        assert list(row) == list(night.columns.drop("as_of"))
        for name, value in row.items():
            expected = night.loc[who, name]
            if isinstance(value, float):
                assert value == pytest.approx(expected, rel=1e-9, abs=1e-9), name
            else:
                assert value == expected or (value is None and expected != expected), name


def test_what_a_customer_says_now_changes_the_prediction_at_once(sample):
    who = sample.scored.features["customer_id"].iloc[0]
    history = histories(sample, who)[who]
    predictor = load(sample.models / "sample" / "bundle")
    before = predictor.predict(history.row("2024-07-01T10:00:00Z"))
    for minute in range(3):
        history.add(
            {"event_time": f"2024-07-01T09:0{minute}:00Z", "event_type": "contact", "channel": "phone", "solved": False}
        )
    after = predictor.predict(history.row("2024-07-01T10:00:00Z"))
    assert after.p_detractor > before.p_detractor


def test_somebody_who_is_no_customer_is_named(sample):
    with pytest.raises(SchemaError, match=r"customer_ids: must be in customers; .*first: 'nobody'"):
        histories(sample, "nobody")


def test_without_a_bundle_it_says_to_train_first(sample, tmp_path):
    with pytest.raises(BundleError, match=r"Run `cxml train` first"):
        cxml.histories(sample.config, ["c1"], frames=sample.simulation.tables, models=tmp_path)
