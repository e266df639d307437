import numpy as np
import pandas as pd
import pytest

from cxml.simulate.actions import HOLDOUT_SHARE, PROPENSITY
from cxml.simulate.people import SEGMENTS
from cxml.simulate.renewal import ACTIONS, action_effects, price_sensitivity


@pytest.fixture(scope="module")
def actions(company):
    return company.tables["actions"].merge(company.tables["customers"], on="customer_id")


@pytest.mark.parametrize("segment", SEGMENTS)
def test_propensities_are_the_frequencies_of_actions(actions, segment):
    rows = actions[actions["segment"] == segment]
    stated = rows.groupby("action")["propensity"].agg(["nunique", "first"])
    assert (stated["nunique"] == 1).all()
    assert stated["first"].sum() == pytest.approx(1.0)
    share = rows["action"].value_counts(normalize=True)
    for action in ACTIONS:
        p = stated.loc[action, "first"]
        assert abs(share[action] - p) < 4 * np.sqrt(p * (1 - p) / len(rows))


def test_every_action_has_a_chance_of_more_than_three_percent():
    assert PROPENSITY.min() > 0.03
    assert PROPENSITY.sum(axis=1) == pytest.approx(np.ones(len(SEGMENTS)))


def test_the_holdout_is_a_tenth_and_gets_nothing(actions):
    held = actions[actions["holdout"]]
    assert set(held["action"]) == {"no_action"}
    share = len(held) / len(actions)
    assert abs(share - HOLDOUT_SHARE) < 4 * np.sqrt(0.09 / len(actions))


def test_no_action_costs_nothing_and_uses_no_channel(actions):
    nothing = actions["action"] == "no_action"
    assert (actions.loc[nothing, "cost"] == 0).all()
    assert (actions.loc[~nothing, "cost"] > 0).all()
    assert actions["channel"].isna().equals(nothing)


def test_actions_come_once_per_term_55_to_65_days_before_its_end(company, actions):
    terms = company.tables["contracts"].sort_values("start_time")
    on = pd.merge_asof(
        actions.sort_values("action_time"), terms, left_on="action_time", right_on="start_time", by="customer_id"
    )
    days = (on["end_time"] - on["action_time"]).dt.total_seconds() / 86_400
    assert days.between(55, 65).all()
    assert on["contract_id"].is_unique


def _effects(satisfaction=0.0, price_gap=0.0, late=0.0, unsolved=0.0, sensitivity=1.0):
    row = action_effects(
        np.array([satisfaction]), np.array([price_gap]), np.array([late]), np.array([unsolved]), np.array([sensitivity])
    )[0]
    return dict(zip(ACTIONS, row.tolist(), strict=True))


def test_doing_nothing_does_nothing():
    assert _effects(satisfaction=-2, price_gap=0.3, late=2, unsolved=2)["no_action"] == 0


def test_a_discount_helps_those_who_pay_too_much_and_not_those_who_pay_little():
    assert _effects(price_gap=0.2)["discount"] > 1
    assert _effects(price_gap=-0.2)["discount"] == 0
    assert _effects(price_gap=0.1, sensitivity=1.3)["discount"] > _effects(price_gap=0.1, sensitivity=0.6)["discount"]


def test_families_and_those_who_buy_on_price_look_at_prices_most():
    by_price, by_relationship = price_sensitivity(np.array([0, 1, 2]), 1.0), price_sensitivity(np.array([0, 1, 2]), 0.0)
    assert by_price.tolist() == pytest.approx([1.5, 1.95, 0.9])  # 1.5 times the segment's 1.0, 1.3 and 0.6
    assert by_relationship.tolist() == pytest.approx([0.5, 0.65, 0.3])


def test_a_rescue_call_helps_the_unhappy_most_when_unsolved_and_annoys_the_happy():
    assert _effects(satisfaction=-1.5, unsolved=1)["rescue_call"] > _effects(satisfaction=-1.5)["rescue_call"] > 0.5
    assert _effects(satisfaction=1.5)["rescue_call"] < 0


def test_a_service_fix_helps_in_proportion_to_late_deliveries():
    assert _effects(late=0)["service_fix"] == 0
    assert _effects(late=2)["service_fix"] == pytest.approx(2 * _effects(late=1)["service_fix"])


def test_a_thank_you_pleases_promoters_a_little():
    assert 0.2 < _effects(satisfaction=1.5)["thank_you"] < 0.5
    assert _effects(satisfaction=-1.5)["thank_you"] < 0
