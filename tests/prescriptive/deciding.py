"""A policy as YAML would give it, run on customers given as columns."""

import numpy as np

from cxml.config.policy import PolicyConfig
from cxml.prescriptive.compiling import compiled_policy
from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.policy import PREDICTED

NOW = np.datetime64("2024-06-01T00:00:00", "us")


def compiled(actions, *, kinds=None, has_value=True, **policy):
    """Return a compiled policy, without holdout where none is said."""
    config = PolicyConfig.model_validate({"actions": actions, "holdout_share": 0, **policy})
    return compiled_policy(config, kinds or {}, has_value=has_value)


def arrays(columns):
    """Return columns as the scorer makes them: numbers as float64 with NaN, texts as object."""
    return {
        name: np.array([*values, None], dtype=object)[:-1]
        if any(isinstance(v, str) for v in values) or all(v is None for v in values)
        else np.array([np.nan if v is None else v for v in values], dtype=float)
        for name, values in columns.items()
    }


def run(actions, *, customers=None, moments=None, policy=None, **columns):
    """Return the decisions of a policy for customers, and how its limits were used."""
    found = arrays(columns)
    kinds = {name: "category" if a.dtype == object else "number" for name, a in found.items() if name not in PREDICTED}
    n_rows = len(next(iter(found.values())))
    customers = customers or [f"c{i}" for i in range(n_rows)]
    moments = np.full(n_rows, NOW) if moments is None else np.array(moments, dtype="datetime64[us]")
    return decisions(compiled(actions, kinds=kinds, **(policy or {})), found, customers, moments)


def decide(actions, **keys):
    """Return the decisions alone."""
    return run(actions, **keys)[0]
