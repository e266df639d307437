"""Which features follow from which tables, under which names."""

import re

import pytest

from cxml.config.features import Aggregate, Attribute, Contract, Environment, Recency, Season, Share, Trend
from cxml.errors import ConfigError, CxmlError
from cxml.schema import columns as c

CUSTOMERS = [{"customer_id": "ada", "region": "north", "since": "2020-01-01", "age": 40.0, "vip": True},
             {"customer_id": "bob", "region": "south", "since": "2021-01-01", "age": 50.0, "vip": False}]  # fmt: skip


def events(*event_types, **more):
    return [{"customer_id": "ada", "event_time": f"2024-01-{i:02d}", "event_type": event_type, **more}
            for i, event_type in enumerate(event_types, 1)]  # fmt: skip


def survey(instrument, score=5, *, customer_id="ada"):
    return {"customer_id": customer_id, "response_time": "2024-01-01", "instrument": instrument, "score": score}


def names_from(company, **rows):
    """Return the names of the features that one more table brings."""
    return set(company(customers=CUSTOMERS, **rows).features()) - set(company(customers=CUSTOMERS).features())


def frame_of(made):
    """Return all features of Ada."""
    return made.frame([*made.features().values()], [("ada", "2024-02-01")])


def count_of(made, event_type):
    """Return what the feature that counts an event type over the longest window has counted."""
    where = "event_type = '{}'".format(event_type.replace("'", "''"))
    counts = [f for f in made.features().values() if isinstance(f, Aggregate) and f.where == where]
    (feature,) = (f for f in counts if f.aggregate == "count" and f.window_days == 365)
    return frame_of(made)[feature.name].item()


def test_customers_bring_their_attributes_and_how_long_they_have_been_here(company):
    assert company(customers=CUSTOMERS).features() == {
        "region": Attribute(name="region", column="region"),
        "tenure_days": Attribute(name="tenure_days", column="since"),
        "age": Attribute(name="age", column="age"),
        "vip": Attribute(name="vip", column="vip"),
    }


RHYTHM = {
    "days_since_event", "days_since_first_event", "events_count_365d", "events_days_active_365d", "events_days_active",
    "events_mean_gap_days", "events_overdue", "events_decayed",
}  # fmt: skip


def test_events_bring_counts_recency_trend_and_measures_of_each_type_and_the_rhythm_of_all(company):
    rows = events("call", "call", value=1.0) + events("visit")
    each = {"{0}_count_7d", "{0}_count_30d", "{0}_count_90d", "{0}_count_365d", "days_since_{0}", "{0}_trend_90d"}
    assert names_from(company, events=rows) == {
        "call_value_mean_90d", "call_value_mean_365d", "call_value_sum_365d", "call_value_last",
        "season_sin", "season_cos",
    } | {name.format(kind) for name in each for kind in ("call", "visit")} | RHYTHM  # fmt: skip


def test_of_one_type_of_events_nothing_is_counted_twice(company):
    assert RHYTHM - names_from(company, events=events("call")) == {"events_count_365d"}


def test_channels_bring_their_shares_over_the_longest_window_and_how_mixed_they_are(company):
    found = company(events=events("call", channel="web"), features={"windows_days": [60, 7]}).features()
    assert found["channel_web_share_60d"] == Share(
        name="channel_web_share_60d", table="events", of="channel = 'web'", window_days=60
    )
    assert {"channel_entropy_60d", "channel_first", "channel_last"} <= set(found)


def test_another_name_of_events_is_counted(company):
    found = company(events=events("call", product="phone")).features()
    assert found["product_distinct_365d"].aggregate == "distinct"


def test_invitations_bring_how_many_were_answered(company):
    sent = [survey("nps") | {"sent_time": "2024-01-01"}]
    assert {"invited_365d", "answered_365d", "response_rate_365d"} <= names_from(company, surveys=sent)


def test_a_segment_brings_the_mean_answer_of_the_others_in_it(company):
    customers = [{"customer_id": "ada", "segment": "family"}]
    found = company(customers=customers, surveys=[survey("nps")]).features()
    assert found["segment_nps_mean_365d"].of == "nps_mean_365d"


def test_what_is_made_of_a_dropped_feature_is_dropped_with_it(company):
    found = company(events=events("call"), features={"drop": ["days_since_event"]}).features()
    assert not {"days_since_event", "events_overdue"} & set(found)


def test_surveys_bring_the_scores_of_each_instrument_that_has_any(company):
    surveys = [survey("nps"), survey("csat"), survey("ces", None)]
    assert names_from(company, surveys=surveys) - {"season_sin", "season_cos"} == {
        f"{instrument}_{what}" for instrument in ("nps", "csat") for what in ("last", "mean_365d", "count_365d")
    } | {"days_since_nps", "days_since_csat"}


def test_contracts_bring_the_one_in_force_and_those_renewed_before(company):
    contracts = [{"customer_id": "ada", "contract_id": "k", "start_time": "2024-01-01", "end_time": "2025-01-01",
                  "renewed": True, "price": 9.0, "plan": "basic"}]  # fmt: skip
    assert names_from(company, contracts=contracts) - {"season_sin", "season_cos"} == {
        "contract_days_since_start", "contract_days_to_end", "contracts_before", "contract_price", "contract_plan",
        "contract_price_change",
    }  # fmt: skip


def test_environment_and_actions_bring_measures_and_contacts(company):
    environment = [
        {"region": "north", "observed_time": "2024-01-01", "jobless": 5.0, "mood": "calm", "confidence": 0.4}
    ]
    actions = [{"customer_id": "ada", "action_time": "2024-01-01", "action": "call_back", "cost": 2.0}]
    assert names_from(company, environment=environment, actions=actions) == {
        "env_jobless", "env_jobless_change_90d", "env_jobless_to_national", "env_confidence",
        "actions_7d", "actions_30d", "actions_90d", "actions_365d", "days_since_action",
        "season_sin", "season_cos",
    }  # fmt: skip


def test_the_environment_needs_the_region_of_customers(company):
    environment = [{"region": "north", "observed_time": "2024-01-01", "jobless": 5.0}]
    found = company(customers=[{"customer_id": "ada", "age": 3}], environment=environment).features()
    assert not any(isinstance(feature, Environment) for feature in found.values())


@pytest.mark.parametrize("labels", [{"nps": {"column": "age"}}, {"renewal": {"column": "age", "lost": 40}}])
def test_a_label_column_is_no_feature(company, labels):
    assert [*company(customers=CUSTOMERS, labels=labels).features()] == ["region", "tenure_days", "vip"]


def test_a_label_column_cannot_be_added_as_a_feature(company):
    added = {"kind": "attribute", "name": "years", "column": "age"}
    with pytest.raises(CxmlError, match=r"years.*label"):
        frame_of(company(customers=CUSTOMERS, labels={"nps": {"column": "age"}}, features={"add": [added]}))


def test_what_is_only_known_later_or_is_free_text_is_no_feature(company):
    surveys = [survey("nps") | {"comment": "fine", "touchpoint": "shop"}]
    found = company(customers=[CUSTOMERS[0] | {"known_time": "2024-01-01"}], surveys=surveys).features().values()
    columns = {getattr(feature, "column", None) for feature in found}
    assert not columns & {c.COMMENT, c.KNOWN_TIME, c.CUSTOMER_ID, c.RENEWED}


def test_only_the_most_frequent_types_get_features(company):
    rows = [event for i in range(14) for event in events(*[f"type{i:02d}"] * (15 - i))]
    types = {name for name in company(events=rows).features() if re.fullmatch(r"type\d\d_count_30d", name)}
    assert types == {f"type{i:02d}_count_30d" for i in range(12)}


def test_frequencies_are_those_of_the_facts_before_until(company):
    made = company(events=events("call", "visit", "visit", channel="web"))  # on 1, 2 and 3 January
    for until, types in {"2024-01-01": set(), "2024-01-02": {"call"}, "2024-01-03": {"call", "visit"}}.items():
        found = {name.removesuffix("_count_30d") for name in made.features(until=until) if name.endswith("_count_30d")}
        assert found == types


def test_frequencies_are_those_of_the_facts_known_before_until(company):
    made = company(events=events("call") + events("visit", known_time="2024-06-01"))
    found = made.features(until="2024-03-01")
    assert "call_count_30d" in found
    assert "visit_count_30d" not in found


def test_a_measure_belongs_to_the_types_that_have_it_in_a_twentieth_of_their_rows(company):
    rare, rarer = [1.0] + [None] * 19, [1.0] + [None] * 20
    rows = [event | {"value": value} for event, value in zip(events(*["call"] * 20), rare, strict=True)]
    rows += [event | {"value": value} for event, value in zip(events(*["visit"] * 21), rarer, strict=True)]
    found = company(events=rows).features()
    assert "call_value_last" in found
    assert "visit_value_last" not in found


def test_a_default_feature_can_be_dropped_by_its_name(company):
    assert [*company(customers=CUSTOMERS, features={"drop": ["tenure_days"]}).features()] == ["region", "age", "vip"]


def test_a_dropped_column_takes_its_features_along(company):
    rows = events("call", value=1.0)
    found = company(customers=CUSTOMERS, events=rows, features={"drop": ["value", "since"]}).features()
    assert not {"call_value_mean_90d", "call_value_mean_365d", "call_value_last", "tenure_days"} & set(found)
    assert "call_count_30d" in found


def test_a_dropped_column_takes_the_features_along_that_only_filter_by_it(company):
    found = company(events=events("call", channel="web"), features={"drop": ["channel"]}).features()
    assert "channel_web_count_365d" not in found
    assert "call_count_30d" in found


def test_an_unknown_name_to_drop_is_refused_with_the_nearest(company):
    with pytest.raises(ConfigError, match=r"features\.drop: .*'tenure_day'; did you mean 'tenure_days'\?"):
        company(customers=CUSTOMERS, features={"drop": ["tenure_day"]}).features()


def test_all_unknown_names_to_drop_are_reported_together(company):
    with pytest.raises(ConfigError, match=r"(?s)'foo'.*'bar'"):
        company(customers=CUSTOMERS, features={"drop": ["foo", "bar"]}).features()


def test_features_can_be_added_to_the_defaults_or_stand_alone(company):
    month = {"kind": "season", "name": "month", "part": "month"}
    assert [*company(customers=CUSTOMERS, features={"add": [month]}).features()][-1] == "month"
    alone = company(customers=CUSTOMERS, features={"add": [month], "defaults": False}).features()
    assert alone == {"month": Season(name="month", part="month")}
    with pytest.raises(ConfigError, match="features: there are none"):
        company(customers=CUSTOMERS, features={"defaults": False}).features()


def test_of_two_added_features_with_one_name_none_is_lost_silently(company):
    added = [{"kind": "season", "name": "s", "part": part} for part in ("month", "quarter")]
    with pytest.raises(CxmlError, match=r"'s'.*two features"):
        frame_of(company(features={"add": added}))


@pytest.mark.parametrize("name", [c.CUSTOMER_ID, c.AS_OF, c.VALUE, c.HEALTH, c.RENEWAL_RISK])
def test_an_added_feature_cannot_take_the_name_of_a_key_or_a_prediction(company, name):
    with pytest.raises(CxmlError, match=name):
        frame_of(company(features={"add": [{"kind": "season", "name": name, "part": "month"}]}))


def test_a_column_called_like_a_prediction_gets_a_prefix(company):
    found = company(customers=[{"customer_id": "ada", "value": 3, "health": 4, "as_of": 5}]).features()
    assert {name: feature.column for name, feature in found.items()} == {
        "customer_value": "value", "customer_health": "health", "customer_as_of": "as_of",
    }  # fmt: skip


def test_an_odd_column_name_becomes_a_valid_one(company):
    columns = {"Zip Code": "Zip_Code", "NET PRO": "NET_PRO", "1st": "customer_1st", "% délai (j)": "d_lai_j"}
    found = company(customers=[{"customer_id": "ada"} | dict.fromkeys(columns, 1.0)]).features()
    assert {feature.column: name for name, feature in found.items()} == columns


@pytest.mark.parametrize("columns", [("Zip Code", "Zip_Code"), ("a-b", "a b"), ("value", "customer_value"), ("é", "è")])
def test_of_two_columns_that_become_one_name_neither_is_lost(company, columns):
    found = company(customers=[{"customer_id": "ada"} | dict.fromkeys(columns, 1.0)]).features()
    assert {feature.column for feature in found.values()} == set(columns)


@pytest.mark.parametrize("types", [("call-back", "call back"), ("é", "è"), ("call", "Call")])
def test_of_two_event_types_that_become_one_name_each_is_counted(company, types):
    made = company(events=events(types[0], types[1], types[1]))
    assert [count_of(made, event_type) for event_type in types] == [1, 2]


def test_an_event_type_called_like_an_instrument_takes_no_survey_feature_away(company):
    found = company(events=events("nps"), surveys=[survey("nps")]).features().values()
    assert {feature.table for feature in found if isinstance(feature, Recency)} == {"events", "surveys"}


@pytest.mark.parametrize(
    "event_type", ['client\'s "case"', "réclamation", "a\\b", "???", "1st call", "x" * 120, "%s {0} $1", "value"]
)
def test_any_event_type_is_counted_under_a_valid_name(company, event_type):
    made = company(events=events(event_type, "call", "call"))
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,99}", name) for name in made.features())
    assert count_of(made, event_type) == 1


def test_windows_must_not_be_empty(company):
    with pytest.raises(CxmlError, match="windows_days"):
        company(events=events("call"), features={"windows_days": []}).features()


def test_each_default_is_what_its_name_says(company):
    term = {"contract_id": "k", "start_time": "2024-01-01", "end_time": "2025-01-01", "renewed": True}
    contracts = [{"customer_id": "ada"} | term]
    found = company(events=events("call"), contracts=contracts).features()
    call = {"table": "events", "where": "event_type = 'call'"}
    assert found["days_since_call"] == Recency(name="days_since_call", **call)
    assert found["call_trend_90d"] == Trend(name="call_trend_90d", aggregate="count", window_days=90, **call)
    assert found["contract_days_to_end"] == Contract(name="contract_days_to_end", measure="days_to_end")
