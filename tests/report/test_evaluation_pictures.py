import io

import pandas as pd
import pytest

from cxml.report.evaluation_pictures import evaluation_picture


@pytest.fixture
def frames():
    heads = [("nps", "detractor"), ("nps", "promoter"), ("renewal", "lost")]
    bins = [
        (*head, by, group, b, 50, 0.2 * b, 0.2 * b + 0.02, 0.2 * b - 0.03, 0.2 * b + 0.06)
        for head in heads
        for by, group in (("all", None), ("segment", "gold"))
        for b in (1, 2, 3)
    ]
    gains = [(*head, 0.5, 0.8, 0.7, 0.9, 1.6) for head in heads] + [(*head, 1.0, 1.0, 1.0, 1.0, 1.0) for head in heads]
    judged = [(*head, "all", None, 150, 0.02, 0.05, head[1] != "promoter") for head in heads]
    group = ["model", "head", "by", "group"]
    return (
        pd.DataFrame(bins, columns=[*group, "bin", "n", "predicted", "observed", "low", "high"]),
        pd.DataFrame(gains, columns=["model", "head", "contacted", "found", "low", "high", "lift"]),
        pd.DataFrame(judged, columns=[*group, "n", "ece", "limit", "inside"]),
    )


def texts(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_each_model_has_its_calibration_curve_and_its_gain_curve(frames):
    figure = evaluation_picture(*frames)
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left") == "nps: what was said, and what came true"
    assert texts(figure.axes[2]) == ["as said", "lost: ECE 0.020, inside the limit 0.050"]
    assert "promoter: ECE 0.020, outside the limit 0.050" in texts(figure.axes[0])
    assert figure.get_suptitle().startswith("2 of 3 probabilities mean what they say")


def test_bins_are_those_of_all_rows_with_their_intervals(frames):
    axes = evaluation_picture(*frames).axes[2]
    line = axes.containers[0].lines[0]
    assert line.get_xdata() == pytest.approx([0.2, 0.4, 0.6])
    assert line.get_ydata() == pytest.approx([0.22, 0.42, 0.62])
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.17, 0.26))


def test_the_gain_curve_begins_at_nothing(frames):
    axes = evaluation_picture(*frames).axes[3]
    assert axes.lines[1].get_xdata() == pytest.approx([0, 0.5, 1])
    assert axes.lines[1].get_ydata() == pytest.approx([0, 0.8, 1])


def test_the_same_frames_give_the_same_bytes_and_stay_as_they_are(frames):
    from matplotlib import rc_context

    def svg():
        file = io.BytesIO()
        evaluation_picture(*frames).savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    copies = [frame.copy() for frame in frames]
    with rc_context({"svg.hashsalt": "cxml"}):
        assert svg() == svg()
    assert all(frame.equals(copy) for frame, copy in zip(frames, copies, strict=True))
