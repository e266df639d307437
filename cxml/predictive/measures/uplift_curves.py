"""Uplift curves, Qini and AUUC under the name of the library whose definition each one is: they are incomparable.

=========== ===================================== ========================== ==================== ===================
definition  at each point of the curve            points                     ties                 area
=========== ===================================== ========================== ==================== ===================
scikit-     *uplift*: (mean of treated - mean of  where a score ends         stand together       trapezoids over
uplift      untreated) * n; *qini*: treated                                                       rows, above random,
            responders - untreated ones, scaled                                                   over that of the
            to as many as the treated                                                             perfect ranking
causalml    the same two, undefined points        every row                  in the order of      sum over the points /
            interpolated                                                     pandas' quicksort;   their number, of the
                                                                             here: as they came   curve over its end
EconML      mean doubly robust effect of the rows 50 quantiles of training   a row at the bound   rectangles over the
            above - that of all (*toc*), times    scores, 5% to 95%          is above             quantiles
            their share (*qini*)
=========== ===================================== ========================== ==================== ===================

In all, ``score`` is a predicted effect of shape (n_rows,), ``treated`` is 1 or 0 and ``outcome`` what came.

References
----------
Radcliffe, "Using control groups to target on predicted lift", Direct Marketing Analytics Journal 3, 2007. Gutierrez and
Gérardy, "Causal inference and uplift modeling: a review of the literature", PMLR 67, 2017. Devriendt, Guns and Verbeke,
"Learning to rank for uplift modeling", arXiv 2002.05897, 2020. Yadlowsky et al., "Evaluating treatment prioritization
rules via rank-weighted average treatment effects", Journal of the American Statistical Association, 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.errors import SchemaError, broken_by

Array = NDArray[np.float64]
ECONML_PERCENTILES: Final = tuple(np.linspace(5, 95, 50).tolist())


@dataclass(frozen=True, eq=False)
class UpliftCurve:
    """A curve: ``targeted`` rows, highest score first (EconML: their share of training), and the ``gain`` there."""

    targeted: Array
    gain: Array


def sklift_uplift_curve(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike) -> UpliftCurve:
    """Return scikit-uplift's ``uplift_curve``: the difference of the means of both sides, times the rows so far.

    A side without a row so far has mean 0.
    """
    y, s, t = _checked(outcome, score, treated)
    n, n_treated, y_treated, y_untreated = _counts(y, s, t, together=True)
    return _from_origin(n, (_ratio(y_treated, n_treated) - _ratio(y_untreated, n - n_treated)) * n)


def sklift_qini_curve(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike) -> UpliftCurve:
    """Return scikit-uplift's ``qini_curve``: treated outcomes less the untreated ones, as if of as many."""
    y, s, t = _checked(outcome, score, treated)
    n, n_treated, y_treated, y_untreated = _counts(y, s, t, together=True)
    return _from_origin(n, y_treated - y_untreated * _ratio(n_treated, n - n_treated))


def sklift_uplift_auc(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike) -> float:
    """Return scikit-uplift's ``uplift_auc_score``: the area above random over that of the perfect ranking.

    The perfect ranking puts treated responders and untreated non-responders first; the others by outcome where there
    are more untreated responders than treated non-responders, else by treatment. Outcomes are 0 or 1.
    """
    y, s, t = _checked(outcome, score, treated, binary=True)
    by_outcome = ((y == 1) & (t == 0)).sum() > ((y == 0) & (t == 1)).sum()
    perfect = 2 * (y == t) + (y if by_outcome else t)
    return _above_random(sklift_uplift_curve(y, s, t), sklift_uplift_curve(y, perfect, t))


def sklift_qini_auc(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, negative_effect: bool = True) -> float:
    """Return scikit-uplift's ``qini_auc_score``: the area above random over that of the perfect ranking.

    The perfect ranking puts treated responders first and untreated responders last; without ``negative_effect`` its
    curve rises by 1 a row to the whole effect, and stays there. Outcomes are 0 or 1.
    """
    y, s, t = _checked(outcome, score, treated, binary=True)
    perfect = sklift_qini_curve(y, y * t - y * (1 - t), t)
    if not negative_effect:
        whole = float(y[t == 1].sum() - (t == 1).sum() * y[t == 0].mean())
        perfect = UpliftCurve(np.array([0.0, whole, len(y)]), np.array([0.0, whole, whole]))
    return _above_random(sklift_qini_curve(y, s, t), perfect)


def causalml_gain_curve(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike) -> UpliftCurve:
    """Return causalml's ``get_cumgain``, not normalised: the difference of the means of both sides, times the rows."""
    y, s, t = _checked(outcome, score, treated)
    n, n_treated, y_treated, y_untreated = _counts(y, s, t, together=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = y_treated / n_treated - y_untreated / (n - n_treated)
    lift = _interpolated(np.concatenate([[0.0], lift]))
    targeted = np.concatenate([[0.0], n])
    return UpliftCurve(targeted, lift * targeted)


def causalml_qini_curve(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike) -> UpliftCurve:
    """Return causalml's ``get_qini``, not normalised: treated outcomes less the untreated ones, as if of as many."""
    y, s, t = _checked(outcome, score, treated)
    n, n_treated, y_treated, y_untreated = _counts(y, s, t, together=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = y_treated - y_untreated * n_treated / (n - n_treated)
    return UpliftCurve(np.concatenate([[0.0], n]), _interpolated(np.concatenate([[0.0], gain])))


def causalml_auuc(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, normalize: bool = True) -> float:
    """Return causalml's ``auuc_score``: the mean of the gain curve over the gain of all; random has about .5."""
    curve = causalml_gain_curve(outcome, score, treated)
    return float((_normalised(curve) if normalize else curve.gain).mean())


def causalml_qini(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, normalize: bool = True) -> float:
    """Return causalml's ``qini_score``: the mean of the Qini curve less that of the straight line to its end."""
    curve = causalml_qini_curve(outcome, score, treated)
    gain = _normalised(curve) if normalize else curve.gain
    return float((gain - np.linspace(gain[0], gain[-1], len(gain))).mean())


def econml_curve(
    measured: ArrayLike, score: ArrayLike, *, train_score: ArrayLike, metric: str = "qini",
    percentiles: ArrayLike = ECONML_PERCENTILES,
) -> UpliftCurve:  # fmt: skip
    """Return the curve of EconML's ``DRTester.evaluate_uplift``.

    Parameters
    ----------
    measured : array of shape (n_rows,), doubly robust effects of the rows that are judged
    score : array of shape (n_rows,), their predicted effects
    train_score : predicted effects of the training rows, whose quantiles are the points
    metric : ``qini``, or ``toc`` (targeting operator characteristic), which is not multiplied by the share of the rows
    percentiles : of the training rows, rising
    """
    if metric not in ("qini", "toc"):
        raise SchemaError(f"metric: must be 'qini' or 'toc'; it is {metric!r}.")
    effect, s = np.asarray(measured, dtype=np.float64), np.asarray(score, dtype=np.float64)
    at = np.asarray(percentiles, dtype=np.float64)
    bounds, mean, gain = np.percentile(np.asarray(train_score, dtype=np.float64), at), effect.mean(), []
    for bound in bounds:
        above = s >= bound
        more = float(effect[above].mean() - mean) if above.any() else float("nan")
        gain.append(more * above.mean() if metric == "qini" else more)
    return UpliftCurve((100 - at) / 100, np.array(gain))


def econml_coefficient(
    measured: ArrayLike, score: ArrayLike, *, train_score: ArrayLike, metric: str = "qini",
    percentiles: ArrayLike = ECONML_PERCENTILES,
) -> float:  # fmt: skip
    """Return the coefficient of EconML's ``DRTester.evaluate_uplift``; parameters are those of `econml_curve`.

    The sum over all points but the last of the gain times the step to the next; random has 0.
    """
    curve = econml_curve(measured, score, train_score=train_score, metric=metric, percentiles=percentiles)
    return float((curve.gain[:-1] * np.diff(np.asarray(percentiles, dtype=np.float64)) / 100).sum())


def _checked(
    outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, binary: bool = False
) -> tuple[Array, Array, Array]:
    y, s, t = (np.asarray(values, dtype=np.float64) for values in (outcome, score, treated))
    if not len(y) == len(s) == len(t):
        raise SchemaError(f"outcome, score and treated: must be as long; they have {len(y)}, {len(s)}, {len(t)} rows.")
    for name, values in (("treated", t), ("outcome", y))[: 2 if binary else 1]:
        if not (good := np.isin(values, (0, 1))).all():
            raise SchemaError(
                f"{name}: must be 0 or 1; {broken_by(int((~good).sum()), len(values))} "
                f"(first: row {int(np.flatnonzero(~good)[0])} has {values[~good][0]:g}). "
                f"This definition knows nothing else."
            )
    if not 0 < t.sum() < len(t):
        raise SchemaError("treated: must hold treated and untreated rows; there is one kind only. Bring both.")
    return y, s, t


def _counts(y: Array, s: Array, t: Array, *, together: bool) -> tuple[Array, Array, Array, Array]:
    """Return rows, treated rows, and the outcomes of treated and untreated, summed up to each point of a curve."""
    order = np.argsort(-s, kind="stable")
    y, s, t = y[order], s[order], t[order]
    ends = np.append(np.flatnonzero(np.diff(s)), len(s) - 1) if together else np.arange(len(s))
    n_treated, y_treated, y_untreated = np.cumsum([t, y * t, y * (1 - t)], axis=1)[:, ends]
    n = np.asarray(ends + 1.0, dtype=np.float64)
    return n, n_treated, y_treated, y_untreated


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _from_origin(n: Array, gain: Array) -> UpliftCurve:
    return UpliftCurve(np.concatenate([[0.0], n]), np.concatenate([[0.0], gain]))


def _above_random(curve: UpliftCurve, perfect: UpliftCurve) -> float:
    random = perfect.targeted[-1] * perfect.gain[-1] / 2
    areas = [float(np.diff(one.targeted) @ (one.gain[1:] + one.gain[:-1])) / 2 - random for one in (curve, perfect)]
    return float(areas[0] / areas[1])


def _interpolated(values: Array) -> Array:
    """Return values whose undefined ones lie on the line between their neighbours, as pandas does it."""
    known = np.isfinite(values)
    at = np.arange(len(values))
    return np.asarray(np.interp(at, at[known], values[known]), dtype=np.float64)


def _normalised(curve: UpliftCurve) -> Array:
    normalised: Array = curve.gain / abs(curve.gain[-1])
    return normalised
