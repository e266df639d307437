"""A log that is read as an experiment says what is doubtful about it."""

import numpy as np
import pandas as pd
import pytest

from cxml.pipeline.log_doubts import log_doubts


def points(n=4_000, seed=0, **columns):
    """A call for nine of ten, by chance, logged with the probability of what was done."""
    called = np.random.default_rng(seed).random(n) < 0.9
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "action": np.where(called, "call", "no_action"),
            "propensity": np.where(called, 0.9, 0.1),
            "cost": np.where(called, 5.0, 0.0),
            "holdout": False,
        }
    )
    return frame.assign(**columns)


def test_a_sound_log_raises_no_doubt():
    assert log_doubts(points()) == []


def test_the_probability_of_being_treated_on_every_row_is_found():
    (doubt,) = log_doubts(points(propensity=0.9))
    assert doubt.startswith("actions.propensity: 1 / propensity of the rows of 'no_action' adds up to 0.1")


def test_weights_that_stand_for_more_decisions_than_there_are_are_found():
    doubts = log_doubts(points(propensity=0.5))
    assert any("rows of 'call' adds up to 1.8" in doubt for doubt in doubts)


def test_an_action_that_not_everybody_could_get_is_no_doubt():
    # half of the customers could be called, with .5; of the others it was certain that they would not be
    rng = np.random.default_rng(1)
    able = rng.random(4_000) < 0.5
    called = able & (rng.random(4_000) < 0.5)
    log = points(
        action=np.where(called, "call", "no_action"),
        propensity=np.where(able, 0.5, 1.0),
        cost=np.where(called, 5.0, 0.0),
    )
    assert log_doubts(log) == []


def test_propensities_that_were_not_logged_are_counted():
    log = points()
    log.loc[:4, "propensity"] = np.nan
    (doubt,) = log_doubts(log)
    assert doubt.startswith("actions.propensity: of 5 of 4,000 decisions it was not logged (or as 0)")


def test_costs_that_are_not_known_are_counted():
    log = points()
    log.loc[log["action"] == "call", "cost"] = np.nan
    (doubt,) = log_doubts(log)
    n = (log["action"] == "call").sum()
    assert doubt.startswith(f"actions.cost: of {n:,} of 4,000 decisions it is not known (first: 'call')")


def test_doing_nothing_at_a_cost_is_counted():
    log = points()
    nothing = log["action"] == "no_action"
    log.loc[nothing.idxmax(), "cost"] = 5.0
    (doubt,) = log_doubts(log)
    assert doubt.startswith(f"actions.cost: 1 of {nothing.sum():,} decisions to do nothing cost something")


def test_who_is_held_out_and_got_an_action_is_counted_and_the_first_named():
    log = points()
    called = log.index[log["action"] == "call"]
    log.loc[[*called[:3], *log.index[log["action"] == "no_action"][:7]], "holdout"] = True
    (doubt,) = log_doubts(log)
    assert doubt.startswith(
        f"actions.holdout: 3 of 10 decisions on customers who are held out are an action (first: customer "
        f"'c{called[0]}', 'call')"
    )


def test_a_misspelt_no_action_is_named():
    doubts = log_doubts(points(propensity=np.nan).replace({"action": {"no_action": "No_Action"}}))
    assert "'no_action'; did you mean 'No_Action'" in doubts[0] or "No_Action" in doubts[0]
    with pytest.raises(IndexError):
        doubts[2]
