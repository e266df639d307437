"""Answers and silence as two signs of one satisfaction, where who answers depends on what would be answered.

A customer i who is asked at t has the satisfaction s_it = slope u_it + m h_i + k o_i + b_i: what the features say (u,
the score of a model that has not seen the customer), that those who are still customers (h) think better of the company
than the features of the time told, that those who are often asked (o), say after each complaint, think otherwise than
those who seldom are (informative cluster size), and what else nobody tells (b, normal, the same at every invitation).
Then

    class of the answer   ordered probit of s_it, two thresholds, noise of variance 1
    P(answer)             logit: a + q1 s_it + q2 s_it^2 + g w_it + d1 u_it + d2 u_it^2 + c_i

with w the rest of the features' say in who answers (what u does not explain of it) and c_i a customer's habit of
answering. Because b is in both lines, silence tells of the satisfaction of those who never answered. b and c are
integrated out by Gauss-Hermite quadrature, so every invitation counts, answered or not.

What identifies it: customers who were asked several times (whether those whose other answers lie below what the
features say answer more often) and, as a weak prior on d, that the features matter for answering mostly through
satisfaction: a shadow variable in the sense of Miao and Tchetgen Tchetgen. Part of what the features do not say passes
with the moment; which share of it is felt and decides on answering (the rest is the noise of filling in a form) no data
of answers alone can tell: ``felt_share`` is assumed, and `cxml.predictive.population` varies it.

References
----------
Follmann and Wu, "An approximate generalized linear model with random effects for informative missing data", Biometrics
51(1), 1995. Williamson, Datta and Satten, "Marginal analyses of clustered data when cluster size is informative",
Biometrics 59(1), 2003. Miao and Tchetgen Tchetgen, "On varieties of doubly robust estimators under missingness not at
random with a shadow variable", Biometrika 103(2), 2016. Riddles, Kim and Im, "A propensity-score-adjustment method for
nonignorable nonresponse", Journal of Survey Statistics and Methodology 4(2), 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

# Name, mean and standard deviation of each parameter's prior; u has mean 0 and variance 1 over the answers. Weak but
# for d: a score that is one standard deviation up moves the logit of answering by less than .6, beyond satisfaction.
_PRIORS: Final = (
    ("threshold", -0.4, 2.0),
    ("log_gap", -0.3, 1.0),
    ("slope", 0.8, 1.0),
    ("log_sd_b", -0.5, 0.7),
    ("intercept", -1.3, 2.0),
    ("q1", 0.0, 0.7),
    ("q2", 0.0, 0.3),
    ("log_sd_c", -0.7, 0.7),
    ("g", 0.5, 1.0),
    ("d1", 0.0, 0.3),
    ("d2", 0.0, 0.15),
    ("here", 0.0, 0.5),
    ("often", 0.0, 0.5),
)
_MEANS: Final = np.array([mean for _, mean, _ in _PRIORS])
_SDS: Final = np.array([sd for _, _, sd in _PRIORS])
_CHUNK_ROWS: Final = 16_384
# More customers than this know the parameters better than anything else here is known.
_MAX_CUSTOMERS: Final = 10_000


def _nodes(n: int) -> tuple[Array, Array]:
    x, weight = np.polynomial.hermite_e.hermegauss(n)
    return x, weight / weight.sum()


# Against 15 x 11 nodes the NPS of a simulated company moves by less than .05 points.
_B, _P_B = _nodes(7)
_C, _P_C = _nodes(5)


@dataclass(frozen=True, eq=False)
class Invited:
    """Invitations in the order of customers.

    Attributes
    ----------
    customer : array of shape (n_rows,), codes that do not fall
    u : array of shape (n_rows,), the score of the features
    w : array of shape (n_rows,), what else they say of answering
    here : array of shape (n_rows,), 1 of a customer of now, 0 of one who has left
    often : array of shape (n_rows,), how often the customer of the row is asked, in deviations from the mean
    answer : array of shape (n_rows,), class 0, 1 or 2, and -1 where nobody answered
    """

    customer: Codes
    u: Array
    w: Array
    here: Array
    often: Array
    answer: Codes

    def chunks(self) -> Iterator[Invited]:
        """Give the rows in parts that fit into the processor's cache; no customer is in two."""
        n, begin = len(self.customer), 0
        while begin < n:
            end = min(begin + _CHUNK_ROWS, n)
            end = int(np.searchsorted(self.customer, self.customer[end - 1], side="right"))
            yield self.of(slice(begin, end))
            begin = end

    def of(self, rows: slice | NDArray[np.bool_]) -> Invited:
        """Return some of the rows."""
        return Invited(*(getattr(self, name)[rows] for name in ("customer", "u", "w", "here", "often", "answer")))

    def sampled(self, n_customers: int, random_state: int) -> Invited:
        """Return the rows of so many customers, drawn at random; all where there are no more."""
        there = np.unique(self.customer)
        if len(there) <= n_customers:
            return self
        drawn = np.random.default_rng(random_state).choice(there, n_customers, replace=False)
        return self.of(np.isin(self.customer, drawn))


@dataclass(frozen=True, eq=False)
class SharedParameters:
    """The fitted model; ``theta`` and ``covariance`` in the order of the priors' names."""

    theta: Array
    covariance: Array
    felt_share: float
    tilt: float

    def named(self) -> dict[str, tuple[float, float]]:
        """Return estimate and standard error of each parameter."""
        errors = np.sqrt(np.diag(self.covariance))
        return {name: (float(self.theta[i]), float(errors[i])) for i, (name, *_) in enumerate(_PRIORS)}


def fitted_parameters(
    rows: Invited, *, felt_share: float, random_state: int = 0, start: SharedParameters | None = None
) -> SharedParameters:
    """Return the parameters of largest posterior density, and their covariance.

    Parameters
    ----------
    rows : Invited
    felt_share : share of the variance of a moment's rest that decides on answering, 0-1
    random_state : draws 10,000 customers where there are more
    start : of a fit with another ``felt_share``; its covariance is kept

    Returns
    -------
    SharedParameters
        The covariance is the sandwich over customers, prior included, so it holds where the model is not quite true.
    """
    from scipy.optimize import minimize

    sample = rows.sampled(_MAX_CUSTOMERS, random_state)
    tilt = felt_share * float((sample.answer < 0).mean())

    def objective(theta: Array) -> tuple[float, Array]:
        z = (theta - _MEANS) / _SDS
        total, slope = 0.5 * float(z @ z), z / _SDS
        for part in sample.chunks():
            loglik, _, score = _likelihood(theta, part, tilt)
            total, slope = total - float(loglik.sum()), slope - score.sum(axis=0)
        return total, slope

    options = {"maxiter": 300, "ftol": 1e-10, "gtol": 1e-2}
    found = minimize(objective, _MEANS if start is None else start.theta, jac=True, method="L-BFGS-B", options=options)
    theta = np.asarray(found.x, dtype=np.float64)
    if start is not None:
        return SharedParameters(theta, start.covariance, felt_share, tilt)
    step = 1e-4
    hessian = np.array([(objective(theta + e)[1] - objective(theta - e)[1]) for e in step * np.eye(len(theta))])
    hessian = (hessian + hessian.T) / (4 * step)
    scores = np.concatenate([_likelihood(theta, part, tilt)[2] for part in sample.chunks()])
    bread = np.linalg.pinv(hessian, hermitian=True)
    return SharedParameters(theta, bread @ (scores.T @ scores + np.diag(_SDS**-2.0)) @ bread, felt_share, tilt)


def expected_net(
    theta: Array, tilt: float, rows: Invited, customer: Codes, u: Array, often: Array
) -> tuple[Array, Array]:
    """Return P(promoter) - P(detractor) of customers now, given all that they answered and left unanswered.

    Parameters
    ----------
    theta, tilt : of `SharedParameters`
    rows : every invitation, also those of other customers
    customer, u, often : arrays of shape (n_customers,)
        Codes as in ``rows``, the score of the features now, and how often each is asked.

    Returns
    -------
    (mean, variance) : arrays of shape (n_customers,)
        Over what is not known of b.
    """
    weights = np.tile(_P_B, (len(customer), 1))
    for part in rows.chunks():
        who = part.customer[np.flatnonzero(np.diff(part.customer, prepend=-1))]
        posterior = _likelihood(theta, part, tilt, score=False)[1].sum(axis=2)
        place = np.minimum(np.searchsorted(who, customer), len(who) - 1)
        here = who[place] == customer
        weights[here] = posterior[place[here]]
    net = _net(theta, (theta[2] * u + theta[11] + theta[12] * often)[:, None] + np.exp(theta[3]) * _B)
    mean = (weights * net).sum(axis=1)
    return mean, (weights * net**2).sum(axis=1) - mean**2


def expected_answer(fit: SharedParameters, u: Array, here: Array, often: Array) -> Array:
    """Return P(promoter) - P(detractor) of those who answer, from what the features say; shape (n_rows,)."""
    slope, a, q1, q2, m, k = fit.theta[[2, 4, 5, 6, 11, 12]]
    s = (slope * u + m * here + k * often)[:, None] + np.exp(fit.theta[3]) * _B
    weights = _P_B / (1 + np.exp(-np.clip(a + q1 * s + q2 * s**2, -700, 700)))
    net = _net(fit.theta, s + fit.tilt * (q1 + 2 * q2 * s))
    return np.asarray((weights * net).sum(axis=1) / weights.sum(axis=1))


def net_derivatives(fit: SharedParameters, rows: Invited, customer: Codes, u: Array, often: Array) -> Array:
    """Return the derivative of each customer's expected net by each parameter; shape (n_parameters, n_customers)."""
    step = 1e-3
    return np.array(
        [
            expected_net(fit.theta + e, fit.tilt, rows, customer, u, often)[0]
            - expected_net(fit.theta - e, fit.tilt, rows, customer, u, often)[0]
            for e in step * np.eye(len(fit.theta))
        ]
    ) / (2 * step)


def _likelihood(theta: Array, rows: Invited, tilt: float, *, score: bool = True) -> tuple[Array, Array, Array]:
    """Return log likelihood, posterior of the nodes and score of each customer.

    Shapes (n_customers,), (n_customers, n_b, n_c) and (n_customers, n_parameters). Of a moment's rest with variance 1,
    the share that is felt is tilted towards those who answer: among them its mean is share x (1 - P(answer)) times the
    slope of the logit, the first order of exponential tilting; ``tilt`` is share x (1 - P(answer)).
    """
    from scipy.special import logsumexp, ndtr

    low, gap, slope, sd_b, a, q1, q2, sd_c, g, d1, d2, m, k = _natural(theta)
    b, c = sd_b * _B, sd_c * _C
    s = (slope * rows.u + m * rows.here + k * rows.often)[:, None] + b
    linear = a + q1 * s + q2 * s**2 + (g * rows.w + d1 * rows.u + d2 * rows.u**2)[:, None]
    there = rows.answer >= 0
    sign = np.where(there, 1.0, -1.0)[:, None, None]
    p_seen = 1 / (1 + np.exp(-np.clip(sign * (linear[:, :, None] + c), -700, 700)))
    log_p = np.log(np.maximum(p_seen, 1e-300))
    answer, s_there = rows.answer[there][:, None], s[there]
    mean = s_there + tilt * (q1 + 2 * q2 * s_there)
    upper = np.where(answer == 0, low, np.where(answer == 1, low + gap, np.inf)) - mean
    lower = np.where(answer == 0, -np.inf, np.where(answer == 1, low, low + gap)) - mean
    p_class = np.maximum(ndtr(upper) - ndtr(lower), 1e-300)
    log_p[there] += np.log(p_class)[:, :, None]

    new = np.diff(rows.customer, prepend=-1) != 0
    first, place = np.flatnonzero(new), np.cumsum(new) - 1
    joint = np.add.reduceat(log_p, first, axis=0) + np.log(_P_B)[:, None] + np.log(_P_C)
    loglik = logsumexp(joint, axis=(1, 2))
    posterior = np.exp(joint - loglik[:, None, None])
    if not score:
        return loglik, posterior, np.empty((0, len(theta)))

    by_logit = sign * (1 - p_seen) * posterior[place]
    by_logit_b = by_logit.sum(axis=2)
    weight = posterior.sum(axis=2)[place][there] / p_class
    up, down = _density(upper) * weight, _density(lower) * weight
    by_mean = down - up
    by_s = by_logit_b * (q1 + 2 * q2 * s)
    by_s[there] += by_mean * (1 + 2 * tilt * q2)
    found = np.zeros((len(rows.u), len(theta)))
    # Both thresholds move with the first parameter, the second one alone with the gap.
    found[there, 0] = (up - down).sum(axis=1)
    found[there, 1] = gap * (np.where(answer == 1, up, 0) - np.where(answer == 2, down, 0)).sum(axis=1)
    found[:, 2] = by_s.sum(axis=1) * rows.u
    found[:, 3] = (by_s * b).sum(axis=1)
    found[:, 4] = by_logit_b.sum(axis=1)
    found[:, 5] = (by_logit_b * s).sum(axis=1)
    found[:, 6] = (by_logit_b * s**2).sum(axis=1)
    found[there, 5] += tilt * by_mean.sum(axis=1)
    found[there, 6] += 2 * tilt * (by_mean * s_there).sum(axis=1)
    found[:, 7] = (by_logit * c).sum(axis=(1, 2))
    found[:, 8:11] = found[:, 4, None] * np.stack([rows.w, rows.u, rows.u**2], axis=1)
    found[:, 11] = by_s.sum(axis=1) * rows.here
    found[:, 12] = by_s.sum(axis=1) * rows.often
    return loglik, posterior, np.add.reduceat(found, first, axis=0)


def _net(theta: Array, mean: Array) -> Array:
    """Return P(promoter) - P(detractor) where the probit of both thresholds has this mean."""
    from scipy.special import ndtr

    return np.asarray(1 - ndtr(theta[0] + np.exp(theta[1]) - mean) - ndtr(theta[0] - mean))


def _natural(theta: Array) -> list[float]:
    """Return the parameters with those that are logarithms as what they are logarithms of."""
    logs = {1, 3, 7}
    return [float(np.exp(np.clip(x, -20, 20))) if i in logs else float(x) for i, x in enumerate(theta)]


def _density(x: Array) -> Array:
    finite = np.where(np.isfinite(x), x, 0.0)
    return np.where(np.isfinite(x), np.exp(-(finite**2) / 2) / np.sqrt(2 * np.pi), 0.0)
