"""Where exploration goes: by hand, and against the sums of many draws."""

import numpy as np
import pytest
from deciding import NOW, arrays, compiled

from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.exploration_plan import exploration_plan

MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
CALL = {"name": "call", "channel": "phone", "cost": 8, "effect": 0.10, "eligibility": "renewal_risk > 0.5"}


def planned(actions, *, policy=None, customers=None, **columns):
    found = arrays(columns)
    n_rows = len(found["value"])
    made = compiled(actions, **(policy or {}))
    customers = customers or [f"c{i}" for i in range(n_rows)]
    return made, exploration_plan(made, found, customers, np.full(n_rows, NOW))


def test_shares_tries_and_loss_by_hand():
    # Who may be called has three ways, .1 each; the other has two, .15 each.
    made, found = planned(
        [MAIL, CALL], policy={"exploration_share": 0.3}, renewal_risk=[0.9, 0.1, 0.9], value=[100.0, 100.0, 10.0]
    )
    assert made.labels == ("no_action", "mail", "call")
    assert found.share.tolist() == pytest.approx([0.3] * 3)
    assert found.tried == pytest.approx(np.array([[0.1, 0.1, 0.1], [0.15, 0.15, 0.0], [0.1, 0.1, 0.1]]))
    # Worth 4, 2 and 0, the best 4: .1 x (0 + 2 + 4). Then .15 x (0 + 4). Then -.5, -7 and 0, the best 0: .1 x 7.5.
    assert found.lost.tolist() == pytest.approx([0.6, 0.6, 0.75])


def test_who_has_no_action_that_fires_is_explored_with_nothing_at_no_cost():
    _, found = planned([CALL], policy={"exploration_share": 0.3}, renewal_risk=[0.1], value=[100.0])
    assert found.tried.tolist() == [[pytest.approx(0.3), 0.0]]
    assert found.lost.tolist() == [0.0]


def test_without_exploration_nothing_is_tried_or_lost():
    _, found = planned([MAIL], value=[100.0])
    assert (found.share.tolist(), found.tried.tolist(), found.lost.tolist()) == ([0.0], [[0.0, 0.0]], [0.0])


@pytest.mark.parametrize(
    "exploration",
    [{}, {"exploration": {"method": "thompson"}}, {"limits": [{"of": "contacts", "channel": "phone", "amount": 60}]}],
)
def test_what_is_planned_is_what_many_draws_do(exploration):
    rng = np.random.default_rng(0)
    n, n_runs = 1_000, 40
    columns = {"renewal_risk": rng.random(n).tolist(), "value": (200 * rng.random(n)).tolist()}
    customers = [f"c{i}" for i in range(n)]
    made, found = planned(
        [MAIL, CALL], policy={"exploration_share": 0.2, **exploration}, customers=customers, **columns
    )
    assert found.share.mean() == pytest.approx(0.2)
    assert found.tried.sum(axis=1) == pytest.approx(found.share)
    explored, counts = 0, dict.fromkeys(made.labels, 0)
    for day in range(n_runs):
        moments = np.full(n, NOW + np.timedelta64(day, "D"))
        got, _ = decisions(made, arrays(columns), customers, moments)
        explored += int(got.explored.sum())
        for label in counts:
            counts[label] += int((got.explored & (got.action == label)).sum())
    expected = found.share.sum()
    assert explored / n_runs == pytest.approx(expected, abs=4 * np.sqrt(expected / n_runs))
    for j, label in enumerate(made.labels):
        expected = found.tried[:, j].sum()
        assert counts[label] / n_runs == pytest.approx(expected, abs=4 * np.sqrt(expected / n_runs) + 1e-9)
