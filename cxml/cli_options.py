"""What the commands share on the command line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from cxml.errors import ConfigError

CONFIG: Final = click.argument("config", type=click.Path(path_type=Path))
MODELS: Final = click.option(
    "--models", default="models", show_default=True, type=click.Path(path_type=Path), help="Folder of bundles and runs."
)
AS_OF: Final = click.option("--as-of", help="Moment to look at, such as 2024-05-31 (UTC); by default that of the data.")
PICTURE: Final = click.option("--picture", type=click.Path(path_type=Path), help="File to draw to, .svg or .png.")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show the step that runs, and how long it took."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    started = time.perf_counter()
    with console.status(name) if console.is_terminal else _plain():
        yield
    console.print(f"{time.perf_counter() - started:6.1f} s  {name}")


@contextmanager
def _plain() -> Iterator[None]:
    yield


def moment_of(text: str) -> datetime:
    """Return the moment that ``--as-of`` names, UTC where it carries no zone, or raise `ConfigError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--as-of: must be a time (ISO 8601); it is {text!r}. Write it as 2024-05-31.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
