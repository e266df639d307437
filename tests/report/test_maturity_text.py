"""The maturity matrix as text and as a picture, from frames written by hand."""

import io

import pandas as pd
import pytest

from cxml.report.maturity_picture import maturity_picture
from cxml.report.maturity_text import maturity_text, placed_text
from cxml.schema.maturity import MEANINGS

NAN = float("nan")
FILLED = {("behaviour", "interfaces"): (55, 0.994, NAN), ("competitors", "social"): (1, 0.004, 0.8)}


@pytest.fixture
def cells():
    rows = []
    for place, meaning in MEANINGS.items():
        n, coverage, confidence = FILLED.get(place, (0, NAN, NAN))
        rows.append((*place, meaning, n, 0, coverage, confidence))
    columns = ["source", "aspect", "meaning", "n_features", "n_customers", "coverage", "confidence"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def skill():
    rows = [("nps", "log_loss", 0.7694, 0.743, 0.798), ("nps", "auc", 0.81, 0.794, 0.826)]
    return pd.DataFrame(rows, columns=["label", "measure", "value", "low", "high"])


@pytest.fixture
def lost():
    rows = [
        ("nps", "competitors", "social", 1, "log_loss", -0.00001, -0.002, 0.0038),
        ("nps", "competitors", "social", 1, "auc", 0.0005, -0.0013, 0.0032),
        ("nps", "behaviour", "interfaces", 55, "log_loss", 0.18621, 0.1656, 0.2111),
        ("nps", "behaviour", "interfaces", 55, "auc", 0.1136, 0.1005, 0.1296),
        ("nps", "behaviour", "all", 55, "log_loss", 0.18621, 0.1656, 0.2111),
        ("nps", "behaviour", "all", 55, "auc", 0.1136, 0.1005, 0.1296),
    ]
    return pd.DataFrame(rows, columns=["label", "source", "aspect", "n_features", "measure", "value", "low", "high"])


@pytest.fixture
def text(cells, skill, lost):
    return maturity_text(cells, skill, lost, title="acme", how={"nps": "judged on 1,510 rows"})


def test_the_matrix_says_features_and_coverage_and_what_is_empty(text):
    assert text.splitlines()[:7] == [
        "acme",
        "",
        "              prices and portfolio  service interfaces    social network        environment",
        "behaviour     empty                 55 features, 99%      empty                 empty",
        "alternatives  empty                 empty                 empty                 empty",
        "competitors   empty                 empty                 1 feature, <1%        empty",
        "customer      empty                 empty                 empty                 empty",
    ]


def test_what_empty_cells_would_hold_is_said_and_no_line_is_too_wide(text):
    assert "  alternatives x social network: help and advice found elsewhere: communities, forums, peers" in text
    assert "behaviour x service interfaces: contacts" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_parts_stand_by_what_is_lost_without_them(text):
    lines = text.splitlines()
    begin = lines.index("nps: judged on 1,510 rows")
    assert lines[begin + 1 : begin + 7] == [
        "    log_loss 0.769 [0.743, 0.798], auc 0.810 [0.794, 0.826]",
        "  without                                        log loss rises by                  AUC falls by",
        "  behaviour x service interfaces       +0.1862  [+0.1656, +0.2111]*  +0.1136  [+0.1005, +0.1296]*",
        "  competitors x social network         +0.0000  [-0.0020, +0.0038]   +0.0005  [-0.0013, +0.0032]",
        "  rows and columns                               log loss rises by                  AUC falls by",
        "  behaviour, all                       +0.1862  [+0.1656, +0.2111]*  +0.1136  [+0.1005, +0.1296]*",
    ]
    assert "what the other cells cannot replace" in " ".join(lines)


def test_confidence_is_shown_where_it_is_stated(text, cells, skill, lost):
    assert "  competitors x social network: 0.80" in text
    without = maturity_text(cells.assign(confidence=NAN), skill, lost, title="acme", how={})
    assert "Confidence" not in without


def test_without_models_there_is_the_matrix_alone(cells, skill, lost):
    text = maturity_text(cells, skill[:0], lost[:0], title="acme", how={})
    assert "55 features, 99%" in text
    assert "without" not in text


def test_features_are_listed_by_cell_with_what_placed_them():
    rows = [
        ("age", "customers", "customer", "environment", "table: customers", 0.94),
        ("contact_count_7d", "events", "behaviour", "interfaces", "word: contact", 0.11),
    ]
    frame = pd.DataFrame(rows, columns=["feature", "table", "source", "aspect", "by", "coverage"])
    assert placed_text(frame).splitlines() == [
        "behaviour x service interfaces",
        "  contact_count_7d    11%  word: contact",
        "customer x environment",
        "  age                 94%  table: customers",
    ]


def test_the_picture_writes_what_each_filled_cell_has_and_hatches_the_empty_ones(cells, lost):
    figure = maturity_picture(cells, lost)
    (axes,) = figure.axes
    written = [text.get_text() for text in axes.texts if text.get_text()]
    assert written == [
        "55 features, 99%\n+0.1862\n[+0.1656, +0.2111]",
        "1 feature, <1%\n+0.0000\n[-0.0020, +0.0038]",
    ]
    assert len(axes.collections) == 14
    assert figure.get_suptitle() == "2 of 16 cells are filled; hatched ones are empty"
    colour = axes.images[0].get_array()
    assert colour[0, 1] == pytest.approx(0.18621)
    assert colour[2, 2] == 0  # worth less than nothing is drawn as nothing


def test_without_models_the_picture_shows_the_coverage(cells, lost):
    (axes,) = maturity_picture(cells, lost[:0]).axes
    assert axes.images[0].get_array()[0, 1] == pytest.approx(0.994)
    assert axes.get_title("left") == "customers of whom anything is known"


def test_the_same_frames_give_the_same_picture(cells, lost):
    from matplotlib import rc_context

    def svg():
        file = io.BytesIO()
        maturity_picture(cells, lost).savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    with rc_context({"svg.hashsalt": "cxml"}):
        assert svg() == svg()
