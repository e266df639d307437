"""The NPS of all customers, silent ones included, beside that of those who answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.config.company import CompanyConfig
from cxml.descriptive.indicators import indicator
from cxml.descriptive.intervals import sample_of
from cxml.descriptive.labels import nps_labels
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, listed, near_miss
from cxml.pipeline import plan
from cxml.pipeline.answering import Answering, answering, class_fit, response_fit, weights_of
from cxml.pipeline.figures import Measured
from cxml.pipeline.reading import read_tables
from cxml.predictive.measures import effective_size
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import POPULATION_NPS
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.population import Population
    from cxml.predictive.response import Weights

_USUAL: Final = (c.SEGMENT, c.REGION)
_ANSWER_DAYS: Final = 365
"""Respondents are those of the last year, as in the summary of scoring; of a snapshot, all."""
_MAX_GROUPS: Final = 20
_ALL: Final = "all"


def population_nps(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    by: Sequence[str] | None = None,
    to: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> Measured:
    """Return the NPS of all customers and of each group, silent ones included, beside the respondents' NPS.

    Everything is learnt from the tables of the config; no bundle is needed.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from table name to DataFrame, optional
        Tables handed over in Python, in place of the paths of the config.
    by : names or flags of `customers` to group by; by default segment and region, where they have at most 20 values
    to : file that the frame is written to (``.parquet`` or ``.csv``)
    step : as for `cxml.train`

    Returns
    -------
    Measured
        Its frame is a POPULATION_NPS frame, a row for everyone and for each group: the ``n`` answers of the last 365
        days with their NPS and interval (missing where nobody answered), ``n_customers`` of now with their predicted
        NPS and 95% interval, ``share_answered`` of all invitations (of the customers, where invitations are not
        known), ``n_learnt`` answers of all time and their ``effective_size`` once they are weighted, and
        ``correction``: ``silence`` (answers and silence together), ``weights`` (nobody knows who was asked) or
        ``none`` (everybody answered).

    Raises
    ------
    CxmlError
        If tables, labels or columns do not allow it; nothing is written then.
    """
    from cxml.report.nps_text import nps_text
    from cxml.sinks.files import writable_path, write_frame

    if to is not None:
        writable_path(to)
    with step("check tables"):
        tables = read_tables(config, frames)
        groups = able_groups(tables, by)
    with step("build features"):
        of = answering(config, tables)
    with step("learn who answers, and what"):
        frame = nps_frame(config, tables, of, response_fit(config, of), groups)
    title = f"{config.company}: NPS of all customers as of {tables.moment:%Y-%m-%d}"
    written = None if to is None else write_frame(frame, to)
    return Measured(frame, f"{title}\n\n{nps_text(frame, of.known)}", written, tables.warnings)


def nps_frame(
    config: CompanyConfig, tables: Tables, of: Answering, p_answer: np.ndarray, groups: Sequence[str]
) -> pd.DataFrame:
    """Return the POPULATION_NPS frame of a company.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    of : who was asked and who answered
    p_answer : array of shape (n_rows of ``of``,), as `cxml.pipeline.answering.response_fit` gives it
    groups : columns of customers, as `able_groups` gives them
    """
    from cxml.predictive.population import from_answers, from_silence

    codes, now = of.codes, np.asarray(of.rows["now"], dtype=bool)
    told = now & (codes >= 0) & (of.known == "customers")
    weights, population, correction = weights_of(of, p_answer), None, "none"
    if told.sum() < now.sum():
        classes = class_fit(config, of)
        if of.known == "invitations":
            asked = np.asarray(of.rows["asked"], dtype=bool)
            population = from_silence(
                of.customers, codes, asked, now, classes, p_answer, of.often, random_state=config.random_state
            )
            correction = "silence"
        else:
            population, correction = from_answers(of.customers, codes, now, told, classes, p_answer), "weights"
    return _frame(config, tables, of, population, weights, correction, groups)


def able_groups(tables: Tables, by: Sequence[str] | None = None) -> list[str]:
    """Return the columns of customers to group by: those asked for, or segment and region where they are few."""
    kinds = tables.kinds["customers"]
    able = [name for name, kind in kinds.items() if kind in ("category", "flag") and name != c.CUSTOMER_ID]
    if by is None:
        return [name for name in _USUAL if name in able and _n_values(tables, name) <= _MAX_GROUPS]
    faults = []
    for name in dict.fromkeys(by):
        if name in kinds and name not in able:
            faults.append(f"by: customers.{name} is a {kinds[name]}; only names and flags make groups.")
        elif name not in able:
            remedy = near_miss(name, able) or f". Those that can be grouped by: {', '.join(sorted(able)) or 'none'}."
            faults.append(f"by: customers has no column {name!r}{remedy}")
    if faults:
        raise ConfigError(listed(faults))
    return list(dict.fromkeys(by))


def _n_values(tables: Tables, column: str) -> int:
    counted = tables.con.execute(f"SELECT count(DISTINCT {quoted(column)}) FROM customers").fetchall()
    return int(counted[0][0])


def _frame(
    config: CompanyConfig,
    tables: Tables,
    of: Answering,
    population: Population | None,
    weights: Weights,
    correction: str,
    groups: Sequence[str],
) -> pd.DataFrame:
    import pandas as pd

    assert config.labels.nps is not None
    rows, now, there = of.rows, np.asarray(of.rows["now"], dtype=bool), of.codes >= 0
    asked = np.asarray(rows["asked"], dtype=bool) if of.known != "answers" else now
    answered = there if of.known != "answers" else np.isin(rows[c.CUSTOMER_ID], rows[c.CUSTOMER_ID][there])
    answers = nps_labels(tables, config.labels.nps)
    recent = np.asarray(answers[c.KNOWN_TIME] >= pd.Timestamp(tables.moment) - timedelta(days=_ANSWER_DAYS))
    answers = answers[recent] if config.labels.nps.column is None and recent.any() else answers
    found = []
    for column in (None, *groups):
        place = _place(tables, column)
        of_row, of_answer = place(rows[c.CUSTOMER_ID]), place(answers[c.CUSTOMER_ID])
        predicted: dict[Any, Any] = {}
        if population is not None:
            whole = column is None
            predicted = {_ALL: population.nps()} if whole else population.nps_by_group(of_row[now], of_row[there])
        for name in sorted(set(of_row[now].tolist()), key=lambda name: (name == "", name)):
            here, those = of_row == name, answers[of_answer == name]
            net = those[c.LABEL].cat.codes.to_numpy() - 1.0
            figure = indicator("nps", sample_of(net, those[c.CUSTOMER_ID])) if len(those) else None
            value: Any = predicted.get(name, figure)  # where everybody answered, the answers are what is known
            n_asked = int((asked & here).sum())
            found.append(
                {
                    c.BY: column or _ALL,
                    c.GROUP: name or None,
                    c.AS_OF: pd.Timestamp(tables.moment, tz="UTC"),
                    c.N: len(those),
                    c.RESPONDENTS_NPS: figure.value if figure else nan,
                    c.RESPONDENTS_LOW: figure.low if figure else nan,
                    c.RESPONDENTS_HIGH: figure.high if figure else nan,
                    c.N_CUSTOMERS: int((now & here).sum()),
                    c.PREDICTED_NPS: value.value,
                    c.PREDICTED_LOW: value.low if value.low == value.low else -100.0,
                    c.PREDICTED_HIGH: value.high if value.high == value.high else 100.0,
                    c.SHARE_ANSWERED: float((asked & answered & here).sum() / n_asked) if n_asked else nan,
                    c.N_LEARNT: int((there & here).sum()),
                    c.EFFECTIVE_SIZE: effective_size(weights.values[here[there]]),
                    c.CORRECTION: correction,
                }
            )
    return checked_frame(pd.DataFrame(found), POPULATION_NPS)


def _place(tables: Tables, column: str | None) -> Any:
    """Return what gives the group of customers, an empty name where it is not known."""
    if column is None:
        return lambda customers: np.full(len(customers), _ALL, dtype=object)
    query = f"SELECT {c.CUSTOMER_ID}, CAST({quoted(column)} AS VARCHAR) AS name FROM customers"
    found = frame_of(tables, query).set_index(c.CUSTOMER_ID)["name"]
    known = {who: name for who, name in found.items() if isinstance(name, str)}
    return lambda customers: np.array([known.get(who, "") for who in customers], dtype=object)
