"""The NPS of all customers and of any group of them, those included who never answered, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.crossfit import CrossFit
from cxml.predictive.measures import Measure
from cxml.predictive.response import odds_weights
from cxml.predictive.shared_parameter import Invited, expected_answer, expected_net, fitted_parameters, net_derivatives
from cxml.schema.figures import Z_95

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.intp]

GROUP_SD: Final = 0.03
"""By how much the features are thought to misjudge whole groups, before its answers show more: in the sample company
regions were off by 3 points where no group's answers could prove it."""
FELT_SHARE: Final = 0.5
FELT_SHARE_SD: Final = 0.29
"""How much of what passes with the moment decides on answering; see `cxml.predictive.shared_parameter`. No data of
answers alone can tell: 0 if it is all noise of filling in the form, 1 if people answer because of the very answer. Mean
and standard deviation of a share of which nothing is known but that it is from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Population:
    """What is known of each customer's P(promoter) - P(detractor), and how it errs, so that any group can be summed up.

    Attributes
    ----------
    net : array of shape (n_customers,)
    own_variance : array of shape (n_customers,)
        What is not known of each customer apart; it averages out in a group.
    common : array of shape (n_sources, n_customers)
        By how much each customer's net moves if a source of error common to all is off by one standard deviation;
        sources are independent of each other, and do not average out.
    told : array of shape (n_customers,)
        Whose answer stands for itself.
    moved : array of shape (n_customers,)
        The part of ``net`` that comes from the customer's own answers and silence, not from the features.
    rest : array of shape (n_answers,)
        By how much each answer was above what the features say of it, over all answers 0 on average.
    answered_by : array of shape (n_answers,), the code of the customer
    """

    net: Array
    own_variance: Array
    common: Array
    told: Mask
    moved: Array
    rest: Array
    answered_by: Codes

    def nps(self) -> Measure:
        """Return the NPS of all customers in points, with its 95% interval."""
        return self._measure(np.ones(len(self.net), dtype=bool), 0.0, 0.0)

    def nps_by_group(self, groups: NDArray[Any], answered_in: NDArray[Any]) -> dict[Any, Measure]:
        """Return the NPS of the customers of each group, with its 95% interval.

        What the features leave unsaid of a whole group, and its customers' own answers have not said already, is taken
        from its answers as far as they prove it, shrunk towards none (Fay and Herriot, "Estimates of income for small
        places", JASA 74(366), 1979); what they cannot prove is in the interval.

        Parameters
        ----------
        groups : array of shape (n_customers,)
        answered_in : array of shape (n_answers,), the group of each answer
        """
        names = list(dict.fromkeys(groups.tolist()))
        off, variance = np.zeros(len(names)), np.full(len(names), np.inf)
        for i, name in enumerate(names):
            here = np.asarray(answered_in == name)
            if len(who := np.unique(self.answered_by[here])) > 1:
                mean = self.rest[here].mean()
                off[i] = mean - (self.moved[groups == name].mean() - self.moved.mean())
                sums = np.bincount(np.searchsorted(who, self.answered_by[here]), weights=self.rest[here] - mean)
                variance[i] = float(sums @ sums) / here.sum() ** 2 * len(who) / (len(who) - 1)
        there = np.isfinite(variance)
        seen = float((off[there] ** 2 - variance[there]).mean()) if there.sum() > 1 else 0.0
        between = max(seen, GROUP_SD**2)
        kept = between / (between + variance)
        return {
            name: self._measure(np.asarray(groups == name), float(kept[i] * off[i]), float(between * (1 - kept[i])))
            for i, name in enumerate(names)
        }

    def _measure(self, these: Mask, shift: float, variance: float) -> Measure:
        silent = float((~self.told[these]).mean())
        value = float(np.clip(self.net[these].mean() + shift * silent, -1, 1))
        shared = float((self.common[:, these].mean(axis=1) ** 2).sum()) + variance * silent**2
        half = Z_95 * sqrt(shared + float(self.own_variance[these].sum()) / int(these.sum()) ** 2)
        return Measure("nps", 100 * value, 100 * max(value - half, -1.0), 100 * min(value + half, 1.0))


def from_silence(
    customers: Codes,
    answers: Codes,
    asked: Mask,
    now: Mask,
    classes: CrossFit,
    p_answer: Array,
    often: Array,
    *,
    random_state: int = 0,
) -> Population:
    """Return the population where it is known who was asked and did not answer: silence counts as a sign.

    Parameters
    ----------
    customers : array of shape (n_rows,)
        A code for each customer, of the invitations and of the customers of now together.
    answers : array of shape (n_rows,)
        Class 0, 1 or 2, and -1 where there is no answer.
    asked, now : arrays of shape (n_rows,)
        Which rows are invitations, and which are customers of now, one each.
    classes : the three classes of each row, from features without the answers and their history
    p_answer : array of shape (n_rows,)
        P(answer) of each row by a model that has not seen the customer.
    often : array of shape (n_rows,), how often the customer of each row is asked, on any scale

    Returns
    -------
    Population
        Of the rows ``now``, in their order; ``rest`` is of every answer.
    """
    there = asked & (answers >= 0)
    raw = advocacy(classes.p)
    centre, spread = float(raw[there].mean()), max(float(raw[there].std()), 1e-6)
    u = (raw - centre) / spread
    logit = np.log(np.clip(p_answer, 1e-4, 1 - 1e-4) / (1 - np.clip(p_answer, 1e-4, 1 - 1e-4)))
    order = np.flatnonzero(asked)[np.argsort(customers[asked], kind="stable")]
    here = np.isin(customers, customers[now]).astype(np.float64)
    often = (often - often[now].mean()) / max(float(often[now].std()), 1e-6)
    rest = _unexplained(logit[order], u[order])
    rows = Invited(customers[order], u[order], rest, here[order], often[order], answers[order])
    who, score, asked_often = customers[now], u[now], often[now]

    fit = fitted_parameters(rows, felt_share=FELT_SHARE, random_state=random_state)
    net, variance = expected_net(fit.theta, fit.tilt, rows, who, score, asked_often)
    values, vectors = np.linalg.eigh(fit.covariance)
    spread_of = vectors * np.sqrt(np.clip(values, 0, None))
    by_parameter = spread_of.T @ net_derivatives(fit, rows, who, score, asked_often)
    ends = []
    for share in (FELT_SHARE - FELT_SHARE_SD, FELT_SHARE + FELT_SHARE_SD):
        other = fitted_parameters(rows, felt_share=share, random_state=random_state, start=fit)
        ends.append(expected_net(other.theta, other.tilt, rows, who, score, asked_often)[0])
    # Another training set gives another score; its level and spread are fitted anew, so only what moves the customers
    # of now against those who answered counts.
    step = 1e-3
    slope = (
        expected_net(fit.theta, fit.tilt, rows, who, score + step, asked_often)[0]
        - expected_net(fit.theta, fit.tilt, rows, who, score - step, asked_often)[0]
    ) / (2 * step)
    by_fold = (np.stack([advocacy(p) for p in classes.p_by_fold]) - centre) / spread
    moved = (by_fold[:, now] - by_fold[:, there].mean(axis=1)[:, None]) * slope
    common = np.concatenate([by_parameter, [(ends[1] - ends[0]) / 2], classes.deviations(moved)])
    given = np.flatnonzero(answers >= 0)
    rest = (answers[given] - 1.0) - expected_answer(fit, u[given], here[given], often[given])
    before = expected_net(fit.theta, fit.tilt, rows.of(slice(0, 0)), who, score, asked_often)[0]
    told = np.zeros(len(net), dtype=bool)
    return Population(net, variance, common, told, net - before, rest - rest.mean(), customers[given])


def from_answers(
    customers: Codes, answers: Codes, now: Mask, told: Mask, classes: CrossFit, p_answer: Array
) -> Population:
    """Return the population where nobody knows who was asked: those alike in their features are taken to think alike.

    Doubly robust: the predictions, plus the mean of how far the answers were from theirs, weighted so that answers
    stand for those without one. Whether people answer because of what they think cannot be told, and is not corrected.

    Parameters
    ----------
    customers, answers, now : as for `from_silence`
    told : array of shape (n_rows,)
        Which customers of now have answered the very question of now (a snapshot): their answer stands.
    classes : the three classes of each row
    p_answer : array of shape (n_rows,)
        P(a row has an answer) by a model that has not seen the customer.

    Returns
    -------
    Population
        Of the rows ``now``, in their order; ``rest`` is of every answer.

    References
    ----------
    Robins, Rotnitzky and Zhao, "Estimation of regression coefficients when some regressors are not always observed",
    Journal of the American Statistical Association 89(427), 1994.
    """
    there = np.flatnonzero(answers >= 0)
    weight = odds_weights(p_answer, answers >= 0).values
    net_by_fold = classes.p_by_fold[:, :, 2] - classes.p_by_fold[:, :, 0]
    p = classes.p
    rest = (answers[there] - 1.0) - (p[there, 2] - p[there, 0])
    correction = float(np.average(rest, weights=weight))
    _, who = np.unique(customers[there], return_inverse=True)
    off = np.bincount(who, weights=weight * (rest - correction))
    error = sqrt(float(off @ off) * len(off) / max(len(off) - 1, 1)) / float(weight.sum())

    known, said = told[now], p[now, 2] - p[now, 0]
    net = np.where(known, answers[now] - 1.0, np.clip(said + correction, -1, 1))
    own = p[now, 0] + p[now, 2] - said**2  # an answer is one draw of what its giver thinks; so is one not given
    moved = net_by_fold[:, now] - np.average(net_by_fold[:, there], axis=1, weights=weight)[:, None]
    common = np.concatenate([np.full((1, len(net)), error), classes.deviations(moved)])
    return Population(
        net, own, np.where(known, 0.0, common), known, np.zeros(len(net)), rest - correction, customers[there]
    )


def advocacy(p: Array) -> Array:
    """Return probabilities of three ordered classes as one score: the mean of what a probit says of both thresholds.

    ``p`` has shape (n_rows, 3); the score grows with the promoters and falls with the detractors.
    """
    from scipy.special import ndtri

    inside = np.clip(p, 2e-3, 1 - 2e-3)
    return np.asarray((ndtri(1 - inside[:, 0]) + ndtri(inside[:, 2])) / 2)


def _unexplained(values: Array, by: Array) -> Array:
    """Return what a cubic in another variable does not explain of one."""
    powers = by[:, None] ** np.arange(4)
    return np.asarray(values - powers @ np.linalg.lstsq(powers, values, rcond=None)[0])
