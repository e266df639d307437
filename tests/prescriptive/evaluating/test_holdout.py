"""What a policy brought against the holdout: by hand, by Fieller's definition, and on simulations with known truth."""

import math

import numpy as np
import pytest

from cxml.errors import SchemaError
from cxml.prescriptive.evaluating.holdout import cost_per_saved, incremental, return_on_cost

HELD = np.array([False, False, False, False, True, True])
CUSTOMER = np.array([10, 11, 11, 12, 20, 21])


def test_increment_of_five_customers_worked_by_hand():
    """Treated 3, 2 + 3, 4; held out 1, 3. Variances 1 and 2, as Welch's test has them."""
    found = incremental(np.array([3.0, 2, 3, 4, 1, 3]), HELD, CUSTOMER)
    assert (found.per_customer, found.total) == (pytest.approx(2), pytest.approx(6))
    assert found.standard_error == pytest.approx(math.sqrt(1 / 3 + 2 / 2))
    assert (found.n_treated, found.n_held_out) == (3, 2)
    assert found.total_low == pytest.approx(3 * found.low)
    assert found.low < 0 < found.per_customer < found.high


def simulated(rng, n=3_000, share=0.1, lift=0.06):
    held = rng.random(n) < share
    stayed = (rng.random(n) < 0.7 + lift * ~held).astype(float)
    cost = np.where(held, 0.0, rng.choice([1.0, 5.0], n))
    return stayed, cost, held


def test_intervals_hold_the_truth_as_often_as_they_say():
    """The policy saves 6% at a mean cost of 3: 0.02 customers for each unit, 50 for each customer."""
    inside, returns, costs = [], [], []
    for i in range(400):
        stayed, cost, held = simulated(np.random.default_rng([1, i]))
        customer = np.arange(len(held))
        whole = incremental(stayed, held, customer)
        inside.append(whole.low <= 0.06 <= whole.high)
        back = return_on_cost(stayed, cost, held, customer)
        returns.append(back.low <= 0.02 <= back.high)
        each = cost_per_saved(stayed, cost, held, customer)
        costs.append(each.kind == "undefined" or each.low <= 50 <= each.high)
    for found in (inside, returns, costs):
        assert 0.92 <= np.mean(found) <= 0.98


def test_skewed_money_is_held_too():
    inside = []
    for i in range(400):
        rng = np.random.default_rng([2, i])
        held = rng.random(4_000) < 0.1
        money = (rng.random(4_000) < 0.3) * rng.lognormal(3, 1, 4_000) + 2.0 * ~held
        found = incremental(money, held, np.arange(4_000))
        inside.append(found.low <= 2 <= found.high)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_a_ratio_holds_what_the_test_of_its_definition_does_not_reject():
    """Fieller: r is inside where increment - r x cost is within its own t standard errors of 0."""
    from scipy import stats

    stayed, cost, held = simulated(np.random.default_rng(3), n=4_000, lift=0.1)
    found = return_on_cost(stayed, cost, held, np.arange(4_000))
    assert found.kind == "bounded"

    def statistic(r):
        rest = stayed - r * cost
        arms = [rest[~held], rest[held]]
        return (arms[0].mean() - arms[1].mean()) / math.sqrt(sum(x.var(ddof=1) / len(x) for x in arms))

    ends = statistic(found.low), statistic(found.high)
    assert ends[0] == pytest.approx(-ends[1], rel=1e-6)  # the same number of standard errors to both sides
    assert stats.norm.ppf(0.975) < ends[0] < stats.t.ppf(0.975, 50)
    assert statistic(found.value) == pytest.approx(0, abs=1e-9)


def test_what_may_have_saved_nobody_has_no_upper_end():
    stayed, cost, held = simulated(np.random.default_rng(6), n=800, lift=0.04)
    found = cost_per_saved(stayed, cost, held, np.arange(800))
    assert incremental(stayed, held, np.arange(800)).low < 0 < found.value
    assert (found.kind, found.high) == ("unbounded", math.inf)
    assert 0 < found.low < found.value
    assert found.meaning.endswith(f"at least {found.low:,.2f}: it cannot be ruled out that nobody was saved.")


def test_what_saved_nobody_has_no_cost_per_saved():
    stayed = np.array([0.0, 1, 0, 1, 1, 1])
    found = cost_per_saved(stayed, np.array([1.0, 1, 1, 1, 0, 0]), HELD, np.array([1, 2, 3, 4, 5, 6]))
    assert found.kind == "undefined"
    assert math.isnan(found.value)
    assert found.meaning == "undefined: as far as the holdout tells, nobody was saved (-0.5 for each customer)."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"reward": np.array([3.0, np.nan, 3, 4, 1, 3])},
            r"reward: must be known; 1 of 6 rows is not \(first: row 1\)",
        ),
        ({"held_out": np.array([False, False, True, False, True, True])}, r"1 of 5 customers are both \(first: row 2"),
        ({"held_out": np.array([False] * 5 + [True])}, r"each side must have at least 2 customers; 1 of 5"),
        ({"held_out": np.array([0, 0, 0, 0, 1, 1])}, r"held_out: must be true or false; it is int64"),
        ({"reward": np.zeros(3)}, r"reward: must have a value for each of 6 rows; its shape is \(3,\)"),
    ],
)
def test_a_fault_names_the_rule_the_rows_and_the_remedy(change, message):
    good = {"reward": np.array([3.0, 2, 3, 4, 1, 3]), "held_out": HELD, "customer": CUSTOMER}
    with pytest.raises(SchemaError, match=message):
        incremental(**good | change)
