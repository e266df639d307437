"""When to contact: on the first day on which there is still capacity, those with the highest priority first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import ConfigError, listed

_CHUNK: Final = 4_096
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DailyLimit:
    """What the contacts of one day may use; ``use`` has shape (n_options,) or (n_customers, n_options), >= 0."""

    name: str
    amount: float
    use: NDArray[np.float64]


def scheduled_days(
    chosen: NDArray[np.int64], priority: NDArray[np.float64], limits: Sequence[DailyLimit], n_days: int
) -> NDArray[np.int64]:
    """Return the day of each contact: the first one that has room for it after all contacts of higher priority.

    Parameters
    ----------
    chosen : shape (n_customers,), the option of each
    priority : shape (n_customers,); who has the higher one comes first, of equals who stands first
    limits : what may be used each day
    n_days : how many days there are

    Returns
    -------
    array of shape (n_customers,)
        0 to ``n_days - 1``, -1 where no day has room. What uses nothing is on day 0. Uses are added up in the order of
        priority.

    Raises
    ------
    ConfigError
        If there is no day, a use or an amount is negative or not a number, or a priority is not a number.

    Examples
    --------
    >>> calls = DailyLimit("calls", 1, np.array([1.0, 0.0]))
    >>> scheduled_days(np.array([0, 0, 1]), np.array([1.0, 5.0, 9.0]), [calls], 2)
    array([1, 0, 0])
    """
    n = len(chosen)
    uses = [limit.use[chosen] if limit.use.ndim == 1 else limit.use[np.arange(n), chosen] for limit in limits]
    _refuse_faults(priority, limits, uses, n_days)
    day = np.zeros(n, dtype=np.int64)
    if not limits:
        return day
    use = np.array(uses, dtype=np.float64)
    left = np.flatnonzero((use > 0).any(axis=0))
    amount = np.array([limit.amount for limit in limits], dtype=np.float64)
    day[left] = -1
    # What is more than a day's amount fits on none.
    left = left[(use[:, left] <= amount[:, None]).all(axis=0)]
    left = left[np.argsort(-priority[left], kind="stable")]
    use = np.ascontiguousarray(use[:, left])
    open_ = np.arange(len(left))
    least, kinds = _least_and_kinds(use)
    for today in range(n_days):
        if not len(open_):
            break
        taken, seen = _first_fitting(use, open_, amount, least, kinds)
        day[left[open_[:seen][taken]]] = today
        open_ = np.concatenate([open_[:seen][~taken], open_[seen:]])
    return day


def _first_fitting(
    use: Floats, open_: Integers, amount: Floats, least: Floats, kinds: Booleans
) -> tuple[Booleans, int]:
    """Return who of the first customers fits when gone through in order, each one that fits being taken; and how many.

    As many as fit together are taken at once; who does not fit now does not fit later that day. The day is over where
    no kind of contact has room.
    """
    used = np.zeros((len(amount), 1))
    taken = []
    for start in range(0, len(open_), _CHUNK):
        part = use[:, open_[start : start + _CHUNK]]
        take = np.zeros(part.shape[1], dtype=bool)
        here = _fitting(part, np.arange(part.shape[1]), used, amount)
        while len(here):
            sums = np.cumsum(np.concatenate([used, part[:, here]], axis=1), axis=1)[:, 1:]
            over = (sums > amount[:, None]).any(axis=0)
            stop = int(np.argmax(over)) if over.any() else len(here)
            take[here[:stop]] = True
            used = sums[:, stop - 1 : stop]
            here = _fitting(part, here[stop:], used, amount)
        taken.append(take)
        full = used[:, 0] + least > amount
        if (kinds & full).any(axis=1).all():
            break
    return np.concatenate(taken), min(start + _CHUNK, len(open_))


def _fitting(part: Floats, here: Integers, used: Floats, amount: Floats) -> Integers:
    """Return those who fit alone into what is left, looking first at what is used up most."""
    for i in np.argsort(amount - used[:, 0]):
        here = here[used[i, 0] + part[i, here] <= amount[i]]
    return here


def _least_and_kinds(use: Floats) -> tuple[Floats, Booleans]:
    """Return the least that who uses a limit uses of it (m,), and the kinds of contact by what they use (kinds, m)."""
    least = np.where(use > 0, use, np.inf).min(axis=1, initial=np.inf)
    if len(use) > 60:
        return least, np.zeros((1, len(use)), dtype=bool)
    kind = np.zeros(use.shape[1], dtype=np.int64)
    for i, row in enumerate(use):
        kind |= (row > 0).astype(np.int64) << i
    return least, (np.unique(kind)[:, None] >> np.arange(len(use)) & 1).astype(bool)


def _refuse_faults(
    priority: NDArray[np.float64], limits: Sequence[DailyLimit], uses: list[NDArray[np.float64]], n_days: int
) -> None:
    faults = []
    if n_days < 1:
        faults.append(f"n_days: must be at least 1, not {n_days}.")
    if (missing := np.flatnonzero(np.isnan(priority))).size:
        faults.append(f"priority: must be a number; {len(missing):,} are not (first: row {missing[0]}).")
    for limit, use in zip(limits, uses, strict=True):
        if not limit.amount >= 0:
            faults.append(f"daily limit {limit.name!r}: amount must be a number >= 0, not {limit.amount}.")
        if (bad := np.flatnonzero(~(use >= 0))).size:
            first = f"first: row {bad[0]} uses {use[bad[0]]}"
            faults.append(f"daily limit {limit.name!r}: use must be a number >= 0; {len(bad):,} are not ({first}).")
    if faults:
        raise ConfigError(listed(faults))
