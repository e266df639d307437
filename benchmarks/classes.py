"""Ways to tell the NPS class: multiclass, cumulative, from the score, curves, and blends, by ranked probability score.

The same rows, the same held-out folds (stratified 5-fold by customer, or the future where there is time), the same tree
parameters and number of searched trees for all. ``multiclass`` is LightGBM's softmax with a temperature fitted on
held-out folds, ``cumulative`` one forest for each P(class > k) (Frank and Hall, 2001), ``score`` one forest of the
0-10 score whose noise model gives the classes (a logistic regression of each P(class > k) on it), ``curves`` a
regularised logistic regression on splines. ``gain`` is by how much the RPS is below multiclass's, and by how much below
the default's, with 95% intervals of the pairs, customers resampled. ``small`` takes the first data set, one fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from benchmarks.engines.held_out import company_rows, out_of_fold
from benchmarks.figures import Figures
from cxml.predictive import measures as m
from cxml.predictive.boosting import Boosting
from cxml.predictive.encoding import fitted_encoding, frame_columns
from cxml.predictive.evaluation import Examples
from cxml.predictive.models import NpsClassifier
from cxml.predictive.splits import FutureSplit, customer_folds

Said = Callable[[Examples, Examples], np.ndarray]
DEFAULT: Final = "blend of all three (default)"


def run(scale: str) -> Figures:
    rows: list[Any] = []
    total: dict[str, list[float]] = {}
    for data, load in _DATA.items():
        examples, split = load()
        found = {name: _judged(said, examples, split) for name, said in WAYS.items()}
        codes, customers = found[DEFAULT][0], found[DEFAULT][2]
        drawn = m.resampled(customers, np.random.default_rng(0))
        scores = {name: _row_rps(codes, p) for name, (_, p, _) in found.items()}
        for name, (_, p, _) in found.items():
            ones = np.ones(len(codes))
            total.setdefault(name, []).append(scores[name].mean() / scores["multiclass"].mean())
            rows.append(
                {
                    "data": data,
                    "way": name,
                    "RPS": f"{scores[name].mean():.5f}",
                    "below multiclass": _gain(scores["multiclass"] - scores[name], drawn),
                    "default below it": _gain(scores[name] - scores[DEFAULT], drawn),
                    "log loss": f"{m.log_loss(codes, p, ones):.4f}",
                    "macro AUC": f"{m.auc(codes, p, ones):.4f}",
                }
            )
        if scale == "small":
            break
    for name, ratios in total.items():
        rest = dict.fromkeys(("below multiclass", "default below it", "log loss", "macro AUC"), "")
        rows.append({"data": "all, mean ratio to multiclass", "way": name, "RPS": f"{np.mean(ratios):.4f}", **rest})
    return rows


def _judged(said: Said, examples: Examples, split: FutureSplit | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the classes, the probabilities and the customers of the unseen rows."""
    model = NpsClassifier()
    if split is None:
        p, _ = out_of_fold(model, examples, repeats=1, fit=lambda past, unseen: said(past, unseen))
        return model.class_codes(examples.y), p[:, :, 0], examples.customers.to_numpy()
    unseen = examples.taken(split.test)
    return model.class_codes(unseen.y), said(examples.taken(split.train), unseen), unseen.customers.to_numpy()


def _of(*members: str) -> Said:
    def said(past: Examples, unseen: Examples) -> np.ndarray:
        model = NpsClassifier(members=members)  # type: ignore[arg-type]
        past.fit(model)
        return model.predict_proba(unseen.X)

    return said


def _multiclass(past: Examples, unseen: Examples) -> np.ndarray:
    """Return LightGBM's softmax: number of trees and temperature found on held-out customers, as for the others."""
    import lightgbm
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax

    codes = NpsClassifier().class_codes(past.y)
    columns = frame_columns(past.X)
    encoding = fitted_encoding(columns)
    matrix, _ = encoding.matrix(encoding.typed(columns, keys=()))
    names = [j for j, name in enumerate(encoding.names) if name in encoding.levels]
    like = Boosting("binary", learning_rate=0.05, num_leaves=8, max_trees=1_000, random_state=0)
    params = {**like._params(n_threads=1), "objective": "multiclass", "num_class": 3}

    def rows(of: np.ndarray, reference: Any = None) -> Any:
        return lightgbm.Dataset(
            matrix[of], codes[of], reference=reference, categorical_feature=names, params={"verbose": -1}
        )

    raw, n_trees = np.empty((len(codes), 3)), []
    for train, test in customer_folds(codes, past.customers, n_folds=4, random_state=0):
        training = rows(train)
        stop = lightgbm.early_stopping(50, verbose=False)
        booster = lightgbm.train(params, training, 1_000, valid_sets=[rows(test, training)], callbacks=[stop])
        n_trees.append(max(booster.best_iteration, 1))
        raw[test] = booster.predict(matrix[test], raw_score=True, num_iteration=n_trees[-1])

    def loss(log_slope: float) -> float:
        p = softmax(raw * np.exp(log_slope), axis=1)[np.arange(len(codes)), codes]
        return float(-np.log(np.clip(p, 1e-15, None)).mean())

    slope = np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x)
    booster = lightgbm.train(params, rows(np.arange(len(codes))), int(np.median(n_trees)))
    new, _ = encoding.matrix(encoding.typed(frame_columns(unseen.X)))
    return np.asarray(softmax(slope * np.asarray(booster.predict(new, raw_score=True)), axis=1))


def _sample(seed: int) -> tuple[Examples, FutureSplit | None]:
    from cxml.simulate import simulate

    return company_rows("sample", "nps", frames=simulate(4_000, random_state=seed).tables)


WAYS: Final[Mapping[str, Said]] = {
    "multiclass": _multiclass,
    "cumulative": _of("trees"),
    "score": _of("score"),
    "curves": _of("curves"),
    "blend of cumulative and curves": _of("trees", "curves"),
    DEFAULT: _of("trees", "score", "curves"),
}
_DATA: Final[Mapping[str, Callable[[], tuple[Examples, FutureSplit | None]]]] = {
    "SFO 2017": lambda: company_rows("sfo", "nps"),
    "Telco extended": lambda: company_rows("telco_extended", "nps"),
    "garden centre": lambda: company_rows("garden_centre", "nps"),
    "sample company, seed 0": lambda: _sample(0),
    "sample company, seed 1": lambda: _sample(1),
}


def _row_rps(codes: np.ndarray, p: np.ndarray) -> np.ndarray:
    steps = (p.cumsum(axis=1) - (np.arange(p.shape[1])[None] >= codes[:, None]))[:, :-1]
    return np.asarray((steps**2).mean(axis=1))


def _gain(saved: np.ndarray, drawn: np.ndarray) -> str:
    low, high = np.quantile(drawn @ saved / drawn.sum(axis=1), [0.025, 0.975])
    return f"{saved.mean():+.5f} [{low:+.5f}, {high:+.5f}]"
