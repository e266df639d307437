"""What an effect stands on: groups of held-out rows, and how far treated and untreated rows overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class EffectGroup:
    """Held-out rows of similar predicted effect, and the effect that was measured on them.

    Attributes
    ----------
    n : rows
    upto : the highest predicted effect of the group; infinite in the last
    predicted : mean of the predicted effects
    measured, low, high, standard_error : mean of the doubly robust effects with its 95% interval, clustered
    """

    n: int
    upto: float
    predicted: float
    measured: float
    low: float
    high: float
    standard_error: float

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON can hold it: no ``upto`` where there is no bound."""
        return {**asdict(self), "upto": None if self.upto == float("inf") else self.upto}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        upto = float("inf") if written["upto"] is None else float(written["upto"])
        numbers = {name: float(written[name]) for name in ("predicted", "measured", "low", "high", "standard_error")}
        return cls(n=int(written["n"]), upto=upto, **numbers)


@dataclass(frozen=True)
class Overlap:
    """Whether both the treated and the untreated speak for everybody.

    Attributes
    ----------
    estimated : whether the propensities were estimated, and not logged
    lowest_propensity : of the rows that were treated or untreated
    effective_treated, effective_untreated : effective sample size over the number of rows, 0 to 1 (Kish 1965)
    n_clipped : rows whose propensity counted as .01 because it was lower, or estimated to be
    warnings : what of it makes the estimate doubtful, in sentences
    """

    estimated: bool
    lowest_propensity: float
    effective_treated: float
    effective_untreated: float
    n_clipped: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            name: None if isinstance(value, float) and value != value else list(value) if name == "warnings" else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        names = ("lowest_propensity", "effective_treated", "effective_untreated")
        return cls(
            estimated=bool(written["estimated"]),
            n_clipped=int(written["n_clipped"]),
            warnings=tuple(map(str, written["warnings"])),
            **{name: float("nan") if written[name] is None else float(written[name]) for name in names},
        )
