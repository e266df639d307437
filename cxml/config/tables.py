"""The tables of a company: where the files of each are, and how they become one table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from cxml.config.base import Part, known_zone

EPOCHS: Final = ("epoch_s", "epoch_ms")
"""Formats of times that are counted in seconds or milliseconds since 1970, UTC."""
ALL: Final = "*"
_ONE: Final = {"type": ["string", "number"]}
_SEVERAL: Final = {"anyOf": [_ONE, {"type": "array", "items": _ONE}]}


def columns_named(patterns: Iterable[str], columns: Iterable[str]) -> list[str]:
    """Return the columns that are meant: each pattern is a name, or else stands for many by `*` and `?`."""
    columns, patterns = list(columns), list(patterns)
    exact = {pattern for pattern in patterns if pattern in columns}
    loose = [pattern for pattern in patterns if pattern not in exact]
    return [name for name in columns if name in exact or any(fnmatchcase(name, pattern) for pattern in loose)]


def _texts(raw: Any) -> Any:
    """Return one text or number, or several, as texts; 11.0 and 11 are the same."""
    texts = []
    for value in raw if isinstance(raw, list | tuple) else [raw]:
        if isinstance(value, bool) or not isinstance(value, str | int | float | date):
            raise ValueError(f"must be a text or a number (quote words such as 'No'); it is {value!r}")
        if isinstance(value, date):
            value = value.isoformat()
        texts.append(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    return tuple(texts)


def _of_all(raw: Any) -> Any:
    """Return what is said of all columns, or of some, by column."""
    return raw if isinstance(raw, dict) else {} if raw in ((), []) else {ALL: raw}


def _several(raw: Any) -> Any:
    return (raw,) if isinstance(raw, str) else raw


def _truths(raw: Any) -> Any:
    """Return derived columns as text: a truth or a number of YAML is one of the grammar too."""
    if isinstance(raw, dict):
        return {str(key) if isinstance(key, int | float) else key: _truths(value) for key, value in raw.items()}
    return str(raw).upper() if isinstance(raw, bool) else str(raw) if isinstance(raw, int | float) else raw


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts), WithJsonSchema(_SEVERAL)]
"""One text or number, or a list of them."""
TextsOfColumns = Annotated[
    dict[str, Texts],
    BeforeValidator(_of_all),
    WithJsonSchema({"anyOf": [*_SEVERAL["anyOf"], {"type": "object", "additionalProperties": _SEVERAL}]}),
]
"""Texts for all columns, or for some: column, or a pattern such as `Q7*` -> texts."""
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""One name, or a list of them."""


class FileConfig(Part):
    """Where the rows are and how they are read: a file, or a glob of files whose columns may differ."""

    path: str | None = None
    """A CSV or Parquet file, or a glob of them, relative to the config; `${NAME}` is taken from the environment."""
    about: str = ""
    """What the data is, for whoever does not have it yet."""
    published_at: str = ""
    """Where the data can be had, for whoever does not have it yet."""
    columns: dict[str, Names] = Field(default_factory=dict)
    """Our name of a column -> its name in the file, or several, of which the first that a file has is read."""
    ignore: tuple[str, ...] = ()
    """Columns (our names, or patterns such as `Q7*`) that are left out; `derive` and `where` can still read them."""
    missing: TextsOfColumns = Field(default_factory=dict)
    """What stands for a missing value, beside an empty field: `[" ", -999]`, or by column `{"Q7*": [0, 6]}`."""
    categories: tuple[str, ...] = ()
    """Columns (our names, or patterns) whose numbers are names, such as codes."""
    time_format: TextsOfColumns = Field(default_factory=dict)
    """How times are written, if not as ISO 8601: `"%d/%m/%Y %H:%M"`, `epoch_s`, `epoch_ms`, a list, or by column."""
    encoding: str | None = None
    """Of a CSV file that is not UTF-8, such as `latin-1`, `cp1252` or `utf-16`."""
    delimiter: str | None = None
    """Of a CSV file; found by looking at the header where left out."""
    escape: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    """What stands before a quote inside a quoted text of a CSV file: a second quote, or a backslash."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number in a text; where it is a comma, points may part thousands."""
    file_name: str | None = None
    """Column (our name) that is given the name of the file of each row, without its ending."""
    composite: dict[str, Annotated[tuple[str, ...], Field(min_length=2)]] = Field(default_factory=dict)
    """Columns made of the texts of others, joined by `|`, such as `{customer_id: [year, number]}`."""
    drop_duplicates: bool | Names = False
    """Keep the first of the rows that are the same in every column of the file (`true`), or in these columns."""

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        theirs = [name for names in columns.values() for name in dict.fromkeys(names)]
        if again := sorted({name for name in theirs if theirs.count(name) > 1}):
            raise ValueError(f"the column {again[0]!r} of the file is given to two of ours; give it to one")
        return columns

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, encoding: str | None) -> str | None:
        try:
            "".encode(encoding or "utf-8")
        except LookupError:
            raise ValueError("there is no such text encoding; common ones are utf-8, latin-1, cp1252, utf-16") from None
        return encoding

    @field_validator("time_format")
    @classmethod
    def _zoned_or_not(cls, formats: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for texts in formats.values():
            if len({is_zoned(text) for text in texts}) > 1:
                raise ValueError("formats with a zone (%z, epoch_s) and without cannot be mixed in one column")
            if set(texts) & set(EPOCHS) and len(texts) > 1:
                raise ValueError("epoch_s and epoch_ms cannot be mixed with other formats in one column")
        return formats


class JoinedFile(FileConfig):
    """Another file with more columns of the same rows, found by a key that it has once."""

    on: str = "customer_id"
    """Column (our name, in both) by which the rows are found."""


class TableConfig(FileConfig):
    """Where one table is and how its columns are read."""

    ids_of: Annotated[tuple[Literal["events", "surveys", "contracts", "actions"], ...], BeforeValidator(_several)] = ()
    """In place of a file of customers: everybody who is in these tables, such as `events`."""
    join: tuple[JoinedFile, ...] = ()
    """Files with more columns of the same rows."""
    constants: dict[str, str | float | bool] = Field(default_factory=dict)
    """Columns that the file does not have because they are the same in every row."""
    number_rows: str | None = None
    """Column (our name) that is given the number of the row, from 1, where there is no id; one that is no name of the
    table serves `where` and `derive` alone."""
    derive: Annotated[dict[str, str | dict[str, str]], BeforeValidator(_truths)] = Field(default_factory=dict)
    """Columns made of others: a number, a condition (a flag), or names or numbers with the condition of each."""
    drop_missing: Names = ()
    """Columns (our names) without which a row is left out."""
    where: str | None = None
    """Condition of the rows that are kept, such as `quantity > 0 AND price > 0`."""
    timezone: str | None = None
    """Zone of times that carry none, such as `Europe/Lisbon`; the company's where left out."""
    scale: tuple[float, float] | None = None
    """Lowest and highest answer of this survey, where it is not the instrument's own scale."""
    confidence: Annotated[float, Field(gt=0, le=1)] | None = None
    """How far this source is to be trusted: a fact counts for so much, where its row has no `confidence` of its own."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        return known_zone(zone)

    @field_validator("constants", mode="before")
    @classmethod
    def _times_are_texts(cls, constants: Any) -> Any:
        if not isinstance(constants, dict):
            return constants
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in constants.items()}

    @field_validator("constants")
    @classmethod
    def _are_finite(cls, constants: dict[str, str | float | bool]) -> dict[str, str | float | bool]:
        for name, value in constants.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} must be finite")
        return constants

    @field_validator("scale")
    @classmethod
    def _lowest_first(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale and scale[0] >= scale[1]:
            raise ValueError("must be [lowest, highest]")
        return scale

    @model_validator(mode="after")
    def _file_or_ids(self) -> TableConfig:
        if self.ids_of and self.path:
            raise ValueError("`ids_of` stands in place of `path`; give one of them")
        return self


class TablesConfig(Part):
    """The tables; only `customers` is needed."""

    customers: TableConfig
    events: TableConfig | None = None
    surveys: TableConfig | None = None
    contracts: TableConfig | None = None
    environment: TableConfig | None = None
    actions: TableConfig | None = None
    outcomes: TableConfig | None = None

    @model_validator(mode="after")
    def _only_customers_are_ids(self) -> TablesConfig:
        for name in type(self).model_fields:
            if name != "customers" and (table := getattr(self, name)) and table.ids_of:
                raise ValueError(f"{name} cannot be the ids of other tables; only `customers` can")
        return self


def is_zoned(time_format: str) -> bool:
    """Return whether a time format says in which zone its times are."""
    return time_format in EPOCHS or "%z" in time_format.casefold()
