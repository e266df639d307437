"""The smallest change that would alter a decision: made, it does; none that is smaller on a fine grid does."""

import re

import numpy as np
from deciding import decide

CALL = {"name": "call", "channel": "phone", "cost": 10, "effect": 0.2, "eligibility": "renewal_risk > 0.5"}
MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
GIFT = {
    "name": "gift",
    "cost": "0.02 * value",
    "effect": "0.1 * renewal_risk",
    "eligibility": "plan = 'gold' AND health BETWEEN 20 AND 60",
}


def test_a_threshold_that_is_near_is_named():
    found = decide([CALL, MAIL], renewal_risk=[0.45, 0.55], value=[100.0, 100.0])
    assert found.smallest_change.tolist() == ["renewal_risk > 0.5 -> call", "renewal_risk <= 0.5 -> mail"]


def test_the_value_at_which_another_is_worth_more_is_named():
    # call .2 v - 10 beats mail .05 v - 1 above v = 60, where neither's rule changes
    found = decide([CALL, MAIL], renewal_risk=[0.9, 0.9], value=[58.0, 63.0])
    assert found.smallest_change.tolist() == ["value >= 60 -> call", "value <= 60 -> mail"]


def test_another_name_is_a_change():
    found = decide([GIFT], plan=["silver"], health=[40.0], renewal_risk=[0.8], value=[100.0])
    assert found.smallest_change[0] == "plan = 'gold' -> gift"


def test_a_quote_in_a_name_is_doubled():
    action = MAIL | {"eligibility": "plan = 'it''s'"}
    assert decide([action], plan=["x"], value=[100.0]).smallest_change[0] == "plan = 'it''s' -> mail"


def test_contacts_in_the_past_are_a_change_too():
    limited = {"contact_policy": {"max_contacts": 2, "window_days": 30}}
    found = decide([MAIL], policy=limited, contacts_30d=[2.0], value=[100.0])
    assert found.smallest_change[0] == "contacts_30d < 2 -> mail"


def test_where_nothing_would_alter_it_nothing_is_told():
    assert decide([MAIL | {"benefit": 0}], value=[1.0]).smallest_change[0] is None


def test_chance_is_not_explained():
    found = decide([MAIL], policy={"exploration_share": 0.6, "holdout_share": 0.3}, value=[100.0] * 200)
    assert all(text is None for text in found.smallest_change[found.explored | found.holdout])
    assert all(text == "value <= 20 -> no_action" for text in found.smallest_change[~(found.explored | found.holdout)])


def test_made_the_change_alters_the_decision_and_no_smaller_one_on_a_grid_does():
    rng = np.random.default_rng(3)
    n = 150
    columns = {
        "renewal_risk": rng.random(n).round(3),
        "health": (rng.random(n) * 100).round(1),
        "value": (rng.random(n) * 200).round(1),
        "plan": [["gold", "silver", None][i] for i in rng.integers(0, 3, n)],
    }
    found = decide([CALL, MAIL, GIFT], **columns)
    tried, expected = [], []
    for i, text in enumerate(found.smallest_change):
        if text is None:
            continue
        now = {name: values[i] for name, values in columns.items()}
        column, op, value, to = re.fullmatch(r"(\w+) (>|>=|<|<=|=) ([^ ]+) -> (\w+)", text).groups()
        assert to != found.action[i]
        if column == "plan":
            then, size = value.strip("'"), 1.0
        else:
            side = {">": 1, ">=": 1, "<": -1, "<=": -1, "=": 0}[op]
            then = float(value) * (1 + side * 1e-5)  # six digits are shown
            size = abs(then - now[column]) / (abs(then) + abs(now[column]))
        tried.append({**now, column: then})
        expected.append(to)
        for name in ("renewal_risk", "health", "value"):
            x, reach = now[name], min(size * 0.98, 0.98)
            for y in np.linspace(x * (1 - reach) / (1 + reach), x * (1 + reach) / (1 - reach), 25):
                tried.append({**now, name: float(y)})
                expected.append(found.action[i])
    again = decide([CALL, MAIL, GIFT], **{name: [row[name] for row in tried] for name in columns})
    assert again.action.tolist() == expected
    assert len(tried) > 100 * 76


def test_of_many_customers_the_same_is_told_as_of_few():
    rng = np.random.default_rng(5)
    few = {
        "renewal_risk": rng.random(300).tolist(),
        "health": (rng.random(300) * 100).tolist(),
        "value": (rng.random(300) * 200).tolist(),
        "plan": [["gold", "silver", None][i] for i in rng.integers(0, 3, 300)],
    }
    alone = decide([CALL, MAIL, GIFT], **few).smallest_change.tolist()
    many = decide([CALL, MAIL, GIFT], **{name: values * 4 for name, values in few.items()}).smallest_change.tolist()
    assert many == alone * 4


def test_a_value_that_is_unknown_may_become_known():
    found = decide([CALL], renewal_risk=[np.nan], value=[100.0])
    assert found.smallest_change[0] == "renewal_risk > 0.5 -> call"
