"""A value model trained and judged on what it has not seen: on the future where there is time, else on customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.predictive.evaluation import FOLDS, Evaluation, Examples, parted
from cxml.predictive.measures import money_measured
from cxml.predictive.splits import FutureSplit, Rows, customer_folds, later_folds
from cxml.predictive.value import ValueRegressor

if TYPE_CHECKING:
    import pandas as pd

# Of moments within less than two years, each season has been seen once at most: what is the same for everybody at a
# moment then tells which moment it was, and at the next one it tells nothing.
_LEAST_SPAN: Final = np.timedelta64(730, "D")


def value_evaluation(model: ValueRegressor, examples: Examples, split: FutureSplit | None) -> Evaluation:
    """Fit a value model on some rows, judge it on others, then refit it on every row.

    Parameters
    ----------
    model : fitted in place
    examples : Examples, whose labels are money
    split : the past to learn from and the future to be judged on; None for held-out customers in 5 folds

    Returns
    -------
    Evaluation
        Measures are those of `cxml.predictive.measures.money_measured`.

    Raises
    ------
    TrainingError
        If every row of the future brought the same.
    """
    money = examples.y.to_numpy(np.float64)
    if split is not None:
        parted(examples.y, split)
        past, future = examples.taken(split.train), examples.taken(split.test)
        fit_value(model, past)
        said, judged, how = (
            model.predict(future.X),
            future,
            f"rows from {str(split.cutoff)[:10]} on, not seen in training",
        )
        n_train, base = len(past), float(np.average(past.y, weights=past.weight))
        model.refit(_told(examples, of=past), money, sample_weight=examples.weight)
    else:
        said, judged = np.empty(len(examples)), examples
        how, n_train = f"held-out customers, {FOLDS}-fold", len(examples) * (FOLDS - 1) // FOLDS
        for train, test in customer_folds(
            (money > 0).astype(np.intp), examples.customers, n_folds=FOLDS, random_state=model.random_state
        ):
            fit_value(model, examples.taken(train))
            said[test] = model.predict(examples.X.iloc[test])
        base = float(np.average(money, weights=examples.weight))
        fit_value(model, examples)
    measures = money_measured(
        judged.y, said, judged.customers, base=base, weight=judged.weight, random_state=model.random_state
    )
    return Evaluation(how, n_train, len(judged), measures)


def fit_value(model: ValueRegressor, examples: Examples) -> None:
    """Fit a value model; where the rows have times, its numbers of trees are found on later rows."""
    later: list[tuple[Rows, Rows]] = []
    if examples.moments is not None and examples.known is not None:
        brought = (examples.y.to_numpy() > 0).astype(np.intp)
        later = later_folds(examples.moments, examples.known, brought, n_folds=model.n_folds)
    model.fit(_told(examples), examples.y, groups=examples.customers, sample_weight=examples.weight, later=tuple(later))


def _told(examples: Examples, *, of: Examples | None = None) -> pd.DataFrame:
    """Return the features without what tells of the moment alone, where there are too few moments to learn from it.

    ``of`` are the examples that decide, where they are not these.
    """
    return examples.X.assign(**dict.fromkeys(moment_features(of or examples), np.nan))


def moment_features(examples: Examples) -> Sequence[str]:
    """Return the numbers that are the same for everybody at each moment, where the moments span less than two years."""
    moments = examples.moments
    if moments is None or moments.max() - moments.min() >= _LEAST_SPAN:
        return []
    at = np.unique(moments, return_inverse=True)[1]
    first = np.unique(at, return_index=True)[1]
    found = []
    for name in examples.X.columns:
        if (values := examples.X[name]).dtype.kind not in "fiub":
            continue
        x = values.to_numpy(np.float64)
        if ((x == x[first][at]) | (np.isnan(x) & np.isnan(x[first][at]))).all() and len(np.unique(x[first])) > 1:
            found.append(name)
    return found
