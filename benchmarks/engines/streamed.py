"""cxml with limited memory, in a process of its own: ``python -m benchmarks.engines.streamed FOLDER MEMORY_LIMIT``.

It reads the tables and streams the features of every customer into a Parquet file, batch by batch, and prints what it
took as one line of JSON. The temporary folder is watched for what went to the disk.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engines.company import config
from benchmarks.figures import peak_mb


def main(folder: Path, memory_limit: str) -> None:
    found: dict[str, float] = {}
    with _measured("start", found):  # the libraries too that are imported late
        import pandas as pd  # noqa: F401
        import pyarrow.parquet as pq
        import sqlglot  # noqa: F401

        from cxml.descriptive.algebra import feature_plan
        from cxml.descriptive.defaults import features_of
        from cxml.descriptive.features import feature_batches
        from cxml.descriptive.sources import read_tables
    company = config(folder, memory_limit)
    with _measured("read", found):
        tables = read_tables(company)
    with _measured("features", found):
        plan = feature_plan(features_of(company, tables, until=None), tables.kinds)
        moments = pq.read_table(folder / "moments.parquet").to_pandas()
        writer, rows = None, 0
        for batch in feature_batches(tables, plan, moments):
            writer = writer or pq.ParquetWriter(folder / "features.parquet", batch.schema)
            writer.write_table(batch)
            rows += batch.num_rows
        if writer is None or rows != len(moments):
            raise SystemExit(f"{len(moments):,} moments were asked for; there are {rows:,}")
        writer.close()
    print(json.dumps(found))


@contextmanager
def _measured(step: str, found: dict[str, float]) -> Iterator[None]:
    """Add the seconds, the processor's seconds, the highest resident set and the largest size on disk of a step."""
    done, largest = threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.1):
            largest[0] = max(largest[0], _size_mb(Path(tempfile.gettempdir())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    found[f"{step}_seconds"], found[f"{step}_cpu"] = time.perf_counter() - started, time.process_time() - cpu
    found[f"{step}_peak_mb"], found[f"{step}_disk_mb"] = peak_mb(), largest[0]


def _size_mb(folder: Path) -> float:
    """Return what the files under a folder take on the disk; files come and go while it is counted."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_blocks * 512
        except OSError:
            continue
    return size / 2**20


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
