"""Where the exploration of a run goes: whom it would try what on, and what that is expected to cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.choosing import arbitrated
from cxml.prescriptive.options import FIRED, Columns, Floats, run_of
from cxml.prescriptive.policy import Policy


@dataclass(frozen=True, eq=False)
class ExplorationPlan:
    """What exploration would do to each customer of a run.

    ``share`` is how likely each is explored with, shape (n_rows,); ``tried`` how likely each option is then tried on
    each, over both draws, shape (n_rows, n_options); ``lost`` what that is expected to bring less than deciding by
    worth, in what options are ranked by, shape (n_rows,).
    """

    share: Floats
    tried: Floats
    lost: Floats


def exploration_plan(
    policy: Policy, columns: Columns, customers: Sequence[str], moments: NDArray[np.datetime64]
) -> ExplorationPlan:
    """Return where the exploration of a run goes; parameters are those of `cxml.prescriptive.decisions.decisions`."""
    run = run_of(policy, columns, customers, moments)
    look, draws, made = arbitrated(policy, run, customers)
    fired = look.status == FIRED
    odds = fired / np.maximum(draws.n_fired, 1)[:, None] if draws.odds is None else draws.odds
    tried = draws.share[:, None] * draws.kept * odds
    tried[:, policy.nothing] += draws.share * draws.thinned
    worth = np.where(fired, look.priority, 0.0)
    best = worth[np.arange(run.n_rows), made.best]
    lost = draws.share * best - (tried * worth).sum(axis=1)
    return ExplorationPlan(draws.share, tried, lost)
