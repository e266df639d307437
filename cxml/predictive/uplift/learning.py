"""Effects of actions learnt from an experiment: T-, X- and DR-learner and a lasso, chosen on held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import TrainingError
from cxml.predictive.uplift.average import common_change
from cxml.predictive.uplift.choice import chosen_learner, held_out_shrunk, shrinkage
from cxml.predictive.uplift.effect import Effect, Parts, forests_of, learner_effects
from cxml.predictive.uplift.estimates import Mean, clustered_mean, doubly_robust_effects, effect_groups, saved_share
from cxml.predictive.uplift.evidence import Overlap
from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.forests import Grower, Shape
from cxml.predictive.uplift.heterogeneity import LEVEL, p_heterogeneity
from cxml.predictive.uplift.lasso import Regressors, Sums, differences, sums_of
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
_FIRST: Final = ("t+linear", "linear", "t")  # the first is used unless another is clearly better
_OTHERS: Final = ("x", "dr")


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
    the linear one adds up what features change of the log-odds (of money and points: of the outcome), by a lasso;
    ``t+linear`` is the mean of both. The DR-learner corrects the T-learner by the doubly robust effects; the X-learner
    learns what was imputed for either side: they are tried where trees alone do best.

    Where no difference between customers is shown, everybody is given the average: of a yes or no the same change of
    log-odds, whose effects on the rows of the log, by forests that have not seen them, have that average.

    References
    ----------
    Künzel et al., "Metalearners for estimating heterogeneous treatment effects using machine learning", PNAS 116,
    2019. Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", Electronic Journal of
    Statistics 17, 2023.
    """
    from threadpoolctl import threadpool_limits

    if n_folds < 2:
        raise TrainingError(f"n_folds: must be 2 or more; it is {n_folds}.")
    with threadpool_limits(1, user_api="blas"):  # the same sums on any number of cores
        return _effects(experiment, outcome, n_folds, random_state, n_jobs)


def _effects(
    experiment: Experiment, outcome: str, n_folds: int, random_state: int, n_jobs: int | None
) -> tuple[Effect, ...]:
    folds = folds_by_customer(experiment, n_folds=n_folds, random_state=random_state)
    why = [too_little(experiment, k, folds) for k in range(1, len(experiment.actions) + 1)]
    arms = [k for k, reason in enumerate(why, 1) if not reason]
    if not arms:
        return tuple(_nothing(experiment, outcome, k, reason) for k, reason in enumerate(why, 1))
    grower = Grower(experiment.rows, random_state=random_state)
    estimated = np.isnan(experiment.propensity).any()
    propensities = estimated_propensities(experiment, grower, folds, n_jobs=n_jobs) if estimated else None
    outcomes = expected_outcomes(experiment, [0, *arms], grower, folds, n_jobs=n_jobs)
    propensity = experiment.propensity
    if propensities is not None:
        propensity = propensities[np.arange(len(experiment)), experiment.action]
    shared = _Shared(experiment, propensity, outcomes, grower, folds, n_jobs)
    overlaps = {}
    for k in arms:
        overlaps[k], why[k - 1] = overlap_of(experiment, k, propensities)
    studies = {k: _Study(k, shared) for k in arms if not why[k - 1]}
    learner = _learner([study for study in studies.values() if study.p < LEVEL], shared)
    return tuple(
        _nothing(experiment, outcome, k, reason)
        if reason
        else _learnt(experiment, outcome, studies[k], overlaps[k], learner)
        for k, reason in enumerate(why, 1)
    )


def _learner(studies: Sequence[_Study], shared: _Shared) -> str:
    """Return the learner of the actions in whose effects customers differ; X and DR are tried where trees do best."""
    if not studies:
        return "average"
    if any(max(study.scores, key=lambda name: study.scores[name].value) == "t" for study in studies):
        for study in studies:
            study.try_others()
    weight, customers = shared.experiment.rows.weight, shared.experiment.customer_codes
    return chosen_learner([(study.said, study.measured) for study in studies], weight, customers)


class _Study:
    """One action: the measured effects of each row, and what each learner says of rows that it has not seen."""

    def __init__(self, k: int, shared: _Shared) -> None:
        experiment, outcomes = shared.experiment, shared.outcomes
        self.k, self._shared = k, shared
        self._treated, self._untreated = outcomes.of(k), outcomes.of(0)
        self.measured = doubly_robust_effects(
            experiment.outcome, experiment.action, k, shared.propensity, self._treated, self._untreated
        )
        tests = [test for _, test in shared.folds]
        arms, weight = outcomes.arms, experiment.rows.weight
        self._fits = {
            "common": outcomes.common,
            "treated": arms[k].correction,
            "untreated": arms[0].correction,
        }
        self._raw = {name: fit.held_out for name, fit in self._fits.items()}
        change = differences(shared.regressors, shared.sums(k), shared.sums(0), tests)
        self._raw["linear"], self._linear = change.held_out, change.linear
        on, off = weight[experiment.action == k].sum(), weight[experiment.action == 0].sum()
        self._parts = Parts(
            0.0, 1.0, outcomes.link, arms[k].begin, arms[0].begin, outcomes.scale, float(on / (on + off))
        )
        customers = experiment.customer_codes
        self.average = clustered_mean(self.measured, weight, customers)
        self.said: dict[str, Array] = {}
        self.scores: dict[str, Mean] = {}  # how much of the held-out loss each learner saves against the average
        self._judge(_FIRST)
        self.p = p_heterogeneity(self.said[_FIRST[0]], self.measured, weight, customers, shared.folds)

    def _judge(self, learners: Sequence[str]) -> None:
        """Let learners say what they find, and judge it on the rows that they have not seen."""
        experiment, folds = self._shared.experiment, self._shared.folds
        weight, customers = experiment.rows.weight, experiment.customer_codes
        for learner in learners:
            said = learner_effects(learner, self._raw, self._parts)
            shrunk = held_out_shrunk(said, self.measured, weight, folds)
            self.said[learner] = said
            self.scores[learner] = saved_share(shrunk, self.measured, self.average.value, weight, customers)

    def try_others(self) -> None:
        """Let the X- and the DR-learner say what they find, too."""
        experiment, shared = self._shared.experiment, self._shared
        on, off, n = experiment.action == self.k, experiment.action == 0, len(experiment)
        scale, weight = self._parts.scale, experiment.rows.weight
        begin = np.full(n, float(np.average(self.measured, weights=weight)) / scale)
        shape = Shape("regression", 0.1, 4, 30, 0.2, early_stop=False)
        learnt = {
            "dr": (self.measured, np.ones(n, dtype=bool), (self._treated - self._untreated) / scale),
            "x_treated": (experiment.outcome - self._untreated, on, begin),
            "x_untreated": (self._treated - experiment.outcome, off, begin),
        }
        for name, (target, among, offset) in learnt.items():
            self._fits[name] = cross_fitted(
                shared.grower, shape, target / scale, among, shared.folds, offset=offset, n_jobs=shared.n_jobs
            )
            self._raw[name] = self._fits[name].held_out
        self._judge(_OTHERS)

    def served(self, learner: str, average: float) -> tuple[Array, Parts, dict[str, bytes]]:
        """Return what is said of each row by forests without it, and the parts and forests that say it of others."""
        parts, weight = self._parts, self._shared.experiment.rows.weight
        said = np.full(len(weight), average)
        if learner != "average":
            intercept, slope = shrinkage(self.said[learner], self.measured, weight)
            linear = self._linear if learner in ("linear", "t+linear") else None
            parts, said = (
                replace(parts, intercept=intercept, slope=slope, linear=linear),
                intercept + slope * self.said[learner],
            )
        elif parts.link == "logit":
            middle = 0.5 * (parts.treated + parts.untreated)
            half = 0.5 * common_change(middle + self._raw["common"], average, weight)
            parts = replace(parts, treated=middle + half, untreated=middle - half)
        return said, parts, {name: self._fits[name].forest for name in forests_of(learner, parts.link)}


class _Shared:
    """What the studies of all actions share; what a lasso reads is made when the first of them asks."""

    def __init__(
        self, experiment: Experiment, propensity: Array, outcomes: Outcomes, grower: Grower, folds: Sequence[Fold],
        n_jobs: int | None,
    ) -> None:  # fmt: skip
        self.experiment, self.outcomes, self.grower, self.folds = experiment, outcomes, grower, folds
        self.propensity, self.n_jobs = np.maximum(propensity, LEAST_PROPENSITY), n_jobs
        self._sums: dict[int, Sums] = {}

    @cached_property
    def regressors(self) -> Regressors:
        """The features as a lasso reads them."""
        return Regressors(self.experiment.rows, self.outcomes.common.held_out)

    def sums(self, k: int) -> Sums:
        """Return the sums over the rows of action k.

        Each counts by how unlikely it was, so that what the forest of all rows does not know of a customer is as much
        among the treated as among the untreated.
        """
        if k not in self._sums:
            experiment, outcomes = self.experiment, self.outcomes
            self._sums[k] = sums_of(
                self.regressors.values,
                experiment.outcome / outcomes.scale,
                outcomes.arms[k].begin + outcomes.common.held_out,
                experiment.rows.weight / self.propensity,
                outcomes.link,
                experiment.action == k,
                [test for _, test in self.folds],
            )
        return self._sums[k]


def _learnt(experiment: Experiment, outcome: str, study: _Study, overlap: Overlap, learner: str) -> Effect:
    weight, customers = experiment.rows.weight, experiment.customer_codes
    k, average, p = study.k, study.average, study.p
    if p >= LEVEL or shrinkage(study.said[learner], study.measured, weight)[1] == 0:
        learner = "average"
    said, parts, forests = study.served(learner, average.value)
    return Effect(
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
        scores={
            "average": (0.0, 0.0, 0.0),
            **{name: (score.value, score.low, score.high) for name, score in study.scores.items()},
        },
        groups=effect_groups(said, study.measured, weight, customers),
        overlap=overlap,
        too_little="",
        forests=forests,
        parts=parts,
    )


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
