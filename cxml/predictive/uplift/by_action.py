"""The outcome to expect of each logged decision under each action, and how likely the one taken was: for valuing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.forests import Grower
from cxml.predictive.uplift.nuisances import (
    LEAST_PROPENSITY,
    estimated_propensities,
    expected_outcomes,
    folds_by_customer,
)

Array = NDArray[np.float64]
_FEWEST: Final = 20
"""Rows of an action below which its outcomes are expected to be those of all rows."""


def expected_by_action(experiment: Experiment, *, n_folds: int = 5, random_state: int = 0) -> tuple[Array, Array]:
    """Return how likely the action taken was, and the outcome to expect under each action, by models without the row.

    Parameters
    ----------
    experiment : Experiment
    n_folds : of customers
    random_state : int

    Returns
    -------
    array of shape (n_rows,)
        The logged propensity, or an estimated one where it was not logged; then at least 1%.
    array of shape (n_rows, n_actions + 1)
        The first column is of doing nothing. An action taken too seldom to learn from, or always with the same outcome,
        has the mean of its rows.
    """
    folds = folds_by_customer(experiment, n_folds=n_folds, random_state=random_state)
    grower = Grower(experiment.rows, random_state=random_state)
    taken, n_rows = experiment.action, len(experiment)
    expected = np.empty((n_rows, len(experiment.actions) + 1))
    arms = []
    for k in range(expected.shape[1]):
        came = experiment.outcome[taken == k]
        enough = all(len(np.unique(experiment.outcome[train[taken[train] == k]])) > 1 for train, _ in folds)
        if len(came) >= _FEWEST and enough:
            arms.append(k)
        else:
            expected[:, k] = came.mean() if len(came) else experiment.outcome.mean()
    if arms:
        outcomes = expected_outcomes(experiment, arms, grower, folds, n_jobs=None)
        for k in arms:
            expected[:, k] = outcomes.of(k)
    if not np.isnan(experiment.propensity).any():
        return experiment.propensity, expected
    odds = estimated_propensities(experiment, grower, folds, n_jobs=None)
    return np.maximum(odds[np.arange(n_rows), taken], LEAST_PROPENSITY), expected
