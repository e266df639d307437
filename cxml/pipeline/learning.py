"""What training and evaluation have in common: from checked tables to models that were judged on the unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.descriptive.sources import Tables
from cxml.pipeline import plan
from cxml.pipeline.alarms import alarms_of
from cxml.pipeline.answering import Answering, answering, response_fit, weights_of
from cxml.pipeline.effects import ACTED, Evidence, effects_of, evidence_of
from cxml.pipeline.feature_rows import feature_rows
from cxml.pipeline.policy_features import policy_of
from cxml.predict import NPS, RENEWAL
from cxml.prescriptive.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.alarms import Alarm
    from cxml.predictive.bundle import Bundle, ValueModel
    from cxml.predictive.encoding import Encoding
    from cxml.predictive.evaluation import Evaluation
    from cxml.predictive.measures import RetentionCosts
    from cxml.predictive.ordinal import OrdinalClassifier
    from cxml.predictive.uplift.effect import Effect

REPEATS = 2
"""Of the folds of a snapshot, which has no future to be judged on."""


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to learn from, complete: nothing about the tables or the config can fail from here on.

    Attributes
    ----------
    planned : labels, splits and features
    kinds : of each feature
    rows : the FEATURES frame of each label, of the same rows in the same order
    evidence, acted : what the log of actions tells, and the FEATURES frame of its ``rows``; None without one
    policy, value : compiled; None where the config has none
    costs : of contacting a customer at risk; None where the config does not say
    """

    planned: plan.Plan
    kinds: Mapping[str, Any]
    rows: Mapping[str, pd.DataFrame]
    evidence: Evidence | None
    acted: pd.DataFrame | None
    policy: Policy | None
    value: list[Any] | None
    costs: RetentionCosts | None


@dataclass(frozen=True, eq=False)
class Learnt:
    """Models that were judged on rows they had not seen, then fitted on every row.

    Attributes
    ----------
    models : the classifier of each label of classes, with a signal or without
    evaluations : of each model, that of the value too
    alarms : for each label of classes, the suspected leaks
    answering : who was asked and who answered; None without a label of NPS
    p_answer : array of shape (n_rows of ``answering``,); None with it
    bundle : the models with a signal, ready to score or to be saved; None where there is none
    """

    models: Mapping[str, OrdinalClassifier]
    evaluations: Mapping[str, Evaluation]
    alarms: Mapping[str, tuple[Alarm, ...]]
    answering: Answering | None
    p_answer: NDArray[np.float64] | None
    bundle: Bundle | None


def material_of(config: CompanyConfig, tables: Tables, planned: plan.Plan) -> Material:
    """Return what a company's models learn from, or raise what its features, policy, value or costs do not allow."""
    kinds = plan.kinds_of(planned.features, tables)
    policy, value = policy_of(config, tables, planned.features, kinds), plan.value_of(config, kinds)
    evidence = evidence_of(config, tables)
    asked = planned.labels | planned.amounts | ({} if evidence is None else {ACTED: evidence.rows})
    rows = feature_rows(config, tables, planned.features, asked)
    acted = rows.pop(ACTED, None)
    return Material(planned, kinds, rows, evidence, acted, policy, value, plan.costs_of(config, value, rows))


def learnt(
    config: CompanyConfig, tables: Tables, material: Material, *, repeats: int = REPEATS, step: plan.Step = plan.quiet
) -> Learnt:
    """Weigh the answers by who answers, look for leaks, and fit and judge every model.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    material : of these
    repeats : of the folds of a snapshot
    step : called with the name of each step; gives a context manager that the step runs in

    Raises
    ------
    TrainingError
        If there is too little to learn from, or the future is of one class.
    """
    from cxml.predictive.evaluation import folds_evaluation, future_evaluation
    from cxml.predictive.value_evaluation import value_evaluation

    planned, rows, costs = material.planned, material.rows, material.costs
    of, p_answer, weights = None, None, {}
    if NPS in planned.labels:
        with step("find who answers"):
            of = answering(config, tables)
            p_answer = response_fit(config, of)
            weights[NPS] = weights_of(of, p_answer).values
    with step("look for leaks"):
        alarms = alarms_of(config, tables, rows, planned.labels, planned.splits, planned.features)
    models, evaluations, valued, encoding = {}, {}, None, None
    for name, labels in planned.labels.items():
        with step(f"train and evaluate the {name} model"):
            model, split = plan.classifier(config, name), planned.splits.get(name)
            examples = plan.examples_of(rows[name], labels, weights.get(name))
            evaluations[name] = (
                future_evaluation(model, examples, split, costs=costs)
                if split
                else folds_evaluation(model, examples, repeats=repeats, costs=costs)
            )
            models[name], encoding = model, model.encoding_
    for name, amounts in planned.amounts.items():
        with step(f"train and evaluate the {name} model"):
            regressor = plan.value_regressor(config)
            examples = plan.examples_of(rows[name], amounts)
            evaluations[name] = value_evaluation(regressor, examples, planned.splits.get(name))
            valued, encoding = value_model_of(config, material, regressor.customer_value_), regressor.encoding_
    effects: tuple[Effect, ...] = ()
    if encoding is not None and material.evidence is not None and material.acted is not None:
        with step("learn what actions change"):
            effects = effects_of(config, material.evidence, material.acted, encoding)
    fitted = None if encoding is None else Fitted(encoding, models, valued, effects)
    bundle = None if fitted is None else bundle_of(config, material, fitted, evaluations, alarms)
    return Learnt(models, evaluations, alarms, of, p_answer, bundle)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was fitted, in columns of one encoding: models of classes, what tells the value, effects of actions."""

    encoding: Encoding
    models: Mapping[str, OrdinalClassifier]
    valued: ValueModel | None
    effects: tuple[Effect, ...]


def value_model_of(config: CompanyConfig, material: Material, members: Any) -> ValueModel:
    """Return the fitted members of the value model with for whom they speak."""
    from cxml.predictive.bundle import ValueModel

    assert config.labels.value is not None
    applies = plan.value_applies(config, material.planned.features, material.kinds)
    return ValueModel(members, applies, config.labels.value.question())


def bundle_of(
    config: CompanyConfig,
    material: Material,
    found: Fitted,
    evaluations: Mapping[str, Evaluation] | None = None,
    alarms: Mapping[str, tuple[Alarm, ...]] | None = None,
) -> Bundle | None:
    """Return what was fitted as a bundle, without the models of which it was seen that they have no signal.

    None where nothing is left.
    """
    from cxml.predictive.bundle import Bundle, Model
    from cxml.predictive.health import HealthWeights
    from cxml.predictive.profile import profiles

    features, evaluations, alarms = material.planned.features, evaluations or {}, alarms or {}
    applies = {RENEWAL: plan.renewal_applies(config, features, material.kinds)}
    fitted = {
        name: Model(model.heads_, applies.get(name), getattr(config.labels, name).question())
        for name, model in found.models.items()
        if name not in evaluations or (verdict := evaluations[name].verdict) is None or verdict.has_signal
    }
    if not fitted and found.valued is None:
        return None
    return Bundle(
        company=config.company,
        currency=config.currency,
        encoding=found.encoding,
        features=tuple(feature.model_dump(exclude_none=True) for feature in features),
        profiles=profiles(list(material.rows.values())),
        models=fitted,
        health=HealthWeights(config.health.renewal, config.health.advocacy),
        value=material.value,
        policy=material.policy.to_json() if material.policy else None,
        evaluation={
            name: {**evaluation.to_json(), "alarms": [alarm.to_json() for alarm in alarms.get(name, ())]}
            for name, evaluation in evaluations.items()
        },
        value_model=found.valued,
        effects=found.effects,
    )
