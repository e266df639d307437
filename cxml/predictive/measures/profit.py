"""What a ranking of customers at risk is worth, in currency a customer, and over all costs of being wrong.

Both integrals run over the convex hull of the ROC curve, which is where any cost is best served; the hull is the
isotonic regression of what came true on the score (Fawcett and Niculescu-Mizil, Machine Learning 68, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxml.predictive.measures.probability import Array, Codes
from cxml.predictive.measures.ranking import Ranking


@dataclass(frozen=True)
class RetentionCosts:
    """What a retention campaign earns and costs a customer, in one currency; the defaults are those of the paper.

    ``clv``: value of a customer who stays; ``offer``: cost of the incentive, paid to whoever stays; ``contact``: cost
    of contacting. A contacted customer at risk accepts with a probability drawn from Beta(``alpha``, ``beta``), 30% on
    average; a contacted customer who was not at risk takes the offer.

    References
    ----------
    Verbraken, Verbeke and Baesens, "A novel profit maximizing metric for measuring classification performance of
    customer churn prediction models", IEEE Transactions on Knowledge and Data Engineering 25(5), 2013.
    """

    clv: float = 200.0
    offer: float = 10.0
    contact: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0

    @property
    def wasted(self) -> float:
        """What contacting a customer costs who was not at risk."""
        return self.offer + self.contact

    @property
    def accepted(self) -> float:
        """The mean share of contacted customers at risk who take the offer and stay."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def won(self) -> float:
        """What contacting a customer earns who is at risk, on average over the acceptance."""
        return self.accepted * (self.clv - self.offer) - self.contact


@dataclass(frozen=True)
class BestContact:
    """Whom to contact: those with p of at least ``threshold``, a ``fraction`` of all; ``profit`` a customer of all."""

    threshold: float
    fraction: float
    profit: float


def empc(classes: Codes, p: Array, weight: Array, *, costs: RetentionCosts | None = None) -> float:
    """Return the expected maximum profit measure for customer churn: currency a customer (of all, not of contacted).

    For each acceptance rate the most profitable part of the ranking is contacted; the profits are averaged over the
    distribution of that rate. Class 1 is the churner. Parameters are those of `cxml.predictive.measures.log_loss`.

    References
    ----------
    Verbraken, Verbeke and Baesens, 2013; see `RetentionCosts`.
    """
    return expected_maximum_profit(*_hull(classes, p, weight), costs or RetentionCosts())


def expected_maximum_profit(hits: Array, misses: Array, costs: RetentionCosts) -> float:
    """Return `empc` from the segments of the ROC convex hull: shares of all customers that are hits and misses."""
    from scipy.special import betainc

    a, b = costs.alpha, costs.beta
    least = _worth_from(hits, misses, costs)
    # A segment is contacted where the acceptance exceeds ``least``; the mean acceptance above it is a Beta's again.
    contacted = 1 - betainc(a, b, least)
    accepted = a / (a + b) * (1 - betainc(a + 1, b, least))
    cost = costs.contact * hits + costs.wasted * misses
    return float(((costs.clv - costs.offer) * hits * accepted - cost * contacted).sum())


def _worth_from(hits: Array, misses: Array, costs: RetentionCosts) -> Array:
    """Return the acceptance rate from which contacting each segment pays; 1 where it never does."""
    cost, gain = costs.contact * hits + costs.wasted * misses, (costs.clv - costs.offer) * hits
    return np.where(cost < gain, cost / np.where(gain > 0, gain, 1.0), 1.0)


def profit_threshold(costs: RetentionCosts | None = None) -> float:
    """Return the probability from which contacting a customer pays, where probabilities mean what they say.

    Contacting earns ``won`` with probability p and costs ``wasted`` otherwise (Elkan, IJCAI 2001). 1 where it never
    pays.
    """
    costs = costs or RetentionCosts()
    return costs.wasted / (costs.wasted + costs.won) if costs.won > 0 else 1.0


def expected_profit(
    classes: Codes, p: Array, weight: Array, *, threshold: float | None = None, costs: RetentionCosts | None = None
) -> float:
    """Return the profit of contacting every customer with p of at least ``threshold``: currency a customer (of all).

    ``threshold`` is that of `profit_threshold` where it is not given: costs decide it, not the model. Parameters are
    those of `cxml.predictive.measures.log_loss`; Verbraken et al. 2013, at the mean acceptance rate.
    """
    costs = costs or RetentionCosts()
    contacted = p[:, 1] >= (profit_threshold(costs) if threshold is None else threshold)
    return float(np.average(row_profits(classes, contacted, costs), weights=weight))


def row_profits(classes: Codes, contacted: ArrayLike, costs: RetentionCosts) -> Array:
    """Return what contacting each row earns, on average over the acceptance; see `expected_profit`.

    ``contacted`` has shape (n_rows,): whether a row was contacted, or in which share of repeats.
    """
    return np.asarray(contacted * np.where(classes == 1, costs.won, -costs.wasted))


def best_contact(classes: Codes, p: Array, weight: Array, *, costs: RetentionCosts | None = None) -> BestContact:
    """Return the threshold that would have earned most on these rows, what it earns, and how many it contacts.

    Found after the event, so its profit flatters; the threshold to decide by is `profit_threshold`. Parameters are
    those of `cxml.predictive.measures.log_loss`. A threshold of infinity contacts nobody.
    """
    costs = costs or RetentionCosts()
    ranking = Ranking.of(classes == 1, p[:, 1])
    hits, misses = (part / weight.sum() for part in ranking.counts(weight))
    profit = np.concatenate([[0.0], (costs.won * hits - costs.wasted * misses).cumsum()])
    best = int(profit.argmax())
    fraction = float((hits + misses)[:best].sum())
    threshold = float(p[ranking.order[ranking.starts[best - 1]], 1]) if best else float("inf")
    return BestContact(threshold, fraction, float(profit[best]))


def h_measure(classes: Codes, p: Array, weight: Array, *, severity: tuple[float, float] | None = None) -> float:
    """Return the H-measure: the part of the loss of knowing nothing that the ranking saves, 0 to 1 perfect.

    Averaged over the cost c of a false alarm (and 1 - c of a miss), drawn from Beta(``severity``); by default
    Beta(1 + share of class 1, 1 + share of class 0), the same for all models on the same rows, which AUC's is not.
    Parameters are those of `cxml.predictive.measures.log_loss`.

    References
    ----------
    Hand, "Measuring classifier performance: a coherent alternative to the area under the ROC curve", Machine Learning
    77, 2009. Hand and Anagnostopoulos, "A better Beta for the H measure of classification performance", Pattern
    Recognition Letters 40, 2014.
    """
    return saved_loss(*_hull(classes, p, weight), severity)


def saved_loss(hits: Array, misses: Array, severity: tuple[float, float] | None = None) -> float:
    """Return `h_measure` from the segments of the ROC convex hull; see `expected_maximum_profit`."""
    share = hits.sum()
    if not 0 < share < 1:
        return float("nan")
    a, b = severity or (1 + share, 2 - share)
    knowing_nothing = _mean_loss(np.array([share]), np.array([1 - share]), a, b)
    return 1 - _mean_loss(hits, misses, a, b) / knowing_nothing


def _mean_loss(hits: Array, misses: Array, a: float, b: float) -> float:
    """Return the least loss over the costs: a segment is called class 1 where c is below its share of hits."""
    from scipy.special import betainc

    share = hits / (hits + misses)
    false_alarms = misses * a / (a + b) * betainc(a + 1, b, share)
    missed = hits * b / (a + b) * (1 - betainc(a, b + 1, share))
    return float((false_alarms + missed).sum())


def _hull(classes: Codes, p: Array, weight: Array) -> tuple[Array, Array]:
    return roc_hull(*Ranking.of(classes == 1, p[:, 1]).counts(weight))


def roc_hull(hits: Array, misses: Array) -> tuple[Array, Array]:
    """Return the segments of the convex hull of a ROC curve, from the highest scores down.

    Parameters
    ----------
    hits, misses : arrays of shape (n_scores,), the weights at each score, in falling order of score

    Returns
    -------
    hits, misses : arrays of shape (n_segments,), as shares of the whole weight
    """
    from scipy.optimize import isotonic_regression

    w = hits + misses
    here = w > 0
    hits, misses, w = hits[here], misses[here], w[here]
    blocks = isotonic_regression(hits / w, weights=w, increasing=False).blocks[:-1]
    total = w.sum()
    return np.add.reduceat(hits, blocks) / total, np.add.reduceat(misses, blocks) / total
