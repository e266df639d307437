"""A company's ledger: what scoring decided goes into it, what came of it too, and both come back as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

    from cxml.sinks.ledger import Ledger


def ledger_of(config: CompanyConfig, models: str | Path = "models") -> Ledger:
    """Return the ledger that a config names, by default the folder ``ledger`` in the company's models folder.

    Raises
    ------
    SinkError
        If it needs an environment variable that is not set, or a driver that is not installed.
    """
    from cxml.sinks.ledger import open_ledger

    if config.ledger is None:
        return open_ledger(str(Path(models) / config.company / "ledger"))
    schema = config.ledger.database_schema or f"cxml_{config.company.lower()}"
    return open_ledger(config.ledger.path, database_schema=schema)


def recorded(config: CompanyConfig, recommendations: pd.DataFrame, models: str | Path = "models") -> str:
    """Record the decisions of a scoring in the company's ledger, and return a note of what that did.

    Parameters
    ----------
    config : CompanyConfig
    recommendations : DataFrame, a RECOMMENDATIONS frame; each ``decision_id`` is written once, however often it comes
    models : folder of bundles, with the ledger where the config names none

    Raises
    ------
    SinkError
        If the ledger cannot be written; it is as it was then.
    """
    return ledger_of(config, models).record(recommendations).note


def record_outcomes(config: CompanyConfig, outcomes: pd.DataFrame, *, models: str | Path = "models") -> int:
    """Record what came of decisions, such as `accepted`, `refused`, `ignored` or `renewed`, in the company's ledger.

    Parameters
    ----------
    config : CompanyConfig
    outcomes : DataFrame with the columns ``decision_id``, ``outcome`` and ``outcome_time``, and, where there is any,
        ``value`` (in the currency of the company) and ``known_time`` (when it became known, if later)
        Times are UTC where they carry no zone. A decision may have several outcomes, each of its own time.
    models : folder of bundles, with the ledger where the config names none

    Returns
    -------
    int
        How many were not there before: the same outcome twice is recorded once.

    Raises
    ------
    SchemaError
        If a decision is unknown, or an outcome was before it, or one that is there has another value; nothing is
        recorded then.
    SinkError
        If the ledger cannot be written; it is as it was then.
    """
    if not hasattr(outcomes, "columns"):
        raise SchemaError(f"outcomes: must be a dataframe, a row for each outcome; it is a {type(outcomes).__name__}.")
    return ledger_of(config, models).record_outcomes(outcomes)


def logged(config: CompanyConfig) -> dict[str, pd.DataFrame]:
    """Return the rows of `actions` and `outcomes` that the ledger gives back; none where the config names no ledger.

    Raises
    ------
    SinkError
        If it cannot be read.
    """
    if config.ledger is None:
        return {}
    ledger = ledger_of(config)
    return {"actions": ledger.actions(), "outcomes": ledger.outcomes()}
