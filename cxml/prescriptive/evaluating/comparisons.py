"""The policies that a policy is measured against, each without one thing that it has, or without all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.prescriptive.choosing import choice, uses_of
from cxml.prescriptive.draws import Drawn, keys_of, uniform
from cxml.prescriptive.effects import effect_of
from cxml.prescriptive.options import FIRED, Columns, Floats, Looked, Run, looked, run_of
from cxml.prescriptive.policy import Policy

RANDOM_ELIGIBLE: Final = "random eligible"
PROPENSITY_ONLY: Final = "propensity only"
WITHOUT_LEVERS: Final = "without levers"
ELIGIBILITY_ONLY: Final = "eligibility only"
NO_ACTION: Final = "no action"
_SALT: Final = 0x5851F42D4C957F2D
_64_BITS: Final = 0xFFFFFFFFFFFFFFFF


def compared_probabilities(
    policy: Policy, columns: Columns, customers: Sequence[str], moments: NDArray[np.datetime64]
) -> dict[str, Floats]:
    """Return how likely each option is for each customer under the five policies that a policy stands against.

    ``random eligible`` gives any of the actions that fired, all alike (within limits: in an order drawn by hash);
    ``propensity only`` ranks by the effect alone, and not by what it is worth and costs; ``without levers`` ranks by
    money, without weights; ``eligibility only`` leaves out who an action suits, and for whom it makes sense now; ``no
    action`` does nothing. Each keeps the limits over all customers, what is never done and how often anybody is
    contacted. None explores or holds out.

    Parameters
    ----------
    policy, columns, customers, moments : as for `cxml.prescriptive.decisions.decisions`

    Returns
    -------
    dict from the name of a policy to an array of shape (n_rows, n_options)
        Columns as the policy's options; each row adds up to 1.
    """
    run = run_of(policy, columns, customers, moments)
    look = looked(policy, run)
    plain = replace(policy, options=tuple(replace(option, weights=()) for option in policy.options))
    eligible = replace(
        policy, options=tuple(replace(option, applicability=None, suitability=None) for option in policy.options)
    )
    ways: Mapping[str, Callable[[], Floats]] = {
        RANDOM_ELIGIBLE: lambda: _random(policy, run, look, customers),
        PROPENSITY_ONLY: lambda: _chosen(policy, run, replace(look, priority=_effects(policy, run, look))),
        WITHOUT_LEVERS: lambda: _chosen(plain, run, looked(plain, run)),
        ELIGIBILITY_ONLY: lambda: _chosen(eligible, run, looked(eligible, run)),
        NO_ACTION: lambda: _certain(np.full(run.n_rows, policy.nothing), len(policy.options)),
    }
    return {name: found() for name, found in ways.items()}


def _effects(policy: Policy, run: Run, look: Looked) -> Floats:
    """Return the effect of each option that fired, in place of what it is worth; of nothing, 0."""
    found = np.full(look.priority.T.shape, -np.inf)
    for j, option in enumerate(policy.options):
        effect = effect_of(option, run.columns, run.n_rows) if j != policy.nothing else np.zeros(run.n_rows)
        found[j] = np.where(look.status[:, j] == FIRED, effect, -np.inf)
    return found.T


def _random(policy: Policy, run: Run, look: Looked, customers: Sequence[str]) -> Floats:
    """Return any of the actions that fired with the same probability; under limits, by draws that hold within them."""
    fired = look.status == FIRED
    fired[:, policy.nothing] = False
    n_fired = fired.sum(axis=1)
    if not policy.limits and not policy.fairness:
        found = fired / np.maximum(n_fired, 1)[:, None]
        found[n_fired == 0, policy.nothing] = 1.0
        return np.asarray(found)
    keys = keys_of(customers) ^ run.moments.astype(np.int64).view(np.uint64)
    salts = [np.uint64(_SALT * (j + 1) & _64_BITS) for j in range(len(policy.options))]
    luck = np.stack([uniform(keys, salt) for salt in salts], axis=1)
    priority = np.where(fired, luck, -np.inf)
    priority[:, policy.nothing] = 0.0
    return _chosen(policy, run, replace(look, priority=priority))


def _chosen(policy: Policy, run: Run, look: Looked) -> Floats:
    """Return what is chosen by the priorities of a look, where nothing is left to chance."""
    nobody = np.zeros(run.n_rows, dtype=bool)
    nothing = np.full(run.n_rows, policy.nothing)
    n_fired = (look.status == FIRED).sum(axis=1)
    never, kept = np.zeros(run.n_rows), np.ones(len(policy.options))
    draws = Drawn(nobody, nobody, never, nothing, n_fired, None, kept, never, policy.nothing)
    return _certain(choice(policy, run, look, draws, uses_of(policy, run, look)).chosen, len(policy.options))


def _certain(chosen: NDArray[np.intp], n_options: int) -> Floats:
    found = np.zeros((len(chosen), n_options))
    found[np.arange(len(chosen)), chosen] = 1.0
    return found
