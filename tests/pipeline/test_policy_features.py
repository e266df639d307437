"""What the policy alone reads: past actions counted as a plain loop counts them, strictly before the moment."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.load import parse_config
from cxml.descriptive.sources import read_tables
from cxml.errors import ConfigError
from cxml.pipeline.policy_checking import check_policy
from cxml.pipeline.policy_features import policy_features, policy_frame, policy_of, uncounted

NOW = pd.Timestamp("2024-06-01", tz="UTC")
SPINE = pd.Timestamp("2024-06-01")
ACTIONS = [
    {"name": "gift", "group": "gifts", "channel": "mail", "effect": 0.1},
    {"name": "voucher", "group": "gifts", "channel": "phone", "effect": 0.1},
    {"name": "call", "channel": "phone", "effect": 0.1},
]
CONTACTS = {
    "max_contacts": 3,
    "window_days": 30,
    "channels": {"phone": {"max_contacts": 1, "window_days": 90}},
    "suppress": [
        {"group": "gifts", "after": {"group": "gifts"}, "days": 180},
        {"action": "call", "after": {"outcome": "refused"}, "days": 60},
        {"channel": "mail", "after": {"action": "call", "channel": "phone"}, "days": 7},
        {"action": "call", "when": "anger > 2"},
    ],
}
OWN = [{"kind": "aggregate", "name": "anger", "table": "events", "aggregate": "count", "window_days": 10}]


def config(**keys):
    policy = {"actions": ACTIONS, "contact_policy": CONTACTS, "features": OWN, **keys}
    return parse_config(
        {
            "company": "tiny",
            "as_of": NOW.isoformat(),
            "tables": {"customers": {}, "events": {}, "actions": {}, "outcomes": {}},
            "labels": {"renewal": {"column": "lost", "lost": "yes"}},
            "value": 100,
            "policy": policy,
        }
    )


def frames(n=60, seed=0, actions=True):
    rng = np.random.default_rng(seed)
    ids = [f"c{i}" for i in range(n)]
    found = {
        "customers": pd.DataFrame(
            {"customer_id": ids, "age": rng.integers(20, 80, n), "lost": rng.choice(["yes", "no"], n)}
        ),
        "events": pd.DataFrame(
            {
                "customer_id": rng.choice(ids, 200),
                "event_time": NOW - pd.to_timedelta(rng.integers(1, 40, 200), unit="D"),
                "event_type": "complaint",
            }
        ),
    }
    if actions:
        found["actions"] = pd.DataFrame(
            {
                "customer_id": rng.choice(ids, 400),
                "action_time": NOW - pd.to_timedelta(rng.integers(1, 250, 400), unit="D"),
                "action": rng.choice(["gift", "voucher", "call", "no_action", "letter"], 400),
                "channel": rng.choice(["phone", "mail", None], 400),
            }
        )
        found["outcomes"] = pd.DataFrame(
            {
                "customer_id": rng.choice(ids, 300),
                "outcome_time": NOW - pd.to_timedelta(rng.integers(1, 250, 300), unit="D"),
                "outcome": rng.choice(["refused", "accepted"], 300),
                "action": rng.choice(["gift", "voucher", "call"], 300),
            }
        )
    return found


def counted(actions, customer, days, fits):
    """Count by a plain loop."""
    n = 0
    for row in actions.itertuples():
        time = row.outcome_time if "outcome_time" in actions else row.action_time
        if row.customer_id == customer and NOW - pd.Timedelta(days=days) <= time < NOW and fits(row):
            n += 1
    return n


def test_past_actions_are_counted_as_a_plain_loop_counts_them():
    tables = frames()
    found = policy_frame(
        config(),
        read_tables(config(), tables),
        (),
        pd.DataFrame({"customer_id": tables["customers"]["customer_id"], "as_of": SPINE}),
    ).set_index("customer_id")
    actions = tables["actions"].astype(object).where(tables["actions"].notna(), None)
    rules = {
        "contacts_30d": (30, lambda row: row.action != "no_action" and row.channel is not None),
        "contacts_phone_90d": (90, lambda row: row.action != "no_action" and row.channel == "phone"),
        "past_group_gifts_180d": (180, lambda row: row.action in ("gift", "voucher")),
        "past_action_call_refused_60d": (60, lambda row: row.action == "call" and row.outcome == "refused"),
        "past_action_call_channel_phone_7d": (7, lambda row: row.action == "call" and row.channel == "phone"),
    }
    assert {*found.columns} == {"as_of", "anger", *rules}
    for name, (days, fits) in rules.items():
        table = tables["outcomes"] if "refused" in name else actions
        expected = {customer: counted(table, customer, days, fits) for customer in found.index}
        assert found[name].to_dict() == expected
        assert len(set(expected.values())) > 1
    assert found["anger"].sum() > 0


def test_the_models_do_not_learn_from_what_the_policy_alone_reads():
    from cxml.pipeline import plan

    tables = read_tables(config(), frames())
    names = {feature.name for feature in plan.features_for(config(), tables, None)}
    assert not names & {feature.name for feature in policy_features(config(), tables, names)}


def test_a_policy_feature_of_the_name_of_another_is_refused():
    tables = read_tables(config(), frames())
    with pytest.raises(ConfigError, match=r"'anger' is a feature of the models and one that the policy makes. Rename"):
        policy_features(config(), tables, ["anger"])


def test_where_no_action_was_ever_logged_nobody_was_contacted():
    given = config().model_copy(
        update={"tables": config().tables.model_copy(update={"actions": None, "outcomes": None})}
    )
    tables = read_tables(given, frames(actions=False))
    found = policy_frame(given, tables, (), pd.DataFrame({"customer_id": ["c0"], "as_of": [SPINE]}))
    assert found[["contacts_30d", "contacts_phone_90d", "past_group_gifts_180d"]].to_numpy().tolist() == [
        [0.0, 0.0, 0.0]
    ]
    assert (
        policy_of(given, tables, (), {}).version == policy_of(config(), read_tables(config(), frames()), (), {}).version
    )


def test_a_limit_that_needs_a_column_that_is_not_logged_says_so():
    given = frames()
    given["actions"], given["outcomes"] = (
        given[name].drop(columns=column) for name, column in (("actions", "channel"), ("outcomes", "action"))
    )
    with pytest.raises(
        ConfigError, match=r"(?s)3 faults.*limit of 'phone' needs the column 'channel'.*'action' in `out"
    ):
        policy_features(config(), read_tables(config(), given), ())


def test_a_rest_after_an_outcome_needs_outcomes():
    given = config().model_copy(update={"tables": config().tables.model_copy(update={"outcomes": None})})
    without = {name: table for name, table in frames().items() if name != "outcomes"}
    with pytest.raises(ConfigError, match=r"the rest after 'refused' needs the table `outcomes`.*name a `ledger:`"):
        policy_features(given, read_tables(given, without), ())


def test_a_contact_policy_that_counts_nothing_says_so():
    given = config().model_copy(
        update={"tables": config().tables.model_copy(update={"actions": None, "outcomes": None})}
    )
    (note,) = uncounted(given, read_tables(given, frames(actions=False)))
    assert "no table `actions`: nobody counts as contacted (contacts_30d, contacts_phone_90d" in note
    assert uncounted(config(), read_tables(config(), frames())) == []


def test_an_outcome_that_never_was_is_found_by_the_check_of_the_policy(tmp_path):
    rest = {"action": "call", "after": {"outcome": "refusd"}, "days": 60}
    odd = config(contact_policy={"suppress": [rest]})
    found = check_policy(odd, frames=frames(), models=tmp_path).findings
    told = [finding for finding in found if finding.where.endswith("suppress[0].after.outcome")]
    assert [finding.code for finding in told] == ["unknown-value"]
    assert "refused" in told[0].says
    right = check_policy(config(), frames=frames(), models=tmp_path).findings
    assert not [finding for finding in right if finding.where.endswith("after.outcome")]
