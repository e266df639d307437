"""Train a company's models: tables to labels and features, models judged on the unseen, a bundle, an MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.pipeline import plan
from cxml.pipeline.effects import effects_frame, nothing_learnt
from cxml.pipeline.learning import learnt, material_of
from cxml.pipeline.reading import read_tables

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.alarms import Alarm
    from cxml.predictive.evaluation import Evaluation
    from cxml.predictive.tracking import Run

_SHOWN: Final = (
    "auc",
    "log_loss",
    "rps",
    "lift_at_10_percent",
    "ece",
    "base_log_loss",
    "mae",
    "spearman",
    "total_ratio",
    "top_tenth",
    "base_mae",
)  # `cxml evaluate` prints them all


@dataclass(frozen=True)
class Trained:
    """What training left behind: the bundle, how its models did on what they had not seen, and the MLflow run.

    A model without a signal is not in the bundle; where none has any, there is no bundle and ``bundle`` is None.
    ``effects`` is an EFFECTS frame: what each action of the log was found to change; None without a log.
    """

    bundle: Path | None
    model_version: str
    n_features: int
    evaluations: Mapping[str, Evaluation]
    run: Run
    warnings: tuple[str, ...]
    alarms: Mapping[str, tuple[Alarm, ...]] = field(default_factory=dict)
    effects: pd.DataFrame | None = None
    currency: str = ""

    @property
    def text(self) -> str:
        """The main figures of each model with their intervals, its verdict and alarms, and where everything is."""
        lines = []
        for name, evaluation in self.evaluations.items():
            worth = evaluation.n_effective
            weighted = "" if worth is None else f" (weighted by who answers: worth {worth:,.0f})"
            lines.append(
                f"{name}: {evaluation.n_train:,} rows to learn from{weighted}, "
                f"judged on {evaluation.n_test:,} {evaluation.how}"
            )
            shown = [evaluation.by_name[measure] for measure in _SHOWN if measure in evaluation.by_name]
            lines.append("    " + ", ".join(map(str, shown)))
            if (verdict := evaluation.verdict) is not None and not verdict.has_signal:
                lines.append(f"    {verdict}")
            lines += [f"    leak? {alarm}" for alarm in self.alarms.get(name, ())]
        if any(self.alarms.values()):
            lines.append("    What was known in time after all is listed in the config: `alarms: {allow: [NAME]}`.")
        if self.effects is not None:
            from cxml.report.effects_text import effects_lines

            lines += ["effects of actions, against doing nothing", *effects_lines(self.effects, currency=self.currency)]
        lines.append(
            f"bundle {self.bundle}, model {self.model_version}, {self.n_features} features"
            if self.bundle
            else "no bundle was saved: no model has a signal"
        )
        run = self.run
        where = (
            f"run {run.run_id} in {run.tracking_uri}"
            if run.run_id
            else f"no run was logged: {run.problem} ({run.tracking_uri})"
        )
        return "\n".join([*lines, f"MLflow: {where}", *(f"warning: {warning}" for warning in self.warnings)])


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
    effects = effects_frame(found.bundle.effects) if found.bundle is not None and found.bundle.effects else None
    return Trained(
        saved,
        model_version,
        n_features,
        found.evaluations,
        run,
        (*tables.warnings, *(material.evidence.doubts if material.evidence else nothing_learnt(config, tables))),
        found.alarms,
        effects,
        config.currency,
    )
