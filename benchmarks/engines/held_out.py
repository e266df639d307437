"""Rows of a company from its config alone, and what a model says of those that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cxml.config.company import CompanyConfig
from cxml.config.load import example_config, load_config
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import read_tables
from cxml.pipeline import plan
from cxml.predictive.encoding import common_levels
from cxml.predictive.evaluation import Examples
from cxml.predictive.splits import FutureSplit, customer_folds


def company_rows(
    name: str,
    label: str,
    change: Callable[[CompanyConfig], CompanyConfig] = lambda config: config,
    frames: plan.Frames | None = None,
) -> tuple[Examples, FutureSplit | None]:
    """Return the rows of one label of a company in ``configs/``, and their split in time if they have any."""
    config = change(load_config(example_config(f"{name}.yaml")))
    tables = read_tables(config, frames)
    labels = plan.labels_of(config, tables)
    splits = plan.splits_of(config, labels)
    features = plan.features_for(config, tables, plan.training_end(labels, splits))
    rows = common_levels({key: feature_frame(tables, features, frame) for key, frame in labels.items()})
    return plan.examples_of(rows[label], labels[label]), splits.get(label)


def without(*columns: str) -> Callable[[CompanyConfig], CompanyConfig]:
    """Return a change of a config that drops more columns or features."""

    def change(config: CompanyConfig) -> CompanyConfig:
        features = config.features.model_copy(update={"drop": (*config.features.drop, *columns)})
        return config.model_copy(update={"features": features})

    return change


def out_of_fold(
    model: Any, examples: Examples, *, repeats: int, fit: Callable[[Any, Examples], Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return P of each class of shape (n_rows, n_classes, n_repeats), and the fold of each row (n_rows, n_repeats).

    Stratified 5-fold by customer, one seed a repeat.
    """
    codes = np.asarray(model.class_codes(examples.y))
    p = np.empty((len(codes), int(codes.max()) + 1, repeats))
    fold = np.empty((len(codes), repeats), dtype=int)
    for repeat in range(repeats):
        for k, (train, test) in enumerate(_folds(codes, examples.customers, repeat)):
            past = examples.taken(train)
            if fit is None:
                past.fit(model)
                said = model.predict_proba(examples.X.iloc[test])
            else:
                said = fit(past, examples.taken(test))
            p[test, :, repeat], fold[test, repeat] = said, k
    return p, fold


def _folds(codes: np.ndarray, customers: Any, seed: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    return customer_folds(codes, customers, n_folds=5, random_state=seed)


def fold_mean(measure: Callable[..., float], codes: np.ndarray, p: np.ndarray, fold: np.ndarray) -> float:
    """Return the mean of a measure over all held-out folds of all repeats, as published figures are computed."""
    found = []
    for repeat in range(p.shape[2]):
        for k in np.unique(fold[:, repeat]):
            rows = fold[:, repeat] == k
            found.append(measure(codes[rows], p[rows, :, repeat], np.ones(int(rows.sum()))))
    return float(np.mean(found))
