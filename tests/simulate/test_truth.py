import numpy as np
import pandas as pd
import pytest

from cxml.simulate.actions import CAMPAIGN_SHARE, PROPENSITY
from cxml.simulate.renewal import ACTIONS
from cxml.simulate.truth import p_renew_by_action

CUT_OFF_MONTH = 16


@pytest.fixture(scope="module")
def uplift(company):
    p = company.truth
    return {action: p[f"p_renew_{action}"] - p["p_renew_no_action"] for action in ACTIONS}


@pytest.fixture(scope="module")
def past_terms(run, company):
    """Terms running at a past cut-off whose action was still open, with what was true then and what came of them."""
    state = run.past_states[CUT_OFF_MONTH]
    as_of = pd.Timestamp("2022-01-01", tz="UTC") + pd.DateOffset(months=CUT_OFF_MONTH)
    terms = company.tables["contracts"]
    open_days = pd.Timedelta(days=66)
    terms = terms[(terms["start_time"] < as_of) & (terms["end_time"] >= as_of + open_days)]
    who = terms["customer_id"].str[1:].astype(int).to_numpy()
    received = CAMPAIGN_SHARE * PROPENSITY[run.people.segment[who]]
    received[:, 0] += 1 - CAMPAIGN_SHARE
    p = (p_renew_by_action(run, state)[who] * received).sum(axis=1)
    return pd.DataFrame({"p": p, "renewed": terms["renewed"].astype(float).to_numpy()})


def test_there_is_one_row_per_running_term(company):
    terms = company.tables["contracts"]
    running = terms[terms["renewed"].isna()].set_index("customer_id")
    truth = company.truth.set_index("customer_id")
    assert truth.index.equals(running.index)
    assert truth["price"].equals(running["price"])
    assert truth["contract_end"].equals(running["end_time"].rename("contract_end"))


def test_class_probabilities_sum_to_one(company):
    total = company.truth[["p_detractor", "p_passive", "p_promoter"]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(np.ones(len(total)))


def test_every_truth_is_known_and_every_probability_possible(company):
    assert company.truth.notna().all().all()
    p = company.truth.filter(like="p_")
    assert ((p >= 0) & (p <= 1)).all().all()


def test_who_buys_for_the_relationship_is_happier(company):
    truth = company.truth.merge(company.tables["customers"], on="customer_id")
    assert truth["satisfaction"].corr(truth["price_orientation"]) < -0.05


def test_who_holds_addons_is_likelier_to_stay(company):
    terms = company.tables["contracts"].drop_duplicates("customer_id", keep="last")
    truth = company.truth.merge(terms, on="customer_id")
    p = truth.groupby(truth["addons"].clip(upper=2))["p_renew_no_action"].mean()
    assert p.is_monotonic_increasing


@pytest.mark.parametrize("action", ["discount", "rescue_call", "service_fix"])
def test_effects_differ_by_customer(uplift, action):
    assert uplift[action].std() > 0.04


def test_a_rescue_call_keeps_some_customers_and_loses_others(uplift):
    assert (uplift["rescue_call"] > 0.02).mean() > 0.1
    assert (uplift["rescue_call"] < -0.02).mean() > 0.1


def test_no_one_action_is_best_for_everyone(uplift):
    best = pd.DataFrame(uplift).drop(columns="no_action").idxmax(axis=1)
    assert best.value_counts(normalize=True).max() < 0.6


def test_the_truth_of_a_past_day_is_what_came_of_it_on_average(past_terms):
    assert past_terms["renewed"].notna().all()
    # 0.025 for a year's luck shared by all (one economy, one competitor) beside the binomial error
    assert past_terms["p"].mean() == pytest.approx(past_terms["renewed"].mean(), abs=0.025)


def test_the_truth_of_a_past_day_is_calibrated_at_every_level(past_terms):
    level = pd.qcut(past_terms["p"], 5)
    by_level = past_terms.groupby(level, observed=True).mean()
    assert (by_level["p"] - by_level["renewed"]).abs().max() < 0.06
    assert by_level["renewed"].is_monotonic_increasing


def test_the_truth_ranks_past_terms(past_terms):
    renewed = past_terms["renewed"].to_numpy() == 1
    rank = past_terms["p"].rank().to_numpy()
    auc = (rank[renewed].sum() - renewed.sum() * (renewed.sum() + 1) / 2) / (renewed.sum() * (~renewed).sum())
    assert auc > 0.7


def test_uplifts_are_those_the_randomised_log_shows(run, company):
    terms = company.tables["contracts"]
    rows = []
    for month in range(6, 27):
        start = pd.Timestamp("2022-01-01", tz="UTC") + pd.DateOffset(months=month)
        actions = company.tables["actions"]
        actions = actions[
            (actions["action_time"] >= start) & (actions["action_time"] < start + pd.DateOffset(months=1))
        ]
        on = actions.merge(terms[["customer_id", "start_time", "end_time", "renewed"]], on="customer_id")
        on = on[(on["action_time"] >= on["start_time"]) & (on["action_time"] < on["end_time"]) & on["renewed"].notna()]
        who = on["customer_id"].str[1:].astype(int).to_numpy()
        p = p_renew_by_action(run, run.past_states[month])[who]
        received = on["action"].map({action: code for code, action in enumerate(ACTIONS)}).to_numpy()
        rows.append(
            pd.DataFrame({"action": on["action"], "renewed": on["renewed"].astype(float)}).assign(
                p=p[np.arange(len(who)), received]
            )
        )
    log = pd.concat(rows)
    for _, group in log.groupby("action"):
        error = np.sqrt((group["p"] * (1 - group["p"])).sum()) / len(group)
        assert abs(group["p"].mean() - group["renewed"].mean()) < 4 * error + 0.01
