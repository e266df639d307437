"""Off-policy values: by hand, against plain loops, against the jackknife, and on logs whose truth is known."""

import math

import numpy as np
import pytest

from cxml.errors import ConfigError, SchemaError
from cxml.prescriptive.evaluating.estimators import difference, policy_values
from cxml.prescriptive.evaluating.logged import Logged
from cxml.prescriptive.evaluating.support import support

ACTIONS = ("nothing", "mail", "call")


def by_name(estimates):
    return {found.estimator: found for found in estimates}


def small():
    logged = Logged(
        np.array([0, 1, 1, 0]),
        ("nothing", "mail"),
        np.array([0.5, 0.25, 0.5, 0.5]),
        np.array([2.0, 4.0, 0.0, 1.0]),
        np.arange(4),
    )
    target = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.25, 0.75]])
    return logged, target, np.array([[1.0, 2.0]] * 4)


def population(x, *, binary, deterministic):
    """Return logging probabilities, the policy to be valued, and the expected reward of each action."""
    logging = np.exp(x * [0.8, 0.0, -0.8] + [0.5, 0.0, -0.5])
    logging = 0.91 * logging / logging.sum(axis=1, keepdims=True) + 0.03
    wish = np.exp(x * [-1.0, 0.0, 1.0])
    target = np.eye(3)[wish.argmax(axis=1)] if deterministic else wish / wish.sum(axis=1, keepdims=True)
    level = 0.5 * x * [1.0, 0.0, -1.0] + [0.0, 0.3, 0.6]
    return logging, target, 1 / (1 + np.exp(-level)) if binary else np.exp(level + 0.5)


def simulated(n, *, seed, rows_each=1, binary=False, deterministic=False):
    """Return a log, the policy to be valued, and the expected reward of each action."""
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.normal(size=(n // rows_each, 1)), rows_each, axis=0)
    logging, target, mean = population(x, binary=binary, deterministic=deterministic)
    action = (logging.cumsum(axis=1) > rng.random((len(mean), 1))).argmax(axis=1)
    taken = np.arange(len(mean)), action
    together = np.repeat(rng.normal(size=n // rows_each), rows_each)  # all rows of a customer are lucky, or none
    reward = (rng.random(len(mean)) < mean[taken]) * 1.0 if binary else mean[taken] * np.exp(together - 0.5)
    logged = Logged(action, ACTIONS, logging[taken], reward, np.repeat(np.arange(n // rows_each), rows_each))
    return logged, target, mean


def test_values_of_four_decisions_worked_by_hand():
    """Weights 2, 2, 2, 1/2; weighted rewards 4, 8, 0, 1/2; direct 1, 3/2, 2, 7/4; what is left 1, 2, -2, 0."""
    found = by_name(policy_values(*small()))
    assert found["ips"].value == pytest.approx(12.5 / 4)
    assert found["snips"].value == pytest.approx(12.5 / 6.5)
    assert found["direct"].value == pytest.approx(6.25 / 4)
    assert found["dr"].value == pytest.approx((6.25 + 2 + 4 - 4) / 4)
    assert found["ips"].effective_n == pytest.approx(6.5**2 / 12.25)
    assert found["ips"].standard_error == pytest.approx(math.sqrt(41.1875 / 3 / 4))
    assert found["ips"].influence == pytest.approx(np.array([4, 8, 0, 0.5]) - 3.125)


def test_without_a_model_there_are_only_inverse_propensity_estimates():
    logged, target, _ = small()
    assert [found.estimator for found in policy_values(logged, target)] == ["ips", "snips"]


@pytest.mark.parametrize("seed", range(5))
def test_estimators_equal_plain_loops(seed):
    logged, target, mean = simulated(300, seed=seed, deterministic=seed % 2 == 1, binary=seed == 2)
    model = mean * 1.3 - 0.2
    found = by_name(policy_values(logged, target, model))
    ips = total = direct = doubly = switched = 0.0
    threshold = found["switch_dr"].threshold
    for i in range(300):
        a = logged.action[i]
        w = target[i, a] / logged.propensity[i]
        expected = sum(target[i, j] * model[i, j] for j in range(3))
        ips += w * logged.reward[i]
        total += w
        direct += expected
        doubly += expected + w * (logged.reward[i] - model[i, a])
        switched += expected + (w * (logged.reward[i] - model[i, a]) if w <= threshold else 0.0)
    wanted = {"ips": ips / 300, "snips": ips / total, "direct": direct / 300, "dr": doubly / 300}
    wanted["switch_dr"] = switched / 300
    assert {name: e.value for name, e in found.items()} == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("rows_each", [1, 3])
def test_the_error_of_snips_is_the_jackknife_over_customers(rows_each):
    logged, target, _ = simulated(90, seed=1, rows_each=rows_each)
    weight = target[np.arange(90), logged.action] / logged.propensity
    without = []
    for customer in range(90 // rows_each):
        left = logged.customer != customer
        without.append((weight[left] * logged.reward[left]).sum() / weight[left].sum())
    n = len(without)
    wanted = math.sqrt((n - 1) / n * sum((x - np.mean(without)) ** 2 for x in without))
    found = by_name(policy_values(logged, target))["snips"]
    # Of rows in clusters, the mean of the influences is taken out by row, the jackknife's by customer: the same here.
    assert found.standard_error == pytest.approx(wanted, rel=1e-9)


def test_the_logging_policy_itself_is_worth_the_mean():
    rng = np.random.default_rng(0)
    action, reward = rng.integers(0, 3, 500), rng.random(500)
    logged = Logged(action, ACTIONS, np.full(500, 1 / 3), reward, np.arange(500))
    found = by_name(policy_values(logged, np.full((500, 3), 1 / 3), np.zeros((500, 3))))
    for name in ("ips", "snips", "dr"):
        assert found[name].value == pytest.approx(reward.mean(), rel=1e-12)
        assert found[name].standard_error == pytest.approx(reward.std(ddof=1) / math.sqrt(500), rel=1e-9)
        assert found[name].effective_n == pytest.approx(500)


def test_a_perfect_model_leaves_a_doubly_robust_estimate_without_variance():
    rng = np.random.default_rng(0)
    action = rng.integers(0, 3, 100)
    model = np.tile([1.0, 2.0, 5.0], (100, 1))
    logged = Logged(action, ACTIONS, np.full(100, 1 / 3), model[np.arange(100), action], np.arange(100))
    found = by_name(policy_values(logged, np.eye(3)[np.full(100, 2)], model))
    assert found["dr"].value == pytest.approx(5)
    assert found["dr"].standard_error == pytest.approx(0, abs=1e-12)
    assert found["ips"].standard_error > 0.1


def test_rows_written_twice_do_not_make_a_log_know_more():
    logged, target, mean = simulated(400, seed=3)

    def twice(x):
        return np.repeat(x, 2, axis=0)

    doubled = Logged(
        twice(logged.action), ACTIONS, twice(logged.propensity), twice(logged.reward), twice(logged.customer)
    )
    apart = Logged(doubled.action, ACTIONS, doubled.propensity, doubled.reward, np.arange(800))
    once, same, naive = (
        by_name(policy_values(log, t, m))
        for log, t, m in (
            (logged, target, mean),
            (doubled, twice(target), twice(mean)),
            (apart, twice(target), twice(mean)),
        )
    )
    for name in ("ips", "snips", "direct", "dr"):
        assert same[name].standard_error == pytest.approx(once[name].standard_error, rel=1e-9)
        assert (same[name].low, same[name].high) == pytest.approx((once[name].low, once[name].high), rel=1e-9)
        assert naive[name].standard_error == pytest.approx(once[name].standard_error / math.sqrt(2), rel=0.01)


@pytest.mark.parametrize(
    ("rows_each", "binary", "deterministic"), [(1, True, False), (1, False, True), (4, False, False)]
)
def test_95_percent_intervals_hold_the_truth_as_often_as_they_say(rows_each, binary, deterministic):
    x = np.random.default_rng(0).normal(size=(1_000_000, 1))
    _, target, mean = population(x, binary=binary, deterministic=deterministic)
    truth = float((target * mean).sum(axis=1).mean())
    covered = {"snips": [], "dr": []}
    for i in range(200):
        logged, target, mean = simulated(
            1_600, seed=[7, i], rows_each=rows_each, binary=binary, deterministic=deterministic
        )
        found = by_name(policy_values(logged, target, mean * 0.7))
        for name, inside in covered.items():
            inside.append(found[name].low <= truth <= found[name].high)
    for inside in covered.values():  # 95% +- 3 standard errors of 200 logs
        assert 0.90 <= np.mean(inside) <= 0.995


def test_of_few_successes_the_interval_reaches_further_up_and_not_below_0():
    rng = np.random.default_rng(0)
    reward = np.zeros(10_000)
    reward[:8] = 1
    logged = Logged(rng.integers(0, 2, 10_000), ("a", "b"), np.full(10_000, 0.5), reward, np.arange(10_000))
    for found in policy_values(logged, np.full((10_000, 2), 0.5)):
        assert found.value == pytest.approx(0.0008)
        assert found.low > 0
        assert found.high - found.value > 1.5 * (found.value - found.low)


def test_what_was_never_seen_may_still_be():
    """100 matched rows without a click: a click is, with 97.5%, rarer than 1 - 0.025^(1/100) = 3.62%."""
    action = np.repeat([0, 1], 100)
    logged = Logged(action, ("a", "b"), np.full(200, 0.5), (action == 0) * 1.0, np.arange(200))
    found = by_name(policy_values(logged, np.eye(2)[np.ones(200, dtype=int)]))["snips"]
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025**0.01)


def test_a_difference_is_taken_in_pairs():
    logged, target, mean = simulated(1_000, seed=5)
    other = 0.9 * target + 0.1 * np.eye(3)[0]
    of, against = (by_name(policy_values(logged, t, mean)) for t in (target, other))
    for name in ("ips", "snips", "dr"):
        found = difference(of[name], against[name])
        assert found.value == pytest.approx(of[name].value - against[name].value)
        assert found.standard_error < 0.5 * of[name].standard_error  # the policies are nearly the same
        assert found.low < found.value < found.high
    nothing = difference(of["dr"], of["dr"])
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


def test_a_difference_needs_one_log_and_one_estimator():
    logged, target, mean = simulated(100, seed=5)
    found = by_name(policy_values(logged, target, mean))
    with pytest.raises(ConfigError, match=r"one kind; they are 'dr' and 'ips'"):
        difference(found["dr"], found["ips"])
    shorter, wanted, _ = simulated(50, seed=5)
    with pytest.raises(ConfigError, match=r"one log; they have 100 and 50 rows"):
        difference(found["ips"], by_name(policy_values(shorter, wanted))["ips"])


def test_the_threshold_of_the_switch_is_the_one_with_the_smallest_estimated_error():
    logged, target, mean = simulated(400, seed=8)
    model = mean.copy()
    found = by_name(policy_values(logged, target, model))["switch_dr"]
    weight = [target[i, logged.action[i]] / logged.propensity[i] for i in range(400)]
    low, high = np.quantile(weight, (0.05, 0.95))
    reach = logged.reward.max() - logged.reward.min()
    errors = {}
    for threshold in [*(low * (high / low) ** (k / 20) for k in range(21)), math.inf]:
        rows = []
        for i in range(400):
            left = logged.reward[i] - model[i, logged.action[i]]
            rows.append(sum(target[i] * model[i]) + (weight[i] * left if weight[i] <= threshold else 0))
        bias = reach * sum(w for w in weight if w > threshold) / 400
        errors[threshold] = sum((x - np.mean(rows)) ** 2 for x in rows) / 400**2 + bias**2
    assert found.threshold == pytest.approx(min(errors, key=errors.get))


def test_one_huge_weight_is_left_to_the_model():
    """One row of 2,000 has weight 1,000 and a reward of 1 where the model says 0.5; the other weights are 1."""
    n = 2_000
    propensity, action = np.full(n, 1.0), np.zeros(n, dtype=int)
    propensity[:200], action[:200] = 0.1, 1
    propensity[0] = 0.0001
    target = np.zeros((n, 2))
    target[:, 0] = 1.0
    target[:200] = [0.9, 0.1]
    logged = Logged(action, ("a", "b"), propensity, np.ones(n), np.arange(n))
    found = by_name(policy_values(logged, target, np.full((n, 2), 0.5)))
    assert found["dr"].effective_n < 10
    logged = Logged(action, ("a", "b"), propensity, np.r_[1.0, np.full(n - 1, 0.99)], np.arange(n))
    found = by_name(policy_values(logged, target, np.full((n, 2), 0.5)))
    assert found["switch_dr"].threshold < 1_000
    assert found["switch_dr"].standard_error < found["dr"].standard_error


def test_a_policy_that_the_log_cannot_speak_for_gets_no_number():
    logged, _, _ = small()
    wider = Logged(logged.action, ACTIONS, logged.propensity, logged.reward, logged.customer)
    with pytest.raises(SchemaError, match=r"^target: a policy can only be valued.*Explore"):
        policy_values(wider, np.array([[0.0, 0.0, 1.0]] * 4))


def test_bts_is_worth_on_the_random_log_what_it_was_worth_on_its_own(real_data):
    """Open Bandit; what bts shows is counted in its own log, for each position."""
    import pandas as pd

    for campaign in ("men", "women"):
        random, bts = (
            pd.read_csv(real_data(f"open_bandit/{name}/{campaign}/{campaign}.csv")) for name in ("random", "bts")
        )
        shares = pd.crosstab(bts["position"], bts["item_id"], normalize="index")
        names = tuple(str(i) for i in shares.columns)
        logged = Logged(
            random["item_id"].to_numpy(),
            names,
            random["propensity_score"].to_numpy(),
            random["click"].to_numpy(dtype=float),
            np.arange(len(random)),
        )
        target = shares.loc[random["position"]].to_numpy()
        assert support(logged, target).refusal == ""
        for found in policy_values(logged, target):
            assert 0 < found.low <= bts["click"].mean() <= found.high < 0.011
