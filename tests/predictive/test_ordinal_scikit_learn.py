"""scikit-learn's own checks of an estimator, on the classifier that both models are."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxml.predictive.ordinal import OrdinalClassifier

pytestmark = pytest.mark.filterwarnings("ignore")


@parametrize_with_checks([OrdinalClassifier(max_trees=60, learning_rate=0.2, n_jobs=1)])
def test_scikit_learn_finds_nothing_to_mend(estimator, check):
    check(estimator)
