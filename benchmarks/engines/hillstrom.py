"""Hillstrom's e-mails: which mail to whom, learnt on four fifths of the customers and valued on the others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

FOLDS: Final = 5
Row = Mapping[str, str | float]


def one_thread() -> dict[str, str]:
    """Return the environment that peers run in."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}


def hillstrom(scale: str) -> Iterator[Row]:
    """Yield the value of the learnt policies, by customers that they have not seen; all were drawn with 1/3 each."""
    import pandas as pd

    from cxml.predictive.encoding import fitted_encoding, frame_columns
    from cxml.predictive.members import TrainingRows, n_levels
    from cxml.predictive.uplift.experiment import Experiment
    from cxml.predictive.uplift.learning import learnt_effects

    path = Path(os.environ.get("CXML_DATA", ".")) / "hillstrom.csv"
    if not path.exists():
        return
    frame = pd.read_csv(path)
    if scale == "small":
        frame = frame.sample(6_000, random_state=0)
    arms = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
    action = frame["segment"].map({name: k for k, name in enumerate(arms)}).to_numpy().astype(np.intp)
    columns = frame_columns(frame.drop(columns=["segment", "visit", "conversion", "spend"]))
    encoding = fitted_encoding(columns)
    matrix = encoding.matrix(encoding.typed(columns))[0]
    fold = np.random.default_rng(0).integers(FOLDS, size=len(frame))
    for outcome in ("visit", "spend"):
        came = frame[outcome].to_numpy(np.float64)
        choice, learners = np.empty(len(frame), dtype=np.intp), []
        for k in range(FOLDS):
            train, test = fold != k, fold == k
            tried = Experiment(
                TrainingRows(matrix[train], n_levels(encoding), np.ones(train.sum())), action[train], arms[1:],
                came[train], np.full(train.sum(), 1 / 3), np.flatnonzero(train),
            )  # fmt: skip
            learnt = learnt_effects(tried, outcome, n_jobs=1)
            effects = np.column_stack([np.zeros(test.sum()), *(one.effects(matrix[test]) for one in learnt)])
            choice[test] = effects.argmax(axis=1)
            learners += [one.learner for one in learnt]
        policies = {"cxml": choice} | (_policy_peers(matrix, action, came, fold) if scale == "full" else {})
        values = {k: 3 * came * (action == k) for k in range(len(arms))}
        best = max(values, key=lambda k: values[k].mean())
        for name, chosen in policies.items():
            value = 3 * came * (action == chosen)
            more = value - values[best]
            error = float(more.std() / np.sqrt(len(more)))
            found = f"{value.mean():.4f} +- {1.96 * value.std() / np.sqrt(len(value)):.4f}"
            yield {
                "what": f"Hillstrom, {outcome} of each customer (IPS)",
                "way": f"{name} ({', '.join(sorted(set(learners)))})" if name == "cxml" else name,
                "wanted": f">= {values[best].mean():.4f} ({arms[best]} to all)",
                "got": f"{found}; more by {more.mean():.4f} +- {1.96 * error:.4f}",
                "ratio": float(value.mean() / values[best].mean()),
            }


def _policy_peers(matrix: Any, action: Any, outcome: Any, fold: Any) -> dict[str, Any]:
    python = os.environ.get("CXML_PEERS")
    if not python:
        return {}
    with TemporaryDirectory() as folder:
        np.savez(Path(folder) / "policy.npz", matrix=matrix, action=action, outcome=outcome, fold=fold)
        script = Path(__file__).with_name("uplift_peers.py")
        subprocess.run([python, str(script), "policies", folder], check=True, env=one_thread())
        return dict(np.load(Path(folder) / "policies.npz"))
