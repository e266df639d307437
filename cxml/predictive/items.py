"""The item of health that each feature belongs to: the touchpoint or source that it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.tree import columns
from cxml.errors import ConditionError
from cxml.predictive.condition_text import condition_tree, conjuncts
from cxml.schema import columns as c

Definition = Mapping[str, Any]
"""A feature as the bundle stores it: its kind, name, table, condition, column and so on."""

Source = Literal[
    "event", "activity", "channel", "answers", "contract", "price", "customer", "column", "environment", "actions",
    "segment", "season",
]  # fmt: skip


@dataclass(frozen=True, order=True)
class Item:
    """Where something comes from: a source, and of an event or a customer's column its name."""

    source: Source
    name: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.name}" if self.name else self.source


@dataclass(frozen=True)
class Items:
    """The items of a model, in order, and the place of each feature's item among them, shape (n_features,)."""

    items: tuple[Item, ...]
    groups: NDArray[np.intp]


_OF_TABLE: Final[Mapping[str, Item]] = {
    "surveys": Item("answers"),
    "invitations": Item("answers"),
    "contracts": Item("contract"),
    "actions": Item("actions"),
    "outcomes": Item("actions"),
}
_OF_KIND: Final[Mapping[str, Item]] = {
    "attribute": Item("customer"),
    "environment": Item("environment"),
    "segment": Item("segment"),
    "season": Item("season"),
}


def items_of(features: Sequence[Definition], names: Sequence[str] | None = None) -> Items:
    """Return the item of each feature.

    An event belongs to its type; what is of all types to ``activity``, or to ``channel`` where it is about those; a
    ratio to the item of what is divided. Where a company has nothing but columns of its customers, each is an item.

    Parameters
    ----------
    features : definitions as the bundle stores them
    names : the features that the model reads, in order; all of them where left out

    Examples
    --------
    >>> delay = {"kind": "aggregate", "name": "delay", "table": "events", "aggregate": "mean", "column": "delay_days",
    ...          "where": "event_type = 'delivery'"}
    >>> found = items_of([delay, {"kind": "attribute", "name": "plan", "column": "plan"}])
    >>> [str(item) for item in found.items], found.groups
    (['customer', 'event:delivery'], array([1, 0]))
    """
    by_name = {feature["name"]: feature for feature in features}
    snapshot = all(feature["kind"] in ("attribute", "season", "ratio") for feature in features)
    found = [_item(by_name[name], by_name, snapshot, 0) for name in names or by_name]
    items = tuple(sorted(set(found)))
    return Items(items, np.array([items.index(item) for item in found], dtype=np.intp))


def _item(feature: Definition, by_name: Mapping[str, Definition], snapshot: bool, depth: int) -> Item:
    kind = feature["kind"]
    if kind == "ratio":
        of = by_name.get(feature["numerator"])
        return Item("activity") if of is None or depth > len(by_name) else _item(of, by_name, snapshot, depth + 1)
    if kind == "attribute" and snapshot:
        return Item("column", feature["column"])
    if kind == "contract" or feature.get("table") == "contracts":
        about_price = feature.get("column") == c.PRICE or feature.get("measure") == "price_change"
        return Item("price") if about_price else Item("contract")
    if kind in _OF_KIND:
        return _OF_KIND[kind]
    if feature["table"] != "events":
        return _OF_TABLE[feature["table"]]
    if (event_type := one_value(feature.get("where"), c.EVENT_TYPE)) is not None:
        return Item("event", event_type)
    about_channel = feature.get("column") == c.CHANNEL or c.CHANNEL in _columns(feature.get("of"))
    return Item("channel") if about_channel else Item("activity")


def one_value(condition: str | None, column: str) -> str | None:
    """Return the one text that a condition wants a column to be, if it wants one."""
    try:
        parts = conjuncts(condition_tree(condition)) if condition else []
    except ConditionError:
        return None
    for part in parts:
        if part[0] in ("=", "in") and part[1] == ["column", column] and len(part) == 3 and part[2][0] == "text":
            return str(part[2][1])
    return None


def _columns(condition: str | None) -> list[str]:
    try:
        return list(columns(condition_tree(condition))) if condition else []
    except ConditionError:
        return []
