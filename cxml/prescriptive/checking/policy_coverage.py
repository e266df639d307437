"""How a policy meets the company's own customers: each condition true, false, unknown, each option fired, chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask
from cxml.conditions.tree import Tree
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.options import FIRED, NOT_VALID, NOT_WORTH, STOPPED, Looked, Run, looked
from cxml.prescriptive.policy import RULES
from cxml.schema import columns as c
from cxml.schema.findings import Uncovered

if TYPE_CHECKING:
    import pandas as pd

Counts = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Met:
    """A policy and the customers it met, without draws and without limits over all of them."""

    checked: PolicyUnderCheck
    run: Run
    customers: Sequence[str]

    @cached_property
    def look(self) -> Looked:
        """Every option for every customer."""
        return looked(self.checked.policy, self.run)

    @cached_property
    def fired(self) -> NDArray[np.bool_]:
        """Whether each option may be chosen; shape (n_rows, n_options)."""
        found: NDArray[np.bool_] = self.look.status == FIRED
        return found

    @cached_property
    def best(self) -> NDArray[np.intp]:
        """The option of each customer that is worth most, the first of equals; shape (n_rows,)."""
        found: NDArray[np.intp] = self.look.priority.argmax(axis=1)
        return found

    @cached_property
    def _counts(self) -> dict[str, Counts]:
        return {}

    def counts(self, tree: Tree) -> Counts:
        """Return of how many customers a condition is true, false and unknown."""
        key = json.dumps(tree)  # the condition of a group is that of each of its options
        if key not in self._counts:
            n = self.run.n_rows
            true = int(mask(tree, self.run.columns, n).sum())
            false = int(mask(["not", tree], self.run.columns, n).sum())
            self._counts[key] = (true, false, n - true - false)
        return self._counts[key]


def condition_coverage(met: Met) -> pd.DataFrame:
    """Return a CONDITION_COVERAGE frame: for each option every condition of its rule, and everything that stops it.

    A condition that stops an option is told as it is run: where it is true, the option rests.
    """
    import pandas as pd

    rows = [(*row, *met.counts(tree)) for row, tree in _conditions(met)]
    names = (c.OPTION, c.WHERE, c.PART, c.CONDITION, c.N_TRUE, c.N_FALSE, c.N_UNKNOWN)
    return _typed(pd.DataFrame(rows, columns=list(names)), (c.OPTION, c.WHERE, c.PART, c.CONDITION))


def option_coverage(met: Met) -> pd.DataFrame:
    """Return an OPTION_COVERAGE frame: for how many customers each option fired and was chosen, and what beat it most.

    The counts of what stood against an option, of what it fired for and of nobody else add up to all customers.
    """
    import pandas as pd

    policy, status = met.checked.policy, met.look.status
    rows: list[dict[str, Any]] = []
    for j, option in enumerate(policy.options):
        code, fired = status[:, j], met.fired[:, j]
        winner, n_beaten = _beaten_by(met, j)
        rows.append(
            {
                c.OPTION: option.label,
                c.N_CUSTOMERS: met.run.n_rows,
                c.N_NOT_MET: int(((code > FIRED) & (code < NOT_VALID)).sum()),
                c.N_NOT_VALID: int((code == NOT_VALID).sum()),
                c.N_SUPPRESSED: int((code >= STOPPED).sum()),
                c.N_NO_WORTH: int((code == NOT_WORTH).sum()),
                c.N_FIRED: int(fired.sum()),
                c.N_CHOSEN: int((met.best == j).sum()),
                c.BEATEN_BY: winner,
                c.N_BEATEN: n_beaten,
            }
        )
    return _typed(pd.DataFrame(rows), (c.OPTION, c.BEATEN_BY))


def uncovered(met: Met) -> Uncovered:
    """Return the customers for whom no option but to do nothing may be chosen."""
    some = np.delete(met.fired, met.checked.policy.nothing, axis=1).any(axis=1)
    left = np.flatnonzero(~some)
    return Uncovered(len(left), met.run.n_rows, met.customers[int(left[0])] if len(left) else None)


def _beaten_by(met: Met, j: int) -> tuple[str | None, int]:
    """Return what was chosen most often in place of an option that fired, and how often."""
    lost = met.best[met.fired[:, j] & (met.best != j)]
    if not len(lost):
        return None, 0
    counts = np.bincount(lost, minlength=len(met.checked.policy.options))
    return met.checked.policy.labels[int(counts.argmax())], int(counts.max())


def _conditions(met: Met) -> Iterator[tuple[tuple[str, str, str, str], Tree]]:
    checked = met.checked
    rules: list[list[Any]] = [[] for _ in checked.policy.options]
    for written in checked.written:
        if written.role in RULES:
            for place in written.options:
                rules[place].append(written)
    for place, (option, where) in enumerate(zip(checked.policy.options, checked.places, strict=True)):
        for written in rules[place]:
            yield (option.label, written.where, written.role, written.text), written.tree
        for label, tree in {stop.label: stop.tree for stop in option.stops}.items():
            yield (option.label, where, "suppressed by", label), tree


def _typed(frame: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """Return a frame whose counts are numbers and whose texts are texts, also where there are no rows."""
    return frame.astype({name: object if name in texts else "float64" for name in frame.columns})
