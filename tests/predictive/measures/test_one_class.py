import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxml.predictive.measures import class_skills


def test_each_class_is_ranked_against_the_rest():
    rng = np.random.default_rng(0)
    p = np.stack([rng.dirichlet(np.ones(3), 400) for _ in range(2)], axis=2)
    classes = np.array([rng.choice(3, p=row / row.sum()) for row in p[:, :, 0]])
    weight = rng.gamma(2, 0.5, 400)
    found = class_skills(classes, p, np.arange(400), ("low", "middle", "high"), weight=weight)
    assert [skill.name for skill in found] == ["low", "middle", "high"]
    for k, skill in enumerate(found):
        areas = [roc_auc_score(classes == k, p[:, k, r], sample_weight=weight) for r in range(2)]
        assert skill.auc.value == pytest.approx(np.mean(areas))
        assert skill.auc.low < skill.auc.value < skill.auc.high
        assert skill.n == (classes == k).sum()
        assert skill.observed == pytest.approx(np.average(classes == k, weights=weight))
        assert skill.predicted == pytest.approx(np.average(p[:, k].mean(axis=1), weights=weight))


def test_of_two_classes_the_second_stands_for_both():
    p = np.array([0.2, 0.4, 0.6, 0.8])
    (found,) = class_skills(
        [0, 1, 0, 1], np.stack([1 - p, p], axis=1)[:, :, None], ["a", "b", "c", "d"], ("kept", "lost")
    )
    assert (found.name, found.n, found.auc.value) == ("lost", 2, 0.75)  # 3 of 4 pairs are in order
