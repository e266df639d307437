"""From worth, limits and fairness as they are given to the problem that prices are found for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxml.prescriptive.allocating.relaxation import Floats, Parity, Relaxation, Varying, in_blocks

if TYPE_CHECKING:
    from cxml.prescriptive.allocating.allocation import Fairness, Limit


def relaxation_of(worth: Floats, nothing: int, limits: Sequence[Limit], parities: Sequence[Parity]) -> Relaxation:
    """Return the problem an option a row, in parts of all worth and of each limit's amount.

    A choice that alone is more than a limit allows is not possible. Uses that several limits share are held once, and
    those that are the same for everybody are one number. A limit of nothing only makes choices impossible.
    """
    n, k = worth.shape
    rows = _by_option(worth)
    rows = np.array(rows) if rows.base is not None else rows
    constant = np.zeros((k, len(limits)))
    varying: list[list[Varying]] = [[] for _ in range(k)]
    for i, limit in enumerate(limits):
        share = 1.0 / limit.amount if limit.amount > 0 else 0.0
        if limit.use.ndim == 1:
            constant[:, i] = np.where(limit.use <= limit.amount, limit.use, 0.0) * share
            rows[limit.use > limit.amount] = -np.inf
            continue
        for j, use in enumerate(_by_option(limit.use)):
            high = float(use.max(initial=0.0))
            if not high <= limit.amount:
                rows[j][~(use <= limit.amount)] = -np.inf
                use = np.where(np.isfinite(rows[j]), use, 0.0)
            if high == 0.0 or share == 0.0:
                continue
            for column in varying[j]:
                if np.array_equal(column.amounts, use):
                    column.shares[i] = share
                    break
            else:
                varying[j].append(Varying(use, np.where(np.arange(len(limits)) == i, share, 0.0)))
    base = rows[nothing].copy()

    def from_nothing(part: slice) -> float:
        rows[:, part] -= base[part]
        return float(np.maximum(rows[:, part].max(axis=0, initial=0.0), 0.0).sum())

    unit = sum(in_blocks(from_nothing, n))
    if unit > 0:
        np.divide(rows, unit, out=rows)
    return Relaxation(rows, constant, tuple(map(tuple, varying)), tuple(parities), nothing, unit or 1.0)


def _by_option(matrix: Floats) -> Floats:
    """Return a matrix (n, k) an option a row, each in one piece; a view where it is so already."""
    n, k = matrix.shape
    if matrix.flags.f_contiguous:
        return matrix.T
    rows = np.empty((k, n))

    def block(part: slice) -> None:
        rows[:, part] = matrix[part].T

    in_blocks(block, n)
    return rows


def parity_of(limit: Fairness) -> Parity | None:
    """Return a fairness limit with its groups numbered anew; None where fewer than two groups have customers."""
    names, sizes = np.unique(limit.group[limit.group >= 0], return_counts=True)
    if len(names) < 2 or not limit.options.any():
        return None
    group = np.searchsorted(names, limit.group)
    group[limit.group < 0] = len(names)
    return Parity(group.astype(np.int16), names, sizes, limit.options, limit.max_difference)
