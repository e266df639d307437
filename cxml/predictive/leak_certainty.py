"""Parts of the rows of which a column knows the outcome for certain: what was written after it looks like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cxml.predictive.labelled_rows import Codes, Flags, Floats, LabelledRows
from cxml.predictive.leak_columns import Grouped

# A part is made of groups with at least so many rows in the other folds, nine in ten of them of one class.
_MIN_ROWS: Final = 5
_MIN_RATE: Final = 0.9
_CONFIDENCE: Final = 0.999
# How much higher the odds of the class are in the part than among all rows. Of all the columns of Telco, Telco
# extended, SFO, garden centre, Online Retail, ecom and the sample company the highest is 13 (two-year contracts, 97%
# of which stay); the columns of Telco's status table have 300 to 4,000.
MIN_ODDS: Final = 20.0
# And than the other columns expect of that part.
MIN_ODDS_BESIDE: Final = 10.0
_MIN_SHARE: Final = 0.02  # of the customers of the class: less is an anecdote


@dataclass(frozen=True, eq=False)
class CertainPart:
    """Rows of which a column says that they are of one class, and how often that is so.

    ``inside`` has shape (n_rows,); ``low`` is the lower bound of the share of the class among them; ``odds`` how much
    higher at least the odds of the class are than among all rows.
    """

    class_code: int
    inside: Flags
    names: tuple[str, ...]
    n_customers: int
    rate: float
    low: float
    odds: float

    def odds_beside(self, p: Floats) -> float:
        """Return how much higher the odds are at least than others expect, who give the rows ``p``."""
        expected = float(np.clip(p[self.inside, self.class_code].mean(), 1e-6, 1 - 1e-6))
        return self.low / (1 - self.low) / (expected / (1 - expected))


def certain_part(column: Grouped, rows: LabelledRows) -> CertainPart | None:
    """Return the part of the rows of which a column is most certain; None where it is of none.

    Groups are chosen in the other folds than those that they are judged in; a customer with several rows counts once.
    """
    counts = column.counts(rows)
    others = counts.sum(axis=0) - counts
    sure = certain_cells(others)
    if not sure.any():
        return None
    found = []
    for k in range(rows.n_classes):
        if sure[:, :, k].any():
            inside = sure[rows.fold, column.group, k]
            chosen = np.flatnonzero(sure[:, :, k].any(axis=0))
            found.append(judged_part(inside, k, rows, _named(chosen, column)))
    return strongest(found)


def certain_cells(others: Floats) -> Flags:
    """Return which groups are of one class in the other folds; as the counts, (n_folds, n_groups, n_classes)."""
    of_all = others.sum(axis=2, keepdims=True)
    return np.asarray((of_all >= _MIN_ROWS) & (others >= _MIN_RATE * of_all))


def judged_part(inside: Flags, class_code: int, rows: LabelledRows, names: tuple[str, ...]) -> CertainPart | None:
    """Return how certain a part is of a class, or None where too few rows are in it."""
    from scipy.stats import beta

    if not inside.any():
        return None
    right, n_customers = _by_customer(rows.customer[inside], rows.y[inside] == class_code)
    of_class = len(np.unique(rows.customer[rows.y == class_code]))
    low = float(beta.ppf(1 - _CONFIDENCE, right, n_customers - right + 1)) if right > 0 else 0.0
    if right < _MIN_SHARE * of_class or not 0 < low < 1:
        return None
    prior = float(rows.shares[class_code])
    odds = low / (1 - low) / (prior / (1 - prior))
    return CertainPart(class_code, inside, names, n_customers, right / n_customers, low, odds)


def strongest(parts: list[CertainPart | None]) -> CertainPart | None:
    """Return the part with the highest odds."""
    return max((part for part in parts if part), key=lambda part: part.odds, default=None)


def _by_customer(customer: Codes, hit: Flags) -> tuple[float, int]:
    """Return the sum over the customers of their share of hits, and how many customers there are."""
    _, who = np.unique(customer, return_inverse=True)
    n_rows = np.bincount(who)
    return float((np.bincount(who, hit) / n_rows).sum()), len(n_rows)


def _named(chosen: Codes, column: Grouped) -> tuple[str, ...]:
    filled = np.unique(column.group)
    if len(chosen) > 1 and set(chosen) == set(filled) - {column.n - 1}:
        return ("given",)
    return tuple(column.names[j] for j in chosen)
