"""The effect that decides: measured, assumed, or between, weighed by hand."""

import json

import numpy as np
import pytest
from deciding import compiled, decide
from pydantic import ValidationError

from cxml.config.policy import PolicyConfig
from cxml.prescriptive.effects import effect_of, effect_sources, effects_of
from cxml.prescriptive.policy import Policy
from cxml.schema.columns import uplift_columns

NAN = float("nan")
MAIL = {"name": "mail", "channel": "mail", "cost": 1}
ASSUMED = MAIL | {"effect": 0.10, "effect_low": 0.06, "effect_high": 0.14}


def told(value, low, high, *, outcome="renewal", action="mail"):
    """Return the columns that tell a measured effect of an action."""
    names = uplift_columns(outcome, action)
    return dict(zip(names, ([one] if np.isscalar(one) else one for one in (value, low, high)), strict=True))


def option_of(action, **policy):
    found = compiled([action], **policy)
    return next(option for option in found.options if option.action == action["name"])


def weighed(action, measured=None, *, n_rows=1, **policy):
    columns = {name: np.array(values, dtype=float) for name, values in (measured or {}).items()}
    return effects_of(option_of(action, **policy), columns, n_rows)


def of_first(effects):
    return [float(part[0]) for part in (effects.value, effects.low, effects.high, effects.evidence)]


def test_a_measurement_is_weighed_with_the_assumption_by_their_widths():
    # Assumed .10 between .06 and .14, measured .02 between 0 and .04: widths .08 and .04, so evidence 64 / (64 + 16).
    found = weighed(ASSUMED, told(0.02, 0.0, 0.04))
    expected = [0.8 * 0.02 + 0.2 * 0.10, 0.8 * 0.0 + 0.2 * 0.06, 0.8 * 0.04 + 0.2 * 0.14, 0.8]
    assert of_first(found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("half", "evidence"),
    [(0.04, 0.5), (0.004, 0.0064 / (0.0064 + 0.000064)), (0.4, 0.0064 / (0.0064 + 0.64))],
)
def test_a_long_log_overrules_and_a_thin_one_is_shrunk(half, evidence):
    value, _, _, found = of_first(weighed(ASSUMED, told(0.0, -half, half)))
    assert found == pytest.approx(evidence)
    assert value == pytest.approx((1 - evidence) * 0.10)


def test_it_is_what_a_normal_prior_and_likelihood_say():
    prior, noise = (0.08 / 3.92) ** 2, (0.05 / 3.92) ** 2
    posterior = (0.10 / prior + 0.03 / noise) / (1 / prior + 1 / noise)
    assert of_first(weighed(ASSUMED, told(0.03, 0.005, 0.055)))[0] == pytest.approx(posterior)


def test_by_default_an_assumption_reaches_from_nothing_to_twice_as_much():
    # Width .2, measured width .1: evidence .04 / (.04 + .01)
    assert of_first(weighed(MAIL | {"effect": 0.1}, told(0.0, -0.05, 0.05)))[3] == pytest.approx(0.8)


def test_where_nothing_is_assumed_the_measurement_counts_alone():
    assert of_first(weighed(MAIL, told(0.02, 0.0, 0.04))) == [0.02, 0.0, 0.04, 1.0]
    assert of_first(weighed(MAIL | {"effect": 0}, told(0.02, 0.0, 0.04))) == [0.02, 0.0, 0.04, 1.0]


def test_what_is_assumed_to_be_nothing_within_a_range_still_weighs():
    doubted = MAIL | {"effect": 0, "effect_low": -0.02, "effect_high": 0.02}
    assert of_first(weighed(doubted, told(0.02, 0.0, 0.04))) == pytest.approx([0.01, -0.01, 0.03, 0.5])


def test_what_is_stated_without_a_range_counts_alone():
    sure = MAIL | {"effect": 0.1, "effect_low": 0.1, "effect_high": 0.1}
    assert of_first(weighed(sure, told(0.02, 0.0, 0.04))) == [0.1, 0.1, 0.1, 0.0]


def test_a_measurement_without_a_range_overrules():
    assert of_first(weighed(ASSUMED, told(0.02, 0.02, 0.02))) == [0.02, 0.02, 0.02, 1.0]


def test_customers_of_whom_nothing_was_measured_are_assumed():
    found = weighed(ASSUMED, told([NAN, 0.02], [NAN, 0.0], [NAN, 0.04]), n_rows=2)
    assert [float(part[0]) for part in (found.value, found.low, found.high, found.evidence)] == [0.1, 0.06, 0.14, 0.0]
    assert found.evidence[1] == pytest.approx(0.8)


def test_without_the_columns_all_is_assumed():
    assert of_first(weighed(ASSUMED)) == [0.1, 0.06, 0.14, 0.0]
    part = told(0.02, 0.0, 0.04)
    part.pop("uplift_renewal_mail_high")
    assert of_first(weighed(ASSUMED, part)) == [0.1, 0.06, 0.14, 0.0]


def test_an_effect_that_cannot_be_assumed_is_measured_alone():
    action = MAIL | {"effect": "renewal_risk"}
    columns = {name: np.array(values) for name, values in told([0.02, NAN], [0.0, NAN], [0.04, NAN]).items()}
    found = effects_of(option_of(action), columns | {"renewal_risk": np.array([NAN, NAN])}, 2)
    assert found.value[0] == 0.02
    assert np.isnan(found.value[1])


def test_a_range_that_is_written_the_wrong_way_round_is_turned():
    turned = MAIL | {"effect": 0.1, "effect_low": 0.14, "effect_high": 0.06}
    assert of_first(weighed(turned, told(0.02, 0.0, 0.04))) == pytest.approx(
        of_first(weighed(ASSUMED, told(0.02, 0.0, 0.04)))
    )


def test_a_policy_that_keeps_to_what_it_assumes_reads_no_measurement():
    assert option_of(ASSUMED, effects={"use": "assumed"}).measured == ()
    assert of_first(weighed(ASSUMED, told(0.02, 0.0, 0.04), effects={"use": "assumed"})) == [0.1, 0.06, 0.14, 0.0]


def test_the_effect_that_decides_is_the_expected_one_or_the_low_end():
    columns = {name: np.array(values) for name, values in told(0.02, 0.0, 0.04).items()}
    assert effect_of(option_of(ASSUMED), columns, 1) == pytest.approx([0.036])
    assert effect_of(option_of(ASSUMED, effects={"decide_on": "low"}), columns, 1) == pytest.approx([0.012])
    assert effect_of(option_of(ASSUMED), {}, 1) == pytest.approx([0.1])
    assert effect_of(option_of(ASSUMED, effects={"decide_on": "low"}), {}, 1) == pytest.approx([0.06])


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (0.0, "assumed"), (0.049, "assumed"), (0.05, "measured and assumed"), (0.95, "measured and assumed"),
        (0.951, "measured"), (1.0, "measured"),
    ],
)  # fmt: skip
def test_where_an_effect_comes_from_is_said_in_words(evidence, words):
    assert effect_sources(np.array([evidence])).tolist() == [words]


# --- decisions


def test_what_was_measured_decides_and_is_named():
    call = {"name": "call", "channel": "phone", "cost": 1}
    # mail 100 x .036 - 1 = 2.6; call 100 x .05 - 1 = 4
    measured = told(0.02, 0.0, 0.04) | told(0.05, 0.03, 0.07, action="call")
    found = decide([ASSUMED, call], value=[100.0], **measured)
    assert (found.action[0], found.expected_value[0]) == ("call", pytest.approx(4.0))
    assert (found.expected_low[0], found.expected_high[0]) == (pytest.approx(2.0), pytest.approx(6.0))
    assert (found.effect_source[0], found.evidence[0]) == ("measured", 1.0)
    # as assumed, mail 100 x .1 - 1 = 9 and call nothing
    found = decide([ASSUMED, call], value=[100.0], policy={"effects": {"use": "assumed"}}, **measured)
    assert (found.action[0], found.expected_value[0], found.effect_source[0]) == ("mail", pytest.approx(9.0), "assumed")


def test_what_is_weighed_is_named_so():
    found = decide([ASSUMED], value=[100.0], **told(0.02, 0.0, 0.04))
    assert (found.effect_source[0], found.evidence[0]) == ("measured and assumed", pytest.approx(0.8))
    assert found.expected_value[0] == pytest.approx(2.6)


def test_each_customer_is_decided_by_what_was_measured_of_customers_like_them():
    found = decide([MAIL], value=[100.0] * 3, **told([0.05, -0.05, NAN], [0.04, -0.06, NAN], [0.06, -0.04, NAN]))
    assert found.action.tolist() == ["mail", "no_action", "no_action"]


def test_a_cautious_policy_ranks_by_the_low_end():
    # sure: .03, at least .02; bold: .05, perhaps nothing
    sure, bold = MAIL | {"name": "sure"}, MAIL | {"name": "bold"}
    measured = told(0.03, 0.02, 0.04, action="sure") | told(0.05, 0.0, 0.10, action="bold")
    assert decide([sure, bold], value=[100.0], **measured).action.tolist() == ["bold"]
    found = decide([sure, bold], value=[100.0], policy={"effects": {"decide_on": "low"}}, **measured)
    assert found.action.tolist() == ["sure"]
    assert found.priority[0] == pytest.approx(100 * 0.02 - 1)
    assert found.expected_value[0] == pytest.approx(100 * 0.03 - 1)  # the money that is told stays the expected one


def test_an_effect_measured_by_value_is_money_itself():
    action = MAIL | {"measured_by": "value"}
    found = decide([action], value=[1_000.0, NAN], **told([7.0, 7.0], [5.0, 5.0], [9.0, 9.0], outcome="value"))
    assert found.action.tolist() == ["mail", "mail"]
    assert found.expected_value.tolist() == [6.0, 6.0]
    assert (found.expected_low[0], found.expected_high[0]) == (4.0, 8.0)
    # what was measured on renewal is of something else
    assert decide([action], value=[1_000.0], **told(0.5, 0.4, 0.6)).action.tolist() == ["no_action"]


def test_an_effect_measured_by_nps_is_points_each_with_a_benefit():
    action = MAIL | {"measured_by": "nps", "benefit": 0.5}
    found = decide([action], value=[1_000.0], **told(10.0, 4.0, 16.0, outcome="nps"))
    assert (found.action[0], found.expected_value[0]) == ("mail", 0.5 * 10 - 1)
    assert (found.expected_low[0], found.expected_high[0]) == (1.0, 7.0)


def test_a_benefit_of_its_own_is_of_a_success_that_nobody_measured():
    columns = told(0.5, 0.4, 0.6)
    assert option_of(MAIL | {"benefit": 20}).measured == ()
    assert decide([MAIL | {"benefit": 20}], value=[100.0], **columns).action.tolist() == ["no_action"]
    said = MAIL | {"benefit": 20, "measured_by": "renewal"}
    assert decide([said], value=[100.0], **columns).expected_value.tolist() == [9.0]
    assert option_of(MAIL | {"measured_by": "nothing"}).measured == ()


def test_a_treatment_is_measured_as_its_action():
    action = {"name": "offer", "treatments": [{"channel": "mail", "cost": 1}, {"channel": "phone", "cost": 9}]}
    found = decide([action], value=[100.0], **told(0.05, 0.04, 0.06, action="offer"))
    assert (found.action[0], found.channel[0], found.expected_value[0]) == ("offer", "mail", pytest.approx(4.0))


def test_a_stored_policy_decides_alike():
    policy = compiled([ASSUMED, MAIL | {"name": "gift", "measured_by": "value"}], effects={"decide_on": "low"})
    again = Policy.from_json(json.loads(json.dumps(policy.to_json())))
    assert again == policy
    assert again.version == policy.version
    assert [(option.measured, option.cautious) for option in again.options] == [
        ((), True), (uplift_columns("renewal", "mail"), True), (uplift_columns("value", "gift"), True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"measured_by": "value", "benefit": 10}, "measured by value: its effect is money, so leave `benefit` out"),
        (
            {"measured_by": "value", "treatments": [{"channel": "mail", "benefit": 10}]},
            "measured by value: its effect is money",
        ),
        ({"measured_by": "nps"}, "measured by nps: say with `benefit` what a point of the NPS is worth"),
        ({"measured_by": "churn"}, "renewal"),
    ],
)
def test_what_an_effect_is_measured_by_goes_with_its_benefit(action, says):
    with pytest.raises(ValidationError, match=says):
        PolicyConfig.model_validate({"actions": [{"name": "mail"} | action]})


def test_effects_are_measured_or_assumed_and_decide_by_their_middle_or_low_end():
    for bad in ({"use": "guessed"}, {"decide_on": "high"}):
        with pytest.raises(ValidationError, match=r"use|decide_on"):
            PolicyConfig.model_validate({"actions": [MAIL], "effects": bad})
