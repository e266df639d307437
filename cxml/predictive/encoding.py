"""From named columns to the matrix that trees read: aligned by name, names turned into the codes of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import object_array
from cxml.errors import SchemaError, TrainingError, broken_by, listed, near_miss
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, NDArray[Any]]
# A category feature with more names than this is an identifier or free text; trees would learn it by heart.
MAX_LEVELS: Final = 1_000
_SHOWN: Final = 60  # characters of a text in an error


@dataclass(frozen=True)
class Unseen:
    """Values of one category feature that training had not seen; they are scored as unknown."""

    feature: str
    rows: int
    first: str

    def __str__(self) -> str:
        rows = "row has a category" if self.rows == 1 else "rows have categories"
        return (
            f"features.{self.feature}: {self.rows:,} {rows} not seen in training (first: {self.first!r}); "
            f"scored as unknown"
        )


@dataclass(frozen=True)
class TooManyNames:
    """A category feature with more names than can be learnt from."""

    feature: str
    names: int
    first: str

    def __str__(self) -> str:
        first = self.first if len(self.first) <= _SHOWN else f"{self.first[:_SHOWN]}..."
        return (
            f"features.{self.feature}: must have at most {MAX_LEVELS:,} different names; it has {self.names:,} "
            f"(first: {first!r}). An identifier or free text cannot be learnt from"
        )


@dataclass(frozen=True)
class Encoding:
    """The features of a model by name, in order; ``levels`` holds the known names of each category feature."""

    names: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    def typed(self, columns: Mapping[str, Sequence[Any]], *, keys: Sequence[str] = c.KEY) -> dict[str, NDArray[Any]]:
        """Return the features alone, in order: numbers as float64 with NaN, names as object with None.

        Parameters
        ----------
        columns : mapping from column name to a sequence of length n_rows, in any order
        keys : columns that may be there beside the features

        Raises
        ------
        SchemaError
            If a feature is missing, a column is unknown, or a value is of the wrong type; all faults together.
        """
        faults = [
            f"features: has no column {name!r}{near_miss(name, set(columns) - set(self.names) - set(keys)) or '.'} "
            f"A value that is not known is given as missing (None), not left out."
            for name in self.names
            if name not in columns
        ]
        known = {*self.names, *keys}
        extra = [name for name in columns if name not in known]
        if extra:
            faults.append(
                f"features: must have only the {len(self.names)} columns the model was trained on; "
                f"{len(extra)} more {'is' if len(extra) == 1 else 'are'} there (first: {extra[0]!r}). Drop them."
            )
        typed: dict[str, NDArray[Any]] = {}
        for name in self.names:
            if name in columns:
                read = _texts if name in self.levels else _numbers
                try:
                    typed[name] = read(columns[name])
                except _RetypedError as fault:
                    kind = "text" if name in self.levels else "a number"
                    faults.append(
                        f"features.{name}: must be {kind}, as in training; {broken_by(fault.rows, len(columns[name]))} "
                        f"(first: row {fault.first}, {fault.value!r}). "
                        f"Hand over the column as `cxml features` makes it."
                    )
        if faults:
            raise SchemaError(listed(faults))
        return typed

    def matrix(self, typed: Columns) -> tuple[NDArray[np.float64], tuple[Unseen, ...]]:
        """Return the float64 matrix of shape (n_rows, n_features), C-ordered, and the categories not seen before.

        Raises
        ------
        SchemaError
            If a number is infinite.
        """
        n_rows = len(typed[self.names[0]])
        matrix = np.empty((n_rows, len(self.names)), dtype=np.float64)
        unseen = []
        for j, name in enumerate(self.names):
            if name not in self.levels:
                matrix[:, j] = typed[name]
                continue
            codes = {level: float(code) for code, level in enumerate(self.levels[name])}
            values = typed[name]
            matrix[:, j] = [codes.get(value, np.nan) for value in values]
            strange = [value for value in values if value is not None and value not in codes]
            if strange:
                unseen.append(Unseen(name, len(strange), strange[0]))
        if (endless := np.isinf(matrix)).any():
            row, j = np.argwhere(endless)[0]
            raise SchemaError(
                f"features.{self.names[j]}: must be finite or missing; "
                f"{broken_by(int(endless[:, j].sum()), n_rows)} (first: row {row}, {matrix[row, j]}). "
                f"Give what is not known as missing."
            )
        return matrix, tuple(unseen)

    def shown(self, name: str, value: float) -> str:
        """Return the value of a feature as a person reads it: the name behind a code, or a short number."""
        if np.isnan(value):
            return "unknown"
        return self.levels[name][int(value)] if name in self.levels else f"{value:.6g}"


def frame_columns(frame: Any) -> dict[str, Any]:
    """Return the columns of a dataframe (anything with ``columns`` and ``[name]``) by name.

    Raises
    ------
    SchemaError
        If it has no names for its columns, or one name twice.
    """
    if not hasattr(frame, "columns"):
        raise SchemaError(
            f"features: must be a dataframe, so that every column has a name; it is a {type(frame).__name__}. "
            f"Without names, swapped columns would go unnoticed."
        )
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(f"features: has the column {twice!r} twice. Drop one.")
    return {name: frame[name] for name in frame.columns}


def fitted_encoding(columns: Mapping[str, Any]) -> Encoding:
    """Return the encoding of training columns: what is no number is a name, with the levels that are there.

    Raises
    ------
    TrainingError
        If a column has more than 1,000 names.
    """
    levels = _levels(columns)
    if crowded := _crowded(levels):
        raise TrainingError(listed(f"{found}: drop the column." for found in crowded))
    return Encoding(tuple(columns), levels)


def too_many_names(columns: Mapping[str, Any]) -> list[TooManyNames]:
    """Return the columns of names that `fitted_encoding` refuses."""
    return _crowded(_levels(columns))


def _levels(columns: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the names that each column of names holds, sorted."""
    found = {}
    for name, values in columns.items():
        if values.dtype.kind not in "fiub":
            given = values.cat.categories if str(values.dtype) == "category" else values
            found[name] = tuple(sorted({value for value in given if isinstance(value, str)}))
    return found


def _crowded(levels: Mapping[str, Sequence[str]]) -> list[TooManyNames]:
    return [TooManyNames(name, len(found), found[0]) for name, found in levels.items() if len(found) > MAX_LEVELS]


def common_levels(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return feature frames whose name columns are categoricals with the same categories: all that any of them holds.

    Models trained on them then read one encoding.
    """
    import pandas as pd

    levels: dict[str, set[str]] = {}
    for frame in frames.values():
        for name in frame.columns.difference(list(c.KEY)):
            if frame[name].dtype.kind not in "fiub":
                levels.setdefault(name, set()).update(frame[name].dropna())
    dtypes = {name: pd.CategoricalDtype(sorted(found)) for name, found in levels.items()}
    return {model: frame.astype(dtypes) for model, frame in frames.items()}


_PLAIN_NUMBERS: Final = {float, int, bool, type(None)}


class _RetypedError(Exception):
    def __init__(self, rows: int, first: int, value: Any) -> None:
        super().__init__()
        self.rows, self.first, self.value = rows, first, value


def _numbers(values: Any) -> NDArray[np.float64]:
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return np.asarray(values, dtype=np.float64)
    values = list(values)
    if set(map(type, values)) <= _PLAIN_NUMBERS:
        return np.array(values, dtype=np.float64)  # None becomes NaN
    bad = [
        i
        for i, value in enumerate(values)
        if not _missing(value) and not isinstance(value, int | float | np.number | np.bool_)
    ]
    if bad:
        raise _RetypedError(len(bad), bad[0], values[bad[0]])
    return np.array([np.nan if _missing(value) else float(value) for value in values], dtype=np.float64)


def _texts(values: Any) -> NDArray[Any]:
    values = list(values)
    bad = [i for i, value in enumerate(values) if not isinstance(value, str) and not _missing(value)]
    if bad:
        raise _RetypedError(len(bad), bad[0], values[bad[0]])
    return object_array([value if isinstance(value, str) else None for value in values])


def _missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT (both are unequal to themselves, or say so by name)."""
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )
