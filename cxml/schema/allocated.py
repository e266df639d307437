"""How well the limits of a run were used, as the prescriptive layer tells it and reports print it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LimitUse:
    """One limit of a run.

    ``amount`` is what there was and ``used`` what was used of it, in its own unit; ``price`` what one more unit would
    be worth, in what the choices are ranked by: money, where the policy has no weights. The amount of a fairness limit
    is a difference of shares, and its price that of a whole 1.0 more.
    """

    name: str
    amount: float
    used: float
    price: float


@dataclass(frozen=True)
class Allocated:
    """How well the limits of a run were used.

    ``value`` is what the choices are ranked by, added up over the ``n_customers`` who were decided by worth, neither
    held out nor explored with; no other choice within the limits is worth more than ``bound``. ``method`` is
    ``arbitration`` where nothing was short, else ``lagrange`` or, for an exact optimum, ``highs``.
    """

    method: str
    n_customers: int
    value: float
    bound: float
    limits: tuple[LimitUse, ...]

    @property
    def gap(self) -> float:
        """How far the value may be from the best, as a share of the best."""
        return max(self.bound - self.value, 0.0) / abs(self.bound) if self.bound else 0.0
