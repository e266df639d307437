"""Conditions over many rows against NumPy by hand, DuckDB and pandas, and ten rules on one row.

Every way gives the same mask of rows (DuckDB also counts only, which is less); they take turns, and the median of each
is printed with how many times as long as the first it took. ``small`` has a hundredth of the rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

N_ROWS = {"small": 100_000, "full": 10_000_000}
_ROUNDS = {"small": 5, "full": 15}
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("renewal_risk", "value", "health", "tenure_days", "a", "b", "c"), "number"),
    **dict.fromkeys(("nps_class", "segment", "channel"), "category"),
}
_NUMBERS = "a > 0.5 AND b < 0.3 AND c >= 1"
_RULES = (
    "renewal_risk > 0.6 AND nps_class = 'detractor'",
    "value >= 100 AND health < 40 AND segment = 'gold'",
    "renewal_risk > 0.2 AND value > 10 AND nps_class <> 'promoter'",
    "tenure_days > 365 AND nps_class = 'passive'",
    "segment IN ('gold', 'silver') AND value > 50 AND health >= 50",
    "channel = 'web' AND renewal_risk <= 0.9",
    "health < 80 AND tenure_days < 3000 AND value < 1e6",
    "nps_class = 'detractor' AND segment = 'gold' AND channel <> 'phone'",
    "renewal_risk BETWEEN 0.1 AND 0.9 AND value > 20",
    "tenure_days >= 30 AND health > 10 AND channel = 'web'",
)
_ROW = {"renewal_risk": 0.7, "value": 120.0, "nps_class": "detractor", "health": 35.0, "segment": "gold",
        "tenure_days": 800.0, "channel": "web"}  # fmt: skip


def run(scale: str) -> Figures:
    return [*_over_numbers(scale), *_over_texts(scale), *_of_one_row(scale)]


def _over_numbers(scale: str) -> Figures:
    """Three comparisons and two ANDs. DuckDB has its own table and all cores, pandas the columns as they are."""
    from cxml.conditions.arrays import mask

    n_rows, random = N_ROWS[scale], np.random.default_rng(0)
    a, b, c = random.random(n_rows), random.random(n_rows), 2 * random.random(n_rows)
    table = pd.DataFrame({"a": a, "b": b, "c": c}, copy=False)
    columns, tree = {"a": a, "b": b, "c": c}, _tree(_NUMBERS)
    con = _duckdb(table)
    ways: dict[str, Callable[[], Any]] = {
        "NumPy by hand": lambda: (a > 0.5) & (b < 0.3) & (c >= 1),
        "cxml mask": lambda: mask(tree, columns, n_rows),
        "DuckDB, mask": lambda: con.execute(f"SELECT {_NUMBERS} AS found FROM given").fetchnumpy()["found"],
        "DuckDB, count": lambda: con.execute(f"SELECT count(*) FROM given WHERE {_NUMBERS}").fetchall()[0][0],
        "pandas.eval": lambda: np.asarray(table.eval("(a > 0.5) & (b < 0.3) & (c >= 1)")),
    }
    wanted = {"cxml mask": "<= 1.5x, faster than DuckDB and pandas"}
    return _side_by_side(f"{n_rows:,} rows, {_NUMBERS}", ways, wanted, scale)


def _over_texts(scale: str) -> list[Mapping[str, str | float]]:
    """Conditions on texts, in object arrays as they come and coded once; a tenth of the rows."""
    from cxml.conditions.arrays import mask
    from cxml.conditions.coded import coded

    n_rows, random = N_ROWS[scale] // 10, np.random.default_rng(0)
    names = np.array(["detractor", "passive", "promoter", None], dtype=object)
    texts = names[random.integers(0, len(names), n_rows)]
    table = pd.DataFrame({"nps_class": pd.Series(texts, dtype="str")})
    con = _duckdb(table)
    rows: list[Mapping[str, str | float]] = []
    once = coded(texts)
    in_pandas: Mapping[str, Callable[[], Any]] = {
        "nps_class = 'detractor'": lambda: table.nps_class == "detractor",
        "nps_class <> 'detractor'": lambda: (table.nps_class != "detractor") & table.nps_class.notna(),
        "nps_class IN ('detractor', 'passive')": lambda: table.nps_class.isin(["detractor", "passive"]),
        "nps_class LIKE 'p%'": lambda: table.nps_class.str.startswith("p", na=False),
    }
    for text, way in in_pandas.items():
        tree, query = _tree(text), f"SELECT coalesce({text}, FALSE) AS found FROM given"

        def masked(column: Any, tree: Any = tree) -> Any:
            return mask(tree, {"nps_class": column}, n_rows)

        def queried(query: str = query) -> Any:
            return con.execute(query).fetchnumpy()["found"]

        ways: dict[str, Callable[[], Any]] = {
            "NumPy by hand": _by_hand(text, texts),
            "cxml mask": partial(masked, texts),
            "cxml mask, coded": partial(masked, once),
            "DuckDB, mask": queried,
            "pandas": way,
        }
        rows += _side_by_side(f"{n_rows:,} rows, {text}", ways, {}, scale)
    coding = _medians({"coded": lambda: coded(texts)}, scale)["coded"]
    rows.append(
        {"what": f"{n_rows:,} rows", "way": "coding a column once", "wanted": "", "got": _time(coding), "ratio": ""}
    )
    return rows


def _by_hand(text: str, texts: Any) -> Callable[[], Any]:
    if "<>" in text:
        return lambda: (texts != "detractor") & (texts != None)  # noqa: E711
    if "IN" in text:
        return lambda: (texts == "detractor") | (texts == "passive")
    if "LIKE" in text:
        return lambda: np.array([text is not None and text.startswith("p") for text in texts.tolist()])
    return lambda: texts == "detractor"


def _of_one_row(scale: str) -> Figures:
    """Ten rules of two or three comparisons each, on one row; DuckDB prepares nothing and pandas has no rival here."""
    from cxml.conditions.closures import truth

    rules = [truth(_tree(text)) for text in _RULES]
    taken = []
    for _ in range({"small": 2_000, "full": 50_000}[scale]):
        started = time.perf_counter()
        for rule in rules:
            rule(_ROW)
        taken.append(time.perf_counter() - started)
    median, p99 = np.quantile(taken, [0.5, 0.99])
    return [
        {
            "what": "one row, ten rules",
            "way": f"cxml closures, {name}",
            "wanted": wanted,
            "got": _time(found),
            "ratio": "",
        }
        for name, wanted, found in (("median", "<= 15 µs", median), ("p99", "", p99))
    ]


def _tree(text: str) -> Any:
    from cxml.conditions.parse import condition

    return condition(text, _KINDS, where="benchmark").tree


def _duckdb(table: pd.DataFrame) -> Any:
    import duckdb

    con = duckdb.connect()
    con.register("seen", table)
    con.execute("CREATE TABLE given AS SELECT * FROM seen")
    con.unregister("seen")
    return con


def _side_by_side(
    what: str, ways: Mapping[str, Callable[[], Any]], wanted: Mapping[str, str], scale: str
) -> list[Mapping[str, str | float]]:
    masks = {name: np.asarray(way(), dtype=bool) for name, way in ways.items() if "count" not in name}
    first = next(iter(masks.values()))
    for name, found in masks.items():
        assert np.array_equal(found, first), name
    medians = _medians(ways, scale)
    base = next(iter(medians.values()))
    return [
        {
            "what": what,
            "way": name,
            "wanted": wanted.get(name, ""),
            "got": _time(taken),
            "ratio": f"{taken / base:.2f}x",
        }
        for name, taken in medians.items()
    ]


def _medians(ways: Mapping[str, Callable[[], Any]], scale: str) -> dict[str, float]:
    """Return the median seconds of each way; they take turns, so that what else the machine does hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS[scale]):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - started)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"
