"""Which map makes the probabilities of a head mean what they say, found by log loss on rows that the map has not seen.

Temperature first: one number that cannot overfit. A richer map is taken only where it beats temperature beyond chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.errors import TrainingError, broken_by
from cxml.predictive.calibration import Calibration, Kind
from cxml.predictive.measures import effective_size
from cxml.predictive.venn_abers import venn_abers_table

Array = NDArray[np.float64]
N_FOLDS: Final = 5


@dataclass(frozen=True)
class Trial:
    """How well one kind of map did on rows that it has not seen.

    ``gain`` is by how much its log loss is below temperature's, with a 95% interval clustered by customer; positive is
    better, and a kind is better beyond chance where ``low`` is above 0.
    """

    kind: Kind
    log_loss: float
    gain: float
    low: float
    high: float


def fitted_calibration(
    raw: ArrayLike,
    hits: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    customers: ArrayLike | None = None,
    random_state: int = 0,
) -> tuple[Calibration, tuple[Trial, ...]]:
    """Choose and fit the calibration of one binary head.

    Each kind is fitted on the customers of four folds and judged on those of the fifth. Of the kinds whose log loss is
    below temperature's outside the paired interval, the best is taken; else temperature.

    Parameters
    ----------
    raw : array of shape (n_rows,)
        Log-odds from models that have not seen these rows.
    hits : array of shape (n_rows,), 1 where it happened, else 0
    weight : array of shape (n_rows,), optional
        For how many customers each row speaks; 1 each where it is not given.
    customers : array of shape (n_rows,), optional
        The customer of each row; without it, each row is another customer.
    random_state : int
        Which customers are in which fold.

    Returns
    -------
    calibration : Calibration, fitted on every row
    trials : tuple of Trial, temperature first; temperature alone where a fold would lack hits or misses

    Raises
    ------
    TrainingError
        If a raw score is not finite, or nothing but hits or misses have weight.
    """
    x, y = np.asarray(raw, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64)
    who = np.arange(len(x)) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
    if not (finite := np.isfinite(x)).all():
        bad = int((~finite).sum())
        raise TrainingError(
            f"calibration: raw scores must be finite; {broken_by(bad, len(x))} (first: row {finite.argmin()}). "
            f"Score every row with a model that has not seen it."
        )
    if not _both(y, w):
        raise TrainingError("calibration: needs rows that came true and rows that did not. Bring a longer history.")
    # Not stratified: that takes 9 s for 20,000 customers, and no map of so few parameters needs it.
    fold = np.random.default_rng(random_state).permutation(int(who.max()) + 1)[who] % N_FOLDS
    parts = [fold == k for k in range(N_FOLDS) if (fold == k).any()]
    enough = all(_both(y[~part], w[~part]) for part in parts)
    if not enough:
        fitted = _MAPS["temperature"](x, y, w)
        loss = float(np.average(_losses(fitted, x, y), weights=w))
        return fitted, (Trial("temperature", loss, 0.0, 0.0, 0.0),)
    losses = {kind: np.empty(len(x)) for kind in _MAPS}
    for part in parts:
        for kind, fit in _MAPS.items():
            losses[kind][part] = _losses(fit(x[~part], y[~part], w[~part]), x[part], y[part])
    trials = tuple(_trial(kind, losses[kind], losses["temperature"], w, who) for kind in _MAPS)
    better = [trial for trial in trials if trial.low > 0]
    chosen = min(better, key=lambda trial: trial.log_loss).kind if better else "temperature"
    return _MAPS[chosen](x, y, w), trials


def _both(y: Array, w: Array) -> bool:
    return bool((w * y).sum() > 0 and (w * (1 - y)).sum() > 0)


def _losses(fitted: Calibration, x: Array, y: Array) -> Array:
    p = fitted.probability(x)
    return np.asarray(-np.log(np.clip(np.where(y == 1, p, 1 - p), 1e-15, None)))


def _trial(kind: Kind, losses: Array, reference: Array, w: Array, who: NDArray[np.intp]) -> Trial:
    """Return a kind's log loss and its gain on temperature; the error is that of a ratio of customers' sums."""
    saved = reference - losses
    gain = float(np.average(saved, weights=w))
    of_customer = np.bincount(who, weights=w * (saved - gain))
    half = 1.96 * float(np.sqrt((of_customer**2).sum() * len(of_customer) / max(len(of_customer) - 1, 1)) / w.sum())
    return Trial(kind, float(np.average(losses, weights=w)), gain, gain - half, gain + half)


def _temperature(x: Array, y: Array, w: Array) -> Calibration:
    from scipy.optimize import minimize_scalar

    signed = np.where(y == 1, -x, x)

    def loss(log_slope: float) -> float:
        return float(np.average(np.logaddexp(0.0, np.exp(log_slope) * signed), weights=w))

    # A slope outside 1/8..8 would mean that the raw scores are not log-odds at all.
    best = minimize_scalar(loss, bounds=(-np.log(8), np.log(8)), method="bounded", options={"xatol": 1e-6})
    return Calibration("temperature", parameters=(float(np.exp(best.x)),))


def _beta(x: Array, y: Array, w: Array) -> Calibration:
    from scipy.optimize import minimize

    terms = np.column_stack([-np.logaddexp(0.0, -x), np.logaddexp(0.0, x), np.ones(len(x))])
    signed, share = terms * np.where(y == 1, -1.0, 1.0)[:, None], w / w.sum()

    def loss(parameters: Array) -> tuple[float, Array]:
        z = signed @ parameters
        return float(share @ np.logaddexp(0.0, z)), (share / (1 + np.exp(-np.clip(z, -700, 700)))) @ signed

    slope = _temperature(x, y, w).parameters[0]
    bounds = [(0, None), (0, None), (None, None)]
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1_000}
    best = minimize(loss, [slope, slope, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Calibration("beta", parameters=tuple(map(float, best.x)))


def _isotonic(x: Array, y: Array, w: Array) -> Calibration:
    from scipy.optimize import isotonic_regression

    at, hits, mass = grouped(x, y, w)
    fit = isotonic_regression(hits / mass, weights=mass)
    ends = np.unique(np.concatenate([fit.blocks[:-1], fit.blocks[1:] - 1]))
    # No share of the rows seen is a proof: 0 and 1 would cost an infinite loss (Laplace's rule of succession).
    least = 1 / (effective_size(w) + 2)
    levels = np.clip(fit.x[ends], least, 1 - least)
    return Calibration("isotonic", at=tuple(at[ends].tolist()), levels=tuple(levels.tolist()))


def _venn_abers(x: Array, y: Array, w: Array) -> Calibration:
    # The test object that the definition adds has weight 1 among as many rows as the weights are worth.
    at, hits, mass = grouped(x, y, w * (effective_size(w) / w.sum()))
    knots, levels = venn_abers_table(at, hits, mass)
    return Calibration("venn_abers", at=knots, levels=levels)


_MAPS: Final[Mapping[Kind, Callable[[Array, Array, Array], Calibration]]] = {
    "temperature": _temperature,
    "beta": _beta,
    "venn_abers": _venn_abers,
    "isotonic": _isotonic,
}


def grouped(x: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Return the different raw scores that have weight, rising, with the weight of the hits and of all at each."""
    order = np.argsort(x[w > 0], kind="stable")
    x, y, w = x[w > 0][order], y[w > 0][order], w[w > 0][order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(x) > 0]))
    return x[starts], np.add.reduceat(w * y, starts), np.add.reduceat(w, starts)
