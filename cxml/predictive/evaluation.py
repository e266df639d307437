"""A model trained and judged on what it has not seen: on the future where there is time, else on held-out customers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.errors import TrainingError
from cxml.predictive.boosting import CalibratedTrees
from cxml.predictive.measures import Measure, measured
from cxml.predictive.splits import FutureSplit, customer_folds

if TYPE_CHECKING:
    import pandas as pd

FOLDS, REPEATS = 5, 2


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a model said of rows that it had not seen, and what came true, for pictures and measures of one's own.

    ``customers`` and ``classes`` (index of the class that came true) have shape (n_rows,), ``p`` (n_rows, n_classes).
    """

    customers: NDArray[Any]
    classes: NDArray[np.intp]
    p: NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """How a model did on rows that it had not seen, and which rows those were."""

    how: str
    n_train: int
    n_test: int
    measures: tuple[Measure, ...]
    held_out: HeldOut | None = field(default=None, repr=False, compare=False)

    @property
    def by_name(self) -> dict[str, Measure]:
        """The measures by their name."""
        return {measure.name: measure for measure in self.measures}

    def to_json(self) -> dict[str, Any]:
        """Return the figures, without the rows, as JSON can hold them."""
        figures = [asdict(measure) for measure in self.measures]
        return {"how": self.how, "n_train": self.n_train, "n_test": self.n_test, "measures": figures}


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

    Raises
    ------
    TrainingError
        If the past or the future is of one class only.
    """
    past, future = parted(y, split)
    model.fit(X.iloc[split.train], past, groups=customers.iloc[split.train])
    p = model.predict_proba(X.iloc[split.test])
    held_out = HeldOut(customers.iloc[split.test].to_numpy(), model.class_codes(future), p)
    base = class_shares(model, past)
    measures = measured(held_out.classes, p, held_out.customers, base=base, random_state=model.random_state)
    model.refit(X, y)
    return Evaluation(how_judged(split), len(split.train), len(split.test), measures, held_out)


def parted(y: pd.Series[float], split: FutureSplit) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the labels of the past and of the future, or raise `TrainingError` where the future is of one class."""
    past, future = y.iloc[split.train], y.iloc[split.test]
    if future.nunique() < 2:
        raise TrainingError(
            f"the {len(future):,} labelled rows from {str(split.cutoff)[:10]} on are all {future.tolist()[0]!r}: "
            f"they cannot tell a good model from a bad one. Bring a longer history, or raise `models.test_share`."
        )
    return past, future


def folds_evaluation(
    model: CalibratedTrees, X: pd.DataFrame, y: pd.Series[float], customers: pd.Series[str]
) -> Evaluation:
    """Judge a model on held-out customers in repeated stratified 5-fold cross-validation, then fit it on every row.

    For a snapshot, which has no future to be judged on. Parameters and result are those of `future_evaluation`.
    """
    codes = model.class_codes(y)
    p = np.empty((len(y), len(model.ordered_classes), REPEATS))
    for repeat in range(REPEATS):
        seed = model.random_state + repeat
        for train, test in customer_folds(codes, customers, n_folds=FOLDS, random_state=seed):
            model.fit(X.iloc[train], y.iloc[train], groups=customers.iloc[train])
            p[test, :, repeat] = model.predict_proba(X.iloc[test])
    measures = measured(codes, p, customers, base=class_shares(model, y), random_state=model.random_state)
    model.fit(X, y, groups=customers)
    return Evaluation(
        how_judged(None),
        len(y) * (FOLDS - 1) // FOLDS,
        len(y),
        measures,
        HeldOut(customers.to_numpy(), codes, p.mean(axis=2)),
    )


def how_judged(split: FutureSplit | None) -> str:
    """Return in words which rows a model is judged on."""
    if split is None:
        return f"held-out customers, {REPEATS} x stratified {FOLDS}-fold"
    return f"rows from {str(split.cutoff)[:10]} on, not seen in training"


def class_shares(model: CalibratedTrees, y: pd.Series[float]) -> NDArray[np.float64]:
    """Return the share of each class; what a model says that knows nothing of a customer."""
    counts = np.bincount(model.class_codes(y), minlength=len(model.ordered_classes))
    return np.asarray(counts / counts.sum())
