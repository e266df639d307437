"""What each feature means: the one lowering of the feature algebra into a few primitives that are run elsewhere.

A feature becomes a small tree over *cells* (an aggregate of the facts of one table in a window), lookups of the
environment, means over segments, attributes and the calendar. ``cxml.descriptive.queries`` runs a plan as DuckDB SQL,
``cxml.descriptive.history`` runs it for one customer without a database. A plan is plain JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from cxml.conditions import parse
from cxml.conditions.tree import Tree, columns
from cxml.config.features import (
    Aggregate,
    Attribute,
    Contract,
    Environment,
    Facts,
    Feature,
    Promise,
    Ratio,
    Recency,
    Season,
    Segment,
    Share,
    Trend,
)
from cxml.descriptive.plan import Cell, Kinds, Lookup, Meaning, Plan, SegmentMean
from cxml.errors import ConditionError, ConfigError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.tables import Kind

_NEEDS_NUMBERS: Final = ("sum", "mean", "std", "decay")
_NAMED: Final = ("last", "first", "min", "max")  # of names, these give a name
_PLAIN_NAME: Final = re.compile(r"\w+( \w+)*")


def feature_plan(features: Sequence[Feature], kinds: Kinds) -> Plan:
    """Return what features mean over tables with columns of some kinds.

    Parameters
    ----------
    features : the features, in the order of the columns
    kinds : for each table that is there, the kind of each of its columns

    Raises
    ------
    ConfigError
        If a feature names a table, a column or a feature that is not there, or one of the wrong kind; all faults
        together.
    """
    lowering = _Lowering(features, kinds)
    faults = list(_name_faults(features))
    found = []
    for feature in features:
        try:
            found.append(lowering.meaning(feature))
        except ConditionError as error:
            faults.append(str(error))
        except _NotMeantError as error:
            faults.append(f"features.{feature.name}: {error}")
    if faults:
        raise ConfigError(listed(faults))
    return Plan(
        tuple(found), tuple(lowering.cells), tuple(lowering.lookups), tuple(lowering.segments), lowering.used_kinds()
    )


def table_of(feature: Feature) -> str | None:
    """Return the table that a feature reads; None for the calendar and for features of features."""
    if isinstance(feature, Facts | Recency):
        return feature.table
    if isinstance(feature, Contract):
        return "contracts"
    if isinstance(feature, Environment):
        return "environment"
    return "customers" if isinstance(feature, Attribute) else None


class _NotMeantError(Exception):
    """A feature that does not fit the tables."""


def _name_faults(features: Sequence[Feature]) -> Iterator[str]:
    folded = [feature.name.casefold() for feature in features]
    for i, feature in enumerate(features):
        if folded[i] in folded[:i]:
            yield (
                f"features: {feature.name!r} is the name of two features, or differs from another in case alone. "
                f"Rename one."
            )


class _Lowering:
    def __init__(self, features: Sequence[Feature], kinds: Kinds) -> None:
        self.kinds = kinds
        self.by_name = {feature.name: feature for feature in features}
        self.cells: list[Cell] = []
        self.lookups: list[Lookup] = []
        self.segments: list[SegmentMean] = []
        self._places: dict[str, int] = {}

    def used_kinds(self) -> dict[str, dict[str, Kind]]:
        return {table: dict(columns) for table, columns in self.kinds.items()}

    def meaning(self, feature: Feature) -> Meaning:
        tree, kind = self._tree(feature)
        return Meaning(feature.name, kind, tree)

    def _tree(self, feature: Feature) -> tuple[Tree, Kind]:
        if isinstance(feature, Season):
            return ["season", feature.part], "number"
        if isinstance(feature, Ratio):
            return ["/", self._named(feature.numerator, feature), self._named(feature.denominator, feature)], "number"
        if isinstance(feature, Segment):
            return self._segment(feature), "number"
        table = table_of(feature)
        if table not in self.kinds:
            raise _NotMeantError(f"needs the table {table!r}, which the config does not have.")
        if isinstance(feature, Attribute):
            kind = self._kind("customers", feature.column)
            leaf = "since" if kind == "time" else "attribute"
            return [leaf, feature.column], "category" if kind in ("category", "key", "text") else "number"
        if isinstance(feature, Environment):
            return self._environment(feature), "number"
        if isinstance(feature, Contract):
            return self._contract(feature)
        where = self._where(feature)
        if isinstance(feature, Recency):
            return self._cell(feature.table, "newest" if feature.since == "last" else "oldest", where=where), "number"
        return self._facts(feature, where)

    def _facts(self, feature: Aggregate | Trend | Share | Promise, where: Tree | None) -> tuple[Tree, Kind]:
        table, days = feature.table, feature.window_days
        if isinstance(feature, Share | Promise):
            of = self._kept(feature) if isinstance(feature, Promise) else self._condition(feature, feature.of, "of")
            known = ["not", ["is null", of]]
            return [
                "/",
                self._cell(table, "count", where=_both(where, of), begin_days=days),
                self._cell(table, "count", where=_both(where, known), begin_days=days),
            ], "number"
        if isinstance(feature, Aggregate) and feature.aggregate == "mean_gap_days":
            oldest, newest, rows = (
                self._cell(table, name, where=where, begin_days=days) for name in ("oldest", "newest", "rows")
            )
            return ["/", ["-", oldest, newest], ["-", rows, ["number", 1.0]]], "number"
        value, kind = self._value(feature)
        if isinstance(feature, Trend):
            now = self._cell(table, feature.aggregate, value, kind, where, begin_days=days)
            before = self._cell(
                table, feature.aggregate, value, kind, where, begin_days=2 * feature.window_days, end_days=days
            )
            return ["-", now, before], "number"
        cell = self._cell(
            table, feature.aggregate, value, kind, where, begin_days=days, half_life_days=feature.half_life_days
        )
        named = feature.aggregate in _NAMED and kind not in ("number", "flag")
        return cell, "category" if named else "number"

    def _cell(
        self,
        table: str,
        aggregate: str,
        value: Tree | None = None,
        value_kind: Kind = "number",
        where: Tree | None = None,
        **window: Any,
    ) -> Tree:
        cell = Cell(table, aggregate, value, value_kind, where, **window)
        return ["cell", self._place(self.cells, cell)]

    def _place(self, primitives: list[Any], primitive: Any) -> int:
        """Return where a primitive stands among those of its kind; the same one is kept once."""
        key = json.dumps([type(primitive).__name__, asdict(primitive)])
        if key not in self._places:
            self._places[key] = len(primitives)
            primitives.append(primitive)
        return self._places[key]

    def _kind(self, table: str, column: str) -> Kind:
        if column not in self.kinds[table]:
            raise _NotMeantError(f"{table} has no column {column!r}{near_miss(column, self.kinds[table]) or '.'}")
        return self.kinds[table][column]

    def _where(self, feature: Facts | Recency) -> Tree | None:
        return None if feature.where is None else self._condition(feature, feature.where, "where")

    def _condition(self, feature: Facts | Recency, text: str, key: str) -> Tree:
        where = f"features.{feature.name}.{key}"
        return parse.condition(text, self.kinds[feature.table], where=where).tree

    def _value(self, feature: Aggregate | Trend) -> tuple[Tree | None, Kind]:
        """Return the tree and the kind of what is aggregated; a text that is no column is an expression."""
        column, kinds = feature.column, self.kinds[feature.table]
        if column is None:
            return None, "number"
        if column not in kinds and not _PLAIN_NAME.fullmatch(column):
            return parse.number(column, kinds, where=f"features.{feature.name}.column").tree, "number"
        kind = self._kind(feature.table, column)
        if kind not in ("number", "flag") and feature.aggregate in _NEEDS_NUMBERS:
            raise _NotMeantError(f"{feature.table}.{column} is a {kind}; only a number has a {feature.aggregate}.")
        if kind == "time" and feature.aggregate != "count":
            raise _NotMeantError(f"{feature.table}.{column} is a time; use kind `recency` for the days since.")
        return ["column", column], kind

    def _kept(self, feature: Promise) -> Tree:
        for column in (feature.column, feature.promise):
            if isinstance(column, str) and self._kind(feature.table, column) != "number":
                raise _NotMeantError(f"{feature.table}.{column} is not a number; only a number can be promised.")
        promise = feature.promise
        bound = ["number", float(promise)] if isinstance(promise, int | float) else ["column", promise]
        return ["<=", ["column", feature.column], bound]

    def _named(self, name: str, feature: Ratio) -> Tree:
        other = self.by_name.get(name)
        if other is None:
            raise _NotMeantError(f"there is no feature {name!r}{near_miss(name, self.by_name) or '.'} Add it as well.")
        if isinstance(other, Ratio):
            raise _NotMeantError(f"{name!r} is a ratio itself; divide plain features.")
        if not isinstance(other, Segment) and self._tree(other)[1] != "number":
            raise _NotMeantError(f"{name!r} is a name; only numbers can be divided.")
        return ["feature", name]

    def _contract(self, feature: Contract) -> tuple[Tree, Kind]:
        if feature.measure == "tenure_days":
            return self._cell("contracts", "oldest"), "number"
        if feature.measure == "renewals":
            renewed = ["=", ["column", c.RENEWED], ["flag", True]]
            return self._cell("contracts", "count", where=renewed), "number"
        if feature.column is None:
            if feature.measure == "price_change":
                self._kind("contracts", c.PRICE)
            return self._cell("contracts", feature.measure), "number"
        kind = self._kind("contracts", feature.column)
        if kind == "time":
            raise _NotMeantError(f"contracts.{feature.column} is a time; use `measure: days_since_start` or the like.")
        tree = self._cell("contracts", "in_force", ["column", feature.column], kind)
        return tree, "category" if kind in ("category", "key", "text") else "number"

    def _environment(self, feature: Environment) -> Tree:
        if c.REGION not in self.kinds["customers"]:
            raise _NotMeantError(
                "needs the table 'environment' and `customers.region`, which the config does not have."
            )
        if (kind := self._kind("environment", feature.column)) not in ("number", "flag"):
            raise _NotMeantError(f"environment.{feature.column} is a {kind}; only a number has a value.")
        lookup = Lookup(feature.column, feature.change_days, feature.against == "national")
        return ["lookup", self._place(self.lookups, lookup)]

    def _segment(self, feature: Segment) -> Tree:
        of = self.by_name.get(feature.of)
        if of is None:
            raise _NotMeantError(
                f"there is no feature {feature.of!r}{near_miss(feature.of, self.by_name) or '.'} Add it as well."
            )
        if not isinstance(of, Aggregate) or of.aggregate not in ("count", "sum", "mean") or of.window_days is None:
            raise _NotMeantError(f"{feature.of!r} must be an aggregate (count, sum or mean) with a window.")
        if of.table not in self.kinds:
            raise _NotMeantError(f"needs the table {of.table!r}, which the config does not have.")
        if (kind := self._kind("customers", feature.by)) not in ("category", "flag"):
            raise _NotMeantError(f"customers.{feature.by} is a {kind}; customers are grouped by names.")
        value, value_kind = self._value(of)
        where = self._where(of)
        if of.table == "contracts" and c.RENEWED in [*columns(value or []), *columns(where or [])]:
            raise _NotMeantError(f"{feature.of!r} reads `renewed`, which is known of each contract at another time.")
        total = self._cell(
            of.table,
            "count" if of.aggregate == "count" else "sum",
            value,
            value_kind,
            where,
            begin_days=of.window_days,
            by_day=True,
        )
        n = None
        if of.aggregate == "mean":
            n = self._cell(of.table, "count", value, value_kind, where, begin_days=of.window_days, by_day=True)[1]
        return ["segment", self._place(self.segments, SegmentMean(feature.by, total[1], n))]


def _both(a: Tree | None, b: Tree) -> Tree:
    return b if a is None else ["and", a, b]
