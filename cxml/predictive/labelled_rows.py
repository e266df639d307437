"""Labelled rows in folds by customer, and what probabilities take away from what is not known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.measures import Measure

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

FOLDS: Final = 4
ERRORS: Final = 3.0
"""Standard errors of an interval, one-sided .1%: some 150 columns are asked."""


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Labels of rows as codes of ``n_classes`` classes, the customer of each as a number, and the fold of each.

    All have shape (n_rows,). No customer is in two folds.
    """

    y: Codes
    n_classes: int
    customer: Codes
    fold: Codes

    @classmethod
    def of(cls, y: Codes, customers: NDArray[Any], *, n_classes: int, random_state: int) -> LabelledRows:
        """Return rows with folds drawn by customer, about the same classes in each.

        `customer_folds` weighs every customer against every fold, which takes 8 s for 45,211 customers.
        """
        _, customer = np.unique(customers, return_inverse=True)
        drawn = np.random.default_rng(random_state).permutation(int(customer.max()) + 1)
        mean = np.bincount(customer, y) / np.bincount(customer)
        place = np.empty(len(drawn), dtype=np.intp)
        place[drawn[np.argsort(mean[drawn], kind="stable")]] = np.arange(len(drawn))
        return cls(y, n_classes, customer.astype(np.intp), place[customer] % FOLDS)

    def only(self, chosen: Flags) -> LabelledRows:
        """Return some of the rows, in their folds."""
        _, customer = np.unique(self.customer[chosen], return_inverse=True)
        return LabelledRows(self.y[chosen], self.n_classes, customer.astype(np.intp), self.fold[chosen])

    @property
    def shares(self) -> Floats:
        """Return the share of each class, as if each had one row more."""
        counts = np.bincount(self.y, minlength=self.n_classes) + 1.0
        return np.asarray(counts / counts.sum())

    def losses(self, p: Floats) -> Floats:
        """Return the negative log probability of the class of each row; shape (n_rows,)."""
        return np.asarray(-np.log(np.clip(p[np.arange(len(self.y)), self.y], 1e-9, None)))

    @property
    def base_losses(self) -> Floats:
        """Return the loss of each row where nothing is known but the shares of the classes."""
        return np.asarray(-np.log(self.shares)[self.y])

    def standard_error(self, values: Floats) -> float:
        """Return the standard error of the mean of a value of each row, customers being independent, rows not."""
        sums = np.bincount(self.customer, values - values.mean())
        return float(np.sqrt((sums**2).sum()) / len(values))

    def taken(self, losses: Floats, p: Floats, name: str) -> Measure:
        """Return the share of losses that probabilities take away, with its interval of three standard errors."""
        gain, whole = losses - self.losses(p), float(losses.mean())
        value, error = float(gain.mean()) / whole, ERRORS * self.standard_error(gain) / whole
        return Measure(name, value, value - error, value + error)


def last_rows(rows: LabelledRows, as_of: NDArray[Any]) -> Flags:
    """Return which row is the last of its customer."""
    order = np.lexsort((as_of, rows.customer))
    last = np.zeros(len(order), dtype=np.bool_)
    last[order[np.append(np.diff(rows.customer[order]) != 0, True)]] = True
    return last


def of_some_customers(rows: LabelledRows, most: int, random_state: int) -> Flags:
    """Return the rows of so many customers, drawn by chance, that they are no more than ``most``."""
    if len(rows.y) <= most:
        return np.ones(len(rows.y), dtype=np.bool_)
    drawn = np.random.default_rng(random_state).permutation(int(rows.customer.max()) + 1)
    kept = np.zeros(len(drawn), dtype=np.bool_)
    kept[drawn[np.bincount(rows.customer)[drawn].cumsum() <= most]] = True
    return kept[rows.customer]
