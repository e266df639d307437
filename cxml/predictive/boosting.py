"""Calibrated LightGBM in scikit-learn manners: what the NPS-class and the renewal model share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from cxml.errors import TrainingError
from cxml.predictive.calibration import fitted_temperature, probabilities
from cxml.predictive.encoding import Encoding, frame_columns
from cxml.predictive.splits import Rows, customer_folds
from cxml.predictive.trees import Trees, lightgbm_package

# A category feature with more names than this is an identifier or free text; LightGBM would learn it by heart.
MAX_LEVELS = 1_000
# Below this, one thread fits as fast as two, and a busy machine cannot make threads wait for each other
# (7,043 rows: .19 s with one thread, .13 to 5.9 s with two; 140,860 rows: 2.9 s and 1.6 s).
ROWS_FOR_THREADS = 50_000
_PATIENCE = 50  # trees without a better held-out loss before boosting stops


class CalibratedTrees(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """LightGBM classifier whose number of trees and calibration are found on customers it has not seen.

    Parameters
    ----------
    learning_rate : float
    num_leaves : int
        Small trees: on tables of thousands of customers they rank and calibrate better than LightGBM's 31 leaves.
    max_trees : int
        The most trees per class; early stopping on held-out customers finds the number.
    n_folds : int
        Folds by customer on which trees and temperature are found.
    n_jobs : int or None
        Folds fitted at once, as in joblib; -1 means one a core. The result is the same.
    random_state : int

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    encoding_ : Encoding
    n_trees_ : int
    temperature_ : float
    model_text_ : str, LightGBM's text format
    """

    ordered_classes: ClassVar[tuple[Any, ...]]
    _label: ClassVar[str]

    def __init__(
        self,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 8,
        max_trees: int = 1_000,
        n_folds: int = 4,
        n_jobs: int | None = -1,
        random_state: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_trees = max_trees
        self.n_folds = n_folds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, *, groups: ArrayLike | None = None) -> Self:
        """Fit on a dataframe of features.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
            Numbers, and names as text or categorical; missing values as they are.
        y : array of shape (n_rows,)
        groups : array of shape (n_rows,), optional
            The customer of each row: no customer is in two folds.

        Raises
        ------
        TrainingError
            If there is one class only, or a class has fewer rows than there are folds.
        SchemaError
            If a column holds values of several types.
        """
        from joblib import Parallel, delayed

        classes = self._trainable_codes(y)
        self.encoding_ = _encoding(X)
        matrix, _ = self.encoding_.matrix(self.encoding_.typed(frame_columns(X), keys=()))
        if groups is not None and len(np.unique(np.asarray(groups))) < self.n_folds:
            raise TrainingError(
                f"{self._label}: needs rows of at least {self.n_folds} customers to be judged on each other."
            )
        folds = customer_folds(classes, groups, n_folds=self.n_folds, random_state=self.random_state)
        # One thread a fold: LightGBM frees the GIL, and small trees on several threads wait for each other.
        fitted = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(self._held_out)(matrix, classes, train, test) for train, test in folds
        )
        raw = np.full((len(classes), 1 if len(self.classes_) == 2 else len(self.classes_)), np.nan)
        for test, _, scores in fitted:
            raw[test] = scores
        self.n_trees_ = int(np.median([n_trees for _, n_trees, _ in fitted]))
        self.temperature_ = fitted_temperature(raw, classes)
        return self._fit_trees(matrix, classes)

    def refit(self, X: Any, y: ArrayLike) -> Self:
        """Fit the trees again, on more rows, keeping the number of trees and the calibration that `fit` found."""
        check_is_fitted(self)
        classes = self._trainable_codes(y)
        self.encoding_ = _encoding(X)
        matrix, _ = self.encoding_.matrix(self.encoding_.typed(frame_columns(X), keys=()))
        return self._fit_trees(matrix, classes)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n_rows, n_classes), in the order of ``classes_``."""
        check_is_fitted(self)
        matrix, _ = self.encoding_.matrix(self.encoding_.typed(frame_columns(X)))
        return probabilities(Trees(self.model_text_.encode()).raw_scores(matrix), self.temperature_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row; shape (n_rows,)."""
        chosen: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen

    def _held_out(
        self, matrix: NDArray[np.float64], classes: NDArray[np.intp], train: Rows, test: Rows
    ) -> tuple[Rows, int, NDArray[np.float64]]:
        """Fit on one fold; return the rows it has not seen, its number of trees, and their raw scores."""
        lightgbm = lightgbm_package()
        training = self._dataset(matrix[train], classes[train])
        held_out = self._dataset(matrix[test], classes[test], reference=training)
        stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
        params = {**self._params(), "num_threads": 1}
        booster = lightgbm.train(params, training, self.max_trees, valid_sets=[held_out], callbacks=[stop])
        n_trees = max(booster.best_iteration, 1)
        scores = np.asarray(booster.predict(matrix[test], raw_score=True, num_iteration=n_trees, num_threads=1))
        return test, n_trees, scores.reshape(len(test), -1)

    def _fit_trees(self, matrix: NDArray[np.float64], classes: NDArray[np.intp]) -> Self:
        lightgbm = lightgbm_package()
        params = {**self._params(), "num_threads": 1 if len(matrix) < ROWS_FOR_THREADS else 0}
        booster = lightgbm.train(params, self._dataset(matrix, classes), self.n_trees_)
        self.model_text_ = booster.model_to_string()
        self.n_features_in_ = matrix.shape[1]
        return self

    def class_codes(self, y: ArrayLike) -> NDArray[np.intp]:
        """Return the index in ``ordered_classes`` of each label, or raise `TrainingError` where one is no class."""
        values = np.asarray(y)
        codes = np.full(len(values), -1, dtype=np.intp)
        for code, name in enumerate(self.ordered_classes):
            codes[values == name] = code
        if (codes < 0).any():
            strange = values[codes < 0].tolist()[0]
            raise TrainingError(f"{self._label}: the classes are {self.ordered_classes}; a row has {strange!r}.")
        return codes

    def _trainable_codes(self, y: ArrayLike) -> NDArray[np.intp]:
        codes = self.class_codes(y)
        counts = np.bincount(codes, minlength=len(self.ordered_classes))
        if (counts > 0).sum() < 2:
            only = self.ordered_classes[int(counts.argmax())]
            raise TrainingError(
                f"{self._label}: needs rows of at least two classes; all {len(codes):,} are {only!r}. "
                f"Check the label's column and values in `labels:`."
            )
        if (few := counts[counts > 0].min()) < self.n_folds:
            name = self.ordered_classes[int(np.where(counts > 0, counts, counts.max() + 1).argmin())]
            raise TrainingError(
                f"{self._label}: needs at least {self.n_folds} rows of each class; {name!r} has {few}. "
                f"Collect more answers first."
            )
        self.classes_ = np.asarray(self.ordered_classes)
        return codes

    def _dataset(self, matrix: NDArray[np.float64], classes: NDArray[np.intp], reference: Any = None) -> Any:
        lightgbm = lightgbm_package()
        names = [j for j, name in enumerate(self.encoding_.names) if name in self.encoding_.levels]
        return lightgbm.Dataset(matrix, classes, reference=reference, categorical_feature=names, params={"verbose": -1})

    def _params(self) -> Mapping[str, Any]:
        n_classes = len(self.classes_)
        return {
            **({"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}),
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            # Regularised for tables of thousands, not millions, of rows: benchmarks/README.md has the comparison.
            "feature_fraction": 0.4,
            "lambda_l2": 10.0,
            "min_data_in_leaf": 40,
            "seed": self.random_state,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }


def _encoding(X: Any) -> Encoding:
    columns = frame_columns(X)
    levels = {}
    for name, values in columns.items():
        if values.dtype.kind in "fiub":
            continue
        given = values.cat.categories if str(values.dtype) == "category" else values
        found = sorted({value for value in given if isinstance(value, str)})
        if len(found) > MAX_LEVELS:
            raise TrainingError(
                f"features.{name}: must have at most {MAX_LEVELS:,} different names; it has {len(found):,} "
                f"(first: {found[0]!r}). An identifier or free text cannot be learnt from: list it in `ignore:`."
            )
        levels[name] = tuple(found)
    return Encoding(tuple(columns), levels)
