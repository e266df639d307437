"""What is left to chance: who is held out, who is explored with, and how likely each decision was.

Every draw is a hash, so that the same customer at the same moment always draws the same: of the customer alone for the
holdout, which is for good, of customer and moment for the exploration, which is drawn anew each run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HOLDOUT, _EXPLORE, _WHICH, _THIN = (np.uint64(i * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) for i in range(1, 5))
# Of what a limit allows, the share that drawn actions may be expected to use, so that chance hardly ever breaks it.
_EXPLORED_SHARE: Final = 0.5


@dataclass(frozen=True, eq=False)
class Drawn:
    """What was drawn; arrays of shape (n_rows,).

    ``share`` is how likely each customer was explored with, had it not been held out. ``option`` is what each explored
    customer drew, ``nothing`` where the draw was thinned away. Each could draw any of ``n_fired`` options, all alike or
    as ``odds`` of shape (n_rows, n_options) says; each option was kept with its probability in ``kept``, of shape
    (n_options,), so that a draw was thinned away with probability ``thinned``.
    """

    holdout: NDArray[np.bool_]
    explored: NDArray[np.bool_]
    share: Floats
    option: NDArray[np.intp]
    n_fired: NDArray[np.intp]
    odds: Floats | None
    kept: Floats
    thinned: Floats
    nothing: int

    def odds_of(self, chosen: NDArray[np.intp]) -> Floats:
        """Return how likely each customer gets an option that it may get, if explored with; shape (n_rows,)."""
        drawn_so = 1 / self.n_fired if self.odds is None else self.odds[np.arange(len(chosen)), chosen]
        found: Floats = self.kept[chosen] * drawn_so + np.where(chosen == self.nothing, self.thinned, 0.0)
        return found


def keys_of(customers: Sequence[str]) -> NDArray[np.uint64]:
    """Return 64 bits for each customer, the same for good; shape (n_rows,)."""
    digest = hashlib.blake2b
    found = b"".join(
        [digest(customer.encode("utf-8", "surrogatepass"), digest_size=8).digest() for customer in customers]
    )
    return np.frombuffer(found, dtype="<u8").astype(np.uint64)


def drawn(
    keys: NDArray[np.uint64],
    moments: NDArray[np.datetime64],
    fired: NDArray[np.bool_],
    limits: Sequence[tuple[float, Floats]],
    *,
    nothing: int,
    holdout_share: float,
    exploration_share: float | Floats,
    odds: Floats | None = None,
) -> Drawn:
    """Draw who is held out, who is explored with, and with what.

    Parameters
    ----------
    keys : as `keys_of` gives them
    moments : of the decisions, shape (n_rows,)
    fired : whether each option may be chosen, shape (n_rows, n_options)
    limits : amount of each limit, with what each choice uses of it, (n_options,) or (n_rows, n_options)
    nothing : the place of the option that is to do nothing
    holdout_share : as the policy says
    exploration_share : of all customers, or how likely each is explored with, shape (n_rows,)
    odds : how likely an explored customer draws each option, 0 where it did not fire; shape (n_rows, n_options),
        rows adding up to 1. By default all that fired alike.

    Returns
    -------
    Drawn
        What is drawn holds within every limit.
    """
    n_rows = len(keys)
    holdout = uniform(keys, _HOLDOUT) < holdout_share
    none = np.full(n_rows, nothing, dtype=np.intp)
    n_fired = fired.sum(axis=1)
    share = np.broadcast_to(np.asarray(exploration_share, dtype=np.float64), (n_rows,))
    kept, thinned = np.ones(fired.shape[1]), np.zeros(n_rows)
    if not share.any():
        return Drawn(holdout, np.zeros(n_rows, dtype=bool), share, none, n_fired, odds, kept, thinned, nothing)
    now = keys ^ mixed(moments.astype("datetime64[us]").astype(np.int64).view(np.uint64))
    explored = ~holdout & (uniform(now, _EXPLORE) < share)
    rows = np.flatnonzero(explored)
    option = none.copy()
    if odds is None:
        wanted = (uniform(now[rows], _WHICH) * n_fired[rows]).astype(np.intp)  # the how-manieth of those that fired
        option[rows] = (fired[rows].cumsum(axis=1) > wanted[:, None]).argmax(axis=1)
        chances = fired[rows] / np.maximum(n_fired[rows], 1)[:, None]
    else:
        chances = odds[rows]
        upto = chances.cumsum(axis=1)
        point = np.minimum(uniform(now[rows], _WHICH) * upto[:, -1], np.nextafter(upto[:, -1], 0))
        option[rows] = (upto > point[:, None]).argmax(axis=1)
    kept = _kept(chances, [(amount, _rows(use, rows)) for amount, use in limits])
    if (kept < 1).any():
        option[rows[uniform(now[rows], _THIN) >= kept[option[rows]]]] = nothing
        thinned = fired @ (1 - kept) / np.maximum(n_fired, 1) if odds is None else odds @ (1 - kept)
    for amount, use in limits:
        took = _used(_rows(use, rows), option[rows])
        order = np.argsort(now[rows], kind="stable")  # as good as any, and the same every time
        over = order[np.cumsum(took[order]) > amount]
        option[rows[over[took[over] > 0]]] = nothing
    return Drawn(holdout, explored, share, option, n_fired, odds, kept, thinned, nothing)


def propensity(
    chosen: NDArray[np.intp],
    best: NDArray[np.intp],
    odds: Floats,
    *,
    nothing: int,
    holdout_share: float,
    exploration_share: float | Floats,
) -> Floats:
    """Return how likely each decision is, over the draws of holdout and exploration; shape (n_rows,).

    Parameters
    ----------
    chosen : the option of each customer
    best : what the customer gets, or would have got, when nothing is drawn
    odds : of that option where the customer is explored with, as `Drawn.odds_of` gives them
    nothing, holdout_share : as for `drawn`
    exploration_share : of all customers, or how likely each is explored with
    """
    decided = (1 - exploration_share) * (chosen == best) + exploration_share * odds
    found: Floats = (1 - holdout_share) * decided + holdout_share * (chosen == nothing)
    return np.minimum(found, 1.0)


def _kept(chances: Floats, limits: Sequence[tuple[float, Floats]]) -> Floats:
    """Return the probability with which each option that is drawn is kept, (n_options,).

    So that no limit is expected to be used up by draws, the scarcest first; what takes nothing of a limit is not
    thinned for it.
    """
    kept = np.ones(chances.shape[1])

    def share(amount: float, use: Floats) -> float:
        expected = float((chances * kept * use).sum())
        return _EXPLORED_SHARE * amount / expected if expected > _EXPLORED_SHARE * amount else 1.0

    for amount, use in sorted(limits, key=lambda limit: share(*limit)):
        takes = use > 0 if use.ndim == 1 else (use > 0).any(axis=0)
        kept[takes] *= share(amount, use)
    return kept


def _rows(use: Floats, rows: NDArray[np.intp]) -> Floats:
    return use if use.ndim == 1 else use[rows]


def _used(use: Floats, option: NDArray[np.intp]) -> Floats:
    """Return what each row's choice uses; shape (n_rows,)."""
    found: Floats = use[option] if use.ndim == 1 else use[np.arange(len(option)), option]
    return found


def uniform(keys: NDArray[np.uint64], salt: Any) -> Floats:
    """Return a number in [0, 1) for each key and a salt."""
    return (mixed(keys ^ salt) >> np.uint64(11)).astype(np.float64) / 2.0**53


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return keys whose bits all depend on all bits (SplitMix64; Steele, Lea and Flood, OOPSLA 2014)."""
    z = keys + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return found
