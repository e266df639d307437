"""The golden cases of a policy: what it must decide for a customer of whom only some values are known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.errors import near_miss
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.options import FIRED, looked, run_of
from cxml.prescriptive.policy import PREDICTED, Policy
from cxml.schema import columns as c
from cxml.schema.findings import CaseResult, Finding
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from cxml.config.policy import CaseConfig

_NOBODY: Final = "a customer of a case"
_TEXTS: Final = ("category", "key", "text")
_EPOCH: Final = datetime(2000, 1, 1)


def case_results(checked: PolicyUnderCheck) -> tuple[list[CaseResult], list[Finding]]:
    """Run the golden cases of a policy.

    Each runs on one customer, of whom what it does not give is unknown, without holdout, exploration, and limits over
    all customers. ``as_of`` among what is given is the moment, ``customer_id`` the customer.

    Returns
    -------
    list of CaseResult, of the cases that could be run
    list of Finding
        One for each that did not come as expected, and one for each fault of a case that could not be run.
    """
    policy = replace(checked.policy, limits=(), fairness=(), holdout_share=0.0, exploration_share=0.0)
    results, findings = [], []
    for i, case in enumerate(checked.config.cases):
        where = f"policy.cases[{i}]"
        if faults := _refused(checked, case, where):
            findings += faults
            continue
        result = _result(checked, policy, case, where)
        results.append(result)
        if not result.passed:
            says = f"{case.name!r} must get {result.expected}, and gets {result.found}: {result.reason}"
            findings.append(Finding("failed-case", where, says))
    return results, findings


def _refused(checked: PolicyUnderCheck, case: CaseConfig, where: str) -> list[Finding]:
    """Return what makes a case one that cannot be run."""
    found = []
    options = [option for option in checked.policy.options if option.action == case.expect]
    names = [option.action for option in checked.policy.options]
    channels = [option.channel for option in options if option.channel]
    if not options:
        says = f"there is no action {case.expect!r}{near_miss(case.expect, names) or '.'}"
        found.append(Finding("refused", f"{where}.expect", says))
    elif case.channel is not None and case.channel not in channels:
        says = f"{case.expect!r} is not over {case.channel!r}{near_miss(case.channel, channels) or '.'}"
        found.append(Finding("refused", f"{where}.channel", says))
    known = {c.AS_OF, c.CUSTOMER_ID, *checked.all_kinds}
    for name, value in case.given.items():
        at = f"{where}.given.{name}"
        if name not in known:
            says = f"there is no column {name!r}{near_miss(name, known) or '.'}"
            found.append(Finding("refused", at, says))
        elif wrong := _wrong(name, value, checked.all_kinds.get(name)):
            found.append(Finding("refused", at, wrong))
    return found


def _wrong(name: str, value: Any, kind: Kind | None) -> str | None:
    """Return what is wrong with a value of a case; None where nothing is."""
    if value is None:
        return None
    if name == c.AS_OF:
        return None if _moment(value) is not None else f"must be a time such as 2024-05-31; it is {value!r}."
    if kind in _TEXTS or name == c.CUSTOMER_ID:
        return None if isinstance(value, str) else f"must be a text; it is {value!r}. Quote it."
    if kind == "time":
        return f"{name!r} is a time, which no condition reads. Leave it out."
    return None if isinstance(value, bool | float) else f"must be a number; it is {value!r}."


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        return None


def _result(checked: PolicyUnderCheck, policy: Policy, case: CaseConfig, where: str) -> CaseResult:
    customer = case.given.get(c.CUSTOMER_ID) or _NOBODY
    moment = _moment(case.given.get(c.AS_OF)) or checked.moment or _EPOCH
    moments = np.array([moment], dtype="datetime64[us]")
    kinds = {**policy.reads, **PREDICTED}
    columns = {name: _column(case.given.get(name), kind) for name, kind in kinds.items()}
    made, _ = decisions(policy, columns, [str(customer)], moments)
    action, channel = made.action[0], made.channel[0]
    expected = _called(case.expect, case.channel)
    passed = action == case.expect and case.channel in (None, channel)
    if passed:
        return CaseResult(case.name, where, expected, _called(action, channel), True, "")
    look = looked(policy, run_of(policy, columns, [str(customer)], moments))
    wanted = [
        j
        for j, option in enumerate(policy.options)
        if option.action == case.expect and case.channel in (None, option.channel)
    ]
    states = json.loads(made.why[0])
    reason = "; ".join(_state(policy, j, states, look.status[0, j] == FIRED, look.priority[0, j]) for j in wanted)
    reason += f"; {action!r} is worth {made.priority[0]:.6g}"
    if made.runner_up[0] is not None:
        reason += f", the runner-up {made.runner_up[0]!r} {made.margin[0]:.6g} less"
    if made.smallest_change[0] is not None:
        reason += f"; the smallest change: {made.smallest_change[0]}"
    return CaseResult(case.name, where, expected, _called(action, channel), False, f"{reason}.")


def _column(value: Any, kind: str) -> NDArray[Any]:
    if kind in _TEXTS:
        return object_array([value])
    return np.array([np.nan if value is None else float(value)])


def _called(action: str, channel: str | None) -> str:
    return repr(action) if channel is None else f"{action!r} over {channel!r}"


def _state(policy: Policy, j: int, states: dict[str, Any], fired: bool, priority: float) -> str:
    """Return what stood against an option, or what it is worth."""
    label = policy.options[j].label
    if j == policy.nothing:
        return "doing nothing is worth 0"
    if fired:
        return f"{label!r} fires and is worth {priority:.6g}"
    said = {"not_met": "is not met", "not_applicable": "is not applicable", "suppressed": "is suppressed"}
    kind = next(kind for kind in said if label in states[kind])
    return f"{label!r} {said[kind]} ({states[kind][label]})"
