"""Better choices by exchange: one customer gets more, and another makes room for it, as long as that adds worth."""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.allocating.core import Core
from cxml.prescriptive.allocating.relaxation import Floats, Integers
from cxml.prescriptive.allocating.repair import ROUNDING, is_fair

_MOST_EXCHANGES: Final = 200


def exchanged(core: Core) -> Integers:
    """Return choices (c,) of which no one or two can change for the better within the limits."""
    problem, n = core.problem, len(core.customers)
    every = np.arange(n)
    uses, gets = problem.uses(every), core.gets
    options, customers = np.nonzero(core.possible)
    room = 1.0 + ROUNDING - core.used
    others = np.concatenate([np.zeros(0, dtype=np.int64), *core.counts])
    chosen = core.chosen.copy()
    for _ in range(_MOST_EXCHANGES):
        left = room - uses[:, chosen, every].sum(axis=1)
        counts = others + gets[:, chosen, every].sum(axis=1)
        now = chosen[customers]
        gain = problem.worth[options, customers] - problem.worth[now, customers]
        order = np.argsort(-gain, kind="stable")
        order = order[options[order] != now[order]]
        o, c, gain = options[order], customers[order], gain[order]
        use = uses[:, o, c] - uses[:, chosen[c], c]
        get = gets[:, o, c] - gets[:, chosen[c], c]
        found = _best_pair(core, c, gain, use, get, left, counts)
        if found is None:
            break
        chosen[c[found]] = o[found]
    return chosen


def _best_pair(
    core: Core, customer: Integers, gain: Floats, use: Floats, get: Integers, left: Floats, counts: Integers
) -> Integers | None:
    """Return the one or two moves that add most; the moves are in the order of what they add."""
    best, found = 1e-12, None
    alone = (use <= left[:, None]).all(axis=0) & (gain > best)
    for i in np.flatnonzero(alone).tolist():
        if _fair(core, counts + get[:, i]):
            best, found = float(gain[i]), np.array([i])
            break
    for i in range(len(gain)):
        # The other move adds no more than this one: it stands behind it.
        stop = int(np.searchsorted(-gain, gain[i] - best, side="left"))
        if stop <= i + 1:
            if gain[i] * 2 <= best:
                break
            continue
        others = slice(i + 1, stop)
        fits = (use[:, others] <= (left - use[:, i])[:, None]).all(axis=0) & (customer[others] != customer[i])
        for j in (i + 1 + np.flatnonzero(fits)[:20]).tolist():
            if _fair(core, counts + get[:, i] + get[:, j]):
                best, found = float(gain[i] + gain[j]), np.array([i, j])
                break
    return found


def _fair(core: Core, counts: Integers) -> bool:
    first = 0
    for parity in core.problem.parities:
        mine = counts[first : first + len(parity.sizes)]
        if not is_fair(mine, parity):
            return False
        first += len(parity.sizes)
    return True
