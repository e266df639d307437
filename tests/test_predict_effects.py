"""Effects in the service: what actions would change stands beside the predictions, with the bits of the batch."""

import json

import numpy as np
import pandas as pd
import pytest

from cxml.errors import BundleError, SchemaError
from cxml.predict import Predictor, Uplift, load
from cxml.predictive.bundle import read_bundle, save_bundle
from cxml.schema.check import checked_frame
from cxml.schema.columns import uplift_columns
from cxml.schema.frames import PREDICTIONS

ACTIONS = ("call", "letter")
COLUMNS = [name for action in ACTIONS for name in uplift_columns("renewal", action)]


@pytest.fixture(scope="module")
def predictor(planted):
    return load(planted.trained.bundle)


def record_of(row):
    """Return a row of a frame as a service would hold it."""
    return {name: None if pd.isna(value) else value for name, value in row.items()} | {
        "as_of": row["as_of"].to_pydatetime()
    }


def test_the_frame_has_three_columns_for_each_action_in_their_order(planted, predictor):
    found = predictor.predict(planted.scored.features)
    checked_frame(found, PREDICTIONS)
    assert [name for name in found if name.startswith("uplift_")] == COLUMNS
    pd.testing.assert_frame_equal(found[COLUMNS], planted.scored.predictions[COLUMNS], check_exact=True)


def test_one_customer_has_the_bits_of_the_frame(planted, predictor):
    features, frame = planted.scored.features, planted.scored.predictions
    known = np.flatnonzero(frame["renewal_risk"].notna())
    unknown = np.flatnonzero(frame["renewal_risk"].isna())
    for i in [*known[:40], *unknown[:5]]:
        record = record_of(features.iloc[i])
        one, (again,) = predictor.predict(record), predictor.predict([record])
        assert one.uplifts == again.uplifts
        assert [(uplift.action, uplift.outcome) for uplift in one.uplifts] == [(name, "renewal") for name in ACTIONS]
        for uplift in one.uplifts:
            assert isinstance(uplift, Uplift)
            told = [frame[name].iloc[i] for name in uplift_columns(uplift.outcome, uplift.action)]
            expected = [None if pd.isna(value) else value for value in told]
            assert [uplift.effect, uplift.low, uplift.high] == expected
        recommended = predictor.recommend(record)
        for name in ("action", "expected_value", "expected_low", "expected_high", "evidence", "effect_source"):
            assert getattr(recommended, name) == planted.scored.recommendations[name].iloc[i]


def test_recommending_on_predictions_that_are_there_is_recommending(planted, predictor):
    features = planted.scored.features
    predictions = predictor.predict(features)
    pd.testing.assert_frame_equal(
        predictor.recommend(features, predictions=predictions), predictor.recommend(features), check_exact=True
    )
    written = pd.read_parquet(planted.scored.written[0])  # and on those that scoring wrote
    pd.testing.assert_frame_equal(
        predictor.recommend(features, predictions=written), predictor.recommend(features), check_exact=True
    )


def test_the_effects_that_are_handed_over_are_those_that_decide(planted, predictor):
    features = planted.scored.features
    nothing = predictor.predict(features).assign(**dict.fromkeys(COLUMNS, 0.0))
    assert set(predictor.recommend(features, predictions=nothing)["action"]) == {"no_action"}


def test_predictions_of_a_bundle_without_effects_are_refused(planted, predictor):
    features = planted.scored.features
    older = predictor.predict(features).drop(columns=COLUMNS)
    with pytest.raises(SchemaError, match="predictions: has no column 'uplift_renewal_call'"):
        predictor.recommend(features, predictions=older)


def test_a_bundle_is_read_with_the_effects_that_it_was_saved_with(planted, tmp_path):
    bundle = read_bundle(planted.trained.bundle)
    version = save_bundle(bundle, tmp_path / "bundle")
    again = read_bundle(tmp_path / "bundle")
    assert version == planted.trained.model_version
    assert [effect.to_json() for effect in again.effects] == [effect.to_json() for effect in bundle.effects]
    found, expected = (Predictor(one).predict(planted.scored.features) for one in (again, bundle))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_forest_of_an_effect_that_was_altered_or_lost_is_refused(planted, tmp_path):
    save_bundle(read_bundle(planted.trained.bundle), tmp_path / "bundle")
    forest = min((tmp_path / "bundle").glob("effect0.*"))
    data = forest.read_bytes()
    forest.write_bytes(data[:-1] + b"#")
    with pytest.raises(BundleError, match=rf"{forest.name}: was altered"):
        read_bundle(tmp_path / "bundle")
    forest.unlink()
    with pytest.raises(BundleError, match=rf"{forest.name}: is missing"):
        read_bundle(tmp_path / "bundle")


def test_the_model_version_changes_with_the_effects(planted, tmp_path):
    bundle = read_bundle(planted.trained.bundle)
    without = type(bundle)(**{**vars(bundle), "effects": ()})
    assert save_bundle(without, tmp_path / "bundle") != planted.trained.model_version
    bare = load(tmp_path / "bundle")
    assert not [name for name in bare.predict(planted.scored.features) if name.startswith("uplift_")]
    assert bare.predict(record_of(planted.scored.features.iloc[0])).uplifts == ()


def test_effects_of_actions_with_names_of_any_script_are_kept(planted, tmp_path):
    bundle = read_bundle(planted.trained.bundle)
    first, *others = bundle.effects
    named = type(first)(**{**vars(first), "action": "ligação 金/.."})
    save_bundle(type(bundle)(**{**vars(bundle), "effects": (named, *others)}), tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle").effects[0].action == "ligação 金/.."
    assert json.loads((tmp_path / "bundle" / "model.json").read_text(encoding="utf-8"))["effects"]
