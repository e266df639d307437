"""Deep parts of trees, which ask about too many features for one table: two tables, joined at the nodes of an integral.

With ``V_q`` the product of the factors of the features above a part at node ``q``, and ``W_q`` the weighted sum over
its leaves of value times the product of their own factors, a feature above adds ``sum of V_q W_q c_q`` with constants
``c`` (one set where the row follows its way, and one that all features share where it does not), and a feature inside
``sum of V_q U_q``. ``V`` depends on the bits above alone, ``W`` and ``U`` on those within.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.shapley import Floats, Places, codes, factors, followed, products, quadrature
from cxml.predictive.tree_parts import DEEP_BITS, Leaf, Part

# A table of the features above has at most 64 lines; more features have several, multiplied.
_ABOVE_BITS: Final = 6
_PIECES_AT_ONCE: Final = 128
# Nodes are a multiple of this, so that there are few kinds of parts: one row then takes few calls.
_NODES: Final = 3


@dataclass(frozen=True)
class DeepPieces:
    """Deep parts with the same number of nodes.

    ``above_*`` has shape (n_tables, n_pieces): where the table of a piece's features above begins in ``factors``, how
    many lines it has, and (6 of them) its bits; a piece with fewer tables has one with the single value 1 for each.
    ``slots``, ``start`` and ``lines`` say the same of its tables within, in ``values``: first ``W``, then ``U`` of each
    output within, node by node. ``over_*`` are the features above by piece, ``within_*`` the outputs within; ``order``
    brings the two, one after the other, into the order of pieces.
    """

    no: Floats
    above_slots: Places
    above_start: Places
    above_lines: Places
    factors: Floats
    slots: Places
    start: Places
    lines: Places
    values: Floats
    over_first: Places
    over_piece: Places
    over_output: Places
    over_slot: Places
    over_opposite: NDArray[np.uint8]
    over_yes: Floats
    within_first: Places
    within_piece: Places
    within_output: Places
    within_start: Places
    order: Places

    @property
    def output(self) -> Places:
        """The output of each entry."""
        return np.concatenate([self.over_output, self.within_output])[self.order]

    def entries(self, bits: NDArray[np.uint8]) -> Floats:
        """Return what each entry adds to its output, shape (n_entries, n_rows): few calls, for few rows."""
        above = self.above_start[..., None] + codes(bits[self.above_slots])
        code = codes(bits[self.slots])
        whole = self.start[:, None] + code
        own = self.within_start[:, None] + code[self.within_piece]
        steps = self.above_lines[..., None], self.lines[:, None], self.lines[self.within_piece, None]
        follows = bits[self.over_slot] ^ self.over_opposite[:, None]
        no, yes, within = np.zeros(code.shape), np.zeros(follows.shape), np.zeros(own.shape)
        for over_yes, off in zip(self.over_yes, self.no.tolist(), strict=True):
            product = self.factors.take(above[0])
            for other in above[1:]:
                product *= self.factors.take(other)
            found = self.values.take(own)
            found *= product.take(self.within_piece, axis=0)
            within += found
            product *= self.values.take(whole)
            found = product.take(self.over_piece, axis=0)
            found *= over_yes[:, None]
            yes += found
            product *= off
            no += product
            for places, step in zip((above, whole, own), steps, strict=True):
                places += step
        return np.concatenate([np.where(follows, yes, no[self.over_piece]), within])[self.order]

    def add_to(self, sums: Floats, bits: NDArray[np.uint8]) -> None:
        """Add all entries, in order, to sums of shape (n_outputs, n_rows): few copies, for many rows."""
        for at in range(0, len(self.start), _PIECES_AT_ONCE):
            some = slice(at, at + _PIECES_AT_ONCE)
            above, code = codes(bits[self.above_slots[..., some]]), codes(bits[self.slots[:, some]])
            for p in range(len(code)):
                self._add_piece(sums, bits, at + p, above[:, p], code[p])

    def _add_piece(self, sums: Floats, bits: NDArray[np.uint8], p: int, above: Places, code: Places) -> None:
        n_nodes, n_rows = len(self.no), len(code)
        tables = [
            self.factors[start : start + n_nodes * lines].reshape(n_nodes, lines)
            for start, lines in zip(self.above_start[:, p].tolist(), self.above_lines[:, p].tolist(), strict=True)
            if lines
        ]
        product = tables[0].take(above[0], axis=1, mode="clip")
        for table, other in zip(tables[1:], above[1:], strict=False):
            product *= table.take(other, axis=1, mode="clip")
        inner = slice(self.within_first[p], self.within_first[p + 1])
        start, lines, n_tables = int(self.start[p]), int(self.lines[p]), 1 + inner.stop - inner.start
        table = self.values[start : start + n_tables * n_nodes * lines].reshape(n_tables * n_nodes, lines)
        own = table.take(code, axis=1, mode="clip").reshape(n_tables, n_nodes, n_rows)
        own *= product
        over = slice(self.over_first[p], self.over_first[p + 1])
        follows = bits[self.over_slot[over]] ^ self.over_opposite[over, None]
        no, yes, within = np.zeros(n_rows), np.zeros(follows.shape), np.zeros((n_tables - 1, n_rows))
        for q, off in enumerate(self.no.tolist()):
            no += own[0, q] * off
            yes += self.over_yes[q, over, None] * own[0, q]
            within += own[1:, q]
        for outputs, found in (
            (self.over_output[over], np.where(follows, yes, no)),
            (self.within_output[inner], within),
        ):
            for output, values in zip(outputs.tolist(), found, strict=True):
                row = sums[output]
                np.add(row, values, out=row)


def deep_nodes(part: Part) -> int:
    """Return the number of nodes at which a deep part is to be looked at: enough, and often the same."""
    enough = (len(part.above) + max(len(leaf.asked) for leaf in part.leaves) + 1) // 2
    return -(-enough // _NODES) * _NODES


def deep_bytes(part: Part) -> int:
    """Return the memory that the tables of a deep part need, at most."""
    n_tables = 1 + len(part.features)
    lines = (n_tables << len(part.bits)) + (-(-len(part.above) // _ABOVE_BITS) << _ABOVE_BITS) + 2 * len(part.above)
    return 8 * deep_nodes(part) * lines


def deep_pieces(parts: Sequence[tuple[Part, Places]], n_nodes: int, place: Places) -> DeepPieces:
    """Make the tables of deep parts.

    Parameters
    ----------
    parts : each with the output of every feature
    n_nodes : what `deep_nodes` says of each of them
    place : the row of each bit; the last is of a bit that is never set
    """
    nodes, weights = quadrature(2 * n_nodes)
    shares = np.array([asked.share for part, _ in parts for asked in part.above])
    literals = np.array([x for part, _ in parts for asked in part.above for x in asked.literals], dtype=np.intp)
    over_first = np.cumsum([0, *(len(part.above) for part, _ in parts)])
    within = [sorted({int(outputs[feature]) for feature in part.features}) for part, outputs in parts]
    within_first = np.cumsum([0, *map(len, within)])
    slots = np.full((DEEP_BITS, len(parts)), place[-1], dtype=np.intp)
    lines = np.empty(len(parts), dtype=np.intp)
    for p, (part, _) in enumerate(parts):
        bits = part.bits
        slots[: len(bits), p] = place[bits]
        lines[p] = 1 << len(bits)
    sizes = n_nodes * lines * (1 + np.diff(within_first))
    start = np.cumsum([0, *sizes])
    rank = np.arange(within_first[-1]) - np.repeat(within_first[:-1], np.diff(within_first)) + 1
    within_piece = np.repeat(np.arange(len(parts)), np.diff(within_first))
    within_start = start[within_piece] + rank * n_nodes * lines[within_piece]
    over_piece = np.repeat(np.arange(len(parts)), np.diff(over_first))
    above_slots, above_start, above_lines, factor_values = _above(parts, nodes, place)
    begins = [
        [start[p], *(within_start[within_first[p] + within[p].index(int(outputs[f.feature]))] for f in leaf.asked)]
        for p, (part, outputs) in enumerate(parts)
        for leaf in part.leaves
    ]
    return DeepPieces(
        no=-1 / (1 - nodes),
        above_slots=above_slots,
        above_start=above_start,
        above_lines=above_lines,
        factors=factor_values,
        slots=slots,
        start=start[:-1],
        lines=lines,
        values=_within(parts, begins, nodes, weights, int(start[-1])),
        over_first=over_first,
        over_piece=over_piece,
        over_output=np.array([o[asked.feature] for part, o in parts for asked in part.above], dtype=np.intp),
        over_slot=place[literals >> 1],
        over_opposite=(literals & 1).astype(np.uint8),
        over_yes=(1 - shares) / factors(shares, nodes)[:, 1].T,
        within_first=within_first,
        within_piece=within_piece,
        within_output=np.array([output for outputs in within for output in outputs], dtype=np.intp),
        within_start=within_start,
        order=np.argsort(np.concatenate([over_piece, within_piece]), kind="stable"),
    )


def _above(parts: Sequence[tuple[Part, Places]], nodes: Floats, place: Places) -> tuple[Places, Places, Places, Floats]:
    """Return bits, start and lines of the tables of the features above, and their values."""
    n_tables = max(-(-len(part.above) // _ABOVE_BITS) for part, _ in parts)
    slots = np.full((_ABOVE_BITS, n_tables, len(parts)), place[-1], dtype=np.intp)
    start, lines = np.zeros((2, n_tables, len(parts)), dtype=np.intp)
    alike: dict[int, list[tuple[int, int, list[float]]]] = {}
    for p, (part, _) in enumerate(parts):
        for i, some in enumerate(np.array_split(np.arange(len(part.above)), -(-len(part.above) // _ABOVE_BITS))):
            asked = [part.above[j] for j in some]
            slots[: len(asked), i, p] = place[[x >> 1 for a in asked for x in a.literals]]
            signed = [-a.share if a.literals[0] & 1 else a.share for a in asked]
            alike.setdefault(len(asked), []).append((i, p, signed))
    made, at = [np.ones(1)], 1
    for n_features, found in sorted(alike.items()):
        shares = np.array([signed for *_, signed in found])
        factor = factors(np.abs(shares), nodes)
        # A bit that is set means that the row does not follow the way where the literal is the opposite.
        factor = np.where((shares < 0)[..., None, None], factor[:, :, ::-1], factor)
        table = products(factor).transpose(0, 2, 1)
        for k, (i, p, _) in enumerate(found):
            start[i, p], lines[i, p] = at + k * table[0].size, 1 << n_features
        made.append(table.ravel())
        at += table.size
    return slots, start, lines, np.concatenate(made)


def _within(
    parts: Sequence[tuple[Part, Places]], begins: Sequence[Sequence[int]], nodes: Floats, weights: Floats, size: int
) -> Floats:
    """Return the values of the tables within: the sum over leaves, by pattern of bits."""
    alike: dict[tuple[int, int], list[tuple[Leaf, list[int], Sequence[int]]]] = {}
    begin = iter(begins)
    for part, _ in parts:
        bits = part.bits
        for leaf in part.leaves:
            alike.setdefault((len(leaf.asked), len(bits)), []).append((leaf, bits, next(begin)))
    values = np.zeros(size)
    for (_, b), found in alike.items():
        leaves = [leaf for leaf, *_ in found]
        patterns = followed(leaves, [bits for _, bits, _ in found])
        shares = np.array([[asked.share for asked in leaf.asked] for leaf in leaves]).reshape(len(leaves), -1)
        factor = factors(shares, nodes)
        product = products(factor) * weights * np.array([leaf.value for leaf in leaves])[:, None, None]
        starts = np.array([begin for *_, begin in found], dtype=np.intp)
        each = (np.arange(len(nodes)) << b)[:, None] + np.arange(1 << b)
        rows = np.arange(len(leaves))[:, None]
        np.add.at(values, starts[:, 0, None, None] + each, product[rows, patterns].transpose(0, 2, 1))
        for j in range(shares.shape[1]):
            bit = (patterns >> j) & 1
            weight = bit - shares[:, j, None]
            own = product[rows, patterns] * weight[..., None] / factor[rows, j, bit]
            np.add.at(values, starts[:, j + 1, None, None] + each, own.transpose(0, 2, 1))
    return values
