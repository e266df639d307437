"""How much money to expect of a customer, in scikit-learn manners: zero for most, a lot for a few, right in sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import assert_all_finite, check_consistent_length, check_is_fitted, column_or_1d

from cxml.errors import TrainingError
from cxml.predictive.customer_value import LOGARITHMIC, CustomerValue, money
from cxml.predictive.feature_input import FeatureReader
from cxml.predictive.members import Forest, TrainingRows, grown_forests, held_out_members, n_levels
from cxml.predictive.money_curves import POWER, deviance, tweedie_path
from cxml.predictive.splines import STRENGTHS, fitted_curves, held_out_curves, one_blas_thread
from cxml.predictive.splits import Rows, customer_folds

Array = NDArray[np.float64]
Member = Literal["trees", "curves", "differences"]
# A member that brings less than this share of the money that all expect is not worth its time in service.
_LEAST_SHARE: Final = 0.02


class ValueRegressor(RegressorMixin, FeatureReader):  # type: ignore[misc]
    """The mean of money that most customers do not bring, and a few bring a lot of, from numbers and names.

    It is a blend of boosted trees and of curves (a regression on splines of each feature), both of the logarithm of
    money and under the Tweedie deviance, which takes zeros and a spread that grows with the mean as they are; and of
    trees of the squared error, which also know money below 0. How many trees, how stiff the curves and how much each
    counts is found on held-out rows, and on them the expected money adds up to the money that came.

    Parameters
    ----------
    members : tuple of "trees", "curves", "differences"
        What is blended; the first two are left out where hardly anybody brings anything.
    learning_rate : float
    num_leaves : int
    max_trees : int
        The most trees of a forest; early stopping on held-out rows finds the number.
    n_folds : int
        Folds by customer, on which the blend is found.
    n_jobs : int or None
        Members fitted at once, as in joblib; -1 means one a core. The result is the same.
    random_state : int

    Attributes
    ----------
    encoding_ : Encoding
    customer_value_ : CustomerValue, what serves
    n_trees_ : dict from each forest to its number of trees
    strength_ : inverse strength of the penalty of the curves, where there are any
    weights_ : dict from each member to how much it counts
    n_features_in_ : int

    References
    ----------
    Tweedie, "An index which distinguishes between some important exponential families", 1984; Jorgensen, "The theory
    of dispersion models", 1997; blending with weights not below 0 after Breiman, "Stacked regressions", 1996.
    """

    _label: ClassVar[str] = "value"

    def __init__(
        self,
        *,
        members: tuple[Member, ...] = ("trees", "curves", "differences"),
        learning_rate: float = 0.05,
        num_leaves: int = 8,
        max_trees: int = 1_000,
        n_folds: int = 4,
        n_jobs: int | None = -1,
        random_state: int = 0,
    ) -> None:
        self.members = members
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_trees = max_trees
        self.n_folds = n_folds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        later: Sequence[tuple[Rows, Rows]] = (),
    ) -> Self:
        """Fit on a dataframe of features, or on an array of numbers.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
            Numbers, and names as text or categorical; missing values as they are.
        y : array of shape (n_rows,)
            Money in one currency; below 0 where it was lost.
        groups : array of shape (n_rows,), optional
            The customer of each row: no customer is in two folds.
        sample_weight : array of shape (n_rows,), optional
            For how many customers each row speaks.
        later : pairs of row positions (train, later rows), optional
            Such as `cxml.predictive.splits.later_folds`: the numbers of trees are then those that served later rows
            best, and held-out customers find the blend alone.

        Raises
        ------
        TrainingError
            If there are fewer than two rows or customers.
        SchemaError
            If a column holds values of several types, or infinite ones.
        """
        y, weight, matrix = self._read(X, y, sample_weight)
        # Penalties and least sizes are in the scale of the money: it is about 1 on average, whatever the currency.
        self._scale = float(np.average(np.abs(y), weights=weight)) or 1.0
        rows = _Training(matrix, n_levels(self.encoding_), weight, y / self._scale)
        parts = self._parts(rows, groups)
        self._least = 0.0 if (y[weight > 0] >= 0).all() else None
        with one_blas_thread():
            held_out = self._held_out(rows, self._members_for(rows), parts, later)
            self.weights_, self._bias = self._blended(rows, held_out)
            self._make_whole(rows, held_out)
            return self._fit_members(rows)

    def refit(self, X: Any, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the members again, on other rows, keeping numbers of trees, strength and blend."""
        check_is_fitted(self)
        y, weight, matrix = self._read(X, y, sample_weight)
        rows = _Training(matrix, n_levels(self.encoding_), weight, y / self._scale)
        with one_blas_thread():
            return self._fit_members(rows)

    def predict(self, X: Any) -> Array:
        """Return the money to expect of each row, of shape (n_rows,), in the currency of ``y``."""
        check_is_fitted(self)
        return self.customer_value_.amounts(self._matrix(X))

    def _read(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array]:
        columns = self._columns(X, reset=True)
        values = column_or_1d(y, warn=True)
        assert_all_finite(values, input_name="y")
        check_consistent_length(next(iter(columns.values())), values)
        found = np.asarray(values, dtype=np.float64)
        weight = self._weight(sample_weight, len(found))
        if len(found) < 2:
            raise TrainingError(f"{self._label}: needs at least two rows to learn from; there is {len(found)} sample.")
        return found, weight, self._training_matrix(columns)

    def _parts(self, rows: _Training, groups: ArrayLike | None) -> list[tuple[Rows, Rows]]:
        """Return folds by customer, about as much money in each."""
        paid = rows.money[rows.money > 0]
        who = None if groups is None else np.unique(np.asarray(groups))
        edges = np.unique([0.0, *(np.quantile(paid, [0.5, 0.9]) if len(paid) else [])])
        codes = np.searchsorted(edges, rows.money, side="left")
        n_folds = min(self.n_folds, int(np.bincount(codes).max()))
        if who is not None:
            n_folds = min(n_folds, len(who))
        if n_folds < 2:
            codes, n_folds = np.zeros(len(codes), dtype=np.intp), 2
        if who is not None and len(who) < 2:
            raise TrainingError(f"{self._label}: needs rows of at least two customers to be judged on each other.")
        return list(customer_folds(codes, groups, n_folds=n_folds, random_state=self.random_state))

    def _members_for(self, rows: _Training) -> list[Member]:
        """Return the members that can learn from these rows: a logarithm needs money in every fold."""
        enough = int((rows.money[rows.weight > 0] > 0).sum()) >= 5 * self.n_folds
        found = [name for name in self.members if enough or name not in LOGARITHMIC]
        return found or ["differences"]

    def _held_out(
        self,
        rows: _Training,
        names: Sequence[str],
        parts: Sequence[tuple[Rows, Rows]],
        later: Sequence[tuple[Rows, Rows]],
    ) -> dict[str, Array]:
        """Return the money that each member expects of rows it has not seen, finding its size on the way."""
        curves = {
            name: partial(
                held_out_curves,
                tweedie_path,
                rows.matrix,
                rows.n_levels,
                rows.paid,
                rows.weight,
                random_state=self.random_state,
            )
            for name in names
            if name == "curves"
        }
        self.n_trees_, said = held_out_members(
            rows, self._forests(rows, names), curves, parts, later, n_jobs=self.n_jobs
        )
        found = {name: money(name, scores) for name, scores in said.items()}
        self.strength_: float | None = None
        if curves:
            losses = [deviance(rows.paid, np.maximum(one, 1e-9), rows.weight) for one in found["curves"]]
            best = int(np.argmin(losses))
            self.strength_, found["curves"] = STRENGTHS[best], found["curves"][best]
        return found

    def _blended(self, rows: _Training, held_out: dict[str, Array]) -> tuple[dict[str, float], float]:
        """Return how much each member counts, by least squares in which each row counts by the spread of its money."""
        from scipy.optimize import nnls

        names = [name for name, said in held_out.items() if np.ptp(said) > 0 or len(held_out) == 1]
        while names:
            said = np.column_stack([held_out[name] for name in names])
            # The variance of Tweedie money; + 1, the mean of all, so that those who bring nothing do not decide alone.
            spread = np.sqrt((np.abs(said).mean(axis=1) + 1) ** POWER)
            half = np.sqrt(rows.weight) / spread
            weights, _ = nnls(said * half[:, None], rows.money * half)
            brought = weights * np.average(np.abs(said), weights=rows.weight, axis=0)
            kept = [name for name, much in zip(names, brought, strict=True) if much > _LEAST_SHARE * brought.sum()]
            if len(kept) == len(names):
                return {name: float(w) for name, w in zip(names, weights, strict=True)}, 0.0
            names = kept
        return {}, 0.0

    def _make_whole(self, rows: _Training, held_out: dict[str, Array]) -> None:
        """Scale the blend so that on held-out rows it adds up to what came, or shift it where it can be below 0."""
        expected = np.full(len(rows.money), 0.0)
        for name, weight in self.weights_.items():
            expected += weight * held_out[name]
        if self._least is not None:
            expected = np.maximum(expected, self._least)
        came, said = float(rows.money @ rows.weight), float(expected @ rows.weight)
        factor = came / said if said > 0 else 0.0
        if not 0.5 <= factor <= 2:
            factor, self._bias = 1.0, (came - said) / float(rows.weight.sum())
        self.weights_ = {name: round(factor * weight, 9) for name, weight in self.weights_.items()}
        self._bias = round(self._bias, 9)

    def _fit_members(self, rows: _Training) -> Self:
        """Fit every member that counts on all rows."""
        forests = self._forests(rows, list(self.weights_))
        grown = grown_forests(rows, forests, self.n_trees_, n_jobs=self.n_jobs)
        additives = {}
        if "curves" in self.weights_ and self.strength_ is not None:
            additives["curves"] = fitted_curves(
                tweedie_path,
                rows.matrix,
                rows.n_levels,
                rows.paid,
                rows.weight,
                self.strength_,
                random_state=self.random_state,
            )
        self.customer_value_ = CustomerValue(
            grown,
            additives,
            {name: weight * self._scale for name, weight in self.weights_.items()},
            self._bias * self._scale,
            self._least,
        )
        return self

    def _forests(self, rows: _Training, names: Sequence[str]) -> dict[str, Forest]:
        return {
            name: Forest(
                self._boosting("tweedie" if name == "trees" else "regression"),
                rows.money if name == "differences" else rows.paid,
            )
            for name in names
            if name != "curves"
        }


@dataclass(frozen=True)
class _Training(TrainingRows):
    """With money that is about 1 on average."""

    money: Array

    @property
    def paid(self) -> Array:
        """The money without what was lost: what a logarithm can tell of."""
        return np.maximum(self.money, 0.0)
