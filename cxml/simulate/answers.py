"""How satisfaction becomes an answer: ordered thresholds with noise, known exactly."""

import numpy as np
from scipy.special import ndtr

from cxml.simulate.timeline import Floats, Ints

NPS_THRESHOLDS = np.array([-2.70, -2.30, -1.95, -1.60, -1.25, -0.90, -0.50, -0.08, 0.35, 0.80])
"""Satisfaction above which an answer is at least 1, 2, ... 10; 7 begins at the seventh and 9 at the ninth."""

CSAT_THRESHOLDS = np.array([-1.4, -0.7, -0.1, 0.6])
CES_THRESHOLDS = np.array([-1.9, -1.3, -0.8, -0.3, 0.2, 0.8])

ANSWER_NOISE = 0.5
"""Standard deviation of the answer around satisfaction: asked twice, the same customer differs by about a point."""


def nps_probabilities(satisfaction: Floats) -> Floats:
    """Return P(detractor), P(passive), P(promoter) at each satisfaction; shape (n, 3)."""
    below_passive = ndtr((NPS_THRESHOLDS[6] - satisfaction) / ANSWER_NOISE)
    below_promoter = ndtr((NPS_THRESHOLDS[8] - satisfaction) / ANSWER_NOISE)
    return np.stack([below_passive, below_promoter - below_passive, 1 - below_promoter], axis=1)


def answer(satisfaction: Floats, thresholds: Floats, rng: np.random.Generator) -> Ints:
    """Draw how many thresholds a noisy reading of satisfaction passes."""
    reading = satisfaction + rng.normal(0, ANSWER_NOISE, size=satisfaction.size)
    return np.asarray(np.searchsorted(thresholds, reading))
