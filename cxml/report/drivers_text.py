"""What drives health, renewal and NPS, as text that a manager can read: the strongest features, with their interval."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final

from cxml.report.aligned_text import aligned
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_MOST: Final = 8
_CLEAR: Final = 0.5
"""From this size of the rank correlation on, more of a feature is said to raise or to lower."""
_SAYS: Final = (
    "Points: by how much a feature moves a customer on average, up or down, out of 100. Raised: the share of the\n"
    "customers that it raises. More of it: whether higher values raise or lower, where that is clear."
)


def drivers_text(drivers: pd.DataFrame) -> str:
    """Return a DRIVERS frame as text: the eight strongest features of each thing that is driven.

    Parameters
    ----------
    drivers : DRIVERS frame, the strongest first
    """
    parts = []
    for of, found in drivers[drivers[c.FEATURE] != c.ALL].groupby(c.OF, sort=False):
        lines = [[f"what drives {of}", "", "points", "95% interval", "raised", "more of it"]]
        of_items = drivers[(drivers[c.OF] == of) & (drivers[c.FEATURE] == c.ALL)]
        items = dict(zip(of_items[c.ITEM], of_items[c.LABEL], strict=True))
        for row in found[found[c.POINTS] > 0].head(_MOST).itertuples(index=False):
            lines.append([f"  {row.label}", items[row.item], *_cells(row)])
        parts.append("\n".join(aligned(lines, left=2)))
    return "\n\n".join([*parts, _SAYS])


def _cells(row: Any) -> list[str]:
    clear = not isnan(row.direction) and abs(row.direction) >= _CLEAR
    more = ("raises" if row.direction > 0 else "lowers") if clear else ""
    return [f"{row.points:.2f}", f"[{row.low:.2f}, {row.high:.2f}]", f"{row.share_raised:.0%}", more]
