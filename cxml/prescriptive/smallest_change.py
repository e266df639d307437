"""The smallest change of one column that would alter a customer's decision, at the prices of the limits as they are.

Looked at are the thresholds that the policy itself names, and for worths that are linear in a column the value at which
another option overtakes. Each is tried: the decision is made again with that value, and counts only if it is another.
How far a number has to move is measured in relation to itself, |new - old| / (|new| + |old|), so that columns of any
unit compare; another text, or a value where none was known, is a move of 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.conditions.coded import Coded
from cxml.conditions.constants import constants
from cxml.prescriptive.choosing import Choice
from cxml.prescriptive.options import Column, Floats, Run, look
from cxml.prescriptive.policy import Policy

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
_FEW: Final = 1_000


@dataclass(frozen=True, eq=False)
class _Trial:
    """A value of a column that is tried, and the condition that then holds, as text.

    ``value`` is one for all customers, or an array of shape (n_rows,) of each customer's own, NaN where there is none;
    the condition then ends where the value is to stand.
    """

    column: str
    value: Any
    says: str


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
    search = _Search(policy, run, made, decided)
    reads = [option.reads for option in policy.options]
    for name in sorted(frozenset().union(*reads)):
        search.look_at(name, [j for j, read in enumerate(reads) if name in read])
    return search.told()


class _Search:
    def __init__(self, policy: Policy, run: Run, made: Choice, decided: NDArray[np.bool_]) -> None:
        self.policy, self.now, self.made = policy, run, made
        self.distance = np.where(decided, np.inf, -1.0)
        """Of the smallest change found; below 0 where none is looked for."""
        self.option = np.full(run.n_rows, -1)
        self.place = np.full(run.n_rows, -1)
        self.trials: list[_Trial] = []

    def look_at(self, name: str, touched: list[int]) -> None:
        """Try every value of a column that could matter; ``touched`` are the options that read it."""
        others = [j for j in range(len(self.policy.options)) if j not in touched]
        highest, best = _first_best([self.made.net[:, j] for j in others], others, self.now.n_rows)
        trials = [*self._thresholds(name, touched)]
        worth = any(name in self.policy.options[j].worth_reads for j in touched)
        if worth and not isinstance(now := self.now.columns[name], Coded):
            trials += self._crossings(name, now, touched)
        # Of few customers, all values of a column are tried at once; of many, those that can no longer be the nearest
        # are left out.
        size = len(trials) if self.now.n_rows <= _FEW else 1
        for start in range(0, len(trials), max(size, 1)):
            self._try(trials[start : start + size], touched, highest, best)

    def _thresholds(self, name: str, touched: list[int]) -> Iterator[_Trial]:
        """Give each side of each threshold that the options name."""
        seen = set()
        for j in touched:
            for tree in self.policy.options[j].trees():
                for op, constant in constants(tree).get(name, ()):
                    for side, holds in _SIDES.get(op, ()):  # no text is nearest to being LIKE another
                        if (key := (constant, holds)) in seen:
                            continue
                        seen.add(key)
                        if isinstance(constant, str):
                            yield _Trial(name, constant, f"{name} = {_quoted(constant)}")
                        else:
                            value = float(constant)
                            beyond = float(np.nextafter(value, side * np.inf)) if side else value
                            yield _Trial(name, beyond, f"{name} {holds} {value:.6g}")

    def _crossings(self, name: str, numbers: Floats, touched: list[int]) -> Iterator[_Trial]:
        """Give, up and down, the nearest value at which another option would be worth more, were worths linear."""
        rows = np.flatnonzero(self.distance > 0)
        now, best, net = numbers[rows], self.made.best[rows], self.made.net[rows]
        step = _STEP * np.maximum(np.abs(now), _STEP)
        slope = np.zeros((len(self.policy.options), len(rows)))
        with np.errstate(divide="ignore", invalid="ignore"):  # of what may not be chosen, no slope is known
            for j, moved in zip(touched, self._nets(name, now + step, touched, rows), strict=True):
                slope[j] = (moved - net[:, j]) / step
            at = np.arange(len(rows))
            away = (net[at, best] - net.T) / (slope - slope[best, at])
            away[~np.isfinite(away)] = 0.0
            for direction, op in ((1.0, ">="), (-1.0, "<=")):
                ahead = np.where(away * direction > 0, np.abs(away), np.inf).min(axis=0)
                value = np.full(self.now.n_rows, np.nan)
                value[rows] = np.where(np.isfinite(ahead), now + direction * ahead * (1 + 1e-9), np.nan)
                yield _Trial(name, value, f"{name} {op} ")

    def _nets(self, name: str, value: Column, touched: list[int], rows: NDArray[np.intp]) -> list[Floats]:
        """Return what the touched options would be worth for some customers with another value of a column."""
        run = self.now.part(rows).with_column(name, value)
        return [look(self.policy.options[j], run)[2] - self.made.charge[rows, j] for j in touched]

    def _try(self, trials: Sequence[_Trial], touched: list[int], highest: Floats, best: NDArray[np.intp]) -> None:
        """Make the decisions again with values of one column, for whom they are nearer than what was found so far."""
        name = trials[0].column
        now = self.now.columns[name]
        aways = [_away(now, trial.value) for trial in trials]
        rows_of = [np.flatnonzero(away < self.distance) for away in aways]
        rows = np.concatenate(rows_of)
        if not len(rows):
            return
        value: Column
        if isinstance(now, Coded):
            codes = np.repeat(np.arange(len(trials)), [len(part) for part in rows_of])
            value = Coded(codes, object_array([trial.value for trial in trials]))
        else:
            value = np.concatenate(
                [np.broadcast_to(t.value, len(now))[part] for t, part in zip(trials, rows_of, strict=True)]
            )
        nets = self._nets(name, value, touched, rows)
        _, then = _first_best([highest[rows], *nets], [best[rows], *touched], len(rows))
        ends = np.cumsum([len(part) for part in rows_of])
        for trial, away, part, to in zip(trials, aways, rows_of, np.split(then, ends[:-1]), strict=True):
            other = (to != self.made.best[part]) & (away[part] < self.distance[part])
            mine = part[other]
            self.distance[mine], self.option[mine], self.place[mine] = away[mine], to[other], len(self.trials)
            self.trials.append(trial)

    def told(self) -> NDArray[Any]:
        """Return what was found, as text."""
        found = np.full(self.now.n_rows, None, dtype=object)
        for place, trial in enumerate(self.trials):
            rows = np.flatnonzero(self.place == place)
            for j in np.unique(self.option[rows]):
                mine, to = rows[self.option[rows] == j], self.policy.labels[j]
                if np.ndim(trial.value) == 0:
                    found[mine] = f"{trial.says} -> {to}"
                else:
                    found[mine] = object_array([f"{trial.says}{x:.6g} -> {to}" for x in trial.value[mine].tolist()])
        return found


def _away(now: Column, value: Any) -> Floats:
    """Return how far each customer's value is from another one; infinite where it is the same, or none is tried."""
    if isinstance(now, Coded):
        return np.where(now.values == value, np.inf, 1.0)[now.codes]
    with np.errstate(invalid="ignore", divide="ignore"):
        away: Floats = np.abs(value - now) / (np.abs(value) + np.abs(now))
    away[np.isnan(now)] = 1.0
    away[(value == now) | np.isnan(value)] = np.inf
    return away


def _first_best(nets: Sequence[Floats], options: Sequence[Any], n_rows: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return the highest of some nets and the option it is of, the first of equals; shapes (n_rows,).

    ``options`` names the option of each net, or of each of its rows.
    """
    highest, best = np.full(n_rows, -np.inf), np.full(n_rows, len(options))
    for net, option in zip(nets, options, strict=True):
        better = (net > highest) | ((net == highest) & (option < best))
        highest = np.where(better, net, highest)
        best = np.where(better, option, best)
    return highest, best


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
