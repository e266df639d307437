"""Every training as an MLflow run: parameters, measures with intervals, bundle, config, fingerprint of the data."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import urlopen

from cxml.predictive.evaluation import Evaluation

_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Run:
    """An MLflow run; ``run_id`` is None where MLflow could not be reached, and ``problem`` says why."""

    tracking_uri: str
    run_id: str | None
    problem: str | None = None


def tracking_uri(models: Path) -> str:
    """Return ``MLFLOW_TRACKING_URI``, or a SQLite store in the models folder where that is not set."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(models / 'mlflow.db').resolve()}"


def tracked_run(
    experiment: str,
    bundle: Path | None,
    *,
    models: Path,
    parameters: Mapping[str, Any],
    evaluations: Mapping[str, Evaluation],
    tags: Mapping[str, str],
    config: Mapping[str, Any],
) -> Run:
    """Log a finished training as one MLflow run; training has ended well whether or not this succeeds.

    Parameters
    ----------
    experiment : the company
    bundle : directory of the bundle; None where no model has a signal
    models : the models folder, where runs are kept unless ``MLFLOW_TRACKING_URI`` says otherwise
    parameters, evaluations, tags, config : what is logged

    Returns
    -------
    Run
        Nothing is raised: a store that is away is reported in ``problem``.
    """
    uri = tracking_uri(models)
    if problem := _unreachable(uri):
        return Run(_without_password(uri), None, problem)
    try:
        with _quiet():
            return Run(
                _without_password(uri), _logged(uri, experiment, bundle, models, parameters, evaluations, tags, config)
            )
    except Exception as error:  # noqa: BLE001  whatever MLflow, its database or its server raise: the bundle stands
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        return Run(_without_password(uri), None, f"{type(error).__name__}: {_without_password(reason)}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from telling of every table that it creates in a new store."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "mlflow.store.db.utils", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _unreachable(uri: str) -> str | None:
    """Return why a tracking server does not answer; MLflow itself would try again for minutes."""
    if urlparse(uri).scheme not in ("http", "https"):
        return None
    try:
        urlopen(f"{uri.rstrip('/')}/health", timeout=_TIMEOUT_S).close()
    except HTTPError:
        return None  # it answers; whether it takes the run is for MLflow to find out
    except (OSError, ValueError) as error:
        return f"{urlparse(uri).hostname}: {error}"
    return None


def _without_password(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", uri)


def _logged(
    uri: str,
    experiment: str,
    bundle: Path | None,
    models: Path,
    parameters: Mapping[str, Any],
    evaluations: Mapping[str, Evaluation],
    tags: Mapping[str, str],
    config: Mapping[str, Any],
) -> str:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        local = uri.startswith("sqlite:")
        place = (models / "mlflow-artifacts" / experiment).resolve().as_uri() if local else None
        experiment_id = client.create_experiment(experiment, artifact_location=place)
    else:
        experiment_id = found.experiment_id
    run = client.create_run(experiment_id, tags=dict(tags), run_name=tags["model_version"])
    run_id: str = run.info.run_id
    try:
        metrics = [
            Metric(f"{model}_{measure.name}{suffix}", value, run.info.start_time, 0)
            for model, evaluation in evaluations.items()
            for measure in evaluation.measures
            for suffix, value in (("", measure.value), ("_low", measure.low), ("_high", measure.high))
        ]
        client.log_batch(run_id, metrics=metrics, params=[Param(k, str(v)[:500]) for k, v in parameters.items()])
        client.log_dict(run_id, dict(config), "config.json")
        if bundle is not None:
            client.log_artifacts(run_id, str(bundle), "bundle")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id
