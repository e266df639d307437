"""Running totals against the sum of each window alone, on floats of any size."""

from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.descriptive.plain import DAY_US
from cxml.descriptive.series import Kept, Series

KEPT = Kept(
    totals=("value", "square", "weight", "weighted"),
    half_lives=(2.0,),
    days=True,
    names=True,
    values=True,
    weights=True,
)
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None)
_values = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.1, 1e9, -1e9]), st.floats(-1e12, 1e12), st.floats(-1e-6, 1e-6))
_facts = st.lists(
    st.tuples(st.integers(0, 40).map(lambda hours: hours * DAY_US // 4), _values, st.sampled_from([1.0, 0.5, 0.1])),
    min_size=1,
    max_size=20,
)


def near(found, expected, sizes):
    """Return whether a total is right to the last bits of what it is the sum of."""
    return found == pytest.approx(expected, rel=1e-12, abs=1e-14 * fsum(map(abs, sizes)))


@EXAMPLES
@given(facts=_facts, n_at_once=st.integers(0, 20), data=st.data())
def test_a_window_adds_up_to_its_facts_in_whatever_order_they_came(facts, n_at_once, data):
    series = Series(KEPT, sorted(facts[:n_at_once], key=lambda fact: fact[0]))
    for fact in facts[n_at_once:]:
        series.insert(*fact)
    ordered = [*sorted(facts[:n_at_once], key=lambda fact: fact[0]), *facts[n_at_once:]]
    ordered.sort(key=lambda fact: fact[0])
    assert list(zip(series.times, series.values, series.weights, strict=True)) == ordered
    i, j = sorted(data.draw(st.tuples(*[st.integers(0, len(facts))] * 2)))
    window = ordered[i:j]
    terms = {
        "value": [x for _, x, _ in window],
        "square": [x * x for _, x, _ in window],
        "weight": [weight for _, _, weight in window],
        "weighted": [x * weight for _, x, weight in window],
    }
    for of, added in terms.items():
        assert near(series.totals[of].between(i, j), fsum(added), added), of
    if window:
        as_of = window[-1][0] + DAY_US
        decayed = [x * weight * 0.5 ** ((as_of - time) / DAY_US / 2) for time, x, weight in window]
        assert near(series.decays[2.0].between(i, j, as_of), fsum(decayed), decayed)
        assert series.days.between(i, j) == len({time // DAY_US for time, _, _ in window})
    assert {
        name: sorted(time for time, x, _ in ordered if x == name) for name in series.names.times
    } == series.names.times


def test_a_total_that_overflowed_before_a_window_is_none_of_its_business():
    series = Series(KEPT, [(0, 1e308, 1.0), (1, 1e308, 1.0), (2, 0.5, 1.0), (3, 0.25, 1.0)])
    assert series.totals["value"].between(2, 4) == 0.75
    assert series.decays[2.0].between(2, 4, 3) == pytest.approx(0.75)


def test_without_values_every_fact_is_worth_one():
    series = Series(Kept(half_lives=(1.0,)), [(0, 7.0, 0.5), (DAY_US, 7.0, 0.5)])
    assert (series.values, series.weights) == ([], [])
    assert series.decays[1.0].between(0, 2, 2 * DAY_US) == 0.25 + 0.5
