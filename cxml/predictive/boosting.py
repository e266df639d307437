"""Boosted trees: LightGBM grown on some rows until held-out ones gain no more, or to a number that was found so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.errors import TrainingError
from cxml.predictive.splits import Rows
from cxml.predictive.trees import lightgbm_package

Array = NDArray[np.float64]
Objective = Literal["binary", "regression", "tweedie"]

# Below this, one thread fits as fast as two, and a busy machine cannot make threads wait for each other
# (7,043 rows: .19 s with one thread, .13 to 5.9 s with two; 140,860 rows: 2.9 s and 1.6 s).
ROWS_FOR_THREADS: Final = 50_000
_PATIENCE: Final = 50  # trees without a better held-out loss before boosting stops


@dataclass(frozen=True)
class Boosting:
    """How trees are grown; ``objective``: a hit or miss is ``binary``, a score ``regression``, money ``tweedie``."""

    objective: Objective
    learning_rate: float
    num_leaves: int
    max_trees: int
    random_state: int

    def __post_init__(self) -> None:
        for name, least in (("num_leaves", 2), ("max_trees", 1)):
            if getattr(self, name) < least:
                raise TrainingError(f"{name}: must be {least} or more; it is {getattr(self, name)}.")
        if not 0 < self.learning_rate <= 1:
            raise TrainingError(f"learning_rate: must be above 0, and at most 1; it is {self.learning_rate}.")

    def held_out(
        self,
        matrix: Array,
        names: Sequence[int],
        target: Array,
        weight: Array,
        train: Rows,
        test: Rows,
        n_trees: int | None = None,
    ) -> tuple[int, Array]:
        """Grow on ``train``; return the number of trees and the raw scores of ``test``.

        Without a number of trees, they grow until ``test`` gains no more.
        """
        lightgbm = lightgbm_package()
        training = _dataset(matrix[train], names, target[train], weight[train])
        params = self._params(n_threads=1)  # a fold has one: small trees on several threads wait for each other
        if n_trees is None:
            judging = _dataset(matrix[test], names, target[test], weight[test], reference=training)
            stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
            booster = lightgbm.train(params, training, self.max_trees, valid_sets=[judging], callbacks=[stop])
            n_trees = max(booster.best_iteration, 1)
        else:
            booster = lightgbm.train(params, training, n_trees)
        said = booster.predict(matrix[test], raw_score=True, num_iteration=n_trees, num_threads=1)
        return n_trees, np.asarray(said, dtype=np.float64)

    def grown(self, matrix: Array, names: Sequence[int], target: Array, weight: Array, n_trees: int) -> str:
        """Return so many trees, grown on every row, as LightGBM's text."""
        params = self._params(n_threads=1 if len(matrix) < ROWS_FOR_THREADS else 0)
        booster = lightgbm_package().train(params, _dataset(matrix, names, target, weight), n_trees)
        text: str = booster.model_to_string()
        return text

    def _params(self, *, n_threads: int) -> Mapping[str, Any]:
        return {
            "objective": self.objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            # Regularised for tables of thousands, not millions, of rows: benchmarks/README.md has the comparison.
            "feature_fraction": 0.5,
            "lambda_l2": 10.0,
            "min_data_in_leaf": 40,
            "seed": self.random_state,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": n_threads,
            "verbose": -1,
        }


def _dataset(matrix: Array, names: Sequence[int], target: Array, weight: Array, reference: Any = None) -> Any:
    # Weights that are all 1 are left out: LightGBM then needs no second pass.
    w = None if (weight == 1).all() else weight
    return lightgbm_package().Dataset(
        matrix, target, weight=w, reference=reference, categorical_feature=list(names), params={"verbose": -1}
    )
