"""One engine in a process of its own: ``python -m benchmarks.engines.worker ENGINE FOLDER [CUSTOMERS]``.

It reads the tables, and then answers each line on its standard input with one line of JSON. ``features`` and
``from_files`` compute the features, from its tables in memory and from the Parquet files, and answer with the seconds,
the processor's seconds and the highest resident set so far; ``write PATH`` writes the last features as Parquet.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import peak_mb


def main(engine: str, folder: Path, *customers: int) -> None:
    module: Any = importlib.import_module(f"benchmarks.engines.{engine}")
    tables, found = module.tables(folder, *customers), None
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "write":
            module.write(found, path)
            print(json.dumps({}), flush=True)
            continue
        found = None
        gc.collect()
        started, cpu = time.perf_counter(), time.process_time()
        found = module.features(tables) if command == "features" else module.from_files(folder)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
