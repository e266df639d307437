"""Where exploration is spent: who is explored with, by how much there is to learn, and how likely each option is drawn.

What an option is worth to a customer is uncertain as long as its effect is: normal around benefit x effect - cost, with
95% of it in the range that is stated for the effect. An option is drawn as likely as it is the best of those that fired
(Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika, 1933), and a customer is
explored with in proportion to what knowing the best would be expected to gain.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import numbers
from cxml.prescriptive.allocating.relaxation import first_best
from cxml.prescriptive.draws import mixed
from cxml.prescriptive.effects import effects_of
from cxml.prescriptive.groups import group_codes
from cxml.prescriptive.options import FIRED, Floats, Looked, Run
from cxml.prescriptive.policy import Policy
from cxml.schema.figures import Z_95

_IN_RANGE: Final = 2 * Z_95
"""Standard deviations between the ends of the range that holds 95% of a normal."""

_N_DRAWS: Final = 128  # even; of the worth of all options at once, the same for every customer
_LEAST: Final = 0.01
"""Share of the draws that goes to all that fired alike, so that no probability vanishes."""

_NOTHING: Final = 0.2
"""Share of the draws that goes to doing nothing: what an action changes is measured against it."""

_BLOCK: Final = 16_384  # customers at once, so that the worths of a draw stay in the cache
_ROUNDING: Final = 1e-9


def exploration(policy: Policy, run: Run, look: Looked) -> tuple[float | Floats, Floats | None]:
    """Return how likely each customer is explored with, and how likely it then draws each option.

    Returns
    -------
    float, or array of shape (n_rows,)
        Its mean over the run is the policy's ``exploration_share``, or less where no more customers have something to
        be learnt of than that.
    array of shape (n_rows, n_options), or None where all that fired are drawn alike
        0 where an option did not fire; rows add up to 1.
    """
    if policy.exploration.method == "uniform" or policy.exploration_share <= 0:
        return policy.exploration_share, None
    odds, gain = best_odds(*_worths(policy, run, look))
    fired = look.status == FIRED
    n_fired = fired.sum(axis=1)
    odds = (1 - _LEAST - _NOTHING) * odds + (_LEAST / n_fired)[:, None] * fired
    odds[:, policy.nothing] += _NOTHING
    if policy.exploration.by is not None:
        column = run.columns[policy.exploration.by]
        gain = _group_means(
            gain, group_codes(policy.exploration.by, column, where="policy.exploration.by"), n_fired > 1
        )
    return shares(gain, policy.exploration_share), odds


def best_odds(mean: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return how likely each option is worth most, and what knowing the best is expected to gain.

    Parameters
    ----------
    mean, spread : of the normal that an option's worth follows, shape (n_options, n_rows)
        -inf and 0 where it may not be chosen.

    Returns
    -------
    array of shape (n_rows, n_options), a multiple of 1 / 128
        Counted over fixed draws. Of each option alone they are evenly spaced quantiles: one of uncertain worth against
        one of known worth is right to half of that. Ties go to the first.
    array of shape (n_rows,)
        E[max] - max E, in money; 0 or more.
    """
    n_options, n_rows = mean.shape
    draws = _draws(n_options)
    odds, gain = np.zeros((n_rows, n_options)), np.zeros(n_rows)
    for start in range(0, n_rows, _BLOCK):
        rows = slice(start, start + _BLOCK)
        middle, width = np.ascontiguousarray(mean[:, rows]), np.ascontiguousarray(spread[:, rows])
        at, counted, total = np.arange(middle.shape[1]), np.zeros(middle.shape[::-1]), np.zeros(middle.shape[1])
        for z in draws:
            top, best = first_best(middle + z[:, None] * width)
            counted[at, best] += 1
            total += top
        known = middle.max(axis=0)
        more = total / len(draws) - known
        odds[rows] = counted / len(draws)
        gain[rows] = np.where(more > _ROUNDING * (np.abs(known) + width.sum(axis=0)), more, 0.0)
    return odds, gain


def shares(gain: Floats, share: float) -> Floats:
    """Return shares in proportion to a gain, none above 1, whose mean is ``share``; alike where there is no gain.

    Where fewer than that share have a gain, they have 1, and the others 0.
    """
    if not gain.any():
        return np.full(len(gain), share)
    falling = -np.sort(-gain)
    capped = np.arange(len(gain))  # so many of the highest are at 1
    left = np.cumsum(falling[::-1])[::-1]  # the gain of the others
    scale = np.divide(share * len(gain) - capped, left, out=np.zeros(len(gain)), where=left > 0)
    fits = (scale * falling <= 1) & (left > 0)
    if not fits.any():
        return (gain > 0).astype(np.float64)
    found: Floats = np.minimum(scale[fits.argmax()] * gain, 1.0)
    return found


def _worths(policy: Policy, run: Run, look: Looked) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of what each option is worth in money; shapes (n_options, n_rows)."""
    shape = (len(policy.options), run.n_rows)
    mean, spread = np.zeros(shape), np.zeros(shape)
    for j, option in enumerate(policy.options):
        if j == policy.nothing:
            continue
        benefit = numbers(option.benefit, run.columns, run.n_rows)
        effects = effects_of(option, run.columns, run.n_rows)
        fired = look.status[:, j] == FIRED
        mean[j] = np.where(fired, benefit * effects.value - look.cost[:, j], -np.inf)
        spread[j] = np.where(
            fired, np.nan_to_num(np.abs(benefit * (effects.high - effects.low))) / _IN_RANGE, 0.0
        )  # no range is none
    return mean, spread


def _group_means(gain: Floats, group: NDArray[np.int64], counted: NDArray[np.bool_]) -> Floats:
    """Return the mean gain of each customer's group over those who are counted; 0 for the others."""
    sums, n = (np.bincount(group + 1, weights) for weights in (gain * counted, counted.astype(np.float64)))
    found: Floats = np.where(counted, (sums / np.maximum(n, 1))[group + 1], 0.0)
    return found


def _draws(n_options: int) -> Floats:
    """Return draws of a standard normal, shape (128, n_options): of each option the same quantiles, in its own order.

    A Latin hypercube (McKay, Beckman and Conover, Technometrics, 1979), shuffled by a hash.
    """
    half = [NormalDist().inv_cdf((i + 0.5) / _N_DRAWS) for i in range(_N_DRAWS // 2)]
    quantiles = np.array([*half, *(-z for z in reversed(half))])
    keys = mixed(np.arange(n_options * _N_DRAWS, dtype=np.uint64)).reshape(n_options, _N_DRAWS)
    return quantiles[np.argsort(keys, axis=1, kind="stable")].T
