"""The last part of the gap: combinations of the choices that are still open.

Customers are gone through one by one, those with the clearest choice first, and every combination is kept that could
still be better; where they become too many, those that have lost least.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.core import Core
from cxml.prescriptive.relaxation import Integers
from cxml.prescriptive.repair import ROUNDING, most_fair

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
    for i in order:
        options = np.flatnonzero(possible[:, i])
        loss = lost + core.loss[options, i][:, None]
        use = spent[:, None, :] + uses[:, options, i][:, :, None]
        o, state = np.nonzero((loss < least) & (use <= room).all(axis=0))
        if not len(o):
            return core.chosen, complete
        if len(o) > width:
            complete = False
            keep = np.argsort(loss[o, state], kind="stable")[:width]
            o, state = o[keep], state[keep]
        option = options[o]
        lost, spent, value = loss[o, state], use[:, o, state], value[state] + problem.worth[option, i]
        got = got[:, state] + gets[:, option, i]
        trail.append((option, state))
    fair = np.ones(len(value), dtype=bool)
    first = 0
    for parity in problem.parities:
        counts = got[first : first + len(parity.sizes)].T
        fair &= np.array([(count <= most_fair(count, parity)).all() for count in counts], dtype=bool)
        first += len(parity.sizes)
    now = float(problem.worth[core.chosen, np.arange(n)].sum())
    if not (fair & (value > now)).any():
        return core.chosen, complete
    at = int(np.argmax(np.where(fair, value, -np.inf)))
    chosen = core.chosen.copy()
    for i, (option, state) in zip(order[::-1], trail[::-1], strict=True):
        chosen[i], at = option[at], int(state[at])
    return chosen, complete
