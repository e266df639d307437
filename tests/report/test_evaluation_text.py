import pandas as pd
import pytest

from cxml.report.evaluation_text import ContactCosts, model_text

NAN = float("nan")
COSTS = ContactCosts(clv=200, offer=10, contact=1, accepted=0.3, currency="EUR", published=False)


def frame(columns, *rows):
    return pd.DataFrame(rows, columns=columns.split())


def reliability(*rows):
    columns = "model head by group n predicted observed low high ece floor limit inside"
    return frame(columns, *(("renewal", "lost", *row) for row in rows))


ALL = ("all", None, 1_200, 0.25, 0.262, 0.24, 0.285, 0.011, 0.012, 0.019, True)
BASIC = ("segment", "basic", 800, 0.2, 0.21, 0.18, 0.24, 0.012, 0.015, 0.03, True)
GOLD = ("segment", "gold", 400, 0.35, 0.45, 0.4, 0.5, 0.1, 0.02, 0.04, False)


@pytest.fixture
def frames():
    tried = [("temperature", 0.41, 0.0, 0.0, 0.0, True), ("beta", 0.4105, -0.0005, -0.001, 0.0001, False)]
    return {
        "measures": frame(
            "model measure value low high n",
            ("renewal", "auc", 0.85, 0.8401, 0.8599, 1_200),
            ("renewal", "empc", 10.3, 9.7, 10.9, 1_200),
            ("renewal", "log_loss", 0.41, 0.4, 0.42, 1_200),
        ),
        "classes": frame(
            "model class n predicted observed auc low high", ("renewal", "lost", 314, 0.25, 0.262, 0.85, 0.84, 0.86)
        ),
        "confusions": frame(
            "model class named n",
            ("renewal", "kept", "kept", 800.0),
            ("renewal", "kept", "lost", 86.0),
            ("renewal", "lost", "kept", 150.0),
            ("renewal", "lost", "lost", 164.0),
        ),
        "reliability": reliability(ALL, BASIC),
        "gains": frame(
            "model head contacted found low high lift",
            ("renewal", "lost", 0.1, 0.29, 0.27, 0.31, 2.9),
            ("renewal", "lost", 0.12, 0.33, 0.3, 0.36, 2.75),
            ("renewal", "lost", 0.2, 0.5, 0.47, 0.53, 2.5),
        ),
        "calibrations": frame(
            "model head calibration log_loss gain low high chosen", *(("renewal", "lost", *t) for t in tried)
        ),
        "thresholds": frame(
            "model chosen_by threshold contacted found profit low high",
            ("renewal", "costs", 0.164, 0.5, 0.9, 10.2, 9.6, 10.8),
            ("renewal", "hindsight", NAN, 0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    }


def words(frames, **changed):
    return " ".join(model_text("renewal", "judged on 1,200 rows", costs=COSTS, **(frames | changed)).split())


def test_every_measure_has_its_interval_and_its_meaning(frames):
    lines = model_text("renewal", "judged on 1,200 rows", costs=COSTS, **frames).splitlines()
    assert lines[0] == "renewal: judged on 1,200 rows"
    assert lines[2].split() == ["measure", "value", "95%", "interval"]
    assert lines[3].split()[:4] == ["auc", "0.8500", "[0.8401,", "0.8599]"]
    assert lines[4].endswith("[9.700, 10.900]  maximum profit of contacting, a customer")
    assert max(map(len, lines)) <= 100


def test_classes_stand_beside_what_they_were_named(frames):
    text = words(frames)
    assert "kept 886 800 86" in text
    assert "lost 314 150 164 25.0% 26.2% 0.8500 [0.8400, 0.8600]" in text


def test_the_gain_is_told_of_a_tenth_a_fifth_and_a_half(frames):
    assert "10%: 29.0% [27.0%, 31.0%], 20%: 50.0% [47.0%, 53.0%]" in words(frames)
    assert "12%" not in words(frames)


def test_a_model_inside_the_floor_is_said_to_mean_what_it_says(frames):
    assert (
        "lost: its probabilities mean what they say (ECE 0.0110; perfectly calibrated models show 0.0120 on average, "
        "and less than 0.0190 in 95 of 100 cases); inside in 1 of 1 groups by segment."
    ) in words(frames)


def test_a_group_outside_is_named_with_what_was_said_and_what_came_true(frames):
    text = words(frames, reliability=reliability(ALL, BASIC, GOLD))
    assert "segment gold 400 35.0% 45.0% [40.0%, 50.0%] 0.1000 0.0200 0.0400 OUTSIDE" in text
    assert "inside in 1 of 2 groups by segment. Outside: segment gold (35.0% said, 45.0% came true)." in text


def test_a_model_outside_the_floor_is_said_to_be_off(frames):
    off = ("all", None, 1_200, 0.25, 0.262, 0.24, 0.285, 0.05, 0.012, 0.019, False)
    assert "lost: its probabilities are off by more than chance (ECE 0.0500" in words(
        frames, reliability=reliability(off)
    )


def test_of_many_groups_only_those_outside_are_listed(frames):
    months = [("month", f"2024-{m:02d}", *BASIC[2:]) for m in range(1, 10)]
    text = words(frames, reliability=reliability(ALL, *months, ("month", "2024-10", *GOLD[2:])))
    assert "month 2024-10 400" in text
    assert "month 2024-09" not in text
    assert "month: 10 groups 7,600 9 inside month 2024-10 400" in text  # 9 of 800 rows, 1 of 400
    assert "inside in 9 of 10 groups by month. Outside: month 2024-10" in text


def test_of_many_groups_that_are_all_inside_a_line_says_so(frames):
    months = [("month", f"2024-{m:02d}", *BASIC[2:]) for m in range(1, 10)]
    found = reliability(ALL, *months, GOLD)
    lines = model_text("renewal", "", costs=COSTS, **(frames | {"reliability": found})).splitlines()
    (told,) = (line for line in lines if line.startswith("    month"))
    assert told.split() == ["month:", "9", "groups", "7,200", "9", "inside"]
    assert max(map(len, lines)) <= 100


def test_the_calibration_says_why_it_was_chosen(frames):
    assert "calibrated by temperature, log loss 0.4100 on unseen customers, no other lowers it beyond chance." in words(
        frames
    )
    assert "Gain on temperature: beta -0.0005 [-0.0010, +0.0001]." in words(frames)
    better = frames["calibrations"].assign(chosen=[False, True])
    assert "calibrated by beta, log loss 0.4105" in words(frames, calibrations=better)
    assert "the lowest of those that beat temperature beyond chance" in words(frames, calibrations=better)
    alone = frames["calibrations"].head(1)
    assert "the only one tried: too few rows for another." in words(frames, calibrations=alone)


def test_the_threshold_is_told_with_the_costs_that_decide_it(frames):
    text = words(frames)
    assert "Costs decide whom to contact, not the model: a customer who stays is worth 200.00 EUR" in text
    assert "0.164 by the costs 50.0% 90.0% 10.20 [9.60, 10.80]" in text
    assert "nobody in hindsight: flatters 0.0% 0.0% 0.00" in text
    assert "Costs decide" not in model_text("renewal", "", **frames)
