from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxml.predictive.evaluation import HeldOut
from cxml.predictive.verdict import verdict


def held_out(p, classes, customers=None):
    p, classes = np.asarray(p, dtype=float), np.asarray(classes)
    who = np.arange(len(classes)) if customers is None else np.asarray(customers)
    return HeldOut(who, classes, np.column_stack([1 - p, p]), np.arange(len(classes)))


def test_the_bound_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 200)
    p = np.clip(0.5 + 0.1 * (2 * classes - 1) + 0.2 * rng.normal(size=200), 0.05, 0.95)
    gain = np.log(np.where(classes == 1, p, 1 - p)) - np.log(0.5)
    low = stats.ttest_1samp(gain, 0, alternative="greater").confidence_interval(0.99).low
    found = verdict(held_out(p, classes), [0.5, 0.5])
    assert found.gain == pytest.approx(gain.mean())
    assert found.low == pytest.approx(low)


def test_a_model_that_knows_something_has_a_signal():
    classes = np.tile([0, 1], 200)
    found = verdict(held_out(np.where(classes == 1, 0.6, 0.4), classes), [0.5, 0.5])
    assert found.has_signal
    assert str(found).startswith("signal: log loss 0.5108, base rate 0.6931: +0.1823 better")


def test_a_model_that_says_the_base_rate_has_none():
    classes = np.tile([0, 1], 200)
    found = verdict(held_out(np.full(400, 0.5), classes), [0.5, 0.5])
    assert not found.has_signal
    assert str(found).startswith("no signal")


def test_guesses_have_none_twenty_times_of_twenty():
    rng = np.random.default_rng(1)
    draws = [(np.clip(0.3 + 0.02 * rng.normal(size=500), 0.05, 0.95), rng.random(500) < 0.3) for _ in range(20)]
    assert not any(verdict(held_out(p, y.astype(int)), [0.7, 0.3]).has_signal for p, y in draws)


def test_rows_of_one_customer_count_as_one():
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 2, 40)
    p = np.clip(0.5 + 0.05 * (2 * classes - 1) + 0.15 * rng.normal(size=40), 0.05, 0.95)
    once = verdict(held_out(p, classes), [0.5, 0.5])
    often = verdict(held_out(np.repeat(p, 25), np.repeat(classes, 25), np.repeat(np.arange(40), 25)), [0.5, 0.5])
    assert often.low == pytest.approx(once.low)
    assert often.n_customers == 40


def test_a_few_customers_are_no_evidence():
    classes = np.tile([0, 1], 8)
    assert not verdict(held_out(np.where(classes == 1, 0.9, 0.1), classes), [0.5, 0.5]).has_signal
