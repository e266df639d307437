"""How good expected money is: how far it lies from what came, whether it adds up, whether it finds who brings most.

``actual`` and ``expected`` have shape (n_rows,), in one currency; ``weight`` (n_rows,) may be a case weight, a count of
a resample, or their product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.measures.intervals import Measure, bootstrap_measure, resampled
from cxml.predictive.measures.probability import Array


def absolute_error(actual: Array, expected: Array, weight: Array) -> float:
    """Return the mean absolute error, in currency a customer; 0 is perfect.

    Of money that most customers do not bring it favours saying 0 of everyone: it is least for the median, and an
    expected value is a mean (Gneiting, "Making and evaluating point forecasts", JASA 106, 2011).
    """
    return float(np.average(np.abs(actual - expected), weights=weight))


def squared_error(actual: Array, expected: Array, weight: Array) -> float:
    """Return the root of the mean squared error, in currency a customer; it is least for the mean, and ruled by few."""
    return float(np.sqrt(np.average((actual - expected) ** 2, weights=weight)))


def total_ratio(actual: Array, expected: Array, weight: Array) -> float:
    """Return the expected total in relation to the one that came: 1 where the sum is right, NaN where none came."""
    came = float(actual @ weight)
    return float(expected @ weight) / came if came else float("nan")


def rank_correlation(actual: Array, expected: Array, weight: Array) -> float:
    """Return Spearman's rank correlation of expected and actual money, -1 to 1; those equal share their mean rank.

    0 where the same is expected of everybody, and NaN where everybody brought the same. Spearman, "The proof and
    measurement of association between two things", American Journal of Psychology 15, 1904.
    """
    return ranked_correlation(actual, expected)(weight)


def ranked_correlation(actual: Array, expected: Array) -> Callable[[Array], float]:
    """Return `rank_correlation` as a function of the weights alone: the rows are sorted once."""
    one, other = (np.unique(values, return_inverse=True)[1] for values in (actual, expected))

    def of_weight(weight: Array) -> float:
        a, b = _mean_ranks(one, weight), _mean_ranks(other, weight)
        share = weight / weight.sum()
        a, b = a - share @ a, b - share @ b
        if not np.ptp(one[weight > 0]):
            return float("nan")
        if not np.ptp(other[weight > 0]):
            return 0.0
        return float(share @ (a * b)) / float(np.sqrt((share @ a**2) * (share @ b**2)))

    return of_weight


def _mean_ranks(places: NDArray[np.intp], weight: Array) -> Array:
    """Return the rank of each row by its place, the mean of those at one place, a row of weight 2 being two."""
    at = np.bincount(places, weights=weight)
    return np.asarray((at.cumsum() - at / 2)[places])


def top_tenth(actual: Array, expected: Array, weight: Array) -> float:
    """Return the share of all money that came from the tenth of whom most was expected; NaN where none came.

    .1 is chance. The rows on the edge of the tenth, all of whom the same was expected, count by the part of them that
    is inside. It is the gain of `cxml.predictive.measures.gain_curve` at a tenth, of money in place of heads.
    """
    return ranked_top_tenth(actual, expected)(weight)


def ranked_top_tenth(actual: Array, expected: Array) -> Callable[[Array], float]:
    """Return `top_tenth` as a function of the weights alone: the rows are sorted once."""
    places = np.unique(-expected, return_inverse=True)[1]

    def of_weight(weight: Array) -> float:
        at, money = np.bincount(places, weights=weight), np.bincount(places, weights=weight * actual)
        inside = np.clip(0.1 * at.sum() - (at.cumsum() - at), 0, at) / np.where(at > 0, at, 1.0)
        return float(inside @ money / money.sum()) if money.sum() else float("nan")

    return of_weight


def money_measured(
    actual: ArrayLike,
    expected: ArrayLike,
    customers: ArrayLike,
    *,
    base: float,
    weight: ArrayLike | None = None,
    random_state: int = 0,
) -> tuple[Measure, ...]:
    """Measure expected money on rows that the model has not seen.

    Parameters
    ----------
    actual, expected : arrays of shape (n_rows,), in one currency
    customers : array of shape (n_rows,)
        The customer of each row; resampled whole, for the rows of one customer are not independent.
    base : float
        The mean in training: what a model says that knows nothing of a customer, reported as ``base_mae``,
        ``base_rmse``.
    weight : array of shape (n_rows,), optional
        For how many customers each row speaks; 1 each where it is not given.
    random_state : int

    Returns
    -------
    tuple of Measure
        ``mae, rmse, total_ratio, spearman, top_tenth, base_mae, base_rmse``, each with its 95% interval.
    """
    came, said = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    case = np.ones(len(came)) if weight is None else np.asarray(weight, dtype=np.float64)
    nobody = np.full(len(came), base)
    found: dict[str, Callable[[Array], float]] = {
        "mae": lambda w: absolute_error(came, said, w),
        "rmse": lambda w: squared_error(came, said, w),
        "total_ratio": lambda w: total_ratio(came, said, w),
        "spearman": ranked_correlation(came, said),
        "top_tenth": ranked_top_tenth(came, said),
        "base_mae": lambda w: absolute_error(came, nobody, w),
        "base_rmse": lambda w: squared_error(came, nobody, w),
    }
    weights = resampled(customers, np.random.default_rng(random_state)) * case
    return tuple(
        bootstrap_measure(name, of_weight(case), np.array([of_weight(drawn) for drawn in weights]))
        for name, of_weight in found.items()
    )
