"""What a policy brought: customers who got its decisions against those held out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError, broken_by, listed
from cxml.prescriptive.evaluating.intervals import interval
from cxml.prescriptive.evaluating.logged import Codes, Floats
from cxml.prescriptive.evaluating.ratios import Ratio, ratio

_FEWEST: Final = 2


@dataclass(frozen=True)
class Incremental:
    """What treated customers brought beyond those held out, with 95% intervals.

    Attributes
    ----------
    per_customer, low, high, standard_error : for each treated customer
    total, total_low, total_high : for all of them
    n_treated, n_held_out : customers
    """

    per_customer: float
    low: float
    high: float
    standard_error: float
    total: float
    total_low: float
    total_high: float
    n_treated: int
    n_held_out: int

    def __str__(self) -> str:
        return f"{self.total:,.2f} [{self.total_low:,.2f}, {self.total_high:,.2f}]"


def incremental(reward: NDArray[Any], held_out: NDArray[np.bool_], customer: NDArray[Any]) -> Incremental:
    """Return what a policy brought against the holdout: per treated customer, and in total.

    Parameters
    ----------
    reward : array of shape (n_rows,)
        Money, or 0 and 1; all known. A customer's rows add up.
    held_out : array of shape (n_rows,)
        Whether the customer of each row was held out, drawn at random and for good.
    customer : array of shape (n_rows,)
        Customers are what was drawn, so they are what is compared.

    Returns
    -------
    Incremental

    Raises
    ------
    SchemaError
        If a reward is unknown, a customer is on both sides, or a side has fewer than 2 customers.
    """
    arms = _arms(customer, held_out, reward=reward)
    value, influence = _difference(arms.sums["reward"], arms.held_out)
    found = interval(value, influence, np.arange(len(influence)))
    n_treated = int((~arms.held_out).sum())
    return Incremental(
        per_customer=value,
        low=found.low,
        high=found.high,
        standard_error=found.standard_error,
        total=n_treated * value,
        total_low=n_treated * found.low,
        total_high=n_treated * found.high,
        n_treated=n_treated,
        n_held_out=int(arms.held_out.sum()),
    )


def return_on_cost(
    reward: NDArray[Any], cost: NDArray[Any], held_out: NDArray[np.bool_], customer: NDArray[Any]
) -> Ratio:
    """Return what each unit of cost brought: incremental reward over incremental cost; 1 is to break even.

    Parameters
    ----------
    reward : array of shape (n_rows,), before costs
    cost : array of shape (n_rows,)
        What the decisions cost; all known, 0 for those held out.
    held_out, customer : as for `incremental`

    Returns
    -------
    Ratio

    Raises
    ------
    SchemaError
        As `incremental`.
    """
    arms = _arms(customer, held_out, reward=reward, cost=cost)
    of, per = (_difference(arms.sums[name], arms.held_out) for name in ("reward", "cost"))
    return ratio(of, per, "nothing was spent")


def cost_per_saved(
    saved: NDArray[Any], cost: NDArray[Any], held_out: NDArray[np.bool_], customer: NDArray[Any]
) -> Ratio:
    """Return what it cost to save a customer who would have been lost: incremental cost over incremental successes.

    Parameters
    ----------
    saved : array of shape (n_rows,)
        1 where the customer stayed, else 0; all known, one row per customer.
    cost, held_out, customer : as for `return_on_cost`

    Returns
    -------
    Ratio
        Without an upper end where the policy may have saved nobody.

    Raises
    ------
    SchemaError
        As `incremental`.
    """
    arms = _arms(customer, held_out, saved=saved, cost=cost)
    of, per = (_difference(arms.sums[name], arms.held_out) for name in ("cost", "saved"))
    return ratio(of, per, "nobody was saved")


@dataclass(frozen=True, eq=False)
class _Arms:
    """The customers of both sides, and what each of them sums up to; arrays of shape (n_customers,)."""

    held_out: NDArray[np.bool_]
    sums: dict[str, Floats]


def _difference(sums: Floats, held_out: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return treated less held out, and by how much each customer moves that; shape (n_customers,)."""
    treated, held = sums[~held_out], sums[held_out]
    n = len(sums)
    influence = np.empty(n)
    # n / (n_arm - 1) rather than n / n_arm: the variance of each arm is then that of Welch's test.
    influence[~held_out] = (treated - treated.mean()) * n / np.sqrt(len(treated) * (len(treated) - 1.0))
    influence[held_out] = -(held - held.mean()) * n / np.sqrt(len(held) * (len(held) - 1.0))
    return float(treated.mean() - held.mean()), influence * np.sqrt((n - 1) / n)


def _arms(customer: NDArray[Any], held_out: NDArray[np.bool_], **columns: NDArray[Any]) -> _Arms:
    """Return the sums of each customer, or raise `SchemaError` with every fault."""
    n_rows = len(customer)
    held_out = np.asarray(held_out)
    faults = [
        f"{name}: must have a value for each of {n_rows:,} rows; its shape is {np.shape(values)}. Give one per row."
        for name, values in {"held_out": held_out, **columns}.items()
        if np.shape(values) != (n_rows,)
    ]
    if faults:
        raise SchemaError(listed(faults))
    if held_out.dtype != bool:
        raise SchemaError(f"held_out: must be true or false; it is {held_out.dtype}. An unknown side is no side.")
    for name, values in columns.items():
        unknown = ~np.isfinite(np.asarray(values, dtype=np.float64))
        if unknown.any():
            faults.append(
                f"{name}: must be known; {broken_by(int(unknown.sum()), n_rows)} (first: row {int(unknown.argmax())}). "
                "Leave out decisions whose outcome has not matured, on both sides."
            )
    names, first, code = np.unique(customer, return_index=True, return_inverse=True)
    side = held_out[first]
    both = np.flatnonzero(side[code] != held_out)
    if len(both):
        faults.append(
            f"held_out: a customer is held out for good or not at all; {len(np.unique(code[both])):,} of "
            f"{len(names):,} customers are both (first: row {both[0]}, customer {np.asarray(customer)[both[0]]!r}). "
            "Take each customer's side from the draw that was first."
        )
    if min(side.sum(), (~side).sum()) < _FEWEST:
        faults.append(
            f"held_out: each side must have at least {_FEWEST} customers; {int(side.sum()):,} of {len(names):,} are "
            "held out. Set `holdout_share` in the policy, and wait."
        )
    if faults:
        raise SchemaError(listed(faults))
    sums = {name: _sums(code, values) for name, values in columns.items()}
    return _Arms(side, sums)


def _sums(code: Codes, values: NDArray[Any]) -> Floats:
    return np.bincount(code, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
