import numpy as np
import pytest
from sklearn import metrics

from cxml.predictive.measures import auc, lift_at_10_percent, log_loss, measured, rps

RNG = np.random.default_rng(0)
BINARY = RNG.dirichlet([2, 1], 400)
THREE = RNG.dirichlet([2, 1, 1], 400)
WEIGHT = RNG.integers(0, 4, 400).astype(float)


def draw(p):
    return (RNG.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1)


def test_log_loss_is_scikit_learns():
    y = draw(THREE)
    assert log_loss(y, THREE, WEIGHT) == pytest.approx(metrics.log_loss(y, THREE, sample_weight=WEIGHT), rel=1e-12)


def test_auc_of_two_classes_is_scikit_learns():
    y = draw(BINARY)
    assert auc(y, BINARY, WEIGHT) == pytest.approx(metrics.roc_auc_score(y, BINARY[:, 1], sample_weight=WEIGHT))


def test_auc_counts_ties_as_half():
    y, p = np.array([0, 1, 0, 1, 1]), np.array([0.2, 0.2, 0.5, 0.5, 0.9])
    # of the pairs (hit, miss): .2/.2 tie, .2/.5 lost, .5/.2 won, .5/.5 tie, .9/.2 won, .9/.5 won: 4 of 6
    assert auc(y, np.column_stack([1 - p, p]), np.ones(5)) == pytest.approx(4 / 6)
    rounded = BINARY.round(1)
    drawn = draw(BINARY)
    expected = metrics.roc_auc_score(drawn, rounded[:, 1], sample_weight=WEIGHT)
    assert auc(drawn, rounded, WEIGHT) == pytest.approx(expected)


def test_auc_is_unknown_where_one_class_has_all_the_weight():
    y = np.array([0, 1, 1])
    assert np.isnan(auc(y, BINARY[:3], np.array([0.0, 1.0, 1.0])))


def test_auc_of_three_classes_is_scikit_learns_one_against_rest():
    y = draw(THREE)
    expected = metrics.roc_auc_score(y, THREE, multi_class="ovr", average="macro")
    assert auc(y, THREE, np.ones(400)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "came_true", "expected"),
    [
        ([1.0, 0.0, 0.0], 0, 0.0),
        ([1.0, 0.0, 0.0], 2, 1.0),  # as wrong as can be
        ([1.0, 0.0, 0.0], 1, 0.5),  # one step beside
        ([0.2, 0.3, 0.5], 1, (0.2**2 + (0.5 - 1) ** 2) / 2),
    ],
)
def test_rps_by_hand(p, came_true, expected):
    assert rps(np.array([came_true]), np.array([p]), np.ones(1)) == pytest.approx(expected)


def test_rps_of_two_classes_is_the_brier_score():
    y = draw(BINARY)
    assert rps(y, BINARY, np.ones(400)) == pytest.approx(metrics.brier_score_loss(y, BINARY[:, 1]))


def test_lift_by_hand():
    p = np.linspace(1, 0, 100)
    y = np.zeros(100, dtype=int)
    y[[0, 1, 2, 3, 50]] = 1  # 4 of the 5 hits in the first tenth: .4 against .05
    assert lift_at_10_percent(y, np.column_stack([1 - p, p]), np.ones(100)) == pytest.approx(8.0)


def test_lift_counts_the_row_on_the_edge_by_its_part():
    p = np.array([0.9, 0.8, 0.1, 0.1, 0.1])
    y = np.array([1, 0, 0, 0, 1])  # a tenth of five rows is half the first: lift 1 / .4
    assert lift_at_10_percent(y, np.column_stack([1 - p, p]), np.ones(5)) == pytest.approx(2.5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = (rng.random(300) < 0.3).astype(int)
        prior = np.tile([0.7, 0.3], (300, 1))
        found = {m.name: m for m in measured(y, prior, np.arange(300), base=[0.7, 0.3], random_state=seed)}["log_loss"]
        covered += found.low <= -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)) <= found.high
    assert 50 <= covered <= 60  # 95% of 60 is 57; below 50 happens less than once in 500


def test_rows_of_one_customer_widen_the_interval():
    rng = np.random.default_rng(1)
    y = np.repeat((rng.random(100) < 0.4).astype(int), 10)
    p = np.tile([0.6, 0.4], (1_000, 1))

    def width(customers):
        return {m.name: m.high - m.low for m in measured(y, p, customers, base=[0.6, 0.4])}["log_loss"]

    assert width(np.repeat(np.arange(100), 10)) > 2 * width(np.arange(1_000))


def test_repeats_are_averaged():
    y = draw(BINARY)
    other = BINARY[:, ::-1]
    both = measured(y, np.stack([BINARY, other], axis=2), np.arange(400), base=[0.7, 0.3])
    alone = [measured(y, p, np.arange(400), base=[0.7, 0.3])[0].value for p in (BINARY, other)]
    assert both[0].value == pytest.approx(np.mean(alone))
