import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cxml.errors import BundleError, ConfigError, SchemaError, UnseenCategoryWarning
from cxml.predict import Prediction, Predictor, Recommendation, load
from cxml.predictive.health import HealthWeights
from cxml.prescriptive.policy import Exploration
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import DRIVERS, HEALTH_ITEMS


@pytest.fixture(scope="module")
def predictor(sample):
    return load(sample.trained.bundle)


def records_of(frame: pd.DataFrame) -> list[dict]:
    """Return the rows of a frame as a service would hold them: plain Python values, None for unknown."""
    rows = json.loads(frame.drop(columns="as_of").to_json(orient="records", double_precision=15))
    moments = [moment.to_pydatetime() for moment in frame["as_of"]]
    exact = frame.drop(columns="as_of").to_dict(orient="records")
    return [
        {name: (None if row[name] is None else value) for name, value in full.items()} | {"as_of": moment}
        for row, full, moment in zip(rows, exact, moments, strict=True)
    ]


def same(found, row: pd.Series) -> bool:
    """Return whether every field of a result has the very bits of the batch."""
    for name, value in vars(found).items():
        if name in ("reasons", "as_of", "uplifts"):
            continue
        if name == "uplifts":
            told = {
                n: v
                for u in value
                for n, v in zip(c.uplift_columns(u.outcome, u.action), (u.effect, u.low, u.high), strict=True)
            }
            if any((v is not None) if pd.isna(row[n]) else (v != row[n]) for n, v in told.items()):
                return False
            continue
        expected = row[name]
        unknown = pd.isna(expected)
        if (value is not None) if unknown else (value != expected):
            return False
    for uplift in getattr(found, "uplifts", ()):
        names = c.uplift_columns(uplift.outcome, uplift.action)
        told = [None if pd.isna(row[column]) else row[column] for column in names]
        if [uplift.effect, uplift.low, uplift.high] != told:
            return False
    return found.as_of == row["as_of"].to_pydatetime()


def test_one_customer_has_the_bits_of_the_batch(predictor, sample, sample_features):
    # Thompson exploration is shared out over a run, of which one customer alone is another; uniform is not.
    alike = Predictor(predictor.bundle, replace(predictor.policy, exploration=Exploration("uniform", None)))
    decided = alike.recommend(sample_features)
    rows = records_of(sample_features)
    for i in range(0, len(rows), 7):
        assert same(predictor.predict(rows[i]), sample.scored.predictions.iloc[i])
        assert same(alike.recommend(rows[i]), decided.iloc[i])
        assert same(predictor.recommend(rows[i]), predictor.recommend(sample_features.iloc[[i]]).iloc[0])


def test_a_list_has_the_bits_of_the_batch(predictor, sample, sample_features):
    rows = records_of(sample_features)
    for results, frame in (
        (predictor.predict(rows), sample.scored.predictions),
        (predictor.recommend(rows), sample.scored.recommendations),
    ):
        assert all(same(found, frame.iloc[i]) for i, found in enumerate(results))


def test_a_frame_gives_the_frames_of_the_batch(predictor, sample, sample_features):
    pd.testing.assert_frame_equal(
        predictor.predict(sample_features, reasons=3), sample.scored.predictions, check_exact=True
    )
    pd.testing.assert_frame_equal(predictor.recommend(sample_features), sample.scored.recommendations, check_exact=True)


def test_results_are_typed(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    assert isinstance(predictor.predict(row), Prediction)
    assert isinstance(predictor.recommend(row), Recommendation)
    assert isinstance(predictor.predict([row])[0], Prediction)


def test_a_history_gives_the_row_that_is_scored(predictor, sample):
    from cxml.config.features import features_from_json
    from cxml.descriptive.algebra import feature_plan
    from cxml.descriptive.export import histories
    from cxml.descriptive.sources import read_tables

    tables = read_tables(sample.config, sample.simulation.tables)
    plan = feature_plan(features_from_json(predictor.bundle.features), tables.kinds)
    batch = sample.scored.predictions.iloc[::100]
    twins = histories(tables, plan, batch["customer_id"])
    for expected in batch.itertuples():
        found = predictor.predict(twins[expected.customer_id].row(expected.as_of))
        assert found.health == pytest.approx(expected.health, rel=1e-6, nan_ok=True)
        assert found.as_of == expected.as_of


def test_probabilities_add_up_and_the_class_is_the_most_probable(sample):
    p = sample.scored.predictions
    np.testing.assert_allclose(p[list(c.P_NPS)].sum(axis=1), 1)
    most = p[list(c.P_NPS)].to_numpy().argmax(axis=1)
    assert p["nps_class"].tolist() == [c.NPS_CLASSES[k] for k in most]


def test_the_renewal_model_is_silent_where_no_contract_ends_within_the_horizon(predictor, sample_features):
    beyond = sample_features.assign(contract_days_to_end=[366.0, np.nan, 365.0] + [30.0] * (len(sample_features) - 3))
    found = predictor.predict(beyond)
    assert found["renewal_risk"].isna().tolist() == [True, True] + [False] * (len(beyond) - 2)
    assert found["health"].notna().all()  # advocacy alone


def test_swapped_columns_are_found_by_name(predictor, sample, sample_features):
    backwards = sample_features[sample_features.columns[::-1]]
    pd.testing.assert_frame_equal(predictor.predict(backwards, reasons=3), sample.scored.predictions, check_exact=True)


def test_two_columns_whose_values_were_swapped_are_named(predictor, sample_features):
    swapped = sample_features.assign(age=sample_features["tenure_days"], tenure_days=sample_features["age"])
    with pytest.raises(SchemaError, match=r"look swapped \(first: 'age' holds what 'tenure_days' held in training"):
        predictor.predict(swapped)


def test_a_missing_column_is_named(predictor, sample_features):
    with pytest.raises(SchemaError, match=r"features: has no column 'age'\."):
        predictor.predict(sample_features.drop(columns="age"))


def test_an_extra_column_is_named(predictor, sample_features):
    with pytest.raises(SchemaError, match=r"1 more is there \(first: 'renewed'\)"):
        predictor.predict(sample_features.assign(renewed=1))


def test_a_retyped_column_is_named(predictor, sample_features):
    with pytest.raises(SchemaError, match=r"features.age: must be a number, as in training; .* \(first: row 0, '"):
        predictor.predict(sample_features.assign(age="old"))


def test_an_infinite_value_is_refused_by_name(predictor, sample_features):
    row = sample_features.iloc[0].to_dict() | {"age": float("inf")}
    with pytest.raises(SchemaError, match=r"features.age: must be finite or missing; 1 of 1 rows is not"):
        predictor.predict(row)


def test_an_unseen_category_is_scored_as_unknown_and_reported(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    with pytest.warns(UnseenCategoryWarning, match=r"features.segment: 1 row has a category .*'martian'.*as unknown"):
        strange = predictor.predict({**row, "segment": "martian"})
    assert vars(strange) == vars(predictor.predict({**row, "segment": None}))


def test_a_batch_counts_unseen_categories(predictor, sample_features):
    with pytest.warns(UnseenCategoryWarning, match=rf"features.segment: {len(sample_features):,} rows have categories"):
        predictor.predict(sample_features.assign(segment="martian"))


def test_values_without_names_are_refused(predictor):
    with pytest.raises(
        SchemaError, match="must be a dict, a list of dicts or a dataframe, so that every value has a name"
    ):
        predictor.predict(np.zeros((3, 4)))


def test_records_that_differ_in_their_keys_are_refused(predictor, sample_features):
    first, second = records_of(sample_features.head(2))
    del second["age"]
    with pytest.raises(SchemaError, match="record 1 differs in 'age'"):
        predictor.predict([first, second])


def test_a_recommendation_needs_its_keys_and_a_prediction_does_not(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    anonymous = {name: value for name, value in row.items() if name not in c.KEY}
    assert predictor.predict(anonymous).customer_id is None
    with pytest.raises(SchemaError, match=r"has no column 'customer_id'\. A decision needs"):
        predictor.recommend(anonymous)


@pytest.mark.parametrize("as_of", ["2024-07-01", datetime(2024, 7, 1), "yesterday", 5])
def test_a_moment_without_a_zone_is_refused(predictor, sample_features, as_of):
    row = records_of(sample_features.head(1))[0]
    with pytest.raises(SchemaError, match=r"features\.as_of: must be a time with a zone"):
        predictor.predict({**row, "as_of": as_of})


def test_a_moment_may_be_written_in_any_zone(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    ids = {
        predictor.recommend({**row, "as_of": as_of}).decision_id
        for as_of in ("2024-07-01T00:00:00Z", "2024-07-01T02:00:00+02:00", datetime(2024, 7, 1, tzinfo=UTC))
    }
    assert len(ids) == 1


def test_an_id_that_is_not_text_is_refused(predictor, sample_features):
    with pytest.raises(
        SchemaError, match=r"features.customer_id: must be text; 1 of 1 rows is not \(first: row 0, 17\)"
    ):
        predictor.predict({**records_of(sample_features.head(1))[0], "customer_id": 17})


def test_reasons_are_the_strongest_contributions_in_order(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    reasons = predictor.predict(row, reasons=5).reasons
    sizes = [abs(reason.contribution) for reason in reasons]
    assert len(reasons) == 5
    assert sizes == sorted(sizes, reverse=True)


def test_reasons_are_points_of_health_and_name_the_strongest_of_the_split(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    split = predictor.explain(row, reasons=1_000)
    points = {reason.feature: reason for item in split.items for reason in item.reasons}
    strongest = sorted(points.values(), key=lambda reason: -abs(reason.contribution))[:3]
    assert list(predictor.predict(row, reasons=3).reasons) == strongest
    assert split.base + sum(r.contribution for r in points.values()) == pytest.approx(split.health, abs=1e-9)


def test_a_reason_says_its_value_and_its_points_in_either_language(predictor, sample_features):
    row = records_of(sample_features.head(1))[0] | {"unsolved_contacts_90d": 3.0}
    said = {}
    for language in ("en", "pt"):
        items = predictor.explain(row, reasons=1_000, language=language).items
        (said[language],) = (r for item in items for r in item.reasons if r.feature == "unsolved_contacts_90d")
    assert said["en"].sentence.startswith("3 support contacts unsolved in 90 days: -")
    assert said["pt"].sentence.startswith("3 contactos por resolver em 90 dias: -")
    assert (said["en"].value, said["en"].contribution) == ("3", said["pt"].contribution)
    with pytest.raises(ConfigError, match="language: must be one of en, pt; it is 'fr'"):
        predictor.explain(row, language="fr")


def test_items_add_up_to_the_health_that_is_predicted(predictor, sample, sample_features):
    frame = checked_frame(predictor.explain(sample_features), HEALTH_ITEMS)
    found = frame.groupby("customer_id")["points"].sum()
    expected = sample.scored.predictions.set_index("customer_id")["health"]
    np.testing.assert_allclose(found[expected.index], expected, rtol=0, atol=1e-9)


def test_one_explanation_has_the_bits_of_the_batch(predictor, sample_features):
    rows = records_of(sample_features)[::97]
    together = predictor.explain(rows)
    frame = predictor.explain(sample_features).set_index(["customer_id", "item"])["points"]
    for row, found in zip(rows, together, strict=True):
        assert predictor.explain(row) == found
        assert found.health == predictor.predict(row).health
        of_frame = frame[row["customer_id"]]
        assert {item.name: item.points for item in found.items} | {"base": found.base} == of_frame.to_dict()


def test_where_no_model_speaks_there_is_no_explanation(predictor, sample_features):
    from dataclasses import replace

    renewal = {"renewal": predictor.bundle.models["renewal"]}
    silent = Predictor(replace(predictor.bundle, models=renewal))
    rows = records_of(sample_features.head(2).assign(contract_days_to_end=[None, 30.0]))
    unknown, known = silent.explain(rows)
    assert (unknown.health, unknown.base, unknown.items) == (None, None, ())
    assert silent.predict(rows[0], reasons=3).reasons == ()
    assert known.base + sum(item.points for item in known.items) == pytest.approx(known.health, abs=1e-9)
    unweighted = Predictor(replace(silent.bundle, health=HealthWeights(0.0, 1.0)))
    assert unweighted.explain(rows[1]).health is None


def test_a_change_of_health_is_split_and_says_what_happened(predictor, sample_features):
    before = records_of(sample_features.head(5))
    after = [row | {"as_of": datetime(2024, 7, 2, tzinfo=UTC), "unsolved_contacts_90d": 4.0} for row in before]
    found = predictor.change(before, after)
    for i, change in enumerate(found):
        one, other = predictor.predict(before[i]), predictor.predict(after[i])
        assert change.change == pytest.approx(other.health - one.health, abs=1e-9)
        assert sum(item.points for item in change.items) == pytest.approx(change.change, abs=1e-9)
        assert (change.before, change.as_of) == (before[i]["as_of"], after[i]["as_of"])
        assert predictor.change(before[i], after[i]) == change
    said = [reason for item in found[0].items for reason in item.reasons]
    assert [reason.feature for reason in said] == ["unsolved_contacts_90d"]
    assert "support contacts unsolved in 90 days" in said[0].sentence
    assert "to 4" in said[0].sentence


def test_a_model_that_begins_to_speak_is_an_item_of_the_change(predictor, sample_features):
    row = records_of(sample_features.head(1))[0]
    far, near = (row | {"contract_days_to_end": days} for days in (400.0, 300.0))
    change = predictor.change(far, near)
    known = [item for item in change.items if item.name == "known:renewal"]
    assert [item.label for item in known] == ["renewal risk is known now"]
    assert sum(item.points for item in change.items) == pytest.approx(change.change, abs=1e-9)


def test_drivers_are_the_mean_sizes_of_what_each_item_adds(predictor, sample_features):
    drivers = checked_frame(predictor.drivers(sample_features), DRIVERS)
    of_items = predictor.explain(sample_features).query("item != 'base'")
    expected = of_items["points"].abs().groupby(of_items["item"]).mean()
    found = drivers.query("of == 'health' and feature == 'all'").set_index("item")["points"]
    np.testing.assert_allclose(found[expected.index], expected, rtol=1e-9)
    assert set(drivers["of"]) == {"health", "renewal", "nps"}
    late = drivers.query("of == 'nps' and feature == 'late_deliveries_90d'").iloc[0]
    assert late["direction"] < -0.5  # the more deliveries were late, the less the customer speaks well
    assert predictor.drivers(sample_features, language="pt")["label"].str.contains("entregas").any()


def test_moments_of_other_customers_or_in_the_wrong_order_are_not_compared(predictor, sample_features):
    first, second = records_of(sample_features.head(2))
    with pytest.raises(SchemaError, match="must be of the same customers; row 0 is of 'c"):
        predictor.change(first, second)
    with pytest.raises(SchemaError, match="after must not be earlier than before; row 0 is"):
        predictor.change(first, first | {"as_of": datetime(2024, 1, 1, tzinfo=UTC)})
    with pytest.raises(SchemaError, match="two lists of dicts of the same length"):
        predictor.change([first], [first, second])


def test_without_a_policy_nothing_is_recommended(predictor, sample_features):
    bare = Predictor(type(predictor.bundle)(**{**vars(predictor.bundle), "policy": None}))
    with pytest.raises(ConfigError, match="recommend needs a policy"):
        bare.recommend(sample_features)


def test_predictions_of_other_customers_are_refused(predictor, sample, sample_features):
    with pytest.raises(SchemaError, match="must be of the same customers"):
        predictor.recommend(sample_features, predictions=sample.scored.predictions.iloc[::-1])


def test_threads_get_the_same_answers(predictor, sample_features):
    rows = records_of(sample_features.head(200))
    expected = [predictor.recommend(row) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(predictor.recommend, rows)) == expected


def test_an_input_is_not_mutated(predictor, sample_features):
    before = sample_features.copy()
    predictor.recommend(sample_features)
    pd.testing.assert_frame_equal(sample_features, before)


def test_a_bundle_whose_trees_do_not_fit_its_features_is_refused(predictor):
    encoding = type(predictor.bundle.encoding)(predictor.features[:-1], predictor.bundle.encoding.levels)
    with pytest.raises(BundleError, match=r"model nps: has \[\d+\] features, features.json \d+"):
        Predictor(type(predictor.bundle)(**{**vars(predictor.bundle), "encoding": encoding}))


def test_loading_and_scoring_loads_no_heavy_library(sample, sample_features, tmp_path):
    row = records_of(sample_features.head(1))[0]
    row = {name: (None if value != value else value) for name, value in row.items()} | {
        "as_of": row["as_of"].isoformat()
    }
    (tmp_path / "row.json").write_text(json.dumps(row))
    program = f"""
import json, sys
from cxml.predict import load
row = json.load(open({str(tmp_path / "row.json")!r}))
predictor = load({str(sample.trained.bundle)!r})
found = predictor.recommend(row)
predictor.predict(row, reasons=3)
predictor.explain(row)
predictor.change(row, row)
heavy = ["pandas", "sklearn", "lightgbm", "mlflow", "duckdb", "scipy", "pydantic", "yaml", "pyarrow", "matplotlib",
         "sqlglot", "joblib", "click", "rich"]
print(json.dumps([found.action, found.expected_value, [name for name in heavy if name in sys.modules]]))
"""
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    action, worth, loaded = json.loads(output)
    assert loaded == []
    expected = sample.scored.recommendations.iloc[0]
    assert (action, worth) == (expected["action"], expected["expected_value"])


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("pandas", "numpy", "sklearn", "lightgbm", "duckdb", "mlflow")
    program = f"import cxml, sys; print([name for name in {heavy!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_every_public_name_can_be_had_and_none_hides_the_predict_module():
    import cxml

    for name in cxml.__all__:
        assert getattr(cxml, name) is not None
    assert "predict" not in cxml.__all__
    with pytest.raises(AttributeError, match="module 'cxml' has no attribute 'nothing'"):
        cxml.nothing  # noqa: B018


def test_no_warning_is_raised_for_what_training_knew(predictor, sample_features):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor.recommend(records_of(sample_features.head(20)))


def test_an_unknown_moment_or_an_empty_list_is_refused(predictor, sample_features):
    with pytest.raises(SchemaError, match=r"features.as_of: must be filled; 1 of \d+ rows is not \(first: row 0\)"):
        predictor.recommend(sample_features.assign(as_of=sample_features["as_of"].where(sample_features.index > 0)))
    with pytest.raises(SchemaError, match="must have at least one record; the list is empty"):
        predictor.predict([])
