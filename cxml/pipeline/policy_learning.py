"""The loop closed: outcomes recorded as they mature, effects learnt anew from the log, and what to explore next."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, TrainingError, UnseenCategoryWarning
from cxml.pipeline import plan
from cxml.pipeline.effects import ACTED, effects_frame, effects_of, evidence_of, why_no_evidence
from cxml.pipeline.feature_rows import feature_rows
from cxml.pipeline.outcomes import Matured, mature_outcomes
from cxml.pipeline.policy_features import policy_frame, told_by
from cxml.pipeline.scoring import as_configured, everyone_at
from cxml.pipeline.trained import read_as_trained
from cxml.predict import Predictor
from cxml.prescriptive.exploration_plan import exploration_plan
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.policy_frames import EXPLORATION

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.uplift.effect import Effect


@dataclass(frozen=True)
class PolicyLearnt:
    """What the loop learnt.

    ``matured`` says which outcomes were recorded; ``effects`` is an EFFECTS frame of what each action changes, with
    what the bundle said before; ``exploration`` an EXPLORATION frame of where the next run would explore, and at what
    cost. ``model_version`` is that of the bundle with the new effects.
    """

    matured: Matured
    effects: pd.DataFrame
    exploration: pd.DataFrame
    model_version: str
    text: str


def learn_policy(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    by: str | None = None,
    step: plan.Step = plan.quiet,
) -> PolicyLearnt:
    """Record what came of past decisions, learn from it anew what each action changes, and say where to explore next.

    The effects in the company's bundle are replaced; its models stay. The next `score` decides on them.

    Parameters
    ----------
    config : CompanyConfig
    frames, models, step : as for `score`
    by : column of the features whose groups the exploration is told of; by default that of the policy's
        ``exploration: {by: ...}``, or ``segment``, where it is there

    Raises
    ------
    ConfigError
        If there is no policy, or ``by`` is no feature.
    TrainingError
        If there is no log of decisions with known outcomes; the bundle is as it was then.
    """
    from cxml.predictive.bundle import save_bundle
    from cxml.report.policy_learnt_text import policy_learnt_text

    if config.policy is None:
        raise ConfigError("policy: the config has none. Write one and name it under `policy:`.")
    with step("record what came of decisions"):
        matured = mature_outcomes(config, frames=frames, models=models)
    with step("check tables"):
        predictor, tables, features = read_as_trained(config, models, frames)
    with step("learn what actions change"):
        effects = _learnt(config, tables, predictor, features)
        before = predictor.bundle.effects
        bundle = replace(predictor.bundle, effects=effects)
    with step("see where to explore"):
        now = as_configured(config, Predictor(bundle), tables, features)
        exploration = _exploration(config, tables, now, features, by)
    with step("save the bundle"):
        version = save_bundle(bundle, plan.bundle_path(config, models))
    frame = effects_frame(effects, before)
    title = f"{config.company}: what actions change, learnt from the log up to {tables.moment:%Y-%m-%d}"
    text = policy_learnt_text(title, matured.text, frame, exploration, currency=config.currency, version=version)
    return PolicyLearnt(matured, frame, exploration, version, text)


def _learnt(
    config: CompanyConfig, tables: Tables, predictor: Predictor, features: Sequence[Feature]
) -> tuple[Effect, ...]:
    evidence = evidence_of(config, tables)
    if evidence is None:
        raise TrainingError(f"policy: nothing can be learnt yet: {why_no_evidence(config, tables)}")
    rows = feature_rows(config, tables, features, {ACTED: evidence.rows})[ACTED]
    return effects_of(config, evidence, rows, predictor.bundle.encoding)


def _exploration(
    config: CompanyConfig, tables: Tables, predictor: Predictor, features: Sequence[Feature], by: str | None
) -> pd.DataFrame:
    """Return the EXPLORATION frame: a row for each group and option that would be tried."""
    import pandas as pd

    policy = predictor.policy
    if config.policy is None or policy is None:
        raise AssertionError("a config with a policy has one")
    frame = policy_frame(config, tables, features, everyone_at(tables, tables.moment))
    group = told_by(frame, by, config.policy.exploration.by)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenCategoryWarning)  # scoring tells of them
        customers, moments, columns = predictor.seen(frame)
    found = exploration_plan(policy, columns, customers, moments)
    groups = np.full(len(frame), c.ALL, dtype=object)
    if group is not None:
        groups = frame[group].astype(object).where(frame[group].notna(), "unknown").map(str).to_numpy(object)
    rows = [
        {
            c.GROUP: name,
            c.ACTION: option.action,
            c.N_CUSTOMERS: float((groups == name).sum()),
            c.EXPLORED: float(found.share[groups == name].sum()),
            c.N: float(found.tried[groups == name, j].sum()),
            c.COST: float(found.lost[groups == name].sum()),
        }
        for name in sorted(set(groups))
        for j, option in enumerate(policy.options)
    ]
    table = pd.DataFrame(rows)
    told = [c.GROUP, c.ACTION, c.N_CUSTOMERS, c.EXPLORED, c.COST]
    return checked_frame(table.groupby(told, sort=False)[c.N].sum().reset_index(), EXPLORATION)
