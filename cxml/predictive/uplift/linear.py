"""What an action changes of a raw score as a sum over features: straight lines, flat beyond; served with NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError
from cxml.predictive.additive import Additive

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """A regression whose coefficients are mostly zero (lasso); `cxml.predictive.uplift.lasso` learns it.

    Attributes
    ----------
    columns : of the features that count
    curves : one of each of them, and one of the raw score of what all rows have in common, which is the last
    """

    columns: tuple[int, ...]
    curves: Additive

    def raw_scores(self, matrix: Array, common: Array) -> Array:
        """Return what the action changes of the raw score of each row, (n_rows,).

        Parameters
        ----------
        matrix : features, shape (n_rows, n_features)
        common : raw scores of what all rows have in common, shape (n_rows,)
        """
        return self.curves.raw_scores(np.column_stack([matrix[:, list(self.columns)], common]))

    def to_json(self) -> dict[str, Any]:
        """Return the regression as JSON can hold it; every number comes back with its bits."""
        return {"columns": list(self.columns), "curves": self.curves.to_json()}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        BundleError
            If it is no such regression.
        """
        try:
            found = cls(tuple(map(int, written["columns"])), Additive.from_json(written["curves"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"linear effect: needs columns and curves; {error!r}. Train again.") from error
        if len(found.curves.curves) != len(found.columns) + 1 or min(found.columns, default=0) < 0:
            raise BundleError("linear effect: must have a curve of each column and one more. Train again.")
        return found
