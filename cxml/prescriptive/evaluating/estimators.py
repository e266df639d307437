"""What a policy would have earned on a log of decisions that another one took."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import ConfigError, SchemaError
from cxml.prescriptive.evaluating.intervals import LEVEL, Interval, cluster_sums, interval
from cxml.prescriptive.evaluating.logged import Codes, Floats, Logged, checked_model, checked_target, weights
from cxml.prescriptive.evaluating.support import effective_n, support
from cxml.prescriptive.evaluating.switching import switch_threshold

ESTIMATORS: Final = ("ips", "snips", "direct", "dr", "switch_dr")


@dataclass(frozen=True, eq=False)
class Estimate:
    """The value of a policy, or by how much one policy's is higher than another's, per decision.

    Attributes
    ----------
    estimator : 'ips', 'snips', 'direct', 'dr' or 'switch_dr'
        The interval of 'direct' speaks of the mix of customers only, never of the model's error.
    value, low, high, standard_error : with 95% interval
    n : decisions
    effective_n : for how many of them the weights speak (Kish); all of them where there are no weights
    influence : array of shape (n_rows,)
        By how much each decision's value differs from the estimate, so that two policies are compared in pairs.
    customer : array of shape (n_rows,), the clusters
    threshold : weights above it were left to the model; infinite but for 'switch_dr'
    """

    estimator: str
    value: float
    low: float
    high: float
    standard_error: float
    n: int
    effective_n: float
    influence: Floats = field(repr=False)
    customer: Codes = field(repr=False)
    threshold: float = np.inf

    def __str__(self) -> str:
        return f"{self.estimator} {self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def policy_values(logged: Logged, target: NDArray[Any], model: NDArray[Any] | None = None) -> tuple[Estimate, ...]:
    """Value a policy from decisions that another one took.

    Parameters
    ----------
    logged : Logged
    target : array of shape (n_rows, n_actions)
        Probabilities of the policy to be valued; rows add up to 1.
    model : array of shape (n_rows, n_actions), optional
        Expected reward of each action for each row, from a model that has not seen the row's customer. Without it
        there are only inverse-propensity estimates.

    Returns
    -------
    tuple of Estimate
        ``ips``, ``snips``, and with a model ``direct``, ``dr``, ``switch_dr``; per decision, in the unit of the reward.

    Raises
    ------
    SchemaError
        If the tables are not what they should be, or the log cannot speak for the policy (`support` says why first).

    References
    ----------
    Horvitz and Thompson, JASA, 1952 (IPS). Swaminathan and Joachims, NeurIPS 2015 (SNIPS). Dudik, Langford and Li,
    ICML 2011 (DR). Wang, Agarwal and Dudik, ICML 2017 (switch-DR).

    Examples
    --------
    Two actions, each taken with probability 1/2; the policy to be valued always takes the second.

    >>> action, reward = np.array([0, 1, 1, 0]), np.array([0.0, 3.0, 1.0, 0.0])
    >>> logged = Logged(action, ("nothing", "mail"), np.full(4, 0.5), reward, np.arange(4))
    >>> [float(found.value) for found in policy_values(logged, np.array([[0.0, 1.0]] * 4))]
    [2.0, 2.0]
    """
    target = checked_target(logged, target)
    refusal = support(logged, target).refusal
    if refusal:
        raise SchemaError(f"target: {refusal}")
    weight = weights(logged, target)
    found = [_ips(logged, weight), _snips(logged, weight)]
    if model is not None:
        model = checked_model(logged, model)
        left = logged.reward - model[np.arange(logged.n_rows), logged.action]
        direct = (target * model).sum(axis=1)
        threshold = switch_threshold(logged, weight, weight * left, direct)
        kept = np.where(weight <= threshold, weight, 0.0)
        doubly = _mean(logged, "dr", direct + weight * left, effective_n(weight))
        switched = _mean(logged, "switch_dr", direct + kept * left, effective_n(kept) or float(logged.n_rows))
        if left[weight > 0].any():  # a model that foresaw every reward has nothing that was not seen
            doubly, switched = _never_seen(logged, weight, doubly), _never_seen(logged, weight, switched)
        found += [
            _mean(logged, "direct", direct, float(logged.n_rows)),
            doubly,
            replace(switched, threshold=threshold),
        ]
    return tuple(found)


def difference(of: Estimate, against: Estimate) -> Estimate:
    """Return by how much one policy is worth more than another on the same log, in pairs.

    Raises
    ------
    ConfigError
        If the two are not estimates of one kind on one log.
    """
    if of.estimator != against.estimator:
        raise ConfigError(
            f"difference: both estimates must be of one kind; they are {of.estimator!r} and {against.estimator!r}. "
            "Compare estimates of the same name."
        )
    if of.n != against.n or not np.array_equal(of.customer, against.customer):
        raise ConfigError(
            f"difference: both estimates must come from one log; they have {of.n:,} and {against.n:,} rows. "
            "Value both policies on the same `Logged`."
        )
    value, influence = of.value - against.value, of.influence - against.influence
    return Estimate(
        of.estimator,
        value,
        *_ends(interval(value, influence, of.customer)),
        n=of.n,
        effective_n=min(of.effective_n, against.effective_n),
        influence=influence,
        customer=of.customer,
        threshold=min(of.threshold, against.threshold),
    )


def _ips(logged: Logged, weight: Floats) -> Estimate:
    found = _mean(logged, "ips", weight * logged.reward, effective_n(weight))
    return _never_seen(logged, weight, found)


def _snips(logged: Logged, weight: Floats) -> Estimate:
    total = float(weight.sum())
    value = float((weight * logged.reward).sum()) / total
    names, code = np.unique(logged.customer, return_inverse=True)
    # What the value would be without a customer (jackknife): the larger one's weight, the more it is drawn to its own
    # reward, and the less of its error is seen in what is left.
    without = total - cluster_sums(weight, logged.customer)[code]
    kept = (len(names) - 1) / len(names)
    influence = kept * logged.n_rows * weight * (logged.reward - value) / without
    influence -= influence.mean()
    found = _estimate(logged, "snips", value, influence, effective_n(weight))
    return _never_seen(logged, weight, found)


def _mean(logged: Logged, name: str, rows: Floats, effective: float) -> Estimate:
    value = float(rows.mean())
    return _estimate(logged, name, value, rows - value, effective)


def _estimate(logged: Logged, name: str, value: float, influence: Floats, effective: float) -> Estimate:
    ends = _ends(_within(logged, value, interval(value, influence, logged.customer)))
    return Estimate(name, value, *ends, logged.n_rows, effective, influence, logged.customer)


def _ends(found: Interval) -> tuple[float, float, float]:
    return found.low, found.high, found.standard_error


def _within(logged: Logged, value: float, found: Interval) -> Interval:
    """Return an interval without what no share can be, where rewards are 0 and 1."""
    if not _is_share(logged):
        return found
    return found._replace(low=max(found.low, min(0.0, value)), high=min(found.high, max(1.0, value)))


def _never_seen(logged: Logged, weight: Floats, found: Estimate) -> Estimate:
    """Return an estimate whose interval has a width even where all matched rewards are the same.

    A reward that n rows have not shown is, with 97.5%, rarer than 1 - 0.025^(1/n) (Clopper and Pearson, 1934; n is the
    effective one): it is reckoned at the highest and lowest reward of the whole log, 1 and 0 where rewards are shares.
    """
    matched = logged.reward[weight > 0]
    if matched.min() < matched.max():
        return found
    lowest, highest = float(logged.reward.min()), float(logged.reward.max())
    if _is_share(logged):
        lowest, highest = 0.0, 1.0
    rarer = 1 - ((1 - LEVEL) / 2) ** (1 / found.effective_n)
    one = float(matched[0])
    low, high = found.value - rarer * (one - lowest), found.value + rarer * (highest - one)
    return replace(found, low=min(low, found.low), high=max(high, found.high))


def _is_share(logged: Logged) -> bool:
    return bool(np.isin(logged.reward, (0.0, 1.0)).all())
