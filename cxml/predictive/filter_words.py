"""Words for the facts that a feature looks at: the table, and the condition on it, as a person would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxml.conditions.tree import ARITHMETIC, Tree
from cxml.errors import ConditionError
from cxml.predictive.condition_text import condition_tree, conjuncts
from cxml.predictive.number_words import days_text, number_text
from cxml.predictive.vocabulary import (
    CHANNELS,
    FLAGS,
    Language,
    Measure,
    Noun,
    answer_noun,
    event_noun,
    instrument_name,
    measure,
    readable,
    table_noun,
)
from cxml.schema import columns as c

# What holds of every fact that is looked at, and so goes without saying.
_OF_COURSE: Final = (
    ["not", ["is null", ["column", c.SCORE]]],
    ["<>", ["column", c.ACTION], ["text", c.NO_ACTION]],
)
_LATE: Final[Mapping[str, Mapping[Language, str]]] = {
    ">": {"en": "late", "pt": "com atraso"},
    "<=": {"en": "on time", "pt": "a tempo"},
}
_COMPARED: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"=": "{a}: {b}", "<>": "{a} not {b}", ">": "{a} above {b}", ">=": "{a} of at least {b}",
           "<": "{a} below {b}", "<=": "{a} of at most {b}", "like": "{a} like {b}"},
    "pt": {"=": "{a}: {b}", "<>": "{a} diferente de {b}", ">": "{a} acima de {b}", ">=": "{a} de pelo menos {b}",
           "<": "{a} abaixo de {b}", "<=": "{a} até {b}", "like": "{a} como {b}"},
}  # fmt: skip
_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"and": "and", "or": "or", "not": "not ({a})", "null": "{a} unknown", "known": "{a} known", "true": "yes",
           "false": "no", "with": "with {a}", "are": "that are {a}", "about": "about {a}", "through": "through {a}"},
    "pt": {"and": "e", "or": "ou", "not": "não ({a})", "null": "sem {a}", "known": "com {a}", "true": "sim",
           "false": "não", "with": "com {a}", "are": "que são {a}", "about": "sobre {a}", "through": "pelo canal {a}"},
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """The facts of a feature: one, and many; ``instrument`` is that of survey answers, if all of one are meant."""

    one: str
    many: str
    feminine: bool
    instrument: str | None = None


def facts(feature: Mapping[str, Any], language: Language) -> Facts:
    """Return the words of the facts that a feature looks at."""
    table = feature["table"]
    noun, instrument = table_noun(table, language), None
    said, rest = list[Tree](), list[Tree]()
    for part in _parts(feature.get("where")):
        column, names = _names(part)
        if table == "events" and column == c.EVENT_TYPE:
            noun = _either([event_noun(name, language) for name in names], language)
        elif table in ("surveys", "invitations") and column == c.INSTRUMENT and len(names) == 1:
            instrument = instrument_name(names[0], language)
            noun = answer_noun(names[0], language) if table == "surveys" else noun
        elif table == "actions" and column == c.ACTION:
            noun = _either([_action(name, language) for name in names], language)
        elif part not in _OF_COURSE:
            (rest if _said(part, language, many=True) is None else said).append(part)
    one, many = (
        " ".join([text, *(_agreed(str(_said(p, language, many=several)), noun, several) for p in said)])
        for text, several in ((noun.one, False), (noun.many, True))
    )
    if rest:
        clause = f" ({', '.join(clause_text(part, language) for part in rest)})"
        one, many = one + clause, many + clause
    return Facts(one, many, noun.feminine, None if said or rest else instrument)


def share_words(condition: str, feature: Mapping[str, Any], language: Language) -> str:
    """Return what is said of those facts for which a condition is true, after "40% of contacts"."""
    noun = table_noun(feature["table"], language)
    words = []
    for part in _parts(condition):
        column, names = _names(part)
        said = _said(part, language, many=True)
        if column == c.EVENT_TYPE:
            nouns = _either([event_noun(name, language) for name in names], language)
            words.append(_WORDS[language]["are"].format(a=nouns.many))
        elif said is not None:
            words.append(_agreed(said, noun, many=True))
        else:
            words.append(_WORDS[language]["with"].format(a=clause_text(part, language)))
    return f" {_WORDS[language]['and']} ".join(words)


def promise_words(feature: Mapping[str, Any], language: Language) -> str:
    """Return what is said of those facts that kept a promise, after "60% of deliveries"."""
    promise = feature.get("promise", 0.0)
    if feature["column"] == "delay_days" and promise == 0:
        return _LATE["<="][language]
    kept = column_measure(feature["column"], language)
    if isinstance(promise, str):
        most = column_measure(promise, language).alone
    else:
        most = (days_text if kept.unit == "days" else number_text)(promise, language)
    return _WORDS[language]["with"].format(a=_COMPARED[language]["<="].format(a=kept.alone, b=most))


def flag_words(column: str, feature: Mapping[str, Any], language: Language, *, true: bool, many: bool) -> str:
    """Return what is said of facts for which a known flag is true, or false."""
    found = facts(feature, language)
    return _agreed(FLAGS[column][language][not true], Noun("", "", found.feminine), many)


def column_measure(text: str, language: Language) -> Measure:
    """Return the words of a column, or of an expression such as ``paid - promised``."""
    try:
        tree = condition_tree(text)
    except ConditionError:
        return measure(text, language)
    if tree[0] == "column":
        return measure(tree[1], language)
    said = clause_text(tree, language)
    return Measure(said) if language == "en" else Measure("valor", f" de {said}", short=said)


def clause_text(tree: Tree, language: Language) -> str:
    """Return a condition or an expression in words."""
    kind, *parts = tree
    words = _WORDS[language]
    if kind == "column":
        return measure(parts[0], language).alone
    if kind == "text":
        return str(parts[0])
    if kind == "number":
        return number_text(parts[0], language)
    if kind == "flag":
        return words["true" if parts[0] else "false"]
    if kind == "not" and parts[0][0] == "is null":
        return words["known"].format(a=clause_text(parts[0][1], language))
    if kind == "not":
        return words["not"].format(a=clause_text(parts[0], language))
    said = [clause_text(part, language) for part in parts]
    if kind in ("and", "or"):
        return f" {words[kind]} ".join(said)
    if kind == "is null":
        return words["null"].format(a=said[0])
    if kind == "in":
        return f"{said[0]}: {_listed(said[1:], language)}"
    if kind == "negative":
        return f"-{said[0]}"
    if kind in ARITHMETIC:
        return f"{said[0]} {kind} {said[1]}"
    return _COMPARED[language][kind].format(a=said[0], b=said[1].replace("%", "…") if kind == "like" else said[1])


def _parts(condition: str | None) -> list[Tree]:
    if not condition:
        return []
    try:
        return conjuncts(condition_tree(condition))
    except ConditionError:
        return [["text", condition]]


def _names(tree: Tree) -> tuple[str | None, list[str]]:
    """Return the column that a condition wants to be one of some names, and the names; no column where it is other."""
    if tree[0] in ("=", "in") and tree[1][0] == "column" and all(part[0] == "text" for part in tree[2:]):
        return str(tree[1][1]), [str(part[1]) for part in tree[2:]]
    return None, []


def _said(tree: Tree, language: Language, *, many: bool) -> str | None:
    """Return what is said after the noun of facts for which a condition is true, where there are words for it."""
    column, names = _names(tree)
    if column == c.CHANNEL:
        return _listed(
            [CHANNELS[n][language] if n in CHANNELS else _WORDS[language]["through"].format(a=n) for n in names],
            language,
        )
    if column == c.TOUCHPOINT:
        nouns = [event_noun(name, language) for name in names]
        return _WORDS[language]["about"].format(a=_listed([n.many if many else n.one for n in nouns], language))
    if tree[0] == "=" and tree[1][0] == "column" and tree[1][1] in FLAGS and tree[2][0] == "flag":
        return FLAGS[tree[1][1]][language][not tree[2][1]]
    if tree[0] in _LATE and tree[1:] == [["column", "delay_days"], ["number", 0.0]]:
        return _LATE[tree[0]][language]
    return None


def _agreed(words: str, noun: Noun, many: bool) -> str:
    return words.format(o="a" if noun.feminine else "o", s="s" if many else "") if "{o}" in words else words


def _action(name: str, language: Language) -> Noun:
    said = readable(name)
    if language == "en":
        return Noun(f"{said} action", f"{said} actions")
    return Noun(f"ação {said}", f"ações {said}", feminine=True)


def _either(nouns: Sequence[Noun], language: Language) -> Noun:
    return Noun(
        _listed([noun.one for noun in nouns], language),
        _listed([noun.many for noun in nouns], language),
        all(noun.feminine for noun in nouns),
    )


def _listed(words: Sequence[str], language: Language) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {_WORDS[language]['or']} {words[-1]}"
