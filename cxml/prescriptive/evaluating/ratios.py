"""The interval of a ratio of two uncertain numbers, which may have no end, or say nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.evaluating.intervals import student

Floats = NDArray[np.float64]
Kind = Literal["bounded", "unbounded", "undefined"]


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95% interval.

    Attributes
    ----------
    value : NaN where what is divided by is not positive
    low, high : ends of the interval; infinite where it has none, NaN where it says nothing
    kind : 'bounded', 'unbounded' (what is divided by may be 0) or 'undefined' (it is not positive, or anything may be)
    meaning : what the interval says, in a sentence
    """

    value: float
    low: float
    high: float
    kind: Kind
    meaning: str

    def __str__(self) -> str:
        return self.meaning


def ratio(of: tuple[float, Floats], per: tuple[float, Floats], nothing: str) -> Ratio:
    """Return a ratio of two means over the same customers, with Fieller's interval.

    Parameters
    ----------
    of, per : mean, with by how much each customer moves it, shape (n_customers,)
    nothing : what it means that `per` is 0, such as ``nobody was saved``

    Returns
    -------
    Ratio
        All values that a test at 5% does not reject. Where `per` may be 0 these have no end on one side, and the
        interval is what lies on the positive side of it; with `per` itself not above 0 there is no ratio.

    References
    ----------
    Fieller, "Some Problems in Interval Estimation", Journal of the Royal Statistical Society B, 1954.
    """
    (a, moved_a), (b, moved_b) = of, per
    n = len(moved_a)
    if b <= 0:
        return Ratio(
            np.nan,
            np.nan,
            np.nan,
            "undefined",
            f"undefined: as far as the holdout tells, {nothing} ({b:,.4g} for each customer).",
        )
    value = a / b
    reach = student(moved_a - value * moved_b) ** 2 / (n * (n - 1.0))
    aa, ab, bb = (reach * float((x * y).sum()) for x, y in ((moved_a, moved_a), (moved_a, moved_b), (moved_b, moved_b)))
    # (a - r b)^2 <= t^2 (var a - 2 r cov + r^2 var b), a quadratic inequality in r.
    square, half, constant = b * b - bb, a * b - ab, a * a - aa
    root = half * half - square * constant
    if square > 0:
        low, high = ((half + sign * np.sqrt(max(root, 0.0))) / square for sign in (-1, 1))
        return Ratio(value, float(low), float(high), "bounded", f"{value:,.2f} [{low:,.2f}, {high:,.2f}]")
    may = f"it cannot be ruled out that {nothing}"
    if root < 0 or square == 0:
        return Ratio(value, np.nan, np.nan, "undefined", f"{value:,.2f}, but it may be anything: {may}.")
    ends = sorted((half + sign * np.sqrt(root)) / square for sign in (-1, 1))
    if value >= ends[1]:
        return Ratio(value, float(ends[1]), np.inf, "unbounded", f"{value:,.2f}, at least {ends[1]:,.2f}: {may}.")
    return Ratio(value, -np.inf, float(ends[0]), "unbounded", f"{value:,.2f}, at most {ends[0]:,.2f}: {may}.")
