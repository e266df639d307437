"""The functions of one number, as all ways to run an expression have them: NaN for what is out of the domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final


def floor(x: float) -> float:
    """Return the greatest whole number that is not above x."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """Return the least whole number that is not below x."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def sqrt(x: float) -> float:
    """Return the square root, NaN below 0."""
    return math.nan if x < 0 else math.sqrt(x)


def ln(x: float) -> float:
    """Return the natural logarithm, NaN at 0 and below."""
    return math.nan if x <= 0 else math.log(x)


def exp(x: float) -> float:
    """Return e to the power of x, infinite where that overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def quotient(a: float, b: float) -> float:
    """Return a / b, NaN where b is 0: in SQL a division by zero is unknown, not infinite."""
    return a / b if b else math.nan


OF_ONE: Final[Mapping[str, Callable[[float], float]]] = {
    "abs": abs,
    "floor": floor,
    "ceil": ceil,
    "sqrt": sqrt,
    "ln": ln,
    "exp": exp,
}
