"""Companies of a few lines whose customers' satisfaction is known, and who of them answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from sklearn.linear_model import LogisticRegression

from cxml.predictive.crossfit import CrossFit

LOW, HIGH = -0.4, 0.4
SD_B = 0.6


@dataclass
class Answers:
    """Invitations, then the customers of now, as `cxml.predictive.population.from_silence` takes them."""

    customers: np.ndarray
    codes: np.ndarray
    asked: np.ndarray
    now: np.ndarray
    classes: CrossFit
    p_answer: np.ndarray
    often: np.ndarray
    truth: np.ndarray
    group: np.ndarray


def classes_of(s: np.ndarray) -> np.ndarray:
    """Return P(detractor, passive, promoter) of a satisfaction answered with noise of variance 1."""
    low, high = ndtr(LOW - s), ndtr(HIGH - s)
    return np.stack([low, high - low, 1 - high], axis=1)


def answers(
    mechanism, seed: int, n_customers: int = 500, n_asked: int = 6, in_group: float = 0.0, asked_by_mood: float = 0.0
) -> Answers:
    """Draw a company; ``mechanism`` gives P(answer) from satisfaction, answer (latent), features' part and customer.

    Everybody is asked equally often; or, ``asked_by_mood``, the more often the less they are satisfied at all times.
    """
    rng = np.random.default_rng(seed)
    mood, times = rng.normal(size=n_customers), np.full(n_customers, n_asked)
    if asked_by_mood:
        times = rng.poisson(n_asked * np.exp(-asked_by_mood * mood))
    who = np.concatenate([np.repeat(np.arange(n_customers), times), np.arange(n_customers)])
    asked = np.arange(len(who)) < times.sum()
    group = rng.integers(0, 4, size=n_customers)[who]
    x = 0.7 * rng.normal(size=n_customers)[who] + 0.5 * rng.normal(size=len(who))
    s = x + SD_B * mood[who] + in_group * (group - 1.5)
    y = s + rng.normal(size=len(who))
    p = mechanism(s, y, x, rng.normal(size=n_customers)[who])
    there = asked & (rng.random(len(who)) < p)
    codes = np.where(there, (y > LOW).astype(int) + (y > HIGH), -1)
    X, fold = np.stack([x, x**2], axis=1), who % 4
    # What models learn from those who answer: their classes by the features alone.
    seen = [LogisticRegression().fit(X[there & (fold != k)], codes[there & (fold != k)]) for k in range(4)]
    fit = CrossFit(np.stack([model.predict_proba(X) for model in seen]), fold)
    share = LogisticRegression().fit(X[asked], there[asked]).predict_proba(X)[:, 1]
    net = classes_of(s[~asked])
    often = np.log(times + 0.5)[who]
    return Answers(who, codes, asked, ~asked, fit, share, often, 100 * (net[:, 2] - net[:, 0]), group)


def logistic(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


MECHANISMS = {
    "at random": lambda s, y, x, c: np.full(len(s), 0.3),
    "by the features": lambda s, y, x, c: logistic(-1 + 0.2 * x),
    "a habit": lambda s, y, x, c: logistic(-1.2 + c),
    "the unhappy": lambda s, y, x, c: logistic(-1 - 0.7 * s),
    "the happy": lambda s, y, x, c: logistic(-1 + 0.7 * s),
    "the extreme": lambda s, y, x, c: logistic(-1.8 + 0.8 * np.abs(s)),
    "by the answer": lambda s, y, x, c: logistic(-1 - 0.25 * y),
}
