import math

import pandas as pd
import pytest

from cxml.descriptive.indicators import csat
from cxml.descriptive.kpi import kpi
from cxml.errors import ConfigError
from cxml.schema.frames import INDICATORS


def term(customer, number, end, *, price=None, renewed=None, start="2023-01-10"):
    return {
        "customer_id": customer, "contract_id": f"{customer}-{number}", "start_time": start, "end_time": end,
        "price": price, "renewed": renewed,
    }  # fmt: skip


def event(customer, when, event_type="contact", **more):
    return {"customer_id": customer, "event_time": when, "event_type": event_type, **more}


def months(frame, indicator, column="value"):
    rows = frame[frame["indicator"] == indicator]
    return dict(zip(rows["period"], rows[column], strict=True))


CONTRACTS = [
    term("ada", 1, "2024-01-10", price=10.0, renewed=True),
    term("bob", 1, "2024-01-20", price=30.0, renewed=False),
    term("bob", 2, "2024-03-05", price=7.0, renewed=True, start="2023-03-05"),
    term("ada", 2, "2024-03-31", price=None, renewed=True, start="2024-01-10"),
    term("ada", 3, "2024-12-31", price=11.0, start="2024-03-31"),
]


def test_renewals_and_revenue_are_of_the_terms_that_ended_in_the_month(company):
    frame = kpi(company(contracts=CONTRACTS, as_of="2024-04-02").tables)
    assert list(frame.columns) == [column.name for column in INDICATORS.columns]
    assert months(frame, "contracts_ended") == {"2024-01": 2, "2024-02": 0, "2024-03": 2}
    assert months(frame, "renewal_rate") == {"2024-01": 0.5, "2024-03": 1}
    assert months(frame, "revenue_kept") == {"2024-01": 10, "2024-02": 0, "2024-03": 7}
    assert months(frame, "revenue_lost") == {"2024-01": 30, "2024-02": 0, "2024-03": 0}
    assert months(frame, "revenue_kept", "n") == {"2024-01": 1, "2024-02": 0, "2024-03": 1}  # one has no price


def test_a_term_that_ends_later_or_whose_outcome_is_unknown_is_neither_kept_nor_lost(company):
    contracts = [*CONTRACTS[:2], term("bob", 2, "2024-01-25", price=50.0, start="2023-01-25")]
    frame = kpi(company(contracts=contracts, as_of="2024-01-26").tables)
    assert months(frame, "contracts_ended") == {"2024-01": 3}
    assert months(frame, "renewal_rate", "n") == {"2024-01": 2}
    assert (months(frame, "revenue_kept"), months(frame, "revenue_lost")) == ({"2024-01": 10}, {"2024-01": 30})
    earlier = kpi(company(contracts=contracts, as_of="2024-01-20").tables)  # bob's first ends at that very moment
    assert months(earlier, "contracts_ended") == {"2024-01": 1}


def test_a_month_whose_prices_are_all_unknown_has_no_revenue_rather_than_none(company):
    contracts = [term("ada", 1, "2024-01-10", renewed=True), term("bob", 1, "2024-02-20", price=5.0, renewed=True)]
    kept = months(kpi(company(contracts=contracts, as_of="2024-03-01").tables), "revenue_kept")
    assert math.isnan(kept["2024-01"])
    assert kept["2024-02"] == 5


def test_contact_cost_is_that_of_actions_and_events_where_both_tables_reach(company):
    def action(when, cost):
        return {"customer_id": "ada", "action_time": when, "action": "call", "cost": cost}

    actions = [action("2024-01-05", 9.0), action("2024-01-06", None), action("2024-03-01", 1.0)]
    events = [event("bob", "2024-01-01", cost=2.0), event("bob", "2024-02-10", cost=4.0), event("bob", "2024-02-11")]
    frame = kpi(company(actions=actions, events=events, as_of="2024-04-01").tables)
    assert months(frame, "contact_cost") == {"2024-01": 11, "2024-02": 4}  # no event tells of March
    assert months(frame, "contact_cost", "n") == {"2024-01": 2, "2024-02": 1}
    alone = kpi(company(actions=actions, as_of="2024-04-01").tables)
    assert months(alone, "contact_cost") == {"2024-01": 9, "2024-02": 0, "2024-03": 1}
    unknown = kpi(company(actions=[*actions, action("2024-02-01", None)], as_of="2024-04-01").tables)
    assert math.isnan(months(unknown, "contact_cost")["2024-02"])  # it cost something, but nobody knows what


def test_contacts_are_per_customer_of_the_mean_of_both_ends_of_the_month(company):
    customers = [
        *({"customer_id": f"c{i}", "since": "2023-12-01"} for i in range(4)),
        {"customer_id": "c4", "since": "2024-01-10"},
        {"customer_id": "c5", "since": "2024-01-11"},
    ]
    events = [
        event("c0", "2024-01-02"), event("c0", "2024-01-20", "complaint"), event("c1", "2024-01-05"),
        event("c1", "2024-01-06", "purchase"), event("c2", "2024-03-01", "purchase"),
    ]  # fmt: skip
    frame = kpi(company(customers=customers, events=events, as_of="2024-03-10").tables)
    # 4 at the beginning of January and 6 at its end: 3 contacts of 5; 2, 1, 0, 0 and 0 each: variance 0.8
    assert months(frame, "contacts_per_customer") == {"2024-01": 0.6, "2024-02": 0, "2024-03": 0}
    assert months(frame, "contacts_per_customer", "n") == {"2024-01": 5, "2024-02": 6, "2024-03": 6}
    assert months(frame, "customers") == {"2024-01": 6, "2024-02": 6, "2024-03": 6}
    half = 2.776445 * math.sqrt(0.8 / 5)
    assert months(frame, "contacts_per_customer", "high")["2024-01"] == pytest.approx(0.6 + half, abs=1e-5)
    assert months(frame, "contacts_per_customer", "low")["2024-01"] == 0  # the interval is cut at nought
    calls = kpi(company(customers=customers, events=events).tables, contact_types=["purchase"])
    assert months(calls, "contacts_per_customer") == {"2024-01": 0.2, "2024-02": 0, "2024-03": pytest.approx(1 / 6)}


def test_events_of_other_types_alone_say_nothing_of_contacts(company):
    surveys = [{"customer_id": "ada", "response_time": "2024-01-05", "instrument": "nps", "score": 9}]
    frame = kpi(company(events=[event("ada", "2024-01-01", "visit")], surveys=surveys).tables)
    assert set(frame["indicator"]) == {"nps", "customers"}


def test_satisfaction_is_that_of_the_indicators_month_by_month(company):
    surveys = [
        {"customer_id": who, "response_time": f"2024-0{month}-10", "instrument": "csat", "score": score}
        for who, month, score in (("ada", 1, 5), ("bob", 1, 2), ("ada", 3, 4), ("bob", 3, 5))
    ]
    frame = kpi(company(surveys=surveys).tables)
    assert months(frame, "csat") == {"2024-01": 0.5, "2024-03": 1}  # nobody answered in February
    expected = csat(pd.Series([5, 2]))
    assert months(frame, "csat", "low")["2024-01"] == pytest.approx(expected.low)


def test_the_months_that_begin_in_the_period_are_shown(company):
    tables = company(contracts=CONTRACTS, as_of="2024-04-02").tables
    assert set(kpi(tables, period="2024-02:2024-03")["period"]) == {"2024-02", "2024-03"}
    assert set(kpi(tables, period="2024-01-02:")["period"]) == {"2024-02", "2024-03"}


def test_sums_have_no_interval(company):
    frame = kpi(company(contracts=CONTRACTS, as_of="2024-04-02").tables)
    assert frame[frame["unit"].isin(["count", "money"])][["low", "high"]].isna().all(axis=None)


def test_a_company_or_a_period_without_any_is_told_what_is_missing(company):
    with pytest.raises(ConfigError, match="nothing to report on in all; it takes `surveys`"):
        kpi(company(as_of="2024-01-01").tables)
    with pytest.raises(ConfigError, match="nothing to report on in 2031"):
        kpi(company(contracts=CONTRACTS, as_of="2024-04-02").tables, period="2031")
