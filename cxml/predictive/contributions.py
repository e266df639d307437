"""Exact SHAP values of a LightGBM model in NumPy alone, many times faster than LightGBM's own."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from cxml.predictive.forest import UnreadForestError, forest_from_text
from cxml.predictive.shapley import Floats, Places
from cxml.predictive.shapley_deep import DeepPieces, deep_bytes, deep_nodes, deep_pieces
from cxml.predictive.shapley_pieces import Pieces, pieces, table_bytes
from cxml.predictive.split_bits import BitPlan
from cxml.predictive.tree_parts import Part, parts

# Tables of more than this are not made: LightGBM is slower, but holds nothing.
MAX_TABLE_BYTES: Final = 256 * 2**20
# Rows looked at together: their bits and sums stay in the cache.
_BLOCK_ROWS: Final = 2_048
# Up to so many rows, all pieces are looked up at once, for so many of their entries; beyond, one piece after the other.
_FEW_ROWS: Final = 128
_FEW_ENTRIES: Final = 1 << 15


class Contributions:
    """Explains rows by the exact, path-dependent SHAP values of LightGBM's ``pred_contrib``.

    Every distinct decision of the forest is made once for a block of rows; what each part of a tree then adds to each
    feature is looked up in tables (the idea of tables is of Yang, "Fast TreeSHAP", 2021; what they hold,
    `cxml.predictive.shapley`). One row has the bits of many: each sum is taken in the same order, whatever the block.
    Safe to use from several threads.

    Parameters
    ----------
    text : bytes
        The model as ``Booster.model_to_string`` writes it.
    groups : array of shape (n_features,), optional
        The group of each feature, from 0: sums over the groups come out in place of features, and sooner.

    Raises
    ------
    UnreadForestError
        If the trees are linear or averaged, were reached by no row somewhere, or need tables of more than
        `MAX_TABLE_BYTES`. LightGBM may explain them still.
    """

    def __init__(self, text: bytes, *, groups: Places | None = None) -> None:
        forest = forest_from_text(text)
        outputs = np.arange(forest.n_features) if groups is None else np.asarray(groups, dtype=np.intp)
        if outputs.shape != (forest.n_features,) or outputs.min(initial=0) < 0:
            raise ValueError(f"groups must hold one number from 0 for each of the {forest.n_features} features.")
        self.n_classes, self.n_features = forest.n_classes, forest.n_features
        self.n_outputs = int(outputs.max(initial=-1)) + 1
        plan = BitPlan()
        self._base = np.zeros(self.n_classes)
        shallow: list[tuple[Part, Places]] = []
        deep: dict[int, list[tuple[Part, Places]]] = {}
        n_bytes = 0
        for i, tree in enumerate(forest.trees):
            self._base[i % self.n_classes] += tree.mean
            own = outputs + i % self.n_classes * self.n_outputs
            for part in parts(tree, plan):
                n_bytes += deep_bytes(part) if part.above else table_bytes(part)
                (deep.setdefault(deep_nodes(part), []) if part.above else shallow).append((part, own))
            if n_bytes > MAX_TABLE_BYTES:
                raise UnreadForestError(f"the tables need more than {MAX_TABLE_BYTES >> 20} MB.")
        self._bits, place = plan.finished()
        self._tables: list[Pieces | DeepPieces] = [
            pieces(shallow, place),
            *(deep_pieces(deep[n], n, place) for n in sorted(deep)),
        ]
        self._output = np.concatenate([tables.output for tables in self._tables])

    def values(self, matrix: Floats, *, n_threads: int | None = None) -> Floats:
        """Return SHAP values of the raw scores, of shape (n_rows, n_classes, n_features or n_groups + 1).

        The last is the base; the values of a row and class add up to its raw score.

        Parameters
        ----------
        matrix : array of shape (n_rows, n_features)
        n_threads : int, optional
            As many as there are cores for this process, or blocks of 2,048 rows if these are fewer. The result is the
            same.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        n_rows, n_features = matrix.shape
        if n_features != self.n_features:
            raise ValueError(f"the model has {self.n_features} features, the matrix {n_features}")
        out = np.empty((n_rows, self.n_classes, self.n_outputs + 1))
        out[:, :, -1] = self._base

        few = n_rows <= _FEW_ROWS
        step = max(1, _FEW_ENTRIES // max(1, len(self._output))) if few else _BLOCK_ROWS

        def explain(start: int) -> None:
            rows = slice(start, start + step)
            added = self._few(matrix[rows]) if few else self._many(matrix[rows])
            out[rows, :, :-1] = added.reshape(-1, self.n_classes, self.n_outputs)

        starts = range(0, n_rows, step)
        n_threads = 1 if few else min(n_threads or _cores(), len(starts))
        if n_threads <= 1:
            for start in starts:
                explain(start)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(explain, starts))
        return out

    def _few(self, matrix: Floats) -> Floats:
        """Return the values of few rows, of shape (n_rows, n_classes * n_outputs)."""
        bits = self._bits.of(matrix)
        entries = np.concatenate([tables.entries(bits) for tables in self._tables])
        width = self.n_classes * self.n_outputs
        # bincount adds one value after the other, as `add_to` does.
        return np.stack([np.bincount(self._output, row, width) for row in np.ascontiguousarray(entries.T)])

    def _many(self, matrix: Floats) -> Floats:
        """Return the values of a block of rows, of shape (n_rows, n_classes * n_outputs)."""
        bits = self._bits.of(matrix)
        sums = np.zeros((self.n_classes * self.n_outputs, len(matrix)))
        for tables in self._tables:
            tables.add_to(sums, bits)
        return sums.T


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
