"""Monitoring: against a plain loop, and its promises on streams with and without an effect."""

import math

import numpy as np
import pytest

from cxml.errors import ConfigError, SchemaError
from cxml.prescriptive.evaluating.monitoring import monitored


def stream(seed, *, days=100, per_day=20, share=0.1, money=True, effect=0.0):
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rng.poisson(per_day, days))
    held = rng.random(len(day)) < share
    reward = rng.lognormal(0, 1, len(day)) if money else (rng.random(len(day)) < 0.2) * 1.0
    return day, reward + effect * ~held, held


def looped(day, reward, held, share, last, effect):
    """Return the martingale and its variance after a day, had the treated been given this effect."""
    rest = [r - effect * (not h) for r, h in zip(reward, held, strict=True)]
    total = squares = expected = 0.0
    for today in sorted(set(day[day <= last])):
        so_far = [r for r, d in zip(rest, day, strict=True) if d <= today]
        mean = sum(so_far) / len(so_far)
        for r, h, d in zip(rest, held, day, strict=True):
            if d == today:
                x = (r - mean) * (-1 / share if h else 1 / (1 - share))
                total += x
                squares += x * x
                expected += (r - mean) ** 2 / (share * (1 - share))
    return total, max(squares, (squares + 2 * expected) / 3)


def enough(reward):
    """Return whether ten rewards differ from the mean, had all the same distance from it."""
    away = reward - reward.mean()
    return (away**2).sum() ** 2 >= 10 * (away**4).sum()


def test_the_ends_are_where_the_mixture_bound_is_met_by_a_plain_loop():
    day, reward, held = stream(0, days=12, per_day=40)
    found = monitored(day, reward, held, 0.1)
    start = next(d for d in range(12) if enough(reward[day <= d]))
    # The mixture's variance: that of the first days, reckoned to day 90, and the constant that is best there.
    about = [(r, d) for r, d in zip(reward, day, strict=True) if d <= start]
    expected = 0.0
    for today in range(start + 1):
        mean = np.mean([r for r, d in about if d <= today])
        expected += sum((r - mean) ** 2 for r, d in about if d == today) / 0.09
    wanted = 2 * math.log(20)
    prior = expected / (start + 1) * 90 / (wanted + math.log(1 + wanted))
    for last in (8, 11):
        for end in (found.low[last], found.high[last]):
            total, variance = looped(day, reward, held, 0.1, last, end)
            bound = (variance + prior) * (math.log((variance + prior) / prior) + wanted)
            assert total**2 == pytest.approx(bound, rel=1e-6)
        total, _ = looped(day, reward, held, 0.1, last, found.estimate[last])
        assert total == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("money", "share"), [(True, 0.05), (True, 0.2), (False, 0.1)])
def test_without_an_effect_alarms_are_rare_however_often_one_looks(money, share):
    alarms = [monitored(*stream([1, i], money=money, share=share), share).alarm is not None for i in range(150)]
    assert np.mean(alarms) <= 0.05


def test_the_true_effect_is_inside_on_all_days_at_once():
    ever_outside = []
    for i in range(150):
        found = monitored(*stream([2, i], effect=0.7), 0.1)
        ever_outside.append(bool(((found.low > 0.7) | (found.high < 0.7)).any()))
    assert np.mean(ever_outside) <= 0.05


def test_an_effect_is_found_and_the_day_told():
    found = monitored(*stream(3, effect=2.0), 0.1)
    assert found.alarm is not None
    place = int(np.flatnonzero(found.day == found.alarm)[0])
    assert found.low[place] > 0
    assert not ((found.low[:place] > 0) | (found.high[:place] < 0)).any()
    assert found.low[-1] < 2 < found.high[-1]
    assert found.estimate[-1] == pytest.approx(2, abs=0.5)


def test_money_counted_in_cents_says_the_same():
    day, reward, held = stream(4, effect=0.5)
    one, hundred = monitored(day, reward, held, 0.1), monitored(day, 100 * reward, held, 0.1)
    assert hundred.low == pytest.approx(100 * one.low)
    assert hundred.alarm == one.alarm


def test_before_anything_differs_nothing_is_said():
    day, held = np.repeat(np.arange(20), 10), np.tile([True] + [False] * 9, 20)
    found = monitored(day, np.zeros(200), held, 0.1)
    assert np.isinf(found.low).all()
    assert np.isinf(found.high).all()
    assert found.alarm is None


def test_the_order_of_rows_within_a_day_does_not_matter():
    day, reward, held = stream(5, days=30)
    order = np.lexsort((held, day))
    first, second = monitored(day, reward, held, 0.1), monitored(day[order], reward[order], held[order], 0.1)
    assert second.low == pytest.approx(first.low)
    assert second.high == pytest.approx(first.high)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"holdout_share": 0.0}, ConfigError, r"holdout_share: must be between 0 and 1; it is 0"),
        ({"alpha": 1.0}, ConfigError, r"alpha: must be between 0 and 1"),
        ({"tightest_day": 0}, ConfigError, r"tightest_day: must be at least 1; it is 0"),
        (
            {"reward": np.array([1.0, np.nan])},
            SchemaError,
            r"reward: must be known; 1 of 2 rows is not \(first: row 1\)",
        ),
        ({"held_out": np.array([0, 1])}, SchemaError, r"held_out: must be true or false"),
        ({"reward": np.array([1.0])}, SchemaError, r"reward: must have a value for each of 2 rows"),
        ({"day": np.array([]), "reward": np.array([])}, SchemaError, r"day: must have at least one outcome"),
    ],
)
def test_a_fault_names_the_rule_the_rows_and_the_remedy(change, error, message):
    good = {"day": np.array([1, 2]), "reward": np.ones(2), "held_out": np.array([True, False]), "holdout_share": 0.1}
    with pytest.raises(error, match=message):
        monitored(**good | change)
