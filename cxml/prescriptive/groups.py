"""The groups of customers that a column tells."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.coded import Coded
from cxml.errors import ConfigError
from cxml.prescriptive.options import Column

# Of more groups than these, the shares of each would be those of a few customers.
_MOST_GROUPS: Final = 50


def group_codes(by: str, column: Column, *, where: str) -> NDArray[np.int64]:
    """Return the groups that a column tells as whole numbers from 0 on, -1 where it is unknown; shape (n_rows,).

    Raises
    ------
    ConfigError
        If it has too many values to tell groups; ``where`` is the key of the policy that names it.
    """
    if isinstance(column, Coded):
        values, codes = column.values.tolist(), column.codes
    else:
        found, codes = np.unique(column, return_inverse=True)
        values = [None if value != value else value for value in found.tolist()]
    known = sorted(value for value in values if value is not None)
    if len(known) > _MOST_GROUPS:
        raise ConfigError(
            f"{where}: {by!r} must tell groups of customers, at most {_MOST_GROUPS}; it has "
            f"{len(known):,} different values (first: {known[0]!r}). Name a column with fewer."
        )
    places = {value: place for place, value in enumerate(known)}
    return np.array([-1 if value is None else places[value] for value in values], dtype=np.int64)[codes]
