"""Names of the items of health, and what is said where a model began or ceased to speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from cxml.predictive.filter_words import column_measure
from cxml.predictive.items import Item
from cxml.predictive.vocabulary import Language, event_noun

_ITEMS: Final[Mapping[str, Mapping[Language, str]]] = {
    "activity": {"en": "activity overall", "pt": "atividade geral"},
    "actions": {"en": "our actions", "pt": "as nossas ações"},
    "answers": {"en": "survey answers", "pt": "respostas a inquéritos"},
    "channel": {"en": "channels", "pt": "canais"},
    "contract": {"en": "contract", "pt": "contrato"},
    "customer": {"en": "customer profile", "pt": "perfil do cliente"},
    "environment": {"en": "economy and surroundings", "pt": "economia e contexto"},
    "price": {"en": "price", "pt": "preço"},
    "season": {"en": "time of year", "pt": "época do ano"},
    "segment": {"en": "others in the segment", "pt": "outros do segmento"},
}
_MODELS: Final[Mapping[str, Mapping[Language, tuple[str, str]]]] = {
    "renewal": {
        "en": ("renewal risk is known now", "renewal risk is no longer known"),
        "pt": ("o risco de não renovar passou a ser conhecido", "o risco de não renovar deixou de ser conhecido"),
    },
    "nps": {
        "en": ("NPS class is known now", "NPS class is no longer known"),
        "pt": ("a classe NPS passou a ser conhecida", "a classe NPS deixou de ser conhecida"),
    },
}


def item_label(item: Item, language: Language) -> str:
    """Return the name of an item, such as ``deliveries`` or ``survey answers``."""
    if item.source == "event":
        return event_noun(item.name, language).many
    if item.source == "column":
        return column_measure(item.name, language).alone
    return _ITEMS[item.source][language]


def known_label(model: str, began: Literal[-1, 1], language: Language) -> str:
    """Return what is said where a model began (1) or ceased (-1) to speak."""
    return _MODELS[model][language][began < 0]
