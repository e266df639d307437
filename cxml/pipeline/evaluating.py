"""Evaluate a company's models: how good they are on rows that they have not seen, and whether they mean what they say.

Nothing is saved but what the caller asks for: the models are fitted to be judged, as in training.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.descriptive.features import customers_at, feature_frame
from cxml.descriptive.periods import MONTH
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, SinkError, UnseenCategoryWarning, near_miss
from cxml.pipeline import plan
from cxml.pipeline.evaluated_frames import Judged, framed, frames_of
from cxml.pipeline.learning import REPEATS, Learnt, Material, learnt, material_of
from cxml.pipeline.nps import able_groups, nps_frame
from cxml.pipeline.reading import read_tables
from cxml.predict import RENEWAL, VALUE, Predictor
from cxml.schema import columns as c
from cxml.schema.frames import DRIVERS, POPULATION_NPS
from cxml.schema.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.alarms import Alarm
    from cxml.predictive.evaluation import Evaluation

_MOST_GROUPS: Final = 50
"""A column of more values is a measure or an identifier: its groups would have too few rows to say anything."""
_OF_MODEL: Final = ("measures", "classes", "confusions", "reliability", "gains", "calibrations", "thresholds")
"""The frames whose rows are of one model each, and told with it."""
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
    nps : POPULATION_NPS frame: the NPS of all customers beside that of those who answered, as `cxml.population_nps`
        gives it; empty without a label of NPS
    drivers : DRIVERS frame: what drives health, renewal and NPS of the customers of now; empty where no model of them
        has a signal
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
    nps: pd.DataFrame
    drivers: pd.DataFrame
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
    customers in repeated folds. Beside that stand the NPS of all customers and what drives health, renewal and NPS.

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
    _checked(repeats, to, picture)
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
    with step("build features"):
        material = material_of(config, tables, planned)
        groups = {name: _groups(tables, material, name, by) for name in planned.labels}
    found = learnt(config, tables, material, repeats=repeats, step=step)
    judged = []
    for name, model in found.models.items():
        evaluation = found.evaluations[name]
        assert evaluation.held_out is not None
        of_rows = {column: levels[evaluation.held_out.rows] for column, levels in groups[name].items()}
        judged.append(Judged(name, model, evaluation, of_rows, material.costs))
    with step("hold what was said against what came true"):
        made = frames_of(judged, amounts=found.evaluations.get(VALUE))
    with step("look at all customers of now"):
        made |= {"nps": _nps(config, tables, found), "drivers": _drivers(tables, material, found)}
    text = _text(config, tables, made, material, found)
    written = () if to is None else _written(made, Path(to), file_format)
    if picture is not None:
        written = (*written, _drawn(made, Path(picture)))
    return Evaluated(
        **made,
        evaluations=found.evaluations,
        alarms=found.alarms,
        text=text,
        written=written,
        notes=tables.warnings,
    )


def _checked(repeats: int, to: str | Path | None, picture: str | Path | None) -> None:
    """Refuse what cannot be done before any work is."""
    from cxml.sinks.picture_files import drawable_path

    if repeats < 1:
        raise ConfigError(f"repeats: must be 1 or more; it is {repeats}.")
    if to is not None and Path(to).is_file():
        raise SinkError(f"{to}: is a file. Name a folder; each frame is a file in it.")
    if picture is not None:
        drawable_path(picture)


def _groups(tables: Tables, material: Material, name: str, by: Sequence[str] | None) -> dict[str, NDArray[Any]]:
    """Return the group of each row of a label, None where it is not known, for each column asked for and the month."""
    customers, labels = tables.kinds["customers"], material.planned.labels[name]
    asked = [c.SEGMENT] * (c.SEGMENT in customers) if by is None else [column for column in by if column != MONTH]
    found = {column: _levels(tables, material.rows[name], column) for column in asked}
    if name in material.planned.splits:
        moments = labels[c.AS_OF].to_numpy("datetime64[us]")
        found[MONTH] = np.datetime_as_string(moments, unit="M").astype(object)
    return found


def _levels(tables: Tables, rows: pd.DataFrame, column: str) -> NDArray[Any]:
    import pandas as pd

    able = [name for name in tables.kinds["customers"] if name != c.CUSTOMER_ID]
    features = [name for name in rows.columns if name not in c.KEY]
    if column in able:
        of = frame_of(tables, f"SELECT {c.CUSTOMER_ID}, {quoted(column)} FROM customers").set_index(c.CUSTOMER_ID)
        values = of[column].reindex(rows[c.CUSTOMER_ID].to_numpy())
    elif column in features:
        values = rows[column]
    else:
        near = near_miss(column, [*able, *features])
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


def _nps(config: CompanyConfig, tables: Tables, found: Learnt) -> pd.DataFrame:
    """Return the POPULATION_NPS frame, without rows where no model is of NPS."""
    if found.answering is None or found.p_answer is None:
        return framed(POPULATION_NPS, [])
    return nps_frame(config, tables, found.answering, found.p_answer, able_groups(tables))


def _drivers(tables: Tables, material: Material, found: Learnt) -> pd.DataFrame:
    """Return the DRIVERS frame of the customers of now, without rows where nothing is said of them."""
    everyone = customers_at(tables, tables.moment)
    if found.bundle is None or not found.bundle.models or everyone.empty:
        return framed(DRIVERS, [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenCategoryWarning)
        return Predictor(found.bundle).drivers(feature_frame(tables, material.planned.features, everyone))


def _text(
    config: CompanyConfig, tables: Tables, made: Mapping[str, pd.DataFrame], material: Material, found: Learnt
) -> str:
    """Return the whole report; a part of its own is one more entry of the list."""
    from cxml.predictive.measures import RetentionCosts
    from cxml.report.drivers_text import drivers_text
    from cxml.report.evaluation_text import ContactCosts, amounts_text, model_text
    from cxml.report.nps_text import nps_text

    used, published = material.costs or RetentionCosts(), material.costs is None
    contact = ContactCosts(used.clv, used.offer, used.contact, used.accepted, config.currency, published=published)
    parts = [f"{config.company}: how good its models are on rows that they have not seen, data as of {tables.as_of:%F}"]
    for name, evaluation in found.evaluations.items():
        of_model = {frame: made[frame][made[frame][c.MODEL] == name] for frame in _OF_MODEL}
        how = f"{evaluation.n_train:,} rows to learn from, judged on {evaluation.n_test:,} {evaluation.how}"
        if evaluation.n_effective is not None:
            how += f"; weighted by who answers, worth {evaluation.n_effective:,.0f} to learn from"
        if name in found.models:
            parts.append(model_text(name, how, **of_model, costs=contact if name == RENEWAL else None))
            parts.append("\n".join([str(evaluation.verdict), *(f"leak? {alarm}" for alarm in found.alarms[name])]))
        else:
            parts.append(amounts_text(name, how, of_model["measures"]))
    if found.answering is not None:
        parts.append(f"NPS of all customers\n\n{nps_text(made['nps'], found.answering.known)}")
    if len(made["drivers"]):
        parts.append(drivers_text(made["drivers"]))
    return "\n\n".join(parts)


def _written(made: Mapping[str, pd.DataFrame], folder: Path, file_format: Format) -> tuple[Path, ...]:
    from cxml.sinks.files import write_frame

    return tuple(write_frame(frame, folder / f"{name}.{file_format}") for name, frame in made.items())


def _drawn(made: Mapping[str, pd.DataFrame], path: Path) -> Path:
    from cxml.report.evaluation_pictures import evaluation_picture
    from cxml.sinks.picture_files import write_picture

    return write_picture(evaluation_picture(made["bins"], made["gains"], made["reliability"]), path)
