"""Treated against held out, looked at every day, without alarms from looking often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import ConfigError, SchemaError, broken_by, listed
from cxml.prescriptive.evaluating.logged import Floats

TIGHTEST_DAY: Final = 90
"""Day at which the bounds are about as tight as they can be, from the first day with enough outcomes on."""

_DOUBLINGS: Final = 12  # to effects 4,000 times as large as their standard error
_HALVINGS: Final = 40
_ENOUGH: Final = 10.0  # rewards that differ from the mean, before their spread is worth looking at


@dataclass(frozen=True, eq=False)
class Monitored:
    """What was known on each day; arrays of shape (n_days,).

    Attributes
    ----------
    day : days on which there were outcomes, ascending
    estimate : by how much treated customers bring more than held-out ones, per customer, over all days so far
    low, high : the confidence sequence; with 1 - alpha it holds the truth on all days at once. Infinite at first.
    alarm : first day on which 0 was outside, or None
    """

    day: NDArray[np.int64]
    estimate: Floats
    low: Floats
    high: Floats
    alarm: int | None


def monitored(
    day: NDArray[Any],
    reward: NDArray[Any],
    held_out: NDArray[np.bool_],
    holdout_share: float,
    *,
    alpha: float = 0.05,
    tightest_day: int = TIGHTEST_DAY,
) -> Monitored:
    """Compare treated with held-out customers after each day, as often as one likes.

    Parameters
    ----------
    day : array of shape (n_rows,), whole numbers
        Day on which the outcome of a customer was known. A row is a customer: each is drawn once, so each counts once.
    reward : array of shape (n_rows,)
        0 and 1, or money of any spread, all known.
    held_out : array of shape (n_rows,)
    holdout_share : the probability with which each was held out, as the policy says
    alpha : probability of ever being wrong, over all days together
    tightest_day : for how long a comparison the bounds are made to be tight

    Returns
    -------
    Monitored

    Raises
    ------
    SchemaError
        If a value is unknown or there are none.
    ConfigError
        If a share or a probability is not one.

    Notes
    -----
    Chance is the draw of the holdout alone, whose share is known, so nothing is assumed of the rewards, money of any
    tail included: where the policy adds the same to everyone (nothing, say), false alarms are at most alpha, however
    many customers there are. The inverse-propensity difference of rewards about their mean so far is a martingale;
    exp(l S - l^2 V / 2) is a supermartingale for V = sum(X^2 + 2 E X^2) / 3 (Delyon), with E X^2 known from the draw; l
    is mixed over a normal distribution (Robbins). Where effects differ between customers, sum X^2 is the variance if it
    is larger, and the guarantee holds as customers become many.

    References
    ----------
    Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm", Annals of Mathematical Statistics,
    1970. Delyon, "Exponential Inequalities for Sums of Weakly Dependent Variables", EJP, 2009. Howard, Ramdas,
    McAuliffe and Sekhon, "Time-uniform, Nonparametric, Nonasymptotic Confidence Sequences", Annals of Statistics, 2021.
    Ham, Bojinov, Lindon and Tingley, "Design-Based Confidence Sequences", 2022.
    """
    _check(day, reward, held_out, holdout_share, alpha, tightest_day)
    days, code = np.unique(np.asarray(day).astype(np.int64), return_inverse=True)
    sums = _sums(code, len(days), np.asarray(reward, dtype=np.float64), np.asarray(held_out), holdout_share)
    prior, start = _mixed(days, code, np.asarray(reward, dtype=np.float64), sums, alpha, tightest_day)
    low, high = np.full(len(days), -np.inf), np.full(len(days), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(sums.slope > 0, sums.level / sums.slope, np.nan)
    seen = np.flatnonzero((np.arange(len(days)) >= start) & (sums.slope > 0))
    if len(seen):
        since = sums.only(seen)
        low[seen], high[seen] = (_end(since, prior, alpha, side) for side in (-1.0, 1.0))
    outside = np.flatnonzero((low > 0) | (high < 0))
    return Monitored(days, estimate, low, high, int(days[outside[0]]) if len(outside) else None)


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the days so far add up to, for any effect d that is taken off the rewards of the treated; shape (n_days,).

    The martingale is ``level - d slope``; its squares, and those that the draw lets expect, are c0 - 2 d c1 + d^2 c2.
    """

    level: Floats
    slope: Floats
    squares: tuple[Floats, Floats, Floats]
    expected: tuple[Floats, Floats, Floats]

    def only(self, rows: NDArray[np.intp]) -> _Sums:
        """Return some of the days."""
        squares, expected = (tuple(x[rows] for x in three) for three in (self.squares, self.expected))
        return _Sums(self.level[rows], self.slope[rows], squares, expected)  # type: ignore[arg-type]

    def variance(self, effect: Floats) -> Floats:
        """Return the variance of the martingale, were the effect this; shape (n_days,)."""
        squares, expected = (c[0] - 2 * effect * c[1] + effect**2 * c[2] for c in (self.squares, self.expected))
        return np.maximum(np.maximum(squares, (squares + 2 * expected) / 3), 0.0)


def _sums(code: NDArray[np.intp], n_days: int, reward: Floats, held_out: NDArray[np.bool_], share: float) -> _Sums:
    """Return the sums of each day and those before."""

    def so_far(rows: Floats) -> Floats:
        return np.cumsum(np.bincount(code, weights=rows, minlength=n_days)).astype(np.float64)

    treated = (~held_out).astype(np.float64)
    factor = np.where(held_out, -1 / share, 1 / (1 - share))
    n = so_far(np.ones(len(reward)))
    # About the mean of all rewards so far, the day's own included, whatever the draw made of them.
    about = reward - (so_far(reward) / n)[code]
    taken = treated - (so_far(treated) / n)[code]
    products = (about * about, about * taken, taken * taken)
    known = 1 / (share * (1 - share))  # the mean of factor^2 over the draw
    return _Sums(
        so_far(factor * about),
        so_far(factor * taken),
        tuple(so_far(factor * factor * x) for x in products),  # type: ignore[arg-type]
        tuple(known * so_far(x) for x in products),  # type: ignore[arg-type]
    )


def _mixed(
    days: NDArray[np.int64], code: NDArray[np.intp], reward: Floats, sums: _Sums, alpha: float, tightest_day: int
) -> tuple[float, int]:
    """Return the variance of the mixture, and the place of the first day on which there is something to compare.

    Both are taken from the rewards without who was held out, so that the draw is still to come as far as they know.
    """
    n = np.cumsum(np.bincount(code)).astype(np.float64)
    away = reward - reward.mean()
    square = away * away
    first, second, third, fourth = (
        np.cumsum(np.bincount(code, weights=power)) for power in (away, square, square * away, square * square)
    )
    mean = first / n
    squares = second - n * mean**2
    fourths = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * n * mean**4
    # Of 0 and 1, squares^2 / fourths is about how many there are of the rarer.
    enough = (squares**2 >= _ENOUGH * fourths) & (squares > 1e-9 * np.sqrt(fourth))
    if not enough.any():
        return 1.0, len(days)
    start = int(enough.argmax())
    elapsed = float(days[start] - days[0] + 1)
    variance = float(sums.expected[0][start]) / elapsed * tightest_day
    # Howard et al. 2021, section 3.5: the variance at which the boundary is tightest.
    wanted = 2 * np.log(1 / alpha)
    return variance / float(wanted + np.log1p(wanted)), start


def _end(sums: _Sums, prior: float, alpha: float, side: float) -> Floats:
    """Return one end of the effects that are not ruled out, by bisection; shape (n_days,)."""

    def ruled_out(effect: Floats) -> NDArray[np.bool_]:
        variance = sums.variance(effect) + prior
        bound = variance * (np.log(variance / prior) + 2 * np.log(1 / alpha))
        found: NDArray[np.bool_] = (sums.level - effect * sums.slope) ** 2 > bound
        return found

    centre = sums.level / sums.slope
    step = side * np.sqrt(sums.variance(centre) + prior) / sums.slope
    inside, outside = centre, centre + step
    for _ in range(_DOUBLINGS):  # to the last that is not ruled out: far away, those may follow some that are
        still = ~ruled_out(centre + step)
        inside, outside = np.where(still, centre + step, inside), np.where(still, centre + 2 * step, outside)
        step = 2 * step
    endless = ~ruled_out(outside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        out = ruled_out(middle)
        inside, outside = np.where(out, inside, middle), np.where(out, middle, outside)
    return np.where(endless, side * np.inf, outside)


def _check(
    day: NDArray[Any], reward: NDArray[Any], held_out: NDArray[Any], share: float, alpha: float, tightest_day: int
) -> None:
    for name, probability in (("holdout_share", share), ("alpha", alpha)):
        if not 0 < probability < 1:
            raise ConfigError(
                f"{name}: must be between 0 and 1; it is {probability}. Without it there is no comparison."
            )
    if tightest_day < 1:
        raise ConfigError(f"tightest_day: must be at least 1; it is {tightest_day}. Give it in days.")
    n_rows = len(day)
    if not n_rows:
        raise SchemaError("day: must have at least one outcome; there is none. Wait until outcomes have matured.")
    faults = [
        f"{name}: must have a value for each of {n_rows:,} rows; its shape is {np.shape(values)}. Give one per row."
        for name, values in (("day", day), ("reward", reward), ("held_out", held_out))
        if np.shape(values) != (n_rows,)
    ]
    if not faults:
        if np.asarray(held_out).dtype != bool:
            faults.append(f"held_out: must be true or false; it is {np.asarray(held_out).dtype}.")
        for name, values in (("day", day), ("reward", reward)):
            unknown = ~np.isfinite(np.asarray(values, dtype=np.float64))
            if unknown.any():
                faults.append(
                    f"{name}: must be known; {broken_by(int(unknown.sum()), n_rows)} "
                    f"(first: row {int(unknown.argmax())}). Leave out outcomes that have not matured."
                )
    if faults:
        raise SchemaError(listed(faults))
