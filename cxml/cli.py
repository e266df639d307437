"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cxml.cli_options import AS_OF, CONFIG, MODELS, moment_of, step
from cxml.cli_policy import policy
from cxml.errors import ConfigError, CxmlError

if TYPE_CHECKING:
    from cxml.descriptive.sources import Tables
    from cxml.pipeline import Evaluated, Maturity, Measured, Scored
    from cxml.pipeline.evaluating import Format


class _Commands(click.Group):
    """Commands whose expected errors are one message on stderr and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CxmlError as error:
            click.echo(f"cxml: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cxml")
def main() -> None:
    """From tables to features, predictions and next best actions."""


main.add_command(policy)


@main.command()
@CONFIG
def check(config: Path) -> None:
    """Say what was found in each table, and every fault."""
    from cxml.config import load_config
    from cxml.pipeline import check as check_company

    tables = check_company(load_config(config))
    click.echo(_found(tables))
    if tables.faults:
        sys.exit(1)


@main.command()
def schema() -> None:
    """Print the JSON Schema of company.yaml, for editors."""
    import json

    from cxml.config.load import config_schema

    click.echo(json.dumps(config_schema(), indent=2))


@main.command()
@CONFIG
@click.option("--sql", is_flag=True, help="Print the DuckDB SQL in place of the list.")
def features(config: Path, *, sql: bool) -> None:
    """List the features of a company, or the SQL that computes them."""
    from cxml.config import load_config
    from cxml.pipeline import feature_query

    found, query = feature_query(load_config(config))
    click.echo(query if sql else "\n".join(f"{feature.name:<40} {feature.kind}" for feature in found))


@main.command()
@CONFIG
@click.option(
    "--by",
    help="Columns to group by, such as segment,month; by default those there are of segment, touchpoint, channel.",
)
@click.option("--period", help="What to look at, such as 2024-01:2024-03; by default everything.")
@click.option("--compare", nargs=2, metavar="BEFORE AFTER", help="Two periods: what changed, and is it chance?")
@click.option("--kpi", is_flag=True, help="The KPIs of every month in place of the indicators.")
@click.option("--to", type=click.Path(path_type=Path), help="File to write too, .parquet or .csv.")
def indicators(
    config: Path, by: str | None, period: str | None, compare: tuple[str, str] | None, to: Path | None, *, kpi: bool
) -> None:
    """Report NPS, CSAT, CES and the like, with their intervals, by group and month."""
    from cxml import pipeline
    from cxml.config import load_config

    if (kpi and (by or compare)) or (compare and period):
        raise ConfigError("indicators: --kpi goes with --period alone, and --compare with --by alone.")
    groups = _listed(by)
    company = load_config(config)
    if kpi:
        found = pipeline.kpi(company, period=period or ":", to=to)
    elif compare:
        found = pipeline.compare(company, *compare, by=groups, to=to)
    else:
        found = pipeline.indicators(company, by=groups, period=period or ":", to=to)
    click.echo(_measured(found))


@main.command()
@CONFIG
@click.option("--by", help="Columns of the customers to group by, such as segment,region: the default, where they are.")
@click.option("--to", type=click.Path(path_type=Path), help="File to write too, .parquet or .csv.")
def nps(config: Path, by: str | None, to: Path | None) -> None:
    """Predict the NPS of all customers, silent ones included, beside that of those who answered."""
    from cxml.config import load_config
    from cxml.pipeline import population_nps

    groups = None if by is None else [column.strip() for column in by.split(",") if column.strip()]
    click.echo(_measured(population_nps(load_config(config), by=groups, to=to, step=step)))


@main.command()
@CONFIG
@click.option(
    "--features", "listed", is_flag=True, help="List the cell of every feature too, and what placed it there."
)
@click.option("--no-skill", is_flag=True, help="The matrix alone: fit no models.")
@click.option("--picture", type=click.Path(path_type=Path), help="File to draw the matrix to, .svg or .png.")
def maturity(config: Path, picture: Path | None, *, listed: bool, no_skill: bool) -> None:
    """Say which cells of the maturity matrix the data fills, and how much skill is lost without each."""
    from cxml.config import load_config
    from cxml.pipeline import maturity as company_maturity

    found = company_maturity(load_config(config), skill=not no_skill, picture=picture, step=step)
    click.echo(_matured(found, listed=listed))
    if picture:
        click.echo(f"written: {picture}")


@main.command()
@CONFIG
@click.option("--by", help="Columns in whose groups to look too, such as segment,region; by default segment.")
@click.option(
    "--repeats",
    default=2,
    show_default=True,
    type=click.IntRange(min=1),
    help="Of the folds of a snapshot, which has no future to be judged on.",
)
@click.option("--to", type=click.Path(path_type=Path), help="Folder to write the frames to.")
@click.option("--format", "file_format", default="parquet", show_default=True, type=click.Choice(["parquet", "csv"]))
@click.option("--picture", type=click.Path(path_type=Path), help="File to draw the curves to, .svg or .png.")
def evaluate(
    config: Path, by: str | None, repeats: int, to: Path | None, file_format: Format, picture: Path | None
) -> None:
    """Say how good the models are on rows they have not seen, and whether their probabilities came true."""
    from cxml.config import load_config
    from cxml.pipeline import evaluate as evaluate_company

    found = evaluate_company(
        load_config(config),
        by=_listed(by),
        repeats=repeats,
        to=to,
        file_format=file_format,
        picture=picture,
        step=step,
    )
    click.echo(_evaluated(found))


@main.command()
@CONFIG
@MODELS
def train(config: Path, models: Path) -> None:
    """Train the models of a company and save its bundle."""
    from cxml.config import load_config
    from cxml.pipeline import train as train_company

    click.echo(f"\n{train_company(load_config(config), models=models, step=step).text}")


@main.command()
@CONFIG
@MODELS
@AS_OF
@click.option("--to", type=click.Path(path_type=Path), help="File to write, .parquet or .csv.")
def score(config: Path, models: Path, as_of: str | None, to: Path | None) -> None:
    """Score every customer and recommend an action for each."""
    from cxml.config import load_config
    from cxml.pipeline import score as score_company

    moment = moment_of(as_of) if as_of else None
    click.echo(_scored(score_company(load_config(config), models=models, as_of=moment, to=to, step=step)))


@main.command()
@CONFIG
@click.argument("customer_id", metavar="ID")
@MODELS
@AS_OF
@click.option("--language", type=click.Choice(["en", "pt"]), default="en", show_default=True, help="Of the story.")
def customer(config: Path, customer_id: str, models: Path, as_of: str | None, language: Literal["en", "pt"]) -> None:
    """Tell one customer's whole story: who, what happened, health and its reasons, what comes next."""
    from cxml.config import load_config
    from cxml.pipeline import customer as story_of
    from cxml.report.customer_text import customer_text

    moment = moment_of(as_of) if as_of else None
    click.echo(
        customer_text(story_of(load_config(config), customer_id, models=models, as_of=moment, language=language))
    )


@main.command()
@CONFIG
@MODELS
def outcomes(config: Path, models: Path) -> None:
    """Record in the ledger what came of past decisions, as far as it is known by now."""
    from cxml.config import load_config
    from cxml.pipeline import mature_outcomes

    click.echo(mature_outcomes(load_config(config), models=models).text)


@main.command()
@MODELS
@click.option(
    "--customers", default=4_000, show_default=True, type=click.IntRange(min=500), help="How many to simulate."
)
@click.option("--seed", default=0, show_default=True, help="Of the simulation.")
def demo(models: Path, customers: int, seed: int) -> None:
    """Simulate a company, train on it, score every customer and recommend an action for each."""
    from cxml.pipeline import demo as run_demo

    trained, scored = run_demo(models, n_customers=customers, random_state=seed, step=step)
    click.echo(f"\n{trained.text}")
    click.echo(_scored(scored))
    folder = models / "sample" / "tables"
    click.echo(f"\nThe tables are in {folder}. configs/sample.yaml describes them: `export CXML_SAMPLE={folder}`.")


def _listed(columns: str | None) -> list[str] | None:
    """Return the names of a list with commas; None where there is none."""
    return None if columns is None else [column.strip() for column in columns.split(",") if column.strip()]


def _found(tables: Tables) -> str:
    lines = [f"{'table':<13}{'rows':>10}{'customers':>11}  {'from':<11}{'to':<11} unknown values"]
    for report in tables.reports:
        first, last = (f"{t:%Y-%m-%d}" if t else "" for t in (report.first_time, report.last_time))
        customers = "" if report.customers is None else f"{report.customers:,}"
        unknown = ", ".join(f"{name} {n:,}" for name, n in report.unknown.items()) or "none"
        lines.append(f"{report.table:<13}{report.rows:>10,}{customers:>11}  {first:<11}{last:<11} {unknown}")
    if tables.as_of:
        lines.append(f"as_of {tables.as_of:%Y-%m-%d %H:%M} UTC, data fingerprint {tables.fingerprint}")
    lines += [f"warning: {warning}" for warning in tables.warnings]
    lines += [f"fault: {fault}" for fault in tables.faults]
    return "\n".join([*lines, "no faults" if not tables.faults else f"faults: {len(tables.faults)}"])


def _measured(measured: Measured) -> str:
    written = [f"written: {measured.written}"] if measured.written else []
    return "\n".join([measured.text, *written, *(f"note: {note}" for note in measured.notes)])


def _evaluated(found: Evaluated) -> str:
    written = [f"written: {path}" for path in found.written]
    return "\n".join(["", found.text, *([""] if written else []), *written, *(f"note: {note}" for note in found.notes)])


def _matured(found: Maturity, *, listed: bool) -> str:
    from cxml.report.maturity_text import placed_text

    lines = ["", found.text, *(["", placed_text(found.features)] if listed else [])]
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def _scored(scored: Scored) -> str:
    lines = ["", scored.summary, "", *(f"written: {path}" for path in scored.written)]
    return "\n".join([*lines, *(f"note: {note}" for note in scored.warnings)])
