import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxml.predictive.measures import RetentionCosts, auc, empc, fold_measured, lift_at_10_percent


def held_out(n=600, n_repeats=2, n_folds=3, seed=0):
    rng = np.random.default_rng(seed)
    risk = rng.beta(2, 4, n)
    lost = (rng.random(n) < risk).astype(int)
    said = np.clip(risk[:, None] + 0.1 * rng.normal(size=(n, n_repeats)), 0.01, 0.99)
    folds = np.column_stack([rng.permutation(n) % n_folds for _ in range(n_repeats)])
    return lost, np.stack([1 - said, said], axis=1), np.arange(n), folds


def test_each_measure_is_the_mean_over_the_folds_of_every_repeat():
    lost, p, who, folds = held_out()
    costs = RetentionCosts(clv=500, offer=20, contact=2)
    found = {m.name: m for m in fold_measured(lost, p, who, folds, costs=costs)}
    parts = [(np.flatnonzero(folds[:, r] == k), r) for r in range(2) for k in range(3)]
    areas = [roc_auc_score(lost[rows], p[rows, 1, r]) for rows, r in parts]
    profits = [empc(lost[rows], p[rows, :, r], np.ones(len(rows)), costs=costs) for rows, r in parts]
    lifts = [lift_at_10_percent(lost[rows], p[rows, :, r], np.ones(len(rows))) for rows, r in parts]
    assert found["auc_folds"].value == pytest.approx(np.mean(areas))
    assert found["empc_folds"].value == pytest.approx(np.mean(profits))
    assert found["lift_at_10_percent_folds"].value == pytest.approx(np.mean(lifts))
    assert all(m.low < m.value < m.high for m in found.values())


def test_one_fold_of_all_rows_is_the_measure_itself():
    lost, p, who, folds = held_out(n_repeats=1)
    weight = np.linspace(0.5, 2, len(lost))
    found = {m.name: m.value for m in fold_measured(lost, p, who, np.zeros_like(folds), weight=weight)}
    assert found["auc_folds"] == pytest.approx(auc(lost, p[:, :, 0], weight))
    assert found["empc_folds"] == pytest.approx(empc(lost, p[:, :, 0], weight))


def test_the_profit_of_folds_is_above_that_of_all_rows_at_once():
    lost, p, who, folds = held_out(n=400, n_folds=5)
    of_all = np.mean([empc(lost, p[:, :, r], np.ones(len(lost))) for r in range(2)])
    found = {m.name: m.value for m in fold_measured(lost, p, who, folds)}
    assert found["empc_folds"] > of_all


def test_of_ordered_classes_there_is_the_ranking_alone():
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(3), 300)
    classes = np.array([rng.choice(3, p=row) for row in p])
    folds = (np.arange(300) % 3)[:, None]
    (found,) = fold_measured(classes, p[:, :, None], np.arange(300), folds)
    one_vs_rest = [
        np.mean([roc_auc_score(classes[rows] == k, p[rows, k]) for k in range(3)])
        for rows in (np.flatnonzero(folds[:, 0] == fold) for fold in range(3))
    ]
    assert (found.name, found.value) == ("auc_folds", pytest.approx(np.mean(one_vs_rest)))
