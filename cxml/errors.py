"""What cxml raises: one parent to catch, one child for each kind of input that can be wrong."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Literal


class CxmlError(Exception):
    """Parent of every error that cxml raises on purpose."""


class ConfigError(CxmlError):
    """A config, a policy or an argument says something that cannot be meant."""


class ConditionError(ConfigError):
    """A condition or an expression is outside the closed grammar, or names a column that is not there."""


class SourceError(CxmlError):
    """A table cannot be read from where the config says it is."""


class SchemaError(CxmlError, ValueError):
    """A table or a frame breaks the rules of its schema; the message lists every fault found."""


class TrainingError(CxmlError, ValueError):
    """The labels do not allow a model to be trained."""


class BundleError(CxmlError):
    """A bundle was altered, is incomplete, or comes from another format version."""


class SinkError(CxmlError):
    """Recommendations cannot be written to where they should go."""


class UnseenCategoryWarning(UserWarning):
    """A category at scoring that training had not seen: scored as unknown, counted and reported."""


def near_miss(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the closest known name, or an empty string where none is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"; did you mean {by_folded[close[0]]!r}?" if close else ""


def listed(faults: Iterable[str]) -> str:
    """Return several faults as one message: alone on its line, or counted and listed."""
    faults = list(faults)
    if len(faults) == 1:
        return faults[0]
    return f"{len(faults)} faults:\n" + "\n".join(f"  - {fault}" for fault in faults)


def each_fault(message: str) -> list[str]:
    """Return the faults of a message that `listed` made, each as it was."""
    first, *rest = message.split("\n  - ")
    return rest if rest and first == f"{len(rest)} faults:" else [message]


def broken_by(n: int, total: int, *, verb: Literal["be", "do"] = "be") -> str:
    """Return how many rows break a rule, such as ``214 of 9,120 rows are not``."""
    verbs = {"be": ("is", "are"), "do": ("does", "do")}[verb]
    return f"{n:,} of {total:,} rows {verbs[n != 1]} not"


def refuse_unknown(key: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise `ConfigError` with every name, listed under a key, of which there is no feature or column."""
    faults = [
        f"{key}: there is no feature or column {name!r}{near_miss(name, known) or '.'}"
        for name in names
        if name not in known
    ]
    if faults:
        raise ConfigError(listed(faults))
