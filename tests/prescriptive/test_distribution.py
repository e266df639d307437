"""The distribution of a policy's decisions: rows that add up to 1, and hold the propensities that are logged."""

import numpy as np
import pytest
from deciding import NOW, arrays, compiled

from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.distribution import decided_probabilities

MAIL = {"name": "mail", "cost": 1, "effect": 0.05, "treatments": [{"channel": "mail"}, {"channel": "web", "cost": 0.5}]}
CALL = {"name": "call", "channel": "phone", "cost": 2, "effect": 0.05, "eligibility": "renewal_risk > 0.5"}
CHANCE = {"exploration_share": 0.3, "holdout_share": 0.1}
LIMITS = [{"of": "contacts", "channel": "phone", "amount": 40}, {"of": "cost", "amount": 500}]
CUSTOMERS = [f"c{i}" for i in range(1_000)]


def run():
    rng = np.random.default_rng(0)
    columns = arrays({"renewal_risk": rng.random(len(CUSTOMERS)), "value": rng.random(len(CUSTOMERS)) * 200})
    return columns, CUSTOMERS, np.full(len(CUSTOMERS), NOW)


def places(policy, found):
    names = [(option.action, option.channel) for option in policy.options]
    return np.array([names.index(pair) for pair in zip(found.action, found.channel, strict=True)])


@pytest.mark.parametrize("limits", [[], LIMITS], ids=["no limits", "limits"])
@pytest.mark.parametrize("chance", [{}, CHANCE], ids=["no chance", "chance"])
def test_rows_add_up_to_one_and_hold_the_propensities(limits, chance):
    policy = compiled([MAIL, CALL], limits=limits, **chance)
    found = decisions(policy, *run())[0]
    both = decided_probabilities(policy, *run(), with_holdout=True)
    assert both.shape == (len(CUSTOMERS), 4)
    assert both.sum(axis=1) == pytest.approx(1)
    assert both[np.arange(len(CUSTOMERS)), places(policy, found)].tolist() == found.propensity.tolist()
    free = decided_probabilities(policy, *run())
    assert free.sum(axis=1) == pytest.approx(1)
    nothing = np.arange(4) == policy.nothing
    assert 0.9 * free + 0.1 * nothing == pytest.approx(both) if chance else free == pytest.approx(both)


def test_an_option_that_a_customer_may_not_get_has_no_probability():
    policy = compiled([MAIL, CALL], **CHANCE)
    columns, *rest = run()
    found = decided_probabilities(policy, columns, *rest)[:, policy.labels.index("call")]
    assert ((found > 0) == (columns["renewal_risk"] > 0.5)).all()


def test_one_customer_by_hand():
    policy = compiled([MAIL, CALL], **CHANCE)
    columns = arrays({"renewal_risk": [0.9], "value": [100.0]})
    found = decided_probabilities(policy, columns, ["c"], np.array([NOW]), with_holdout=True)
    # by web, mail is worth 4.5: .9 x (.7 + .3 / 4); the others .9 x .3 / 4; nothing .1 more
    share = dict(zip(policy.labels, found[0], strict=True))
    assert share == pytest.approx({"mail/mail": 0.0675, "mail/web": 0.6975, "call": 0.0675, "no_action": 0.1675})
