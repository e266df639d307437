"""``python -m benchmarks`` lists the benchmarks; ``python -m benchmarks NAME`` runs one and prints its figures."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from pathlib import Path

import benchmarks
from benchmarks.figures import Figures, machine, table


def _names() -> list[str]:
    found = pkgutil.iter_modules([str(Path(benchmarks.__file__).parent)])
    return sorted(m.name for m in found if not m.ispkg and m.name not in ("__main__", "figures"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", nargs="?", choices=_names(), help="the benchmark to run; without it, they are listed")
    parser.add_argument("--scale", choices=("small", "full"), default="full", help="small runs in seconds")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    if arguments.name is None:
        for name in _names():
            print(f"{name:<12} {(importlib.import_module(f'benchmarks.{name}').__doc__ or '').splitlines()[0]}")
        return
    figures: Figures = importlib.import_module(f"benchmarks.{arguments.name}").run(arguments.scale)
    if arguments.json:
        print(
            json.dumps({"benchmark": arguments.name, "scale": arguments.scale, "machine": machine(), "rows": figures})
        )
    else:
        print(f"{arguments.name}, {arguments.scale} scale, {machine()}\n\n{table(figures)}")


if __name__ == "__main__":
    main()
