import numpy as np
import pytest

from cxml.errors import ConfigError
from cxml.prescriptive.allocating.schedule import DailyLimit, scheduled_days

CALLS = DailyLimit("calls", 2.0, np.array([1.0, 0.0, 0.0]))


def plain_days(chosen, priority, limits, n_days):
    """Return the days by a plain loop over customers, days and limits."""
    days = np.full(len(chosen), -1)
    used = [[0.0] * len(limits) for _ in range(n_days)]
    for i in sorted(range(len(chosen)), key=lambda i: (-priority[i], i)):
        need = [float(x.use[chosen[i]] if x.use.ndim == 1 else x.use[i, chosen[i]]) for x in limits]
        for day in range(n_days):
            if all(have + more <= x.amount for have, more, x in zip(used[day], need, limits, strict=True)):
                used[day] = [have + more for have, more in zip(used[day], need, strict=True)]
                days[i] = day
                break
    return days


def test_the_highest_priority_comes_first_and_ties_go_by_order():
    days = scheduled_days(np.zeros(6, dtype=int), np.array([1.0, 5, 5, 5, 9, 0]), [CALLS], 2)
    # 9 and the first 5 today, the other two 5 tomorrow, no day for the rest
    assert days.tolist() == [-1, 0, 1, 1, 0, -1]


def test_what_uses_nothing_is_on_the_first_day():
    assert scheduled_days(np.array([1, 2, 0]), np.array([0.0, -5, 1]), [CALLS], 1).tolist() == [0, 0, 0]
    assert scheduled_days(np.array([0, 0]), np.array([1.0, 2]), [], 1).tolist() == [0, 0]


def test_what_is_more_than_a_days_amount_fits_on_none():
    hours = DailyLimit("hours", 1.0, np.array([[1.5], [1.0]]))
    assert scheduled_days(np.array([0, 0]), np.array([9.0, 1.0]), [hours], 5).tolist() == [-1, 0]


def test_a_small_one_takes_the_room_that_a_larger_one_before_it_could_not():
    hours = DailyLimit("hours", 1.0, np.array([[0.7], [0.6], [0.3]]))
    assert scheduled_days(np.zeros(3, dtype=int), np.array([3.0, 2, 1]), [hours], 2).tolist() == [0, 1, 0]


def test_no_capacity_at_all_schedules_nobody_who_needs_it():
    none = DailyLimit("calls", 0.0, np.array([1.0, 0.0]))
    assert scheduled_days(np.array([0, 1]), np.array([1.0, 1.0]), [none], 3).tolist() == [-1, 0]


def test_nobody_is_scheduled_of_nobody():
    assert scheduled_days(np.zeros(0, dtype=int), np.zeros(0), [CALLS], 3).tolist() == []


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_plain_loop(seed, monkeypatch):
    random = np.random.default_rng(seed)
    monkeypatch.setattr("cxml.prescriptive.allocating.schedule._CHUNK", int(random.choice([3, 50, 4_096])))
    n, k = 400, 4
    limits = [
        DailyLimit("calls", 7.0, np.array([1.0, 0, 1, 0])),
        DailyLimit("hours", 3.0, np.array([0.3, 0.1, 0.7, 0])),
        DailyLimit("money", 40.0, random.gamma(2, 2, (n, k)) * np.array([1, 1, 1, 0])),
    ][: seed % 3 + 1]
    chosen, priority = random.integers(0, k, n), random.integers(0, 50, n).astype(float)
    found = scheduled_days(chosen, priority, limits, 12)
    assert found.tolist() == plain_days(chosen, priority, limits, 12).tolist()
    assert (found == -1).any()


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ConfigError, match=r"(?s)3 faults.*n_days.*priority.*first: row 1.*amount must be"):
        scheduled_days(np.array([0, 1]), np.array([1.0, np.nan]), [DailyLimit("calls", -1.0, np.array([1.0, 0]))], 0)
    with pytest.raises(ConfigError, match=r"'calls': use must be a number >= 0; 1 are not .first: row 1 uses -1.0"):
        scheduled_days(np.array([0, 1]), np.array([1.0, 2]), [DailyLimit("calls", 1.0, np.array([1.0, -1.0]))], 1)
