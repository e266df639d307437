"""Which option each customer gets where limits hold for all of them together: the most worth, and what limits cost.

One option for each customer, several limits on what all choices use: a multiple-choice knapsack. Prices are put on the
limits (Lagrangian relaxation), each customer takes the option of which most is left, choices are repaired until every
limit holds, and small problems are then solved exactly. At any prices, what is left of all worth plus what the limits
are worth is no less than the best value that there is: so the gap to it is proven.

References
----------
Kellerer, Pferschy, Pisinger, "Knapsack Problems", Springer, 2004, chapters 11 and 12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.allocating.allocation_faults import refuse_faults
from cxml.prescriptive.allocating.lagrange import priced
from cxml.prescriptive.allocating.layout import parity_of, relaxation_of
from cxml.prescriptive.allocating.relaxation import Booleans, Floats, Integers, Parity, first_best, in_blocks
from cxml.prescriptive.allocating.repair import is_fair

# The most open pairs of a customer and an option whose exact optimum is looked for.
EXACT_UP_TO: Final = 1_000


@dataclass(frozen=True, eq=False)
class Limit:
    """What all choices together may use.

    ``use`` is what a choice uses, >= 0, of shape (n_options,) or (n_customers, n_options), in the unit of ``amount``;
    0 for the option that is nothing.
    """

    name: str
    amount: float
    use: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fairness:
    """How far apart the groups' shares of customers who get one of some options may be.

    ``group`` has shape (n_customers,), -1 for who is of no group; ``options`` (n_options,) are counted together.
    A group without customers is not compared.
    """

    name: str
    group: NDArray[np.int64]
    options: NDArray[np.bool_]
    max_difference: float


@dataclass(frozen=True, eq=False)
class Ranking:
    """For each customer, the best option other than the chosen one at the limits' prices.

    ``runner_up`` (n_customers,) is -1 where there is no other; ``margin`` is by how much more is left of the worth of
    what was chosen: below zero where a limit allowed no better, infinite where there is no other.
    """

    runner_up: NDArray[np.int64]
    margin: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Allocation:
    """What each customer gets, and what the limits cost.

    Attributes
    ----------
    chosen : shape (n_customers,), the option of each
    value : the worth of all choices
    bound : no allocation within the limits is worth more, but for the rounding of sums
    gap : ``bound - value`` as a share of the bound
    prices : by limit, what one more unit would be worth; by fairness limit, what a whole 1.0 more of allowed
        difference would be, so that .01 more is worth a hundredth of it
    used : by limit, what is used; by fairness limit, the largest difference
    method : ``arbitration`` where everybody's best option is within all limits
    fees : by fairness limit, what a customer of each group (and, last, of none) pays for one of its options
    """

    chosen: NDArray[np.int64]
    value: float
    bound: float
    gap: float
    prices: dict[str, float]
    used: dict[str, float]
    method: Literal["arbitration", "lagrange", "highs"]
    fees: dict[str, NDArray[np.float64]]
    _worth: Floats = field(repr=False)
    _limits: tuple[Limit, ...] = field(repr=False)
    _fairness: tuple[Fairness, ...] = field(repr=False)

    def nets(self, rows: slice) -> NDArray[np.float64]:
        """Return what is left of each worth at the limits' prices, shape (rows, n_options).

        -inf where a customer may not have an option, or where it alone is more than a limit.
        """
        net = self._worth[rows].copy()
        for limit in self._limits:
            use = limit.use if limit.use.ndim == 1 else limit.use[rows]
            if price := self.prices[limit.name]:
                net -= np.where(use <= limit.amount, price * use, 0.0)
            net[np.broadcast_to(~(use <= limit.amount), net.shape)] = -np.inf
        for fairness in self._fairness:
            if (fees := self.fees[fairness.name]).any():
                net[:, np.flatnonzero(fairness.options)] -= fees[fairness.group[rows]][:, None]
        return net

    def ranking(self) -> Ranking:
        """Return the runner-up of each customer, and by how much it is behind."""

        def block(rows: slice) -> tuple[Integers, Floats]:
            net, chosen = self.nets(rows), self.chosen[rows]
            at = np.arange(len(chosen))
            mine = net[at, chosen]
            net[at, chosen] = -np.inf
            best, other = first_best(np.ascontiguousarray(net.T))
            return np.where(best > -np.inf, other, -1), mine - best

        parts = in_blocks(block, len(self.chosen))
        return Ranking(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def allocation(
    worth: NDArray[np.float64],
    nothing: int,
    limits: Sequence[Limit],
    fairness: Sequence[Fairness] = (),
    *,
    exact_up_to: int = EXACT_UP_TO,
) -> Allocation:
    """Choose one option for each customer, so that all choices are worth the most within every limit.

    Parameters
    ----------
    worth : shape (n_customers, n_options)
        What each option is worth for each customer; -inf where the customer may not have it.
    nothing : the column of the option that is always possible and uses nothing
    limits : what all choices together may use
    fairness : how far apart the groups' rates may be
    exact_up_to : the most pairs of a customer and an option for which an exact optimum is looked for

    Returns
    -------
    Allocation
        Every limit holds: what is used, added up by ``numpy.sum`` in the order of the customers and exactly rounded by
        ``math.fsum``, is no more than its amount; and no two groups' rates differ by more than allowed, compared as
        whole customers. The same inputs give the same choices, whatever the number of threads; of options of which
        equally much is left, the first is taken.

    Raises
    ------
    ConfigError
        If a use or an amount is negative or not a number, nothing is not possible or uses something, or the shapes do
        not fit; all faults together.

    Examples
    --------
    Three customers, two hours; the third has to do without, and one more hour would be worth 5.

    >>> worth = np.array([[9.0, 0.0], [7.0, 0.0], [5.0, 0.0]])
    >>> found = allocation(worth, 1, [Limit("hours", 2.0, np.array([1.0, 0.0]))])
    >>> found.chosen.tolist(), found.value, found.gap
    ([0, 0, 1], 16.0, 0.0)
    """
    worth = np.asarray(worth, dtype=np.float64)
    refuse_faults(worth, nothing, limits, fairness)
    n = len(worth)
    parities = {limit.name: parity for limit in fairness if (parity := parity_of(limit))}
    prices = dict.fromkeys([limit.name for limit in limits] + [limit.name for limit in fairness], 0.0)
    fees = {limit.name: np.zeros(int(limit.group.max(initial=-1)) + 2) for limit in fairness}

    def over(chosen: Integers) -> Booleans:
        return np.array([_used(limit, chosen) > limit.amount for limit in limits], dtype=bool)

    def best(rows: slice) -> tuple[Floats, Integers]:
        return first_best(np.ascontiguousarray(worth[rows].T))

    chosen = np.concatenate([part[1] for part in in_blocks(best, n)])
    method: Literal["arbitration", "lagrange", "highs"] = "arbitration"
    value = bound = _worth(worth, chosen)
    if over(chosen).any() or not all(is_fair(p.counts(chosen), p) for p in parities.values()):
        relaxation = relaxation_of(worth, nothing, limits, tuple(parities.values()))
        found = priced(relaxation, over, exact_up_to)
        chosen, method = found.chosen, "highs" if found.exact else "lagrange"
        value = _worth(worth, chosen)
        bound = max(value, value + (found.bound - found.value) * relaxation.unit)
        for limit, price in zip(limits, found.point.limits, strict=True):
            prices[limit.name] = float(price) * relaxation.unit / limit.amount if limit.amount > 0 else 0.0
        for (name, parity), group_prices in zip(parities.items(), found.point.groups, strict=True):
            prices[name] = float(np.maximum(group_prices, 0.0).sum()) * relaxation.unit
            fees[name][parity.names] = group_prices / parity.sizes * relaxation.unit
    used = {limit.name: _used(limit, chosen) for limit in limits}
    used |= {parity.name: _difference(chosen, parities.get(parity.name)) for parity in fairness}
    gap = (bound - value) / abs(bound) if bound > value else 0.0
    return Allocation(chosen, value, bound, gap, prices, used, method, fees, worth, tuple(limits), tuple(fairness))


def _worth(worth: Floats, chosen: Integers) -> float:
    return float(worth[np.arange(len(chosen)), chosen].sum())


def _used(limit: Limit, chosen: Integers) -> float:
    """Return what choices use of a limit; where rounding could matter, the higher of two ways to add up."""
    use = limit.use[chosen] if limit.use.ndim == 1 else limit.use[np.arange(len(chosen)), chosen]
    used = float(use.sum())
    return max(used, math.fsum(use[use > 0].tolist())) if abs(used - limit.amount) <= 1e-9 * limit.amount else used


def _difference(chosen: Integers, parity: Parity | None) -> float:
    if parity is None:
        return 0.0
    rates = parity.counts(chosen) / parity.sizes
    return float(rates.max() - rates.min())
