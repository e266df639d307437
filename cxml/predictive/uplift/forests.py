"""Small forests on parts of the same rows: the features are put into bins once, for every fold, arm and learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.boosting import ROWS_FOR_THREADS
from cxml.predictive.members import TrainingRows
from cxml.predictive.splits import Rows
from cxml.predictive.trees import lightgbm_package

Array = NDArray[np.float64]
_MAX_BIN: Final = 63
_ROWS_FOR_BINS: Final = 20_000
_PATIENCE: Final = 8
_LEAST_FEATURES: Final = 10


@dataclass(frozen=True)
class Shape:
    """How the trees of a forest are grown.

    Attributes
    ----------
    objective : what has a logit is ``binary``, all else ``regression``
    learning_rate, num_leaves, max_trees : as in LightGBM
    feature_share : of the features, how many each tree sees; ten at least
    early_stop : whether growing stops where a fold's own held-out rows gain no more. Not for what effects are read
        from: a fold whose own rows happen to show an effect would get the longest forest. In 20 experiments without any
        difference, the X- and DR-learner showed one at 5% in 4 each; in 60 without early stop in 3 and 2.
    """

    objective: Literal["binary", "regression"]
    learning_rate: float
    num_leaves: int
    max_trees: int
    feature_share: float
    early_stop: bool


@dataclass(frozen=True, eq=False)
class Grown:
    """A forest that was grown on some rows; ``losses`` of held-out rows after each tree, where there were any."""

    booster: Any
    losses: Array

    def raw_scores(self, matrix: Array, n_trees: int) -> Array:
        """Return the raw scores of its first trees, (n_rows,)."""
        found = self.booster.predict(matrix, raw_score=True, num_iteration=n_trees, num_threads=1)
        return np.asarray(found, dtype=np.float64)

    def text(self, n_trees: int) -> bytes:
        """Return LightGBM's text of its first trees."""
        written: str = self.booster.model_to_string(num_iteration=n_trees)
        return written.encode()


class Grower:
    """Grows forests on parts of the same rows.

    Parameters
    ----------
    rows : TrainingRows
    random_state : int
    """

    def __init__(self, rows: TrainingRows, *, random_state: int) -> None:
        self.rows, self.random_state = rows, random_state

    @cached_property
    def _binned(self) -> Any:
        return (
            lightgbm_package()
            .Dataset(
                self.rows.matrix,
                np.zeros(len(self.rows.matrix)),
                categorical_feature=self.rows.names,
                params={
                    "verbose": -1,
                    "max_bin": _MAX_BIN,
                    "feature_pre_filter": False,
                    "force_col_wise": True,
                    "bin_construct_sample_cnt": _ROWS_FOR_BINS,
                },
                free_raw_data=True,
            )
            .construct()
        )

    def grown(
        self,
        shape: Shape,
        target: Array,
        train: Rows,
        test: Rows | None = None,
        *,
        offset: Array,
        n_trees: int | None = None,
    ) -> Grown:
        """Grow a forest on ``train``, with raw scores ``offset`` (n_rows,) to begin from.

        With ``test`` its loss is measured after each tree.
        """
        lightgbm = lightgbm_package()
        training = self._part(train, target, offset)
        params = self._params(shape, len(train))
        if test is None:
            return Grown(lightgbm.train(params, training, n_trees or shape.max_trees), np.empty(0))
        judging, record = self._part(test, target, offset), {}  # type: ignore[var-annotated]
        callbacks = [lightgbm.record_evaluation(record)]
        if shape.early_stop:
            callbacks.append(lightgbm.early_stopping(_PATIENCE, verbose=False))
        booster = lightgbm.train(params, training, shape.max_trees, valid_sets=[judging], callbacks=callbacks)
        (losses,) = next(iter(record.values())).values()
        return Grown(booster, np.array(losses))

    def _part(self, rows: Rows, target: Array, offset: Array) -> Any:
        rows = np.sort(rows)
        part = self._binned.subset(rows.tolist()).construct()
        part.set_label(target[rows])
        weight = self.rows.weight[rows]
        if not (weight == 1).all():
            part.set_weight(weight)
        part.set_init_score(offset[rows])
        return part

    def _params(self, shape: Shape, n_rows: int) -> dict[str, Any]:
        return {
            "objective": shape.objective,
            "metric": "binary_logloss" if shape.objective == "binary" else "l2",
            "learning_rate": shape.learning_rate,
            "num_leaves": shape.num_leaves,
            "feature_fraction": min(1.0, max(shape.feature_share, _LEAST_FEATURES / self.rows.matrix.shape[1])),
            # As in cxml.predictive.boosting.
            "lambda_l2": 10.0,
            "min_data_in_leaf": 40,
            "max_bin": _MAX_BIN,
            "feature_pre_filter": False,
            "seed": self.random_state,
            "deterministic": True,
            "force_col_wise": True,  # 9.7 ms a tree of a fifth of 149 features; by row 20.8
            "num_threads": 1 if n_rows < ROWS_FOR_THREADS else 0,
            "verbose": -1,
        }


def trees_for_each(grown: Sequence[Grown], sizes: Sequence[int]) -> tuple[list[int], int]:
    """Return how many trees each fold's forest is to have, by the held-out rows of the other folds; and by all.

    A forest that was measured no further keeps its last loss. Held-out scores whose own outcomes had chosen the number
    of trees would look better than they are.
    """
    longest = max(len(one.losses) for one in grown)
    losses = np.array([np.pad(one.losses, (0, longest - len(one.losses)), mode="edge") for one in grown])
    losses *= np.asarray(sizes, dtype=np.float64)[:, None]
    total = losses.sum(axis=0)
    most = [len(one.losses) for one in grown]
    of_fold = [min(int(np.argmin(total - own)) + 1, n) for own, n in zip(losses, most, strict=True)]
    return of_fold, int(np.argmin(total)) + 1
