"""The plan of some features: a few primitives and trees over them, as plain data that every way to run them reads.

``cxml.descriptive.algebra`` makes a plan from features; ``cxml.descriptive.queries`` runs it as DuckDB SQL,
``cxml.descriptive.history`` for one customer without a database. This module needs nothing heavier than the standard
library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cxml.conditions.tree import Tree
from cxml.schema import columns as c
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from cxml.descriptive.program import Program

Kinds = Mapping[str, Mapping[str, Kind]]

FACT_TIME: Final[Mapping[str, str]] = {
    "events": c.EVENT_TIME,
    "surveys": c.RESPONSE_TIME,
    "invitations": c.SENT_TIME,
    "contracts": c.START_TIME,
    "actions": c.ACTION_TIME,
    "outcomes": c.OUTCOME_TIME,
}
"""The tables of facts, and the moment from which a row of each is a fact."""

WEIGHTED: Final = ("count", "sum", "mean", "decay")
"""The aggregates in which a fact counts for its confidence, where its table has one."""

IN_FORCE: Final = ("in_force", "days_since_start", "days_to_end", "price_change")
"""What a cell can say of the contract in force."""

YEAR_DAYS: Final = 365.2425
"""Mean Gregorian year, the length of a wave of the seasons."""

LEFT_BY_ROUNDING: Final = 1e-12
"""Where one's own part is taken from the sum of all, less than this share of the sum is what rounding left: nothing."""


@dataclass(frozen=True)
class Cell:
    """An aggregate over the facts of one table that a condition lets through, in one window before ``as_of``.

    ``aggregate`` is one of those of `Aggregate` (without the derived ones), ``rows`` (their number, whatever their
    confidence), ``newest`` / ``oldest`` (days since the latest and the earliest) or, of the contract in force,
    ``in_force`` / ``days_since_start`` / ``days_to_end`` / ``price_change``. The window is [``as_of`` - begin,
    ``as_of`` - end); with ``by_day``, that of the midnight before ``as_of``.
    """

    table: str
    aggregate: str
    value: Tree | None = None
    value_kind: Kind = "number"
    where: Tree | None = None
    begin_days: int | None = None
    end_days: int = 0
    half_life_days: float | None = None
    by_day: bool = False


@dataclass(frozen=True)
class Lookup:
    """The latest known measure of the customer's region; minus an earlier one, or minus the mean of all regions."""

    column: str
    change_days: int | None = None
    national: bool = False


@dataclass(frozen=True)
class SegmentMean:
    """The mean over the other customers with the same value of ``by``; ``total`` and ``n`` are one's own cells."""

    by: str
    total: int
    n: int | None
    """Of a mean: the cell that counts its values; of a count or a sum None, as the others themselves are counted."""


@dataclass(frozen=True)
class Meaning:
    """What one feature is: a tree over the primitives, and whether it gives a number or a name.

    Leaves are ``["cell", i]``, ``["lookup", i]``, ``["segment", i]``, ``["attribute", column]``, ``["since", column]``
    (days since a time of the customer), ``["season", part]``, ``["feature", name]`` and ``["number", x]``; ``["-", a,
    b]`` and ``["/", a, b]`` join them, unknown where a part is unknown or the divisor is zero.
    """

    name: str
    kind: Kind
    tree: Tree


@dataclass(frozen=True)
class Plan:
    """Everything that computing some features needs to know, as plain data."""

    features: tuple[Meaning, ...]
    cells: tuple[Cell, ...]
    lookups: tuple[Lookup, ...]
    segments: tuple[SegmentMean, ...]
    kinds: Mapping[str, Mapping[str, Kind]]

    @cached_property
    def program(self) -> Program:
        """The plan compiled for one customer at a time, once."""
        from cxml.descriptive.program import compiled

        return compiled(self)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        found: dict[str, Any] = asdict(self)
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_json` gave."""
        return cls(
            tuple(Meaning(**feature) for feature in found["features"]),
            tuple(Cell(**cell) for cell in found["cells"]),
            tuple(Lookup(**lookup) for lookup in found["lookups"]),
            tuple(SegmentMean(**mean) for mean in found["segments"]),
            found["kinds"],
        )
