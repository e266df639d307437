"""The commands about a policy: parse, call, print."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cxml.cli_options import CONFIG, MODELS


@click.group()
def policy() -> None:
    """Look into the policy of a company."""


@policy.command()
@CONFIG
@MODELS
def check(config: Path, models: Path) -> None:
    """Check rules, limits and golden cases, and how they meet the company's own customers."""
    from cxml.config import load_config
    from cxml.pipeline import check_policy

    found = check_policy(load_config(config), models=models)
    click.echo(found.text)
    if found.faults:
        sys.exit(1)
