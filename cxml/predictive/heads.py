"""What a trained model is when it serves: members that add up to log-odds, heads that turn those into probabilities.

A model of K ordered classes has K - 1 heads, P(class > k) (Frank and Hall, "A simple approach to ordinal
classification", ECML 2001); a renewal model has one. Each head adds up its members' raw scores, weighted, and a
calibration makes a probability of the sum. Members are forests and additive models, so that what every feature adds to
a head's log-odds is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError
from cxml.predictive.additive import Additive
from cxml.predictive.calibration import Calibration
from cxml.predictive.trees import Trees

Array = NDArray[np.float64]
FOREST: Final = "forest"
# What a class keeps where the heads around it cross. They are fitted apart: crossing, they say that the class is rare,
# not that it cannot be, and a probability of 0 would be refuted by the first such customer.
_LEAST: Final = 1e-3


@dataclass(frozen=True)
class Head:
    """One cumulative probability: the weight of each member, a constant, and the calibration of their sum."""

    weights: Mapping[str, float]
    bias: float
    calibration: Calibration


class Heads:
    """The heads of one model with their members; safe to use from several threads.

    Parameters
    ----------
    forests : LightGBM text of each forest, by name
    additives : the additive models, by name
    heads : tuple of Head, of the lowest class first
    """

    def __init__(
        self, forests: Mapping[str, bytes], additives: Mapping[str, Additive], heads: tuple[Head, ...]
    ) -> None:
        self.forests, self.additives, self.heads = forests, additives, heads
        self._trees = {name: Trees(text) for name, text in forests.items()}
        for head in heads:
            if strange := sorted(set(head.weights) - set(forests) - set(additives)):
                raise BundleError(f"model: a head needs the member {strange[0]!r}, which is not there. Train again.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Heads):
            return NotImplemented
        return (self.forests, self.additives, self.heads) == (other.forests, other.additives, other.heads)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes it anew: the handles of LightGBM's library do not leave the process."""
        return type(self), (self.forests, self.additives, self.heads)

    @property
    def n_features(self) -> set[int]:
        """How many features the members read; one number in a whole bundle."""
        return {trees.n_features for trees in self._trees.values()} | {len(a.curves) for a in self.additives.values()}

    def raw_scores(self, matrix: Array) -> Array:
        """Return the log-odds of each head before calibration, of shape (n_rows, n_heads)."""
        members = {name: trees.raw_scores(matrix)[:, 0] for name, trees in self._trees.items()}
        members |= {name: additive.raw_scores(matrix) for name, additive in self.additives.items()}
        out = np.empty((len(matrix), len(self.heads)))
        for h, head in enumerate(self.heads):
            # Member by member: the bits of a sum must not depend on how many rows there are.
            total = np.full(len(matrix), head.bias)
            for name, weight in head.weights.items():
                total += weight * members[name]
            out[:, h] = total
        return out

    def exceedances(self, raw: Array) -> Array:
        """Return P(class > k) of each head from its log-odds, of shape (n_rows, n_heads), falling with k."""
        return falling(self.own_exceedances(raw))

    def own_exceedances(self, raw: Array) -> Array:
        """Return what each head says on its own; heads that cross are brought to order by `exceedances`."""
        return np.column_stack([head.calibration.probability(raw[:, h]) for h, head in enumerate(self.heads)])

    def probabilities(self, matrix: Array) -> Array:
        """Return the probability of each class, of shape (n_rows, n_heads + 1), for rows of features."""
        return class_probabilities(self.exceedances(self.raw_scores(matrix)))

    def contributions(self, matrix: Array) -> tuple[Array, Array]:
        """Return what each feature adds to the log-odds of each head, and what is said of nobody in particular.

        Returns
        -------
        added : array of shape (n_rows, n_heads, n_features)
            Exact: SHAP values of the forests (Lundberg et al., 2020) and curves of the additive models.
        base : array of shape (n_heads,); with ``added`` it adds up to `raw_scores`
        """
        members = {name: trees.contributions(matrix)[:, 0] for name, trees in self._trees.items()}
        for name, additive in self.additives.items():
            members[name] = np.column_stack([additive.contributions(matrix), np.full(len(matrix), additive.base)])
        width = matrix.shape[1] + 1
        added = np.zeros((len(matrix), len(self.heads), width))
        for h, head in enumerate(self.heads):
            for name, weight in head.weights.items():
                added[:, h] += weight * members[name]
            added[:, h, -1] += head.bias
        base = added[0, :, -1] if len(matrix) else np.zeros(len(self.heads))
        return added[:, :, :-1], base

    def to_json(self) -> dict[str, Any]:
        """Return everything but the forests as JSON can hold it."""
        return {
            "forests": sorted(self.forests),
            "additives": {name: additive.to_json() for name, additive in sorted(self.additives.items())},
            "heads": [
                {"weights": dict(h.weights), "bias": h.bias, "calibration": h.calibration.to_json()} for h in self.heads
            ],
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any], forests: Mapping[str, bytes]) -> Heads:
        """Read what `to_json` wrote, with the texts of its forests.

        Raises
        ------
        BundleError
            If a member is missing or not what it should be.
        """
        try:
            heads = tuple(
                Head(
                    {str(k): float(v) for k, v in head["weights"].items()},
                    float(head["bias"]),
                    Calibration.from_json(head["calibration"]),
                )
                for head in written["heads"]
            )
            additives = {name: Additive.from_json(additive) for name, additive in written["additives"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"model: needs heads and additives; {error!r}. Train again.") from error
        return cls(forests, additives, heads)


def falling(own: Array) -> Array:
    """Return what heads say, of shape (n_rows, n_heads), so that it falls with k and leaves each class something.

    That is a thousandth, or half of what is above where that is less. Where a head says more, it is held down.
    """
    out = own.copy()
    for k in range(1, own.shape[1]):
        above = out[:, k - 1]
        out[:, k] = np.minimum(own[:, k], above - np.minimum(_LEAST, above / 2))
    return out


def class_probabilities(exceedances: Array) -> Array:
    """Return the probability of each class from P(class > k), of shape (n_rows, n_heads + 1)."""
    edges = np.column_stack([np.ones(len(exceedances)), exceedances, np.zeros(len(exceedances))])
    return np.asarray(edges[:, :-1] - edges[:, 1:])
