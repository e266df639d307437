"""The figures that a whole company reports: its indicators, what changed in them, its KPIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.descriptive.periods import MONTH, month_of
from cxml.descriptive.sources import Tables
from cxml.pipeline.plan import Frames
from cxml.pipeline.reading import read_tables
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_USUAL: Final = (c.SEGMENT, c.TOUCHPOINT, c.CHANNEL)
"""What answers are grouped by where the caller does not say."""


@dataclass(frozen=True)
class Measured:
    """Figures as a frame and as text for people, the file they were written to, and what to know beside them."""

    frame: pd.DataFrame
    text: str
    written: Path | None
    notes: tuple[str, ...]


def indicators(
    config: CompanyConfig,
    *,
    frames: Frames | None = None,
    by: Sequence[str] | None = None,
    period: str = ":",
    to: str | Path | None = None,
) -> Measured:
    """Return the indicators of a company, for everyone and by group.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from table name to DataFrame, optional
        Tables handed over in Python, in place of the paths of the config.
    by : columns to group by, and ``month``; by default those there are of segment, touchpoint and channel
    period : such as ``2024-01:2024-03``; everything where left out
    to : file that the frame is written to (``.parquet`` or ``.csv``)

    Returns
    -------
    Measured
        See `cxml.descriptive.breakdown.indicators` for its frame.

    Raises
    ------
    CxmlError
        If tables, columns or period do not allow it; nothing is written then.
    """
    from cxml.descriptive.breakdown import indicators as company_indicators
    from cxml.report.indicator_text import indicator_text

    _checked(to)
    tables = read_tables(config, frames)
    groups = _usual(tables) if by is None else by
    frame = company_indicators(tables, groups, period=period)
    what = "indicators" if period == ":" else f"indicators of {period}"
    return _measured(config, tables, what, frame, indicator_text(frame), to, groups)


def compare(
    config: CompanyConfig,
    before: str,
    after: str,
    *,
    frames: Frames | None = None,
    by: Sequence[str] | None = None,
    to: str | Path | None = None,
) -> Measured:
    """Return what changed in the indicators of a company between two periods; see `indicators` for the parameters.

    The frame is that of `cxml.descriptive.comparison.compared`.
    """
    from cxml.descriptive.comparison import compared
    from cxml.report.indicator_text import comparison_text

    _checked(to)
    tables = read_tables(config, frames)
    groups = _usual(tables) if by is None else by
    frame = compared(tables, before, after, groups)
    text = comparison_text(frame, before, after)
    return _measured(config, tables, "what changed between two periods", frame, text, to, groups)


def kpi(
    config: CompanyConfig, *, frames: Frames | None = None, period: str = ":", to: str | Path | None = None
) -> Measured:
    """Return the KPIs of a company by month; see `indicators` for the parameters.

    The frame is that of `cxml.descriptive.kpi.kpi`.
    """
    from cxml.descriptive.kpi import kpi as company_kpi
    from cxml.report.indicator_text import kpi_text

    _checked(to)
    tables = read_tables(config, frames)
    frame = company_kpi(tables, period=period)
    last = max(frame[c.PERIOD])
    over = month_of(last).end
    unfinished = last if tables.as_of and over and tables.as_of < over else None
    text = kpi_text(frame, currency=config.currency, unfinished=unfinished)
    return _measured(config, tables, "KPIs by month", frame, text, to, ())


def _checked(to: str | Path | None) -> None:
    """Refuse a file that cannot be written before any work is done."""
    from cxml.sinks.files import writable_path

    if to is not None:
        writable_path(to)


def _measured(
    config: CompanyConfig,
    tables: Tables,
    what: str,
    frame: pd.DataFrame,
    text: str,
    to: str | Path | None,
    groups: Sequence[str],
) -> Measured:
    from cxml.sinks.files import write_frame

    written = None if to is None else write_frame(frame, to)
    title = f"{config.company}: {what}, as known at {tables.as_of:%Y-%m-%d %H:%M} UTC"
    return Measured(frame, f"{title}\n\n{text}", written, (*tables.warnings, *_ungrouped(tables, groups)))


def _usual(tables: Tables) -> list[str]:
    surveys = tables.kinds.get("surveys", {})
    return [column for column in _USUAL if column in surveys or column in tables.kinds["customers"]]


def _ungrouped(tables: Tables, groups: Sequence[str]) -> Iterator[str]:
    for column in groups:
        there = column in tables.kinds.get("surveys", {}) or column in tables.kinds["customers"]
        if "surveys" in tables and column != MONTH and not there:
            yield f"surveys has no column {column!r}: answers are not grouped by it, and it is not guessed from events."
