"""How the simulation's arrays become table columns: identifiers, labels, times and flags."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxml.simulate.timeline import START, Floats, Ints

Codes = NDArray[np.signedinteger]


def customer_ids(who: Ints) -> pd.Index:
    """Return identifiers such as ``c000123`` for customer numbers."""
    present = np.unique(who)
    names = np.array([f"c{number:06d}" for number in present.tolist()], dtype=object)
    return _index(names).take(np.searchsorted(present, who))


def contract_ids(who: Ints, term: Ints) -> pd.Index:
    """Return identifiers such as ``k000123-02``: the customer's number and that of the term within the calendar."""
    return _index([f"k{w:06d}-{t:02d}" for w, t in zip(who.tolist(), term.tolist(), strict=True)])


def labels(names: Sequence[str], codes: Codes) -> pd.Index:
    """Return the name at each code; -1 is a missing value."""
    return _index([*names, None]).take(np.where(codes < 0, len(names), codes))


def times(seconds: Floats | Ints) -> pd.DatetimeIndex:
    """Return UTC times in microseconds from seconds since `START`; NaN becomes NaT."""
    known = np.isfinite(seconds)
    micros = np.where(known, seconds, 0).astype(np.int64) * np.timedelta64(1_000_000, "us")
    moments = START.astype("datetime64[us]") + micros
    moments[~known] = np.datetime64("NaT")
    return pd.DatetimeIndex(moments).tz_localize("UTC")


def flags(codes: Codes) -> pd.arrays.BooleanArray:
    """Return nullable booleans from 1, 0 and -1 (missing)."""
    return pd.arrays.BooleanArray(codes == 1, codes < 0)


def order_by_customer(who: Ints, when: Ints) -> Ints:
    """Return the permutation that sorts by customer, then by time; ties stay as they came."""
    # Customer and second share one 64-bit key: 2**30 seconds are 34 years on either side of the calendar's start.
    return np.asarray(np.argsort((who << 31) + when + (1 << 30), kind="stable"))


def _index(names: Any) -> pd.Index:
    # pandas 3 infers its string type here, pandas 2 keeps objects: what each of them does with any text.
    return pd.Index(pd.Series(names))
