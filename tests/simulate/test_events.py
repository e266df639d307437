import numpy as np
import pandas as pd
import pytest

MEASURES = {
    "delivery": {"delay_days"},
    "contact": {"channel", "duration", "voice_tone", "solved", "outsourced", "competitor_mention"},
    "complaint": {"channel"},
    "post": {"channel", "sentiment", "competitor_mention"},
    "purchase": {"channel", "value"},
    "visit": {"channel"},
}


@pytest.fixture(scope="module")
def events(company):
    return company.tables["events"]


def _last_ends(company):
    terms = company.tables["contracts"].groupby("customer_id").last()
    return terms.loc[terms["renewed"].notna() & ~terms["renewed"].fillna(True).astype(bool), "end_time"]


def test_events_happen_only_under_contract(company, events):
    terms = company.tables["contracts"].sort_values("start_time")
    under = pd.merge_asof(
        events.sort_values("event_time"), terms, left_on="event_time", right_on="start_time", by="customer_id"
    )
    assert (under["event_time"] < under["end_time"]).all()


def test_lapsed_customers_are_silent(company, events):
    left = _last_ends(company)
    assert len(left) > 1000
    assert (events["event_time"] < events["customer_id"].map(left).fillna(company.as_of)).all()
    surveys = company.tables["surveys"]
    gone = surveys["customer_id"].map(left).fillna(company.as_of)
    assert (surveys["sent_time"] < gone).all()
    assert (surveys["response_time"].dropna() < gone[surveys["response_time"].notna()]).all()


@pytest.mark.parametrize("event_type", MEASURES)
def test_each_event_type_fills_its_own_measures(events, event_type):
    rows = events[events["event_type"] == event_type].drop(columns=["customer_id", "event_time", "known_time"])
    filled = set(rows.columns[rows.notna().any()]) - {"event_type"}
    assert filled == MEASURES[event_type]


def test_only_the_phone_has_a_voice(events):
    contacts = events[events["event_type"] == "contact"]
    assert (contacts["voice_tone"].notna() == (contacts["channel"] == "phone")).all()
    assert set(contacts["channel"]) == {"store", "phone", "ivr", "web", "mobile", "tablet"}


def test_competitors_are_heard_in_the_store_and_on_the_phone(events):
    contacts = events[events["event_type"] == "contact"]
    assert (contacts["competitor_mention"].notna() == contacts["channel"].isin(["store", "phone"])).all()
    assert 0.02 < contacts["competitor_mention"].mean() < 0.15


def test_a_partner_solves_fewer_contacts_than_the_company_itself(events):
    phone = events[(events["event_type"] == "contact") & (events["channel"] == "phone")]
    solved = phone.groupby("outsourced")["solved"].mean()
    n = phone.groupby("outsourced").size()
    assert phone["outsourced"].mean() == pytest.approx(0.30, abs=0.02)
    error = np.sqrt((solved * (1 - solved) / n).sum())
    assert abs(solved[False] - solved[True] - 0.15) < 4 * error
    channels = set(events.loc[events["outsourced"].fillna(False).astype(bool), "channel"])
    assert channels == {"phone", "web"}


def test_tone_and_sentiment_lie_between_minus_one_and_one(events):
    assert events["voice_tone"].dropna().between(-1, 1).all()
    assert events["sentiment"].dropna().between(-1, 1).all()


def test_a_few_percent_of_events_are_known_late_and_none_early(events):
    late = events["known_time"] > events["event_time"]
    assert (events["known_time"] >= events["event_time"]).all()
    assert 0.02 < late.mean() < 0.04


def test_late_deliveries_bring_complaints(events):
    is_complaint = events["event_type"] == "complaint"
    late = events[(events["event_type"] == "delivery") & (events["delay_days"] >= 4)]
    early = events[(events["event_type"] == "delivery") & (events["delay_days"] < 0)]
    complaints = events.loc[is_complaint, ["customer_id", "event_time"]].sort_values("event_time")

    def share_complaining(deliveries):
        soon = pd.merge_asof(
            deliveries[["customer_id", "event_time"]].sort_values("event_time"),
            complaints.rename(columns={"event_time": "complaint_time"}),
            left_on="event_time",
            right_on="complaint_time",
            by="customer_id",
            direction="forward",
            tolerance=pd.Timedelta(days=7),
        )
        return soon["complaint_time"].notna().mean()

    assert share_complaining(late) > 3 * share_complaining(early)


def test_visits_fall_before_churn(company, events):
    terms = company.tables["contracts"]
    ended = terms[terms["renewed"].notna() & (terms["start_time"] >= pd.Timestamp("2022-01-01", tz="UTC"))]
    visits = events.loc[events["event_type"] == "visit", ["customer_id", "event_time"]].merge(ended, on="customer_id")
    days = (visits["end_time"] - visits["event_time"]).dt.days
    lost = ~visits["renewed"].astype(bool)
    recent, earlier = days.between(0, 59), days.between(150, 209)
    fall = {churned: recent[lost == churned].sum() / earlier[lost == churned].sum() for churned in (True, False)}
    assert fall[True] < 0.85 * fall[False]


def test_the_environment_is_published_10_to_20_days_late(company):
    table = company.tables["environment"]
    delay = (table["known_time"] - table["observed_time"]).dt.total_seconds() / 86_400
    assert delay.between(10, 20).all()
    assert table["region"].nunique() == company.tables["customers"]["region"].nunique() == 8
    assert np.isfinite(table.select_dtypes("number")).all().all()
