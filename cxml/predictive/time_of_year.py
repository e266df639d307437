"""The month that the two waves of the year tell together: a reader is told it in place of their heights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from cxml.predictive.items import Definition

WAVES: Final = ("year_sin", "year_cos")
# The waves turn once in a mean Gregorian year; it need not be exact, for days are whole.
_YEAR_DAYS: Final = 365.2425


def year_waves(features: Iterable[Definition], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return for each wave of the year the places of the sine and the cosine; none where one of them is missing.

    Parameters
    ----------
    features : definitions, as the bundle stores them
    names : the features in order
    """
    part_of = {feature["name"]: feature.get("part") for feature in features}
    sines, cosines = ([place for place, name in enumerate(names) if part_of.get(name) == wave] for wave in WAVES)
    return {names[place]: (sines[0], cosines[0]) for place in (*sines, *cosines)} if sines and cosines else {}


def month_of(sine: float, cosine: float) -> int | None:
    """Return the month, 1 to 12, of the day whose waves these are; None where one is not known.

    The waves tell the day's number, not the year: on the last day of a month of a leap year, March to November, and on
    29 February it is the month that begins a day later.

    Examples
    --------
    >>> month_of(0.0, 1.0), month_of(1.0, 0.0), month_of(0.0, -1.0)
    (12, 4, 7)
    """
    if math.isnan(sine) or math.isnan(cosine):
        return None
    day = math.atan2(sine, cosine) / (2 * math.pi) % 1 * _YEAR_DAYS
    # Day 366 is already a part of a day into the next turn, but not a whole one as 1 January is.
    return 12 if day < 0.9 else date.fromordinal(min(round(day), 365)).month
