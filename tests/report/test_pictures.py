import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from cxml.errors import SchemaError
from cxml.report import pictures
from cxml.schema import columns as c

NAN = float("nan")


def predictions_of(**columns):
    n = len(next(iter(columns.values())))
    unknown = dict.fromkeys((*c.P_NPS, c.RENEWAL_RISK, c.HEALTH), [NAN] * n)
    return pd.DataFrame({c.CUSTOMER_ID: [f"c{i}" for i in range(n)], **unknown, **columns})


@pytest.fixture
def nps_predictions():
    return predictions_of(p_detractor=[0.1, 0.3, NAN], p_passive=[0.4, 0.6, NAN], p_promoter=[0.5, 0.1, NAN])


@pytest.fixture
def answers():
    return pd.Series(["detractor"] * 20 + ["passive"] * 30 + ["promoter"] * 50 + [None])


@pytest.fixture
def recommendations():
    return pd.DataFrame(
        {
            c.ACTION: ["discount", "no_action", "call", "discount", "no_action", "no_action"],
            c.HOLDOUT: [False, False, False, False, True, False],
            c.COST: [10.0, 0.0, 15.0, 20.0, 0.0, 0.0],
            c.EXPECTED_VALUE: [40.0, 0.0, 5.0, 60.0, 0.0, 0.0],
        }
    )


@pytest.fixture
def at_risk():
    return pd.Series(
        {
            c.CUSTOMER_ID: "c7",
            c.P_DETRACTOR: 0.2,
            c.HEALTH: 43.2,
            "reason_1_feature": "nps_last",
            "reason_1_value": "2",
            "reason_1_contribution": -8.1,
            "reason_1_sentence": "last NPS answer is 2: -8 points",
            "reason_2_feature": "contract_plan",
            "reason_2_value": "premium",
            "reason_2_contribution": 3.0,
            "reason_2_sentence": "plan of the contract is premium: +3 points",
            "reason_3_feature": None,
            "reason_3_value": None,
            "reason_3_contribution": NAN,
            "reason_3_sentence": None,
        }
    )


def title(figure):
    return figure.get_suptitle()


def bar_lengths(axes):
    return [[bar.get_width() for bar in bars] for bars in axes.containers]


def bar_heights(axes):
    return [bar.get_height() for bar in axes.containers[0]]


def intervals(axes, *, along):
    return [tuple(segment[:, along]) for segment in axes.collections[0].get_segments()]


def test_the_classes_of_all_customers_are_their_mean_probabilities_beside_the_shares_of_the_answers(
    nps_predictions, answers
):
    shares, _ = pictures.nps_picture(nps_predictions, answers=answers).axes
    assert bar_lengths(shares) == [
        pytest.approx([0.2, 0.2]),  # detractors: 20 of 100 answers; (0.1 + 0.3) / 2
        pytest.approx([0.3, 0.5]),
        pytest.approx([0.5, 0.3]),
    ]
    assert [label.get_text() for label in shares.get_yticklabels()] == ["100 answers", "all 2 customers,\npredicted"]


def test_the_nps_of_the_answers_has_the_interval_of_their_sample_and_the_truth_has_none(nps_predictions, answers):
    truth = pd.DataFrame({"p_detractor": [0.2, 0.0], "p_passive": [0.5, 0.5], "p_promoter": [0.3, 0.5]})
    _, nps = pictures.nps_picture(nps_predictions, answers=answers, truth=truth).axes
    # answers: +30, Wald with 0.5 + 0.2 - 0.3**2 = 0.61: half is 1.96 * sqrt(0.61 / 100) = 15.3 points
    # predicted: +10, the variances 0.6 - 0.4**2 and 0.4 - 0.2**2 add up to 0.8: half is 1.96 * sqrt(0.8) / 2 = 87.7
    expected = [(14.69, 45.31), (-77.65, 97.65), (30.0, 30.0)]
    assert intervals(nps, along=0) == [pytest.approx(interval, abs=0.01) for interval in expected]


def test_the_title_of_the_nps_says_what_was_answered_what_all_would_answer_and_what_is_true(nps_predictions, answers):
    truth = pd.DataFrame({"p_detractor": [0.1], "p_passive": [0.5], "p_promoter": [0.4]})
    assert title(pictures.nps_picture(nps_predictions)) == "All customers would give an NPS of +10.0"
    assert title(pictures.nps_picture(nps_predictions, answers=answers, truth=truth)) == (
        "Those who answered gave an NPS of +30.0; all would give +10.0; the truth is +30.0"
    )


def test_a_bar_of_the_renewal_risk_is_the_number_of_customers_in_its_five_points():
    predictions = predictions_of(renewal_risk=[0.03, 0.04, 0.07, 0.52, 0.98, NAN])
    (axes,) = pictures.renewal_risk_picture(predictions).axes
    assert bar_heights(axes) == [2, 1, *[0] * 8, 1, *[0] * 8, 1]


def test_the_title_of_the_renewal_risk_gives_the_losses_with_their_interval():
    # 0.2 * 50 + 0.8 * 50 = 50 losses, of variance 100 * 0.16 = 16: 50 -+ 1.96 * 4
    figure = pictures.renewal_risk_picture(predictions_of(renewal_risk=[0.2] * 50 + [0.8] * 50 + [NAN]))
    assert title(figure) == (
        "50 [42, 58] of 100 customers at risk are expected to be lost (50.0%);\n50 are more likely to go than to stay"
    )


def test_a_bar_of_health_is_the_number_of_customers_in_its_five_points():
    figure = pictures.health_picture(predictions_of(health=[1.0, 62.0, 63.0, 64.0, 100.0, NAN]))
    assert bar_heights(figure.axes[0]) == [1, *[0] * 11, 3, *[0] * 6, 1]
    assert title(figure) == "Half of 5 customers have a health of 63 or more"


@pytest.mark.parametrize(
    ("picture", "column"),
    [
        (pictures.nps_picture, "p_detractor.*no nps model"),
        (pictures.renewal_risk_picture, "renewal_risk.*no renewal model"),
        (pictures.health_picture, "health.*no nps or renewal model"),
    ],
)
def test_a_company_without_the_model_is_told_so(picture, column):
    with pytest.raises(SchemaError, match=column):
        picture(predictions_of(health=[NAN]))


def test_the_interval_of_a_bin_is_wilsons():
    came_true = [1] * 8 + [0] * 2
    (axes,) = pictures.calibration_picture([0.8] * 10, came_true, event="lost").axes
    wilson = binomtest(8, 10).proportion_ci(method="wilson")  # (0.490, 0.943)
    assert intervals(axes, along=1) == [pytest.approx((wilson.low, wilson.high))]


def test_the_rows_of_one_customer_count_once():
    once = pictures.calibration_picture([0.8] * 10, [1] * 8 + [0] * 2, event="lost")
    who = np.repeat(np.arange(10), 3)
    thrice = pictures.calibration_picture([0.8] * 30, [1] * 24 + [0] * 6, customers=who, event="lost")
    assert intervals(thrice.axes[0], along=1) == [pytest.approx(intervals(once.axes[0], along=1)[0])]


def test_bins_hold_about_as_many_rows_each_and_equal_probabilities_stay_together():
    p = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.7]
    came_true = [0, 0, 0, 1, 0, 1, 1, 1]
    figure = pictures.calibration_picture(p, came_true, event="lost", n_bins=4)
    line = figure.axes[0].lines[1]
    assert line.get_xdata() == pytest.approx([0.15, 0.35, 0.55, 0.7])
    assert line.get_ydata() == pytest.approx([0, 0.5, 0.5, 1])
    assert title(figure) == "In 4 of 4 bins the prediction is within chance\nof what came true"


def test_a_model_that_is_wrong_is_said_to_be_wrong():
    figure = pictures.calibration_picture([0.1] * 100 + [0.9] * 100, [1] * 200, event="lost", n_bins=2)
    assert title(figure).startswith("In 0 of 2 bins")


def test_the_bars_of_an_action_are_its_customers_its_cost_and_its_worth(recommendations):
    customers, cost, worth = pictures.actions_picture(recommendations, currency="EUR").axes
    assert [label.get_text() for label in customers.get_yticklabels()] == ["discount", "call", "no_action"]
    assert bar_lengths(customers) == [[2, 1, 3], [0, 0, 1]]  # the second: held out
    assert bar_lengths(cost) == [[30, 15, 0]]
    assert bar_lengths(worth) == [[100, 5, 0]]


def test_the_title_of_the_actions_is_their_total_and_names_the_assumption(recommendations):
    assert title(pictures.actions_picture(recommendations, currency="EUR")) == (
        "Actions for 3 of 6 customers are worth 105 EUR more than the 45 EUR that they cost,\n"
        "if their effects are those that the policy assumes"
    )


def test_nobody_held_out_is_not_drawn(recommendations):
    figure = pictures.actions_picture(recommendations.assign(holdout=False), currency="EUR")
    assert len(figure.axes[0].containers) == 1


def test_each_reason_is_a_bar_that_says_its_value(at_risk):
    figure = pictures.reasons_picture(at_risk)
    (axes,) = figure.axes
    assert bar_lengths(axes) == [[-8.1, 3.0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["nps_last = 2", "contract_plan = premium"]
    assert title(figure) == "c7: health 43 of 100, lowered most by\nlast NPS answer is 2: -8 points"


def test_a_row_without_reasons_names_the_remedy(at_risk):
    with pytest.raises(SchemaError, match="reasons=3"):
        pictures.reasons_picture(at_risk[[c.CUSTOMER_ID, c.HEALTH]])


def every_picture(nps_predictions, answers, recommendations, at_risk):
    known = nps_predictions.assign(renewal_risk=[0.1, 0.6, 0.2], health=[70.0, 30.0, NAN])
    yield pictures.nps_picture(known, answers=answers)
    yield pictures.renewal_risk_picture(known)
    yield pictures.health_picture(known)
    yield pictures.calibration_picture([0.1, 0.2, 0.7, 0.8], [0, 0, 1, 1], event="lost", n_bins=2)
    yield pictures.actions_picture(recommendations, currency="EUR")
    yield pictures.reasons_picture(at_risk)


def svg(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def test_the_same_frames_give_the_same_bytes(nps_predictions, answers, recommendations, at_risk):
    from matplotlib import rc_context

    frames = nps_predictions, answers, recommendations, at_risk
    with rc_context({"svg.hashsalt": "cxml"}):
        assert [svg(f) for f in every_picture(*frames)] == [svg(f) for f in every_picture(*frames)]


def test_drawing_changes_neither_a_frame_nor_the_state_of_pyplot(nps_predictions, answers, recommendations, at_risk):
    from matplotlib import pyplot, rcParams

    frames = nps_predictions, answers, recommendations, at_risk
    copies = [frame.copy() for frame in frames]
    settings, open_figures = dict(rcParams), pyplot.get_fignums()
    drawn = [svg(figure) for figure in every_picture(*frames)]
    assert all(drawn)
    assert (dict(rcParams), pyplot.get_fignums()) == (settings, open_figures)
    assert all(frame.equals(copy) for frame, copy in zip(frames, copies, strict=True))


def test_importing_the_pictures_loads_neither_matplotlib_nor_pandas():
    heavy = "import sys, cxml.report.pictures; print({'matplotlib', 'pandas', 'scipy', 'lightgbm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
