"""A policy that is being checked, with everything that is known of the columns it reads."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cxml.conditions.intervals import interval
from cxml.conditions.reasoning import satisfiable
from cxml.conditions.tree import Tree, all_of, untrue
from cxml.prescriptive.checking.written_conditions import Written, option_places, written_conditions
from cxml.prescriptive.policy import PREDICTED, Policy
from cxml.schema import columns as c
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from cxml.config.policy import PolicyConfig

Range = tuple[float, float]

_BOUNDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys((*c.P_NPS, c.RENEWAL_RISK), (0.0, 1.0)),
    c.HEALTH: (0.0, 100.0),
    c.NPS_CLASS: c.NPS_CLASSES,
}


@dataclass(frozen=True, eq=False)
class PolicyUnderCheck:
    """A policy as it is written and as it is compiled.

    ``kinds`` are those of all features that it can name; ``counts`` those of them that count past actions; ``values``
    what category columns are known to hold (nothing of a column of which that is not known); ``moment`` is that of the
    data, UTC, where there is one.
    """

    config: PolicyConfig
    policy: Policy
    kinds: Mapping[str, Kind]
    counts: Collection[str] = ()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    moment: datetime | None = None

    @cached_property
    def written(self) -> tuple[Written, ...]:
        """Every condition, at its place."""
        return written_conditions(self.config, self.policy, self.kinds)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Where each option is written."""
        return option_places(self.config)

    @cached_property
    def bounds(self) -> Mapping[str, Any]:
        """The range of each number, and the texts of each category, of which they are known for good."""
        return {**dict.fromkeys(self.counts, (0.0, math.inf)), **_BOUNDS}

    @cached_property
    def all_kinds(self) -> Mapping[str, Kind]:
        """The kind of every column, predictions and counts of past actions among them."""
        return {**dict.fromkeys(self.counts, "number"), **self.kinds, **PREDICTED}

    def can_be_true(self, tree: Tree) -> bool:
        """Return whether a condition may be true of somebody; true where that cannot be told."""
        return satisfiable(tree, self.all_kinds, self.bounds)

    def range_of(self, tree: Tree) -> Range:
        """Return between what the values of a number expression lie, where they are known."""
        return interval(tree, self.bounds)

    @cached_property
    def fires(self) -> tuple[Tree, ...]:
        """For each option the condition that its rule is true and nothing but lists and dates stands against it."""
        return tuple(
            all_of([*option.conditions(), *(untrue(stop.tree) for stop in option.stops)])
            for option in self.policy.options
        )

    @cached_property
    def dead(self) -> frozenset[int]:
        """The places of the options that nobody can get, as their conditions are."""
        return frozenset(j for j, tree in enumerate(self.fires) if not self.can_be_true(tree))
