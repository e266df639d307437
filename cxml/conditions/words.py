"""The words and signs of a text, looked at before it is parsed: what the grammar lacks is refused where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cxml.conditions.tree import FUNCTIONS
from cxml.errors import ConditionError, near_miss
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

GRAMMAR: Final = (
    "Only columns, numbers, 'text', TRUE/FALSE, = <> < <= > >=, + - * /, AND, OR, NOT, IN (...), BETWEEN, "
    "LIKE 'pattern', IS NULL, CASE WHEN ... THEN ... ELSE ... END and the functions "
    f"{', '.join(name.upper() for name in FUNCTIONS)} can be used."
)
MAX_CHARACTERS: Final = 100_000
MAX_NESTING: Final = 20
"""Brackets, CASE, NOT and minus signs in each other: sqlglot calls itself some 25 times for each."""
_SHOWN: Final = 120

_VALUE_ENDS: Final = ("R_PAREN", "NUMBER", "STRING", "END", "IDENTIFIER", "TRUE", "FALSE")
_GRAMMAR_TYPES: Final = frozenset(
    (
        *("AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "COMMA"),
        *("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "PLUS", "DASH", "STAR", "SLASH", "L_PAREN", "SEMICOLON", *_VALUE_ENDS),
    )
)
_NUMBER: Final = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_UNSEEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # control characters, lone surrogates
_HINTS: Final[Mapping[str, str]] = {
    "!": "Write NOT.",
    "&&": "Write AND.",
    "||": "Write OR; texts cannot be joined.",
    "::": "A column is read as its kind; say what it is in `columns:`.",
    "CAST": "A column is read as its kind; say what it is in `columns:`.",
    "TRY_CAST": "A column is read as its kind; say what it is in `columns:`.",
    "%": "There is no remainder.",
    "//": "Write FLOOR(a / b).",
    "ILIKE": "Write LIKE 'a%' OR column LIKE 'A%'; upper and lower case differ.",
    "LOWER": "Upper and lower case differ; name each spelling in IN (...).",
    "UPPER": "Upper and lower case differ; name each spelling in IN (...).",
    "IF": "Write CASE WHEN ... THEN ... ELSE ... END.",
    "IIF": "Write CASE WHEN ... THEN ... ELSE ... END.",
    "IFNULL": "Write COALESCE(a, b).",
    "NVL": "Write COALESCE(a, b).",
    "NULLIF": "Write CASE WHEN a <> b THEN a END.",
    "MIN": "Of values in a row, write LEAST(a, b); over rows, use a feature.",
    "MAX": "Of values in a row, write GREATEST(a, b); over rows, use a feature.",
    "LOG": "Write LN(x).",
    "ROUND": "Write FLOOR(x + 0.5).",
    "ISNULL": "Write IS NULL.",
    "NOTNULL": "Write IS NOT NULL.",
    "SELECT": "A condition reads the row alone; what other rows say is a feature.",
    "EXISTS": "A condition reads the row alone; what other rows say is a feature.",
    "OVER": "A condition reads the row alone; what other rows say is a feature.",
    "COUNT": "A condition reads the row alone; what other rows say is a feature.",
    "SUM": "A condition reads the row alone; what other rows say is a feature.",
    "AVG": "A condition reads the row alone; what other rows say is a feature.",
    "DISTINCT": "Write a = b OR (a IS NULL AND b IS NULL).",
    "?": "There are no parameters; write the value.",
    "$": "There are no parameters; write the value.",
    "@": "There are no parameters; write the value.",
    "`": 'Put odd names of columns in double quotes: "odd name".',
}
_FILES: Final = re.compile(r"(READ|WRITE|SCAN|GLOB|PARQUET|SNIFF|ATTACH|COPY|LOAD|INSTALL|GETENV|PRAGMA|QUERY)\w*")


def at(place: int | None) -> str:
    """Return `` at character 9`` of a place that counts from 0; nothing where the place is not known."""
    return "" if place is None else f" at character {place + 1:,}"


def shown(text: str, place: int | None = None) -> str:
    """Return a text as a message shows it: what is long as what stands around a place."""
    if len(text) <= 2 * _SHOWN:
        return repr(text)
    start = max(0, (place or 0) - _SHOWN)
    end = start + 2 * _SHOWN
    return f"{'...' if start else ''}{text[start:end]!r}{'...' if end < len(text) else ''}"


def words(text: str, kinds: Mapping[str, Kind], where: str) -> list[Token]:
    """Return the tokens of a text, all of them of the grammar.

    Parameters
    ----------
    text : what a person wrote
    kinds : the columns that can be named
    where : the place in the config, for the message of an error

    Raises
    ------
    ConditionError
        If a word, a sign or a name is none of the grammar, or the text is too long or too deeply nested; with the
        character at which it stands.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(
            f"{where}: has {len(text):,} characters, and {MAX_CHARACTERS:,} are allowed. Make what it says a column."
        )
    if not text.strip():
        raise ConditionError(f"{where}: must not be empty. {GRAMMAR}")
    if unseen := _UNSEEN.search(text):
        raise ConditionError(
            f"{where}: has {unseen[0]!r}{at(unseen.start())}, which nobody sees or can store. Remove it."
        )
    tokens = _tokens(text, where)
    while len(tokens) > 1 and tokens[-1].token_type.name == "SEMICOLON":
        tokens.pop()
    if not tokens:
        raise ConditionError(f"{where}: must not be empty, as {shown(text)} is. {GRAMMAR}")
    reader = _Reader(text, tokens, kinds, where)
    for i in range(len(tokens)):
        reader.check(i)
    return reader.tokens


def _tokens(text: str, where: str) -> list[Token]:
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import TokenError

    try:
        return list(Dialect.get_or_raise("duckdb").tokenize(text))
    except TokenError:
        raise ConditionError(
            f"{where}: cannot be read: a quote or a comment is not closed in {shown(text)}. {GRAMMAR}"
        ) from None


class _Reader:
    def __init__(self, text: str, tokens: list[Token], kinds: Mapping[str, Kind], where: str) -> None:
        self.text, self.tokens, self.kinds, self.where = text, tokens, kinds, where
        self.types = [token.token_type.name for token in tokens]
        self.open: list[int] = []
        self.prefixes = 0

    def check(self, i: int) -> None:
        token, kind = self.tokens[i], self.types[i]
        said = self.text[token.start : token.end + 1]
        if said in ("!", "&&", "||"):
            raise self._refused(i)
        if kind == "DOT" and self._next(i) == "NUMBER" and not self._ends_a_value(i - 1):
            kind = "NUMBER"  # .5 is two tokens
        if kind not in _GRAMMAR_TYPES or kind == "IDENTIFIER":
            self._name(i, said, quoted=kind == "IDENTIFIER")
        elif kind == "NUMBER" and not _NUMBER.fullmatch(said) and said != ".":
            raise self._refused(i, "Write numbers as 12, 0.5 or 1e6.")
        elif kind == "STRING" and not said.startswith("'"):
            raise self._refused(i, "Put texts in single quotes.")
        elif kind == "NULL":
            self._null(i)
        elif kind == "IS" and self._next(i + (self._next(i) == "NOT")) != "NULL":
            hint = (
                "A flag is a condition by itself, values are compared by =; only IS NULL and IS NOT NULL can be asked."
            )
            raise self._refused(i, hint)
        elif kind == "STAR" and not self._ends_a_value(i - 1):
            raise self._refused(i, "Name one column.")
        elif kind == "SEMICOLON":
            raise ConditionError(
                f"{self.where}: must be one expression; another begins{at(token.end + 1)} of {self._shown(i)}."
            )
        self._nesting(i, kind)

    def _refused(self, i: int, hint: str | None = None) -> ConditionError:
        start, end = self.tokens[i].start, self.tokens[i].end + 1
        said = self.text[start:end]
        hint = _HINTS.get(said.upper(), "") if hint is None else hint
        return ConditionError(
            f"{self.where}: {shown(said)}{at(start)} cannot be used in {self._shown(i)}. "
            f"{hint + ' ' if hint else ''}{GRAMMAR}"
        )

    def _shown(self, i: int) -> str:
        return shown(self.text, self.tokens[i].start)

    def _next(self, i: int) -> str:
        return self.types[i + 1] if i + 1 < len(self.types) else ""

    def _ends_a_value(self, i: int) -> bool:
        return i >= 0 and (self.types[i] in _VALUE_ENDS or self.types[i] not in _GRAMMAR_TYPES)

    def _name(self, i: int, said: str, *, quoted: bool) -> None:
        """Refuse what is no column and no function; it may also be a word that SQL has and the grammar has not."""
        token = self.tokens[i]
        if not quoted and not _WORD.fullmatch(said):
            if not set("\u2018\u2019\u201c\u201d").isdisjoint(said):
                raise self._refused(i, "Put texts in single quotes: 'text'.")
            raise self._refused(
                i, None if said.isprintable() else "It has characters that nobody sees; write it again."
            )
        if self._next(i) == "L_PAREN":
            if quoted or said.lower() not in FUNCTIONS:
                raise self._no_function(i, said)
            return
        if "DOT" in (self._next(i), self.types[i - 1] if i else ""):
            raise ConditionError(
                f"{self.where}: {shown(said)}{at(token.start)} names a table; give the column alone, "
                f"in {self._shown(i)}."
            )
        name = token.text
        if name in self.kinds:
            return
        upper = said.upper()
        if not quoted and (self.types[i] != "VAR" or upper in _HINTS or _FILES.fullmatch(upper)):
            raise self._refused(i)
        known = near_miss(name, self.kinds) if len(name) <= _SHOWN else ""
        meant = f" A text is put in single quotes: {shown(name)}." if quoted else ""
        raise ConditionError(
            f"{self.where}: there is no column {shown(name)}{known or '.'}{meant} "
            f"It is named in {self._shown(i)}{at(token.start)}."
        )

    def _no_function(self, i: int, said: str) -> ConditionError:
        upper = said.upper()
        hint = _HINTS.get(upper, "No file, setting or query can be read." if _FILES.fullmatch(upper) else "")
        close = "" if hint or len(said) > _SHOWN else near_miss(said, [name.upper() for name in FUNCTIONS])
        return ConditionError(
            f"{self.where}: there is no function {shown(said)}{close or '.'} "
            f"It is called in {self._shown(i)}{at(self.tokens[i].start)}. {hint + ' ' if hint else ''}{GRAMMAR}"
        )

    def _null(self, i: int) -> None:
        before = self.types[max(i - 2, 0) : i]
        if not before or (before[-1] not in ("IS", "THEN", "ELSE") and before != ["IS", "NOT"]):
            raise self._refused(i, "Nothing is equal to what is unknown; write IS NULL or IS NOT NULL.")

    def _nesting(self, i: int, kind: str) -> None:
        if kind in ("L_PAREN", "CASE"):
            self.open.append(self.prefixes + 1)
            self.prefixes = 0
        elif kind == "NOT" or (kind == "DASH" and not self._ends_a_value(i - 1)):
            self.prefixes += 1
        else:
            self.prefixes = 0
            if kind in ("R_PAREN", "END") and self.open:
                self.open.pop()
        if sum(self.open) + self.prefixes > MAX_NESTING:
            raise ConditionError(
                f"{self.where}: is nested too deeply{at(self.tokens[i].start)}: brackets, CASE, NOT and minus signs "
                f"can be {MAX_NESTING} deep. Use IN (...) for a long list of values."
            )


def closed(text: str, start: int, end: int) -> str:
    """Return the part of a text from one place up to another, with the brackets that close what it opens."""
    while text.count("(", start, end) > text.count(")", start, end) and (found := text.find(")", end)) >= 0:
        end = found + 1
    return text[start:end]
