"""What `cxml policy check` finds: one code for each kind of finding, the same in code, tests and docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["fault", "warning"]

CODES: Final[Mapping[str, Severity]] = {
    "refused": "fault",
    "unknown-value": "fault",
    "unseen-value": "warning",
    "never-fires": "fault",
    "always-stopped": "fault",
    "always-true": "warning",
    "never-applies": "warning",
    "expired": "warning",
    "never-pays": "fault",
    "switched-off": "warning",
    "odd-weight": "warning",
    "odd-effect": "warning",
    "hidden": "fault",
    "unused-limit": "warning",
    "redundant-limit": "warning",
    "conflicting-limits": "fault",
    "loose-limit": "warning",
    "never-fired": "warning",
    "never-chosen": "warning",
    "unknown-worth": "warning",
    "no-consent": "warning",
    "unknown-customers": "warning",
    "thin-group": "warning",
    "one-sided": "warning",
    "thin-share": "warning",
    "failed-case": "fault",
    "not-looked-at": "warning",
}
"""The codes with their severities: a fault is a slip, whatever the company; a warning may be meant."""


@dataclass(frozen=True)
class Finding:
    """One finding: its code, where in the policy, and a sentence that says what is so and what to do."""

    code: str
    where: str
    says: str

    @property
    def severity(self) -> Severity:
        """Whether it is a fault or a warning; that follows from the code."""
        return CODES[self.code]

    def __str__(self) -> str:
        return f"{self.where}: {self.says} [{self.code}]"


@dataclass(frozen=True)
class CaseResult:
    """A golden case: what was expected of it, what came, and why; ``reason`` is empty where it came as expected."""

    name: str
    where: str
    expected: str
    found: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Uncovered:
    """The customers for whom no rule fires: how many of how many, and the id of one of them (None: there is none)."""

    n: int
    n_customers: int
    example: str | None
