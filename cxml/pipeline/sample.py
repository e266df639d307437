"""The main job on the sample company, from simulation to recommendations."""

from __future__ import annotations

from pathlib import Path

from cxml.config.load import example_config, load_config
from cxml.pipeline.plan import Step, quiet
from cxml.pipeline.scoring import Scored, score
from cxml.pipeline.training import Trained, train


def demo(
    models: str | Path = "models", *, n_customers: int = 4_000, random_state: int = 0, step: Step = quiet
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
