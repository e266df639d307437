"""Latent satisfaction: a personal level, what happened lately, and how fast it is forgotten.

Within a month that begins with deviation ``d`` from the level, satisfaction at fraction ``f`` of the month is

    level + d * PERSISTENCE**f + f * shock + sum of what was felt since the month began

which is continuous where months meet. Its unit is arbitrary: answers.py turns it into scores.
"""

from dataclasses import dataclass

import numpy as np

from cxml.simulate.timeline import Floats, Ints

PERSISTENCE = 0.82
"""Share of a deviation that is left after a month: half of a disappointment is gone after 3.5 months."""

SHOCK = 0.12
"""Standard deviation of the monthly change that no event explains; small, so that the data tell most of the story."""

LOSS_AVERSION = 2.25
DIMINISHING = 0.88
"""How much more a loss is felt than a gain, and how the feeling flattens: Tversky & Kahneman, "Advances in Prospect
Theory", Journal of Risk and Uncertainty, 1992 (median estimates)."""

_SECOND_BITS = 22  # a month has under 2**22 seconds: customer and second fit in one sortable key


def felt_value(gain: Floats, per_unit: float) -> Floats:
    """Return the prospect-theory value: a broken promise hurts more than a kept one pleases."""
    size = per_unit * np.abs(gain) ** DIMINISHING
    return np.where(gain < 0, -LOSS_AVERSION * size, size)


@dataclass(frozen=True)
class Mood:
    """Satisfaction of every customer at every second of one month."""

    month_start: int
    month_seconds: int
    level: Floats
    deviation: Floats
    shock: Floats
    keys: Ints
    felt_so_far: Floats

    def at(self, who: Ints, when: Ints) -> Floats:
        """Return the satisfaction of customers ``who`` at seconds ``when``, after anything felt in that same second."""
        second = np.clip(when - self.month_start, 0, self.month_seconds)
        fraction = second / self.month_seconds
        upto = np.searchsorted(self.keys, (who << _SECOND_BITS) + second, side="right")
        since = np.searchsorted(self.keys, who << _SECOND_BITS, side="left")
        resting = self.level[who] + self.deviation[who] * PERSISTENCE**fraction + fraction * self.shock[who]
        return resting + self.felt_so_far[upto] - self.felt_so_far[since]


def mood(
    month_start: int,
    month_end: int,
    level: Floats,
    deviation: Floats,
    shock: Floats,
    who: Ints,
    when: Ints,
    felt: Floats,
) -> Mood:
    """Index what customers ``who`` felt at seconds ``when`` of the month for look-ups in time."""
    keys = (who << _SECOND_BITS) + (when - month_start)
    order = np.argsort(keys, kind="stable")
    return Mood(
        month_start=month_start,
        month_seconds=month_end - month_start,
        level=level,
        deviation=deviation,
        shock=shock,
        keys=keys[order],
        felt_so_far=np.concatenate([[0.0], np.cumsum(felt[order])]),
    )
