"""60 default features of 200,000 customers, against the same features written by hand for other engines.

Every engine runs in a process of its own and starts from the same tables in memory, in its own form, or from the same
Parquet files; the rounds alternate between the engines, and the best of three counts. ``small`` has 4,000 customers.
Before any time is shown, every value of every engine has been compared with that of cxml.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines.company import EVENTS_PER_CUSTOMER, write_company
from benchmarks.engines.environments import NotInstalledError, python_of
from benchmarks.figures import Figures

EVENTS = {"small": 100_000, "full": 5_000_000}
SAMPLE = {"small": 20, "full": 100}
ROUNDS = 3
OURS = "cxml_default"
# How each engine is called, the module that drives it, and the environment that it needs beside cxml's own.
ENGINES: Mapping[str, tuple[str, str | None]] = {
    "cxml, defaults": (OURS, None),
    "polars, by hand": ("polars_frames", "polars"),
    "DuckDB SQL, by hand": ("duckdb_sql", None),
    "DuckDB SQL, by hand, tuned": ("duckdb_case", None),
    "pandas, by hand": ("pandas_frames", None),
}
TOLERANCE = 1e-9


class Engine:
    """A process that answers commands; see ``benchmarks.engines.worker``."""

    def __init__(self, module: str, environment: str | None, folder: Path, *arguments: str) -> None:
        python = sys.executable if environment is None else str(python_of(environment))
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.engines.worker", module, str(folder), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        self.module = module
        self._answer()

    def ask(self, command: str) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the engine {self.module} ended with code {self.process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer


def run(scale: str) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_company(folder, EVENTS[scale])
        rows = _compared(folder)
        rows.append(_featuretools(folder, EVENTS[scale] // EVENTS_PER_CUSTOMER, SAMPLE[scale], rows[0]))
    return rows


def _compared(folder: Path) -> list[dict[str, str | float]]:
    engines, missing = {}, {}
    for label, (module, environment) in ENGINES.items():
        try:
            engines[label] = Engine(module, environment, folder)
        except NotInstalledError as error:
            missing[label] = str(error)
    times: dict[tuple[str, str], list[dict[str, float]]] = {}
    try:
        for label, engine in engines.items():
            engine.ask("features")
            engine.ask(f"write {folder / engine.module}")
            if engine.module != OURS:
                same_values(folder / OURS, folder / engine.module, label)
        for command in ("features", "from_files"):
            for _ in range(ROUNDS):
                for label, engine in engines.items():
                    times.setdefault((label, command), []).append(engine.ask(command))
    finally:
        for engine in engines.values():
            engine.close()
    ours = {command: _best(times[next(iter(ENGINES)), command]) for command in ("features", "from_files")}
    rows: list[dict[str, str | float]] = []
    for label in ENGINES:
        if label in missing:
            rows.append(_row(label, *["not installed"] * 6) | {"peak MB": missing[label]})
            continue
        memory, files = _best(times[label, "features"]), _best(times[label, "from_files"])
        rows.append(
            _row(
                label,
                memory["seconds"],
                memory["cpu"],
                ours["features"]["seconds"] / memory["seconds"],
                files["seconds"],
                ours["from_files"]["seconds"] / files["seconds"],
                f"{files['peak_mb']:.0f}",
            )
        )
    return rows


def _row(label: str, *figures: str | float) -> dict[str, str | float]:
    names = ("seconds", "CPU seconds", "cxml takes", "from Parquet", "cxml takes from Parquet", "peak MB")
    return {"engine": label, **dict(zip(names, figures, strict=True))}


def _best(times: list[dict[str, float]]) -> dict[str, float]:
    return {key: (max if key == "peak_mb" else min)(time[key] for time in times) for key in times[0]}


def _featuretools(folder: Path, customers: int, sample: int, ours: Mapping[str, str | float]) -> dict[str, str | float]:
    """Measure featuretools once, on the first customers and their events alone, and scale that up to all of them."""
    label = f"featuretools, {{n}} of the features, scaled up from {sample} customers"
    try:
        engine = Engine("featuretools_sets", "featuretools", folder, str(sample))
    except NotInstalledError as error:
        return _row(label.format(n="some"), *["not installed"] * 5, str(error))
    try:
        time = engine.ask("features")
        engine.ask(f"write {folder / engine.module}")
    finally:
        engine.close()
    n = same_values(folder / OURS, folder / engine.module, label, partly=True)
    seconds, cpu = (time[key] * customers / sample for key in ("seconds", "cpu"))
    return _row(label.format(n=n), seconds, cpu, float(ours["seconds"]) / seconds, "", "", "")


def same_values(ours: Path, theirs: Path, label: str, *, partly: bool = False) -> int:
    """Return how many features two files have in common, or exit with those whose values differ.

    ``partly`` says that some features and some customers may be missing.
    """
    import pandas as pd

    a, b = (pd.read_parquet(path).set_index("customer_id").sort_index() for path in (ours, theirs))
    names = [name for name in a if name != "as_of" and (name in b or not partly)]
    if not partly and (missing := [name for name in names if name not in b] or len(a) != len(b)):
        raise SystemExit(f"{label}: rows or features are missing ({missing})")
    a = a.loc[b.index]
    differ = [name for name in names if not _equal(a[name], b[name]).all()]
    if differ:
        raise SystemExit(f"{label}: {len(differ)} features are not those of cxml (first: {differ[0]})")
    return len(names)


def _equal(a: Any, b: Any) -> Any:
    if a.dtype.kind == "f":
        return np.isclose(a, b.astype(float), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return (a == b) | (a.isna() & b.isna())
