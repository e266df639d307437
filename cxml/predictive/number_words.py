"""Numbers as one reads them in English and European Portuguese, whatever the locale of the machine."""

from __future__ import annotations

from typing import Final

from cxml.predictive.vocabulary import Language
from cxml.schema.separators import with_separators

# A whole number of at least so many days is exact enough.
_WHOLE_DAYS: Final = 10


def number_text(value: float, language: Language) -> str:
    """Return a number with as many decimals as one reads: none from 100 on, one from 10, two below.

    Examples
    --------
    >>> number_text(1234.5, "en"), number_text(12.34, "pt"), number_text(3.0, "pt"), number_text(-0.126, "en")
    ('1,234', '12,3', '3', '-0.13')
    """
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.095 else 4
    return _shown(value, decimals, language)


def days_text(value: float, language: Language) -> str:
    """Return a number of days, such as ``1 day`` or ``2,5 dias``."""
    shown = _shown(value, 0 if abs(value) >= _WHOLE_DAYS else 1, language)
    words = {"en": ("day", "days"), "pt": ("dia", "dias")}[language]
    return f"{shown} {words[shown not in ('1', '-1')]}"


def percent_text(share: float, language: Language) -> str:
    """Return a share from 0 to 1 as a percentage."""
    return f"{_shown(100 * share, 0 if share == 0 or abs(share) >= 0.01 else 1, language)}%"


def points_text(points: float, language: Language) -> str:
    """Return points of health with their sign: whole, or with one decimal below 1.

    Examples
    --------
    >>> points_text(-8.2, "en"), points_text(1.0, "pt"), points_text(0.34, "pt")
    ('-8 points', '+1 ponto', '+0,3 pontos')
    """
    shown = _shown(points, 0 if abs(points) >= 0.95 else 1, language)
    words = {"en": ("point", "points"), "pt": ("ponto", "pontos")}[language]
    sign = "+" if points > 0 and shown != "0" else ""
    return f"{sign}{shown} {words[shown not in ('1', '-1')]}"


def _shown(value: float, decimals: int, language: Language) -> str:
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        text = "0"
    return with_separators(text, language)
