"""The effect of an option on each customer: measured where there is evidence, assumed where not, between by how much.

The assumption of the policy counts like one more measurement: its range, from ``effect_low`` to ``effect_high``, is
read as its 95% interval. The two are weighed by their precision, as normal prior and likelihood are
(Gelman et al., Bayesian Data Analysis, 3rd ed., 2.5). So what nobody measured is assumed, a thin log is shrunk to the
assumption, and a long one overrules it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import numbers
from cxml.conditions.coded import Coded
from cxml.prescriptive.policy import Option

Floats = NDArray[np.float64]
Column = NDArray[np.float64] | Coded

ASSUMED: Final = "assumed"
MEASURED: Final = "measured"
BETWEEN: Final = "measured and assumed"
_NEARLY: Final = 0.05
"""Evidence within so much of none, or of all, is named as none, or as all."""


@dataclass(frozen=True, eq=False)
class Effects:
    """The effect of an option on each customer, the lowest and highest it may be, and how much of it was measured.

    Changes of a probability, or of what the option is ``measured_by``; NaN where unknown. ``evidence`` is from 0, the
    policy assumes it, to 1, it was measured. Shapes (n_rows,).
    """

    value: Floats
    low: Floats
    high: Floats
    evidence: Floats


def effect_of(option: Option, columns: Mapping[str, Column], n_rows: int) -> Floats:
    """Return the effect of an option that decides: the expected one, or its low end where the policy is cautious."""
    if not option.cautious and not _is_measured(option, columns):
        return numbers(option.effect, columns, n_rows)
    found = effects_of(option, columns, n_rows)
    return found.low if option.cautious else found.value


def effects_of(option: Option, columns: Mapping[str, Column], n_rows: int) -> Effects:
    """Return the effect of an option on each customer; see `Effects`."""
    assumed, first, second = (
        numbers(tree, columns, n_rows) for tree in (option.effect, option.effect_low, option.effect_high)
    )
    low, high = np.fmin(first, second), np.fmax(first, second)
    if not _is_measured(option, columns):
        return Effects(assumed, low, high, np.zeros(n_rows))
    measured, measured_low, measured_high = (np.asarray(columns[name], dtype=np.float64) for name in option.measured)
    evidence = _evidence(assumed, high - low, measured_high - measured_low)
    evidence[np.isnan(measured)] = 0.0

    def mixed(one: Floats, other: Floats) -> Floats:
        weighed = evidence * one + (1 - evidence) * other
        found: Floats = np.where(evidence == 1, one, np.where(evidence == 0, other, weighed))
        return found

    return Effects(mixed(measured, assumed), mixed(measured_low, low), mixed(measured_high, high), evidence)


def effect_sources(evidence: Floats) -> NDArray[Any]:
    """Return in words where each effect comes from; shape (n_rows,)."""
    words = np.full(len(evidence), BETWEEN, dtype=object)
    words[evidence < _NEARLY] = ASSUMED
    words[evidence > 1 - _NEARLY] = MEASURED
    return words


def _is_measured(option: Option, columns: Mapping[str, Column]) -> bool:
    return bool(option.measured) and all(name in columns for name in option.measured)


def _evidence(assumed: Floats, assumed_width: Floats, measured_width: Floats) -> Floats:
    """Return the weight of a measurement beside an assumption, by the widths of their 95% intervals.

    Where nothing is assumed (0, without a range, or unknown), the measurement alone counts; where the assumption is
    stated without doubt (no range), it does.
    """
    prior, noise = assumed_width**2, measured_width**2
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(prior + noise > 0, prior / (prior + noise), 0.0)
    nothing = ~np.isfinite(assumed) | ((assumed == 0) & (prior == 0))
    found: Floats = np.where(nothing, 1.0, np.where(np.isfinite(weight), weight, 0.0))
    return found
