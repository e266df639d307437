"""A policy as YAML would give it, checked on what it says, or on customers given as columns."""

from datetime import datetime

import numpy as np
from deciding import NOW, arrays

from cxml.config.policy import PolicyConfig
from cxml.prescriptive.checking.policy_coverage import Met
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.compiling import compiled_policy
from cxml.prescriptive.options import run_of
from cxml.prescriptive.past_actions import past_names
from cxml.prescriptive.policy import PREDICTED

KINDS = {"plan": "category", "visits": "number", "likes": "category", "region": "category"}


def under_check(*actions, kinds=KINDS, values=None, **policy):
    """Return a policy under check; without holdout where none is said."""
    config = PolicyConfig.model_validate({"actions": list(actions), "holdout_share": 0, **policy})
    compiled = compiled_policy(config, kinds, has_value=True)
    known = {name: frozenset(found) for name, found in (values or {}).items()}
    return PolicyUnderCheck(config, compiled, kinds, past_names(config), known, datetime(2024, 6, 1))


def met(checked, *, customers=None, **columns):
    """Return how a policy meets customers; what it reads and is not given is unknown of all of them."""
    found = arrays(columns)
    n_rows = len(next(iter(found.values())))
    reads = {**dict.fromkeys(PREDICTED, "number"), "nps_class": "text", **checked.policy.reads}
    for name, kind in reads.items():
        empty = np.full(n_rows, None, dtype=object) if kind in ("text", "category") else np.full(n_rows, np.nan)
        found.setdefault(name, empty)
    customers = customers or [f"c{i}" for i in range(n_rows)]
    return Met(checked, run_of(checked.policy, found, customers, np.full(n_rows, NOW)), customers)


def codes(findings):
    """Return the code and place of each finding."""
    return [(finding.code, finding.where) for finding in findings]
