"""Explanations as they are handed back: typed for a dict or a list of them, as a frame for a dataframe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.errors import ConfigError, SchemaError
from cxml.predictive.explanation import Explainer, Typed
from cxml.predictive.records import plain_value, utc_datetime
from cxml.predictive.vocabulary import LANGUAGES, Language
from cxml.schema import columns as c
from cxml.schema.rows import ExplainedChange, Explanation

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Keys = tuple[Any, Any]
"""Customers and moments as `cxml.predictive.records.keys_in` gives them, each None where it is missing."""


def known_language(language: Language) -> Language:
    """Return a language that sentences are in, or raise `ConfigError`."""
    if language not in LANGUAGES:
        raise ConfigError(f"language: must be one of {', '.join(LANGUAGES)}; it is {language!r}.")
    return language


def explanations(
    explainer: Explainer, typed: Typed, matrix: Array, health: Array, keys: Keys, most: int, language: Language
) -> list[Explanation]:
    """Return the explanation of each row, whose health is as predicted."""
    split = explainer.split(typed, matrix)
    return [
        Explanation(
            customer,
            moment,
            plain_value(health[i]),
            plain_value(split.base[i]),
            explainer.row_items(split, matrix, i, most, known_language(language)),
        )
        for i, (customer, moment) in enumerate(_told(keys, len(matrix)))
    ]


def items_frame(explainer: Explainer, typed: Typed, matrix: Array, keys: Keys) -> pd.DataFrame:
    """Return the HEALTH_ITEMS frame of some rows: the base and every item of each."""
    import pandas as pd

    split = explainer.split(typed, matrix)
    names = [c.BASE, *map(str, explainer.items.items)]
    customers, moments = keys
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: np.repeat(object_array(customers), len(names)),
            c.AS_OF: pd.Series(np.repeat(moments, len(names))).dt.tz_localize("UTC"),
            c.ITEM: np.tile(object_array(names), len(matrix)),
            c.POINTS: np.column_stack([split.base, split.items]).ravel(),
        }
    )


def changes(
    explainer: Explainer,
    before: tuple[Typed, Array],
    after: tuple[Typed, Array],
    keys: tuple[Keys, Keys],
    most: int,
    language: Language,
) -> list[ExplainedChange]:
    """Return the change of each row between two moments.

    Raises
    ------
    SchemaError
        If the rows are not of the same customers, or not in the order of time.
    """
    _same_customers(*keys)
    n_rows = len(before[1])
    told = zip(_told(keys[0], n_rows), _told(keys[1], n_rows), strict=True)
    moves = explainer.changes(before, after, most, known_language(language))
    return [
        ExplainedChange(customer or later, old, new, plain_value(change), items)
        for ((customer, old), (later, new)), (change, items) in zip(told, moves, strict=True)
    ]


def _told(keys: Keys, n_rows: int) -> list[tuple[Any, Any]]:
    customers, moments = keys
    return list(
        zip(
            [None] * n_rows if customers is None else customers,
            [None] * n_rows if moments is None else [utc_datetime(moment) for moment in moments],
            strict=True,
        )
    )


def _same_customers(before: Keys, after: Keys) -> None:
    """Refuse two moments of different customers, or in the wrong order, as far as their keys are there."""
    if before[0] is not None and after[0] is not None and before[0] != after[0]:
        row = next(i for i, (old, new) in enumerate(zip(before[0], after[0], strict=True)) if old != new)
        raise SchemaError(
            f"change: before and after must be of the same customers; row {row} is of {before[0][row]!r}, then of "
            f"{after[0][row]!r}."
        )
    if before[1] is not None and after[1] is not None and (late := np.flatnonzero(before[1] > after[1])).size:
        raise SchemaError(f"change: after must not be earlier than before; row {late[0]} is. Exchange the two.")
