"""Evaluate a company's models: how good they are on rows that they have not seen, and whether they mean what they say.

Nothing is saved but what the caller asks for: the models are fitted to be judged, as in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.descriptive.features import feature_frame
from cxml.descriptive.periods import MONTH
from cxml.descriptive.sources import Tables, frame_of, read_tables
from cxml.errors import ConfigError, SinkError, near_miss
from cxml.pipeline import plan
from cxml.pipeline.alarms import alarms_of
from cxml.pipeline.answering import answer_weights
from cxml.predict import NPS, RENEWAL
from cxml.schema import columns as c
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.alarms import Alarm
    from cxml.predictive.evaluation import Evaluation, Examples
    from cxml.predictive.measures import RetentionCosts

REPEATS: Final = 2
_MOST_GROUPS: Final = 50
"""A column of more values is a measure or an identifier: its groups would have too few rows to say anything."""
Format = Literal["parquet", "csv"]


@dataclass(frozen=True)
class Evaluated:
    """How good a company's models are on rows that they have not seen, as frames and as text for people.

    Attributes
    ----------
    measures : MEASURES frame: every measure with its 95% interval and the number of rows
        Of a snapshot also ``auc_folds``, ``lift_at_10_percent_folds`` and ``empc_folds``: the mean over the held-out
        folds, as published figures are often computed, where ``auc``, ``lift_at_10_percent`` and ``empc`` are of all
        held-out rows of a repeat at once.
    classes : CLASS_SKILLS frame: each class against the rest
    confusions : CONFUSIONS frame: rows of each class by the class that was named, the most probable one
    reliability : RELIABILITY frame: what was said and what came true, for each head overall and in each group
    bins : RELIABILITY_BINS frame, of the calibration curves
    gains : GAINS frame: whom one finds by contacting the highest probabilities first
    calibrations : CALIBRATIONS frame: which were tried for each head and which was chosen
    thresholds : THRESHOLDS frame: what contacting at a threshold would have earned, in currency a customer (of all)
    evaluations : for each model, the measures with the rows and probabilities behind them
    alarms : for each model, the suspected leaks
    text : the whole report
    written : the files that were written
    notes : warnings about the tables
    """

    measures: pd.DataFrame
    classes: pd.DataFrame
    confusions: pd.DataFrame
    reliability: pd.DataFrame
    bins: pd.DataFrame
    gains: pd.DataFrame
    calibrations: pd.DataFrame
    thresholds: pd.DataFrame
    evaluations: Mapping[str, Evaluation]
    alarms: Mapping[str, tuple[Alarm, ...]]
    text: str
    written: tuple[Path, ...]
    notes: tuple[str, ...]


def evaluate(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    by: Sequence[str] | None = None,
    repeats: int = REPEATS,
    to: str | Path | None = None,
    file_format: Format = "parquet",
    picture: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> Evaluated:
    """Fit a company's models, judge them on what they have not seen, and say whether their probabilities came true.

    Where there is time, the models learn from the past and are judged on the future; of a snapshot, on held-out
    customers in repeated folds.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from table name to DataFrame, optional
        Tables handed over in Python, in place of the paths of the config.
    by : columns of customers, or features, in whose groups reliability is looked at too
        By default ``segment`` where customers have it; the month of ``as_of`` always, where there is time.
    repeats : of the folds of a snapshot
    to : folder that the frames are written to, a file each
    file_format : of those files
    picture : file that calibration curves and gain curves are drawn to (``.svg`` or ``.png``)
    step : as for `cxml.train`

    Returns
    -------
    Evaluated

    Raises
    ------
    CxmlError
        If tables, labels, features or costs do not allow it, or a column to group by is not there or has more than 50
        groups; nothing is written then.
    """
    from cxml.pipeline.evaluated_frames import Judged, frames_of
    from cxml.predictive.encoding import common_levels
    from cxml.predictive.evaluation import folds_evaluation, future_evaluation

    _checked(repeats, to, picture)
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
    with step("build features"):
        value = plan.value_of(config, plan.kinds_of(planned.features, tables))
        rows = common_levels(
            {name: feature_frame(tables, planned.features, frame) for name, frame in planned.labels.items()}
        )
        costs = plan.costs_of(config, value, rows)
    with step("find who answers"):
        weights = {NPS: answer_weights(config, tables).values} if NPS in planned.labels else {}
    with step("look for leaks"):
        alarms = alarms_of(config, tables, rows, planned.labels, planned.splits)
        examples = {
            name: plan.examples_of(rows[name], frame, weights.get(name)) for name, frame in planned.labels.items()
        }
        groups = {name: _groups(tables, of, by) for name, of in examples.items()}
    judged = []
    for name, of in examples.items():
        with step(f"fit and judge the {name} model"):
            model, split = plan.classifier(config, name), planned.splits.get(name)
            found = (
                future_evaluation(model, of, split, costs=costs)
                if split
                else folds_evaluation(model, of, repeats=repeats, costs=costs)
            )
            assert found.held_out is not None
            of_rows = {column: levels[found.held_out.rows] for column, levels in groups[name].items()}
            judged.append(Judged(name, model, found, of_rows, costs))
    with step("hold what was said against what came true"):
        made = frames_of(judged)
    evaluations = {one.name: one.evaluation for one in judged}
    text = _text(config, tables, made, evaluations, costs, alarms)
    written = () if to is None else _written(made, Path(to), file_format)
    if picture is not None:
        written = (*written, _drawn(made, Path(picture)))
    return Evaluated(**made, evaluations=evaluations, alarms=alarms, text=text, written=written, notes=tables.warnings)


def _checked(repeats: int, to: str | Path | None, picture: str | Path | None) -> None:
    """Refuse what cannot be done before any work is."""
    from cxml.sinks.picture_files import drawable_path

    if repeats < 1:
        raise ConfigError(f"repeats: must be 1 or more; it is {repeats}.")
    if to is not None and Path(to).is_file():
        raise SinkError(f"{to}: is a file. Name a folder; each frame is a file in it.")
    if picture is not None:
        drawable_path(picture)


def _groups(tables: Tables, examples: Examples, by: Sequence[str] | None) -> dict[str, NDArray[Any]]:
    """Return the group of each row, None where it is not known, for each column asked for and the month."""
    customers = tables.kinds["customers"]
    asked = [c.SEGMENT] * (c.SEGMENT in customers) if by is None else [name for name in by if name != MONTH]
    found = {name: _levels(tables, examples, name) for name in asked}
    if examples.moments is not None:
        found[MONTH] = np.datetime_as_string(examples.moments, unit="M").astype(object)
    return found


def _levels(tables: Tables, examples: Examples, column: str) -> NDArray[Any]:
    import pandas as pd

    customers = [name for name in tables.kinds["customers"] if name != c.CUSTOMER_ID]
    if column in customers:
        of = frame_of(tables, f"SELECT {c.CUSTOMER_ID}, {quoted(column)} FROM customers").set_index(c.CUSTOMER_ID)
        values = of[column].reindex(examples.customers.to_numpy())
    elif column in examples.X:
        values = examples.X[column]
    else:
        near = near_miss(column, [*customers, *examples.X])
        raise ConfigError(f"by: neither customers nor the features have a column {column!r}{near or '.'}")
    if (n := values.nunique()) > _MOST_GROUPS:
        raise ConfigError(
            f"by: {column!r} must have at most {_MOST_GROUPS} groups; it has {n:,}. Name a column of names, such as "
            f"{c.SEGMENT!r}."
        )
    texts = [f"{v:g}" if isinstance(v, float) else str(v) for v in values.dropna()]
    levels = np.full(len(values), None, dtype=object)
    levels[pd.notna(values).to_numpy()] = texts
    return levels


def _text(
    config: CompanyConfig,
    tables: Tables,
    made: Mapping[str, pd.DataFrame],
    evaluations: Mapping[str, Evaluation],
    costs: RetentionCosts | None,
    alarms: Mapping[str, tuple[Alarm, ...]],
) -> str:
    """Return the whole report; a part of its own is one more entry of the list."""
    from cxml.predictive.measures import RetentionCosts
    from cxml.report.evaluation_text import ContactCosts, model_text

    used, published = costs or RetentionCosts(), costs is None
    contact = ContactCosts(used.clv, used.offer, used.contact, used.accepted, config.currency, published=published)
    parts = [f"{config.company}: how good its models are on rows that they have not seen, data as of {tables.as_of:%F}"]
    for name, evaluation in evaluations.items():
        of_model = {frame: rows[rows[c.MODEL] == name] for frame, rows in made.items() if frame != "bins"}
        how = f"{evaluation.n_train:,} rows to learn from, judged on {evaluation.n_test:,} {evaluation.how}"
        if evaluation.n_effective is not None:
            how += f"; weighted by who answers, worth {evaluation.n_effective:,.0f} to learn from"
        parts.append(model_text(name, how, **of_model, costs=contact if name == RENEWAL else None))
        parts.append("\n".join([str(evaluation.verdict), *(f"leak? {alarm}" for alarm in alarms[name])]))
    return "\n\n".join(parts)


def _written(made: Mapping[str, pd.DataFrame], folder: Path, file_format: Format) -> tuple[Path, ...]:
    from cxml.sinks.files import write_frame

    return tuple(write_frame(frame, folder / f"{name}.{file_format}") for name, frame in made.items())


def _drawn(made: Mapping[str, pd.DataFrame], path: Path) -> Path:
    from cxml.report.evaluation_pictures import evaluation_picture
    from cxml.sinks.picture_files import write_picture

    return write_picture(evaluation_picture(made["bins"], made["gains"], made["reliability"]), path)
