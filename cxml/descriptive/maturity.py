"""Where each feature stands in the maturity matrix: in exactly one cell.

A feature is placed by what it reads: its table, then the words of its columns and of the names that its conditions
compare with. A config has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.conditions import parse
from cxml.conditions.tree import Tree
from cxml.config.features import Aggregate, Contract, Feature, Ratio, Season, Segment, Share, Trend
from cxml.config.tables import columns_named
from cxml.descriptive.algebra import table_of
from cxml.descriptive.plan import Kinds
from cxml.errors import ConfigError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.maturity import Aspect, Place, Source

# What a table is about where no word says otherwise.
_OF_TABLE: Final[Mapping[str | None, Place]] = {
    "customers": ("customer", "environment"),
    "events": ("behaviour", "interfaces"),
    "surveys": ("behaviour", "social"),
    "invitations": ("behaviour", "social"),
    "contracts": ("behaviour", "prices"),
    "environment": ("customer", "environment"),
    "actions": ("behaviour", "interfaces"),
    "outcomes": ("behaviour", "interfaces"),
}
_SEASON: Final[Place] = ("behaviour", "environment")


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


SOURCE_WORDS: Final[Mapping[Source, frozenset[str]]] = {
    "competitors": _words_of("competitor competition competing rival"),
    "alternatives": _words_of("addon alternative community extra forum outsourced peer substitute switched switching"),
    "customer": _words_of("affinity orientation preference preferred sensitivity"),
    "behaviour": _words_of(
        "bill billed bought cancellation ces charge charged complaint contract csat delay download nps offer order "
        "paid purchase rating refund revenue satisfaction since spend spending spent tenure transaction usage visit"
    ),
}
"""Words of columns that tell the source, in the singular; of one word's sources the first counts."""

ASPECT_WORDS: Final[Mapping[Aspect, frozenset[str]]] = {
    "social": _words_of(
        "ces comment community csat follower forum influence nps peer post rating recommendation referral referred "
        "reputation review satisfaction sentiment social tweet"
    ),
    "prices": _words_of(
        "addon amount basket bill billed bought budget cancellation cart catalog charge charged checkout contract cost "
        "credit discount fee invoice item offer order paid pay payment plan portfolio price pricing product promo "
        "promotion purchase quantity refund revenue sale since spend spending spent subscription substitute tariff "
        "tenure transaction value wishlist"
    ),
    "environment": _words_of(
        "climate culture economy festival holiday language rain region season temperature unemployment weather"
    ),
    "interfaces": _words_of(
        "acquisition affinity app branch call channel chat contact device digital email interface internet ivr mail "
        "mobile phone shop store tablet tech technology web"
    ),
}
"""Words of columns that tell the aspect."""

# What is measured of a whole region is its environment, and an answer is the customer's own voice, whatever it is
# about: of these tables only competitors and alternatives are told apart by their words.
_ONLY_OTHERS: Final = ("surveys", "invitations", "environment")
_OTHERS: Final[tuple[Source, ...]] = ("competitors", "alternatives")

_OF_CHANNEL: Final = ("distinct", "entropy", "first", "last")
_ADDS_UP: Final = ("count", "rows", "sum", "decay", "distinct", "days_active")


@dataclass(frozen=True)
class Placed:
    """A feature and its cell; ``by`` says what placed it there: the config, a word, or its table."""

    feature: str
    table: str | None
    source: Source
    aspect: Aspect
    by: str

    @property
    def cell(self) -> Place:
        """The source and the aspect."""
        return self.source, self.aspect


def placed_features(features: Sequence[Feature], kinds: Kinds, cells: Mapping[str, Place]) -> tuple[Placed, ...]:
    """Place each feature in one cell of the matrix.

    Parameters
    ----------
    features : the features of a company
    kinds : for each table that is there, the kind of each of its columns
    cells : of the config; a feature, a column, or a name that conditions compare with, or a pattern of such names
        with ``*`` and ``?`` -> its cell

    Returns
    -------
    tuple of Placed, in the order of the features

    Raises
    ------
    ConfigError
        If ``cells`` names something that is not there.
    """
    by_name = {feature.name: feature for feature in features}
    reads = {name: _reads(feature, kinds) for name, feature in by_name.items()}
    known = {*by_name, *(name for names in reads.values() for name in names)}
    known.update(column for columns in kinds.values() for column in columns)
    meant = {key: columns_named([key], known) for key in cells}
    faults = [
        f"maturity.cells: there is no feature, column or compared name {key!r}{near_miss(key, known) or '.'}"
        for key, names in meant.items()
        if not names
    ]
    if faults:
        raise ConfigError(listed(faults))
    of_name = {name: cells[key] for key, names in meant.items() for name in names}
    of_name |= {name: cells[name] for name in cells if name in known}  # a name itself counts before a pattern
    return tuple(_placed(feature, by_name, reads, of_name) for feature in features)


def seen(feature: Feature, values: ArrayLike) -> NDArray[np.bool_]:
    """Return for which customers anything was seen: the value is known and, of what counts or adds up, not zero.

    Parameters
    ----------
    feature : the feature
    values : array of shape (n_customers,), its values
    """
    import pandas as pd

    known = pd.notna(np.asarray(values))
    adds_up = isinstance(feature, Trend | Segment) or getattr(feature, "aggregate", None) in _ADDS_UP
    if adds_up or (isinstance(feature, Contract) and feature.measure == "renewals"):
        known &= np.asarray(values, dtype=np.float64) != 0
    return np.asarray(known)


def _placed(
    feature: Feature, by_name: Mapping[str, Feature], reads: Mapping[str, Sequence[str]], cells: Mapping[str, Place]
) -> Placed:
    name, table = feature.name, table_of(feature)
    if name in cells:
        return Placed(name, table, *cells[name], f"config: {name}")
    if isinstance(feature, Ratio | Segment):
        of = feature.numerator if isinstance(feature, Ratio) else feature.of
        inner = _placed(by_name[of], by_name, reads, cells)
        # The mean of others is not what this customer did: it says among whom the customer lives.
        like = isinstance(feature, Segment) and inner.source == "behaviour"
        return Placed(name, inner.table, "customer" if like else inner.source, inner.aspect, f"feature: {of}")
    if isinstance(feature, Season):
        return Placed(name, None, *_SEASON, "season")
    if given := next((read for read in reads[name] if read in cells), None):
        return Placed(name, table, *cells[given], f"config: {given}")
    source, aspect = _OF_TABLE[table]
    words = [word for read in reads[name] for word in _words(read)]
    told = _of_channel(feature) or _told(words, SOURCE_WORDS)
    if table in _ONLY_OTHERS and (told is None or told[0] not in _OTHERS):
        return Placed(name, table, source, aspect, f"table: {table}")
    if told and told[0] == "behaviour" and table == "customers":
        aspect = _OF_TABLE["events"][1]  # what happened, written down of the customer
    about = _told(words, ASPECT_WORDS)
    by = ", ".join(dict.fromkeys(word for _, word in filter(None, (told, about))))
    return Placed(
        name,
        table,
        told[0] if told else source,
        about[0] if about else aspect,
        f"word: {by}" if by else f"table: {table}",
    )


def _of_channel(feature: Feature) -> tuple[Source, str] | None:
    """Return the alternatives where a feature says which of several channels are taken, not what happened in one."""
    if table_of(feature) != "events":
        return None
    mix = isinstance(feature, Aggregate) and feature.aggregate in _OF_CHANNEL and feature.column == c.CHANNEL
    share = isinstance(feature, Share) and c.CHANNEL in re.findall(r"\w+", feature.of)
    return ("alternatives", c.CHANNEL) if mix or share else None


def _told(words: Sequence[str], vocabulary: Mapping[Any, frozenset[str]]) -> tuple[Any, str] | None:
    """Return what the first word says that is in a vocabulary, and that word."""
    for word in words:
        for meant, known in vocabulary.items():
            if word in known:
                return meant, word
    return None


def _words(name: str) -> list[str]:
    """Return the words of a name in small letters, in the singular: ``MonthlyCharges`` is ``monthly``, ``charge``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return [word[:-1] if len(word) > 3 and word[-1] == "s" != word[-2] else word for word in map(str.lower, words)]


def _reads(feature: Feature, kinds: Kinds) -> tuple[str, ...]:
    """Return the names that a feature reads, each once: its columns first, then those of its conditions and texts."""
    if isinstance(feature, Ratio | Segment | Season):
        return ()
    columns = kinds[str(table_of(feature))]
    found: list[str] = []
    for key in ("column", "promise"):
        text = getattr(feature, key, None)
        if isinstance(text, str):
            found += [text] if text in columns else _names(parse.number(text, columns, where=feature.name).tree)
    for key in ("of", "where"):
        if text := getattr(feature, key, None):
            found += _names(parse.condition(text, columns, where=feature.name).tree)
    return tuple(dict.fromkeys(found))


def _names(tree: Tree) -> Iterator[str]:
    if tree[0] in ("column", "text"):
        yield tree[1]
    for child in tree[1:]:
        if isinstance(child, list):
            yield from _names(child)
