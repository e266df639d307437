"""An additive model: one curve a feature, added up; trained by `cxml.predictive.splines`, applied in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError

Array = NDArray[np.float64]
_BLOCK: Final = 4_096  # rows at once: rows x features x knots of booleans stay within a few megabytes


@dataclass(frozen=True)
class Curve:
    """What one feature adds to the log-odds.

    A number: straight lines through ``values`` at the rising ``knots``, flat beyond the first and the last. A name
    (no ``knots``): the value of its code. ``missing`` where the feature is not known, or its name is a new one.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]
    missing: float


@dataclass(frozen=True)
class Additive:
    """``base`` plus a curve of each feature, in the order of the model's features; the raw score is in log-odds.

    The curves add up to 0 on average over the training rows, so ``base`` is what is said of nobody in particular.
    """

    base: float
    curves: tuple[Curve, ...]

    def contributions(self, matrix: Array) -> Array:
        """Return what each feature adds, of shape (n_rows, n_features), for a matrix of that shape."""
        out = np.empty(matrix.shape)
        for start in range(0, len(matrix), _BLOCK):
            out[start : start + _BLOCK] = self._added(matrix[start : start + _BLOCK])
        return out

    def raw_scores(self, matrix: Array) -> Array:
        """Return the log-odds of each row, of shape (n_rows,); one row alone has the bits that it has among many."""
        # The sum over an axis may take another order for one row than for many; a running sum has one order.
        return np.asarray(self.base + self.contributions(matrix).cumsum(axis=1)[:, -1])

    def _added(self, matrix: Array) -> Array:
        tables = self._tables
        out = np.empty(matrix.shape)
        if len(tables.numbers):
            x = matrix[:, tables.numbers]
            known = np.where(np.isnan(x), tables.first, np.clip(x, tables.first, tables.last))
            line = (known[:, :, None] >= tables.inner).sum(axis=2)
            at = tables.start + line
            value = tables.value[at] + (known - tables.knot[at]) * tables.slope[at]
            out[:, tables.numbers] = np.where(np.isnan(x), tables.missing[tables.numbers], value)
        if len(tables.names):
            x = matrix[:, tables.names]
            seen = (x >= 0) & (x < tables.n_levels)
            at = tables.level_start + np.where(seen, x, 0).astype(np.intp)
            out[:, tables.names] = np.where(seen, tables.level[at], tables.missing[tables.names])
        return out

    @cached_property
    def _tables(self) -> _Tables:
        numbers = [j for j, curve in enumerate(self.curves) if curve.knots]
        names = [j for j, curve in enumerate(self.curves) if not curve.knots]
        knots = [np.array(self.curves[j].knots) for j in numbers]
        values = [np.array(self.curves[j].values) for j in numbers]
        inner = np.full((len(numbers), max([len(k) - 2 for k in knots], default=0) if knots else 0), np.inf)
        for row, k in zip(inner, knots, strict=True):
            row[: max(len(k) - 2, 0)] = k[1:-1]
        sizes = [len(k) for k in knots]
        levels = [np.array([*self.curves[j].values, 0.0]) for j in names]  # one more, for a name without any level
        return _Tables(
            numbers=np.array(numbers, dtype=np.intp),
            names=np.array(names, dtype=np.intp),
            first=np.array([k[0] for k in knots]),
            last=np.array([k[-1] for k in knots]),
            inner=inner,
            start=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp) if sizes else np.zeros(0, np.intp),
            knot=_joined(knots),
            value=_joined(values),
            slope=_joined([np.append(np.diff(v) / np.diff(k), 0.0) for k, v in zip(knots, values, strict=True)]),
            missing=np.array([curve.missing for curve in self.curves]),
            level=_joined(levels),
            level_start=np.cumsum([0, *map(len, levels)])[:-1].astype(np.intp),
            n_levels=np.array([len(level) - 1 for level in levels], dtype=np.float64),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the model as JSON can hold it; every number comes back with its bits."""
        return {"base": self.base, "curves": [asdict(curve) for curve in self.curves]}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        BundleError
            If it is no such model.
        """
        try:
            curves = tuple(
                Curve(tuple(map(float, c["knots"])), tuple(map(float, c["values"])), float(c["missing"]))
                for c in written["curves"]
            )
            found = cls(float(written["base"]), curves)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"additive model: needs base and curves; {error!r}. Train again.") from error
        for curve in found.curves:
            if curve.knots and (len(curve.values) != len(curve.knots) or (np.diff(curve.knots) <= 0).any()):
                raise BundleError("additive model: knots must rise and have a value each. Train again.")
            if not np.isfinite([*curve.knots, *curve.values, curve.missing, found.base]).all():
                raise BundleError("additive model: every number must be finite. Train again.")
        return found


@dataclass(frozen=True)
class _Tables:
    """The curves of all numbers end to end, and of all names end to end, so that a row needs a few operations."""

    numbers: NDArray[np.intp]
    names: NDArray[np.intp]
    first: Array
    last: Array
    inner: Array
    start: NDArray[np.intp]
    knot: Array
    value: Array
    slope: Array
    missing: Array
    level: Array
    level_start: NDArray[np.intp]
    n_levels: Array


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate(arrays) if arrays else np.zeros(0)
