"""Effects and policies by causalml and EconML on the arrays of `benchmarks.uplift`; needs an environment of its own.

``python benchmarks/engines/uplift_peers.py effects FOLDER [NAME ...]`` reads ``arrays.npz`` (matrix, action, outcome, now)
and writes ``NAME.npz`` (effects of each action on the rows of ``now``, seconds) for each learner.
``python benchmarks/engines/uplift_peers.py policies FOLDER`` reads ``policy.npz`` (matrix, action, outcome, fold) and writes
``policies.npz`` (the action that each learner chooses for each row, by the policy of the other folds).

Every learner has the same LightGBM below it; the forests are of the libraries' own trees. causalml is told the share
of each action as its propensity; EconML estimates propensities.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SETTINGS = {
    "n_estimators": 100,
    "learning_rate": 0.05,
    "num_leaves": 8,
    "colsample_bytree": 0.5,
    "reg_lambda": 10.0,
    "min_child_samples": 40,
    "max_bin": 63,
    "n_jobs": 1,
    "random_state": 0,
    "verbose": -1,
}


def _regressor() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**SETTINGS)


def _classifier() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**SETTINGS)


def _causalml(kind: str) -> Callable[..., Any]:
    def effects(x: Any, a: Any, y: Any, now: Any) -> Any:
        from causalml.inference import meta

        made = {
            "S": lambda: meta.BaseSClassifier(learner=_classifier(), control_name=0),
            "T": lambda: meta.BaseTClassifier(learner=_classifier(), control_name=0),
            "X": lambda: meta.BaseXClassifier(
                outcome_learner=_classifier(), effect_learner=_regressor(), control_name=0
            ),
            "R": lambda: meta.BaseRClassifier(
                outcome_learner=_classifier(), effect_learner=_regressor(), control_name=0
            ),
            "DR": lambda: meta.BaseDRRegressor(
                learner=_regressor(), treatment_effect_learner=_regressor(), control_name=0
            ),
        }[kind]()
        share = np.bincount(a) / len(a)
        # each action against nothing: P(action | this action or nothing)
        p = {k: np.full(len(a), share[k] / (share[k] + share[0])) for k in range(1, a.max() + 1)}
        p_now = {k: np.full(len(now), share[k] / (share[k] + share[0])) for k in p}
        if kind in ("S", "T"):
            made.fit(x, a, y)
            return made.predict(now)
        made.fit(x, a, y, p=p)
        return made.predict(now, p=p_now) if kind == "X" else made.predict(now)

    return effects


def _econml(kind: str) -> Callable[..., Any]:
    def effects(x: Any, a: Any, y: Any, now: Any) -> Any:
        from econml import dml, dr, metalearners

        if kind.endswith("forest"):
            middle = np.nanmedian(x, axis=0)
            x, now = (np.where(np.isnan(m), middle, m) for m in (x, now))
        made = {
            "S": lambda: metalearners.SLearner(overall_model=_regressor(), allow_missing=True),
            "T": lambda: metalearners.TLearner(models=_regressor(), allow_missing=True),
            "X": lambda: metalearners.XLearner(
                models=_regressor(), propensity_model=_classifier(), cate_models=_regressor(), allow_missing=True
            ),
            "R": lambda: dml.NonParamDML(
                model_y=_regressor(), model_t=_classifier(), model_final=_regressor(), discrete_treatment=True,
                allow_missing=True, random_state=0,
            ),
            "DR": lambda: dr.DRLearner(
                model_propensity=_classifier(), model_regression=_regressor(), model_final=_regressor(),
                allow_missing=True, random_state=0, multitask_model_final=False,
            ),
            "DR forest": lambda: dr.ForestDRLearner(
                model_propensity=_classifier(), model_regression=_regressor(), n_estimators=200, min_samples_leaf=40,
                n_jobs=1, random_state=0,
            ),
            "causal forest": lambda: dml.CausalForestDML(
                model_y=_regressor(), model_t=_classifier(), discrete_treatment=True, n_estimators=200,
                min_samples_leaf=40, n_jobs=1, random_state=0,
            ),
        }  # fmt: skip
        if kind == "R":  # its final model knows one treatment
            found = []
            for k in range(1, a.max() + 1):
                which = np.isin(a, (0, k))
                one = made[kind]().fit(y[which], (a[which] == k).astype(int), X=x[which])
                found.append(one.effect(now))
            return np.column_stack(found)
        model = made[kind]().fit(y, a, X=x)
        return np.column_stack([model.effect(now, T0=0, T1=k).ravel() for k in range(1, a.max() + 1)])

    return effects


LEARNERS = {f"causalml {kind}": _causalml(kind) for kind in ("S", "T", "X", "R", "DR")} | {
    f"econml {kind}": _econml(kind) for kind in ("S", "T", "X", "R", "DR", "DR forest", "causal forest")
}


def effects(folder: Path, names: list[str]) -> None:
    given = np.load(folder / "arrays.npz")
    arrays = [given[name] for name in ("matrix", "action", "outcome", "now")]
    few = np.random.default_rng(0).permutation(len(arrays[1]))[:2_000]
    for name in names or LEARNERS:
        try:
            LEARNERS[name](*(array[few] for array in arrays[:3]), arrays[3][:100])  # imports are not counted
            started = time.process_time()
            found = LEARNERS[name](*arrays)
        except Exception as error:  # noqa: BLE001 - a peer that fails is told, and the others still run
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        seconds = time.process_time() - started
        np.savez(folder / f"{name}.npz", effects=np.asarray(found), seconds=seconds)
        print(f"{name}: {seconds:.1f} s", flush=True)


def policies(folder: Path) -> None:
    from econml.policy import DRPolicyForest, DRPolicyTree

    given = np.load(folder / "policy.npz")
    x, a, y, fold = (given[name] for name in ("matrix", "action", "outcome", "fold"))
    nuisances = {"min_samples_leaf": 100, "random_state": 0}
    found = {}
    for name, make in (
        ("econml DRPolicyTree", lambda: DRPolicyTree(
            model_propensity=_classifier(), model_regression=_regressor(), max_depth=3, **nuisances)),
        ("econml DRPolicyForest", lambda: DRPolicyForest(
            model_propensity=_classifier(), model_regression=_regressor(), max_depth=5, n_estimators=100, n_jobs=1,
            **nuisances)),
    ):  # fmt: skip
        chosen = np.empty(len(a), dtype=int)
        for k in np.unique(fold):
            model = make().fit(y[fold != k], a[fold != k], X=x[fold != k])
            chosen[fold == k] = np.asarray(model.predict(x[fold == k])).astype(int).ravel()
        found[name] = chosen
        print(name, np.bincount(chosen, minlength=a.max() + 1), flush=True)
    np.savez(folder / "policies.npz", **found)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    if sys.argv[1] == "effects":
        effects(Path(sys.argv[2]), sys.argv[3:])
    else:
        policies(Path(sys.argv[2]))
