import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.prescriptive import why as written
from cxml.report.policy_counts import STAGES, action_mix, funnel_counts
from cxml.schema import columns as c
from cxml.schema.decided import EXPLORED, HELD_OUT, LIMITED, NOTHING_FIRED, NOTHING_PAYS, STATES, WORTH_UNKNOWN

NOW = pd.Timestamp("2024-07-01", tz="UTC")


def why(fired=(), not_met=(), not_applicable=(), suppressed=()):
    told = [dict.fromkeys(options, "eligibility") for options in (not_met, not_applicable, suppressed)]
    return json.dumps(dict(zip(STATES, [list(fired), *told], strict=True)))


def unknown_worth(option):
    return json.dumps({"fired": [], "not_met": {}, "not_applicable": {option: WORTH_UNKNOWN}, "suppressed": {}})


def recommendations_of(rows):
    """Return a frame of (action, channel, rule, why, holdout, explored)."""
    columns = (c.ACTION, c.CHANNEL, c.RULE, c.WHY, c.HOLDOUT, c.EXPLORED)
    frame = pd.DataFrame(rows, columns=list(columns))
    frame.insert(0, c.CUSTOMER_ID, [f"c{i}" for i in range(len(frame))])
    frame.insert(1, c.AS_OF, NOW)
    return frame


@pytest.fixture
def decided():
    nothing = "no_action", None
    return recommendations_of(
        [
            ("call", "phone", "risk > 0.5", why(fired=["call"], not_met=["mail"]), False, False),
            ("gift", None, "everyone", why(fired=["gift"], suppressed=["call"]), False, False),  # contacts nobody
            (*nothing, LIMITED, why(fired=["call", "mail"]), False, False),
            (*nothing, NOTHING_PAYS, why(fired=["mail"]), False, False),
            (*nothing, NOTHING_FIRED, unknown_worth("mail"), False, False),
            (*nothing, NOTHING_FIRED, why(suppressed=["call"], not_met=["mail"]), False, False),
            (*nothing, NOTHING_FIRED, why(not_applicable=["call"], not_met=["mail"]), False, False),
            (*nothing, HELD_OUT, why(fired=["call"]), True, False),
            (*nothing, HELD_OUT, why(suppressed=["call"]), True, False),
            ("mail", "mail", EXPLORED, why(fired=["mail"]), False, True),
            (*nothing, EXPLORED, why(fired=["mail"]), False, True),
            (*nothing, EXPLORED, why(not_met=["mail"]), False, True),
        ]
    )


def test_each_stage_leaves_the_customers_that_pass_it(decided):
    counts = funnel_counts(decided)
    assert counts[c.STAGE].tolist() == list(STAGES)
    # of seven: one met no rule, one was suppressed, one paid nothing and one could not be weighed, one had no room,
    # and one gets an action without a channel
    assert counts[c.DECIDED].tolist() == [7, 6, 5, 3, 2, 1]


def test_whom_chance_decided_stands_apart_and_what_is_not_told_of_them_is_unknown(decided):
    counts = funnel_counts(decided)
    assert counts[c.HOLDOUT].fillna(-1).tolist() == [2, 2, 1, -1, -1, 0]
    assert counts[c.EXPLORED].fillna(-1).tolist() == [3, 2, 2, -1, -1, 1]


def test_the_funnel_of_nobody_is_nobody(decided):
    assert funnel_counts(decided.iloc[:0])[c.DECIDED].tolist() == [0] * 6


def test_counting_changes_no_frame(decided):
    before = decided.copy()
    funnel_counts(decided)
    action_mix(decided, decided[list(c.KEY)].assign(region="north"), by="region")
    pd.testing.assert_frame_equal(decided, before)


def test_the_states_are_those_that_a_policy_writes():
    (text,) = written.why(SimpleNamespace(options=()), np.zeros((1, 0), dtype=np.uint16))
    assert tuple(json.loads(text)) == STATES


@pytest.fixture
def of_regions():
    """Return five decided by worth, one held out and one explored with, and the region of each but one."""
    rows = [
        ("call", "phone", False, False, "north"),
        ("call", "web", False, False, "north"),
        ("no_action", None, False, False, "north"),
        ("no_action", None, False, False, "south"),
        ("call", "phone", False, False, None),
        ("no_action", None, True, False, "south"),
        ("call", "web", False, True, "south"),
    ]
    decided = recommendations_of(
        [(action, channel, "", why(), held, drawn) for action, channel, held, drawn, _ in rows]
    )
    return decided, decided[list(c.KEY)].assign(region=[region for *_, region in rows])


def test_the_shares_of_a_group_are_of_its_customers_who_were_decided_by_worth(of_regions):
    decided, features = of_regions
    mix = action_mix(decided, features.iloc[::-1], by="region")  # matched by the key, not by the place
    told = mix.astype(object).where(mix.notna(), None).to_numpy().tolist()
    assert told == [
        ["north", "call", "phone", 1, pytest.approx(1 / 3)],
        ["north", "no_action", None, 1, pytest.approx(1 / 3)],
        ["north", "call", "web", 1, pytest.approx(1 / 3)],
        ["south", "no_action", None, 1, 1.0],
        ["unknown", "call", "phone", 1, 1.0],
    ]


def test_a_column_that_is_not_there_is_refused_with_the_nearest(of_regions):
    decided, features = of_regions
    with pytest.raises(SchemaError, match="no column 'regoin'; did you mean 'region'"):
        action_mix(decided, features, by="regoin")
