"""The last part of the gap: combinations of the choices that are still open.

Customers are gone through one by one, those with the clearest choice first, and every combination is kept that could
still be better; where they become too many, those that have lost least.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.allocating.core import Core
from cxml.prescriptive.allocating.relaxation import Booleans, Floats, Integers, Parity
from cxml.prescriptive.allocating.repair import ROUNDING, is_fair

_WIDTH: Final = 2_000


def best_combination(core: Core, *, width: int = _WIDTH) -> tuple[Integers, bool]:
    """Return choices (c,) that are worth no less, and whether it is proven that none of the core are worth more."""
    problem, possible, gets = core.problem, core.possible, core.gets
    n = len(core.customers)
    uses = problem.uses(np.arange(n))
    clear = np.where(possible, core.loss, np.inf)
    clear.sort(axis=0)
    order = np.argsort(-clear[1], kind="stable") if len(clear) > 1 else np.arange(n)
    room = (1.0 + ROUNDING - core.used)[:, None, None]
    value, lost = np.zeros(1), np.zeros(1)
    spent = np.zeros((len(room), 1))
    got = np.concatenate([np.zeros(0, dtype=np.int64), *core.counts])[:, None]
    complete, least = core.complete, core.gap * (1 - 1e-9)
    trail: list[tuple[Integers, Integers]] = []
    can = np.any(possible & (gets > 0), axis=1)
    still_can = can.sum(axis=1)
    for i in order:
        still_can = still_can - can[:, i]
        options = np.flatnonzero(possible[:, i])
        loss = lost + core.loss[options, i][:, None]
        use = spent[:, None, :] + uses[:, options, i][:, :, None]
        o, state = np.nonzero((loss < least) & (use <= room).all(axis=0))
        count = got[:, state] + gets[:, options[o], i]
        keep = _within_reach(count, count + still_can[:, None], problem.parities)
        o, state, count = o[keep], state[keep], count[:, keep]
        if not len(o):
            return core.chosen, complete
        if len(o) > width:
            few = _distinct(loss[o, state], np.concatenate([use[:, o, state], count]))
            if len(few) > width:
                complete = False
                few = _spread(few, (core.prices[:, None] * use[:, o[few], state[few]]).sum(axis=0), width)
            o, state, count = o[few], state[few], count[:, few]
        option = options[o]
        lost, spent, value, got = loss[o, state], use[:, o, state], value[state] + problem.worth[option, i], count
        trail.append((option, state))
    fair = np.ones(len(value), dtype=bool)
    first = 0
    for parity in problem.parities:
        counts = got[first : first + len(parity.sizes)].T
        fair &= np.array([is_fair(count, parity) for count in counts], dtype=bool)
        first += len(parity.sizes)
    now = float(problem.worth[core.chosen, np.arange(n)].sum())
    if not (fair & (value > now)).any():
        return core.chosen, complete
    at = int(np.argmax(np.where(fair, value, -np.inf)))
    chosen = core.chosen.copy()
    for i, (option, state) in zip(order[::-1], trail[::-1], strict=True):
        chosen[i], at = option[at], int(state[at])
    return chosen, complete


def _within_reach(least: Integers, most: Integers, parities: tuple[Parity, ...]) -> Booleans:
    """Return which combinations can still be fair, where each group's count ends between ``least`` and ``most``."""
    found, first = np.ones(least.shape[1], dtype=bool), 0
    for parity in parities:
        rows, sizes = slice(first, first + len(parity.sizes)), parity.sizes[:, None]
        apart = (least[rows] / sizes).max(axis=0) - (most[rows] / sizes).min(axis=0)
        found &= apart <= parity.max_difference + ROUNDING
        first = rows.stop
    return found


def _distinct(loss: Floats, state: Floats) -> Integers:
    """Return combinations in the order of their loss, of those that use the same only the first."""
    order = np.argsort(loss, kind="stable")
    # Two random weighings tell uses apart; those that differ by rounding only are the same.
    weights = np.random.default_rng(0).random((2, len(state), 1))
    first, second = np.round((weights * state[:, order]).sum(axis=1), 11)
    kept = np.unique(first + 1j * second, return_index=True)[1]
    return np.asarray(order[np.sort(kept)])


def _spread(order: Integers, priced: Floats, width: int) -> Integers:
    """Return half of the combinations by their loss, and half of the others spread over what they use, at its price.

    Those that lose least alone would all use about the same, and leave the same part of a limit unused.
    """
    half = width // 2
    rest = half + np.argsort(priced[half:], kind="stable")
    spread = rest[np.linspace(0, len(rest) - 1, width - half).astype(np.int64)]
    return np.asarray(order[np.sort(np.concatenate([np.arange(half), spread]))])
