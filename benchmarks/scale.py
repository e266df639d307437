"""The default features from 1 M to 50 M events with limited memory: what an event costs, and what memory that takes.

Every size is read and streamed into a Parquet file by a process of its own (``benchmarks.engines.streamed``), with the
same ``memory_limit`` of 1.5 GB: the highest resident set is that of the whole process, the disk what went to its
temporary folder. An event's cost is that of reading, checking, sorting and computing, without the start of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.engines.company import EVENTS_PER_CUSTOMER, write_company
from benchmarks.figures import Figures

EVENTS = {"small": (50_000, 200_000), "full": (1_000_000, 5_000_000, 20_000_000, 50_000_000)}
MEMORY_LIMIT = "1.5GB"


def run(scale: str) -> Figures:
    return [_of_size(n_events) for n_events in EVENTS[scale]]


def _of_size(n_events: int) -> dict[str, str | float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_company(folder, n_events)
        temporary = folder / "temporary"
        temporary.mkdir()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.engines.streamed", str(folder), MEMORY_LIMIT],
            capture_output=True, text=True, cwd=Path(__file__).parents[1],
            env={**os.environ, "TMPDIR": str(temporary)}, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{n_events:,} events: {done.stderr.strip()}")
        found = json.loads(done.stdout)
    seconds = found["read_seconds"] + found["features_seconds"]
    cpu = found["read_cpu"] + found["features_cpu"]
    return {
        "events": f"{n_events:,}",
        "customers": f"{n_events // EVENTS_PER_CUSTOMER:,}",
        "start, s": found["start_seconds"],
        "read, s": found["read_seconds"],
        "features, s": found["features_seconds"],
        "µs an event": seconds / n_events * 1e6,
        "CPU µs an event": cpu / n_events * 1e6,
        "peak MB": f"{found['features_peak_mb']:,.0f}",
        "MB on the disk": f"{max(found['read_disk_mb'], found['features_disk_mb']):,.0f}",
    }
