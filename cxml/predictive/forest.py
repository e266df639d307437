"""The trees of a LightGBM model as arrays, read from its text format without LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from cxml.errors import CxmlError

# LightGBM's tree.h: bit 0 of decision_type says that a split is on categories, bit 1 that a missing value goes left,
# bits 2 and 3 what is missing.
_CATEGORICAL: Final = 1
_DEFAULT_LEFT: Final = 2
_MISSING: Final[tuple[Literal["none", "zero", "nan"], ...]] = ("none", "zero", "nan")
_WORD_BITS: Final = 32


class UnreadForestError(CxmlError):
    """Trees that this reader does not understand; LightGBM itself may."""


@dataclass(frozen=True)
class Split:
    """A decision: rows whose value is at most ``threshold``, or is one of ``categories``, go left.

    ``missing`` says what counts as missing: nothing ("none": NaN is read as 0), zero and NaN, or NaN.
    """

    feature: int
    threshold: float
    missing: Literal["none", "zero", "nan"]
    default_left: bool
    categories: frozenset[int] | None = None


@dataclass(frozen=True)
class Tree:
    """One tree: its splits, their children (below 0: the leaf ``~child``) and the training rows of each.

    A child split always has a higher index than its parent, as LightGBM writes them.
    """

    splits: tuple[Split, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    split_rows: tuple[float, ...]
    leaf_rows: tuple[float, ...]
    leaf_values: tuple[float, ...]

    def rows_of(self, child: int) -> float:
        """Return how many training rows reached a child."""
        return self.split_rows[child] if child >= 0 else self.leaf_rows[~child]

    @property
    def mean(self) -> float:
        """The mean value over the training rows."""
        if not self.splits:
            return self.leaf_values[0]
        return sum(n / self.split_rows[0] * v for n, v in zip(self.leaf_rows, self.leaf_values, strict=True))


@dataclass(frozen=True)
class Forest:
    """All trees of a model; tree ``i`` adds to the raw score of class ``i % n_classes``."""

    n_features: int
    n_classes: int
    trees: tuple[Tree, ...]


def forest_from_text(text: bytes) -> Forest:
    """Read the trees of a model.

    Parameters
    ----------
    text : bytes
        The model as ``Booster.model_to_string`` writes it.

    Returns
    -------
    Forest

    Raises
    ------
    UnreadForestError
        If the trees are linear or averaged, or hold something that LightGBM's own training does not make.
    """
    head, *blocks = text.decode().split("\nTree=")
    header = _keys(head)
    if "average_output" in head.split("\n"):
        raise UnreadForestError("the trees are averaged, not added (boosting=rf).")
    try:
        forest = Forest(
            n_features=int(header["max_feature_idx"]) + 1,
            n_classes=int(header["num_tree_per_iteration"]),
            trees=tuple(_tree(_keys(block.split("\nend of trees", 1)[0])) for block in blocks),
        )
    except (KeyError, IndexError, ValueError) as error:
        raise UnreadForestError(f"the text is not that of LightGBM's trees ({error!r}).") from None
    if any(not 0 <= split.feature < forest.n_features for tree in forest.trees for split in tree.splits):
        raise UnreadForestError(f"a split asks for a feature that is not one of the {forest.n_features}.")
    return forest


def _keys(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _numbers(found: dict[str, str], key: str) -> tuple[float, ...]:
    return tuple(map(float, found[key].split()))


def _tree(found: dict[str, str]) -> Tree:
    if found.get("is_linear", "0") != "0":
        raise UnreadForestError("the trees are linear (linear_tree=true).")
    n_leaves, values = int(found["num_leaves"]), _numbers(found, "leaf_value")
    if n_leaves == 1:
        return Tree((), (), (), (), (1.0,), values)
    tree = Tree(
        splits=_splits(found),
        left=tuple(map(int, found["left_child"].split())),
        right=tuple(map(int, found["right_child"].split())),
        split_rows=_numbers(found, "internal_count"),
        leaf_rows=_numbers(found, "leaf_count"),
        leaf_values=values,
    )
    sizes = {len(tree.splits), len(tree.left), len(tree.right), len(tree.split_rows)}
    if sizes != {n_leaves - 1} or {len(values), len(tree.leaf_rows)} != {n_leaves}:
        raise UnreadForestError("a tree has more or fewer splits than its number of leaves needs.")
    if min(*tree.split_rows, *tree.leaf_rows) <= 0:
        raise UnreadForestError("a part of a tree was reached by no training row.")
    children = sorted((*tree.left, *tree.right))
    forward = all(child < 0 or child > i for side in (tree.left, tree.right) for i, child in enumerate(side))
    if children != [*range(-n_leaves, 0), *range(1, n_leaves - 1)] or not forward:
        raise UnreadForestError("a tree's splits are not in the order in which LightGBM makes them.")
    return tree


def _splits(found: dict[str, str]) -> tuple[Split, ...]:
    thresholds = _numbers(found, "threshold")
    if np.isnan(thresholds).any() or -np.inf in thresholds:
        raise UnreadForestError("a threshold is not a number.")
    categories: list[frozenset[int]] = []
    if int(found.get("num_cat", "0")):
        bounds, words = ([int(x) for x in found[key].split()] for key in ("cat_boundaries", "cat_threshold"))
        for first, last in pairwise(bounds):
            bits = (
                (i * _WORD_BITS + bit, word >> bit) for i, word in enumerate(words[first:last]) for bit in range(32)
            )
            categories.append(frozenset(code for code, rest in bits if rest & 1))
    made = []
    for feature, threshold, kind in zip(
        found["split_feature"].split(), thresholds, map(int, found["decision_type"].split()), strict=True
    ):
        chosen = categories[int(threshold)] if kind & _CATEGORICAL else None
        missing = "nan" if chosen is not None else _MISSING[(kind >> 2) & 3]
        made.append(Split(int(feature), threshold, missing, bool(kind & _DEFAULT_LEFT), chosen))
    return tuple(made)
