"""What effects say of customers: columns, ranges, and where they must stop."""

from dataclasses import replace

import numpy as np
import pytest

from cxml.predictive.uplift.effect import Effect, Parts
from cxml.predictive.uplift.evidence import EffectGroup, Overlap
from cxml.predictive.uplift.serving import served, uplift_columns, uplifts

NAN = float("nan")


def average_effect(action, outcome, average, error):
    """Return an effect that gives everybody the average."""
    return Effect(
        action=action,
        outcome=outcome,
        n_treated=100,
        n_untreated=100,
        average=average,
        low=average - 1.96 * error,
        high=average + 1.96 * error,
        standard_error=error,
        p_heterogeneity=0.5,
        heterogeneous=False,
        learner="average",
        scores={"average": (0.0, 0.0, 0.0)},
        groups=(EffectGroup(200, float("inf"), average, average, 0.0, 0.0, error),),
        overlap=Overlap(False, 0.5, 1.0, 1.0, 0, ()),
        too_little="",
        forests={},
        parts=Parts(0.0, 0.0, "identity", 0.0, 0.0, 1.0, 0.5),
    )


CALL = average_effect("call", "renewal", 0.10, 0.02)
GIFT = average_effect("gift", "value", 30.0, 10.0)


def test_each_effect_has_three_columns_in_the_order_of_the_effects():
    names = uplift_columns((CALL, GIFT))
    assert names == (
        "uplift_renewal_call", "uplift_renewal_call_low", "uplift_renewal_call_high",
        "uplift_value_gift", "uplift_value_gift_low", "uplift_value_gift_high",
    )  # fmt: skip
    assert tuple(uplifts((CALL, GIFT), np.zeros((2, 1)), None)) == names


def test_the_range_is_that_of_customers_alike():
    found = uplifts((CALL, GIFT), np.zeros((2, 1)), None)
    half = 1.959963984540054
    assert found["uplift_renewal_call"].tolist() == [0.10, 0.10]
    assert found["uplift_renewal_call_low"] == pytest.approx([0.10 - half * 0.02] * 2)
    assert found["uplift_value_gift_high"] == pytest.approx([30 + half * 10] * 2)


def test_an_effect_takes_nobodys_probability_to_stay_out_of_0_to_1():
    # Stays with 1 - risk: nothing is left to gain above the risk, nothing to lose below it minus 1.
    risk = np.array([0.5, 0.05, 0.12, 0.0, NAN])
    found = uplifts((CALL,), np.zeros((5, 1)), risk)
    assert found["uplift_renewal_call"].tolist()[:4] == [0.10, 0.05, 0.10, 0.0]
    assert found["uplift_renewal_call_high"][:4] == pytest.approx([0.10 + 1.96 * 0.02, 0.05, 0.12, 0.0], abs=1e-4)
    harm = average_effect("call", "renewal", -0.10, 0.02)
    worse = uplifts((harm,), np.zeros((2, 1)), np.array([0.95, 0.5]))
    assert worse["uplift_renewal_call"] == pytest.approx([-0.05, -0.10])
    assert worse["uplift_renewal_call_low"] == pytest.approx([-0.05, -0.10 - 1.96 * 0.02], abs=1e-4)
    for column in found.values():
        assert np.isnan(column[4])  # where the risk is not known, nobody knows what changes it


def test_money_has_no_such_bounds():
    found = uplifts((GIFT,), np.zeros((2, 1)), np.array([0.1, NAN]))
    assert found["uplift_value_gift"].tolist() == [30.0, 30.0]


def test_effects_without_evidence_are_not_served():
    little = replace(GIFT, too_little="there are 3")
    assert served((CALL, little)) == (CALL,)
    assert uplifts(served((little,)), np.zeros((2, 1)), None) == {}
