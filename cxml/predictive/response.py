"""Who answers: P(answer) of an invitation from what was known when it was sent, and the weights that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.measures import effective_size
from cxml.predictive.ordinal import OrdinalClassifier

Array = NDArray[np.float64]

# No answer stands for more than ten average ones: a few answers of people who hardly ever answer would decide
# everything (truncation of inverse weights: Cole and Hernan, "Constructing inverse probability weights for marginal
# structural models", American Journal of Epidemiology 168(6), 2008).
MAX_WEIGHT: Final = 10.0


class ResponseClassifier(OrdinalClassifier):
    """P(an invitation is answered): class 1.0 is the answer.

    Parameters are those of `cxml.predictive.ordinal.OrdinalClassifier`.
    """

    ordered_classes: ClassVar = (0.0, 1.0)
    _label: ClassVar = "response"


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of answers, with a mean of 1.

    Attributes
    ----------
    values : array of shape (n_answers,)
    effective_size : as many answers of equal weight know as much (`cxml.predictive.measures.effective_size`)
    clipped : share of the answers whose weight was cut
    """

    values: Array
    effective_size: float
    clipped: float


def inverse_weights(p_answer: ArrayLike, answered: ArrayLike) -> Weights:
    """Return what each answer counts so that answers stand for all who were asked: share that answered / P(answer).

    Stabilised (the share in the numerator keeps them near 1), cut at 10, scaled to a mean of 1. Where everybody
    answered, every weight is 1.

    Parameters
    ----------
    p_answer : array of shape (n_invitations,)
        From a model that has not seen the customer.
    answered : array of shape (n_invitations,), true or false

    Returns
    -------
    Weights
        Of the answers, in the order of the invitations.

    References
    ----------
    Robins, Hernan and Brumback, "Marginal structural models and causal inference in epidemiology", Epidemiology 11(5),
    2000.
    """
    there = np.asarray(answered, dtype=bool)
    if there.all():
        return _scaled(np.ones(len(there)))
    return _scaled(there.mean() / np.clip(np.asarray(p_answer, dtype=np.float64)[there], 1e-6, None))


def odds_weights(p_answer: ArrayLike, answered: ArrayLike) -> Weights:
    """Return what each answer counts so that answers stand for the rows without one: (1 - P(answer)) / P(answer).

    Cut and scaled as `inverse_weights`, whose parameters it has.
    """
    there = np.asarray(answered, dtype=bool)
    if there.all():
        return _scaled(np.ones(len(there)))
    p = np.clip(np.asarray(p_answer, dtype=np.float64)[there], 1e-6, 1)
    return _scaled(there.mean() / (1 - there.mean()) * (1 - p) / p)


def _scaled(raw: Array) -> Weights:
    cut = np.minimum(raw, MAX_WEIGHT)
    total = cut.sum()
    values = cut * len(cut) / total if total > 0 else np.ones(len(cut))
    return Weights(values, effective_size(values), float((raw > MAX_WEIGHT).mean()) if len(raw) else 0.0)
