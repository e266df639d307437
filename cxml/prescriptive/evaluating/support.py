"""Whether a log can speak for a policy at all: how many of its rows do, and for which decisions none does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.evaluating.intervals import cluster_sums, interval
from cxml.prescriptive.evaluating.logged import Codes, Floats, Logged, checked_target, weights

# A policy's value may be off by this share of the whole range of rewards, where it decides what was never tried.
_MAY_BE_UNSUPPORTED: Final = 0.01
# How often chance alone may make an action look as if some customers could not get it.
_BY_CHANCE: Final = 1e-6
_STANDARD_ERRORS: Final = 4.0
_FEW_ROWS: Final = 100.0
_SMALL_SHARE: Final = 0.05
_LARGE_SHARE: Final = 0.05


@dataclass(frozen=True)
class Support:
    """How much a log says about a policy.

    Attributes
    ----------
    effective_n : for how many rows of equal weight the matched rows speak (Kish)
    largest_weight : the largest ratio of the policy's probability to the logged one
    share_unsupported : share of the policy's decisions that are actions which the log never took, or took less often
        than its propensities promise, so that some customers had no chance of them
    unsupported : those actions
    warnings : weak overlap, in sentences
    refusal : '', or why no number can be given
    """

    effective_n: float
    largest_weight: float
    share_unsupported: float
    unsupported: tuple[str, ...]
    warnings: tuple[str, ...]
    refusal: str


def support(logged: Logged, target: NDArray[Any]) -> Support:
    """Return how much a log says about a policy, and whether it may be valued at all.

    Parameters
    ----------
    logged : Logged
    target : array of shape (n_rows, n_actions)
        Probabilities of the policy.

    Returns
    -------
    Support

    Raises
    ------
    SchemaError
        If the probabilities are none.

    References
    ----------
    Kish, "Survey Sampling", 1965. Sachdeva, Su and Joachims, "Off-policy Bandits with Deficient Support", KDD 2020.
    Maurer, "A Bound on the Deviation Probability for Sums of Non-negative Random Variables", JIPAM, 2003.
    """
    target = checked_target(logged, target)
    weight = weights(logged, target)
    wanted, missing = _missing(logged, target, weight)
    unsupported = np.flatnonzero(missing > 0)
    share = float(missing.sum())
    effective = effective_n(weight)
    return Support(
        effective_n=effective,
        largest_weight=float(weight.max()),
        share_unsupported=share,
        unsupported=tuple(logged.actions[j] for j in unsupported),
        warnings=_warnings(logged, weight, effective, share, wanted, missing),
        refusal=_refusal(logged, weight, share, wanted, missing),
    )


def effective_n(weight: Floats) -> float:
    """Return for how many rows of equal weight weighted ones speak; 0 where no row has any weight."""
    squares = float((weight**2).sum())
    return float(weight.sum() ** 2 / squares) if squares > 0 else 0.0


def _missing(logged: Logged, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return the share of the policy's decisions that are each action, and how much of it the log cannot speak for."""
    wanted = target.mean(axis=0)
    missing = np.zeros(len(logged.actions))
    n_customers = len(np.unique(logged.customer))
    for j in np.flatnonzero(wanted > 0):
        took = logged.action == j
        if not took.any():
            missing[j] = wanted[j]
            continue
        # The weights of an action add up to the policy's decisions for it, unless some rows had no chance of it. Chance
        # makes a sum of positive numbers fall short by no more than their squares allow, whatever their tails (Maurer).
        gap = float(wanted[j] - weight[took].sum() / logged.n_rows)
        square = float((target[:, j] ** 2).mean()) / float(logged.propensity[took].min())
        if gap > np.sqrt(2 * np.log(1 / _BY_CHANCE) * square / n_customers):
            missing[j] = gap
    return wanted, missing


def _refusal(logged: Logged, weight: Floats, share: float, wanted: Floats, missing: Floats) -> str:
    """Return why no number can be given, or an empty string."""
    if share > _MAY_BE_UNSUPPORTED:
        j = int(missing.argmax())
        never = missing[j] >= wanted[j]
        how = (
            "the log never took it"
            if never
            else f"the log had no chance of it for {missing[j] / wanted[j]:.0%} of these"
        )
        return (
            f"a policy can only be valued on actions that the log took with some probability; {share:.1%} of its "
            f"decisions are not (first: {logged.actions[j]!r}, {wanted[j]:.1%} of its decisions, and {how}). Explore "
            "with these actions first, or value the policy on the customers who could get them."
        )
    matched = len(np.unique(logged.customer[weight > 0]))
    if matched < 2:
        return (
            "a policy needs at least 2 customers for whom the log did what it would do; "
            f"{matched} of {len(np.unique(logged.customer)):,} are (the action it takes most is "
            f"{logged.actions[int(wanted.argmax())]!r}). Log more decisions, or explore more."
        )
    return ""


def _warnings(
    logged: Logged, weight: Floats, effective: float, share: float, wanted: Floats, missing: Floats
) -> tuple[str, ...]:
    """Return what weakens a value, in sentences."""
    found = []
    if share > 0:
        names = ", ".join(repr(logged.actions[j]) for j in np.flatnonzero(missing > 0))
        found.append(f"{share:.2%} of the policy's decisions are actions that the log says nothing about: {names}.")
    if effective < _FEW_ROWS or effective < _SMALL_SHARE * logged.n_rows:
        found.append(
            f"The log speaks for the policy with the strength of {effective:,.0f} of its {logged.n_rows:,} rows."
        )
    largest, code = _largest_share(weight, logged.customer)
    if largest > _LARGE_SHARE:
        found.append(f"One customer (code {code}) carries {largest:.0%} of all weight.")
    mean = float(weight.mean())
    error = interval(mean, weight - mean, logged.customer).standard_error
    if abs(mean - 1) > _STANDARD_ERRORS * error and not share:
        found.append(
            f"The weights average {mean:.3f} +- {1.96 * error:.3f} where they should average 1: "
            "the propensities are not those that the log was drawn with."
        )
    return tuple(found)


def _largest_share(weight: Floats, customer: Codes) -> tuple[float, int]:
    """Return the largest share of all weight that one customer has, and whose it is."""
    sums = cluster_sums(weight, customer)
    total = float(sums.sum())
    if total == 0:
        return 0.0, 0
    return float(sums.max()) / total, int(np.unique(customer)[sums.argmax()])
