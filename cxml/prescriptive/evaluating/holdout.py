"""What a policy brought: customers who got its decisions against those held out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError, broken_by, listed
from cxml.prescriptive.evaluating.intervals import interval
from cxml.prescriptive.evaluating.logged import Codes, Floats
from cxml.prescriptive.evaluating.ratios import Ratio, ratio

Of = Literal["customers", "decisions"]
_FEWEST: Final = 2


@dataclass(frozen=True)
class Incremental:
    """What treated customers brought beyond those held out, with 95% intervals.

    Attributes
    ----------
    each, low, high, standard_error : for each treated customer, or decision
    total, total_low, total_high : for all of them
    n_treated, n_held_out : customers, or decisions
    """

    each: float
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


def incremental(
    reward: NDArray[Any], held_out: NDArray[np.bool_], customer: NDArray[Any], *, of: Of = "customers"
) -> Incremental:
    """Return what a policy brought against the holdout: for each who was treated, and in total.

    Parameters
    ----------
    reward : array of shape (n_rows,)
        Money, or 0 and 1, or points; all known.
    held_out : array of shape (n_rows,)
        Whether the customer of each row was held out, drawn at random and for good.
    customer : array of shape (n_rows,)
        Customers are what was drawn, so they are what is independent.
    of : what is compared
        ``customers``: money, which a customer's rows add up to. ``decisions``: a share or points, of which a customer's
        rows are as many cases.

    Returns
    -------
    Incremental

    Raises
    ------
    SchemaError
        If a reward is unknown, a customer is on both sides, or a side has fewer than 2 customers.
    """
    arms = _arms(customer, held_out, reward=reward)
    value, influence = _difference(arms, "reward", of)
    found = interval(value, influence, np.arange(len(influence)))
    sides = arms.held_out if of == "customers" else np.asarray(held_out)
    n_treated = int((~sides).sum())
    return Incremental(
        each=value,
        low=found.low,
        high=found.high,
        standard_error=found.standard_error,
        total=n_treated * value,
        total_low=n_treated * found.low,
        total_high=n_treated * found.high,
        n_treated=n_treated,
        n_held_out=int(sides.sum()),
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
    of, per = (_difference(arms, name, "customers") for name in ("reward", "cost"))
    return ratio(of, per, "nothing was spent")


def cost_per_saved(
    saved: NDArray[Any], cost: NDArray[Any], held_out: NDArray[np.bool_], customer: NDArray[Any]
) -> Ratio:
    """Return what it cost to save a customer who would have been lost: incremental cost over incremental successes.

    Parameters
    ----------
    saved : array of shape (n_rows,)
        1 where the customer stayed, else 0; all known. Of several rows of a customer each is a case.
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
    of, per = (_difference(arms, name, "decisions") for name in ("cost", "saved"))
    return ratio(of, per, "nobody was saved")


@dataclass(frozen=True, eq=False)
class _Arms:
    """The customers of both sides, their rows, and what these sum up to; arrays of shape (n_customers,)."""

    held_out: NDArray[np.bool_]
    n_rows: Floats
    sums: dict[str, Floats]


def _difference(arms: _Arms, name: str, of: Of) -> tuple[float, Floats]:
    """Return the mean of treated less that of held out, and by how much each customer moves that; (n_customers,)."""
    n, cases = len(arms.held_out), np.ones_like(arms.n_rows) if of == "customers" else arms.n_rows
    influence, means = np.empty(n), []
    for sign, side in ((1, ~arms.held_out), (-1, arms.held_out)):
        sums, of_each = arms.sums[name][side], cases[side]
        mean, m = sums.sum() / of_each.sum(), len(sums)
        # n / (m - 1) rather than n / m: the variance of each arm is then that of Welch's test.
        influence[side] = sign * (sums - mean * of_each) / of_each.mean() * n / np.sqrt(m * (m - 1.0))
        means.append(float(mean))
    return means[0] - means[1], influence * np.sqrt((n - 1) / n)


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
    return _Arms(side, np.bincount(code).astype(np.float64), sums)


def _sums(code: Codes, values: NDArray[Any]) -> Floats:
    return np.bincount(code, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
