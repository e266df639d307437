"""What was tried on whom, and what came of it: the rows that effects of actions are learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError, broken_by, listed
from cxml.predictive.members import TrainingRows

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Rows of an action log whose outcome is known.

    Attributes
    ----------
    rows : TrainingRows
        The features of each row as of its moment, (n_rows, n_features), and its weight.
    action : array of shape (n_rows,)
        0 where nothing was done, k where ``actions[k - 1]`` was.
    actions : tuple of str
    outcome : array of shape (n_rows,), 0 or 1, or money or points
    propensity : array of shape (n_rows,)
        Probability of what was done. NaN where it was not logged; then those of all rows are estimated.
    customers : array of shape (n_rows,)
        Rows of one customer stay in one fold, and standard errors are clustered by customer.

    Raises
    ------
    SchemaError
        If the arrays are of different lengths, an action is none of ``actions``, an outcome is not known, or a
        propensity is no probability; all faults together.
    """

    rows: TrainingRows
    action: NDArray[np.intp]
    actions: tuple[str, ...]
    outcome: Array
    propensity: Array
    customers: NDArray[Any]

    def __post_init__(self) -> None:
        n = len(self.rows.matrix)
        columns = {
            "action": self.action,
            "outcome": self.outcome,
            "propensity": self.propensity,
            "customers": self.customers,
            "weight": self.rows.weight,
        }
        wrong = [f"{name} {np.shape(column)}" for name, column in columns.items() if np.shape(column) != (n,)]
        if wrong:
            raise SchemaError(
                f"experiment: must have one value for each of the {n:,} rows of features; "
                f"{', '.join(wrong)} has not. Hand over columns of one frame."
            )
        known = np.isin(self.action, np.arange(len(self.actions) + 1))
        weighted = np.isfinite(self.rows.weight) & (self.rows.weight > 0)
        probable = np.isnan(self.propensity) | ((self.propensity > 0) & (self.propensity <= 1))
        faults = [
            f"experiment.{name}: must be {rule}; {broken_by(int((~holds).sum()), n)} "
            f"(first: row {int(np.flatnonzero(~holds)[0])} has {columns[name][~holds][0]}). {remedy}"
            for name, rule, holds, remedy in (
                ("action", f"0, or 1 to {len(self.actions)}", known, "List every action of the log in `actions`."),
                ("outcome", "a known number", np.isfinite(self.outcome), "Leave rows out that have no outcome yet."),
                ("propensity", "above 0, and at most 1", probable, "Give what was not logged as missing (NaN)."),
                ("weight", "above 0", weighted, "Leave rows out that count for nobody."),
            )
            if not holds.all()
        ]
        if len(set(self.actions)) < len(self.actions):
            faults.append(f"experiment.actions: must be different names; they are {list(self.actions)}. Merge them.")
        if faults:
            raise SchemaError(listed(faults))

    @cached_property
    def customer_codes(self) -> NDArray[np.intp]:
        """The customers as whole numbers from 0 on, (n_rows,)."""
        return np.unique(self.customers, return_inverse=True)[1]

    @property
    def binary(self) -> bool:
        """Whether the outcome is a yes or no, 1 or 0, and not money or points."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.outcome)
