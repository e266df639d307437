"""Probabilities that mean what they say: a monotone map of raw scores, fitted on rows not seen, applied in NumPy.

`Calibration` is the map of one binary head and all that serving needs; `cxml.predictive.fitted_calibration` finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError

Array = NDArray[np.float64]
Kind = Literal["temperature", "beta", "venn_abers", "isotonic"]
_N_PARAMETERS: Final[Mapping[str, int]] = {"temperature": 1, "beta": 3, "venn_abers": 0, "isotonic": 0}


@dataclass(frozen=True)
class Calibration:
    """A monotone map from the raw log-odds of one binary head to the probability that it happens.

    With s = sigmoid(raw), by ``kind``:

    - ``temperature``: sigmoid(a x raw), ``parameters`` (a,), a > 0. Guo et al., ICML 2017; keeps every difference in
      the order of customers and cannot overfit a few rows.
    - ``beta``: log-odds a x ln s - b x ln(1 - s) + c, ``parameters`` (a, b, c), a and b >= 0. Kull, Silva Filho and
      Flach, AISTATS 2017; bends each end on its own.
    - ``isotonic``: straight lines between the knots ``at``, where the probability is ``levels``, flat beyond. Zadrozny
      and Elkan, KDD 2002.
    - ``venn_abers``: steps; ``levels[2 i]`` below the knot ``at[i]`` (and above the one before), ``levels[2 i + 1]`` on
      it. Vovk, Petej and Fedorova, NeurIPS 2015; the probability merged from their two is p1 / (1 - p0 + p1).

    Examples
    --------
    >>> Calibration("temperature", parameters=(0.5,)).probability(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.731])
    """

    kind: Kind
    parameters: tuple[float, ...] = ()
    at: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def probability(self, raw: Array) -> Array:
        """Return the probability of each row; one row alone has the bits that it has among many.

        Parameters
        ----------
        raw : array of shape (n_rows,), log-odds; NaN where the model does not speak

        Returns
        -------
        array of shape (n_rows,), NaN where ``raw`` is
        """
        missing = np.isnan(raw)
        return np.where(missing, np.nan, self._known(np.where(missing, 0.0, raw)))

    def _known(self, raw: Array) -> Array:
        if self.kind == "temperature":
            return sigmoid(self.parameters[0] * raw)
        if self.kind == "beta":
            a, b, c = self.parameters
            return sigmoid(c + a * -np.logaddexp(0.0, -raw) + b * np.logaddexp(0.0, raw))
        at, levels = self._table
        if self.kind == "venn_abers":
            steps = np.searchsorted(at, raw, side="left") + np.searchsorted(at, raw, side="right")
            return np.asarray(levels[steps])
        within = np.clip(raw, at[0], at[-1])
        lower = np.clip(np.searchsorted(at, within, side="right") - 1, 0, max(len(at) - 2, 0))
        upper = np.minimum(lower + 1, len(at) - 1)
        part = (within - at[lower]) / np.where(at[upper] > at[lower], at[upper] - at[lower], 1.0)
        return np.minimum(levels[lower] + part * (levels[upper] - levels[lower]), levels[upper])

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        return np.array(self.at), np.array(self.levels)

    def to_json(self) -> dict[str, Any]:
        """Return the map as JSON can hold it; every number comes back with its bits."""
        return {name: value if name == "kind" else list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        BundleError
            If it is no such map, or one that is not monotone.
        """
        try:
            numbers = {name: tuple(map(float, written[name])) for name in ("parameters", "at", "levels")}
            found = cls(written["kind"], **numbers)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"calibration: needs kind, parameters, at and levels; {error!r}. Train again.") from error
        if fault := _fault(found):
            raise BundleError(f"calibration: {fault}. Train again.")
        return found


def sigmoid(log_odds: Array) -> Array:
    """Return the probability of log-odds: 1 / (1 + exp(-log-odds)); NaN stays NaN."""
    # Beyond exp(700) lies infinity, and a warning; 1e-304 is as good as 0.
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum(-log_odds, 700.0))))


def _fault(map_: Calibration) -> str | None:
    """Return what is wrong with a map that was read, if anything."""
    if map_.kind not in get_args(Kind):
        return f"kind must be one of {', '.join(get_args(Kind))}; it is {map_.kind!r}"
    if len(map_.parameters) != _N_PARAMETERS[map_.kind]:
        return f"{map_.kind} has {_N_PARAMETERS[map_.kind]} parameters; there are {len(map_.parameters)}"
    if not np.isfinite([*map_.parameters, *map_.at, *map_.levels]).all():
        return "every number must be finite"
    if map_.kind in ("temperature", "beta"):
        slopes = map_.parameters[:2]
        return "slopes must not be negative" if min(slopes) < 0 else None
    n_levels = len(map_.at) if map_.kind == "isotonic" else 2 * len(map_.at) + 1
    if not map_.at or len(map_.levels) != n_levels:
        return f"{map_.kind} needs a level for each knot; {len(map_.at)} knots, {len(map_.levels)} levels"
    if (np.diff(map_.at) <= 0).any() or (np.diff(map_.levels) < 0).any():
        return "knots and levels must rise"
    return None if map_.levels[0] >= 0 and map_.levels[-1] <= 1 else "levels must be from 0 to 1"
