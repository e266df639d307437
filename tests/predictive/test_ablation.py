"""What is lost without features, on rows whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from cxml.errors import TrainingError
from cxml.predictive.ablation import ablation
from cxml.predictive.models import NpsClassifier, RenewalClassifier
from cxml.predictive.splits import FutureSplit
from cxml.schema.columns import NPS_CLASSES

PARTS = {
    "strong": ["strong"],
    "weak": ["weak"],
    "noise": ["noise"],
    "one twin": ["twin"],
    "both twins": ["twin", "other_twin"],
    "all": ["strong", "weak", "noise", "twin", "other_twin", *(f"other_noise_{k}" for k in range(6))],
}


def rows(n=2_400, seed=0):
    """Return features, labels, and customers of two rows each; the log-odds are 2 strong + weak + 1.5 twin."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 10)), columns=["strong", "weak", "twin", "noise", *PARTS["all"][5:]])
    X["other_twin"] = X["twin"]
    p = 1 / (1 + np.exp(-(2 * X["strong"] + X["weak"] + 1.5 * X["twin"])))
    y = pd.Series((rng.random(n) < p).astype(float))
    return X, y, pd.Series([f"c{i // 2}" for i in range(n)])


def half(n=2_400):
    return FutureSplit(np.arange(n // 2), np.arange(n // 2, n), np.datetime64("2024-01-01"))


def model(**changes):
    return RenewalClassifier(**{"max_trees": 80, "learning_rate": 0.1, "n_jobs": 1} | changes)


def by_name(measures):
    return {measure.name: measure for measure in measures}


@pytest.fixture(scope="module")
def found():
    return ablation(model(), *rows(), half(), PARTS)


def test_what_the_truth_rests_on_is_missed_and_noise_is_not(found):
    for part in ("strong", "weak", "both twins"):
        assert by_name(found.lost[part])["log_loss"].low > 0
        assert by_name(found.lost[part])["auc"].low > 0
    assert by_name(found.lost["noise"])["log_loss"].low < 0.002
    assert by_name(found.lost["noise"])["auc"].low < 0.002
    loss = {part: by_name(measures)["log_loss"].value for part, measures in found.lost.items()}
    assert loss["strong"] > loss["both twins"] > loss["weak"] > loss["noise"]


def test_what_another_feature_tells_too_is_not_missed_alone(found):
    assert by_name(found.lost["one twin"])["log_loss"].value < 0.01
    assert by_name(found.lost["both twins"])["log_loss"].value > 0.05


def test_without_any_feature_the_shares_of_the_past_are_said(found):
    skill, lost = by_name(found.skill), by_name(found.lost["all"])
    assert lost["log_loss"].value == pytest.approx(skill["base_log_loss"].value - skill["log_loss"].value)
    assert lost["auc"].value == pytest.approx(skill["auc"].value - 0.5)


def test_base_log_loss_is_that_of_the_shares_of_the_past(found):
    _, y, _ = rows()
    share = y[:1_200].mean()
    expected = -np.where(y[1_200:] == 1, np.log(share), np.log(1 - share)).mean()
    assert by_name(found.skill)["base_log_loss"].value == pytest.approx(expected)


def test_only_the_future_judges_and_it_is_said(found):
    assert (found.n_train, found.n_test) == (1_200, 1_200)
    assert found.how == "rows from 2024-01-01 on, not seen in training"


def test_the_past_that_means_the_opposite_of_the_future_is_worth_less_than_nothing():
    X, y, customers = rows()
    y[1_200:] = 1 - y[1_200:]
    found = ablation(model(), X, y, customers, half(), {"strong": ["strong"]})
    assert by_name(found.lost["strong"])["log_loss"].high < 0
    assert by_name(found.lost["strong"])["auc"].high < 0


def test_the_interval_is_that_of_the_difference_not_the_difference_of_two(found):
    skill, lost = by_name(found.skill)["log_loss"], by_name(found.lost["noise"])["log_loss"]
    of_two_samples = 2**0.5 * (skill.high - skill.low)
    assert lost.high - lost.low < 0.6 * of_two_samples


def test_rows_of_one_customer_widen_the_interval():
    X, y, _ = rows(600)
    split = FutureSplit(np.arange(300), np.tile(np.arange(300, 600), 4), np.datetime64("2024-01-01"))  # each four times
    own = pd.Series(np.arange(600).astype(str))

    def width(split):
        lost = ablation(model(max_trees=20), X, y, own, split, {"strong": ["strong"]}).lost["strong"]
        return lost[0].high - lost[0].low

    once = FutureSplit(split.train, np.arange(300, 600), split.cutoff)
    assert width(split) == pytest.approx(width(once), rel=0.3)  # four times the rows, as many customers


def test_the_same_parts_give_the_same_figures_whatever_the_number_of_threads(found):
    assert repr(ablation(model(n_jobs=2), *rows(), half(), PARTS)) == repr(found)
    alone = ablation(model(), *rows(), half(), {"weak": ["weak"]})
    assert alone.lost["weak"] == found.lost["weak"]


def test_a_snapshot_is_judged_on_held_out_customers():
    found = ablation(model(max_trees=20), *rows(500), None, {"strong": ["strong"], "noise": ["noise"]})
    assert (found.n_train, found.n_test) == (400, 500)
    assert found.how == "held-out customers, 2 x stratified 5-fold"
    assert by_name(found.lost["strong"])["auc"].low > 0
    assert by_name(found.lost["noise"])["log_loss"].low < 0.005


def test_ordered_classes_lose_skill_too():
    X, _, customers = rows(1_200)
    rng = np.random.default_rng(3)
    y = np.array(NPS_CLASSES)[np.digitize(2 * X["strong"] + rng.logistic(size=1_200), [-0.7, 0.8])]
    nps = NpsClassifier(max_trees=30, learning_rate=0.1, n_jobs=1)
    found = ablation(nps, X, pd.Series(y), customers, half(1_200), {"strong": ["strong"], "noise": ["noise"]})
    assert by_name(found.lost["strong"])["log_loss"].low > 0
    assert by_name(found.lost["noise"])["log_loss"].low < 0.005


def test_a_future_of_one_class_is_refused():
    X, y, customers = rows(400)
    y[200:] = 1.0
    with pytest.raises(TrainingError, match=r"the 200 labelled rows from 2024-01-01 on are all 1\.0"):
        ablation(model(), X, y, customers, half(400), PARTS)
