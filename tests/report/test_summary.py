import pandas as pd
import pytest

from cxml.report.summary import NpsFigure, expected_value, predicted_nps, summary
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated, LimitUse

NAN = float("nan")
TITLE = "acme: 4 customers as of 2024-07-01, model abc"


def predictions_of(n=4, **columns):
    unknown = {**dict.fromkeys((*c.P_NPS, c.RENEWAL_RISK), [NAN] * n), c.NPS_CLASS: [None] * n, c.HEALTH: [50.0] * n}
    return pd.DataFrame({**unknown, **columns})


@pytest.fixture
def nps_predictions():
    return predictions_of(
        p_detractor=[0.1, 0.3, 0.7, NAN],
        p_passive=[0.4, 0.6, 0.2, NAN],
        p_promoter=[0.5, 0.1, 0.1, NAN],
        nps_class=["promoter", "passive", "detractor", None],
    )


@pytest.fixture
def recommendations():
    return pd.DataFrame(
        {
            c.ACTION: ["discount", "no_action", "call", "discount", "no_action", "no_action"],
            c.CHANNEL: ["mail", None, "phone", "mail", None, None],
            c.HOLDOUT: [False, False, False, False, True, False],
            c.COST: [10.0, 0.0, 15.0, 20.0, 0.0, 0.0],
            c.EXPECTED_VALUE: [40.0, 0.0, 5.0, 2000.0, 0.0, 0.0],
            c.EXPECTED_LOW: [10.0, 0.0, -5.0, 1000.0, 0.0, 0.0],
            c.EXPECTED_HIGH: [70.0, 0.0, 15.0, 3000.0, 0.0, 0.0],
            c.EXPLORED: [False, False, False, True, False, False],
            c.EVIDENCE: [0.0] * 6,
        }
    )


def line_of(text, word):
    return next(line for line in text.splitlines() if line.startswith(word))


def test_the_predicted_nps_is_the_mean_of_promoter_minus_detractor_with_the_chance_of_the_answers(nps_predictions):
    figure = predicted_nps(nps_predictions)
    # p - d is 0.4, -0.2, -0.6: mean -0.1333. Variances 0.6 - 0.16, 0.4 - 0.04, 0.8 - 0.36: in all 1.24;
    # half the interval is 1.96 * sqrt(1.24) / 3 = 0.7275
    assert figure.value == pytest.approx(-13.33, abs=0.01)
    assert (figure.low, figure.high) == pytest.approx((-86.08, 59.42), abs=0.01)
    assert figure.of == "all 3 customers, predicted"


def test_one_customer_is_written_in_the_singular():
    one = predictions_of(1, p_detractor=[0.1], p_passive=[0.4], p_promoter=[0.5], nps_class=["promoter"])
    held = pd.DataFrame(
        {c.ACTION: ["call"], c.CHANNEL: ["phone"], c.HOLDOUT: [True], c.EXPLORED: [False], c.COST: [1.0]}
        | {name: [2.0] for name in (c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH)}
        | {c.EVIDENCE: [0.0]}
    )
    value = expected_value(one.assign(value=[10.0]), days=90, ratio=(1.0, 0.9, 1.1))
    text = summary(TITLE, one.assign(renewal_risk=[0.9]), held, currency="EUR", value=value)
    for said in (
        "]  1 customer, predicted",
        "of 1 customer at risk is expected to be lost",
        "1 is more likely to go than to stay",
        "in 90 days of 1 customer, 100% of it",
        "1 customer is held out.",
    ):
        assert said in text
    assert "1 customers" not in text


def test_certain_answers_leave_no_chance():
    figure = predicted_nps(predictions_of(2, p_detractor=[1.0, 0.0], p_passive=[0.0, 0.0], p_promoter=[0.0, 1.0]))
    assert (figure.value, figure.low, figure.high) == (0, 0, 0)


def test_without_an_nps_model_there_is_no_predicted_nps():
    assert predicted_nps(predictions_of(renewal_risk=[0.1, 0.2, 0.3, NAN])) is None


def test_an_nps_is_shown_with_its_sign_its_interval_and_its_source():
    assert str(NpsFigure("12 answers", 4.24, -3.0, 11.49)) == "+4.2 [-3.0, +11.5]  12 answers"


def test_the_nps_of_the_answers_stands_above_that_of_all_customers(nps_predictions):
    answered = NpsFigure("120 answers", -20.0, -30.0, -10.0)
    lines = summary(TITLE, nps_predictions, None, currency="EUR", answered=answered).splitlines()
    assert lines[0] == TITLE
    assert lines[2].split(maxsplit=1) == ["NPS", "-20.0 [-30.0, -10.0]  120 answers"]
    assert lines[3].strip() == "-13.3 [-86.1, +59.4]  all 3 customers, predicted"


def test_the_classes_are_counted_in_the_order_of_the_scale(nps_predictions):
    text = summary(TITLE, nps_predictions, None, currency="EUR")
    assert line_of(text, "Classes").split(maxsplit=1)[1] == "detractor 1 (33%), passive 1 (33%), promoter 1 (33%)"


def test_a_class_that_nobody_is_in_is_counted_too(nps_predictions):
    text = summary(TITLE, nps_predictions.assign(nps_class="passive"), None, currency="EUR")
    assert line_of(text, "Classes").split(maxsplit=1)[1] == "detractor 0 (0%), passive 4 (100%), promoter 0 (0%)"


def test_the_expected_losses_have_the_interval_of_independent_contracts():
    # 50 * 0.2 + 50 * 0.8 = 50 losses of variance 100 * 0.16 = 16: 50 -+ 1.96 * 4; the unknown one does not count
    predictions = predictions_of(101, renewal_risk=[0.2] * 50 + [0.8] * 50 + [NAN])
    text = summary(TITLE, predictions, None, currency="EUR")
    assert line_of(text, "Renewal risk").split(maxsplit=2)[2] == (
        "50 [42, 58] of 100 customers at risk are expected to be lost (50.0%)"
    )
    assert "50 are more likely to go than to stay" in text


def test_health_is_told_by_its_median_and_its_tenths():
    text = summary(TITLE, predictions_of(11, health=[10.0 * i for i in range(11)]), None, currency="EUR")
    assert line_of(text, "Health").split(maxsplit=1)[1] == "median 50 of 100; a tenth is below 10, a tenth above 90"


def test_a_company_without_an_nps_model_has_no_line_on_nps():
    text = summary(TITLE, predictions_of(renewal_risk=[0.1, 0.2, 0.3, NAN]), None, currency="EUR")
    assert "NPS" not in text
    assert "Classes" not in text


def test_answers_without_an_nps_model_are_reported_and_no_class_is_counted():
    answered = NpsFigure("120 answers", -20.0, -30.0, -10.0)
    predictions = predictions_of(renewal_risk=[0.1, 0.2, 0.3, NAN])
    text = summary(TITLE, predictions, None, currency="EUR", answered=answered)
    assert "-20.0 [-30.0, -10.0]  120 answers" in text
    assert "Classes" not in text


def test_a_company_without_a_renewal_model_has_no_line_on_renewal(nps_predictions):
    assert "Renewal risk" not in summary(TITLE, nps_predictions, None, currency="EUR")


def test_without_a_policy_there_is_no_table_of_actions(nps_predictions):
    assert "Action" not in summary(TITLE, nps_predictions, None, currency="EUR")


def test_the_table_of_actions_adds_up_and_the_one_worth_most_comes_first(nps_predictions, recommendations):
    text = summary(TITLE, nps_predictions, recommendations, currency="USD")
    table = [line.split() for line in text.splitlines()[-7:-2]]
    assert table == [
        ["Action", "channel", "customers", "cost", "USD", "worth", "USD"],
        ["discount", "mail", "2", "30", "2,040"],
        ["call", "phone", "1", "15", "5"],
        ["no_action", "3", "0", "0"],
        ["all", "6", "45", "2,045"],
    ]
    assert text.splitlines()[-2:] == [
        "Worth is net of cost. It rests on the effects that the policy assumes:",
        "1,005 to 3,085 USD if all are at the low or high end of their ranges. "
        "1 customer is held out, 1 drawn to learn from.",
    ]


def test_the_summary_says_how_much_of_the_effects_was_measured(nps_predictions, recommendations):
    # of the three actions: all, half and a quarter
    told = recommendations.assign(evidence=[1.0, 0.0, 0.5, 0.25, 0.0, 0.0])
    text = summary(TITLE, nps_predictions, told, currency="USD")
    assert "Its effects are 58% measured from the log of actions, 42% assumed by the policy:" in text


def test_an_action_over_two_channels_has_a_line_for_each(nps_predictions, recommendations):
    over = [
        None if action == "no_action" else channel
        for action, channel in zip(recommendations[c.ACTION], ["mail", None, "phone", "web", None, None], strict=True)
    ]
    text = summary(TITLE, nps_predictions, recommendations.assign(channel=over), currency="USD")
    told = [line.split()[:3] for line in text.splitlines() if line.startswith("discount")]
    assert sorted(told) == [["discount", "mail", "1"], ["discount", "web", "1"]]


def test_the_limits_follow_with_what_more_of_them_would_be_worth(nps_predictions, recommendations):
    limits = (LimitUse("agent_hours", 120.0, 120.0, 41.0), LimitUse("fairness group gifts by region", 0.05, 0.049, 0.0))
    used = Allocated("lagrange", 5, 2_000.0, 2_001.0, limits)
    text = summary(TITLE, nps_predictions, recommendations, currency="EUR", allocated=used)
    assert text.splitlines()[-4:] == [
        "Limit                                   amount          used     one more: EUR",
        "agent_hours                                120           120             41.00",
        "fairness group gifts by region            0.05         0.049              0.00",
        "Ranked 2,000 together within the limits; no other choice is above 2,001 (gap 0.050%).",
    ]


def test_the_columns_of_the_table_stand_below_each_other_whatever_an_action_is_called(nps_predictions, recommendations):
    named = recommendations.replace({c.ACTION: {"call": "a_call_by_the_head_of_the_department"}})
    text = summary(TITLE, nps_predictions, named, currency="EUR")
    assert len({len(line) for line in text.splitlines()[-7:-2]}) == 1


def test_the_value_is_told_in_all_with_the_top_tenth_and_how_right_it_was():
    predictions = predictions_of(21, value=[1.0] * 18 + [41.0, 41.0, NAN])
    figure = expected_value(predictions, days=90, ratio=(0.95, 0.9, 1.01))
    text = summary(TITLE, predictions, None, currency="EUR", value=figure)
    # 18 + 82 is 100, of which 82 come of 2 of the 20 who are known
    assert (
        line_of(text, "Value")
        == "Value          100 EUR expected in 90 days of 20 customers, 82% of it of the top tenth"
    )
    assert "Where the model was judged, it expected 0.95 [0.90, 1.01] of what came" in text


def test_who_is_expected_to_bring_nothing_has_no_line_on_value():
    assert expected_value(predictions_of(2, value=[0.0, NAN]), days=90, ratio=(1, 1, 1)) is None
    assert "Value" not in summary(TITLE, predictions_of(2), None, currency="EUR")
