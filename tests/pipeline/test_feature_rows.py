"""Too many names in a column that becomes a feature: `check` says so, and training before it looks for leaks."""

import numpy as np
import pandas as pd
import pytest

from cxml.config.features import Attribute
from cxml.config.load import parse_config
from cxml.errors import TrainingError
from cxml.pipeline import check, train

N = 2_400
SAYS = (
    "features.agent_notes: must have at most 1,000 different names; it has {} (first: 'call 0000'). An identifier or "
    "free text cannot be learnt from: leave it out with `features: {{drop: [agent_notes]}}`, or with "
    "`ignore: [agent notes]` for the table `customers`."
)


def customers(n_names=1_200, n_known=N):
    """Return a snapshot whose agents' notes have so many texts; of the customers after ``n_known`` no outcome is known.

    The customer at place i has the note i modulo ``n_names``.
    """
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(N)],
            "fee": rng.integers(10, 90, N),
            "agent notes": [f"call {i % n_names:04d}" for i in range(N)],
            "left": np.where(np.arange(N) < n_known, rng.choice(["yes", "no"], N), None),
        }
    )


def company(table=None, labels=None, **more):
    labels = labels or {"renewal": {"column": "left", "lost": "yes"}}
    return parse_config(
        {"company": "acme", "as_of": "2024-01-01", "tables": {"customers": table or {}}, "labels": labels, **more}
    )


def test_check_names_the_column_and_what_to_write():
    assert check(company(), frames={"customers": customers()}).faults == (SAYS.format("1,200"),)


def test_training_says_the_same_before_it_looks_for_leaks(tmp_path):
    steps = []

    def step(name):
        from contextlib import nullcontext

        steps.append(name)
        return nullcontext()

    with pytest.raises(TrainingError) as raised:
        train(company(), frames={"customers": customers()}, models=tmp_path, step=step)
    assert str(raised.value) == SAYS.format("1,200")
    assert steps == ["check tables", "build features"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("remedy", [{"table": {"ignore": ["agent notes"]}}, {"features": {"drop": ["agent_notes"]}}])
def test_each_remedy_is_one(remedy):
    assert check(company(**remedy), frames={"customers": customers()}).faults == ()


def test_a_thousand_names_are_not_too_many():
    assert check(company(), frames={"customers": customers(n_names=1_000)}).faults == ()


def test_only_the_names_of_customers_who_are_learnt_from_count():
    assert check(company(), frames={"customers": customers(n_known=900)}).faults == ()
    assert check(company(), frames={"customers": customers(n_known=1_001)}).faults == (SAYS.format("1,001"),)


def test_who_answers_is_learnt_from_everyone():
    frame = customers().assign(score=lambda of: np.where(of.index < 900, of["fee"] % 11, np.nan)).drop(columns="left")
    found = check(company(labels={"nps": {"column": "score"}}), frames={"customers": frame})
    assert found.faults == (SAYS.format("1,200"),)


def test_a_feature_of_ones_own_is_taken_out_where_it_was_added():
    config = company(features={"defaults": False}).with_features(Attribute(name="notes", column="agent notes"))
    (fault,) = check(config, frames={"customers": customers()}).faults
    assert fault.startswith("features.notes: must have at most 1,000")
    assert fault.endswith("cannot be learnt from: take it out of `features: {add: [...]}`.")


def test_all_columns_with_too_many_names_are_named_at_once_and_long_texts_are_cut():
    frame = customers().assign(letter=[f"{'dear sir, ' * 10}{i}" for i in range(N)])
    (fault,) = check(company(), frames={"customers": frame}).faults
    assert "2 faults" in fault
    assert f"it has 2,400 (first: '{'dear sir, ' * 6}...')" in fault
