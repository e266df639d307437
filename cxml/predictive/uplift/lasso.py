"""A lasso on what an action changes of the raw score: on the logits of a yes or no, on money and points themselves.

The rows are summed up once, by action and fold of customers; every fold, action and penalty is solved from the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.additive import Additive, Curve
from cxml.predictive.members import TrainingRows
from cxml.predictive.splits import Rows
from cxml.predictive.uplift.effect import Link, expected
from cxml.predictive.uplift.linear import Linear

Array = NDArray[np.float64]
_ENDS: Final = (0.01, 0.99)  # quantiles beyond which a number counts as the quantile
_MOST_LEVELS: Final = 20  # of a name that is read
_LEAST_SPREAD: Final = 0.1  # of an indicator, that of 1%: what fewer rows have is shrunk more
_PENALTIES: Final = np.geomspace(1.5, 0.015, 30)  # of the lowest that leaves nothing
_RIDGE: Final = 1e-4  # so that sums of collinear features have a root
_LEAST_VARIANCE: Final = 1e-3  # of a yes or no that is said to be all but certain


class Regressors:
    """Features as a lasso reads them: numbers within their ends, missing ones told apart, names as indicators.

    Attributes
    ----------
    values : array of shape (n_rows, n_regressors)
        Of mean 0 and about variance 1; the last is the raw score of what all rows have in common.
    """

    def __init__(self, rows: TrainingRows, common: Array) -> None:
        self._n_features = rows.matrix.shape[1]
        columns: list[Array] = []
        # What a coefficient multiplies: (feature, "line" or "missing" or a level), middle, spread.
        self._of: list[tuple[int, str | int, float, float]] = []
        self._ends: dict[int, tuple[float, float, float]] = {}
        self._n_levels = {j: n for j, n in rows.n_levels.items() if n <= _MOST_LEVELS}
        seen: set[bytes] = set()

        def add(feature: int, kind: str | int, values: Array, least: float) -> None:
            spread = float(values.std())
            if spread > 0:
                middle, spread = float(values.mean()), max(spread, least)
                columns.append((values - middle) / spread)
                self._of.append((feature, kind, middle, spread))

        for j, x in enumerate([*rows.matrix.T, common]):
            if j in rows.n_levels:
                for level in range(self._n_levels.get(j, 0)):
                    add(j, level, (x == level).astype(np.float64), _LEAST_SPREAD)
                continue
            missing = np.isnan(x)
            known = x[~missing]
            if len(known):
                low, middle, high = _quantiles(known, (_ENDS[0], 0.5, _ENDS[1]))
                if low < high:
                    self._ends[j] = (low, middle, high)
                    add(j, "line", np.clip(np.where(missing, middle, x), low, high), 0.0)
            if missing.any() and (pattern := np.packbits(missing).tobytes()) not in seen:
                seen.add(pattern)  # features of one source are missing together
                add(j, "missing", missing.astype(np.float64), _LEAST_SPREAD)
        self.values: Array = np.column_stack(columns) if columns else np.empty((len(common), 0))

    def linear(self, intercept: float, coefficients: Array) -> Linear:
        """Return the regression with some coefficients, (n_regressors,), as it serves."""
        slopes: dict[int, dict[str | int, float]] = {}
        for (feature, kind, middle, spread), value in zip(self._of, coefficients.tolist(), strict=True):
            if value:
                slopes.setdefault(feature, {})[kind] = value / spread
                intercept -= value / spread * middle
        used = sorted(feature for feature in slopes if feature < self._n_features)
        curves = [self._curve(feature, slopes.get(feature, {})) for feature in [*used, self._n_features]]
        return Linear(tuple(used), Additive(intercept, tuple(curves)))

    def _curve(self, feature: int, slopes: dict[str | int, float]) -> Curve:
        if feature in self._n_levels:
            return Curve((), tuple(slopes.get(level, 0.0) for level in range(self._n_levels[feature])), 0.0)
        low, middle, high = self._ends.get(feature, (0.0, 0.0, 1.0))
        slope = slopes.get("line", 0.0)
        return Curve((low, high), (slope * low, slope * high), slope * middle + slopes.get("missing", 0.0))


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums over the rows of one action, by fold: of products, of regressors, of what is to be explained.

    Attributes
    ----------
    products : array of shape (n_folds, n_regressors, n_regressors)
    regressors, explained : arrays of shape (n_folds, n_regressors); of x, and of x times what is to be explained
    weight, target : arrays of shape (n_folds,)
    """

    products: Array
    regressors: Array
    explained: Array
    weight: Array
    target: Array


def sums_of(
    x: Array, target: Array, begin: Array, counts: Array, link: Link, of: NDArray[np.bool_], folds: Sequence[Rows]
) -> Sums:
    """Return the sums over the rows of one action in each fold.

    What is to be explained is how far the outcome is from that of the raw scores ``begin``, on their own scale: one
    step of iteratively reweighted least squares.

    Parameters
    ----------
    x : regressors, shape (n_rows, n_regressors)
    target, begin, counts : arrays of shape (n_rows,): outcome, raw scores to begin from, what each row counts
    link : of the outcome
    of : array of shape (n_rows,), whether a row had the action
    folds : the held-out rows of each
    """
    found = []
    for test in folds:
        rows = test[of[test]]
        p = expected(begin[rows], link)
        w = counts[rows] * (np.maximum(p * (1 - p), _LEAST_VARIANCE) if link == "logit" else 1.0)
        short = counts[rows] * (target[rows] - p)
        root = x[rows] * np.sqrt(w)[:, None]
        found.append((root.T @ root, w @ x[rows], short @ x[rows], w.sum(), short.sum()))
    return Sums(*(np.array(part) for part in zip(*found, strict=True)))


@dataclass(frozen=True, eq=False)
class Differences:
    """What an action changes of the raw score: of each row, unseen; and as it is learnt from all rows."""

    held_out: Array
    linear: Linear


def differences(regressors: Regressors, treated: Sums, untreated: Sums, folds: Sequence[Rows]) -> Differences:
    """Learn what an action changes of the raw score from the sums over its rows and over the untreated.

    The penalty of a fold is chosen on the held-out rows of the others, by their own regressions.
    """
    n_folds = len(folds)
    problems = [_problem(treated, untreated, [g for g in range(n_folds) if g != f]) for f in range(n_folds)]
    whole = _problem(treated, untreated, list(range(n_folds)))
    n_regressors = len(whole.explained)
    if not n_regressors or not whole.explained.any():
        nothing = np.zeros(n_regressors)
        level = whole.intercept(nothing)
        return Differences(np.full(len(regressors.values), level), regressors.linear(level, nothing))
    penalties = _PENALTIES * np.abs(whole.explained).max()
    paths = [_path(problem, penalties) for problem in problems]
    by_fold = []
    for f, path in enumerate(paths):
        test = _problem(treated, untreated, [f])
        loss = 0.5 * np.einsum("pa,pa->a", path, test.products @ path) - test.explained @ path
        by_fold.append(loss * test.weight)
    losses = np.array(by_fold)
    total = losses.sum(axis=0)
    held_out = np.empty(len(regressors.values))
    for path, problem, own, rows in zip(paths, problems, losses, folds, strict=True):
        coefficients = path[:, int(np.argmin(total - own))]
        held_out[rows] = problem.intercept(coefficients) + regressors.values[rows] @ coefficients
    coefficients = _path(whole, penalties)[:, int(np.argmin(total))]
    return Differences(held_out, regressors.linear(whole.intercept(coefficients), coefficients))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Least squares on regressors times +-1/2, of treated and untreated rows, with an intercept of either."""

    products: Array
    explained: Array
    weight: float
    regressors: tuple[Array, Array]  # means of treated and untreated
    target: tuple[float, float]

    def intercept(self, coefficients: Array) -> float:
        """Return what is changed where all regressors are 0."""
        (on, off), (y_on, y_off) = self.regressors, self.target
        return float(y_on - 0.5 * on @ coefficients - y_off - 0.5 * off @ coefficients)


def _problem(treated: Sums, untreated: Sums, folds: Sequence[int]) -> _Problem:
    products, explained, weight = 0.0, 0.0, 0.0
    means, targets = [], []
    for sums, sign in ((treated, 0.5), (untreated, -0.5)):
        w, x, y = sums.weight[folds].sum(), sums.regressors[folds].sum(axis=0), sums.target[folds].sum()
        products = products + 0.25 * (sums.products[folds].sum(axis=0) - np.outer(x, x) / w)
        explained = explained + sign * (sums.explained[folds].sum(axis=0) - x * (y / w))
        weight += float(w)
        means.append(x / w)
        targets.append(float(y / w))
    return _Problem(
        np.asarray(products) / weight, np.asarray(explained) / weight, weight,
        (means[0], means[1]), (targets[0], targets[1]),
    )  # fmt: skip


def _path(problem: _Problem, penalties: Array) -> Array:
    """Return the coefficients at each penalty, (n_regressors, n_penalties).

    scikit-learn's lasso reads rows: those of a triangular root of the products have the same sums. ``tol`` is a share
    of what these explain, which is little: 1e-3 gives the same in three times the time.
    """
    from scipy.linalg import solve_triangular
    from sklearn.linear_model import lasso_path

    n = len(problem.explained)
    root = np.linalg.cholesky(problem.products + _RIDGE * np.eye(n))
    y = solve_triangular(root, problem.explained, lower=True)
    _, path, _ = lasso_path(root.T, y, alphas=penalties / n, tol=1e-2, max_iter=2_000)
    return np.asarray(path)


def _quantiles(known: Array, of: Sequence[float]) -> list[float]:
    places = [int(share * (len(known) - 1)) for share in of]
    return [float(v) for v in np.partition(known, places)[places]]
