"""Trees cut into parts whose Shapley values depend on few decisions, so that they can be worked out beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cxml.predictive.forest import Tree
from cxml.predictive.split_bits import BitPlan, Literal

# A part with at most so many bits is one table: 256 lines of a feature are 2 kB, which the nearest cache holds.
PIECE_BITS: Final = 8
# A deeper part is cut off where so many features lie above it and so few bits within. On 300 trees of 31 leaves and 150
# features this has the least work of the limits from 4 to 8 and 3 to 7; half or double as many cost a tenth more.
_FEATURES_ABOVE: Final = 6
DEEP_BITS: Final = 6


@dataclass(frozen=True)
class Asked:
    """A feature on the way to a leaf: the share of training rows that follow the way, and what a row must fulfil."""

    feature: int
    share: float
    literals: tuple[Literal, ...]


@dataclass(frozen=True)
class Leaf:
    """A leaf: its value, and the features asked about on its way."""

    value: float
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Part:
    """Leaves of one tree: what all of them ask about alike (one literal each), and what each asks beside."""

    above: tuple[Asked, ...]
    leaves: tuple[Leaf, ...]

    @property
    def features(self) -> list[int]:
        """The features that the leaves ask about, beside those above."""
        return sorted({asked.feature for leaf in self.leaves for asked in leaf.asked})

    @property
    def bits(self) -> list[int]:
        """The bits that decide which leaf's way is followed, beside those above."""
        return sorted({x >> 1 for leaf in self.leaves for asked in leaf.asked for x in asked.literals})


_Way = dict[int, Asked]


def parts(tree: Tree, plan: BitPlan) -> Iterator[Part]:
    """Give all leaves of a tree in parts; each literal is asked of the plan.

    A part without anything above has at most `PIECE_BITS` bits, another at most `DEEP_BITS`.
    """
    decisions = [plan.literal(split, left=True) for split in tree.splits]
    within, features = _within(tree, decisions)
    waiting: list[tuple[int, _Way]] = [(0, {})] if tree.splits else []
    while waiting:
        node, way = waiting.pop()
        inside = within[node] if node >= 0 else set[Literal]()
        if inside is not None and len(inside | {_literal(asked) >> 1 for asked in way.values()}) <= PIECE_BITS:
            yield Part((), tuple(_leaves(tree, node, way, decisions)))
            continue
        asked_again = features[node] & way.keys() if node >= 0 and inside is not None else set[int]()
        few = inside is not None and len(inside | {_literal(way[f]) >> 1 for f in asked_again}) <= DEEP_BITS
        if node < 0 or (few and len(way) >= _FEATURES_ABOVE):
            again = {feature: way[feature] for feature in way if feature in asked_again}
            above = tuple(asked for feature, asked in way.items() if feature not in asked_again)
            yield Part(above, tuple(_leaves(tree, node, again, decisions)))
            continue
        for child, right in ((tree.right[node], 1), (tree.left[node], 0)):
            literal, feature = decisions[node] | right, tree.splits[node].feature
            if feature in way:
                literal = plan.both(_literal(way[feature]), literal)
            waiting.append((child, _stepped(tree, node, child, way, (literal,))))


def _within(tree: Tree, decisions: list[Literal]) -> tuple[list[set[int] | None], list[set[int]]]:
    """Return the bits of all splits below each one, itself included, or None where they are many; and the features."""
    bits: list[set[int] | None] = [None] * len(decisions)
    features: list[set[int]] = [set() for _ in decisions]
    for node in reversed(range(len(decisions))):  # children come after their parents
        found, features[node] = {decisions[node] >> 1}, {tree.splits[node].feature}
        whole = True
        for child in (tree.left[node], tree.right[node]):
            if child >= 0:
                side = bits[child]
                whole = whole and side is not None
                found |= side or set()
                features[node] |= features[child]
        bits[node] = found if whole and len(found) <= PIECE_BITS else None
    return bits, features


def _leaves(tree: Tree, root: int, way: _Way, decisions: list[Literal]) -> Iterator[Leaf]:
    waiting = [(root, way)]
    while waiting:
        node, way = waiting.pop()
        if node < 0:
            yield Leaf(tree.leaf_values[~node], tuple(way.values()))
            continue
        before = way.get(tree.splits[node].feature)
        for child, right in ((tree.right[node], 1), (tree.left[node], 0)):
            literals = (*(before.literals if before else ()), decisions[node] | right)
            waiting.append((child, _stepped(tree, node, child, way, literals)))


def _stepped(tree: Tree, node: int, child: int, way: _Way, literals: tuple[Literal, ...]) -> _Way:
    feature = tree.splits[node].feature
    share = tree.rows_of(child) / tree.split_rows[node]
    if (before := way.get(feature)) is not None:
        share *= before.share
    return {**way, feature: Asked(feature, share, literals)}


def _literal(asked: Asked) -> Literal:
    (literal,) = asked.literals
    return literal
