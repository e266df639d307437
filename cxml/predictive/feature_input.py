"""How an estimator reads features: a dataframe or an array in scikit-learn manners, names turned into codes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from cxml.errors import TrainingError
from cxml.predictive.boosting import Boosting, Objective
from cxml.predictive.encoding import fitted_encoding, frame_columns

Array = NDArray[np.float64]


class FeatureReader(BaseEstimator):  # type: ignore[misc]
    """What the estimators share: features by name, missing values as they are, and the weights of rows.

    Attributes
    ----------
    encoding_ : Encoding
    n_features_in_ : int
    feature_names_in_ : array of str, where the features came with names
    """

    _label: ClassVar[str] = "labels"
    learning_rate: float
    num_leaves: int
    max_trees: int
    random_state: int

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _columns(self, X: Any, *, reset: bool) -> dict[str, Any]:
        """Return the columns by name; those of an array are x0, x1, ..., as in scikit-learn."""
        if hasattr(X, "columns"):
            columns = frame_columns(X)
            if reset:
                self.n_features_in_ = len(columns)
                self.feature_names_in_ = np.array(list(columns), dtype=object)
            return columns
        if not reset and hasattr(self, "feature_names_in_"):
            frame_columns(X)  # raises: a model that knows names does not guess
        if reset and hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        values = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        return {f"x{j}": values[:, j] for j in range(values.shape[1])}

    def _matrix(self, X: Any) -> Array:
        """Return the matrix of features to predict from."""
        matrix, _ = self.encoding_.matrix(self.encoding_.typed(self._columns(X, reset=False)))
        return matrix

    def _training_matrix(self, columns: dict[str, Any]) -> Array:
        """Return the matrix of features to learn from, and keep its encoding.

        Raises
        ------
        SchemaError
            If a column holds values of several types, or infinite ones.
        """
        self.encoding_ = fitted_encoding(columns)
        matrix, _ = self.encoding_.matrix(self.encoding_.typed(columns, keys=()))
        return matrix

    def _boosting(self, objective: Objective) -> Boosting:
        """Return how trees of an objective are grown, as the parameters say."""
        return Boosting(
            objective,
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            max_trees=self.max_trees,
            random_state=self.random_state,
        )

    def _weight(self, sample_weight: ArrayLike | None, n_rows: int) -> Array:
        if sample_weight is None:
            return np.ones(n_rows)
        weight = np.asarray(sample_weight, dtype=np.float64)
        if weight.ndim == 0:
            weight = np.full(n_rows, float(weight))
        if weight.shape != (n_rows,) or not (np.isfinite(weight) & (weight >= 0)).all():
            raise TrainingError(
                f"{self._label}: sample_weight must be 1D, one finite number of 0 or more for each of {n_rows:,} rows."
            )
        if weight.sum() == 0:
            raise TrainingError(f"{self._label}: sample_weight must not be zero for every row.")
        return weight
