"""The average effect on a yes or no as a change of log-odds that is the same for everybody."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.effect import expected

Array = NDArray[np.float64]
_MOST: Final = 60.0  # of a change of log-odds


def common_change(raw: Array, average: float, weight: Array) -> float:
    """Return the change of everybody's log-odds, half of it up and half of it down, that has some average effect.

    An effect that is the same for all would let those who stay anyway stay by five points more.

    Parameters
    ----------
    raw : log-odds of each row midway between treated and untreated, (n_rows,)
    average : of the effects, -1 to 1; what no change can reach is given the largest
    weight : of each row, (n_rows,)
    """
    low, high = -_MOST, _MOST
    for _ in range(80):  # halves of 120: down to the last bits
        middle = 0.5 * (low + high)
        effect = expected(raw + 0.5 * middle, "logit") - expected(raw - 0.5 * middle, "logit")
        if float(np.average(effect, weights=weight)) < average:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
