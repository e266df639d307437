"""What a trained value model is when it serves: members that say how much money to expect, added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError
from cxml.predictive.additive import Additive
from cxml.predictive.trees import Trees

Array = NDArray[np.float64]
# A member whose raw score is the logarithm of money; that of the others is money itself.
LOGARITHMIC: Final = ("trees", "curves")
_HIGHEST: Final = 20.0  # logarithm of the highest money in the scale of training: half a thousand million means


class CustomerValue:
    """The members of one value model, how much each counts, and what they are measured in; threads can share it.

    Parameters
    ----------
    forests : LightGBM text of each forest, by name
    additives : the additive models, by name
    weights : how much each member counts, in the currency
    bias : what is added for everybody, in the currency
    least : nobody is expected to bring less; None where money can be lost
    """

    def __init__(
        self,
        forests: Mapping[str, bytes],
        additives: Mapping[str, Additive],
        weights: Mapping[str, float],
        bias: float,
        least: float | None,
    ) -> None:
        self.forests, self.additives = forests, additives
        self.weights = dict(sorted(weights.items()))  # in one order, so that a sum has one too
        self.bias, self.least = bias, least
        self._trees = {name: Trees(text) for name, text in forests.items()}
        if strange := sorted(set(weights) ^ {*forests, *additives}):
            raise BundleError(f"value model: {strange[0]!r} must be a member and have a weight. Train again.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CustomerValue):
            return NotImplemented
        return (self.forests, self.to_json()) == (other.forests, other.to_json())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes it anew: the handles of LightGBM's library do not leave the process."""
        return type(self), (self.forests, self.additives, self.weights, self.bias, self.least)

    @property
    def n_features(self) -> set[int]:
        """How many features the members read; one number in a whole bundle."""
        return {trees.n_features for trees in self._trees.values()} | {len(a.curves) for a in self.additives.values()}

    def amounts(self, matrix: Array) -> Array:
        """Return the money to expect of each row of features, of shape (n_rows,), in the currency of training."""
        # Member by member: the bits of a sum must not depend on how many rows there are.
        total = np.full(len(matrix), self.bias)
        for name, weight in self.weights.items():
            raw = self._trees[name].raw_scores(matrix)[:, 0] if name in self._trees else None
            total += weight * money(name, self.additives[name].raw_scores(matrix) if raw is None else raw)
        return total if self.least is None else np.maximum(total, self.least)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the forests as JSON can hold it."""
        return {
            "forests": sorted(self.forests),
            "additives": {name: additive.to_json() for name, additive in sorted(self.additives.items())},
            "weights": self.weights,
            "bias": self.bias,
            "least": self.least,
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any], forests: Mapping[str, bytes]) -> CustomerValue:
        """Read what `to_json` wrote, with the texts of its forests.

        Raises
        ------
        BundleError
            If a member is missing or not what it should be.
        """
        try:
            least = written["least"]
            weights = {str(name): float(weight) for name, weight in written["weights"].items()}
            numbers = float(written["bias"]), None if least is None else float(least)
            additives = {name: Additive.from_json(additive) for name, additive in written["additives"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"value model: needs additives, weights, bias, least; {error!r}. Train again.") from error
        if not np.isfinite([*weights.values(), *(number for number in numbers if number is not None)]).all():
            raise BundleError("value model: every number must be finite. Train again.")
        return cls(forests, additives, weights, *numbers)


def money(member: str, raw: Array) -> Array:
    """Return the money that the raw scores of a member stand for, in the scale of its training."""
    return np.exp(np.minimum(raw, _HIGHEST)) if member in LOGARITHMIC else raw
