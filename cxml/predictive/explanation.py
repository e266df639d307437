"""Why a customer has this health: points of features and items, in words, for one customer or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.predictive import health_items
from cxml.predictive.bundle import Bundle
from cxml.predictive.health_heads import health_heads
from cxml.predictive.health_items import HealthItems
from cxml.predictive.item_words import item_label, known_label
from cxml.predictive.items import Items, items_of
from cxml.predictive.profile import is_flag
from cxml.predictive.sentences import Said, points_said
from cxml.predictive.time_of_year import month_of, year_waves
from cxml.predictive.vocabulary import Language
from cxml.schema import columns as c
from cxml.schema.rows import HealthItem, Reason

Array = NDArray[np.float64]
Typed = Mapping[str, NDArray[Any]]
# Rows that are explained together: contributions of every head, row and feature are in memory at once.
_BLOCK_ROWS: Final = 4_096
_KNOWN: Final = "known:"


class Explainer:
    """Explains the health that a bundle gives; safe to use from several threads.

    The features come as `Encoding` gives them: ``typed`` by name and ``matrix`` of shape (n_rows, n_features).
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._definitions = {feature["name"]: feature for feature in bundle.features}
        self._waves = year_waves(bundle.features, bundle.encoding.names)
        self._said: dict[tuple[Language, str], Said] = {}

    @cached_property
    def items(self) -> Items:
        """The items of the features, in order."""
        return items_of(self.bundle.features, self.bundle.encoding.names)

    def split(self, typed: Typed, matrix: Array) -> HealthItems:
        """Return health split into features and items; all NaN where no model speaks of a row."""
        blocks = [self._split(part, block) for _, part, block in _blocks(typed, matrix)]
        return HealthItems(
            np.concatenate([block.health for block in blocks]),
            np.concatenate([block.base for block in blocks]),
            np.concatenate([block.features for block in blocks]),
            np.concatenate([block.items for block in blocks]),
        )

    def points(self, typed: Typed, matrix: Array) -> dict[str, Array]:
        """Return what each feature adds to health, and to the part of each model in it alone, all from 0 to 100.

        Each array has shape (n_rows, n_features), NaN where a model does not speak; first ``health``.
        """
        blocks = []
        for _, part, block in _blocks(typed, matrix):
            heads = health_heads(self.bundle, part, block)
            of_models = {name: [head for head in heads if head.model == name] for name in (h.model for h in heads)}
            of = {c.HEALTH: heads, **of_models} if heads else {}
            blocks.append(
                {name: health_items.health_items(some, self.items.groups).features for name, some in of.items()}
            )
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def reasons(self, typed: Typed, matrix: Array, most: int, language: Language) -> dict[str, NDArray[Any]]:
        """Return the reason columns of so many of the strongest features of each row, the strongest first.

        A feature that adds nothing is no reason: its columns are None and NaN, as are those beyond the last feature.
        """
        found = {
            name: object_array([None] * len(matrix)) for rank in range(most) for name in c.reason_columns(rank + 1)
        }
        for rank in range(most):
            found[c.reason_columns(rank + 1)[2]] = np.full(len(matrix), np.nan)
        for rows, part, block in _blocks(typed, matrix):
            points = np.nan_to_num(self._split(part, block).features)
            order = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :most]
            for i, of_row in enumerate(order):
                for rank, j in enumerate(of_row):
                    if points[i, j] != 0:
                        reason = self._reason(j, block[i], float(points[i, j]), language)
                        for name, value in zip(c.reason_columns(rank + 1), vars(reason).values(), strict=True):
                            found[name][rows.start + i] = value
        return found

    def row_items(
        self, split: HealthItems, matrix: Array, row: int, most: int, language: Language
    ) -> tuple[HealthItem, ...]:
        """Return the items of a row of a split, the largest first, each with so many of its strongest features.

        Features of an item of which the same is said are one reason, with their points added.
        """
        points, values = split.features[row], matrix[row]

        def said(j: int) -> tuple[str, float]:
            name = self.bundle.encoding.names[j]
            return self._words(name, language).sentence(self._value(j, values)), values[j]

        return self._items(split.items[row], points, points != 0, most, language, said)

    def changes(
        self, before: tuple[Typed, Array], after: tuple[Typed, Array], most: int, language: Language
    ) -> list[tuple[float, tuple[HealthItem, ...]]]:
        """Return the change of health of each row between two moments, and its items with what happened between.

        Rows are those of `cxml.predictive.health_items.health_change`; a change that is unknown is NaN, without items.
        """
        one, other = (health_heads(self.bundle, *moment) for moment in (before, after))
        if not one:
            return [(np.nan, ())] * len(before[1])
        found = health_items.health_change(one, other, self.items.groups)
        return [
            (float(found.change[row]), self._changed(found, before[1][row], after[1][row], row, most, language))
            for row in range(len(found.change))
        ]

    def label(self, feature: str, language: Language) -> str:
        """Return what a feature is, without a value."""
        return self._words(feature, language).label

    def _changed(
        self,
        found: health_items.HealthChange,
        before: Array,
        after: Array,
        row: int,
        most: int,
        language: Language,
    ) -> tuple[HealthItem, ...]:
        if np.isnan(found.change[row]):
            return ()
        points = found.features[row]

        def said(j: int) -> tuple[str, float]:
            words = self._words(self.bundle.encoding.names[j], language)
            return words.happened(self._value(j, before), self._value(j, after)), after[j]

        # What did not change is nothing that happened, even where the rest gave it another meaning.
        moved = (points != 0) & (before != after) & ~(np.isnan(before) & np.isnan(after))
        items = self._items(found.items[row], points, moved, most, language, said)
        known = tuple(
            HealthItem(f"{_KNOWN}{model}", known_label(model, 1 if began > 0 else -1, language), float(added), ())
            for model, began, added in zip(found.models, found.began[row], found.known[row], strict=True)
            if began
        )
        return tuple(sorted((*items, *known), key=lambda item: -abs(item.points)))

    def _items(
        self,
        of_items: Array,
        points: Array,
        moved: NDArray[np.bool_],
        most: int,
        language: Language,
        said: Callable[[int], tuple[str, float]],
    ) -> tuple[HealthItem, ...]:
        """Return the items, the largest first; ``said`` gives the words of a feature, and the value that it has now."""
        if np.isnan(of_items).any():
            return ()
        found = []
        for k in np.argsort(-np.abs(of_items), kind="stable"):
            mine = np.flatnonzero(moved & (self.items.groups == k))
            strongest = mine[np.argsort(-np.abs(points[mine]), kind="stable")]
            reasons = self._told_once(strongest, points, most, language, said) if most else ()
            item = self.items.items[k]
            found.append(HealthItem(str(item), item_label(item, language), float(of_items[k]), reasons))
        return tuple(found)

    def _told_once(
        self,
        strongest: NDArray[np.intp],
        points: Array,
        most: int,
        language: Language,
        said: Callable[[int], tuple[str, float]],
    ) -> tuple[Reason, ...]:
        """Return the reasons, the strongest first; features with the same words are one, named after the first."""
        told: dict[str, list[Any]] = {}
        for j in strongest:
            words, value = said(j)
            told.setdefault(words, [j, value, 0.0])[2] += float(points[j])
        names, encoding = self.bundle.encoding.names, self.bundle.encoding
        return tuple(
            Reason(names[j], encoding.shown(names[j], value), added, points_said(words, added, language))
            for words, (j, value, added) in sorted(told.items(), key=lambda of: -abs(of[1][2]))[:most]
            if added
        )

    def _split(self, typed: Typed, matrix: Array) -> HealthItems:
        heads = health_heads(self.bundle, typed, matrix)
        groups = self.items.groups
        if heads:
            return health_items.health_items(heads, groups)
        n_rows = len(matrix)
        unknown = np.full((n_rows, len(self.items.items)), np.nan)
        return HealthItems(np.full(n_rows, np.nan), np.full(n_rows, np.nan), np.full(matrix.shape, np.nan), unknown)

    def _reason(self, j: int, row: Array, points: float, language: Language) -> Reason:
        name = self.bundle.encoding.names[j]
        sentence = self._words(name, language).reason(self._value(j, row), points)
        return Reason(name, self.bundle.encoding.shown(name, row[j]), points, sentence)

    def _value(self, j: int, row: Array) -> float | str | None:
        """Return the value of a feature in a row as sentences tell it: a name, or the month in place of a wave."""
        name, value = self.bundle.encoding.names[j], row[j]
        if name in self._waves:
            return month_of(*row[list(self._waves[name])])
        if np.isnan(value):
            return None
        levels = self.bundle.encoding.levels
        return levels[name][int(value)] if name in levels else float(value)

    def _words(self, name: str, language: Language) -> Said:
        found = self._said.get((language, name))
        if found is None:
            definition = self._definitions[name]
            if name in self._waves:
                definition = {**definition, "part": "year"}
            flag = is_flag(self.bundle.profiles.get(name, ()))
            found = Said(definition, language, self.bundle.features, flag=flag)
            self._said[language, name] = found
        return found


def _blocks(typed: Typed, matrix: Array) -> Iterator[tuple[slice, Typed, Array]]:
    for start in range(0, max(len(matrix), 1), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        yield rows, {name: values[rows] for name, values in typed.items()}, matrix[rows]
