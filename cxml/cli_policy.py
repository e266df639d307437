"""The commands about a policy: parse, call, print."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cxml.cli_options import AS_OF, CONFIG, MODELS, PICTURE, moment_of, step

if TYPE_CHECKING:
    from cxml.config.policy import PolicyConfig

_POLICY = click.option(
    "--policy", "policy_file", type=click.Path(path_type=Path), help="Its file; by default the policy of the config."
)


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


@policy.command()
@CONFIG
@_POLICY
@click.option("--against", type=click.Path(path_type=Path), help="File of another policy to compare with.")
@PICTURE
def evaluate(config: Path, policy_file: Path | None, against: Path | None, picture: Path | None) -> None:
    """Estimate from the log of actions what a policy would have earned, before it ships."""
    from cxml.config import load_config
    from cxml.pipeline import evaluate_policy

    found = evaluate_policy(
        load_config(config), policy=_read(policy_file), against=_read(against), picture=picture, step=step
    )
    click.echo("\n".join(["", found.text, *([f"written: {picture}"] if picture else [])]))


@policy.command()
@CONFIG
@_POLICY
@MODELS
@click.option("--by", help="Feature in whose groups to tell the mix of actions; by default segment.")
@click.option("--budgets", help="Amounts of money for the curve of value, such as 0,5000,10000.")
@AS_OF
@PICTURE
def simulate(
    config: Path,
    policy_file: Path | None,
    models: Path,
    by: str | None,
    budgets: str | None,
    as_of: str | None,
    picture: Path | None,
) -> None:
    """Say what a policy would do to today's customers: who is lost where, the mix, value by the budget."""
    from cxml.config import load_config
    from cxml.pipeline import simulate_policy

    moment: datetime | None = moment_of(as_of) if as_of else None
    found = simulate_policy(
        load_config(config),
        policy=_read(policy_file),
        by=by,
        budgets=_amounts(budgets),
        models=models,
        as_of=moment,
        picture=picture,
        step=step,
    )
    written = [f"written: {picture}"] if picture else []
    click.echo("\n".join(["", found.text, *written, *(f"note: {note}" for note in found.notes)]))


@policy.command()
@CONFIG
@MODELS
@PICTURE
def measure(config: Path, models: Path, picture: Path | None) -> None:
    """Measure what the policy has brought, against the customers who were held out of it."""
    from cxml.config import load_config
    from cxml.pipeline import measure_policy

    found = measure_policy(load_config(config), models=models, picture=picture, step=step)
    written = [f"written: {picture}"] if picture else []
    click.echo("\n".join(["", found.text, *written, *(f"note: {note}" for note in found.notes)]))


@policy.command()
@CONFIG
@MODELS
@click.option(
    "--by", help="Feature in whose groups to tell the exploration; by default that of the policy, or segment."
)
def learn(config: Path, models: Path, by: str | None) -> None:
    """Record outcomes, learn anew what actions change, and say where to explore next."""
    from cxml.config import load_config
    from cxml.pipeline import learn_policy

    click.echo(f"\n{learn_policy(load_config(config), models=models, by=by, step=step).text}")


def _read(path: Path | None) -> PolicyConfig | None:
    from cxml.config.load import load_policy

    return None if path is None else load_policy(path)


def _amounts(text: str | None) -> list[float] | None:
    from cxml.errors import ConfigError

    if text is None:
        return None
    try:
        return [float(amount) for amount in text.split(",")]
    except ValueError:
        raise ConfigError(f"--budgets: must be amounts with commas between, such as 0,5000; it is {text!r}.") from None
