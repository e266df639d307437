"""Every figure of the prescriptive layer: the allocation, conditions over many rows and on one, decisions of a run.

The first are those of `allocation` and `conditions`, which can be run alone. The last is a whole run from features and
predictions in memory to decisions with their reasons: a policy of nine actions, each with conditions, contact limits,
holdout and exploration, with limits over all customers and without.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks import allocation, conditions
from benchmarks.figures import Figures

CUSTOMERS = {"small": 20_000, "full": 1_000_000}
_COLUMNS = ("what", "way", "wanted", "got", "ratio")
_CLASSES = ("detractor", "passive", "promoter")


def run(scale: str) -> Figures:
    found: list[Mapping[str, str | float]] = [
        *allocation.run(scale),
        *conditions.run(scale),
        *_decided(CUSTOMERS[scale]),
    ]
    return [{column: row.get(column, "") for column in _COLUMNS} for row in found]


def _decided(n: int) -> list[Mapping[str, str | float]]:
    from cxml.config.policy import PolicyConfig
    from cxml.prescriptive.compiling import compiled_policy
    from cxml.prescriptive.decisions import decisions

    columns, customers = _customers(n), [f"c{i:07d}" for i in range(n)]
    moments = np.full(n, np.datetime64("2024-06-01", "us"))
    rows: list[Mapping[str, str | float]] = []
    limits = [{"amount": 0.5 * n}, {"of": "contacts", "channel": "phone", "per_day": 0.02 * n},
              {"of": "agent_hours", "amount": 0.05 * n}]  # fmt: skip
    for name, more in (("no limits over all", {}), ("3 limits over all", {"limits": limits})):
        policy = compiled_policy(PolicyConfig.model_validate(_policy() | more), {}, has_value=True)
        started = time.perf_counter()
        _, allocated = decisions(policy, columns, customers, moments)
        seconds = time.perf_counter() - started
        gap = "" if allocated is None else f", gap {allocated.gap:.4%}"
        rows.append({"what": f"decisions of {n:,} customers, 9 actions", "way": name,
                     "got": f"{seconds:.1f} s, {n / seconds:,.0f} a second{gap}"})  # fmt: skip
    return rows


def _customers(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "renewal_risk": rng.random(n) ** 3,
        "health": rng.random(n) * 100,
        "value": rng.lognormal(5, 1, n),
        "nps_class": np.array(_CLASSES, dtype=object)[rng.integers(0, 3, n)],
        "contacts_30d": rng.poisson(0.3, n).astype(np.float64),
    }


def _policy() -> dict[str, Any]:
    actions = [
        {
            "name": f"action_{i}",
            "channel": ("phone", "mail", "web", "mobile")[i % 4],
            "cost": 2 + i if i % 2 else "0.02 * value",
            "effect": f"{0.02 + 0.01 * i} * renewal_risk",
            "eligibility": f"renewal_risk > {0.05 * i} AND nps_class = '{_CLASSES[i % 3]}'"
            if i % 2
            else f"health < {90 - 5 * i}",
            "uses": {"agent_hours": 0.1 * i},
        }
        for i in range(9)
    ]
    contacts = {"max_contacts": 2, "window_days": 30}
    return {"actions": actions, "contact_policy": contacts, "holdout_share": 0.05, "exploration_share": 0.02}
