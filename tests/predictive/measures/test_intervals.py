import numpy as np
import pytest

from cxml.predictive.measures import (
    auc,
    auc_ordinal,
    brier,
    ece,
    ece_floor,
    effective_size,
    empc,
    h_measure,
    lift_at_10_percent,
    log_loss,
    macro_f1,
    measured,
    nps_error,
    pr_auc,
    qwk,
    rps,
)

RNG = np.random.default_rng(0)
BINARY = RNG.dirichlet([2, 1], 400)
THREE = RNG.dirichlet([2, 1, 1], 400)
WEIGHT = RNG.integers(0, 4, 400).astype(float)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1, 1, 1], 4.0), ([2, 2], 2.0), ([3, 1], 16 / 10), ([1, 0, 0], 1.0), ([4, 2, 2], 64 / 24), ([], 0.0)],
)
def test_the_effective_size_is_that_of_kish(weights, expected):
    assert effective_size(weights) == pytest.approx(expected)


def draw(p):
    return (RNG.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize(
    ("p", "base", "functions"),
    [
        (BINARY, [0.7, 0.3], (auc, log_loss, brier, pr_auc, lift_at_10_percent, empc, h_measure, ece)),
        (THREE, [0.5, 0.25, 0.25], (auc, auc_ordinal, log_loss, rps, qwk, macro_f1, nps_error, ece)),
    ],
)
def test_each_value_is_that_of_the_function_of_its_name(p, base, functions):
    y = draw(p)
    found = measured(y, p, np.arange(400) // 2, base=base, weight=WEIGHT)
    assert [m.name for m in found] == [*(f.__name__ for f in functions), "ece_floor", "base_log_loss"]
    for measure, function in zip(found, functions, strict=False):
        assert measure.value == pytest.approx(function(y, p, WEIGHT), rel=1e-12)
        assert measure.low < measure.value < measure.high
    floor = ece_floor(y, p, WEIGHT, np.arange(400) // 2)
    assert (found[-2].value, found[-2].low, found[-2].high) == (floor.mean, floor.low, floor.high)
    assert found[-1].value == pytest.approx(log_loss(y, np.tile(base, (400, 1)), WEIGHT))


@pytest.mark.parametrize("p", [BINARY, THREE])
def test_a_weight_of_two_is_the_row_twice(p):
    y, customers = draw(p), np.arange(400) // 3
    twice = np.repeat(np.arange(400), 2)
    base = np.full(p.shape[1], 1 / p.shape[1])
    weighted = measured(y, p, customers, base=base, weight=np.full(400, 2.0))
    doubled = measured(y[twice], p[twice], customers[twice], base=base)
    for one, other in zip(weighted, doubled, strict=True):
        if one.name != "ece_floor":  # of two rows that are one, the floor cannot know
            assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=1e-9)


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


def test_the_intervals_of_the_hulls_measures_cover_what_the_model_is_worth():
    # The hull fits the noise of its rows: at 300 rows the H-measure flatters by .05, and so would its resamples.
    rng = np.random.default_rng(5)

    def drawn(n):
        p = 1 / (1 + np.exp(1.2 - 1.3 * rng.normal(size=n)))
        return (rng.random(n) < p).astype(int), np.column_stack([1 - p, p])

    y, p = drawn(300_000)
    truth = {"empc": empc(y, p, np.ones(len(y))), "h_measure": h_measure(y, p, np.ones(len(y)))}
    covered = dict.fromkeys(truth, 0)
    for _ in range(40):
        y, p = drawn(300)
        for measure in measured(y, p, np.arange(300), base=[0.7, 0.3]):
            if measure.name in truth:
                covered[measure.name] += measure.low <= truth[measure.name] <= measure.high
    assert min(covered.values()) >= 33  # 95% of 40 is 38; below 33 happens once in 200
