"""Parts of trees as tables: what a part adds to each feature, for every pattern of at most 8 decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.shapley import Floats, Places, codes, factors, followed, products, quadrature
from cxml.predictive.tree_parts import PIECE_BITS, Leaf, Part

# Bounds what is held at once: leaves whose tables are made, and pieces whose codes are.
_LEAVES_AT_ONCE: Final = 512
_PIECES_AT_ONCE: Final = 128


@dataclass(frozen=True)
class Pieces:
    """Tables of parts of trees.

    ``slots`` has shape (8, n_pieces), the bits of each piece, of which it uses ``n_bits``. An entry is a piece and an
    output that it adds to: its ``2 ** n_bits`` values begin at ``start`` in ``values``; the entries of piece ``p`` are
    those from ``first_entry[p]`` to ``first_entry[p + 1]``.
    """

    slots: Places
    n_bits: Places
    first_entry: Places
    piece: Places
    output: Places
    start: Places
    values: Floats

    def entries(self, bits: NDArray[np.uint8]) -> Floats:
        """Return what each entry adds to its output, shape (n_entries, n_rows): few calls, for few rows."""
        places = codes(bits[self.slots]).take(self.piece, axis=0)
        places += self.start[:, None]
        return self.values.take(places)

    def add_to(self, sums: Floats, bits: NDArray[np.uint8]) -> None:
        """Add all entries, in order, to sums of shape (n_outputs, n_rows): few copies, for many rows."""
        first, outputs = self.first_entry.tolist(), self.output.tolist()
        starts, n_bits = self.start.tolist(), self.n_bits.tolist()
        found = np.empty((int(np.diff(self.first_entry).max(initial=0)), sums.shape[1]))
        for at in range(0, len(n_bits), _PIECES_AT_ONCE):
            for p, code in enumerate(codes(bits[self.slots[:, at : at + _PIECES_AT_ONCE]]), start=at):
                begin, end = first[p], first[p + 1]
                start = starts[begin]
                table = self.values[start : start + ((end - begin) << n_bits[p])].reshape(end - begin, -1)
                np.take(table, code, axis=1, out=found[: end - begin], mode="clip")
                for entry in range(begin, end):
                    row = sums[outputs[entry]]
                    np.add(row, found[entry - begin], out=row)


def pieces(parts: Sequence[tuple[Part, Places]], place: Places) -> Pieces:
    """Make the tables of parts that have nothing above.

    Parameters
    ----------
    parts : each with the output of every feature
    place : the row of each bit; the last is of a bit that is never set
    """
    slots = np.full((PIECE_BITS, len(parts)), place[-1], dtype=np.intp)
    first, entry_piece, entry_output, start, n_bits = [0], [], [], [0], []
    alike: dict[tuple[int, int], list[tuple[Leaf, list[int], list[int]]]] = {}
    for p, (part, outputs) in enumerate(parts):
        bits = part.bits
        slots[: len(bits), p] = place[bits]
        n_bits.append(len(bits))
        begins: dict[int, int] = {}
        for output in sorted({int(outputs[feature]) for feature in part.features}):
            begins[output] = start[-1]
            entry_piece.append(p)
            entry_output.append(output)
            start.append(start[-1] + (1 << len(bits)))
        first.append(len(entry_piece))
        for leaf in part.leaves:
            own = [begins[int(outputs[asked.feature])] for asked in leaf.asked]
            alike.setdefault((len(leaf.asked), len(bits)), []).append((leaf, bits, own))
    values = np.zeros(start[-1])
    for leaves, own_bits, begin in _batches(alike):
        patterns, tables = followed(leaves, own_bits), _leaf_tables(leaves)
        each = np.arange(1 << len(own_bits[0]))
        for j, table in enumerate(tables):
            np.add.at(values, begin[:, j, None] + each, np.take_along_axis(table, patterns, axis=1))
    return Pieces(
        slots, np.array(n_bits, np.intp), np.array(first, np.intp), np.array(entry_piece, np.intp),
        np.array(entry_output, np.intp), np.array(start[:-1], np.intp), values,
    )  # fmt: skip


def table_bytes(part: Part) -> int:
    """Return the memory that the table of a part needs, at most."""
    return (8 * len(part.features)) << len(part.bits)


def _batches(
    alike: dict[tuple[int, int], list[tuple[Leaf, list[int], list[int]]]],
) -> Iterator[tuple[tuple[Leaf, ...], tuple[list[int], ...], Places]]:
    for found in alike.values():
        for at in range(0, len(found), _LEAVES_AT_ONCE):
            leaves, bits, begins = zip(*found[at : at + _LEAVES_AT_ONCE], strict=True)
            yield leaves, bits, np.array(begins, dtype=np.intp)


def _leaf_tables(leaves: Sequence[Leaf]) -> list[Floats]:
    """Return for each feature what leaves add to it for every pattern of followed features, (n_leaves, 2 ** d)."""
    shares = np.array([[asked.share for asked in leaf.asked] for leaf in leaves])
    values = np.array([leaf.value for leaf in leaves])
    n_leaves, d = shares.shape
    nodes, weights = quadrature(d)
    factor = factors(shares, nodes)
    product = products(factor)
    weight = weights * values[:, None, None, None] / factor
    weight *= np.stack([-shares, 1 - shares], axis=-1)[..., None]
    return [
        np.einsum("nabcq,nbq->nabc", product.reshape(n_leaves, 1 << (d - 1 - j), 2, 1 << j, -1), weight[:, j]).reshape(
            n_leaves, -1
        )
        for j in range(d)
    ]
