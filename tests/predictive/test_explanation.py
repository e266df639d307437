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


def explainer(features):
    names = tuple(feature["name"] for feature in features)
    head = Head({"curves_1": 1.0}, 0.0, Calibration("temperature", parameters=(1.0,)))
    model = Model(Heads({}, {"curves_1": Additive(0.0, (LINE,) * len(names))}, (head,)))
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
    assert sentences(reason for item in of_items for reason in item.reasons) == said


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
    assert said == {"season_sin": month, "season_cos": month, "partner": partner}


@pytest.mark.parametrize(("language", "said"), [("en", "time of year changed"), ("pt", "época do ano mudou")])
def test_a_wave_without_the_other_tells_no_month(language, said):
    alone = FEATURES[1:]
    told = explainer(alone)
    ((_, items),) = told.changes(row(alone, 60, 1.0), row(alone, 180, 1.0), 4, language)
    assert sentences(reason for item in items for reason in item.reasons) == {"season_cos": said}
    assert told.label("season_cos", language) == said.rpartition(" ")[0]
