import pandas as pd

from cxml.report.policy_text import policy_text
from cxml.schema.findings import CaseResult, Finding, Uncovered

FAULT = Finding("never-fires", "policy.actions[0]", "can never be true: 'health > 100'.")
WARNING = Finding("always-true", "policy.actions[1].eligibility", "is true of everybody of whom health is known.")
OPTIONS = pd.DataFrame(
    {
        "option": ["call", "mail", "no_action"],
        "n_customers": [2_000.0] * 3,
        "n_not_met": [500.0, 0, 0],
        "n_not_valid": [0.0] * 3,
        "n_suppressed": [20.0, 0, 0],
        "n_no_worth": [0.0] * 3,
        "n_fired": [1_480.0, 2_000, 2_000],
        "n_chosen": [1_000.0, 900, 100],
        "beaten_by": ["mail", None, "call"],
        "n_beaten": [480.0, 0, 1_000],
    }
)
CONDITIONS = pd.DataFrame(
    [
        [
            "call",
            "policy.actions[0].eligibility",
            "eligibility",
            "renewal_risk > 0.3 AND " * 5 + "health\n< 5",
            1_500,
            400,
            100,
        ],
        ["call", "policy.actions[0]", "suppressed by", "1 contacts in 30 days", 20, 1_980, 0],
    ],
    columns=["option", "where", "part", "condition", "n_true", "n_false", "n_unknown"],
)
CASES = (
    CaseResult("at risk", "policy.cases[0]", "'call'", "'call' over 'phone'", True, ""),
    CaseResult("safe", "policy.cases[1]", "'mail'", "'no_action'", False, "'mail' is not met (eligibility)."),
)


def text(findings=(), cases=(), conditions=None, options=None, uncovered=None, notes=()):
    return policy_text("acme: policy with 2 actions", findings, cases, conditions, options, uncovered, notes)


def test_faults_come_before_warnings_and_are_counted_in_the_last_line():
    lines = text([WARNING, FAULT, WARNING]).splitlines()
    assert [line.split(":")[0] for line in lines if line and line[0] != " "] == [
        "acme", "fault", "warning", "warning", "faults"
    ]  # fmt: skip
    assert lines[2] == "fault: policy.actions[0]: can never be true: 'health > 100'. [never-fires]"
    assert lines[-1] == "faults: 1"


def test_warnings_alone_are_no_faults():
    assert text([WARNING]).endswith("\nno faults")
    assert text().splitlines() == ["acme: policy with 2 actions", "", "no faults"]


def test_coverage_is_a_table_under_each_action():
    lines = text(conditions=CONDITIONS, options=OPTIONS).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("call: "))
    assert lines[at - 1].split() == ["true", "false", "unknown"]
    assert lines[at : at + 2] == [
        "call: fires for 1,480 of 2,000 customers, worth most to 1,000, suppressed for 20; mail is worth more",
        "    to 480",
    ]
    assert lines[at + 2].startswith("  eligibility: renewal_risk > 0.3 AND renewal_risk")
    assert lines[at + 2].split()[-4:] == ["ren...", "1,500", "400", "100"]
    assert lines[at + 3].split() == ["suppressed", "by:", "1", "contacts", "in", "30", "days", "20", "1,980", "0"]
    assert lines[at + 4] == "mail: fires for 2,000 of 2,000 customers, worth most to 900"
    assert lines[at + 5] == "no_action: worth most to 100"


def test_cases_say_what_came():
    lines = text(cases=CASES).splitlines()
    assert lines[2:5] == [
        "golden cases: 1 of 2 came as expected",
        "  passed  at risk: got 'call' over 'phone'",
        "  FAILED  safe: expected 'mail', got 'no_action'",
    ]


def test_who_is_not_covered_is_counted_with_one_of_them():
    assert "No rule fires for 420 of 1,163 customers (36.1%), such as 'c17'." in text(
        uncovered=Uncovered(420, 1_163, "c17")
    )
    assert "Of 1,163 customers a rule fires for every one." in text(uncovered=Uncovered(0, 1_163, None))


def test_no_line_is_wider_than_a_hundred_columns():
    long = Finding("failed-case", "policy.cases[0]", "'" + "x" * 300 + "' must get " + "word " * 100)
    found = text([long, FAULT], CASES, CONDITIONS, OPTIONS, Uncovered(1, 3, "c" * 200), ["note " * 60])
    assert max(map(len, found.splitlines())) <= 100
