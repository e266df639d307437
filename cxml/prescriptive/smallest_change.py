"""The smallest change of one column that would alter a customer's decision, at the prices of the limits as they are.

Looked at are the thresholds that the policy itself names, and for worths that are linear in a column the value at which
another option overtakes. Each is tried: the decision is made again with that value, and counts only if it is another.
How far a number has to move is measured in relation to itself, |new - old| / (|new| + |old|), so that columns of any
unit compare; another text, or a value where none was known, is a move of 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.conditions.constants import constants
from cxml.prescriptive.choosing import Choice
from cxml.prescriptive.options import Floats, Run, look
from cxml.prescriptive.policy import Policy, columns_read

# Of a threshold, the values just inside and just outside, each with the condition that then holds.
_SIDES: Final[Mapping[str, tuple[tuple[int, str], ...]]] = {
    ">": ((1, ">"), (0, "<=")),
    "<=": ((1, ">"), (0, "<=")),
    ">=": ((0, ">="), (-1, "<")),
    "<": ((0, ">="), (-1, "<")),
    "=": ((0, "="),),
    "<>": ((0, "="),),
}
# How far a column is moved to see how worths follow it; worths that are not linear are tried and fail.
_STEP: Final = 0.01


@dataclass(frozen=True, eq=False)
class _Tried:
    """A value of a column that is tried for each row, and how the condition that then holds is told."""

    column: str
    value: NDArray[Any]
    says: str | None
    """None where the value is each row's own."""
    op: str = ">="


def smallest_changes(policy: Policy, run: Run, made: Choice, decided: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the smallest change that would alter each decision, and to what; shape (n_rows,).

    Parameters
    ----------
    policy : Policy
    run : the customers
    made : what was chosen
    decided : who was decided by worth at the prices of the limits; of the others, nothing is told

    Returns
    -------
    object array
        Such as ``renewal_risk > 0.5 -> discount``; None where no single column that was tried would alter it.
    """
    search = _Search(policy, run, made)
    search.run()
    return search.told(decided)


class _Search:
    def __init__(self, policy: Policy, run: Run, made: Choice) -> None:
        self.policy, self.now, self.made, self.n_rows = policy, run, made, run.n_rows
        self.distance = np.full(self.n_rows, np.inf)
        self.option = np.full(self.n_rows, -1)
        self.tried: list[_Tried] = []
        self.place = np.full(self.n_rows, -1)

    def run(self) -> None:
        """Try every column that any option reads."""
        reads = [columns_read(option) for option in self.policy.options]
        for name in sorted(frozenset().union(*reads)):
            touched = [j for j, read in enumerate(reads) if name in read]
            others = self.made.net.copy(order="K")
            others[:, touched] = -np.inf
            for tried in self._thresholds(name, touched):
                self._try(tried, touched, others)
            if self.now.columns[name].dtype != object:
                for tried in self._crossings(name, touched):
                    self._try(tried, touched, others)

    def _thresholds(self, name: str, touched: list[int]) -> Iterator[_Tried]:
        """Give each side of each threshold that the options name."""
        seen = set()
        for j in touched:
            for tree in self.policy.options[j].trees():
                for op, constant in constants(tree).get(name, ()):
                    for side, holds in _SIDES[op]:
                        if (key := (constant, holds)) in seen:
                            continue
                        seen.add(key)
                        if isinstance(constant, str):
                            yield _Tried(name, object_array([constant] * self.n_rows), f"{name} = {_quoted(constant)}")
                        else:
                            value = float(constant)
                            beyond = float(np.nextafter(value, side * np.inf)) if side else value
                            yield _Tried(name, np.full(self.n_rows, beyond), f"{name} {holds} {value:.6g}")

    def _crossings(self, name: str, touched: list[int]) -> Iterator[_Tried]:
        """Give, up and down, the nearest value at which another option would be worth more, were worths linear."""
        now, best, rows = self.now.columns[name], self.made.best, np.arange(self.n_rows)
        step = _STEP * np.maximum(np.abs(now), _STEP)
        slope = np.zeros_like(self.made.net)
        with np.errstate(divide="ignore", invalid="ignore"):  # of what may not be chosen, no slope is known
            slope[:, touched] = (self._net(name, now + step, touched) - self.made.net[:, touched]) / step[:, None]
            gain = slope - slope[rows, best][:, None]
            away = (self.made.net[rows, best][:, None] - self.made.net) / gain
        away[~np.isfinite(away)] = 0.0
        for direction, op in ((1.0, ">="), (-1.0, "<=")):
            ahead = np.where(away * direction > 0, np.abs(away), np.inf).min(axis=1)
            far = np.where(np.isfinite(ahead), now + direction * ahead * (1 + 1e-9), np.nan)
            yield _Tried(name, far, None, op)

    def _net(self, name: str, value: NDArray[Any], touched: list[int]) -> Floats:
        """Return what the touched options would be worth with another value; shape (n_rows, n_touched)."""
        run = self.now.with_column(name, value)
        return np.stack([look(self.policy.options[j], run)[2] - self.made.charge[:, j] for j in touched], axis=1)

    def _try(self, tried: _Tried, touched: list[int], others: Floats) -> None:
        now = self.now.columns[tried.column]
        if now.dtype == object:
            away = np.where(now == tried.value, np.inf, 1.0)
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                away = np.abs(tried.value - now) / (np.abs(tried.value) + np.abs(now))
            away = np.where(np.isnan(now), 1.0, np.where(tried.value == now, np.inf, away))
            away = np.where(np.isnan(tried.value), np.inf, away)
        rows = np.flatnonzero(away < self.distance)
        if not len(rows):
            return
        net = others.copy(order="K")
        net[:, touched] = self._net(tried.column, tried.value, touched)
        then = net.argmax(axis=1)
        rows = rows[then[rows] != self.made.best[rows]]
        self.distance[rows] = away[rows]
        self.option[rows] = then[rows]
        self.place[rows] = len(self.tried)
        self.tried.append(tried)

    def told(self, decided: NDArray[np.bool_]) -> NDArray[Any]:
        """Return what was found, as text."""
        found = np.full(self.n_rows, None, dtype=object)
        for place, tried in enumerate(self.tried):
            rows = np.flatnonzero((self.place == place) & decided)
            for j in np.unique(self.option[rows]):
                mine, to = rows[self.option[rows] == j], self.policy.labels[j]
                if tried.says is not None:
                    found[mine] = f"{tried.says} -> {to}"
                else:
                    said = [f"{tried.column} {tried.op} {value:.6g} -> {to}" for value in tried.value[mine].tolist()]
                    found[mine] = object_array(said)
        return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
