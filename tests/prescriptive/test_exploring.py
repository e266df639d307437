"""Exploration by what there is to learn: against closed forms, plain loops and the frequencies of many draws."""

from statistics import NormalDist

import numpy as np
import pytest
from deciding import NOW, arrays, compiled
from pydantic import ValidationError

from cxml.errors import ConfigError
from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.distribution import decided_probabilities
from cxml.prescriptive.exploring import best_odds, shares

NAN = float("nan")
NORMAL = NormalDist()
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05, "effect_low": 0, "effect_high": 0.1}
CALL = {"name": "call", "channel": "phone", "cost": 2, "effect": 0.05, "effect_low": -0.1, "effect_high": 0.2}
RISKY = CALL | {"eligibility": "renewal_risk > 0.5"}
CUSTOMERS = [f"c{i}" for i in range(4_000)]
THOMPSON = {"exploration_share": 0.3, "exploration": {"method": "thompson"}}


def columns():
    rng = np.random.default_rng(0)
    return arrays({"renewal_risk": rng.random(len(CUSTOMERS)), "value": rng.random(len(CUSTOMERS)) * 200})


def run(policy, found, day=0):
    moments = np.full(len(CUSTOMERS), NOW + np.timedelta64(day, "D"))
    return decisions(policy, found, CUSTOMERS, moments)[0]


@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (0.7, 2.0), (-1.5, 1.0), (30.0, 25.0)])
def test_an_uncertain_option_against_nothing_is_as_the_closed_form_says(mean, spread):
    odds, gain = best_odds(np.array([[mean], [0.0]]), np.array([[spread], [0.0]]))
    z = mean / spread
    assert odds[0, 0] == pytest.approx(NORMAL.cdf(z), abs=0.5 / 128 + 1e-12)
    known = mean * NORMAL.cdf(z) + spread * NORMAL.pdf(z)  # E[max(worth, 0)]
    assert gain[0] == pytest.approx(known - max(mean, 0), rel=0.03)


def test_two_uncertain_options_are_near_the_closed_form():
    mean, spread = np.array([[1.0], [2.0], [-np.inf]]), np.array([[3.0], [1.0], [0.0]])
    odds, gain = best_odds(mean, spread)
    apart = np.sqrt(3.0**2 + 1.0**2)
    assert odds[0] == pytest.approx([NORMAL.cdf(-1 / apart), NORMAL.cdf(1 / apart), 0], abs=0.03)
    assert gain[0] == pytest.approx(apart * NORMAL.pdf(1 / apart) - NORMAL.cdf(-1 / apart), rel=0.1)


def test_nothing_is_gained_where_all_is_known_and_the_first_of_equals_is_the_best():
    odds, gain = best_odds(np.array([[5.0, 0.1], [5.0, 0.3], [0.0, 0.0]]), np.zeros((3, 2)))
    assert odds.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert gain.tolist() == [0, 0]


def test_shares_are_in_proportion_and_what_is_over_one_goes_to_the_others():
    assert shares(np.array([1.0, 2.0, 3.0, 0.0]), 0.15).tolist() == pytest.approx([0.1, 0.2, 0.3, 0])
    # .5 of 4 is 2: in proportion 10 would have 1.54, so it has 1, and the others share 1 as 1 to 2
    assert shares(np.array([1.0, 10.0, 2.0, 0.0]), 0.5).tolist() == pytest.approx([1 / 3, 1, 2 / 3, 0])
    assert shares(np.array([1.0, 0.0, 0.0, 0.0]), 0.5).tolist() == [1, 0, 0, 0]
    assert shares(np.zeros(4), 0.1).tolist() == [0.1] * 4


def test_shares_of_random_gains_have_the_mean_that_was_asked_for():
    rng = np.random.default_rng(0)
    for share in (0.01, 0.2, 0.7, 0.95):
        gain = rng.exponential(size=500) ** 3
        found = shares(gain, share)
        assert found.mean() == pytest.approx(share)
        assert found.max() <= 1
        free = found < 1
        assert np.ptp(found[free] / gain[free]) == pytest.approx(0, abs=1e-9)
        assert gain[~free].min(initial=np.inf) >= gain[free].max()


@pytest.mark.parametrize("limits", [[], [{"of": "contacts", "channel": "phone", "amount": 150}]])
def test_propensities_are_the_frequencies_of_many_runs(limits):
    policy, found = compiled([MAIL, RISKY], limits=limits, holdout_share=0.05, **THOMPSON), columns()
    n_runs, counted = 30, dict.fromkeys(("mail", "no_action"), 0.0)
    for day in range(n_runs):
        made = run(policy, found, day)
        assert (made.propensity > 0).all()
        for name in counted:
            counted[name] += (1 / made.propensity[made.action == name]).sum() / n_runs / len(CUSTOMERS)
    assert counted == pytest.approx(dict.fromkeys(counted, 1.0), abs=0.1)


def test_each_option_is_drawn_as_often_as_is_stated():
    """Customers who are all alike, so that frequencies are those of one distribution."""
    policy = compiled([MAIL, CALL], holdout_share=0.1, **THOMPSON)
    found = arrays({"value": [100.0] * len(CUSTOMERS)})
    stated = decided_probabilities(policy, found, CUSTOMERS, np.full(len(CUSTOMERS), NOW), with_holdout=True)[0]
    counted = dict.fromkeys(policy.labels, 0.0)
    n_runs = 10
    for day in range(n_runs):
        made = run(policy, found, day)
        assert set(made.propensity) <= set(stated.tolist())
        for name in counted:
            counted[name] += (made.action == name).mean() / n_runs
    # the holdout is for good: it is counted once, not ten times
    noise = 4 * np.sqrt(0.25 / len(CUSTOMERS) / n_runs) + 4 * np.sqrt(0.09 / len(CUSTOMERS))
    assert counted == pytest.approx(dict(zip(policy.labels, stated, strict=True)), abs=noise)
    # A mail is worth 4 with sd 2.55, a call 3 with 7.65: by the closed form a call is best with .45 or less; a fifth of
    # the draws is nothing
    drawn = {name: (made.action[made.explored] == name).mean() for name in policy.labels}
    assert 0.24 < drawn["call"] < 0.4
    assert 0.32 < drawn["mail"] < 0.48
    assert 0.2 < drawn["no_action"] < 0.28


def test_the_distribution_holds_the_propensities_and_adds_up_to_one():
    policy, found = compiled([MAIL, RISKY], holdout_share=0.05, **THOMPSON), columns()
    made = run(policy, found)
    both = decided_probabilities(policy, found, CUSTOMERS, np.full(len(CUSTOMERS), NOW), with_holdout=True)
    assert both.sum(axis=1) == pytest.approx(1)
    place = np.array([policy.labels.index(action) for action in made.action])
    assert both[np.arange(len(place)), place].tolist() == made.propensity.tolist()


def test_as_many_are_explored_with_as_the_policy_says_and_most_where_least_is_known():
    policy, found = compiled([MAIL, RISKY], **THOMPSON), columns()
    made = run(policy, found)
    assert made.explored.mean() == pytest.approx(0.3, abs=0.03)
    risky = found["renewal_risk"] > 0.5  # a call is known three times less well than a mail
    assert made.explored[risky].mean() > 3 * made.explored[~risky].mean()


def test_every_option_that_fired_keeps_a_share_of_the_draws():
    hopeless = MAIL | {"name": "gift", "cost": 500}
    policy = compiled([MAIL, hopeless], **THOMPSON)
    found = decided_probabilities(policy, arrays({"value": [100.0]}), ["c"], np.array([NOW]))
    assert found[0, policy.labels.index("gift")] == pytest.approx(0.3 * 0.01 / 3)


def test_who_may_get_nothing_is_not_explored_with():
    policy = compiled([RISKY], **THOMPSON | {"exploration": {"method": "thompson", "by": "segment"}},
                      kinds={"segment": "category"})  # fmt: skip
    found = columns() | {"segment": np.array(["a", "b", None, "c"] * 1_000, dtype=object)}
    made = run(policy, found)
    assert not made.explored[found["renewal_risk"] <= 0.5].any()
    assert made.explored.mean() == pytest.approx(0.3, abs=0.03)


def test_the_share_is_spent_by_groups():
    """Of group b nothing is known, of group a as good as everything; c is unknown, a group of its own."""
    action = MAIL | {"effect_low": "CASE WHEN segment = 'a' THEN 0.0499 ELSE -0.2 END",
                     "effect_high": "CASE WHEN segment = 'a' THEN 0.0501 ELSE 0.3 END"}  # fmt: skip
    policy = compiled([action], kinds={"segment": "category"}, exploration_share=0.2,
                      exploration={"method": "thompson", "by": "segment"})  # fmt: skip
    segment = np.array(["a", "b", None, "a"] * 1_000, dtype=object)
    rng = np.random.default_rng(0)
    found = arrays({"value": 50 + 100 * rng.random(len(CUSTOMERS))}) | {"segment": segment}
    both = decided_probabilities(policy, found, CUSTOMERS, np.full(len(CUSTOMERS), NOW))
    made = run(policy, found)
    share = {name: made.explored[segment == name].mean() for name in ("a", "b", None)}
    assert share["a"] < 0.01
    assert share["b"] == pytest.approx(0.4, abs=0.06)
    assert share[None] == pytest.approx(0.4, abs=0.06)
    assert both.sum(axis=1) == pytest.approx(1)


def test_where_there_is_nothing_to_learn_all_are_explored_with_alike():
    known = MAIL | {"effect_low": 0.05, "effect_high": 0.05}
    policy = compiled([known], **THOMPSON)
    made = run(policy, columns())
    assert made.explored.mean() == pytest.approx(0.3, abs=0.03)


def test_an_effect_of_unknown_range_is_taken_as_known():
    policy = compiled([MAIL | {"effect_low": "value - value + renewal_risk"}], **THOMPSON)
    found = arrays({"value": [100.0, 100.0], "renewal_risk": [NAN, 0.0]})
    both = decided_probabilities(policy, found, ["a", "b"], np.full(2, NOW))
    nothing = policy.nothing
    assert both[0, nothing] < both[1, nothing]
    assert both.sum(axis=1) == pytest.approx(1)


def test_uniform_is_the_default_and_the_same_to_the_byte():
    plain, said = (compiled([MAIL, RISKY], exploration_share=0.3, **more)
                   for more in ({}, {"exploration": {"method": "uniform"}}))  # fmt: skip
    once, again = run(plain, columns()), run(said, columns())
    assert once.action.tolist() == again.action.tolist()
    assert plain.version == said.version


def test_groups_need_a_method_that_learns_and_a_column_that_tells_groups():
    with pytest.raises(ValidationError, match="`by` is for `method: thompson`"):
        compiled([MAIL], exploration={"by": "segment"})
    with pytest.raises(
        ConfigError, match=r"policy.exploration.by: there is no column 'segmnt'; did you mean 'segment'"
    ):
        compiled([MAIL], kinds={"segment": "category"}, exploration={"method": "thompson", "by": "segmnt"})
    policy = compiled([MAIL], **THOMPSON | {"exploration": {"method": "thompson", "by": "value"}})
    with pytest.raises(ConfigError, match=r"^policy.exploration.by: 'value' must tell groups of customers, at most 50"):
        run(policy, columns())
