"""Figures of a benchmark, the machine they were measured on, and how they are printed side by side."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

Figures = Sequence[Mapping[str, str | float]]


def machine() -> str:
    """Return what the figures were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "lightgbm", "numpy", "pandas"))
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {libraries}"


def table(figures: Figures) -> str:
    """Return the figures as a Markdown table, a row per figure."""
    columns = list(figures[0])
    rows = [[f"{row[c]:.2f}" if isinstance(row[c], float) else str(row[c]) for c in columns] for row in figures]
    widths = [max(len(column), *(len(row[i]) for row in rows)) for i, column in enumerate(columns)]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(f"{x:<{w}}" for x, w in zip(line, widths, strict=True)) + " |" for line in lines)


def peak_mb() -> float:
    """Return the highest resident set of this process so far (getrusage counts KiB on Linux, bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
