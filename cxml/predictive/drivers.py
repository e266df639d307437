"""What drives health, renewal and NPS over all customers: the key-driver table, from the points of each customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.predictive.item_words import item_label
from cxml.predictive.items import Items
from cxml.predictive.vocabulary import Language
from cxml.schema import columns as c
from cxml.schema.frames import DRIVERS

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
N_RESAMPLES: Final = 200


def drivers_frame(
    points: Mapping[str, Array],
    items: Items,
    names: Sequence[str],
    matrix: Array,
    customers: ArrayLike,
    *,
    numeric: NDArray[np.bool_],
    label: Callable[[str], str],
    language: Language = "en",
    random_state: int = 0,
) -> pd.DataFrame:
    """Return how much each item and each feature moves what is predicted, over all customers.

    Parameters
    ----------
    points : mapping from what is driven, such as ``health``, to an array of shape (n_rows, n_features)
        What each feature adds in each row, NaN in the rows where nothing is said.
    items : of the features
    names : the features, in order
    matrix : array of shape (n_rows, n_features), the values of the features
    customers : array of shape (n_rows,); each counts once, whatever the number of its rows
    numeric : array of shape (n_features,), which values have an order; codes of names have none
    label : gives the words of a feature
    language : of the labels of items
    random_state : of the bootstrap

    Returns
    -------
    DataFrame, a DRIVERS frame
        For each ``of`` the items, then the features (``feature`` is ``all`` in the row of an item), the strongest
        first. ``points`` is the mean over customers of the mean size of what is added, with a 95% interval (percentile
        bootstrap, 200 resamples of whole customers); ``direction`` Spearman's rank correlation of value and points,
        from -1 (higher lowers) to 1 (higher raises), NaN of items, of names, and where one of the two is always the
        same; ``share_raised`` and ``share_lowered`` are of rows, each row of a customer counting for as much.
        What is driven but said of nobody has no rows.

    References
    ----------
    Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
    Intelligence 2, 2020 (mean absolute contribution as importance); Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993.
    """
    import pandas as pd

    ids = np.asarray(customers)
    frames = []
    for of, all_points in points.items():
        known = ~np.isnan(all_points).any(axis=1)
        if not known.any():
            continue
        added, values = all_points[known], matrix[known]
        _, who = np.unique(ids[known], return_inverse=True)
        share = 1.0 / np.bincount(who)[who]
        grouped = np.column_stack([added[:, items.groups == k].sum(axis=1) for k in range(len(items.items))])
        directions = [_rank_correlation(values[:, j], added[:, j]) if numeric[j] else np.nan for j in range(len(names))]
        named = [items.items[k] for k in items.groups]
        for part, of_items, features, labels, direction in (
            (grouped, items.items, [c.ALL] * len(items.items), [item_label(i, language) for i in items.items], None),
            (added, named, names, [label(name) for name in names], directions),
        ):
            mean, low, high = _mean_sizes(np.abs(part), share, who, random_state)
            frame = pd.DataFrame(
                {
                    c.OF: of,
                    c.ITEM: [str(item) for item in of_items],
                    c.FEATURE: list(features),
                    c.LABEL: labels,
                    c.POINTS: mean,
                    c.LOW: low,
                    c.HIGH: high,
                    c.DIRECTION: np.nan if direction is None else direction,
                    c.SHARE_RAISED: share @ (part > 0) / share.sum(),
                    c.SHARE_LOWERED: share @ (part < 0) / share.sum(),
                    c.N_CUSTOMERS: int(who.max()) + 1,
                }
            )
            frames.append(frame.sort_values(c.POINTS, ascending=False, kind="stable"))
    if not frames:
        return pd.DataFrame(columns=[column.name for column in DRIVERS.columns])
    return pd.concat(frames, ignore_index=True)


def _mean_sizes(sizes: Array, share: Array, who: NDArray[np.intp], random_state: int) -> tuple[Array, Array, Array]:
    """Return the mean over customers of each column, with its interval; ``share`` is that of a row in its customer."""
    n_customers = int(who.max()) + 1
    of_customer = np.column_stack([np.bincount(who, share * column, n_customers) for column in sizes.T])
    rng = np.random.default_rng(random_state)
    resamples = np.empty((N_RESAMPLES, sizes.shape[1]))
    for drawn in resamples:
        times = np.bincount(rng.integers(n_customers, size=n_customers), minlength=n_customers)
        drawn[:] = times @ of_customer / n_customers
    low, high = np.quantile(resamples, [0.025, 0.975], axis=0)
    mean = of_customer.sum(axis=0) / n_customers
    return mean, np.minimum(low, mean), np.maximum(high, mean)


def _rank_correlation(values: Array, points: Array) -> float:
    """Return Spearman's rank correlation over the rows whose value is known; NaN where one of them never varies."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    if not known.any():
        return float("nan")
    a, b = (rankdata(x[known]) for x in (values, points))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / spread, -1.0, 1.0)) if spread > 0 else float("nan")
