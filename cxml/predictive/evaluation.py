"""A model trained and judged on what it has not seen: on the future where there is time, else on held-out customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxml.predictive.boosting import CalibratedTrees
from cxml.predictive.measures import Measure, measured
from cxml.predictive.splits import FutureSplit, customer_folds

if TYPE_CHECKING:
    import pandas as pd

_FOLDS, _REPEATS = 5, 2


@dataclass(frozen=True)
class Evaluation:
    """How a model did on rows that it had not seen, and which rows those were."""

    how: str
    n_train: int
    n_test: int
    measures: tuple[Measure, ...]

    @property
    def by_name(self) -> dict[str, Measure]:
        """The measures by their name."""
        return {measure.name: measure for measure in self.measures}


def future_evaluation(
    model: CalibratedTrees, X: pd.DataFrame, y: pd.Series[float], customers: pd.Series[str], split: FutureSplit
) -> Evaluation:
    """Fit a model on the past, judge it on the future, then refit it on every row.

    Parameters
    ----------
    model : fitted in place
    X, y, customers : features, labels and customer of each row, with the same index
    split : which rows are the past and which the future

    Returns
    -------
    Evaluation
        Of the model that knew the past only.
    """
    past = y.iloc[split.train]
    model.fit(X.iloc[split.train], past, groups=customers.iloc[split.train])
    p = model.predict_proba(X.iloc[split.test])
    measures = measured(
        _codes(model, y.iloc[split.test]),
        p,
        customers.iloc[split.test],
        base=_shares(model, past),
        random_state=model.random_state,
    )
    model.refit(X, y)
    when = f"rows from {str(split.cutoff)[:10]} on, not seen in training"
    return Evaluation(when, len(split.train), len(split.test), measures)


def folds_evaluation(
    model: CalibratedTrees, X: pd.DataFrame, y: pd.Series[float], customers: pd.Series[str]
) -> Evaluation:
    """Judge a model on held-out customers in repeated stratified 5-fold cross-validation, then fit it on every row.

    For a snapshot, which has no future to be judged on. Parameters and result are those of `future_evaluation`.
    """
    codes = _codes(model, y)
    p = np.empty((len(y), len(model._ordered_classes), _REPEATS))
    for repeat in range(_REPEATS):
        seed = model.random_state + repeat
        for train, test in customer_folds(codes, customers, n_folds=_FOLDS, random_state=seed):
            model.fit(X.iloc[train], y.iloc[train], groups=customers.iloc[train])
            p[test, :, repeat] = model.predict_proba(X.iloc[test])
    measures = measured(codes, p, customers, base=_shares(model, y), random_state=model.random_state)
    model.fit(X, y, groups=customers)
    how = f"held-out customers, {_REPEATS} x stratified {_FOLDS}-fold"
    return Evaluation(how, len(y) * (_FOLDS - 1) // _FOLDS, len(y), measures)


def _codes(model: CalibratedTrees, y: pd.Series[float]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return model._codes(y)


def _shares(model: CalibratedTrees, y: pd.Series[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    counts = np.bincount(_codes(model, y), minlength=len(model.classes_))
    return np.asarray(counts / counts.sum())
