import pytest
from checking import codes, under_check

from cxml.prescriptive.checking.golden_cases import case_results

CALL = {"name": "call", "channel": "phone", "cost": 10, "effect": 0.2, "eligibility": "renewal_risk > 0.5"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
AT_RISK = {"renewal_risk": 0.9, "value": 100}


def run(*cases, actions=(CALL, MAIL), **policy):
    return case_results(under_check(*actions, cases=[{"name": "x"} | case for case in cases], **policy))


def failed(case, **policy):
    (result,), (finding,) = run(case, **policy)
    assert not result.passed
    assert (finding.code, finding.severity, finding.where) == ("failed-case", "fault", "policy.cases[0]")
    assert result.reason in finding.says
    return finding.says


def refused(case, **policy):
    results, findings = run(case, **policy)
    assert results == []
    assert {finding.code for finding in findings} == {"refused"}
    return [f"{finding.where}: {finding.says}" for finding in findings]


def test_cases_that_come_as_expected_have_no_findings():
    results, findings = run(
        {"name": "at risk", "given": AT_RISK, "expect": "call", "channel": "phone"},
        {"name": "safe", "given": {"renewal_risk": 0.1, "value": 100}, "expect": "mail"},
        {"name": "unknown", "expect": "no_action"},
    )
    assert findings == []
    assert [(case.name, case.found, case.passed) for case in results] == [
        ("at risk", "'call' over 'phone'", True),
        ("safe", "'mail' over 'mail'", True),
        ("unknown", "'no_action'", True),
    ]


def test_a_failed_case_says_what_was_expected_what_came_and_why():
    says = failed({"name": "big", "given": {"renewal_risk": 0.4, "value": 100}, "expect": "call"})
    # the mail is worth 100 x .05 - 1 = 4; the call would be worth 100 x .2 - 10 = 10
    assert says == (
        "'big' must get 'call', and gets 'mail' over 'mail': 'call' is not met (eligibility); 'mail' is worth 4, "
        "the runner-up 'no_action' 4 less; the smallest change: renewal_risk > 0.5 -> call."
    )


def test_an_action_that_fires_but_is_worth_less_is_told_with_its_worth():
    says = failed({"given": AT_RISK, "expect": "mail"})
    assert "'mail' fires and is worth 4; 'call' is worth 10, the runner-up 'mail' 6 less" in says
    assert "doing nothing is worth 0; 'call' is worth 10" in failed({"given": AT_RISK, "expect": "no_action"})


def test_suppression_is_told():
    policy = {"contact_policy": {"max_contacts": 1, "window_days": 30}}
    says = failed({"given": {**AT_RISK, "contacts_30d": 2}, "expect": "call"}, **policy)
    assert "'call' is suppressed (1 contact in 30 days)" in says
    assert run({"given": AT_RISK, "expect": "call"}, **policy)[1] == []  # what is not given is unknown


def test_the_channel_may_be_expected():
    offer = {
        "name": "offer",
        "effect": 0.1,
        "treatments": [{"channel": "mail", "cost": 1}, {"channel": "phone", "cost": 5}],
    }
    says = failed({"given": {"value": 100}, "expect": "offer", "channel": "phone"}, actions=[offer])
    assert "must get 'offer' over 'phone', and gets 'offer' over 'mail'" in says
    assert "'offer/phone' fires and is worth 5" in says
    assert run({"given": {"value": 100}, "expect": "offer"}, actions=[offer])[1] == []


def test_limits_chance_and_fairness_are_left_out():
    policy = {
        "limits": [{"of": "cost", "amount": 1}],
        "guard_rails": {"fairness": [{"by": "plan", "max_difference": 0}]},
        "holdout_share": 0.5,
        "exploration_share": 0.49,
    }
    cases = [{"given": {**AT_RISK, "customer_id": f"c{i}"}, "expect": "call"} for i in range(20)]
    assert run(*cases, **policy)[1] == []


def test_the_moment_and_the_customer_may_be_given():
    spring = {**CALL, "valid_from": "2024-03-01", "valid_until": "2024-05-31"}
    given = lambda **more: {"given": AT_RISK | more, "expect": "call"}  # noqa: E731
    assert run(given(as_of="2024-05-31"), given(as_of="2024-05-31T23:00:00Z"), actions=[spring])[1] == []
    assert "is not applicable (outside its dates)" in failed(given(), actions=[spring])  # the data is of June
    assert "outside its dates" in failed(given(as_of="2024-06-01T01:00:00+02:00", renewal_risk=0.9), actions=[
        {**spring, "valid_until": "2024-05-31T22:00:00Z"}])  # fmt: skip
    never = {"guard_rails": {"never": [{"customers": ["c7"]}]}}
    assert "on a list of never" in failed(given(customer_id="c7"), **never)
    assert run(given(customer_id="c8"), **never)[1] == []


def test_texts_flags_and_nulls_are_values():
    action = {**MAIL, "eligibility": "plan = 'gold' AND visits = TRUE AND likes IS NULL"}
    case = {"given": {"plan": "gold", "visits": True, "likes": None, "value": 100}, "expect": "mail"}
    assert run(case, actions=[action])[1] == []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"given": {"renewl_risk": 0.9}}, "cases[0].given.renewl_risk: there is no column 'renewl_risk'; did you mean"),
        ({"given": {"zzz": 1}}, "cases[0].given.zzz: there is no column 'zzz'."),
        ({"given": {"plan": 3}}, "given.plan: must be a text; it is 3.0. Quote it."),
        ({"given": {"visits": "three"}}, "given.visits: must be a number; it is 'three'."),
        ({"given": {"as_of": "soon"}}, "given.as_of: must be a time such as 2024-05-31; it is 'soon'."),
        ({"given": {"as_of": "9999-12-31T23:59:59-05:00"}}, "given.as_of: must be a time"),
        ({"given": {"customer_id": 7}}, "given.customer_id: must be a text"),
        ({"expect": "cal"}, "cases[0].expect: there is no action 'cal'; did you mean 'call'?"),
        ({"channel": "web"}, "cases[0].channel: 'call' is not over 'web'."),
        ({"expect": "no_action", "channel": "web"}, "cases[0].channel: 'no_action' is not over 'web'."),
    ],
)
def test_what_a_case_cannot_give_or_expect_is_refused(case, says):
    (told,) = refused({"expect": "call"} | case)
    assert says in told


def test_all_faults_of_all_cases_are_told_and_the_others_run():
    bad = {"given": {"zzz": 1, "plan": 3}, "expect": "cal"}
    results, findings = run(bad, {"given": AT_RISK, "expect": "call"}, bad)
    assert [result.where for result in results] == ["policy.cases[1]"]
    assert len(codes(findings)) == 6
