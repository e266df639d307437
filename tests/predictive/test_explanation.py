"""What explanations say of features whose numbers nobody reads, of a model of curves that add the value itself."""

import math

import numpy as np
import pytest

from cxml.predictive.additive import Additive, Curve
from cxml.predictive.bundle import Bundle, Model
from cxml.predictive.calibration import Calibration
from cxml.predictive.encoding import Encoding
from cxml.predictive.explanation import Explainer
from cxml.predictive.heads import Head, Heads
from cxml.predictive.health import HealthWeights

LINE = Curve((-10.0, 10.0), (-10.0, 10.0), 0.0)
FEATURES = (
    {"kind": "season", "name": "season_sin", "part": "year_sin"},
    {"kind": "season", "name": "season_cos", "part": "year_cos"},
    {"kind": "attribute", "name": "partner", "column": "partner"},
    {"kind": "attribute", "name": "children", "column": "children"},
)


def explainer(features, curves=None):
    names = tuple(feature["name"] for feature in features)
    head = Head({"curves_1": 1.0}, 0.0, Calibration("temperature", parameters=(1.0,)))
    model = Model(Heads({}, {"curves_1": Additive(0.0, curves or (LINE,) * len(names))}, (head,)))
    bundle = Bundle(
        company="test",
        currency="EUR",
        encoding=Encoding(names, {}),
        features=features,
        profiles={"partner": (0.0, 0.0, 1.0), "children": (0.0, 1.0, 3.0)},
        models={"renewal": model},
        health=HealthWeights(1.0, 0.0),
        value=None,
        policy=None,
        evaluation={},
    )
    return Explainer(bundle)


def row(features, day, partner):
    """Return the features of a customer with one child on a day of the year, as `Encoding` gives them."""
    angle = 2 * math.pi * day / 365.2425
    known = {"season_sin": math.sin(angle), "season_cos": math.cos(angle), "partner": partner, "children": 1.0}
    values = np.array([[known[feature["name"]] for feature in features]])
    return {feature["name"]: values[:, j] for j, feature in enumerate(features)}, values


def sentences(reasons):
    """Return what is said of each feature, without the points."""
    return {reason.feature: reason.sentence.rpartition(":")[0] for reason in reasons}


@pytest.mark.parametrize(
    ("language", "month", "partner", "children"),
    [
        ("en", "it is March", "partner: yes", "children is 1"),
        ("pt", "estamos em março", "partner: sim", "children é 1"),
    ],
)
def test_a_reason_tells_the_month_and_yes_or_no(language, month, partner, children):
    typed, matrix = row(FEATURES, 60, 1.0)
    told = explainer(FEATURES)
    found = told.reasons(typed, matrix, 4, language)
    said = {found[f"reason_{k}_feature"][0]: found[f"reason_{k}_sentence"][0].rpartition(":")[0] for k in range(1, 5)}
    assert said == {"season_sin": month, "season_cos": month, "partner": partner, "children": children}
    split = told.split(typed, matrix)
    of_items = told.row_items(split, matrix, 0, 4, language)
    wave = max(("season_sin", "season_cos"), key=lambda name: abs(typed[name][0]))  # the stronger of the two
    del said[({"season_sin", "season_cos"} - {wave}).pop()]
    assert sentences(reason for item in of_items for reason in item.reasons) == said


def test_features_of_an_item_of_which_the_same_is_said_are_told_once_with_their_points_added():
    typed, matrix = row(FEATURES, 30, 1.0)
    told = explainer(FEATURES)
    split = told.split(typed, matrix)
    items = {item.name: item for item in told.row_items(split, matrix, 0, 4, "en")}
    (reason,) = items["season"].reasons
    assert reason.feature == "season_cos"  # on day 30 the cosine is 0.87, the sine 0.49
    assert reason.contribution == split.features[0, 0] + split.features[0, 1] == pytest.approx(items["season"].points)
    assert reason.sentence == f"it is January: {reason.contribution:.0f} points"
    added = sum(item.points for item in items.values())
    assert split.base[0] + added == pytest.approx(split.health[0], abs=1e-9)


def test_what_is_said_twice_and_cancels_out_leaves_room_for_the_next():
    visits = {"kind": "aggregate", "table": "events", "aggregate": "count", "where": "event_type = 'visit'"}
    features = tuple({**visits, "name": f"visits_{k}", "window_days": d} for k, d in enumerate((30, 30, 90)))
    opposite = Curve((-10.0, 10.0), (9.0, -9.0), 0.0)
    values = np.array([[1.0, 1.0, 0.1]])
    typed = {feature["name"]: values[:, j] for j, feature in enumerate(features)}
    told = explainer(features, (LINE, opposite, LINE))
    split = told.split(typed, values)
    (item,) = told.row_items(split, values, 0, 3, "en")
    # Of +1, -0.9 and +0.1 in the score, the first two are of the same words.
    first, second = item.reasons
    assert {first.sentence.split(":")[0], second.sentence.split(":")[0]} == {
        "1 visit in 30 days",
        "0.1 visits in 90 days",
    }
    assert first.contribution + second.contribution == pytest.approx(item.points, abs=1e-9)
    assert abs(first.contribution) >= abs(second.contribution)
    (alone,) = told.row_items(split, values, 0, 1, "en")[0].reasons
    assert alone == first


@pytest.mark.parametrize(
    ("language", "month", "partner"),
    [
        ("en", "time of year went from March to June", "partner went from yes to no"),
        ("pt", "época do ano passou de março para junho", "partner passou de sim para não"),
    ],
)
def test_a_change_tells_the_months_and_yes_or_no(language, month, partner):
    ((_, items),) = explainer(FEATURES).changes(row(FEATURES, 60, 1.0), row(FEATURES, 180, 0.0), 4, language)
    said = sentences(reason for item in items for reason in item.reasons)
    assert said == {"season_cos": month, "partner": partner}  # cosines fall from 0.51 to -1.00, sines from 0.86 to 0.05


@pytest.mark.parametrize(("language", "said"), [("en", "time of year changed"), ("pt", "época do ano mudou")])
def test_a_wave_without_the_other_tells_no_month(language, said):
    alone = FEATURES[1:]
    told = explainer(alone)
    ((_, items),) = told.changes(row(alone, 60, 1.0), row(alone, 180, 1.0), 4, language)
    assert sentences(reason for item in items for reason in item.reasons) == {"season_cos": said}
    assert told.label("season_cos", language) == said.rpartition(" ")[0]
