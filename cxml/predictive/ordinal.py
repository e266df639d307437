"""Calibrated probabilities of ordered classes in scikit-learn manners: what NPS-class and renewal model share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from cxml.errors import TrainingError
from cxml.predictive.blending import blended
from cxml.predictive.calibration import sigmoid
from cxml.predictive.feature_input import FeatureReader
from cxml.predictive.fitted_calibration import Trial, fitted_calibration
from cxml.predictive.heads import Head, Heads
from cxml.predictive.members import Forest, TrainingRows, grown_forests, held_out_members, n_levels
from cxml.predictive.splines import STRENGTHS, fitted_curves, held_out_curves, logistic_path, one_blas_thread
from cxml.predictive.splits import Rows, customer_folds

Array = NDArray[np.float64]
Member = Literal["trees", "score", "curves"]


class OrdinalClassifier(ClassifierMixin, FeatureReader):  # type: ignore[misc]
    """Probabilities of ordered classes from numbers and names, missing values as they are.

    Of K classes each of the K - 1 questions "is it above class k?" has a head. Its log-odds are a blend of boosted
    trees of that question, curves (a regularised logistic regression on splines of each feature), and, for more than
    two classes, trees of the score itself, which tells of each answer how far above or below it was. How many trees,
    how stiff the curves, how much each counts and how the sum is calibrated is found on held-out rows.

    Parameters
    ----------
    members : tuple of "trees", "score", "curves"
        What is blended; ``score`` is left out where there are two classes.
    learning_rate : float
    num_leaves : int
        Small trees: on tables of thousands of customers they rank and calibrate better than LightGBM's 31 leaves.
    max_trees : int
        The most trees of a forest; early stopping on held-out rows finds the number.
    n_folds : int
        Folds by customer, where `fit` is not given others.
    n_jobs : int or None
        Members fitted at once, as in joblib; -1 means one a core. The result is the same.
    random_state : int

    Attributes
    ----------
    classes_ : array of shape (n_classes,), lowest first
    encoding_ : Encoding
    heads_ : Heads, what serves
    n_trees_ : dict from each forest to its number of trees
    strengths_ : dict from each head's curves to the inverse strength of their penalty
    trials_ : tuple, the calibrations that were tried for each head
    n_features_in_ : int
    """

    ordered_classes: ClassVar[tuple[Any, ...] | None] = None

    def __init__(
        self,
        *,
        members: tuple[Member, ...] = ("trees", "score", "curves"),
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
        scores: ArrayLike | None = None,
        later: Sequence[tuple[Rows, Rows]] = (),
    ) -> Self:
        """Fit on a dataframe of features, or on an array of numbers.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_features)
            Numbers, and names as text or categorical; missing values as they are.
        y : array of shape (n_rows,)
        groups : array of shape (n_rows,), optional
            The customer of each row: no customer is in two folds.
        sample_weight : array of shape (n_rows,), optional
            For how many customers each row speaks.
        scores : array of shape (n_rows,), optional
            The answer behind each class, such as 0-10; by default the rank of the class.
        later : pairs of row positions (train, later rows), optional
            Such as `cxml.predictive.splits.later_folds`: the numbers of trees are then those that served later rows
            best, and held-out customers find the blend and the calibration alone.

        Raises
        ------
        TrainingError
            If there is one class only, or a class has fewer rows than there are folds.
        SchemaError
            If a column holds values of several types, or infinite ones.
        """
        rows = self._rows(X, y, sample_weight, scores)
        if groups is not None and len(np.unique(np.asarray(groups))) < self.n_folds:
            raise TrainingError(
                f"{self._label}: needs rows of at least {self.n_folds} customers to be judged on each other."
            )
        with one_blas_thread():
            return self._found(rows, None if groups is None else np.asarray(groups), later)

    def _found(self, rows: _Training, groups: NDArray[Any] | None, later: Sequence[tuple[Rows, Rows]]) -> Self:
        """Find numbers of trees, strengths, blend and calibration on held-out rows, and fit the members on all."""
        n_folds = min(self.n_folds, int(np.bincount(rows.codes).max()))
        parts = list(customer_folds(rows.codes, groups, n_folds=n_folds, random_state=self.random_state))
        held_out_of = partial(
            held_out_curves, logistic_path, rows.matrix, rows.n_levels, random_state=self.random_state
        )
        curves = {
            name: partial(held_out_of, rows.target(name), rows.weight)
            for name in ([f"curves_{h}" for h in self._heads()] if "curves" in self.members else [])
        }
        self.n_trees_, held_out = held_out_members(rows, self._forests(rows), curves, parts, later, n_jobs=self.n_jobs)
        self.strengths_ = {}
        for name in curves:
            best = _least_loss(held_out[name], rows.target(name), rows.weight)
            self.strengths_[name], held_out[name] = STRENGTHS[best], held_out[name][best]
        self._blend(rows, held_out, groups)
        return self._fit_members(rows)

    def refit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        scores: ArrayLike | None = None,
    ) -> Self:
        """Fit the members again, on other rows, keeping numbers of trees, strengths, blend and calibration."""
        check_is_fitted(self)
        with one_blas_thread():
            return self._fit_members(self._rows(X, y, sample_weight, scores))

    def predict_proba(self, X: Any) -> Array:
        """Return calibrated probabilities of shape (n_rows, n_classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return self.heads_.probabilities(self._matrix(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row; shape (n_rows,). What is worth doing is the policy's question."""
        p = self.predict_proba(X)
        chosen: NDArray[Any] = self.classes_[p.argmax(axis=1)]
        return chosen

    def class_codes(self, y: ArrayLike) -> NDArray[np.intp]:
        """Return the index in the ordered classes of each label, or raise `TrainingError` where one is no class."""
        values = np.asarray(y)
        classes = self.ordered_classes if self.ordered_classes is not None else tuple(np.unique(values).tolist())
        codes = np.full(len(values), -1, dtype=np.intp)
        for code, name in enumerate(classes):
            codes[values == name] = code
        if (codes < 0).any():
            strange = values[codes < 0].tolist()[0]
            raise TrainingError(f"{self._label}: the classes are {classes}; a row has {strange!r}.")
        return codes

    def _rows(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, scores: ArrayLike | None) -> _Training:
        columns = self._columns(X, reset=True)
        values = np.asarray(column_or_1d(y, warn=True))
        check_consistent_length(next(iter(columns.values())), values)
        weight = self._weight(sample_weight, len(values))
        codes = self._trainable_codes(values, weight)
        matrix = self._training_matrix(columns)
        answers = codes.astype(np.float64) if scores is None else np.asarray(scores, dtype=np.float64)
        if answers.shape != codes.shape or not np.isfinite(answers).all():
            raise TrainingError(f"{self._label}: scores must hold a finite number for each row.")
        spread = answers.std()
        return _Training(
            matrix, n_levels(self.encoding_), weight, codes, (answers - answers.mean()) / (spread if spread else 1.0)
        )

    def _heads(self) -> range:
        return range(1, len(self.classes_))

    def _forests(self, rows: _Training) -> dict[str, Forest]:
        trees = [f"trees_{h}" for h in self._heads()] if "trees" in self.members else []
        names = [*trees, *(["score"] if "score" in self.members and len(self.classes_) > 2 else [])]
        return {
            name: Forest(self._boosting("regression" if name == "score" else "binary"), rows.target(name))
            for name in names
        }

    def _blend(self, rows: _Training, held_out: dict[str, Array], groups: NDArray[Any] | None) -> None:
        """Find the blend and the calibration of each head on the rows that were held out."""
        heads, trials = [], []
        for h in self._heads():
            names = [name for name in (f"trees_{h}", "score", f"curves_{h}") if name in held_out]
            raw = np.column_stack([held_out[name] for name in names])
            hits, weight = (rows.codes >= h).astype(np.float64), rows.weight
            weights, bias = blended(raw, hits, weight)
            calibration, tried = fitted_calibration(
                raw @ weights + bias, hits, weight=weight, customers=groups, random_state=self.random_state
            )
            kept = {name: float(w) for name, w in zip(names, weights, strict=True) if w > 0}
            heads.append(Head(kept, bias, calibration))
            trials.append(tried)
        self._plan = tuple(heads)
        self.trials_: tuple[tuple[Trial, ...], ...] = tuple(trials)

    def _fit_members(self, rows: _Training) -> Self:
        """Fit every member that a head needs on all rows."""
        needed = {name for head in self._plan for name in head.weights}
        forests = {name: forest for name, forest in self._forests(rows).items() if name in needed}
        grown = grown_forests(rows, forests, self.n_trees_, n_jobs=self.n_jobs)
        curves_of = partial(fitted_curves, logistic_path, rows.matrix, rows.n_levels, random_state=self.random_state)
        additives = {
            name: curves_of(rows.target(name), rows.weight, strength)
            for name, strength in self.strengths_.items()
            if name in needed
        }
        self.heads_ = Heads(grown, additives, self._plan)
        return self

    def _trainable_codes(self, y: NDArray[Any], weight: Array) -> NDArray[np.intp]:
        if self.ordered_classes is None:
            check_classification_targets(y)
        codes = self.class_codes(y)
        classes = np.unique(y) if self.ordered_classes is None else np.asarray(self.ordered_classes)
        counts = np.bincount(codes[weight > 0], minlength=len(classes))
        if (counts > 0).sum() < 2:
            only = classes.tolist()[int(counts.argmax())]
            raise TrainingError(
                f"{self._label}: needs rows of at least two classes; all {len(codes):,} are {only!r} (one class). "
                f"Check the label's column and values in `labels:`."
            )
        if self.ordered_classes is not None and (few := counts[counts > 0].min()) < self.n_folds:
            name = classes.tolist()[int(np.where(counts > 0, counts, counts.max() + 1).argmin())]
            raise TrainingError(
                f"{self._label}: needs at least {self.n_folds} rows of each class; {name!r} has {few}. "
                f"Collect more answers first."
            )
        self.classes_ = classes
        return codes


@dataclass(frozen=True)
class _Training(TrainingRows):
    """With the class of each row, and the score on a scale of its own spread."""

    codes: NDArray[np.intp]
    score: Array

    def target(self, member: str) -> Array:
        """Return what a member learns: whether the class is above the head's, or the score."""
        return self.score if member == "score" else (self.codes >= int(member.rpartition("_")[2])).astype(np.float64)


def _least_loss(raw: Array, hits: Array, weight: Array) -> int:
    """Return which row of raw scores, (n_rows_of_scores, n_rows), has the least log loss."""
    p = np.clip(sigmoid(raw), 1e-15, 1 - 1e-15)
    losses = -np.where(hits > 0, np.log(p), np.log1p(-p))
    return int(np.average(losses, axis=1, weights=weight).argmin())
