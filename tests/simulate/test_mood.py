import numpy as np
import pytest

from cxml.simulate.mood import felt_value, mood

MONTH = 31 * 86_400


@pytest.fixture
def felt():
    rng = np.random.default_rng(0)
    return rng.integers(0, 5, size=40), rng.integers(0, MONTH, size=40), rng.normal(size=40)


def test_a_broken_promise_hurts_two_and_a_quarter_times_as_much_as_a_kept_one_pleases():
    early, late = felt_value(np.array([1.0, -1.0]), 0.1)
    assert (early, late) == (pytest.approx(0.1), pytest.approx(-0.225))


def test_feelings_flatten():
    one, two = felt_value(np.array([-1.0, -2.0]), 0.1)
    assert two / one == pytest.approx(2**0.88)


def test_satisfaction_at_a_moment_equals_a_plain_loop(felt):
    who, when, size = felt
    level, deviation, shock = np.linspace(-1, 1, 5), np.linspace(0.5, -0.5, 5), np.full(5, 0.1)
    now = mood(0, MONTH, level, deviation, shock, who, when, size)
    for customer in range(5):
        for second in (0, 86_400, 1_000_000, MONTH):
            fraction = second / MONTH
            expected = level[customer] + deviation[customer] * 0.82**fraction + 0.1 * fraction
            expected += sum(s for w, t, s in zip(who, when, size, strict=True) if w == customer and t <= second)
            assert now.at(np.array([customer]), np.array([second])) == pytest.approx(expected)


def test_months_meet_without_a_jump():
    none = np.array([], dtype=np.int64)
    level, start = np.array([0.3]), np.array([-0.8])
    january = mood(0, MONTH, level, start, np.array([0.2]), none, none, np.array([]))
    last = january.at(np.array([0]), np.array([MONTH]))
    february = mood(MONTH, 2 * MONTH, level, last - level, np.array([0.7]), none, none, np.array([]))
    assert february.at(np.array([0]), np.array([MONTH])) == pytest.approx(last)
