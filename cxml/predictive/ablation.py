"""What a model loses without some of its features: fitted again without them, judged on the same unseen rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.boosting import ROWS_FOR_THREADS
from cxml.predictive.evaluation import FOLDS, REPEATS, class_shares, how_judged, parted
from cxml.predictive.measures import N_RESAMPLES, Array, Codes, Measure, ranked_auc, resampled, row_losses
from cxml.predictive.ordinal import OrdinalClassifier
from cxml.predictive.splits import FutureSplit, Rows, customer_folds

if TYPE_CHECKING:
    import pandas as pd

# Two models that differ by their seed alone differ in log loss with a standard deviation of .0012 (4,461 rows to learn
# from, 1,493 unseen ones); the mean of so many pairs brings that to the size of the error of the unseen rows.
SEEDS: Final = 3


@dataclass(frozen=True)
class Ablation:
    """The skill of a model with all its features, and how much of it is lost without parts of them.

    ``skill`` has ``log_loss``, ``auc`` and ``base_log_loss``; ``lost`` for each part by how much the ``log_loss`` rises
    and the ``auc`` falls: above zero the part is missed, below zero the model does better without it.
    """

    how: str
    n_train: int
    n_test: int
    skill: tuple[Measure, ...]
    lost: Mapping[Any, tuple[Measure, ...]]


@dataclass(frozen=True)
class _Round:
    """One fit and the rows that it is judged on; ``model`` brings its number of trees, calibration and seed."""

    model: OrdinalClassifier
    train: Rows
    test: Rows
    repeat: int


@dataclass(frozen=True)
class _Judged:
    """Each measure of each repeat, on all rows (n_repeats,) and on resamples (n_resamples, n_repeats)."""

    value: Mapping[str, Array]
    drawn: Mapping[str, Array]


def ablation(
    model: OrdinalClassifier,
    X: pd.DataFrame,
    y: pd.Series[float],
    customers: pd.Series[str],
    split: FutureSplit | None,
    parts: Mapping[Any, Collection[str]],
) -> Ablation:
    """Measure how much skill on unseen rows is lost without parts of the features.

    With and without a part, the model is fitted on the same rows and judged on the same unseen ones: the future, or
    held-out customers where there is none. The numbers of trees, the blend and the calibration are those that the model
    with all features found: searching them anew for each part took five times as long and moved the loss by less than
    its error. Each fit is repeated with other seeds.

    Parameters
    ----------
    model : its parameters are used; it is fitted in place
    X, y, customers : features, labels and customer of each row, with the same index
    split : which rows are the past and which the future; None for a snapshot, which is judged in folds by customer
    parts : the columns of ``X`` that each part takes away; without any column left, the shares of the classes are said

    Returns
    -------
    Ablation
        Each measure with a 95% interval of the difference itself: pairs of fits (with and without) and whole
        customers are resampled. The past that the models learnt from is taken as it is.

    Raises
    ------
    TrainingError
        As for `cxml.predictive.evaluation.future_evaluation`.
    """
    from joblib import Parallel, delayed

    rounds = list(_future_rounds(model, X, y, customers, split) if split else _fold_rounds(model, X, y, customers))
    sets = list(dict.fromkeys([frozenset[str](), *map(frozenset, parts.values())]))
    tasks = [(dropped, one) for dropped in sets for one in rounds]
    # Beyond so many rows LightGBM's own threads keep every core busy.
    n_jobs = model.n_jobs if len(rounds[0].train) < ROWS_FOR_THREADS else 1
    fits = (
        delayed(_refitted)(one.model, _without(X, dropped).iloc[one.train], y.iloc[one.train]) for dropped, one in tasks
    )
    fitted = Parallel(n_jobs=n_jobs, prefer="threads")(fits)

    rows = split.test if split else np.arange(len(y))
    codes, who = model.class_codes(y.iloc[rows]), customers.iloc[rows].to_numpy()
    n_repeats = 1 + max(one.repeat for one in rounds)
    p = {dropped: np.full((len(y), len(model.classes_), n_repeats), np.nan) for dropped in sets}
    # Not in the threads above: LightGBM keeps its number of threads in one place for all of them, and what is fitted
    # with one thread while another predicts with several kills the process.
    for (dropped, one), without in zip(tasks, fitted, strict=True):
        p[dropped][one.test, :, one.repeat] = (
            class_shares(one.model, y.iloc[one.train])
            if without is None
            else without.predict_proba(_without(X, dropped).iloc[one.test])
        )
    rng = np.random.default_rng(model.random_state)
    weights, pairs = resampled(who, rng), _pairs(n_repeats, rng)
    judging = (delayed(_judged)(codes, p[dropped][rows], weights) for dropped in sets)
    judged = dict(zip(sets, Parallel(n_jobs=model.n_jobs, prefer="threads")(judging), strict=True))
    full = judged[frozenset()]
    base = row_losses(codes, np.tile(class_shares(model, y.iloc[split.train] if split else y), (len(rows), 1)))
    skill = [_measure(name, full.value[name], full.drawn[name], pairs) for name in full.value]
    prior = np.tile(_weighted(base, weights)[:, None], n_repeats)
    skill.append(_measure("base_log_loss", base, prior, pairs))
    lost = {part: _lost(full, judged[frozenset(dropped)], pairs) for part, dropped in parts.items()}
    return Ablation(how_judged(split), len(rounds[0].train), len(rows), tuple(skill), lost)


def _future_rounds(
    model: OrdinalClassifier, X: pd.DataFrame, y: pd.Series[float], customers: pd.Series[str], split: FutureSplit
) -> Iterator[_Round]:
    past, _ = parted(y, split)
    model.fit(X.iloc[split.train], past, groups=customers.iloc[split.train])
    for repeat in range(SEEDS):
        yield _Round(_seeded(model, repeat), split.train, split.test, repeat)


def _fold_rounds(
    model: OrdinalClassifier, X: pd.DataFrame, y: pd.Series[float], customers: pd.Series[str]
) -> Iterator[_Round]:
    codes = model.class_codes(y)
    for repeat in range(REPEATS):
        seed = model.random_state + repeat
        for train, test in customer_folds(codes, customers, n_folds=FOLDS, random_state=seed):
            model.fit(X.iloc[train], y.iloc[train], groups=customers.iloc[train])
            yield _Round(_seeded(model, repeat), train, test, repeat)


def _seeded(model: OrdinalClassifier, repeat: int) -> OrdinalClassifier:
    """Return a copy of a fitted model with a seed of its own."""
    other = copy(model)
    other.random_state = model.random_state + repeat
    return other


def _without(X: pd.DataFrame, dropped: frozenset[str]) -> pd.DataFrame:
    return X[[name for name in X.columns if name not in dropped]]


def _refitted(model: OrdinalClassifier, X: pd.DataFrame, y: pd.Series[float]) -> OrdinalClassifier | None:
    """Return a copy of a model fitted on other features; None without any."""
    return copy(model).refit(X, y) if len(X.columns) else None


def _judged(codes: Codes, p: Array, weights: Array) -> _Judged:
    value: dict[str, list[Any]] = {"log_loss": [], "auc": []}
    drawn: dict[str, list[Any]] = {"log_loss": [], "auc": []}
    for repeat in range(p.shape[2]):
        losses, auc = row_losses(codes, p[:, :, repeat]), ranked_auc(codes, p[:, :, repeat])
        value["log_loss"].append(losses.mean())
        value["auc"].append(auc(np.ones(len(codes))))
        drawn["log_loss"].append(_weighted(losses, weights))
        drawn["auc"].append([auc(weight) for weight in weights])
    return _Judged({k: np.array(v) for k, v in value.items()}, {k: np.array(v).T for k, v in drawn.items()})


def _weighted(losses: Array, weights: Array) -> Array:
    """Return the mean loss of each resample."""
    return np.asarray(weights @ losses / weights.sum(axis=1))


def _pairs(n_repeats: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how much each repeat counts in each resample, (n_resamples, n_repeats); each row adds up to 1.

    Resamples of so few repeats vary too little, by (n - 1) / n: the deviations are stretched accordingly.
    """
    if n_repeats == 1:
        return np.ones((N_RESAMPLES, 1))
    counts = rng.multinomial(n_repeats, [1 / n_repeats] * n_repeats, size=N_RESAMPLES)
    return np.asarray((1 + (counts - 1) * sqrt(n_repeats / (n_repeats - 1))) / n_repeats)


def _lost(full: _Judged, without: _Judged, pairs: Array) -> tuple[Measure, ...]:
    sign = {"log_loss": 1.0, "auc": -1.0}
    return tuple(
        _measure(
            name, s * (without.value[name] - full.value[name]), s * (without.drawn[name] - full.drawn[name]), pairs
        )
        for name, s in sign.items()
    )


def _measure(name: str, value: Array, drawn: Array, pairs: Array) -> Measure:
    low, high = np.nanquantile((drawn * pairs).sum(axis=1), [0.025, 0.975])
    return Measure(name, float(value.mean()), float(low), float(high))
