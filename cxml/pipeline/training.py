"""Train a company's models: tables to labels and features, models judged on the unseen, a bundle, an MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables
from cxml.pipeline import plan
from cxml.pipeline.alarms import alarms_of
from cxml.pipeline.answering import answer_weights
from cxml.predict import NPS, RENEWAL, VALUE

if TYPE_CHECKING:
    from cxml.predictive.alarms import Alarm
    from cxml.predictive.evaluation import Evaluation
    from cxml.predictive.tracking import Run


@dataclass(frozen=True)
class Trained:
    """What training left behind: the bundle, how its models did on what they had not seen, and the MLflow run.

    A model without a signal is not in the bundle; where none has any, there is no bundle and ``bundle`` is None.
    """

    bundle: Path | None
    model_version: str
    n_features: int
    evaluations: Mapping[str, Evaluation]
    run: Run
    warnings: tuple[str, ...]
    alarms: Mapping[str, tuple[Alarm, ...]] = field(default_factory=dict)


def train(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    step: plan.Step = plan.quiet,
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
    from cxml.predictive.bundle import Bundle, Model, ValueModel, save_bundle
    from cxml.predictive.encoding import common_levels
    from cxml.predictive.evaluation import folds_evaluation, future_evaluation
    from cxml.predictive.health import HealthWeights
    from cxml.predictive.profile import profiles
    from cxml.predictive.tracking import tracked_run
    from cxml.predictive.value_evaluation import value_evaluation

    models = Path(models)
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
        labels, splits, features = planned.labels, planned.splits, planned.features
        asked = labels | planned.amounts
    with step("build features"):
        kinds = plan.kinds_of(features, tables)
        policy, value = plan.policy_of(config, kinds), plan.value_of(config, kinds)
        applies = plan.renewal_applies(config, features, kinds)
        rows = common_levels({name: feature_frame(tables, features, frame) for name, frame in asked.items()})
        costs = plan.costs_of(config, value, rows)
    with step("find who answers"):
        weights = {NPS: answer_weights(config, tables).values} if NPS in labels else {}
    with step("look for leaks"):
        alarms = alarms_of(config, tables, rows, labels, splits)
    fitted, evaluations = {}, {}
    for name, frame in labels.items():
        with step(f"train and evaluate the {name} model"):
            estimator = plan.classifier(config, name)
            examples = plan.examples_of(rows[name], frame, weights.get(name))
            split = splits.get(name)
            evaluations[name] = (
                future_evaluation(estimator, examples, split, costs=costs)
                if split
                else folds_evaluation(estimator, examples, costs=costs)
            )
            if (found := evaluations[name].verdict) is None or found.has_signal:
                question = getattr(config.labels, name).question()
                fitted[name] = Model(estimator.heads_, applies if name == RENEWAL else None, question)
            encoding = estimator.encoding_
    valued = None
    if VALUE in asked and (question_of := config.labels.value):
        with step("train and evaluate the value model"):
            regressor = plan.value_regressor(config)
            examples = plan.examples_of(rows[VALUE], asked[VALUE])
            evaluations[VALUE] = value_evaluation(regressor, examples, splits.get(VALUE))
            applies = plan.value_applies(config, features, kinds)
            valued = ValueModel(regressor.customer_value_, applies, question_of.question())
            encoding = regressor.encoding_
    path, model_version = None, "no signal"
    if fitted or valued:
        with step("save the bundle"):
            path = plan.bundle_path(config, models)
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
                evaluation={
                    name: {**evaluation.to_json(), "alarms": [alarm.to_json() for alarm in alarms.get(name, ())]}
                    for name, evaluation in evaluations.items()
                },
                value_model=valued,
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
    return Trained(path, model_version, len(features), evaluations, run, tables.warnings, alarms)
