import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from cxml.errors import BundleError
from cxml.predictive.members import TrainingRows
from cxml.predictive.uplift.effect import Effect
from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.learning import learnt_effects


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    n = 4_000
    matrix = rng.normal(size=(n, 4))
    action = rng.integers(0, 2, n)
    p = 1 / (1 + np.exp(-(0.5 * matrix[:, 1] ** 2 - 1 + action * matrix[:, 0])))
    rows = TrainingRows(matrix, {}, np.ones(n))
    outcome = (rng.random(n) < p).astype(float)
    tried = Experiment(rows, action, ("call",), outcome, np.full(n, 0.5), np.arange(n))
    (effect,) = learnt_effects(tried, "renewal", n_jobs=1)
    few = Experiment(
        TrainingRows(matrix[:20], {}, np.ones(20)), action[:20], ("call",), outcome[:20], np.full(20, 0.5),
        np.arange(20),
    )  # fmt: skip
    return effect, learnt_effects(few, "renewal")[0], matrix


def _by_learner(effect):
    """Return an effect with both trees and lines, and what it would be if one of its learners had been chosen."""
    assert effect.learner == "t+linear"
    only = {"common": effect.forests["common"]}
    return (
        effect,
        replace(effect, learner="t", parts=replace(effect.parts, linear=None)),
        replace(effect, learner="linear", forests=only),
        replace(effect, learner="average", forests=only, parts=replace(effect.parts, linear=None)),
    )


def test_what_is_written_and_read_gives_the_same_bits(found):
    effect, nothing, matrix = found
    for one in (*_by_learner(effect), nothing):
        again = Effect.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False)), one.forests)
        assert again.to_json() == one.to_json()
        assert again.effects(matrix).tobytes() == one.effects(matrix).tobytes()
        said = one.effects(matrix)
        assert again.standard_errors(said).tobytes() == one.standard_errors(said).tobytes()
        assert pickle.loads(pickle.dumps(one)).effects(matrix).tobytes() == said.tobytes()


def test_one_row_has_the_bits_that_it_has_among_many(found):
    effect, _, matrix = found
    for one in _by_learner(effect):
        alone = np.concatenate([one.effects(row[None]) for row in matrix[:50]])
        assert alone.tobytes() == one.effects(matrix)[:50].tobytes()


def test_effects_on_a_yes_or_no_are_differences_of_probabilities(found):
    effect, _, matrix = found
    assert (np.abs(effect.effects(matrix * 100)) <= 1).all()
    assert effect.n_features == {4}


def test_what_is_missing_or_altered_is_refused(found):
    effect, _, _ = found
    written = effect.to_json()
    with pytest.raises(BundleError, match=r"incomplete or altered.*Train again"):
        Effect.from_json(written, {})
    with pytest.raises(BundleError, match="incomplete or altered"):
        Effect.from_json({**written, "learner": "s"}, effect.forests)
    with pytest.raises(BundleError, match="needs columns and curves"):
        Effect.from_json({**written, "parts": {**written["parts"], "linear": None}}, effect.forests)
    with pytest.raises(BundleError, match="finite numbers"):
        Effect.from_json({**written, "parts": {**written["parts"], "slope": float("nan")}}, effect.forests)


def test_serving_imports_nothing_heavy():
    code = (
        "import sys, cxml.predictive.uplift.effect; "
        "print([name for name in ('pandas', 'sklearn', 'lightgbm', 'scipy', 'duckdb') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
