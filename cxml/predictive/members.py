"""The members of a blend: fitted side by side on held-out rows to find their size, then on every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.boosting import Boosting
from cxml.predictive.encoding import Encoding
from cxml.predictive.splits import Rows, assembled, checked_folds

Array = NDArray[np.float64]
Fold = tuple[Rows, Rows]


@dataclass(frozen=True)
class TrainingRows:
    """Rows to learn from: the matrix of features, how many levels each code of names has, and weights."""

    matrix: Array
    n_levels: dict[int, int]
    weight: Array

    @property
    def names(self) -> list[int]:
        """Which features are codes of names."""
        return list(self.n_levels)


@dataclass(frozen=True)
class Forest:
    """A forest that is to be grown: how, and what it learns."""

    boosting: Boosting
    target: Array


def n_levels(encoding: Encoding) -> dict[int, int]:
    """Return how many levels each feature has that is a code of names, by its place."""
    return {j: len(encoding.levels[name]) for j, name in enumerate(encoding.names) if name in encoding.levels}


def held_out_members(
    rows: TrainingRows,
    forests: Mapping[str, Forest],
    curves: Mapping[str, Callable[[Rows, Rows], Array]],
    parts: Sequence[Fold],
    later: Sequence[Fold],
    *,
    n_jobs: int | None,
) -> tuple[dict[str, int], dict[str, Array]]:
    """Return the number of trees of each forest, and what each member says of rows that it has not seen.

    Parameters
    ----------
    rows : TrainingRows
    forests : the forests by name
    curves : for each additive model, what its regressions of each strength say, given (train, held out)
    parts : folds that hold out every row once
    later : folds on later rows, which find the numbers of trees where there are any; else the folds of ``parts`` do
    n_jobs : as in joblib

    Returns
    -------
    n_trees : dict from each forest, the median over its folds
    said : dict from each member to raw scores, (n_rows,) of a forest and (n_strengths, n_rows) of curves

    Raises
    ------
    TrainingError
        If ``later`` holds no pairs of row positions.
    """
    from joblib import delayed

    later = checked_folds(later, len(rows.weight))

    def boosted(name: str, fold: Fold, n_trees: int | None) -> Any:
        forest = forests[name]
        return delayed(forest.boosting.held_out)(rows.matrix, rows.names, forest.target, rows.weight, *fold, n_trees)

    searched: dict[str, int] = {}
    if later:
        tried = _in_parallel((boosted(name, fold, None) for name in forests for fold in later), n_jobs)
        for name, found in zip(forests, _chunks(tried, len(later)), strict=True):
            searched[name] = _median(found)
    tasks = [boosted(name, fold, searched.get(name)) for name in forests for fold in parts]
    tasks += [delayed(said_by)(*fold) for said_by in curves.values() for fold in parts]
    done = _chunks(_in_parallel(tasks, n_jobs), len(parts))
    n_trees, said = {}, {}
    for name, found in zip([*forests, *curves], done, strict=True):
        if name in forests:
            n_trees[name] = searched.get(name) or _median(found)
            found = [scores for _, scores in found]
        said[name] = assembled(parts, found)
    return n_trees, said


def grown_forests(
    rows: TrainingRows, forests: Mapping[str, Forest], n_trees: Mapping[str, int], *, n_jobs: int | None
) -> dict[str, bytes]:
    """Return LightGBM's text of each forest, grown on every row to its number of trees."""
    from joblib import delayed

    tasks = (
        delayed(forest.boosting.grown)(rows.matrix, rows.names, forest.target, rows.weight, n_trees[name])
        for name, forest in forests.items()
    )
    return {name: text.encode() for name, text in zip(forests, _in_parallel(tasks, n_jobs), strict=True)}


def _in_parallel(tasks: Iterable[Any], n_jobs: int | None) -> list[Any]:
    from joblib import Parallel

    found: list[Any] = Parallel(n_jobs=n_jobs, prefer="threads")(tasks)
    return found


def _chunks(found: Sequence[Any], size: int) -> list[Any]:
    return [found[start : start + size] for start in range(0, len(found), size)]


def _median(found: Iterable[tuple[int, Array]]) -> int:
    return int(np.median([n_trees for n_trees, _ in found]))
