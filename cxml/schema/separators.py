"""The separators of numbers in English and European Portuguese, whatever the locale of the machine."""

from __future__ import annotations

from typing import Final

_NARROW: Final = "\u00a0"  # the Portuguese separator of thousands, which does not break


def with_separators(number: str, language: str) -> str:
    """Return a number that is written in the English way in the way of a language, ``en`` or ``pt``."""
    return number if language == "en" else number.replace(",", _NARROW).replace(".", ",")
