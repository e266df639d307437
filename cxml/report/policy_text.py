"""What checking a policy found, as text: findings, golden cases, how each rule meets the customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxml.schema import columns as c
from cxml.schema.findings import CaseResult, Finding, Uncovered

if TYPE_CHECKING:
    import pandas as pd

_WIDTH: Final = 100
_COUNT: Final = 11  # columns of a count
_SAID: Final = (
    "How the rules meet the customers, before limits over all of them, holdout and exploration. Of a condition: of how "
    "many customers it is true, false and unknown. Unknown does not fire; what suppresses an action does so where true."
)


def policy_text(
    title: str,
    findings: Sequence[Finding],
    cases: Sequence[CaseResult],
    conditions: pd.DataFrame | None,
    options: pd.DataFrame | None,
    uncovered: Uncovered | None,
    notes: Sequence[str],
) -> str:
    """Return everything that `cxml policy check` prints, 100 columns wide at most.

    Parameters
    ----------
    title : company, policy and moment
    findings : faults and warnings, in any order
    cases : the golden cases that were run
    conditions, options, uncovered : as `cxml.pipeline.policy_checking.PolicyChecked` has them
    notes : what was not looked at
    """
    lines = [*_wrapped(title), ""]
    faults = [finding for finding in findings if finding.severity == "fault"]
    others = [finding for finding in findings if finding.severity == "warning"]
    for word, some in (("fault", faults), ("warning", others)):
        for finding in some:
            lines += _wrapped(f"{word}: {finding}", indent=4)
    lines += [""] * bool(findings)
    if cases:
        lines += [*_cases(cases), ""]
    if conditions is not None and options is not None:
        lines += [*_coverage(conditions, options), ""]
    if uncovered is not None:
        lines += [*_wrapped(_left(uncovered)), ""]
    for note in notes:
        lines += _wrapped(f"note: {note}", indent=4)
    return "\n".join([*lines, f"faults: {len(faults)}" if faults else "no faults"])


def _cases(cases: Sequence[CaseResult]) -> Iterator[str]:
    passed = sum(case.passed for case in cases)
    yield f"golden cases: {passed:,} of {len(cases):,} came as expected"
    for case in cases:
        came = f"got {case.found}" if case.passed else f"expected {case.expected}, got {case.found}"
        yield from _wrapped(f"  {'passed' if case.passed else 'FAILED'}  {case.name}: {came}", indent=10)


def _coverage(conditions: pd.DataFrame, options: pd.DataFrame) -> Iterator[str]:
    yield from _wrapped(_SAID)
    yield ""
    wide = _WIDTH - 3 * _COUNT
    yield " " * wide + "".join(word.rjust(_COUNT) for word in ("true", "false", "unknown"))
    by_option = dict(tuple(conditions.groupby(c.OPTION, sort=False)))
    for option in _rows(options):
        label, beaten = option[c.OPTION], option[c.BEATEN_BY]
        if label == c.NO_ACTION:
            yield f"{label}: worth most to {option[c.N_CHOSEN]:,.0f}"
            continue
        said = f"{label}: fires for {option[c.N_FIRED]:,.0f} of {option[c.N_CUSTOMERS]:,.0f} customers"
        said += f", worth most to {option[c.N_CHOSEN]:,.0f}"
        if option[c.N_SUPPRESSED]:
            said += f", suppressed for {option[c.N_SUPPRESSED]:,.0f}"
        if isinstance(beaten, str):
            said += f"; {beaten} is worth more to {option[c.N_BEATEN]:,.0f}"
        yield from _wrapped(said, indent=4)
        for row in _rows(by_option[label]) if label in by_option else ():
            counts = "".join(f"{row[name]:,.0f}".rjust(_COUNT) for name in (c.N_TRUE, c.N_FALSE, c.N_UNKNOWN))
            yield _cut(f"  {row[c.PART]}: {row[c.CONDITION]}", wide).ljust(wide) + counts


def _left(uncovered: Uncovered) -> str:
    if not uncovered.n:
        return f"Of {uncovered.n_customers:,} customers a rule fires for every one."
    share = uncovered.n / uncovered.n_customers
    return (
        f"No rule fires for {uncovered.n:,} of {uncovered.n_customers:,} customers ({share:.1%}), such as "
        f"{uncovered.example!r}."
    )


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _cut(text: str, width: int) -> str:
    line = " ".join(text.split()) if "\n" in text else text
    line = "  " + line if text.startswith("  ") and not line.startswith("  ") else line
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _wrapped(text: str, *, indent: int = 0) -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True) or [""]
