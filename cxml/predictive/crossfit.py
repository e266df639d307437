"""Predictions of every row by models that have not seen its customer, and how much they differ from fit to fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.ordinal import OrdinalClassifier

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What each fold's model says of every row.

    Attributes
    ----------
    p_by_fold : array of shape (n_folds, n_rows, n_classes)
        Of the model that was fitted without the customers of that fold.
    fold : array of shape (n_rows,)
        The fold of each row's customer.
    """

    p_by_fold: Array
    fold: NDArray[np.intp]

    @property
    def p(self) -> Array:
        """Probabilities of shape (n_rows, n_classes) by the model that has not seen the row's customer."""
        found: Array = self.p_by_fold[self.fold, np.arange(len(self.fold))]
        return found

    def deviations(self, value_by_fold: Array) -> Array:
        """Return how far a figure moves with the customers that a model learns from.

        Parameters
        ----------
        value_by_fold : array of shape (n_folds, ...)
            The figure with each fold's model.

        Returns
        -------
        array of the same shape
            Its squares add up, over the folds, to the variance of the delete-a-group jackknife.

        References
        ----------
        Kott, "The delete-a-group jackknife", Journal of Official Statistics 17(4), 2001.
        """
        k = len(value_by_fold)
        return np.asarray(np.sqrt((k - 1) / k) * (value_by_fold - value_by_fold.mean(axis=0)))


def cross_fitted(
    model: OrdinalClassifier,
    X: pd.DataFrame,
    y: ArrayLike,
    customers: ArrayLike,
    learn: NDArray[np.bool_],
    *,
    weight: Array | None = None,
    n_folds: int,
    random_state: int,
) -> CrossFit:
    """Fit a model without each fold of customers in turn, and have it predict every row.

    Parameters
    ----------
    model : an unfitted classifier; clones of it are fitted
    X : DataFrame of shape (n_rows, n_features)
    y : array of shape (n_rows,); read where ``learn`` is true
    customers : array of shape (n_rows,)
    learn : array of shape (n_rows,)
        The rows that a model may learn from; the others are only predicted.
    weight : array of shape (n_rows,), optional
        What each row counts in learning; 1 each where it is not given.
    n_folds : at least 2
    random_state : decides the folds

    Raises
    ------
    TrainingError
        If too few rows, customers or classes are left to learn from.
    """
    from sklearn.base import clone

    labels, who = np.asarray(y, dtype=object), np.asarray(customers, dtype=object)
    names, codes = np.unique(who.astype(str), return_inverse=True)
    fold = (np.random.default_rng(random_state).permutation(len(names)) % n_folds)[codes]
    found = []
    for k in range(n_folds):
        train = np.flatnonzero(learn & (fold != k))
        one: Any = clone(model)
        one.fit(
            X.iloc[train], labels[train], groups=who[train], sample_weight=None if weight is None else weight[train]
        )
        found.append(one.predict_proba(X))
    return CrossFit(np.stack(found), fold)
