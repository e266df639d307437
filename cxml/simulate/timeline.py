"""The sample company's calendar: whole seconds since its first instant, and where its months begin."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

START = np.datetime64("2022-01-01T00:00:00", "s")
"""The first instant of the calendar, UTC."""

MONTHS_BEFORE_START = 120
"""How far back a customer may have joined: ten years."""

MONTHS_AHEAD = 14
"""How far beyond today a running contract may end: a year, and the month it ends in."""

TERM_MONTHS = 12
YEAR_SECONDS = 365.25 * 86_400


@dataclass(frozen=True)
class Timeline:
    """Months 0 to ``months - 1`` are lived through; month ``months`` begins at ``as_of``."""

    months: int
    _starts: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lay out the months."""
        first = START.astype("datetime64[M]") - MONTHS_BEFORE_START
        calendar = first + np.arange(MONTHS_BEFORE_START + self.months + MONTHS_AHEAD)
        seconds = (calendar.astype("datetime64[s]") - START).astype(np.int64)
        object.__setattr__(self, "_starts", seconds)

    @property
    def as_of(self) -> int:
        """The second that ends the calendar."""
        return self.start_of(self.months)

    def start_of(self, month: int) -> int:
        """Return the second at which a month begins."""
        return int(self._starts[month + MONTHS_BEFORE_START])

    def starts_of(self, month: Ints) -> Ints:
        """Return the second at which each month begins."""
        return np.asarray(self._starts[month + MONTHS_BEFORE_START])

    def month_of(self, when: Ints) -> Ints:
        """Return the month that each second lies in."""
        return np.asarray(np.searchsorted(self._starts, when, side="right")) - 1 - MONTHS_BEFORE_START
