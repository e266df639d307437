"""Support: what the log never did, could not do, or hardly did."""

import numpy as np
import pytest

from cxml.prescriptive.evaluating.logged import Logged
from cxml.prescriptive.evaluating.support import support

ACTIONS = ("nothing", "mail", "call")


def log(action, propensity=0.5, customer=None):
    n = len(action)
    customer = np.arange(n) if customer is None else customer
    return Logged(np.asarray(action), ACTIONS, np.full(n, propensity) * np.ones(n), np.ones(n), customer)


def always(j, n):
    return np.tile(np.eye(3)[j], (n, 1))


def test_a_log_speaks_fully_for_the_policy_that_wrote_it():
    found = support(log([0, 1] * 500), np.tile([0.5, 0.5, 0.0], (1_000, 1)))
    assert (found.effective_n, found.largest_weight, found.share_unsupported) == (1_000, 1, 0)
    assert (found.unsupported, found.warnings, found.refusal) == ((), (), "")


def test_an_action_that_was_never_taken_is_named_and_refused():
    found = support(log([0, 1] * 500), np.tile([0.5, 0.3, 0.2], (1_000, 1)))
    assert found.unsupported == ("call",)
    assert found.share_unsupported == pytest.approx(0.2)
    assert (
        "20.0% of its decisions are not (first: 'call', 20.0% of its decisions, and the log never took it)"
        in found.refusal
    )


def test_a_trace_of_an_action_that_was_never_taken_is_warned_of():
    found = support(log([0, 1] * 500), np.tile([0.5, 0.495, 0.005], (1_000, 1)))
    assert found.refusal == ""
    assert found.unsupported == ("call",)
    assert found.warnings[0].startswith("0.50% of the policy's decisions")
    assert "'call'" in found.warnings[0]


def test_an_action_that_some_customers_could_not_get_is_found_by_its_weights():
    """A log without chance: half the customers always get mail, the others never; a policy of mail for all."""
    found = support(log([0, 1] * 500, propensity=1.0), always(1, 1_000))
    assert found.unsupported == ("mail",)
    assert found.share_unsupported == pytest.approx(0.5)
    assert "the log had no chance of it for 50% of these" in found.refusal


def test_rare_exploration_is_no_missing_support():
    """Chance does not make a policy refused: 200 logs in which 3% were given mail at random."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        mailed = rng.random(2_000) < 0.03
        found = support(log(mailed.astype(int), np.where(mailed, 0.03, 0.97)), always(1, 2_000))
        assert found.refusal == ""


def test_too_few_matched_customers_are_refused():
    action = np.zeros(100, dtype=int)
    action[7] = 1
    found = support(log(action, np.where(action == 1, 0.01, 0.99)), always(1, 100))
    assert "at least 2 customers" in found.refusal
    assert "1 of 100 are" in found.refusal


def test_weak_overlap_is_warned_of():
    mailed = np.arange(1_000) < 40
    found = support(log(mailed.astype(int), np.where(mailed, 0.04, 0.96)), always(1, 1_000))
    assert found.effective_n == pytest.approx(40)
    assert found.largest_weight == pytest.approx(25)
    assert "strength of 40 of its 1,000 rows" in found.warnings[0]


def test_a_customer_who_carries_the_weight_is_named():
    customer = np.arange(1_000)
    customer[:80] = 5
    found = support(log([0, 1] * 500, customer=customer), np.tile([0.5, 0.5, 0.0], (1_000, 1)))
    assert found.warnings == ("One customer (code 5) carries 8% of all weight.",)


def test_propensities_that_the_log_was_not_drawn_with_are_found():
    found = support(log([0, 1] * 2_000, propensity=0.3), np.tile([0.5, 0.5, 0.0], (4_000, 1)))
    assert "The weights average 1.667" in found.warnings[0]
