"""Training of the additive model: a regularised regression on straight-line splines of every feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.additive import Additive, Curve
from cxml.predictive.splits import Rows

Array = NDArray[np.float64]
Columns = NDArray[np.float32]
Fits = list[tuple[Array, float]]
"""The weights of the columns and the intercept, of each strength."""
Path = Callable[[Columns, Array, Array, Sequence[float]], Fits]

N_KNOTS: Final = 6  # quantiles from 0.5% to 99.5%; more bends are what the trees are for
# Inverse strengths of the ridge penalty, tried on held-out rows; the smallest all but flattens every curve.
STRENGTHS: Final = (0.003, 0.03, 0.3, 3.0)
# A level or a lack seen in fewer rows than this says nothing by itself.
MIN_ROWS: Final = 20
# A ridge on a thousand columns is settled by so many rows; more of them cost time and memory alone.
MOST_ROWS: Final = 50_000


class Basis:
    """The columns that the regression reads: for a number its rank and a hat at each knot, for a name its level.

    Parameters
    ----------
    matrix : array of shape (n_rows, n_features), NaN where unknown
    names : which features are codes of names, and how many levels each has
    """

    def __init__(self, matrix: Array, names: dict[int, int]) -> None:
        self.names = names
        self.knots: list[Array] = []
        self.kept: list[NDArray[np.intp]] = []
        self.lacks: list[bool] = []
        for j in range(matrix.shape[1]):
            x = matrix[:, j]
            known = x[~np.isnan(x)]
            self.lacks.append(len(x) - len(known) >= MIN_ROWS)
            counts = np.bincount(known.astype(np.intp), minlength=names[j]) if j in names else np.zeros(0)
            self.kept.append(np.flatnonzero(counts >= MIN_ROWS))
            self.knots.append(np.zeros(0) if j in names else _knots(known))
        self.means = np.zeros(0)
        self.means = self.columns(matrix).mean(axis=0, dtype=np.float64)

    def columns(self, matrix: Array) -> Columns:
        """Return the columns of shape (n_rows, n_columns), centred on their means over the training rows."""
        found = [column for j in range(matrix.shape[1]) for column in self._of(j, matrix[:, j])]
        if not found:
            return np.zeros((len(matrix), 0), dtype=np.float32)
        out = np.stack(found, axis=1).astype(np.float32)
        if len(self.means):
            out -= self.means.astype(np.float32)
        return out

    def _of(self, j: int, x: Array) -> list[Array]:
        """Return the columns of one feature."""
        missing = np.isnan(x)
        found = []
        if j in self.names:
            found += [(x == level).astype(np.float64) for level in self.kept[j]]
        elif len(knots := self.knots[j]) > 1:
            within = np.where(missing, knots[0], np.clip(x, knots[0], knots[-1]))
            line = np.clip(np.searchsorted(knots, within, side="right") - 1, 0, len(knots) - 2)
            part = (within - knots[line]) / (knots[line + 1] - knots[line])
            rank = np.where(missing, 0.5, (line + part) / (len(knots) - 1))
            found.append(2.0 * rank)
            for k in range(len(knots)):
                hat = np.where(line == k, 1 - part, np.where(line == k - 1, part, 0.0))
                found.append(np.where(missing, 0.0, hat))
        if self.lacks[j]:
            found.append(missing.astype(np.float64))
        return found

    def additive(self, weights: Array, intercept: float, matrix: Array) -> Additive:
        """Return the regression with these weights as a model of curves, centred on the rows of ``matrix``."""
        probe: list[Curve] = []
        taken = 0
        for j in range(matrix.shape[1]):
            at = self.kept[j].astype(np.float64) if j in self.names else self.knots[j]
            points = np.append(at, np.nan)  # the curve is straight between its knots: these say all of it
            columns = self._of(j, points)
            mine = weights[taken : taken + len(columns)]
            taken += len(columns)
            said = np.stack(columns, axis=1) @ mine if columns else np.zeros(len(points))
            if j in self.names:
                levels = np.zeros(self.names[j])
                levels[self.kept[j]] = said[:-1]
                probe.append(Curve((), tuple(levels.tolist()), float(said[-1])))
            else:
                knots = at if len(at) else np.zeros(1)
                values = said[:-1] if len(at) else np.zeros(1)
                probe.append(Curve(tuple(knots.tolist()), tuple(values.tolist()), float(said[-1])))
        means = Additive(0.0, tuple(probe)).contributions(matrix).mean(axis=0)
        curves = tuple(
            Curve(c.knots, tuple(_rounded(v - mean) for v in c.values), _rounded(c.missing - mean))
            for c, mean in zip(probe, means, strict=True)
        )
        return Additive(_rounded(intercept - float(self.means @ weights) + float(means.sum())), curves)


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra has one thread: the bits of its sums depend on how many there are.

    Folds are fitted side by side, and would wait for each other's threads. Not to be entered from several threads.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits


def held_out_curves(
    path: Path,
    matrix: Array,
    names: dict[int, int],
    target: Array,
    weight: Array,
    train: Rows,
    test: Rows,
    *,
    random_state: int,
) -> Array:
    """Return what regressions of each strength, fitted on ``train``, say of ``test``: (n_strengths, n_test).

    Parameters are those of `fitted_curves`.
    """
    basis, fits = _fits(path, matrix[train], names, target[train], weight[train], STRENGTHS, random_state)
    columns = basis.columns(matrix[test])
    return np.stack([columns @ weights + intercept for weights, intercept in fits])


def fitted_curves(
    path: Path,
    matrix: Array,
    names: dict[int, int],
    target: Array,
    weight: Array,
    strength: float,
    *,
    random_state: int,
) -> Additive:
    """Return the additive model of one strength.

    Parameters
    ----------
    path : `logistic_path` or `cxml.predictive.money_curves.tweedie_path`
        What fits the columns: ``path(columns, target, weight, strengths)`` gives the weights and the intercept of each
        strength, rising.
    matrix : array of shape (n_rows, n_features), NaN where unknown, codes for names
    names : which features are codes of names, and how many levels each has
    target : array of shape (n_rows,), what ``path`` learns
    weight : array of shape (n_rows,)
    strength : inverse of the ridge penalty; one of ``STRENGTHS``
    random_state : of the rows that are taken where there are more than 50,000
    """
    strengths = STRENGTHS[: STRENGTHS.index(strength) + 1]
    basis, fits = _fits(path, matrix, names, target, weight, strengths, random_state)
    return basis.additive(*fits[-1], matrix)


def _fits(
    path: Path,
    matrix: Array,
    names: dict[int, int],
    target: Array,
    weight: Array,
    strengths: Sequence[float],
    random_state: int,
) -> tuple[Basis, Fits]:
    rows = np.arange(len(target))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(random_state).choice(len(rows), MOST_ROWS, replace=False))
    basis = Basis(matrix[rows], names)
    return basis, path(basis.columns(matrix[rows]), target[rows], weight[rows], strengths)


def logistic_path(columns: Columns, hits: Array, weight: Array, strengths: Sequence[float]) -> Fits:
    """Return the logistic regression of each strength, each fit starting from the one before.

    Parameters
    ----------
    columns : array of shape (n_rows, n_columns)
    hits : array of shape (n_rows,), 1.0 where it happened, else 0.0
    weight : array of shape (n_rows,)
    strengths : rising
    """
    from sklearn.linear_model import LogisticRegression

    w = weight / weight.mean()
    if columns.shape[1] == 0 or not 0 < hits @ w < w.sum():
        share = np.clip(np.average(hits, weights=w), 1e-6, 1 - 1e-6)
        return [(np.zeros(columns.shape[1]), float(np.log(share / (1 - share))))] * len(strengths)
    model: Any = LogisticRegression(max_iter=300, tol=1e-4, warm_start=True)
    fits = []
    for strength in strengths:
        model.set_params(C=strength).fit(columns, hits, sample_weight=w)
        fits.append((model.coef_[0].astype(np.float64), float(model.intercept_[0])))
    return fits


def _knots(known: Array) -> Array:
    if len(known) == 0:
        return np.zeros(0)
    values = np.unique(known)
    if len(values) <= N_KNOTS:
        return values
    knots = np.unique(np.quantile(known, np.linspace(0.005, 0.995, N_KNOTS)))
    return knots if len(knots) > 1 else values[[0, -1]]


def _rounded(value: float) -> float:
    """Drop the digits that no data supports: they differ between processors."""
    return round(float(value), 9) + 0.0
