import pytest
from checking import codes, under_check

from cxml.prescriptive.checking.limit_findings import limit_findings

CALL = {"name": "call", "channel": "phone", "cost": 15, "effect": 0.1, "uses": {"hours": 0.5}, "group": "talk"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.1}
FREE = {"name": "free", "effect": 0.1}


def found(*limits, actions=(CALL, MAIL, FREE), **policy):
    return list(limit_findings(under_check(*actions, limits=limits, **policy)))


def test_limits_that_can_bind_are_none():
    limits = [
        {"of": "cost", "amount": 100},
        {"of": "cost", "channel": "mail", "amount": 50},
        {"of": "contacts", "amount": 20},
        {"of": "contacts", "channel": "phone", "per_day": 5},
        {"of": "hours", "amount": 8},
    ]
    assert found(*limits, plan_days=2) == []


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"of": "hours", "channel": "mail", "amount": 8}, "nothing that it is about takes any hours"),
        ({"of": "contacts", "action": "free", "amount": 8}, "nothing that it is about takes any contacts"),
        ({"of": "cost", "action": "free", "amount": 8}, "nothing that it is about takes any cost"),
    ],
)
def test_a_limit_of_what_nobody_takes_is_found(limit, says):
    (finding,) = found(limit)
    assert (finding.code, finding.where) == ("unused-limit", "policy.limits[0]")
    assert says in finding.says


def test_a_limit_of_what_nobody_can_get_is_found():
    dead = {**CALL, "eligibility": "health > 100"}
    (finding,) = found({"of": "hours", "amount": 8}, actions=(dead, MAIL))
    assert finding.code == "unused-limit"
    assert "nobody can get what it is about" in finding.says


def test_a_limit_of_nothing_switches_off():
    (finding,) = found({"of": "hours", "amount": 0})
    assert (finding.code, finding.severity) == ("switched-off", "warning")
    assert "allows no hours: 'call' cannot be" in finding.says


def test_a_limit_below_a_single_decision_conflicts_with_it():
    (finding,) = found({"of": "cost", "amount": 10})
    assert (finding.code, finding.where) == ("conflicting-limits", "policy.limits[0]")
    assert "one 'call' takes 15 cost or more, and 10 in all is allowed" in finding.says
    (finding,) = found({"of": "hours", "per_day": 0.25}, plan_days=10)  # 2.5 in all, but none on any day
    assert "one 'call' takes 0.5 hours or more, and 0.25 a day is allowed" in finding.says


@pytest.mark.parametrize(
    ("narrow", "wide", "redundant"),
    [
        ({"channel": "mail", "amount": 100}, {"amount": 100}, True),
        ({"channel": "mail", "amount": 99}, {"amount": 100}, False),
        ({"channel": "phone", "amount": 200}, {"group": "talk", "amount": 100}, True),  # the group is but the call
        ({"channel": "mail", "amount": 200}, {"group": "talk", "amount": 100}, False),
        ({"channel": "phone", "per_day": 60}, {"amount": 50}, True),  # 60 a day are never reached
        ({"channel": "phone", "per_day": 20}, {"amount": 50}, False),  # 20 a day bind, 40 in all do not
        ({"channel": "phone", "per_day": 20}, {"per_day": 20}, True),
        ({"channel": "phone", "amount": 40}, {"per_day": 20}, True),
        ({"channel": "phone", "amount": 30}, {"per_day": 20}, False),
    ],
)
def test_a_limit_that_another_implies_is_found(narrow, wide, redundant):
    findings = found({"of": "cost", "name": "narrow", **narrow}, {"of": "cost", "name": "wide", **wide}, plan_days=2)
    assert codes(findings) == [("redundant-limit", "policy.limits[0]")] * redundant


def test_of_two_limits_that_say_the_same_the_later_is_found_and_of_two_amounts_the_larger():
    same = [{"of": "contacts", "name": name, "amount": 5} for name in ("a", "b")]
    assert codes(found(*same)) == [("redundant-limit", "policy.limits[1]")]
    larger = [{"of": "contacts", "name": "a", "amount": 9}, {"of": "contacts", "name": "b", "amount": 5}]
    assert codes(found(*larger)) == [("redundant-limit", "policy.limits[0]")]


def test_limits_of_other_things_imply_nothing():
    assert found({"of": "contacts", "amount": 50}, {"of": "hours", "amount": 5}) == []


def contacts(**channels):
    limits = {
        channel: dict(zip(("max_contacts", "window_days"), limit, strict=True)) for channel, limit in channels.items()
    }
    policy = {"max_contacts": 2, "window_days": 30, "channels": limits}
    return codes(found(contact_policy=policy))


def test_a_contact_limit_of_a_channel_that_the_overall_one_implies_is_found():
    at = "policy.contact_policy.channels.mail"
    assert contacts(mail=(2, 30)) == [("redundant-limit", at)]
    assert contacts(mail=(3, 7)) == [("redundant-limit", at)]
    assert contacts(mail=(1, 30)) == []
    assert contacts(mail=(2, 60)) == []  # two in sixty days may bind where two in thirty do not
    assert contacts(mail=(0, 30)) == [("switched-off", at)]


def test_no_contacts_at_all_switch_off():
    policy = {"max_contacts": 0, "window_days": 30}
    assert codes(found(contact_policy=policy)) == [("switched-off", "policy.contact_policy.max_contacts")]


def rests(*suppress):
    return codes(found(contact_policy={"suppress": suppress}))


def test_a_rest_that_another_makes_needless_is_found():
    mail, any_mail = {"action": "mail", "outcome": "refused"}, {"action": "mail"}
    short, long = {"channel": "mail", "after": mail, "days": 30}, {"channel": "mail", "after": mail, "days": 60}
    assert rests(short, long) == [("redundant-limit", "policy.contact_policy.suppress[0]")]
    assert rests(long, short) == [("redundant-limit", "policy.contact_policy.suppress[1]")]
    assert rests(short, short) == [("redundant-limit", "policy.contact_policy.suppress[1]")]
    assert rests(short, {"after": any_mail, "days": 30}) == [("redundant-limit", "policy.contact_policy.suppress[0]")]
    assert rests(long, {"after": any_mail, "days": 30}) == []
    assert rests({"channel": "mail", "after": any_mail, "days": 30}, {**long, "days": 30}) == [
        ("redundant-limit", "policy.contact_policy.suppress[1]")
    ]
    assert rests(short, {"channel": "phone", "after": mail, "days": 60}) == []
    assert rests(short, {"channel": "mail", "after": {"action": "call"}, "days": 60}) == []
