"""Whether an action's effect differs between rows at all, as far as predicted effects can tell."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.splits import Rows

Array = NDArray[np.float64]
LEVEL: Final = 0.05


def p_heterogeneity(
    said: Array, measured: Array, weight: Array, customers: NDArray[np.intp], folds: Sequence[tuple[Rows, Rows]]
) -> float:
    """Return the one-sided p of the test that measured effects rise with predicted ones.

    Where the effect is the same for all, the sum over held-out rows of predicted times measured effect, both less
    their mean in the fold, is about normal around 0. Any two folds predict each other from the same pairs of rows, so
    its variance is up to twice what independent folds would have: taken as independent, 10% of 320 experiments without
    a difference were said to have one by the T-learner, and 4% so.
    """
    of_row = np.zeros(len(said))
    for _, test in folds:
        w = weight[test]
        off = said[test] - np.average(said[test], weights=w)
        of_row[test] = w * off * (measured[test] - np.average(measured[test], weights=w))
    sums = np.bincount(customers, weights=of_row)
    spread = sqrt(2 * float(sums @ sums))
    return 0.5 * erfc(float(sums.sum()) / spread / sqrt(2)) if spread > 0 else 1.0
