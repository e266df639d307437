"""Frames of an evaluation from what was said and what came true, both made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit, logit

from cxml.pipeline.evaluated_frames import Judged, frames_of
from cxml.predictive.evaluation import Evaluation, HeldOut
from cxml.predictive.fitted_calibration import Trial
from cxml.predictive.measures import Measure, RetentionCosts

NAMES = ["measures", "classes", "confusions", "reliability", "bins", "gains", "calibrations", "thresholds"]


def model(n_heads=1, chosen="temperature"):
    trials = (Trial("temperature", 0.5, 0.0, 0.0, 0.0), Trial("beta", 0.45, 0.05, 0.02, 0.08))
    heads = [SimpleNamespace(calibration=SimpleNamespace(kind=chosen))] * n_heads
    return SimpleNamespace(random_state=0, heads_=SimpleNamespace(heads=heads), trials_=(trials,) * n_heads)


def judged(name, classes, p, *, groups=None, costs=None, weight=None, p_repeats=None, chosen="temperature"):
    measures = (Measure("auc", 0.8, 0.7, 0.9),)
    held_out = HeldOut(np.arange(len(classes)), classes, p, np.arange(len(classes)), weight, p_repeats)
    found = Evaluation("made by hand", 100, len(classes), measures, held_out)
    return Judged(name, model(p.shape[1] - 1, chosen), found, groups or {}, costs)


def renewal(attacked=0.0, n=4_000, seed=0):
    """Return a company whose risks are right but for the log-odds by which those said of one segment are off."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(["basic", "gold"], size=n)
    truth = rng.beta(2, 4, n)
    lost = (rng.random(n) < truth).astype(int)
    said = expit(logit(truth) + attacked * (segment == "gold"))
    return judged("renewal", lost, np.column_stack([1 - said, said]), groups={"segment": segment.astype(object)})


def test_a_model_that_is_right_is_inside_and_in_every_segment():
    made = frames_of([renewal()])
    assert list(made) == NAMES
    reliability = made["reliability"]
    assert reliability["by"].tolist() == ["all", "segment", "segment"]
    assert reliability["group"].tolist()[1:] == ["basic", "gold"]
    assert reliability["inside"].all()
    assert reliability["n"].iloc[0] == reliability["n"].iloc[1:].sum() == 4_000


def test_a_segment_whose_risks_were_attacked_is_outside_and_no_other():
    reliability = frames_of([renewal(attacked=0.8)])["reliability"].set_index(["by", "group"])["inside"]
    assert not reliability["segment", "gold"]
    assert reliability["segment", "basic"]


def test_the_bins_hold_the_rows_of_their_group():
    made = frames_of([renewal()])
    rows = made["bins"].groupby(["by", "group"], dropna=False)["n"].sum()
    assert rows.tolist() == made["reliability"]["n"].tolist()
    assert made["bins"]["bin"].min() == 1
    assert (made["bins"]["low"] <= made["bins"]["observed"]).all()


def test_the_probability_of_a_detractor_and_of_a_promoter_are_judged_each_by_itself():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([2, 2, 3], 3_000)
    classes = np.array([rng.choice(3, p=row) for row in p])
    said = p.copy()
    said[:, 2] *= 0.6  # promoters are said to be fewer than they are, passives more
    said[:, 1] += 0.4 * p[:, 2]
    made = frames_of([judged("nps", classes, said)])
    inside = made["reliability"].set_index("head")["inside"]
    assert inside.to_dict() == {"detractor": True, "promoter": False}
    assert list(made["gains"]["head"].unique()) == ["detractor", "promoter"]
    assert made["thresholds"].empty
    table = made["confusions"].set_index(["class", "named"])["n"]
    assert table["promoter", "passive"] == ((classes == 2) & (said.argmax(axis=1) == 1)).sum()
    assert table.sum() == 3_000


def test_confusions_and_thresholds_are_means_over_the_repeats():
    p = np.array([[0.4, 0.6], [0.2, 0.2]])  # the first row is named lost in one of two repeats
    both = np.stack([1 - p, p], axis=1)
    one = judged("renewal", np.array([1, 0]), both.mean(axis=2), p_repeats=both, costs=RetentionCosts(clv=200))
    made = frames_of([one])
    table = made["confusions"].set_index(["class", "named"])["n"]
    assert table.to_dict() == {
        ("kept", "kept"): 1.0,
        ("kept", "lost"): 0.0,
        ("lost", "kept"): 0.5,
        ("lost", "lost"): 0.5,
    }
    half = made["thresholds"].set_index("chosen_by").loc["half"]
    # .3 x (200 - 10) - 1 = 56 of who is lost, contacted in one of two repeats, a half of the rows
    assert (half["contacted"], half["profit"]) == pytest.approx((0.25, 0.5 * 56 / 2))


def test_the_calibration_that_was_chosen_is_marked():
    one = judged("renewal", np.array([0, 1] * 50), np.full((100, 2), 0.5), chosen="beta")
    tried = frames_of([one])["calibrations"].set_index("calibration")
    assert tried["chosen"].to_dict() == {"temperature": False, "beta": True}
    assert tried.loc["beta", "gain"] == 0.05


def test_a_threshold_that_contacts_nobody_is_missing():
    p = np.column_stack([np.linspace(0, 1, 40), np.linspace(1, 0, 40)])  # wrong way round: those said to be lost stay
    one = judged("renewal", np.repeat([0, 1], 20), p, costs=RetentionCosts(clv=20, offer=10, contact=5))
    best = frames_of([one])["thresholds"].set_index("chosen_by").loc["hindsight"]
    assert np.isnan(best["threshold"])
    assert (best["contacted"], best["profit"]) == (0, 0)
