"""Weights of answers: by hand, by a plain loop, and where it is known who answers."""

import numpy as np
import pandas as pd
import pytest

from cxml.predictive.crossfit import cross_fitted
from cxml.predictive.response import (
    MAX_WEIGHT,
    ResponseClassifier,
    inverse_weights,
    odds_weights,
)


def looped(p_answer, answered):
    """Return the weights as the docstring says them, one row after the other."""
    share = sum(answered) / len(answered)
    raw = [share / p for p, there in zip(p_answer, answered, strict=True) if there]
    cut = [min(w, 10) for w in raw]
    mean = sum(cut) / len(cut)
    return [w / mean for w in cut], sum(w > 10 for w in raw) / len(raw)


def test_inverse_weights_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 3, size=500).clip(0.001, 1)
    answered = rng.random(500) < p
    found = inverse_weights(p, answered)
    values, clipped = looped(p.tolist(), answered.tolist())
    assert found.values == pytest.approx(values)
    assert found.clipped == pytest.approx(clipped)
    assert found.clipped > 0
    assert found.values.mean() == pytest.approx(1)
    assert found.effective_size == pytest.approx(sum(values) ** 2 / sum(w * w for w in values))


def test_weights_worked_by_hand():
    # Half answer; the first with .25 and the second with .75: .5 / .25 = 2 and .5 / .75 = 2/3, scaled to a mean of 1.
    found = inverse_weights([0.25, 0.75, 0.5, 0.5], [True, True, False, False])
    assert found.values == pytest.approx([1.5, 0.5])
    assert found.effective_size == pytest.approx(4 / (2.25 + 0.25))
    # The odds of silence: 3 and 1/3.
    assert odds_weights([0.25, 0.75, 0.5, 0.5], [True, True, False, False]).values == pytest.approx([1.8, 0.2])


@pytest.mark.parametrize("weights", [inverse_weights, odds_weights])
def test_where_everybody_answered_every_answer_counts_once(weights):
    found = weights([0.3, 0.9, 1.0], [True, True, True])
    assert found.values.tolist() == [1, 1, 1]
    assert found.effective_size == 3
    assert found.clipped == 0


def test_no_answer_stands_for_more_than_ten():
    found = inverse_weights([0.5] * 99 + [1e-9] + [0.5] * 100, [True] * 100 + [False] * 100)
    assert found.values.max() / found.values.min() == pytest.approx(MAX_WEIGHT)
    assert found.clipped == pytest.approx(0.01)


def test_weighted_answers_have_the_mean_of_all_who_were_asked():
    rng = np.random.default_rng(1)
    x = rng.normal(size=20_000)
    p = 1 / (1 + np.exp(1.5 + x))
    answered = rng.random(len(x)) < p
    assert x[answered].mean() < -0.5
    assert np.average(x[answered], weights=inverse_weights(p, answered).values) == pytest.approx(0, abs=0.06)
    silent = x[~answered].mean()
    assert np.average(x[answered], weights=odds_weights(p, answered).values) == pytest.approx(silent, abs=0.06)


@pytest.fixture(scope="module")
def invitations():
    """Return invitations of 400 customers, who answers by their calls alone, and P(answer)."""
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(400), 5)
    X = pd.DataFrame({"calls": rng.poisson(2, 2_000).astype(float), "noise": rng.normal(size=2_000)})
    p = 1 / (1 + np.exp(2 - 0.7 * X["calls"].to_numpy()))
    return X, who, p, (rng.random(2_000) < p).astype(float)


@pytest.fixture(scope="module")
def fit(invitations):
    X, who, _, answered = invitations
    model = ResponseClassifier(max_trees=100, learning_rate=0.1, n_folds=2, n_jobs=1)
    return cross_fitted(model, X, answered, who, np.ones(2_000, bool), n_folds=3, random_state=0)


def test_who_answers_is_learnt_and_calibrated(invitations, fit):
    _, _, p, answered = invitations
    found = fit.p[:, 1]
    assert np.corrcoef(found, p)[0, 1] > 0.9
    for low, high in ((0, 0.3), (0.3, 0.6), (0.6, 1)):
        here = (found >= low) & (found < high)
        assert answered[here].mean() == pytest.approx(found[here].mean(), abs=0.06)


def test_a_customer_is_in_one_fold_and_is_predicted_by_the_model_without_it(invitations, fit):
    _, who, _, _ = invitations
    assert (pd.Series(fit.fold).groupby(who).nunique() == 1).all()
    assert set(fit.fold) == {0, 1, 2}
    for row in (0, 777, 1_999):
        assert (fit.p[row] == fit.p_by_fold[fit.fold[row], row]).all()


def test_rows_that_are_not_to_be_learnt_from_do_not_matter(invitations, fit):
    X, who, _, answered = invitations
    more = pd.concat([X, X.assign(calls=99.0).head(50)], ignore_index=True)
    y = np.concatenate([answered, np.ones(50)])
    learn = np.arange(2_050) < 2_000
    model = ResponseClassifier(max_trees=100, learning_rate=0.1, n_folds=2, n_jobs=1)
    again = cross_fitted(model, more, y, np.concatenate([who, who[:50]]), learn, n_folds=3, random_state=0)
    assert (again.p[:2_000] == fit.p).all()


def test_the_deviations_of_folds_are_those_of_the_jackknife(fit):
    # Values 1, 2, 6: mean 3, squared deviations 4 + 1 + 9; times (3 - 1) / 3.
    assert (fit.deviations(np.array([1.0, 2.0, 6.0])) ** 2).sum() == pytest.approx(14 * 2 / 3)
