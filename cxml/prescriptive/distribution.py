"""How likely a policy gives each option to each customer, over what it leaves to chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.choosing import Choice, arbitrated
from cxml.prescriptive.draws import Drawn, propensity
from cxml.prescriptive.options import FIRED, Columns, Floats, run_of
from cxml.prescriptive.policy import Policy


def decided_probabilities(
    policy: Policy,
    columns: Columns,
    customers: Sequence[str],
    moments: NDArray[np.datetime64],
    *,
    with_holdout: bool = False,
) -> Floats:
    """Return how likely each option is for each customer, over the draws of exploration.

    It is what the evaluation of a policy on what was logged under another needs.

    Parameters
    ----------
    policy : Policy
    columns, customers, moments : as for `cxml.prescriptive.decisions.decisions`
    with_holdout : whether over the draw of the holdout too; otherwise of a customer who is not held out

    Returns
    -------
    array of shape (n_rows, n_options), columns as the policy's options
        Each row adds up to 1. With the holdout, the entry of the option that a customer got is its ``propensity``.
        Limits and fairness hold over the run: the probabilities are those within the choice that was made under them.
    """
    run = run_of(policy, columns, customers, moments)
    look, draws, made = arbitrated(policy, run, customers)
    found = np.zeros((len(policy.options), run.n_rows))
    for j in range(len(policy.options)):
        option = np.full(run.n_rows, j)
        may = (look.status[:, j] == FIRED) | (j == policy.nothing)
        found[j] = np.where(may, probability_of(policy, draws, made, option, with_holdout=with_holdout), 0.0)
    return found.T


def probability_of(
    policy: Policy, draws: Drawn, made: Choice, chosen: NDArray[np.intp], *, with_holdout: bool = True
) -> Floats:
    """Return how likely each customer gets an option that it may get, over the draws; shape (n_rows,)."""
    return propensity(
        chosen,
        made.best,
        draws.odds_of(chosen),
        nothing=policy.nothing,
        holdout_share=policy.holdout_share if with_holdout else 0.0,
        exploration_share=draws.share,
    )
