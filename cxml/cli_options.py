"""What the commands share on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

CONFIG: Final = click.argument("config", type=click.Path(path_type=Path))
MODELS: Final = click.option(
    "--models", default="models", show_default=True, type=click.Path(path_type=Path), help="Folder of bundles and runs."
)
