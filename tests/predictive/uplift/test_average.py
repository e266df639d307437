import numpy as np
import pytest

from cxml.predictive.uplift.average import common_change
from cxml.predictive.uplift.effect import expected


@pytest.mark.parametrize("average", [-0.3, -0.01, 0.0, 0.05, 0.6])
def test_one_change_of_log_odds_has_the_average_exactly_and_lets_nobody_leave_0_to_1(average):
    rng = np.random.default_rng(0)
    raw, weight = rng.normal(1, 3, 2_000), rng.uniform(0.5, 2, 2_000)
    change = common_change(raw, average, weight)
    treated, untreated = expected(raw + change / 2, "logit"), expected(raw - change / 2, "logit")
    assert np.average(treated - untreated, weights=weight) == pytest.approx(average, abs=1e-12)
    assert (untreated + (treated - untreated)).max() <= 1
    assert change * average >= 0


def test_of_one_customer_it_is_the_difference_of_log_odds():
    # .5 midway between .3 and .7: log(.7 / .3) up from log(.3 / .7)
    assert common_change(np.zeros(1), 0.4, np.ones(1)) == pytest.approx(2 * np.log(7 / 3))
