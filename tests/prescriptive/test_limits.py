"""Every limit of a policy holds over all customers of a run, added up by a plain loop over what was decided."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from deciding import decide, run

from cxml.errors import ConfigError
from cxml.schema.decided import LIMITED

ACTIONS = [
    {
        "name": "call",
        "group": "talk",
        "cost": 8,
        "effect": "0.3 * renewal_risk",
        "channel": "phone",
        "uses": {"hours": "talk"},
    },
    {
        "name": "offer",
        "group": "gifts",
        "issue": "retention",
        "cost": "0.05 * value",
        "effect": "0.25 * renewal_risk",
        "uses": {"coupons": 1},
        "treatments": [{"channel": "mail"}, {"channel": "phone", "cost": 9, "uses": {"coupons": 1, "hours": 0.1}}],
    },
    {"name": "note", "cost": 0.1, "effect": 0.01, "channel": "mail"},
]
COST = {"call": lambda row: 8.0, "offer/mail": lambda row: 0.05 * row["value"], "offer/phone": lambda row: 9.0,
        "note": lambda row: 0.1, "no_action": lambda row: 0.0}  # fmt: skip
HOURS = {"call": lambda row: row["talk"], "offer/phone": lambda row: 0.1}


def company(n=1_500, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "renewal_risk": rng.random(n).tolist(),
        "value": rng.lognormal(5, 0.7, n).tolist(),
        "talk": rng.choice([0.1, 0.2, 0.3, 0.7], n).tolist(),
        "region": rng.choice(["north", "south", "east"], n, p=[0.6, 0.3, 0.1]).tolist(),
    }


def label(found, i):
    action, channel = found.action[i], found.channel[i]
    return f"{action}/{channel}" if action == "offer" else action


def taken(found, columns, use):
    """Return what is used of something, by day."""
    days = defaultdict(float)
    for i in range(len(found.action)):
        row = {name: values[i] for name, values in columns.items()}
        if (name := label(found, i)) in use:
            day = (
                0
                if np.isnat(found.contact_time[i])
                else int(
                    (found.contact_time[i] - found.contact_time[~np.isnat(found.contact_time)].min())
                    .astype("timedelta64[D]")
                    .astype(int)
                )
            )
            days[day] += use[name](row)
    return days


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("limit", "use"),
    [
        ({"amount": 300}, COST),
        ({"amount": 0}, COST),
        ({"amount": 123.4, "group": "gifts"}, {name: COST[name] for name in ("offer/mail", "offer/phone")}),
        ({"amount": 99, "issue": "retention", "channel": "phone"}, {"offer/phone": COST["offer/phone"]}),
        ({"of": "contacts", "amount": 37, "channel": "mail"}, dict.fromkeys(("offer/mail", "note"), lambda row: 1.0)),
        (
            {"of": "contacts", "amount": 250},
            dict.fromkeys(("call", "offer/mail", "offer/phone", "note"), lambda row: 1.0),
        ),
        ({"of": "hours", "amount": 10.0}, HOURS),
        ({"of": "hours", "amount": 0.3, "action": "call"}, {"call": HOURS["call"]}),
        ({"of": "coupons", "amount": 11}, dict.fromkeys(("offer/mail", "offer/phone"), lambda row: 1.0)),
    ],
    ids=["budget", "nothing", "group", "issue and channel", "channel", "contacts", "resource", "tiny", "coupons"],
)
def test_a_limit_holds_and_is_used(limit, use, seed):
    columns = company(seed=seed)
    found, allocated = run(ACTIONS, policy={"limits": [limit]}, **columns)
    used = sum(taken(found, columns, use).values())
    assert used <= limit["amount"] * (1 + 1e-12)
    assert allocated.limits[0].used == pytest.approx(used)
    free, _ = run(ACTIONS, **columns)
    if sum(taken(free, columns, use).values()) > limit["amount"]:  # it is short: then most of it is used
        most = max(use[name]({key: max(values) for key, values in columns.items() if key != "region"}) for name in use)
        assert used > limit["amount"] - most - 1e-9
        assert allocated.limits[0].price > 0 or not limit["amount"]
        assert LIMITED in set(found.rule) or not (found.action == "no_action").any()
    assert allocated.gap < 0.02


def test_all_limits_hold_together_with_chance_and_lists():
    columns = company(1_500, seed=9)
    limits = [
        {"amount": 900},
        {"amount": 200, "group": "gifts"},
        {"of": "contacts", "channel": "phone", "amount": 40},
        {"of": "hours", "amount": 6},
        {"of": "coupons", "amount": 50},
    ]
    rails = {"never": [{"action": "call", "when": "value > 400"}], "consent": {"phone": "talk < 0.6"}}
    found, allocated = run(
        ACTIONS,
        policy={"limits": limits, "guard_rails": rails, "exploration_share": 0.2, "holdout_share": 0.1},
        **columns,
    )
    assert found.cost.sum() <= 900
    assert found.cost[found.action == "offer"].sum() <= 200
    counts = Counter(label(found, i) for i in range(1_500))
    assert counts["call"] + counts["offer/phone"] <= 40
    assert sum(taken(found, columns, HOURS).values()) <= 6 + 1e-9
    assert counts["offer/mail"] + counts["offer/phone"] <= 50
    phoned = found.channel == "phone"
    assert max(np.array(columns["talk"])[phoned]) < 0.6
    assert max(np.array(columns["value"])[found.action == "call"]) <= 400
    assert allocated.n_customers == (~found.holdout & ~found.explored).sum()


@pytest.mark.parametrize("days", [1, 2, 5])
def test_what_a_day_allows_holds_on_every_day(days):
    columns = company(500)
    limits = [{"of": "contacts", "channel": "phone", "per_day": 7}, {"of": "hours", "per_day": 1.5}]
    found = decide(ACTIONS, policy={"limits": limits, "plan_days": days}, **columns)
    phoned = taken(found, columns, dict.fromkeys(("call", "offer/phone"), lambda row: 1.0))
    hours = taken(found, columns, HOURS)
    assert set(phoned) == set(range(days))
    assert all(n <= 7 for n in phoned.values())
    assert all(n <= 1.5 + 1e-9 for n in hours.values())
    assert sum(phoned.values()) > 4 * days  # of hours, a day allows about five or more
    first = found.priority[(found.channel == "phone") & (found.contact_time == np.nanmin(found.contact_time))]
    later = found.priority[(found.channel == "phone") & (found.contact_time > np.nanmin(found.contact_time))]
    assert not len(later) or np.median(first) > np.median(later)  # the most valuable come first


@pytest.mark.parametrize(("most", "seed"), [(0.0, 0), (0.05, 0), (0.05, 1), (0.2, 0), (0.2, 1)])
def test_groups_are_treated_alike_as_far_as_the_policy_says(most, seed):
    rng = np.random.default_rng(seed)
    columns = company(400, seed)
    columns["renewal_risk"] = [
        r * (0.3 if g == "south" else 1) for r, g in zip(columns["renewal_risk"], columns["region"], strict=True)
    ]
    columns["region"] = [None if rng.random() < 0.1 else region for region in columns["region"]]
    rails = {"fairness": [{"group": "gifts", "by": "region", "max_difference": most}]}
    found, allocated = run(ACTIONS, policy={"guard_rails": rails}, **columns)
    region = np.array(columns["region"], dtype=object)
    rates = [np.mean(found.action[region == name] == "offer") for name in ("north", "south", "east")]
    assert max(rates) - min(rates) <= most + 1e-12
    assert allocated.limits[0].used == pytest.approx(100 * (max(rates) - min(rates)))
    free = decide(ACTIONS, **columns)
    before = [np.mean(free.action[region == name] == "offer") for name in ("north", "south", "east")]
    assert max(before) - min(before) > 0.05
    assert sum(rates) > 0 or not most


def test_where_nothing_is_short_everybody_gets_what_is_worth_most():
    columns = company(300)
    found, allocated = run(ACTIONS, policy={"limits": [{"amount": 1e9}]}, **columns)
    free, none = run(ACTIONS, **columns)
    assert found.action.tolist() == free.action.tolist()
    assert (allocated.method, allocated.gap, allocated.limits[0].price, none) == ("arbitration", 0.0, 0.0, None)


def test_the_price_is_what_one_more_is_worth():
    columns = company(600)
    value = []
    for amount in (20, 21):
        _, allocated = run(
            ACTIONS, policy={"limits": [{"of": "contacts", "channel": "phone", "amount": amount}]}, **columns
        )
        value.append(allocated)
    assert value[1].value - value[0].value == pytest.approx(value[0].limits[0].price, rel=0.2)


def test_a_limit_that_breaks_the_decision_of_one_customer_alone_is_kept():
    found = decide(ACTIONS[:1], policy={"limits": [{"amount": 7}]}, renewal_risk=[0.9], value=[500.0], talk=[0.1])
    assert (found.action[0], found.rule[0]) == ("no_action", LIMITED)


def test_the_same_inputs_give_the_same_decisions():
    columns = company(400)
    policy = {"limits": [{"amount": 200}, {"of": "hours", "amount": 5}]}
    ids = [f"c{i}" for i in range(400)]
    found = decide(ACTIONS, customers=ids, policy=policy, **columns)
    again = decide(ACTIONS, customers=ids, policy=policy, **columns)
    assert found.action.tolist() == again.action.tolist()


def test_groups_are_told_by_a_column_of_few_values():
    columns = company(300)
    rails = {"fairness": [{"group": "gifts", "by": "value", "max_difference": 0.1}]}
    with pytest.raises(ConfigError, match=r"'value' must tell groups of customers, at most 50; it has 300 different"):
        decide(ACTIONS, policy={"guard_rails": rails}, **columns)


def test_nobody_is_contacted_after_the_last_day_of_an_action():
    limits = [{"of": "contacts", "per_day": 2}]
    action = ACTIONS[2] | {"valid_until": "2024-06-02"}  # the run is of 1 June
    found = decide([action], policy={"limits": limits, "plan_days": 5}, value=[100.0] * 9)
    assert Counter(found.action) == {"note": 4, "no_action": 5}


def test_an_action_worth_as_much_as_nothing_is_not_done():
    assert decide([{"name": "free", "channel": "mail"}], value=[100.0]).action.tolist() == ["no_action"]


@pytest.mark.parametrize("seed", range(3))
def test_fairness_holds_where_days_are_short_too(seed):
    columns = company(300, seed)
    limits = [{"of": "hours", "per_day": 0.75}]  # of calls of .1, .2, .3 and .7 hours, few fit well into a day
    rails = {"fairness": [{"action": "call", "by": "region", "max_difference": 0.03}]}
    found, allocated = run(ACTIONS, policy={"limits": limits, "guard_rails": rails, "plan_days": 9}, **columns)
    hours = taken(found, columns, HOURS)
    assert all(used <= 0.75 + 1e-9 for used in hours.values())
    region = np.array(columns["region"], dtype=object)
    rates = [np.mean(found.action[region == name] == "call") for name in ("north", "south", "east")]
    assert max(rates) - min(rates) <= 0.03 + 1e-12
    assert allocated.limits[1].used == pytest.approx(100 * (max(rates) - min(rates)))
    assert allocated.bound >= allocated.value


def test_who_is_explored_with_has_a_day_before_the_best_and_what_was_not_done_is_given_back():
    columns = company(400)
    limits = [{"of": "contacts", "channel": "phone", "per_day": 6}, {"amount": 700}]
    policy = {"limits": limits, "plan_days": 4, "exploration_share": 0.1, "holdout_share": 0.05}
    found, allocated = run(ACTIONS, policy=policy, **columns)
    assert taken(found, columns, dict.fromkeys(("call", "offer/phone"), lambda row: 1.0)).keys() <= set(range(4))
    explored = found.explored & (found.channel == "phone")
    days = (found.contact_time[explored] - found.contact_time[explored].min()).astype("timedelta64[D]").astype(int)
    assert explored.sum()
    assert days.max() <= explored.sum() // 6  # the first days are theirs
    free = ~(found.explored | found.holdout)
    assert allocated.value == pytest.approx(found.priority[free].sum())
    used = {limit.name: limit.used for limit in allocated.limits}
    assert used["contacts_phone"] == (found.channel == "phone").sum() > 20  # of 24
    # nobody has nothing whom a note, free of days, would be worth more than its cost within the budget left
    idle = free & (found.action == "no_action") & (np.array(columns["value"]) * 0.01 > 0.1)
    assert not idle.any() or allocated.limits[1].price > 0


def test_whom_no_day_has_room_for_gets_what_takes_nothing_of_a_day():
    limits = [{"of": "contacts", "channel": "phone", "per_day": 1}]
    actions = [ACTIONS[0], ACTIONS[2]]
    found = decide(
        actions, policy={"limits": limits, "plan_days": 2}, renewal_risk=[0.9] * 5, value=[500.0] * 5, talk=[0.1] * 5
    )
    assert Counter(found.action) == {"call": 2, "note": 3}


def test_a_channel_is_called_as_the_tables_call_it():
    action = {"name": "letter", "channel": "e-mail", "effect": 0.1}
    contacts = {"channels": {"e-mail": {"max_contacts": 1, "window_days": 9}}}
    found = decide([action], policy={"contact_policy": contacts}, value=[10.0, 10.0], contacts_e_mail_9d=[0.0, 1.0])
    assert found.channel.tolist() == ["e-mail", None]
