"""A company lived with decisions from outside: what it tells, what actions do, and that nothing leaks backwards."""

import numpy as np
import pandas as pd
import pytest

from cxml.errors import ConfigError
from cxml.simulate.actions import action_cost_eur
from cxml.simulate.live import LiveCompany
from cxml.simulate.renewal import ACTIONS


def _bytes(tables):
    return {name: table.to_csv().encode() for name, table in tables.items()}


def lived(n_customers=400, months=3, action=None, **keys):
    """Return a company after some months in which everybody who was due got an action."""
    company = LiveCompany(n_customers, **{"random_state": 3, "campaign": False, **keys})
    for _ in range(months):
        company.live_month(None if action is None else company.due().assign(action=action))
    return company


@pytest.fixture(scope="module")
def before():
    return LiveCompany(400, random_state=3)


@pytest.fixture(scope="module")
def after():
    company = LiveCompany(400, random_state=3)
    for _ in range(4):
        company.live_month()
    return company


def test_without_campaign_and_decisions_nothing_is_logged():
    actions = lived().tables()["actions"]
    assert actions.empty
    assert list(actions) == ["customer_id", "action_time", "action", "channel", "propensity", "cost", "holdout"]


def test_the_same_decisions_give_the_same_bytes():
    once, again = (_bytes(lived(action="discount").tables()) for _ in range(2))
    assert once == again
    assert once != _bytes(lived(action="rescue_call").tables())


def test_the_campaign_runs_in_the_first_months_alone(before, after):
    first, later = before.tables()["actions"], after.tables()["actions"]
    assert len(first) == len(later) > 0
    assert later["action_time"].max() < before.as_of == pd.Timestamp("2023-07-01", tz="UTC")
    assert after.as_of == pd.Timestamp("2023-11-01", tz="UTC")


def test_nothing_at_or_after_as_of_is_told(before):
    for name, table in before.tables().items():
        times = [column for column in table if column.endswith("_time") or column == "since"]
        assert all(
            table[column].max() < before.as_of for column in times if (name, column) != ("contracts", "end_time")
        )


@pytest.mark.parametrize(
    ("name", "known"),
    [("customers", "since"), ("events", "known_time"), ("environment", "known_time"), ("actions", "action_time")],
)
def test_what_was_told_stays_as_it_was(before, after, name, known):
    then, now = before.tables()[name], after.tables()[name]
    pd.testing.assert_frame_equal(now[now[known] < before.as_of].reset_index(drop=True), then)


def test_open_invitations_are_answered_and_running_contracts_end_later_and_no_other_row_changes(before, after):
    then, now = before.tables()["surveys"], after.tables()["surveys"]
    now = now[now["sent_time"] < before.as_of].reset_index(drop=True)
    assert len(now) == len(then)
    later = now["response_time"] >= before.as_of
    assert 0 < later.sum() < 50
    assert then.loc[later, "response_time"].isna().all()
    pd.testing.assert_frame_equal(now[~later], then[~later])
    then, now = before.tables()["contracts"], after.tables()["contracts"]
    now = now[now["start_time"] < before.as_of].reset_index(drop=True)
    running = then["renewed"].isna()
    pd.testing.assert_frame_equal(now.drop(columns="renewed"), then.drop(columns="renewed"))
    pd.testing.assert_frame_equal(now[~running], then[~running])
    assert (then.loc[running, "end_time"] >= before.as_of).all()
    ended = now["end_time"] < after.as_of
    assert now["renewed"].notna().equals(ended)


def test_who_is_due_has_a_contract_that_ends_in_about_60_days(before):
    due = before.due().merge(before.truth(), on="customer_id", validate="1:1")
    days = (due["contract_end"] - due["decision_time"]).dt.total_seconds() / 86_400
    assert len(due) == len(before.due()) > 5
    assert days.between(55, 65).all()
    month = (before.as_of, before.as_of + pd.offsets.MonthBegin())
    assert due["decision_time"].between(*month, inclusive="left").all()


def test_every_contract_that_ends_was_due_once():
    company, due = LiveCompany(400, random_state=3, campaign=False), []
    start = company.as_of
    for _ in range(9):
        due.append(company.due())
        company.live_month()
    due = pd.concat(due)
    contracts = company.tables()["contracts"]
    ended = contracts[contracts["end_time"].between(start + pd.Timedelta(days=65), company.as_of)]
    assert due["customer_id"].is_unique
    assert set(ended["customer_id"]) <= set(due["customer_id"])
    assert len(ended) > 100


@pytest.mark.parametrize("action", ["no_action", "rescue_call"])
def test_contracts_are_renewed_as_often_as_the_truth_says(action):
    company, said = LiveCompany(6_000, random_state=1, campaign=False), []
    for _ in range(6):
        due = company.due()
        said.append(company.truth().merge(due, on="customer_id"))
        company.live_month(due.assign(action=action))
    for _ in range(3):
        company.live_month()
    said = pd.concat(said)
    contracts = company.tables()["contracts"].rename(columns={"end_time": "contract_end"})
    found = said.merge(contracts, on=["customer_id", "contract_end"], validate="1:1")
    assert len(found) == len(said) > 1_000
    unhappy = found["satisfaction"] < -0.35
    for rows in (found, found[unhappy]):
        p = rows[f"p_renew_{action}"]
        noise = np.sqrt((p * (1 - p)).sum()) / len(rows)
        assert abs(rows["renewed"].astype(float).mean() - p.mean()) < 3.5 * noise
    gain = (found["p_renew_rescue_call"] - found["p_renew_no_action"])[unhappy].mean()
    assert gain > 0.05


def test_a_rescue_call_keeps_the_unhappy():
    def renewed(action):
        company, unhappy = LiveCompany(6_000, random_state=1, campaign=False), set()
        start = company.as_of + pd.Timedelta(days=65)
        for _ in range(6):
            due = company.due().merge(company.truth(), on="customer_id")
            unhappy |= set(due.loc[due["satisfaction"] < -0.35, "customer_id"])
            company.live_month(due.assign(action=action))
        for _ in range(3):
            company.live_month()
        contracts = company.tables()["contracts"]
        rows = contracts["customer_id"].isin(unhappy) & contracts["end_time"].between(start, company.as_of)
        return contracts.loc[rows, "renewed"].dropna().astype(float).mean()

    assert renewed("rescue_call") > renewed("no_action") + 0.05


def test_what_is_decided_is_logged_as_it_was_decided():
    company = LiveCompany(400, random_state=3, campaign=False)
    due = company.due()
    price = company.truth().set_index("customer_id")["price"].loc[due["customer_id"]].to_numpy()
    n = len(due)
    action = np.arange(n) % len(ACTIONS)
    plain = due.assign(action=np.array(ACTIONS, dtype=object)[action])[: n - 1]
    company.live_month(plain)
    actions = company.tables()["actions"]
    assert actions["customer_id"].tolist() == plain["customer_id"].tolist()
    assert actions["action"].tolist() == plain["action"].tolist()
    assert (actions["action_time"].to_numpy() == plain["decision_time"].to_numpy()).all()
    assert actions["cost"].tolist() == action_cost_eur(action, price)[: n - 1].tolist()
    assert actions["channel"].isna().equals(actions["action"] == "no_action")
    assert actions["propensity"].isna().all()
    assert not actions["holdout"].any()
    second = company.due().assign(
        action=["no_action", *["thank_you"] * (len(company.due()) - 1)], propensity=0.25, holdout=False, channel="mail",
        cost=1.5, other="ignored"
    )  # fmt: skip
    second.loc[0, "holdout"], second.loc[0, "channel"] = True, None
    company.live_month(second)
    logged = company.tables()["actions"].merge(second, on="customer_id", suffixes=("", "_given"))
    for column in ("action", "propensity", "holdout", "channel", "cost"):
        given = logged[f"{column}_given"]
        assert ((logged[column] == given) | (logged[column].isna() & given.isna())).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"customer_id": "c9"},
            r"decisions.customer_id: must be due in the coming month; 1 of \d+ rows is not \(first: 'c9'\)",
        ),
        ({"action": "rescue_cal"}, r"decisions.action: must be one of no_action, .*did you mean 'rescue_call'\?"),
        ({"holdout": True}, "must be no_action where holdout is true"),
        ({"propensity": 0.0}, r"decisions.propensity: must be above 0 and up to 1; 1 of .* has .*0\.0"),
        ({"cost": -1.0}, "decisions.cost: must be 0 or more"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_nothing_is_lived(change, says):
    company = LiveCompany(300, random_state=3, months_before=2, campaign=False)
    decisions = company.due().assign(action="thank_you", propensity=0.5, holdout=False, cost=1.0)
    (name, value), start = *change.items(), company.as_of
    decisions.loc[0, name] = value
    with pytest.raises(ConfigError, match=says):
        company.live_month(decisions)
    assert company.as_of == start


def test_a_customer_decided_twice_and_a_missing_column_are_refused():
    company = LiveCompany(300, months_before=2)
    due = company.due().assign(action="thank_you")
    with pytest.raises(ConfigError, match=r"must be there once; 1 of"):
        company.live_month(pd.concat([due, due[:1]]))
    with pytest.raises(ConfigError, match="there is no column 'action'"):
        company.live_month(company.due())


def test_the_calendar_ends():
    company = LiveCompany(5, months_before=1, months_ahead=1)
    company.live_month()
    with pytest.raises(ConfigError, match="the calendar ends at 2022-03-01; make the company with more `months_ahead`"):
        company.live_month()


def test_faulty_sizes_are_reported_together():
    with pytest.raises(
        ConfigError, match=r"(?s)n_customers must be at least 1, not 0.*months_before must be at least 1"
    ):
        LiveCompany(0, months_before=0)
