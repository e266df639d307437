"""What is measured on the rows: doubly robust effects, their mean, and how sure it is when customers come again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.evidence import EffectGroup

Array = NDArray[np.float64]
Z95: Final = 1.959963984540054
N_GROUPS: Final = 5


def doubly_robust_effects(
    outcome: Array, action: NDArray[np.intp], k: int, propensity: Array, treated: Array, untreated: Array
) -> Array:
    """Return the doubly robust (AIPW) effect of action k against none of each row, (n_rows,).

    Parameters
    ----------
    outcome, action, propensity : arrays of shape (n_rows,); the propensity is that of the action that was taken
    k : int
    treated, untreated : the outcomes to expect of each row under either, by models that have not seen it

    References
    ----------
    Robins, Rotnitzky and Zhao, Journal of the American Statistical Association 89, 1994.
    """
    surprise = (outcome - np.where(action == k, treated, untreated)) / propensity
    return treated - untreated + np.where(action == k, surprise, np.where(action == 0, -surprise, 0.0))


@dataclass(frozen=True)
class Mean:
    """A mean with its standard error and 95% interval."""

    value: float
    standard_error: float

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - Z95 * self.standard_error

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + Z95 * self.standard_error


def clustered_mean(values: Array, weight: Array, customers: NDArray[np.intp]) -> Mean:
    """Return the weighted mean of values whose customers, not rows, are independent.

    Parameters
    ----------
    values, weight : arrays of shape (n_rows,)
    customers : array of shape (n_rows,), a code of each, as `Experiment.customer_codes` gives them

    References
    ----------
    Liang and Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73, 1986.
    """
    total = float(weight.sum())
    mean = float(values @ weight) / total
    sums = np.bincount(customers, weights=weight * (values - mean))
    n = np.count_nonzero(np.bincount(customers))
    error = np.sqrt(float(sums @ sums) * (n / (n - 1) if n > 1 else np.nan)) / total
    return Mean(mean, float(error))


def effect_groups(said: Array, measured: Array, weight: Array, customers: NDArray[np.intp]) -> tuple[EffectGroup, ...]:
    """Return fifths of the rows by predicted effect, with what was measured on each; fewer where many are equal."""
    bounds = np.unique(np.quantile(said, np.arange(1, N_GROUPS) / N_GROUPS))
    bounds = bounds[bounds < said.max()]
    place = np.searchsorted(bounds, said)
    groups = []
    for g, upto in enumerate([*bounds.tolist(), np.inf]):
        rows = place == g
        found = clustered_mean(measured[rows], weight[rows], customers[rows])
        predicted = float(np.average(said[rows], weights=weight[rows]))
        groups.append(
            EffectGroup(
                int(rows.sum()), float(upto), predicted, found.value, found.low, found.high, found.standard_error
            )
        )
    return tuple(groups)


def saved_share(said: Array, measured: Array, mean: float, weight: Array, customers: NDArray[np.intp]) -> Mean:
    """Return the held-out DR score: which share of the squared distance to the measured effects is saved.

    Against giving everybody the mean; the mean itself has 0.

    References
    ----------
    Nie and Wager, "Quasi-oracle estimation of heterogeneous treatment effects", Biometrika 108, 2021, section 4
    (choice by held-out loss), with the doubly robust loss of Kennedy, Electronic Journal of Statistics 17, 2023.
    """
    start = (measured - mean) ** 2
    base = float(np.average(start, weights=weight))
    if base == 0:
        return Mean(0.0, 0.0)
    return clustered_mean((start - (measured - said) ** 2) / base, weight, customers)
