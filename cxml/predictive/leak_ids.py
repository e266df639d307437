"""Identifiers: which columns are one, and the parts of them that may tell what they should not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.predictive.labelled_rows import Codes
from cxml.predictive.leak_columns import is_number

if TYPE_CHECKING:
    import pandas as pd

# A name that is another for more than every second customer tells who it is, not what it is like.
_DISTINCT_NAMES: Final = 0.5
# Numbers are an identifier where they are whole, a customer's own, and spread over their range as if counted or drawn:
# incomes and amounts of money crowd at one end.
_DISTINCT_NUMBERS: Final = 0.99
_EVENLY: Final = 0.1
_MIN_CUSTOMERS: Final = 100
_MANY_WORDS: Final = 3
_RUN: Final = re.compile(r"\d+")
_START: Final = re.compile(r"[^\d]+")


def is_identifier(values: pd.Series[Any], customer: Codes) -> bool:
    """Return whether a column is a name or a number of nearly each customer's own."""
    known = values.notna().to_numpy()
    first = np.unique(customer[known], return_index=True)[1]
    if len(first) < _MIN_CUSTOMERS:
        return False
    of_customers = values[known].iloc[first]
    distinct = of_customers.nunique() / len(of_customers)
    if not is_number(values):
        return bool(distinct > _DISTINCT_NAMES)
    numbers = of_customers.to_numpy(np.float64)
    if distinct < _DISTINCT_NUMBERS or (numbers % 1).any():
        return False
    at = (np.sort(numbers) - numbers.min()) / (numbers.max() - numbers.min())
    return bool(np.abs(at - np.linspace(0, 1, len(at))).max() < _EVENLY)


def is_text(values: pd.Series[Any]) -> bool:
    """Return whether a column of names holds texts: several words, or one long one, without a digit, each."""
    given = [value for value in values.dropna().unique()[:1_000] if isinstance(value, str)]
    if is_number(values) or not given:
        return False
    words = float(np.median([len(value.split()) for value in given]))
    digits = sum(any(sign.isdigit() for sign in value) for value in given) / len(given)
    return words >= _MANY_WORDS or digits < 0.5


def identifier_parts(values: pd.Series[Any]) -> dict[str, pd.Series[Any]]:
    """Return what an identifier is made of, each as a column: its numbers, its beginning, its length, its order."""
    import pandas as pd

    if is_number(values):
        return {"number": pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)}
    texts = [value if isinstance(value, str) else None for value in values.astype(object)]
    runs = [_RUN.findall(text) if text else [] for text in texts]

    def column(found: list[Any], dtype: Any) -> pd.Series[Any]:
        made: pd.Series[Any] = pd.Series(found, index=values.index, dtype=dtype)
        return made

    order: pd.Series[Any] = column(texts, object).rank().astype(np.float64)
    return {
        "number": column([float(run[-1][:15]) if run else None for run in runs], np.float64),
        "first number": column([float(run[0][:15]) if len(run) > 1 else None for run in runs], np.float64),
        "beginning": column([_beginning(text) if text else None for text in texts], object),
        "length": column([float(len(text)) if text else None for text in texts], np.float64),
        "order": order,
    }


def _beginning(text: str) -> str:
    found = _START.match(text)
    return found[0][:8] if found else text[:2]
