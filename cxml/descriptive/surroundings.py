"""What customers share, as one customer's history reads it: the state of each region, and the facts of each segment."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxml.descriptive.plan import Plan

Arrays = Mapping[str, NDArray[Any]]
# Windows of days that are kept: every customer of a segment asks for the same ones until the next midnight.
_MOST_WINDOWS = 10_000


@dataclass(frozen=True)
class States:
    """From each moment that something became known on, the latest known value of each measure.

    ``since`` is int64 of shape (n_moments,), microseconds since 1970, ascending; the measures are float64 of the same
    shape, NaN where unknown.
    """

    since: NDArray[np.int64]
    measures: Arrays

    def latest(self, measure: str, as_of: int) -> float | None:
        """Return the latest value known before a moment."""
        since, values = self._lists
        place = bisect_left(since, as_of) - 1
        if place < 0:
            return None
        found: float = values[measure][place]
        return found if found == found else None

    @cached_property
    def _lists(self) -> tuple[list[int], dict[str, list[float]]]:
        return self.since.tolist(), {name: values.tolist() for name, values in self.measures.items()}


@dataclass(frozen=True)
class DayTotals:
    """What the customers of one segment add up to on each day, and how many values that is.

    All of shape (n_rows,), by ``day`` (int64, days since 1970); ``known_day`` (int64) is the day on which that part of
    the day's facts became known, ``total`` and ``n`` are float64.
    """

    day: NDArray[np.int64]
    known_day: NDArray[np.int64]
    total: NDArray[np.float64]
    n: NDArray[np.float64]
    _windows: dict[tuple[int, int], tuple[float, float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def window(self, day: int, days: int) -> tuple[float, float]:
        """Return the total and the number of values of the days before one, of what was known before it."""
        if (found := self._windows.get((day, days))) is not None:
            return found
        inside = slice(*np.searchsorted(self.day, [day - days, day]).tolist())
        known = self.known_day[inside] < day
        total, n = (fsum(values[inside][known].tolist()) for values in (self.total, self.n))
        if len(self._windows) >= _MOST_WINDOWS:
            self._windows.clear()
        self._windows[day, days] = total, n
        return total, n


@dataclass(frozen=True)
class Sizes:
    """How many customers of one segment began on each day: int64 of shape (n_days,), by day since 1970."""

    day: NDArray[np.int64]
    n: NDArray[np.int64]

    def before(self, day: int) -> int:
        """Return how many had begun before a day."""
        place = int(np.searchsorted(self.day, day))
        return int(self.n[:place].sum())


@dataclass(frozen=True)
class Surroundings:
    """What customers share, exported from a company's tables with ``cxml.descriptive.export.surroundings``.

    It is as of the tables that it was exported from: export it anew with them, such as every night.

    Attributes
    ----------
    measures : the measures of the environment that are there
    regions : mapping from a region to its `States`
    national : the `States` of the mean over all regions, where it is asked for
    totals : mapping from the key of a mean over segments (`segment_key`) to the `DayTotals` of each segment
    sizes : mapping from a column of customers to the `Sizes` of each of its segments
    """

    measures: tuple[str, ...] = ()
    regions: Mapping[str, States] = field(default_factory=dict)
    national: States | None = None
    totals: Mapping[str, Mapping[Any, DayTotals]] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[Any, Sizes]] = field(default_factory=dict)

    def missing(self, plan: Plan) -> tuple[str, ...]:
        """Return what a plan reads and this does not hold, in words."""
        found = [f"the measure {lookup.column!r}" for lookup in plan.lookups if lookup.column not in self.measures]
        if self.national is None and any(lookup.national for lookup in plan.lookups):
            found.append("the mean of all regions")
        for place, mean in enumerate(plan.segments):
            if segment_key(plan, place) not in self.totals or mean.by not in self.sizes:
                found.append(f"the segments by {mean.by!r}")
        return tuple(dict.fromkeys(found))

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON; what is unknown is null."""
        return {
            "measures": list(self.measures),
            "regions": {name: _states_to_json(states) for name, states in self.regions.items()},
            "national": None if self.national is None else _states_to_json(self.national),
            "totals": {
                key: [[name, *_lists(t.day, t.known_day, t.total, t.n)] for name, t in by_name.items()]
                for key, by_name in self.totals.items()
            },
            "sizes": {
                by: [[name, *_lists(sizes.day, sizes.n)] for name, sizes in by_name.items()]
                for by, by_name in self.sizes.items()
            },
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Surroundings:
        """Return the surroundings that `to_json` gave."""
        return cls(
            tuple(found["measures"]),
            {name: _states_from_json(states) for name, states in found["regions"].items()},
            None if found["national"] is None else _states_from_json(found["national"]),
            {
                key: {name: DayTotals(*_arrays("iiff", columns)) for name, *columns in rows}
                for key, rows in found["totals"].items()
            },
            {
                by: {name: Sizes(*_arrays("ii", columns)) for name, *columns in rows}
                for by, rows in found["sizes"].items()
            },
        )


def segment_key(plan: Plan, place: int) -> str:
    """Return what tells the totals of a mean over segments from others: what is summed, and over whom."""
    mean = plan.segments[place]
    cell = plan.cells[mean.total]
    return json.dumps([mean.by, cell.table, cell.aggregate, cell.value, cell.value_kind, cell.where])


def _states_to_json(states: States) -> dict[str, Any]:
    measures = {name: [x if x == x else None for x in values.tolist()] for name, values in states.measures.items()}
    return {"since": states.since.tolist(), "measures": measures}


def _states_from_json(found: Mapping[str, Any]) -> States:
    measures = {name: np.array(values, dtype=np.float64) for name, values in found["measures"].items()}  # null is NaN
    return States(np.array(found["since"], dtype=np.int64), measures)


def _lists(*arrays: NDArray[Any]) -> list[list[Any]]:
    return [array.tolist() for array in arrays]


def _arrays(dtypes: str, columns: Sequence[Sequence[Any]]) -> list[NDArray[Any]]:
    of = {"i": np.int64, "f": np.float64}
    return [np.array(values, dtype=of[dtype]) for dtype, values in zip(dtypes, columns, strict=True)]
