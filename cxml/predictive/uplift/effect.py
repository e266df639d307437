"""The effect of one action on one outcome as it serves: the effect of each row, how sure it is, and what it stands on.

Reading and serving stand on numpy and LightGBM's C library alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError
from cxml.predictive.trees import Trees
from cxml.predictive.uplift.evidence import EffectGroup, Overlap
from cxml.predictive.uplift.linear import Linear

Array = NDArray[np.float64]
Link = Literal["logit", "identity"]
# The forests that each learner reads; 'dr' corrects what 't' says, 't+linear' is the mean of both.
_FORESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "average": ("common",),
    "t": ("common", "treated", "untreated"),
    "linear": ("common",),
    "t+linear": ("common", "treated", "untreated"),
    "x": ("x_treated", "x_untreated"),
    "dr": ("common", "treated", "untreated", "dr"),
}
_LINEAR: Final = ("linear", "t+linear")
_HIGHEST: Final = 500.0  # of a logit, so that its exponential stays finite
_NUMBERS: Final = (
    "average", "low", "high", "standard_error", "p_heterogeneity",
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """How the raw scores of the forests make an effect: ``intercept + slope * (what the learner says)``.

    Attributes
    ----------
    intercept, slope : how the learner's effects are shrunk to what held-out rows support
    link : of the outcome: ``logit`` of a yes or no, ``identity`` of money or points
    treated, untreated : raw scores of everybody under either, that the forests add to
    scale : one unit of the forests, in those of the outcome
    treated_share : of the treated and untreated rows; how much the X-learner counts what the untreated say
    linear : what the action changes of the raw score of all rows' forest, where the learner reads it
    """

    intercept: float
    slope: float
    link: Link
    treated: float
    untreated: float
    scale: float
    treated_share: float
    linear: Linear | None = None


@dataclass(frozen=True)
class Effect:
    """What an action changes of an outcome, against doing nothing; threads can share it.

    Attributes
    ----------
    action, outcome : their names
    n_treated, n_untreated : rows
    average, low, high, standard_error : AIPW average effect over the rows with its 95% interval, clustered by customer
    p_heterogeneity : one-sided p of the test that the effect differs between rows as predicted
    heterogeneous : whether it is below 5%; if not, everybody is given the average: of money or points all the same, of
        a yes or no the same change of log-odds, which moves those most who could go either way
    learner : ``average``, ``t``, ``linear``, ``t+linear`` (the mean of both), ``x`` or ``dr``
    scores : the held-out DR score of each learner that was tried: the share of the squared distance to the doubly
        robust effects that it saves against one number for all (``average``: 0), with its 95% interval
    groups : fifths of the held-out rows by predicted effect; one group where the average is used
    overlap : of treated and untreated rows
    too_little : why there is too little evidence for any number, in one sentence; empty where there is enough. All
        numbers are NaN then, and so are the effects.
    forests : LightGBM's text of the forests that the learner reads, by name
    parts : what makes an effect of their raw scores
    """

    action: str
    outcome: str
    n_treated: int
    n_untreated: int
    average: float
    low: float
    high: float
    standard_error: float
    p_heterogeneity: float
    heterogeneous: bool
    learner: str
    scores: Mapping[str, tuple[float, float, float]]
    groups: tuple[EffectGroup, ...]
    overlap: Overlap
    too_little: str
    forests: Mapping[str, bytes] = field(repr=False)
    parts: Parts = field(repr=False)

    @cached_property
    def _trees(self) -> dict[str, Trees]:
        return {name: Trees(text) for name, text in self.forests.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes it anew: the handles of LightGBM's library do not leave the process."""
        return Effect.from_json, (self.to_json(), dict(self.forests))

    @property
    def n_features(self) -> set[int]:
        """How many features the forests read; one number in a whole bundle, none where there are no forests."""
        return {trees.n_features for trees in self._trees.values()}

    def effects(self, matrix: Array, scored: dict[bytes, Array] | None = None) -> Array:
        """Return the effect on each row of features, (n_rows,), in units of the outcome; shrunk to what was supported.

        NaN where there was too little evidence. ``scored`` keeps the raw scores of forests for other effects of the
        same rows: those of an outcome share one.
        """
        if self.too_little:
            return np.full(len(matrix), np.nan)
        if self.learner == "average" and self.parts.link == "identity":
            return np.full(len(matrix), self.average)
        scored = {} if scored is None else scored
        raw = {}
        for name, text in self.forests.items():
            if text not in scored:
                scored[text] = self._trees[name].raw_scores(matrix)[:, 0]
            raw[name] = scored[text]
        if self.parts.linear is not None:
            raw["linear"] = self.parts.linear.raw_scores(matrix, raw["common"])
        found = self.parts.intercept + self.parts.slope * learner_effects(self.learner, raw, self.parts)
        return np.clip(found, -1.0, 1.0) if self.parts.link == "logit" else found

    def standard_errors(self, effects: Array) -> Array:
        """Return the standard error of effects that `effects` gave, (n_rows,): that of the group that each falls into.

        Where everybody's log-odds change alike, the error is as large a part of an effect as it is of the average. Of
        smaller effects it is a larger part: the noise of a yes or no of probability p goes by the root of p (1 - p),
        and so would the error that was measured on as many rows of such customers. NaN where there was too little
        evidence.
        """
        if not self.groups:
            return np.full(len(effects), np.nan)
        if self.learner == "average" and self.parts.link == "logit" and self.average != 0:
            part = np.abs(effects / self.average)
            return np.asarray(self.standard_error * np.maximum(part, np.sqrt(part)))
        place = np.searchsorted([group.upto for group in self.groups[:-1]], effects)
        errors: Array = np.array([group.standard_error for group in self.groups])[place]
        return errors

    def to_json(self) -> dict[str, Any]:
        """Return everything but the forests as JSON can hold it; what is not known is None."""
        return {
            "action": self.action,
            "outcome": self.outcome,
            "n_treated": self.n_treated,
            "n_untreated": self.n_untreated,
            **{name: _or_none(getattr(self, name)) for name in _NUMBERS},
            "heterogeneous": self.heterogeneous,
            "learner": self.learner,
            "scores": {name: list(score) for name, score in sorted(self.scores.items())},
            "groups": [group.to_json() for group in self.groups],
            "overlap": self.overlap.to_json(),
            "too_little": self.too_little,
            "forests": sorted(self.forests),
            "parts": {
                **{name: getattr(self.parts, name) for name in Parts.__dataclass_fields__},
                "linear": None if self.parts.linear is None else self.parts.linear.to_json(),
            },
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any], forests: Mapping[str, bytes]) -> Effect:
        """Read what `to_json` wrote, with the texts of its forests by name.

        Raises
        ------
        BundleError
            If something is missing, or is not what it should be.
        """
        try:
            learner, link = str(written["learner"]), written["parts"]["link"]
            linear = Linear.from_json(written["parts"]["linear"]) if learner in _LINEAR else None
            numbers = [name for name in Parts.__dataclass_fields__ if name not in ("link", "linear")]
            parts = {name: float(written["parts"][name]) for name in numbers}
            found = cls(
                action=str(written["action"]),
                outcome=str(written["outcome"]),
                n_treated=int(written["n_treated"]),
                n_untreated=int(written["n_untreated"]),
                **{name: float("nan") if written[name] is None else float(written[name]) for name in _NUMBERS},
                heterogeneous=bool(written["heterogeneous"]),
                learner=learner,
                scores={name: (float(v), float(lo), float(hi)) for name, (v, lo, hi) in written["scores"].items()},
                groups=tuple(EffectGroup.from_json(group) for group in written["groups"]),
                overlap=Overlap.from_json(written["overlap"]),
                too_little=str(written["too_little"]),
                forests={name: forests[name] for name in forests_of(learner, link)},
                parts=Parts(link=link, linear=linear, **parts),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"effect: is incomplete or altered; {error!r}. Train again.") from error
        if link not in ("logit", "identity") or not np.isfinite(list(parts.values())).all():
            raise BundleError("effect: `parts` must have a link and finite numbers. Train again.")
        return found


def forests_of(learner: str, link: Link) -> tuple[str, ...]:
    """Return which forests a learner reads; the average of money or points reads none."""
    return () if learner == "average" and link == "identity" else _FORESTS[learner]


def learner_effects(learner: str, raw: Mapping[str, Array], parts: Parts) -> Array:
    """Return what a learner says of each row, (n_rows,), given the raw scores of what it reads by name."""
    if learner == "x":
        said = parts.treated_share * raw["x_untreated"] + (1 - parts.treated_share) * raw["x_treated"]
        return said * parts.scale
    if learner == "t+linear":
        return 0.5 * (learner_effects("t", raw, parts) + learner_effects("linear", raw, parts))
    treated, untreated = parts.treated + raw["common"], parts.untreated + raw["common"]
    if learner == "linear":
        treated, untreated = treated + 0.5 * raw["linear"], untreated - 0.5 * raw["linear"]
    elif learner != "average":
        treated, untreated = treated + raw["treated"], untreated + raw["untreated"]
    said = expected(treated, parts.link) - expected(untreated, parts.link)
    return (said + raw["dr"] if learner == "dr" else said) * parts.scale


def expected(raw: Array, link: Link) -> Array:
    """Return the outcome that raw scores expect, in units of the forests."""
    if link == "identity":
        return raw
    return np.asarray(1 / (1 + np.exp(-np.clip(raw, -_HIGHEST, _HIGHEST))))


def _or_none(number: float) -> float | None:
    return None if number != number else number
