"""Health split into items: what each feature, and each group of features, adds to it or takes from it, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]

# Where contributions cancel to less than this share of their sizes, the slope of the secant would be rounding alone,
# and the secant is the tangent to six digits.
_CANCELLED: Final = 1e-6
# A probability that differs from its base by more than this without any contribution is not explained by them.
_UNEXPLAINED: Final = 1e-9
# The steepest slope that is taken for one: twice that of a logistic curve. Where a calibration has steps, a tiny raw
# score may cross one; the slope would be out of hand, and what it leaves is shared by size.
_STEEPEST: Final = 0.5


@dataclass(frozen=True)
class Held:
    """What a head itself says, where another of its model holds its probability down: P(class > k) falls with k.

    ``own`` (n_rows,) and ``own_base`` are of the head alone; ``sizes`` (n_rows, n_features) are those of the
    contributions to the heads that hold it, 0 in a row where none does. What it is held down by is shared in proportion
    to these and to the sizes of its own contributions.
    """

    own: Array
    own_base: float
    sizes: Array


@dataclass(frozen=True)
class Head:
    """One probability that health is made of, and what the features add to the raw score behind it.

    Parameters
    ----------
    model : str
        The model that it comes from, such as ``nps``; the heads of a model are known or unknown together.
    p : array of shape (n_rows,)
        A monotone, increasing function of the raw score; NaN where the model does not speak.
    p_base : float
        The same function of the base.
    contributions : array of shape (n_rows, n_features)
        They add up to the raw score minus the base.
    weight : float
        Of this head in health, above 0; only the ratio to the other heads counts.
    raises : bool
        Whether health rises with ``p``.
    slope : float, optional
        The derivative of the function at the base; that of a logistic curve, ``p_base (1 - p_base)``, by default. It
        only counts where contributions cancel out.
    held : Held, optional
        Where ``p`` is not the head's own in every row.
    """

    model: str
    p: Array
    p_base: float
    contributions: Array
    weight: float
    raises: bool
    slope: float | None = None
    held: Held | None = None


@dataclass(frozen=True)
class HealthItems:
    """Health (0-100), split: ``base`` plus the points of all features, or of all items, is ``health``.

    ``health`` and ``base`` have shape (n_rows,), ``features`` (n_rows, n_features), ``items`` (n_rows, n_items). Above
    0 raises health, below lowers it. All are NaN in a row where no head is known.
    """

    health: Array
    base: Array
    features: Array
    items: Array


@dataclass(frozen=True)
class HealthChange:
    """The change of health between two moments, split: the points of all items and of ``known`` add up to ``change``.

    ``change`` has shape (n_rows,), ``features`` (n_rows, n_features), ``items`` (n_rows, n_items), ``known``
    (n_rows, n_models): what it did that a model of ``models`` began (or ceased) to speak, 0 where it did neither.
    ``began`` (n_rows, n_models) says which: 1 began, -1 ceased, 0 neither. All points are NaN in a row where
    health is unknown at either moment.
    """

    change: Array
    features: Array
    items: Array
    models: tuple[str, ...]
    known: Array
    began: NDArray[np.int8]


def health_items(heads: Sequence[Head], groups: Places) -> HealthItems:
    """Split health into items.

    Each head's part of health minus base is shared among the features in proportion to what they add to its raw score
    (the rescale rule of DeepLIFT: Shrikumar et al., "Learning important features through propagating activation
    differences", 2017). The function from raw score to probability rises, so every feature keeps its direction.

    Parameters
    ----------
    heads : at least one Head
    groups : array of shape (n_features,), the item of each feature, from 0

    Returns
    -------
    HealthItems

    Raises
    ------
    ValueError
        If a probability differs from its base though no feature adds anything, or a weight is not above 0.

    Examples
    --------
    >>> risk = Head("renewal", np.array([0.2]), 0.5, np.array([[-1.0, -0.4, 0.0]]), 1.0, raises=False)
    >>> split = health_items([risk], np.array([0, 1, 1]))
    >>> split.base, split.items.round(2), split.health
    (array([50.]), array([[21.43,  8.57]]), array([80.]))
    """
    known = [~np.isnan(head.p) for head in heads]
    return _split(heads, known, groups)


def health_change(before: Sequence[Head], after: Sequence[Head], groups: Places) -> HealthChange:
    """Split the change of health of the same customers between two moments.

    Parameters
    ----------
    before, after : the same heads at the two moments; row ``i`` of both is the same customer
    groups : array of shape (n_features,), the item of each feature, from 0

    Returns
    -------
    HealthChange
        Features and items have what the models said that spoke at both moments; where one spoke at one of them only,
        what this did is apart, in ``known``.

    Raises
    ------
    ValueError
        As for `health_items`, and if the two are not of the same heads.
    """
    if [(h.model, h.p_base, h.weight, h.raises) for h in before] != [
        (h.model, h.p_base, h.weight, h.raises) for h in after
    ]:
        raise ValueError("health can only be compared between two moments of the same heads.")
    spoke, speaks = ([~np.isnan(head.p) for head in heads] for heads in (before, after))
    both = [a & b for a, b in zip(spoke, speaks, strict=True)]
    whole = [_split(before, spoke, groups), _split(after, speaks, groups)]
    common = [_split(before, both, groups), _split(after, both, groups)]
    change = whole[1].health - whole[0].health
    features, items = (
        np.where(np.isnan(common[0].health), 0.0, b.T - a.T).T
        for a, b in ((common[0].features, common[1].features), (common[0].items, common[1].items))
    )
    models = tuple(dict.fromkeys(head.model for head in before))
    first = [[head.model for head in before].index(model) for model in models]
    began = np.stack([speaks[k].astype(np.int8) - spoke[k].astype(np.int8) for k in first], axis=1)
    known = np.zeros(began.shape)
    began_points = np.nan_to_num(whole[1].health - common[1].health)
    ceased_points = np.nan_to_num(common[0].health - whole[0].health)
    # Where no model spoke at both moments, the one that began did all of it.
    nothing_common = np.isnan(common[0].health)
    began_points[nothing_common], ceased_points[nothing_common] = change[nothing_common], 0.0
    for points, sign in ((began_points, 1), (ceased_points, -1)):
        switched = began == sign
        _share(known, points, switched)
    unknown = np.isnan(change)
    for points in (features, items, known):
        points[unknown] = np.nan
    return HealthChange(change, features, items, models, known, began)


def _share(known: Array, points: Array, switched: NDArray[np.bool_]) -> None:
    """Share points evenly among the models that switched: they did so together."""
    n_switched = switched.sum(axis=1)
    each = points / np.maximum(n_switched, 1)
    known += np.where(switched, each[:, None], 0.0)


def _split(heads: Sequence[Head], known: Sequence[NDArray[np.bool_]], groups: Places) -> HealthItems:
    """Split the health that the known heads make."""
    if any(head.weight <= 0 for head in heads):
        raise ValueError("a head must have a weight above 0; leave out what does not count.")
    n_rows, n_features = heads[0].contributions.shape
    total, health, base = np.zeros((3, n_rows))
    features = np.zeros((n_rows, n_features))
    for head, speaks in zip(heads, known, strict=True):
        total += np.where(speaks, head.weight, 0.0)
    unit = 100 / np.where(total > 0, total, np.nan)
    for head, speaks in zip(heads, known, strict=True):
        points = np.where(speaks, head.weight * unit, 0.0)
        p = np.where(speaks, head.p, head.p_base)
        health += points * (p if head.raises else 1 - p)
        base += points * (head.p_base if head.raises else 1 - head.p_base)
        shared = _shared(p - head.p_base, head, speaks)
        features += (points if head.raises else -points)[:, None] * shared
    unknown = total == 0
    for array in (health, base, features):
        array[unknown] = np.nan
    return HealthItems(health, base, features, _sums(features, groups))


def _shared(difference: Array, head: Head, speaks: NDArray[np.bool_]) -> Array:
    """Share the differences of a probability from its base among features; shape (n_rows, n_features)."""
    contributions = np.where(speaks[:, None], head.contributions, 0.0)
    sizes, own = np.abs(contributions), difference
    one = np.zeros(contributions.shape[1], dtype=np.intp)
    raw, size = _sums(contributions, one)[:, 0], _sums(sizes, one)[:, 0]
    secant = np.abs(raw) > _CANCELLED * size
    if head.held is not None:
        own = np.where(speaks, head.held.own - head.held.own_base, 0.0)
        sizes = sizes + np.where(speaks[:, None], head.held.sizes, 0.0)
        size = _sums(sizes, one)[:, 0]
    unexplained = (size == 0) & (np.abs(difference) > _UNEXPLAINED)
    if unexplained.any():
        row = int(unexplained.argmax())
        raise ValueError(
            f"{head.model}: the probability of {int(unexplained.sum())} rows differs from its base though no feature "
            f"adds anything (first: row {row}, {difference[row] + head.p_base:g} and {head.p_base:g}); it must be the "
            f"same function of the raw score as the base."
        )
    tangent = head.p_base * (1 - head.p_base) if head.slope is None else head.slope
    slope = np.where(secant, own / np.where(secant, raw, 1.0), tangent)
    slope = np.minimum(slope, _STEEPEST)
    # What the slope leaves, and rounding, in proportion to the sizes: the parts add up.
    rest = (difference - slope * raw) / np.where(size > 0, size, 1.0)
    return np.asarray(slope[:, None] * contributions + rest[:, None] * sizes)


def _sums(values: Array, groups: Places) -> Array:
    """Return the sums over groups of columns, shape (n_rows, n_groups), each column added after the one before it.

    One row so has the bits of many; the sum over an axis may take another order for one row than for many.
    """
    n_rows, n_groups = len(values), int(groups.max(initial=-1)) + 1
    places = np.arange(n_rows)[:, None] * n_groups + groups
    found = np.bincount(places.ravel(), values.ravel(), n_rows * n_groups)
    return np.asarray(found, dtype=np.float64).reshape(n_rows, n_groups)
