import numpy as np
import pandas as pd
import pytest

from cxml.simulate.contracts import felt_price_change


@pytest.fixture(scope="module")
def terms(company):
    return company.tables["contracts"]


def test_terms_last_a_year(terms):
    assert (terms["end_time"] == terms["start_time"] + pd.DateOffset(years=1)).all()


def test_renewed_is_null_exactly_for_running_terms(company, terms):
    assert terms["renewed"].isna().equals(terms["end_time"] >= company.as_of)


def test_a_renewed_term_is_followed_at_once_and_a_lapsed_one_never(terms):
    following = terms.groupby("customer_id")["start_time"].shift(-1)
    renewed = terms["renewed"].fillna(False).astype(bool)
    assert (following[renewed] == terms["end_time"][renewed]).all()
    assert following[~renewed].isna().all()


def test_about_four_terms_in_five_are_renewed(terms):
    assert 0.75 < terms["renewed"].mean() < 0.85


def test_contract_ids_are_unique(terms):
    assert terms["contract_id"].is_unique


def test_prices_rise_at_renewal_unless_a_discount_was_accepted(company, terms):
    following = terms.groupby("customer_id")["price"].shift(-1)
    ratio = following / terms["price"]
    actions = company.tables["actions"]
    offered = pd.merge_asof(
        actions.sort_values("action_time"),
        terms.assign(ratio=ratio).sort_values("start_time"),
        left_on="action_time",
        right_on="start_time",
        by="customer_id",
    )
    mean = offered.groupby("action")["ratio"].mean()
    assert mean["no_action"] == pytest.approx(1.045, abs=0.003)
    assert mean["discount"] == pytest.approx(1.045 * 0.85, abs=0.003)


def test_a_price_rise_hurts_more_than_an_equal_cut_pleases():
    old = np.array([20.0, 20.0])
    rise, cut = felt_price_change(old, np.array([22.0, 18.0]))
    assert rise == pytest.approx(-2.25 * cut)  # Tversky & Kahneman 1992: loss aversion 2.25
    assert cut > 0
