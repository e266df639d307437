"""Where the layers meet for a whole company: check, train, score, and the demo that does it all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxml.conditions import parse
from cxml.conditions.tree import columns as named_columns
from cxml.config.company import CompanyConfig
from cxml.config.features import Aggregate, Contract, Feature
from cxml.config.load import example_config, load_config
from cxml.descriptive.algebra import feature_kind, feature_sql
from cxml.descriptive.defaults import features_of
from cxml.descriptive.features import customers_at, feature_frame
from cxml.descriptive.indicators import nps
from cxml.descriptive.labels import LABEL, nps_labels, renewal_labels, trainable
from cxml.descriptive.sources import Tables, inspected_tables, read_tables
from cxml.errors import BundleError, ConfigError, UnseenCategoryWarning
from cxml.predict import NPS, RENEWAL, Predictor, load
from cxml.prescriptive.policy import Policy, compiled_policy, contacts_feature
from cxml.report.summary import NpsFigure, summary
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import PREDICTIONS, RECOMMENDATIONS
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.evaluation import Evaluation
    from cxml.predictive.tracking import Run

Frames = Mapping[str, "pd.DataFrame"]
Step = Callable[[str], AbstractContextManager[Any]]
_DAYS_TO_END: Final = "contract_days_to_end"
_REASONS: Final = 3


def _quiet(_: str) -> AbstractContextManager[Any]:
    return nullcontext()


@dataclass(frozen=True)
class Trained:
    """What training left behind: the bundle, how its models did on what they had not seen, and the MLflow run."""

    bundle: Path
    model_version: str
    n_features: int
    evaluations: Mapping[str, Evaluation]
    run: Run
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """What scoring gave: both frames, the files they were written to, and the summary for people."""

    predictions: pd.DataFrame
    recommendations: pd.DataFrame | None
    written: tuple[Path, ...]
    summary: str
    warnings: tuple[str, ...]


def bundle_path(config: CompanyConfig, models: str | Path) -> Path:
    """Return where the bundle of a company stands in the models folder."""
    return Path(models) / config.company / "bundle"


def check(config: CompanyConfig, *, frames: Frames | None = None) -> Tables:
    """Read a company's tables and report what was found and every fault; see `Tables.reports`.

    Labels and policy are tried too where the tables are whole: a fault of theirs is raised.
    """
    tables = inspected_tables(config, frames)
    if not tables.faults:
        _labels(config, tables)
        features = _features(config, tables, until=None)
        _policy(config, _kinds(features, tables))
    return tables


def train(
    config: CompanyConfig, *, frames: Frames | None = None, models: str | Path = "models", step: Step = _quiet
) -> Trained:
    """Train a company's models, judge them on what they have not seen, and save the bundle.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from table name to DataFrame, optional
        Tables handed over in Python, in place of the paths of the config.
    models : folder of bundles and of the MLflow store
    step : called with the name of each step; gives a context manager that the step runs in

    Returns
    -------
    Trained

    Raises
    ------
    CxmlError
        If tables, labels, features or policy do not allow it; nothing is written then.
    """
    from cxml.predictive.bundle import Bundle, Model, save_bundle
    from cxml.predictive.encoding import common_levels
    from cxml.predictive.evaluation import folds_evaluation, future_evaluation
    from cxml.predictive.health import HealthWeights
    from cxml.predictive.models import NpsClassifier, RenewalClassifier
    from cxml.predictive.profile import profiles
    from cxml.predictive.splits import future_split
    from cxml.predictive.tracking import tracked_run

    models = Path(models)
    with step("check tables"):
        tables = read_tables(config, frames)
        labels = _labels(config, tables)
        splits = {
            name: None
            if _is_snapshot(config, name)
            else future_split(frame, test_share=config.models.test_share, label=name)
            for name, frame in labels.items()
        }
    with step("build features"):
        until = min((split.cutoff.item() for split in splits.values() if split), default=None)
        features = _features(config, tables, until=until)
        kinds = _kinds(features, tables)
        policy, value, applies = _policy(config, kinds), _value(config, kinds), _applies(config, kinds)
        rows = common_levels({name: feature_frame(tables, features, frame) for name, frame in labels.items()})
    fitted, evaluations = {}, {}
    for name, frame in labels.items():
        with step(f"train and evaluate the {name} model"):
            estimator = (NpsClassifier if name == NPS else RenewalClassifier)(
                learning_rate=config.models.learning_rate,
                num_leaves=config.models.num_leaves,
                max_trees=config.models.max_trees,
                random_state=config.random_state,
            )
            X, y, customers = rows[name].drop(columns=list(c.KEY)), frame[LABEL], frame[c.CUSTOMER_ID]
            split = splits[name]
            evaluations[name] = (
                future_evaluation(estimator, X, y, customers, split)
                if split
                else folds_evaluation(estimator, X, y, customers)
            )
            text = estimator.model_text_.encode()
            fitted[name] = Model(text, estimator.temperature_, applies if name == RENEWAL else None)
            encoding = estimator.encoding_
    with step("save the bundle"):
        path = bundle_path(config, models)
        bundle = Bundle(
            company=config.company,
            currency=config.currency,
            encoding=encoding,
            features=tuple(feature.model_dump(exclude_none=True) for feature in features),
            profiles=profiles(list(rows.values())),
            models=fitted,
            health=HealthWeights(config.health.renewal, config.health.advocacy),
            value=value,
            policy=policy.to_json() if policy else None,
            evaluation={name: asdict(evaluation) for name, evaluation in evaluations.items()},
        )
        model_version = save_bundle(bundle, path)
    with step("log the run"):
        run = tracked_run(
            config.company,
            path,
            models=models,
            parameters={**config.models.model_dump(), "random_state": config.random_state, "n_features": len(features)},
            evaluations=evaluations,
            tags={"model_version": model_version, "data_fingerprint": tables.fingerprint},
            config=config.model_dump(mode="json"),
        )
    return Trained(path, model_version, len(features), evaluations, run, tables.warnings)


def score(
    config: CompanyConfig,
    *,
    frames: Frames | None = None,
    models: str | Path = "models",
    as_of: datetime | None = None,
    to: str | Path | None = None,
    step: Step = _quiet,
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
    from pydantic import TypeAdapter

    from cxml.sinks.files import writable_path, write_frame

    target = writable_path(to or Path(models) / config.company / "recommendations.parquet")
    with step("check tables"):
        predictor = load(bundle_path(config, models))
        if predictor.bundle.company != config.company:
            raise BundleError(
                f"{bundle_path(config, models)}: is of company {predictor.bundle.company!r}. Train again."
            )
        tables = read_tables(config, frames)
        moment = _moment(tables, as_of)
        features = TypeAdapter(tuple[Feature, ...]).validate_python(predictor.bundle.features)
        levels = predictor.bundle.encoding.levels
        kinds: dict[str, Kind] = {name: "category" if name in levels else "number" for name in predictor.features}
        policy = _policy(config, kinds)
        predictor = Predictor(predictor.bundle, policy)
    with step("build features"):
        frame = feature_frame(tables, features, customers_at(tables, moment))
    recommendations = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnseenCategoryWarning)
        with step("predict"):
            predictions = checked_frame(predictor.predict(frame, reasons=_REASONS), PREDICTIONS)
        if policy:
            with step("recommend"):
                found = predictor.recommend(frame, predictions=predictions)
                recommendations = checked_frame(found, RECOMMENDATIONS)
    notes = [*tables.warnings, *(str(w.message) for w in caught if w.category is UnseenCategoryWarning)]
    notes += _silent_rules(config, predictor)
    with step("write"):
        if recommendations is not None:
            written = (
                write_frame(predictions, target.with_name(f"predictions{target.suffix}")),
                write_frame(recommendations, target),
            )
        else:
            written = (write_frame(predictions, target.with_name(f"predictions{target.suffix}")),)
    title = (
        f"{config.company}: {len(frame):,} customers as of {moment:%Y-%m-%d}, model {predictor.bundle.model_version}"
    )
    text = summary(
        title, predictions, recommendations, currency=config.currency, answered=_answered_nps(tables, moment)
    )
    return Scored(predictions, recommendations, written, text, tuple(notes))


def feature_query(config: CompanyConfig, *, frames: Frames | None = None) -> tuple[Sequence[Feature], str]:
    """Return the features of a company and the DuckDB SQL that computes them for the rows of a table ``spine``."""
    tables = read_tables(config, frames)
    features = _features(config, tables, until=None)
    return features, feature_sql(features, tables.kinds)


def _is_snapshot(config: CompanyConfig, name: str) -> bool:
    label = getattr(config.labels, name)
    return label is not None and label.column is not None


def _labels(config: CompanyConfig, tables: Tables) -> dict[str, pd.DataFrame]:
    found = {}
    if config.labels.nps:
        found[NPS] = nps_labels(tables, config.labels.nps)
    if config.labels.renewal:
        found[RENEWAL] = renewal_labels(tables, config.labels.renewal)
    return {name: trainable(labels, name) for name, labels in found.items()}


def _features(config: CompanyConfig, tables: Tables, *, until: datetime | None) -> tuple[Feature, ...]:
    """Return the company's features, with those that the models and the policy cannot do without."""
    features = {feature.name: feature for feature in features_of(config, tables, until=until)}
    if config.labels.renewal and not config.labels.renewal.column:
        features.setdefault(_DAYS_TO_END, Contract(name=_DAYS_TO_END, measure="days_to_end"))
    if config.policy and config.policy.contact_policy and "actions" in tables:
        name, days = str(contacts_feature(config.policy)), config.policy.contact_policy.window_days
        where = f"{c.ACTION} <> '{c.NO_ACTION}'"
        features[name] = Aggregate(name=name, table="actions", aggregate="count", where=where, window_days=days)
    return tuple(features.values())


def _kinds(features: Sequence[Feature], tables: Tables) -> dict[str, Kind]:
    return {feature.name: feature_kind(feature, tables.kinds) for feature in features}


def _policy(config: CompanyConfig, kinds: Mapping[str, Kind]) -> Policy | None:
    if config.policy is None:
        return None
    return compiled_policy(config.policy, kinds, has_value=config.value is not None)


def _value(config: CompanyConfig, kinds: Mapping[str, Kind]) -> list[Any] | None:
    return None if config.value is None else parse.number(config.value, kinds, where="value").tree


def _applies(config: CompanyConfig, kinds: Mapping[str, Kind]) -> list[Any] | None:
    """Return for whom the renewal model speaks: customers whose contract ends after the gap, within the horizon."""
    label = config.labels.renewal
    if label is None or label.column is not None:
        return None
    at_risk = f"{_DAYS_TO_END} > {label.gap_days} AND {_DAYS_TO_END} <= {label.gap_days + label.horizon_days}"
    return parse.condition(at_risk, kinds, where="labels.renewal").tree


def _moment(tables: Tables, as_of: datetime | None) -> datetime:
    """Return the moment to score at, naive UTC."""
    if as_of is not None:
        if as_of.tzinfo is None:
            raise ConfigError(f"as_of must carry a zone; {as_of} does not. Write it as 2024-05-31T00:00:00Z.")
        return as_of.astimezone(UTC).replace(tzinfo=None)
    if tables.as_of is None:
        raise ConfigError(
            "as_of: must be set; no table has times. Say when the snapshot was taken, such as `as_of: 2024-01-01`."
        )
    return tables.as_of


def _silent_rules(config: CompanyConfig, predictor: Predictor) -> list[str]:
    """Return a note for each action whose rule names predictions that this company has no model for."""
    if predictor.policy is None:
        return []
    of_model = {NPS: {*c.P_NPS, c.NPS_CLASS}, RENEWAL: {c.RENEWAL_RISK}}
    notes = []
    for name, columns in of_model.items():
        named = [
            action.name
            for action in predictor.policy.actions
            if name not in predictor.bundle.models and columns & set(named_columns(action.eligibility or []))
        ]
        if named:
            notes.append(
                f"policy: {len(named)} rules name predictions of the {name} model, which {config.company} does not have; "
                f"they never fire (first: {named[0]!r})."
            )
    return notes


def _answered_nps(tables: Tables, moment: datetime) -> NpsFigure | None:
    """Return the NPS of the answers of the year before a moment; None without any."""
    if "surveys" not in tables:
        return None
    counts = tables.con.execute(f"""
        SELECT count(*) FILTER ({c.SCORE} <= 6), count(*) FILTER ({c.SCORE} BETWEEN 7 AND 8), count(*) FILTER ({c.SCORE} >= 9)
        FROM surveys WHERE {c.INSTRUMENT} = 'nps' AND {c.RESPONSE_TIME} < TIMESTAMP '{moment}'
            AND {c.RESPONSE_TIME} >= TIMESTAMP '{moment}' - INTERVAL 365 DAY
    """).fetchall()[0]  # fmt: skip
    if not sum(counts):
        return None
    figure = nps(*counts)
    return NpsFigure(f"{figure.n:,} answers of the last 365 days", figure.value, figure.low, figure.high)


def demo(
    models: str | Path = "models", *, n_customers: int = 4_000, random_state: int = 0, step: Step = _quiet
) -> tuple[Trained, Scored]:
    """Do the main job on the sample company: simulate, check, train, evaluate, save, score, recommend, write.

    Parameters
    ----------
    models : folder that everything is written to, under ``sample/``
    n_customers, random_state : of the simulation
    step : as for `train`

    Returns
    -------
    (Trained, Scored)
    """
    from cxml.simulate import simulate
    from cxml.sinks.files import write_frame

    config = load_config(example_config("sample.yaml"))
    with step("simulate the sample company"):
        sample = simulate(n_customers, random_state=random_state)
        for name, frame in sample.tables.items():
            write_frame(frame, Path(models) / config.company / "tables" / f"{name}.parquet")
    trained = train(config, frames=sample.tables, models=models, step=step)
    return trained, score(config, frames=sample.tables, models=models, step=step)
