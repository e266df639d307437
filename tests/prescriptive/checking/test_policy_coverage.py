import pytest
from checking import met, under_check

from cxml.prescriptive.checking.policy_coverage import condition_coverage, option_coverage, uncovered
from cxml.schema.check import checked_frame
from cxml.schema.policy_frames import CONDITION_COVERAGE, OPTION_COVERAGE

CALL = {"name": "call", "channel": "phone", "cost": 5, "effect": 0.3, "eligibility": "renewal_risk > 0.5", "group": "g"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.2, "suitability": "plan = 'gold'"}
POLICY = {
    "groups": {"g": {"applicability": "visits > 2"}},
    "contact_policy": {"suppress": [{"action": "call", "when": "health < 10"}]},
}


@pytest.fixture
def here():
    #                   call, mail    call          mail      not suitable  no worth
    columns = {
        "renewal_risk": [0.9, 0.9, 0.2, None, 0.9],
        "visits": [3.0, 3.0, 1.0, 5.0, 4.0],
        "plan": ["gold", "basic", "gold", None, "basic"],
        "health": [50.0, 5.0, 50.0, 50.0, 50.0],
        "value": [100.0, 100.0, 100.0, 100.0, None],
    }
    return met(under_check(CALL, MAIL, **POLICY), **columns)


def test_every_condition_is_counted_true_false_and_unknown(here):
    found = checked_frame(condition_coverage(here), CONDITION_COVERAGE)
    assert found.to_numpy().tolist() == [
        ["call", "policy.groups.g.applicability", "applicability", "visits > 2", 4, 1, 0],
        ["call", "policy.actions[0].eligibility", "eligibility", "renewal_risk > 0.5", 3, 1, 1],
        ["call", "policy.actions[0]", "suppressed by", "while health < 10", 1, 4, 0],
        ["mail", "policy.actions[1].suitability", "suitability", "plan = 'gold'", 2, 2, 1],
    ]


def test_every_option_is_counted_by_what_became_of_it(here):
    found = checked_frame(option_coverage(here), OPTION_COVERAGE).set_index("option")
    assert found.loc["call"].drop("beaten_by").to_dict() == {
        "n_customers": 5, "n_not_met": 2, "n_not_valid": 0, "n_suppressed": 1, "n_no_worth": 1, "n_fired": 1,
        "n_chosen": 1, "n_beaten": 0,
    }  # fmt: skip
    # of the first customer the mail is worth 19 and the call 25
    assert found.loc["mail", ["n_fired", "n_chosen", "beaten_by", "n_beaten"]].tolist() == [2, 1, "call", 1]
    assert found.loc["no_action", ["n_fired", "n_chosen"]].tolist() == [5, 3]
    counts = found[["n_not_met", "n_not_valid", "n_suppressed", "n_no_worth", "n_fired"]].sum(axis=1)
    assert set(counts) == {5.0}


def test_the_customers_whom_no_rule_covers_are_counted_with_one_of_them(here):
    left = uncovered(here)
    assert (left.n, left.n_customers, left.example) == (3, 5, "c1")
    everybody = uncovered(met(under_check({"name": "mail", "effect": 0.1}), value=[1.0, 2.0]))
    assert (everybody.n, everybody.example) == (0, None)


def test_a_policy_without_conditions_has_a_frame_without_rows():
    found = condition_coverage(met(under_check({"name": "mail", "effect": 0.1}), value=[1.0]))
    assert found.empty
    assert list(found.columns) == [column.name for column in CONDITION_COVERAGE.columns]
