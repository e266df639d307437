"""What a model says of each class against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxml.predictive.measures.intervals import Measure, bootstrap_measure, resampled
from cxml.predictive.measures.probability import Array
from cxml.predictive.measures.ranking import Ranking, mean_area


@dataclass(frozen=True)
class ClassSkill:
    """One class against the rest: rows, share that came true, share that was said, and the area under the ROC curve."""

    name: str
    n: int
    observed: float
    predicted: float
    auc: Measure


def class_skills(
    classes: ArrayLike,
    p: Array,
    customers: ArrayLike,
    names: Sequence[str],
    *,
    weight: ArrayLike | None = None,
    random_state: int = 0,
) -> tuple[ClassSkill, ...]:
    """Return the skill of each class; of the second alone where there are two, for the first has the same.

    Parameters
    ----------
    classes, customers, weight, random_state : as for `cxml.predictive.measures.measured`
    p : array of shape (n_rows, n_classes, n_repeats); figures are means over the repeats
    names : of the classes, lowest first
    """
    codes = np.asarray(classes, dtype=np.intp)
    case = np.ones(len(codes)) if weight is None else np.asarray(weight, dtype=np.float64)
    drawn = resampled(customers, np.random.default_rng(random_state))
    found = []
    for k in range(len(names)) if len(names) > 2 else [1]:
        area = mean_area([Ranking.of(codes == k, said) for said in p[:, k].T])
        auc = bootstrap_measure("auc", area(case), np.array([area(case * counts) for counts in drawn]))
        observed = float(np.average(codes == k, weights=case))
        predicted = float(np.average(p[:, k].mean(axis=1), weights=case))
        found.append(ClassSkill(names[k], int((codes == k).sum()), observed, predicted, auc))
    return tuple(found)
