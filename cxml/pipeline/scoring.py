"""Score every customer of a company: features as of a moment, predictions, an action each, two files, a summary."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.conditions.tree import columns as named_columns
from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.config.labels import NpsLabel
from cxml.descriptive.features import customers_at
from cxml.descriptive.indicators import indicator
from cxml.descriptive.intervals import sample_of
from cxml.descriptive.labels import answer_classes, answers_sql
from cxml.descriptive.sources import Tables, frame_of
from cxml.errors import ConfigError, UnseenCategoryWarning
from cxml.pipeline import plan
from cxml.pipeline.ledger import recorded
from cxml.pipeline.policy_features import policy_frame, policy_of, uncounted
from cxml.pipeline.trained import kinds_as_trained, read_as_trained
from cxml.predict import NPS, RENEWAL, VALUE, Predictor
from cxml.predictive.health import HealthWeights
from cxml.report.summary import NpsFigure, ValueFigure, customers, expected_value, summary
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated
from cxml.schema.check import checked_frame
from cxml.schema.frames import PREDICTIONS, RECOMMENDATIONS
from cxml.schema.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

_REASONS: Final = 3
# The longest window of the features that every company gets: further on, all of them would tell of nothing but silence.
_DAYS_AFTER: Final = 365
# What tells of the world, or of what the company did itself: a ledger may hold decisions from before any fact.
_OURS: Final = ("environment", "actions", "outcomes")


@dataclass(frozen=True)
class Scored:
    """What scoring gave: the three frames, the files they were written to, and the summary for people.

    ``features`` holds what the policy alone reads too. ``allocated`` tells how the limits of the policy were used; it
    is None where the policy has none.
    """

    features: pd.DataFrame
    predictions: pd.DataFrame
    recommendations: pd.DataFrame | None
    written: tuple[Path, ...]
    summary: str
    warnings: tuple[str, ...]
    allocated: Allocated | None = None


def score(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    as_of: datetime | None = None,
    to: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> Scored:
    """Score every customer of a company as of a moment, and recommend an action for each.

    Parameters
    ----------
    config : CompanyConfig
        Its policy is the one that decides, also where it changed since training.
    frames, models, step : as for `train`
    as_of : moment with a zone; by default that of the data
    to : file that the recommendations are written to (``.parquet`` or ``.csv``), the predictions beside it; by default
        ``recommendations.parquet`` in the company's models folder

    Returns
    -------
    Scored

    Raises
    ------
    CxmlError
        If the bundle, the tables or the policy do not allow it; nothing is written then.
    """
    from cxml.sinks.files import writable_path, write_frame

    target = writable_path(to or Path(models) / config.company / "recommendations.parquet")
    with step("check tables"):
        predictor, tables, features = read_as_trained(config, models, frames)
        moment, predictor = moment_of(tables, as_of), as_configured(config, predictor, tables, features)
    with step("build features"):
        everyone = everyone_at(tables, moment)
        frame = policy_frame(config, tables, features, everyone)
    recommendations, allocated = None, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnseenCategoryWarning)
        with step("predict"):
            predictions = checked_frame(predictor.predict(frame, reasons=_REASONS), PREDICTIONS)
        if predictor.policy:
            with step("recommend"):
                found, allocated = predictor.allocate(frame, predictions=predictions)
                recommendations = checked_frame(found, RECOMMENDATIONS)
    notes = [*tables.warnings, *(str(w.message) for w in caught if w.category is UnseenCategoryWarning)]
    notes += [*_silent_rules(config, predictor), *uncounted(config, tables)]
    if left := tables.reports[0].rows - len(everyone):
        notes.append(
            f"{left:,} of {tables.reports[0].rows:,} in customers are not customers at {moment:%Y-%m-%d}: not scored."
        )
    with step("write"):
        written = [write_frame(predictions, _beside(target))]
        if recommendations is not None:
            written.append(write_frame(recommendations, target))
            notes.append(recorded(config, recommendations, models))
    title = f"{config.company}: {customers(len(frame))} as of {moment:%Y-%m-%d}, model {predictor.bundle.model_version}"
    text = summary(
        title,
        predictions,
        recommendations,
        currency=config.currency,
        answered=_answered_nps(config, tables, moment),
        value=_expected_value(config, predictor, predictions),
        allocated=allocated,
    )
    return Scored(frame, predictions, recommendations, tuple(written), text, tuple(notes), allocated)


def as_configured(
    config: CompanyConfig, predictor: Predictor, tables: Tables, features: Sequence[Feature]
) -> Predictor:
    """Return the scorer with the policy, the value and the weights of health of the config, as they are today.

    Raises
    ------
    ConfigError
        If the config has changed in what only training can change.
    """
    kinds = kinds_as_trained(predictor)
    policy = policy_of(config, tables, features, kinds)
    _same_question(config, predictor)
    weights = HealthWeights(config.health.renewal, config.health.advocacy)
    bundle = replace(predictor.bundle, value=plan.value_of(config, kinds), health=weights)
    return Predictor(replace(bundle, policy=None) if policy is None else bundle, policy)


def _same_question(config: CompanyConfig, predictor: Predictor) -> None:
    """Refuse a config that has changed in what only training can change."""
    silent = {
        name
        for name, evaluation in predictor.bundle.evaluation.items()
        if not (evaluation.get("verdict") or {"has_signal": True})["has_signal"]
    }
    asked = {
        name: getattr(config.labels, name).question()
        for name in (NPS, RENEWAL, VALUE)
        if getattr(config.labels, name) and name not in silent
    }
    questions = {name: model.question or {} for name, model in predictor.bundle.models.items()}
    if (valued := predictor.bundle.value_model) is not None:
        questions[VALUE] = valued.question or {}
    if set(asked) != set(questions):
        raise ConfigError(
            f"labels: the bundle has models of {', '.join(sorted(questions))}, the config asks for others. Train again."
        )
    for name, question in asked.items():
        trained = questions[name]
        if changed := sorted(key for key in question.keys() | trained.keys() if question.get(key) != trained.get(key)):
            raise ConfigError(
                f"labels.{name}: is not what the bundle was trained for ({', '.join(changed)} changed). Train again."
            )


def _beside(target: Path) -> Path:
    """Return where the predictions go: beside the recommendations, under a name of their own."""
    stem = target.stem
    named = stem.replace("recommendations", "predictions") if "recommendations" in stem else f"{stem}_predictions"
    return target.with_name(named + target.suffix)


def moment_of(tables: Tables, as_of: datetime | None) -> datetime:
    """Return the moment to score at, naive UTC.

    Raises
    ------
    ConfigError
        If it has no zone, or lies where the tables tell nothing: before their first fact, or long after the last.
    """
    if as_of is None:
        return tables.moment
    if as_of.tzinfo is None:
        raise ConfigError(f"as_of must carry a zone; {as_of} does not. Write it as 2024-05-31T00:00:00Z.")
    moment, first, now = as_of.astimezone(UTC).replace(tzinfo=None), _first_fact(tables), tables.as_of
    if first is not None and now is not None and not first < moment <= now + timedelta(days=_DAYS_AFTER):
        raise ConfigError(
            f"as_of: must be after the first fact in the tables ({first:%Y-%m-%d}) and at most {_DAYS_AFTER} days "
            f"after the moment of the data ({now:%Y-%m-%d}); it is {moment:%Y-%m-%d}. Give another moment."
        )
    return moment


def everyone_at(tables: Tables, moment: datetime) -> pd.DataFrame:
    """Return everyone who is a customer at a moment; `cxml.descriptive.features.customers_at`.

    Raises
    ------
    ConfigError
        If nobody is.
    """
    everyone = customers_at(tables, moment)
    if everyone.empty:
        raise ConfigError(f"as_of: nobody in customers is a customer at {moment}. Give another moment.")
    return everyone


def _first_fact(tables: Tables) -> datetime | None:
    """Return the first time at which something happened, or somebody came; None where no table has such times."""
    times = [
        f"SELECT min({TABLES[name].time}) AS first FROM {name}"
        for name, columns in tables.kinds.items()
        if name in TABLES and name not in _OURS and TABLES[name].time in columns
    ]
    if not times:
        return None
    found: datetime | None = tables.con.execute(f"SELECT min(first) FROM ({' UNION ALL '.join(times)})").fetchall()[0][
        0
    ]
    return found


def _silent_rules(config: CompanyConfig, predictor: Predictor) -> list[str]:
    """Return a note for each action whose rule names predictions that this company has no model for."""
    if predictor.policy is None:
        return []
    of_model = {NPS: {*c.P_NPS, c.NPS_CLASS}, RENEWAL: {c.RENEWAL_RISK}}
    notes = []
    for name, columns in of_model.items():
        named = [
            option.label
            for option in predictor.policy.options
            if name not in predictor.bundle.models
            and any(columns & set(named_columns(tree)) for tree in option.conditions())
        ]
        if named:
            notes.append(
                f"policy: {len(named)} rules name predictions of the {name} model, which {config.company} does not "
                f"have; they never fire (first: {named[0]!r})."
            )
    return notes


def _answered_nps(config: CompanyConfig, tables: Tables, moment: datetime) -> NpsFigure | None:
    """Return the NPS of the answers of the year before a moment, in the classes of the label; None of too few."""
    if "surveys" not in tables:
        return None
    asked = config.labels.nps
    label = asked if asked and asked.column is None else NpsLabel()
    known = c.KNOWN_TIME if c.KNOWN_TIME in tables.kinds["surveys"] else c.RESPONSE_TIME
    answers = frame_of(tables, f"""
        SELECT {c.CUSTOMER_ID}, {c.SCORE}, {c.INSTRUMENT} FROM surveys
        WHERE {answers_sql(label)} AND {c.RESPONSE_TIME} >= TIMESTAMP '{moment}' - INTERVAL 365 DAY
            AND greatest({c.RESPONSE_TIME}, {known}) < TIMESTAMP '{moment}'
    """)  # fmt: skip
    if answers.empty:
        return None
    net = answer_classes(answers[c.SCORE], answers[c.INSTRUMENT], label).cat.codes - 1.0
    figure = indicator("nps", sample_of(net, answers[c.CUSTOMER_ID]))
    if isnan(figure.low):  # of a single customer no interval is known
        return None
    return NpsFigure(f"{figure.n:,} answers of the last 365 days", figure.value, figure.low, figure.high)


def _expected_value(config: CompanyConfig, predictor: Predictor, predictions: pd.DataFrame) -> ValueFigure | None:
    """Return the money to expect of all customers, as right as it was when the model was judged; None without one."""
    label, judged = config.labels.value, predictor.bundle.evaluation.get(VALUE)
    if label is None or judged is None:
        return None
    ratio = next(measure for measure in judged["measures"] if measure["name"] == "total_ratio")
    return expected_value(predictions, days=label.horizon_days, ratio=(ratio[c.VALUE], ratio[c.LOW], ratio[c.HIGH]))
