"""Shapley values of the leaves of trees, exactly, for every pattern of features whose way a row follows.

A leaf with value ``v`` whose way asks about ``d`` features adds to feature ``j``

    v (o_j - z_j)  integral over t from 0 to 1 of  product over k != j of  (o_k t + z_k (1 - t))

where ``o`` is 1 where the row follows the way on all splits of a feature and else 0, and ``z`` is the share of training
rows that do (Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020;
the integral is Owen's, "Multilinear extensions of games", 1972). The integrand is a polynomial of degree d - 1, so
Gauss-Legendre with ceil(d / 2) nodes gives it exactly; every factor is positive, so that nothing is cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cxml.predictive.tree_parts import Leaf

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def quadrature(d: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights on 0-1 that integrate polynomials of degree ``d - 1`` exactly."""
    nodes, weights = np.polynomial.legendre.leggauss((d + 1) // 2)
    return (nodes + 1) / 2, weights / 2


def factors(shares: Floats, nodes: Floats) -> Floats:
    """Return the factor of each feature, not followed and followed, at each node: shape (..., 2, n_nodes)."""
    off = shares[..., None] * (1 - nodes)
    return np.stack([off, off + nodes], axis=-2)


def products(factor: Floats) -> Floats:
    """Return the product of the factors for every pattern of followed features, the first being the lowest bit.

    Shape (n_leaves, d, 2, n_nodes) becomes (n_leaves, 2 ** d, n_nodes).
    """
    n_leaves, d, _, n_nodes = factor.shape
    product = np.ones((n_leaves, 1, n_nodes))
    for j in range(d):
        product = (factor[:, j, :, None] * product[:, None]).reshape(n_leaves, 2 << j, n_nodes)
    return product


def followed(leaves: Sequence[Leaf], bits: Sequence[Sequence[int]]) -> Places:
    """Return which features' ways are followed, as a pattern, for every pattern of a part's bits.

    Parameters
    ----------
    leaves : n_leaves of them, each asking about the same number of features
    bits : for each leaf the bits of its part, all of the same number ``b``

    Returns
    -------
    array of shape (n_leaves, 2 ** b)
    """
    b, d = len(bits[0]), len(leaves[0].asked)
    looked_at, wanted = np.zeros((2, len(leaves), d), dtype=np.intp)
    for i, (leaf, own) in enumerate(zip(leaves, bits, strict=True)):
        place = {bit: 1 << k for k, bit in enumerate(own)}
        for j, asked in enumerate(leaf.asked):
            true = {place[x >> 1] for x in asked.literals if not x & 1}
            false = {place[x >> 1] for x in asked.literals if x & 1}
            looked_at[i, j] = sum(true | false)
            # A way that asks for a decision and its opposite is followed by no pattern.
            wanted[i, j] = 1 << b if true & false else sum(true)
    patterns = np.arange(1 << b)
    found = np.zeros((len(leaves), 1 << b), dtype=np.intp)
    for j in range(d):
        found |= ((patterns & looked_at[:, j, None]) == wanted[:, j, None]).astype(np.intp) << j
    return found


def codes(slots: NDArray[np.uint8]) -> Places:
    """Return the pattern that bits of shape (n_bits, ...) make, the first being the lowest."""
    code = slots[-1].copy()
    for slot in slots[-2::-1]:
        code += code
        code |= slot
    return np.asarray(code, dtype=np.intp)
