"""What each number feature looked like in training, and whether two columns have since been swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import SchemaError
from cxml.schema.columns import KEY

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

PROBS: Final = np.linspace(0, 1, 21)
# Fewer rows say too little about a distribution: its share below any value is then off by up to .1.
MIN_ROWS: Final = 200
# Kolmogorov-Smirnov distances: beyond FAR a column is not what it was; below NEAR it is what another column was.
FAR: Final = 0.3
NEAR: Final = 0.2


def profiles(frames: Sequence[pd.DataFrame]) -> dict[str, tuple[float, ...]]:
    """Return 21 quantiles (0%, 5%, ... 100%) of the known values of each number feature of the training frames."""
    found = {}
    for name in frames[0].columns.difference(list(KEY), sort=False):
        if frames[0][name].dtype.kind in "fiub":
            values = np.concatenate([frame[name].to_numpy(np.float64) for frame in frames])
            known = values[~np.isnan(values)]
            found[name] = tuple(np.quantile(known, PROBS).tolist()) if len(known) else ()
    return found


def is_flag(quantiles: Sequence[float]) -> bool:
    """Return whether a number feature with these quantiles was 0 and 1 in training, and nothing beside.

    One quantile may lie between: the one on the step from the last 0 to the first 1.
    """
    ends = (quantiles[0], quantiles[-1]) if quantiles else ()
    return ends == (0.0, 1.0) and sum(0 < value < 1 for value in quantiles) <= 1


def swapped_columns(columns: Mapping[str, NDArray[Any]], profiles: Mapping[str, tuple[float, ...]]) -> None:
    """Refuse a batch in which two number features look like each other in training, and no more like themselves.

    Parameters
    ----------
    columns : features by name, arrays of shape (n_rows,); batches of fewer than 200 rows pass
    profiles : quantiles of each number feature in training, as `profiles` gives them

    Raises
    ------
    SchemaError
        Naming every such pair.
    """
    if len(next(iter(columns.values()))) < MIN_ROWS:
        return
    strange = {}
    for name, quantiles in profiles.items():
        known = columns[name][~np.isnan(columns[name])]
        if quantiles and len(known) >= MIN_ROWS and _distance(known, quantiles) > FAR:
            strange[name] = known
    pairs = [
        (a, b)
        for a in strange
        for b in strange
        if a < b and _distance(strange[a], profiles[b]) < NEAR and _distance(strange[b], profiles[a]) < NEAR
    ]
    if pairs:
        a, b = pairs[0]
        raise SchemaError(
            f"features: {len(pairs)} pair{'s' if len(pairs) > 1 else ''} of columns look swapped (first: {a!r} holds "
            f"what {b!r} held in training, and the other way round). Give each column its own name back."
        )


def _distance(values: Array, quantiles: tuple[float, ...]) -> float:
    """Return the largest gap between the shares of two samples below the quantiles of one of them."""
    edges = np.asarray(quantiles)
    ordered = np.sort(values)
    at_most = np.searchsorted(ordered, edges, side="right") / len(ordered)
    below = np.searchsorted(ordered, edges, side="left") / len(ordered)
    # With ties a quantile stands for all the shares between its first and its last appearance.
    expected_low = PROBS[np.searchsorted(edges, edges, side="left")]
    expected_high = PROBS[np.searchsorted(edges, edges, side="right") - 1]
    return float(np.max(np.maximum(below - expected_high, expected_low - at_most).clip(0)))
