"""Why each customer got an option and not another: which rules fired, which did not, and what suppressed the others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.prescriptive.options import (
    FIRED,
    NOT_APPLICABLE,
    NOT_ELIGIBLE,
    NOT_SUITABLE,
    NOT_VALID,
    NOT_WORTH,
    STOPPED,
    stop_label,
)
from cxml.prescriptive.policy import Policy
from cxml.schema.decided import WORTH_UNKNOWN

_REASONS = {
    NOT_ELIGIBLE: ("not_met", "eligibility"),
    NOT_SUITABLE: ("not_met", "suitability"),
    NOT_APPLICABLE: ("not_applicable", "applicability"),
    NOT_VALID: ("not_applicable", "outside its dates"),
    NOT_WORTH: ("not_applicable", WORTH_UNKNOWN),
}


def why(policy: Policy, status: NDArray[np.uint16]) -> NDArray[Any]:
    """Return the state of every rule for each customer as JSON; shape (n_rows,).

    ``{"fired": [options], "not_met": {option: what}, "not_applicable": {option: what}, "suppressed": {option: what}}``.
    Customers share few patterns, so each is written once.
    """
    pattern, first = patterns(status)
    texts = object_array([_told(policy, status[row]) for row in first])
    found: NDArray[Any] = texts[pattern]
    return found


def patterns(status: NDArray[np.uint16]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of each row's pattern, shape (n_rows,), and the first row that has it, shape (n_patterns,)."""
    n_rows, n_options = status.shape
    key = np.zeros(n_rows, dtype=np.int64)
    first = np.zeros(min(n_rows, 1), dtype=np.intp)
    for j in range(n_options):
        wide = key * (int(status[:, j].max(initial=0)) + 1) + status[:, j]
        _, first, key = np.unique(wide, return_index=True, return_inverse=True)
    return key.reshape(n_rows), first


def _told(policy: Policy, status: NDArray[np.uint16]) -> str:
    found: dict[str, Any] = {"fired": [], "not_met": {}, "not_applicable": {}, "suppressed": {}}
    for j, (option, code) in enumerate(zip(policy.options, status.tolist(), strict=True)):
        if j == policy.nothing:
            continue
        if code == FIRED:
            found["fired"].append(option.label)
        elif code >= STOPPED:
            found["suppressed"][option.label] = stop_label(option, code)
        else:
            kind, reason = _REASONS[code]
            found[kind][option.label] = reason
    return json.dumps(found)
