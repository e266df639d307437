import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.predictive.profile import is_flag, profiles, swapped_columns


def batch(n_rows: int = 2_000, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "tenure": rng.integers(0, 73, n_rows).astype(float),
        "price": rng.normal(65, 30, n_rows).clip(18, 119),
        "flag": (rng.random(n_rows) < 0.2).astype(float),
        "other_flag": (rng.random(n_rows) < 0.3).astype(float),
        "calls": rng.poisson(1, n_rows).astype(float),
        "spend": rng.lognormal(5, 1, n_rows),
    }


TRAINED = profiles([pd.DataFrame(batch())])


def test_a_batch_like_training_passes():
    swapped_columns(batch(seed=1), TRAINED)


@pytest.mark.parametrize(("a", "b"), [("price", "tenure"), ("calls", "spend"), ("flag", "price")])
def test_swapped_columns_are_named(a, b):
    found = batch(seed=1)
    found[a], found[b] = found[b], found[a]
    first, second = sorted((a, b))
    with pytest.raises(SchemaError, match=rf"look swapped \(first: '{first}' holds what '{second}' held in training"):
        swapped_columns(found, TRAINED)


def test_a_column_that_drifted_alone_is_not_called_swapped():
    found = batch(seed=1)
    found["spend"] *= 10
    swapped_columns(found, TRAINED)


def test_few_rows_pass():
    found = {name: values[:100] for name, values in batch(seed=1).items()}
    found["price"], found["spend"] = found["spend"], found["price"]
    swapped_columns(found, TRAINED)


def test_false_alarms_are_rare():
    for seed in range(30):
        swapped_columns(batch(n_rows=200, seed=seed), TRAINED)


def test_the_quantiles_are_those_of_all_frames_without_the_unknown():
    frames = [pd.DataFrame({"a": [0.0, np.nan, 10.0]}), pd.DataFrame({"a": [20.0]})]
    found = profiles(frames)["a"]
    assert len(found) == 21
    assert (found[0], found[10], found[20]) == (0.0, 10.0, 20.0)
    assert profiles([pd.DataFrame({"a": [np.nan]})]) == {"a": ()}


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ([0.0, 1.0], True),
        ([0.0, 0.0, 1.0], True),
        ([np.nan, *[0.0] * 99, 1.0], True),
        ([0.0, 1.0, 2.0], False),
        ([0.0, 0.2, 0.4, 0.7, 1.0], False),
        ([1.0, 1.0], False),
        ([-1.0, 0.0, 1.0], False),
        ([np.nan], False),
    ],
)
def test_a_flag_was_0_and_1_in_training_and_nothing_beside(values, flag):
    many = [value for value in values for _ in range(100)]
    assert is_flag(profiles([pd.DataFrame({"a": many})])["a"]) is flag
