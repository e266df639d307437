"""A log of decisions: what was done, how likely it was, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError, broken_by, listed

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_ROUNDING: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Logged:
    """Decisions that were logged, and what came of them.

    Attributes
    ----------
    action : array of shape (n_rows,)
        Place in `actions` of the action that was taken.
    actions : the names of all actions, to do nothing among them
    propensity : array of shape (n_rows,), in (0, 1]
        Probability with which the action taken was taken.
    reward : array of shape (n_rows,)
        What came of it; 0 and 1, or money, before costs or after them. All known: a decision that has not matured
        yet is not a row.
    customer : array of shape (n_rows,)
        Codes; the rows of a customer are one cluster of the standard errors.

    Raises
    ------
    SchemaError
        If lengths differ, an action has no name, a propensity is not in (0, 1], or a value is unknown.
    """

    action: Codes
    actions: tuple[str, ...]
    propensity: Floats
    reward: Floats
    customer: Codes

    def __post_init__(self) -> None:
        faults = _length_faults(self)
        if not faults:
            faults = _value_faults(self)
        if faults:
            raise SchemaError(listed(faults))

    @property
    def n_rows(self) -> int:
        """Return how many decisions there are."""
        return len(self.action)


def weights(logged: Logged, target: Floats) -> Floats:
    """Return how much likelier each logged action is under a policy than it was when logged; shape (n_rows,)."""
    found: Floats = target[np.arange(logged.n_rows), logged.action] / logged.propensity
    return found


def checked_target(logged: Logged, target: NDArray[Any]) -> Floats:
    """Return the probabilities of a policy, shape (n_rows, n_actions), or raise `SchemaError` with every fault."""
    found = _table(logged, target, "target")
    faults = []
    for rule, broken, remedy in (
        ("a probability must be from 0 to 1", ((found < 0) | (found > 1 + _ROUNDING)).any(axis=1),
         "Hand over the probability of each action; a deterministic policy has 0 and 1."),
        ("the probabilities of a row must add up to 1", np.abs(found.sum(axis=1) - 1) > _ROUNDING,
         "Doing nothing is an action too: give it the rest."),
    ):  # fmt: skip
        if broken.any():
            first = int(broken.argmax())
            faults.append(
                f"target: {rule}; {broken_by(int(broken.sum()), len(found), verb='do')} so "
                f"(first: row {first} has {found[first].tolist()}). {remedy}"
            )
    if faults:
        raise SchemaError(listed(faults))
    return found


def checked_model(logged: Logged, model: NDArray[Any]) -> Floats:
    """Return the expected rewards of a model, shape (n_rows, n_actions), or raise `SchemaError`."""
    return _table(logged, model, "model")


def _table(logged: Logged, table: NDArray[Any], name: str) -> Floats:
    """Return a number for each row and action, all known."""
    found = np.asarray(table, dtype=np.float64)
    wanted = (logged.n_rows, len(logged.actions))
    if found.shape != wanted:
        raise SchemaError(
            f"{name}: must have a number for each of {wanted[0]:,} rows and {wanted[1]} actions; its shape is "
            f"{found.shape}. Give the actions in the order of `actions`."
        )
    unknown = ~np.isfinite(found).all(axis=1)
    if unknown.any():
        first = int(unknown.argmax())
        action = logged.actions[int((~np.isfinite(found[first])).argmax())]
        raise SchemaError(
            f"{name}: every number must be known; {broken_by(int(unknown.sum()), len(found))} "
            f"(first: row {first}, action {action!r}). Leave such rows out of the log too, or fill them knowingly."
        )
    return found


def _length_faults(logged: Logged) -> list[str]:
    """Return what is wrong with the lengths of a log."""
    columns = {name: np.shape(getattr(logged, name)) for name in ("action", "propensity", "reward", "customer")}
    if not logged.actions:
        return ["actions: there must be at least one. Name every action that the log or a policy may take."]
    if columns["action"] == (0,):
        return ["logged: must have at least one decision; it has none. Wait until outcomes have matured."]
    return [
        f"{name}: must be an array with a value for each of the {columns['action'][:1]} decisions; its shape is "
        f"{shape}. Give one row per decision."
        for name, shape in columns.items()
        if len(shape) != 1 or shape != columns["action"]
    ]


def _value_faults(logged: Logged) -> list[str]:
    """Return what is wrong with the values of a log."""
    faults = []
    n_actions = len(logged.actions)
    for name in ("action", "customer"):
        if not np.issubdtype(getattr(logged, name).dtype, np.integer):
            faults.append(f"{name}: must be whole numbers; it is {getattr(logged, name).dtype}. Hand over codes.")
    if faults:
        return faults
    for name, rule, broken, remedy in (
        ("action", f"must be a place in the {n_actions} actions", (logged.action < 0) | (logged.action >= n_actions),
         "Name every action that was taken in `actions`."),
        ("propensity", "must be more than 0 and at most 1", ~((logged.propensity > 0) & (logged.propensity <= 1)),
         "An action that was taken had a probability: log it, or estimate it and leave out rows where it is unknown."),
        ("reward", "must be known", ~np.isfinite(logged.reward),
         "Leave out decisions whose outcome has not matured; an unknown outcome is not 0."),
    ):  # fmt: skip
        if broken.any():
            first = int(np.argmax(broken))
            faults.append(
                f"{name}: {rule}; {broken_by(int(np.sum(broken)), logged.n_rows)} "
                f"(first: row {first} has {getattr(logged, name)[first]}). {remedy}"
            )
    return faults
