from pathlib import Path

from cxml.schema.findings import CODES, Finding

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "policy_check.md").read_text(encoding="utf-8")


def test_every_code_is_documented_with_its_severity():
    rows = [line.split("|")[1:3] for line in DOCS.splitlines() if line.startswith("| `")]
    assert {code.strip(" `"): severity.strip() for code, severity in rows} == dict(CODES)


def test_every_code_is_found_by_the_code_and_by_a_test():
    package = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "cxml").rglob("*.py") if path.stem != "findings"
    )
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert [code for code in CODES if f'"{code}"' not in package] == []
    assert [code for code in CODES if f'"{code}"' not in tests] == []


def test_a_finding_says_where_what_and_which_code():
    finding = Finding("hidden", "policy.actions[1]", "'mail' is never chosen.")
    assert str(finding) == "policy.actions[1]: 'mail' is never chosen. [hidden]"
    assert finding.severity == "fault"
