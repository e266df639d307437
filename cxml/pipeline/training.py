"""Train a company's models: tables to labels and features, models judged on the unseen, a bundle, an MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.descriptive.sources import read_tables
from cxml.pipeline import plan
from cxml.pipeline.learning import learnt, material_of

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
        If tables, labels, features, policy or what stands in ``models`` do not allow it; nothing is written then.
    """
    from cxml.predictive.bundle import save_bundle, writable_bundle
    from cxml.predictive.tracking import tracked_run

    models = Path(models)
    path = writable_bundle(plan.bundle_path(config, models))
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
    with step("build features"):
        material = material_of(config, tables, planned)
    found = learnt(config, tables, material, step=step)
    saved, model_version = None, "no signal"
    if found.bundle is not None:
        with step("save the bundle"):
            model_version, saved = save_bundle(found.bundle, path), path
    n_features = len(planned.features)
    with step("log the run"):
        run = tracked_run(
            config.company,
            saved,
            models=models,
            parameters={**config.models.model_dump(), "random_state": config.random_state, "n_features": n_features},
            evaluations=found.evaluations,
            tags={"model_version": model_version, "data_fingerprint": tables.fingerprint},
            config=config.model_dump(mode="json"),
        )
    return Trained(saved, model_version, n_features, found.evaluations, run, tables.warnings, found.alarms)
