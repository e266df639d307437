"""The main job on the sample company: seconds and peak memory of each step.

``full`` is what ``cxml demo`` does. Memory is the process's highest resident set up to the end of the step, so it never
falls; a step that raises it says so in the last column.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Figures, peak_mb

CUSTOMERS = {"small": 800, "full": 4_000}


def run(scale: str) -> Figures:
    from cxml.pipeline import demo

    rows: list[dict[str, str | float]] = []

    @contextmanager
    def step(name: str) -> Iterator[None]:
        before, started = peak_mb(), time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        rows.append({"step": name, "seconds": seconds, "peak MB": peak_mb(), "raised by MB": peak_mb() - before})

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        demo(folder, n_customers=CUSTOMERS[scale], step=step)
    seconds = time.perf_counter() - started
    rows.append({"step": "all", "seconds": seconds, "peak MB": peak_mb(), "raised by MB": 0.0})
    return rows
