"""What is wrong with the inputs of an allocation, all of it together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxml.errors import ConfigError, broken_by, listed
from cxml.prescriptive.allocating.relaxation import Booleans, Floats, in_blocks

if TYPE_CHECKING:
    from cxml.prescriptive.allocating.allocation import Fairness, Limit


def refuse_faults(worth: Floats, nothing: int, limits: Sequence[Limit], fairness: Sequence[Fairness]) -> None:
    """Raise `ConfigError` with everything that cannot be meant."""
    if np.ndim(worth) != 2 or not worth.shape[1]:
        raise ConfigError(f"worth: must have a row for each customer and a column for each option, not {worth.shape}.")
    n, k = worth.shape
    if not 0 <= nothing < k:
        raise ConfigError(f"nothing: must be the column of the option that is nothing, 0 to {k - 1}, not {nothing}.")
    faults = []
    if not _highest(worth) < np.inf:
        bad = np.isnan(worth) | (worth == np.inf)
        faults.append(_fault("worth", "must be a number, or -inf for what a customer may not have", bad, worth))
    if not np.isfinite(worth[:, nothing]).all():
        bad = ~np.isfinite(worth[:, nothing])
        faults.append(_fault("worth of nothing", "must be finite, as nothing is always possible", bad, worth))
    names = [limit.name for limit in limits] + [parity.name for parity in fairness]
    faults += [
        f"limit {name!r}: is there {names.count(name)} times." for name in sorted(set(names)) if names.count(name) > 1
    ]
    for limit in limits:
        faults += _limit_faults(limit, worth, nothing)
    for parity in fairness:
        faults += _fairness_faults(parity, n, k, nothing)
    if faults:
        raise ConfigError(listed(faults))


def _limit_faults(limit: Limit, worth: Floats, nothing: int) -> list[str]:
    name, use = f"limit {limit.name!r}", np.asarray(limit.use)
    faults = []
    if not limit.amount >= 0:
        faults.append(f"{name}: amount must be a number >= 0, not {limit.amount}.")
    if use.shape not in (worth.shape, worth.shape[1:]):
        shapes = f"{worth.shape[1:]} or {worth.shape}"
        return [*faults, f"{name}: use must have the shape {shapes}, not {use.shape}."]
    if use.ndim == 1:
        possible = (worth > -np.inf).any(axis=0)
        bad = possible & ~((use >= 0) & (use < np.inf))
        faults += [f"{name}: use must be a number >= 0; that of option {j} is {use[j]}." for j in np.flatnonzero(bad)]
    elif use.size and not (_lowest(use) >= 0 and _highest(use) < np.inf):
        bad = ~((use >= 0) & (use < np.inf)) & (worth > -np.inf)
        if bad.any():
            faults.append(_fault(f"{name}: use", "must be a number >= 0 of what a customer may have", bad, use))
    if (use[..., nothing] > 0).any():
        faults.append(f"{name}: nothing (option {nothing}) must use nothing.")
    return faults


def _fairness_faults(limit: Fairness, n: int, k: int, nothing: int) -> list[str]:
    name, group, options = f"limit {limit.name!r}", np.asarray(limit.group), np.asarray(limit.options)
    faults = []
    if not limit.max_difference >= 0:
        faults.append(f"{name}: max_difference must be a number >= 0, not {limit.max_difference}.")
    if group.shape != (n,) or group.dtype.kind not in "iu":
        faults.append(f"{name}: group must be {n:,} whole numbers, one for each customer.")
    elif n and group.min() < -1:
        faults.append(_fault(f"{name}: group", "must be >= 0, or -1 for who is of none", group < -1, group))
    if options.shape != (k,) or options.dtype != bool:
        faults.append(f"{name}: options must be {k} truth values, one for each option.")
    elif options[nothing]:
        faults.append(f"{name}: nothing (option {nothing}) cannot be among the options that are compared.")
    return faults


def _fault(name: str, rule: str, bad: Booleans, values: np.ndarray[Any, Any]) -> str:
    rows = np.flatnonzero(bad if bad.ndim == 1 else bad.any(axis=1))
    first = rows[0]
    shown = values[first] if values.ndim == 1 else values[first].tolist()
    return f"{name}: {rule}; {broken_by(len(rows), len(bad))} (first: row {first} has {shown})."


def _highest(values: Floats) -> float:
    """Return the highest value, NaN where there is one, -inf of none."""
    return float(np.max(in_blocks(lambda rows: values[rows].max(initial=-np.inf), len(values))))


def _lowest(values: Floats) -> float:
    return float(np.min(in_blocks(lambda rows: values[rows].min(initial=np.inf), len(values))))
