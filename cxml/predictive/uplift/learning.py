"""Effects of actions learnt from an experiment: T-, X- and DR-learner, chosen and shrunk on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import TrainingError
from cxml.predictive.uplift.effect import FORESTS, Effect, Parts, learner_effects
from cxml.predictive.uplift.estimates import (
    Mean,
    clustered_mean,
    doubly_robust_effects,
    effect_groups,
    saved_share,
)
from cxml.predictive.uplift.evidence import EffectGroup
from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.forests import Grower, Shape
from cxml.predictive.uplift.heterogeneity import LEVEL, p_heterogeneity
from cxml.predictive.uplift.nuisances import (
    LEAST_PROPENSITY,
    Fold,
    Outcomes,
    cross_fitted,
    estimated_propensities,
    expected_outcomes,
    folds_by_customer,
)
from cxml.predictive.uplift.support import overlap_of, too_little

Array = NDArray[np.float64]
LEARNERS: Final = ("t", "x", "dr")
_MOST: Final = 2.0  # a learner's spread is at most doubled


def learnt_effects(
    experiment: Experiment, outcome: str, *, n_folds: int = 5, random_state: int = 0, n_jobs: int | None = None
) -> tuple[Effect, ...]:
    """Learn what each action changes of an outcome, against doing nothing.

    Parameters
    ----------
    experiment : Experiment
    outcome : its name, such as ``renewal``
    n_folds : of customers, for cross-fitting
    random_state : int
    n_jobs : as in joblib, for the folds

    Returns
    -------
    tuple of Effect
        In the order of ``experiment.actions``; those with too little evidence say why.

    Raises
    ------
    TrainingError
        If there are fewer than two folds.

    Notes
    -----
    The T-learner expects the outcome under each arm from what all rows have in common and what the arm's differ by;
    the DR-learner corrects it by the doubly robust effects; the X-learner learns what was imputed for either side.

    References
    ----------
    Künzel et al., "Metalearners for estimating heterogeneous treatment effects using machine learning", PNAS 116,
    2019. Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", Electronic Journal of
    Statistics 17, 2023.
    """
    if n_folds < 2:
        raise TrainingError(f"n_folds: must be 2 or more; it is {n_folds}.")
    folds = folds_by_customer(experiment, n_folds=n_folds, random_state=random_state)
    why = [too_little(experiment, k, folds) for k in range(1, len(experiment.actions) + 1)]
    arms = [k for k, reason in enumerate(why, 1) if not reason]
    if not arms:
        return tuple(_nothing(experiment, outcome, k, reason) for k, reason in enumerate(why, 1))
    grower = Grower(experiment.rows, random_state=random_state)
    estimated = np.isnan(experiment.propensity).any()
    propensities = estimated_propensities(experiment, grower, folds, n_jobs=n_jobs) if estimated else None
    outcomes = expected_outcomes(experiment, [0, *arms], grower, folds, n_jobs=n_jobs)
    found = []
    for k, reason in enumerate(why, 1):
        if not reason:
            overlap, reason = overlap_of(experiment, k, propensities)
        if reason:
            found.append(_nothing(experiment, outcome, k, reason))
            continue
        study = _study(experiment, k, propensities, outcomes, grower, folds, n_jobs=n_jobs)
        average = clustered_mean(study.measured, experiment.rows.weight, experiment.customers)
        p = p_heterogeneity(study.said["t"], study.measured, experiment.rows.weight, experiment.customers, folds)
        scores, learner, groups = _judged(study, experiment, average, folds, heterogeneous=p < LEVEL)
        found.append(
            Effect(
                action=experiment.actions[k - 1],
                outcome=outcome,
                n_treated=int((experiment.action == k).sum()),
                n_untreated=int((experiment.action == 0).sum()),
                average=average.value,
                low=average.low,
                high=average.high,
                standard_error=average.standard_error,
                p_heterogeneity=p,
                heterogeneous=p < LEVEL,
                learner=learner,
                scores={name: (score.value, score.low, score.high) for name, score in scores.items()},
                groups=groups[0],
                overlap=overlap,
                too_little="",
                forests={name: study.forests[name] for name in FORESTS[learner]},
                parts=groups[1],
            )
        )
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Study:
    """One action: the measured effects of each row, what each learner says of it unseen, and the learners' forests."""

    measured: Array
    said: Mapping[str, Array]
    forests: Mapping[str, bytes]
    parts: Parts


def _study(
    experiment: Experiment,
    k: int,
    propensities: Array | None,
    outcomes: Outcomes,
    grower: Grower,
    folds: Sequence[Fold],
    *,
    n_jobs: int | None,
) -> _Study:
    action, n = experiment.action, len(experiment)
    e = experiment.propensity if propensities is None else propensities[np.arange(n), action]
    treated, untreated = outcomes.of(k), outcomes.of(0)
    measured = doubly_robust_effects(experiment.outcome, action, k, np.maximum(e, LEAST_PROPENSITY), treated, untreated)
    on, off = action == k, action == 0
    begin = np.full(n, float(np.average(measured, weights=experiment.rows.weight)) / outcomes.scale)
    shape = Shape("regression", 0.1, 4, 30, 0.2, early_stop=False)
    everybody = np.ones(n, dtype=bool)
    t = treated - untreated
    learnt = {
        "dr": (measured, everybody, t / outcomes.scale),
        "x_treated": (experiment.outcome - untreated, on, begin),
        "x_untreated": (treated - experiment.outcome, off, begin),
    }
    fits = {
        name: cross_fitted(grower, shape, target / outcomes.scale, among, folds, offset=offset, n_jobs=n_jobs)
        for name, (target, among, offset) in learnt.items()
    }
    arms, weight = outcomes.arms, experiment.rows.weight
    share = float(weight[on].sum() / (weight[on].sum() + weight[off].sum()))
    parts = Parts(0.0, 1.0, outcomes.link, arms[k].begin, arms[0].begin, outcomes.scale, share)
    made = {"common": outcomes.common, "treated": arms[k].correction, "untreated": arms[0].correction, **fits}
    raw = {name: fit.held_out for name, fit in made.items()}
    said = {learner: learner_effects(learner, raw, parts) for learner in LEARNERS}
    return _Study(measured, said, {name: fit.forest for name, fit in made.items()}, parts)


def _judged(
    study: _Study, experiment: Experiment, average: Mean, folds: Sequence[Fold], *, heterogeneous: bool
) -> tuple[dict[str, Mean], str, tuple[tuple[EffectGroup, ...], Parts]]:
    """Return the held-out DR scores, the learner with the best, and its groups and how it is shrunk."""
    weight, customers = experiment.rows.weight, experiment.customers
    scores, shrunk_by = {"average": Mean(0.0, 0.0)}, {}
    for name, said in study.said.items():
        shrunk = np.empty_like(said)
        for train, test in folds:
            intercept, slope = _shrinkage(said[train], study.measured[train], weight[train])
            shrunk[test] = intercept + slope * said[test]
        shrunk_by[name] = shrunk
        scores[name] = saved_share(shrunk, study.measured, average.value, weight, customers)
    learner = _chosen(shrunk_by, scores, study.measured, weight, customers) if heterogeneous else "average"
    said = study.said.get(learner, np.zeros(len(weight)))
    intercept, slope = _shrinkage(said, study.measured, weight)
    if slope == 0:
        learner, said, intercept = "average", np.zeros(len(weight)), average.value
    said = intercept + slope * said
    parts = study.parts
    parts = Parts(intercept, slope, parts.link, parts.treated, parts.untreated, parts.scale, parts.treated_share)
    return scores, learner, (effect_groups(said, study.measured, weight, customers), parts)


def _chosen(
    said: Mapping[str, Array], scores: Mapping[str, Mean], measured: Array, weight: Array, customers: NDArray[Any]
) -> str:
    """Return the learner to use: the first, unless another is better by more than the standard error of the difference.

    The T-learner is the first: it knows of rows that had another action, too. Where the scores are as close as the
    noise of a few thousand rows makes them, the best of three is the luckiest of three (Breiman et al.,
    "Classification and Regression Trees", 1984: one standard error).
    """
    first, *others = said
    best = first
    for name in others:
        gain = clustered_mean((measured - said[first]) ** 2 - (measured - said[name]) ** 2, weight, customers)
        if gain.value > gain.standard_error and scores[name].value > scores[best].value:
            best = name
    return best


def _shrinkage(said: Array, measured: Array, weight: Array) -> tuple[float, float]:
    """Return intercept and slope of the measured effects by the predicted ones; a negative slope is 0.

    References
    ----------
    Chernozhukov et al., "Generic machine learning inference on heterogeneous treatment effects", Econometrica 2025:
    the best linear predictor.
    """
    mean, level = float(np.average(said, weights=weight)), float(np.average(measured, weights=weight))
    off = said - mean
    spread = float(weight @ off**2)
    slope = min(max(float(weight @ (off * (measured - level))) / spread, 0.0), _MOST) if spread > 0 else 0.0
    return level - slope * mean, slope


def _nothing(experiment: Experiment, outcome: str, k: int, reason: str) -> Effect:
    nan = float("nan")
    return Effect(
        action=experiment.actions[k - 1],
        outcome=outcome,
        n_treated=int((experiment.action == k).sum()),
        n_untreated=int((experiment.action == 0).sum()),
        average=nan,
        low=nan,
        high=nan,
        standard_error=nan,
        p_heterogeneity=nan,
        heterogeneous=False,
        learner="average",
        scores={},
        groups=(),
        overlap=overlap_of(experiment, k, None)[0],
        too_little=reason,
        forests={},
        parts=Parts(0.0, 0.0, "identity", 0.0, 0.0, 1.0, 0.0),
    )
