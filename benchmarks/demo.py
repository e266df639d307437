"""The main job on the sample company: seconds and peak memory of each step.

``full`` is what ``cxml demo`` does. Memory is the process's highest resident set up to the end of the step, so it never
falls; a step that raises it says so in the last column.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Figures

CUSTOMERS = {"small": 800, "full": 4_000}


def run(scale: str) -> Figures:
    from cxml.pipeline import demo

    rows: list[dict[str, str | float]] = []

    @contextmanager
    def step(name: str) -> Iterator[None]:
        before, started = _peak_mb(), time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        rows.append({"step": name, "seconds": seconds, "peak MB": _peak_mb(), "raised by MB": _peak_mb() - before})

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        demo(folder, n_customers=CUSTOMERS[scale], step=step)
    seconds = time.perf_counter() - started
    rows.append({"step": "all", "seconds": seconds, "peak MB": _peak_mb(), "raised by MB": 0.0})
    return rows


def _peak_mb() -> float:
    """Return the highest resident set of this process so far (getrusage counts KiB on Linux, bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
