"""The exact optimum of the choices that are still open, by HiGHS."""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.allocating.core import Core
from cxml.prescriptive.allocating.relaxation import Floats, Integers

# Not seconds, so that the same inputs give the same choices on any machine.
_MOST_NODES: Final = 300


def exact_choices(core: Core) -> tuple[Integers, float] | None:
    """Return the best choices (c,) and an upper bound of what any are worth; None where HiGHS found none.

    Notes
    -----
    Doing nothing has no variable: a customer has at most one of the others. A fairness limit has one more variable, the
    rate that no group is below. HiGHS keeps limits to about a millionth: the caller adds up.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, vstack

    problem, n = core.problem, len(core.customers)
    possible = core.possible
    possible[problem.nothing] = False
    option, customer = np.nonzero(possible)
    n_pairs, n_rates = len(option), len(problem.parities)
    if not n_pairs:
        return None
    one_each = coo_array((np.ones(n_pairs), (customer, np.arange(n_pairs))), shape=(n, n_pairs + n_rates))
    uses = problem.uses(np.arange(n))[:, option, customer]
    blocks = [one_each, coo_array(np.hstack([uses, np.zeros((len(uses), n_rates))]))]
    low, high = [np.full(n + len(uses), -np.inf)], [np.ones(n), 1.0 - core.used]
    gets, first = core.gets[:, option, customer], 0
    for f, (parity, count) in enumerate(zip(problem.parities, core.counts, strict=True)):
        rate = np.zeros((len(parity.sizes), n_rates))
        rate[:, f] = -1.0
        share = gets[first : first + len(parity.sizes)] / parity.sizes[:, None]
        blocks.append(coo_array(np.hstack([share, rate])))
        low.append(-count / parity.sizes)
        high.append(low[-1] + parity.max_difference)
        first += len(parity.sizes)
    worth = problem.worth[option, customer]
    size = float(np.abs(worth).max())
    cost: Floats = np.concatenate([-worth / size, np.zeros(n_rates)])
    found = milp(
        cost,
        integrality=np.concatenate([np.ones(n_pairs), np.zeros(n_rates)]),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(vstack(blocks, format="csc"), np.concatenate(low), np.concatenate(high)),
        options={"node_limit": _MOST_NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    chosen = np.full(n, problem.nothing)
    taken = np.flatnonzero(found.x[:n_pairs] > 0.5)
    chosen[customer[taken]] = option[taken]
    bound = -float(found.mip_dual_bound) if found.mip_dual_bound is not None else np.inf
    return chosen, bound * size
