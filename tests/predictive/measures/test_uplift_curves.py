"""Values that scikit-uplift 0.5.1, causalml 0.18.0 and EconML 0.17.0 gave on the same arrays, and plain loops."""

import numpy as np
import pytest

from cxml.errors import SchemaError
from cxml.predictive.measures.uplift_curves import (
    causalml_auuc,
    causalml_gain_curve,
    causalml_qini,
    causalml_qini_curve,
    econml_coefficient,
    econml_curve,
    sklift_qini_auc,
    sklift_qini_curve,
    sklift_uplift_auc,
    sklift_uplift_curve,
)

OUTCOME = np.array([1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0])
TREATED = np.array([1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0])
TIED = np.array([0.9, 0.8, 0.8, 0.7, 0.6, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1])
UNTIED = np.array([0.9, 0.8, 0.81, 0.7, 0.6, 0.61, 0.5, 0.4, 0.3, 0.2, 0.1, 0.11])
MONEY = OUTCOME * 10.0


def test_curves_of_scikit_uplift():
    uplift, qini = sklift_uplift_curve(OUTCOME, TIED, TREATED), sklift_qini_curve(OUTCOME, TIED, TREATED)
    assert uplift.targeted.tolist() == qini.targeted.tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 12]
    assert uplift.gain == pytest.approx([0, 1, 3, 8 / 3, 2, 7 / 6, 32 / 15, 3.15, 2.5, 2])
    assert qini.gain == pytest.approx([0, 1, 2, 2, 1, 2 / 3, 4 / 3, 1.75, 1.5, 1])


def test_areas_of_scikit_uplift():
    assert sklift_uplift_auc(OUTCOME, TIED, TREATED) == pytest.approx(0.352)
    assert sklift_qini_auc(OUTCOME, TIED, TREATED) == pytest.approx(0.425531914893617)
    assert sklift_qini_auc(OUTCOME, TIED, TREATED, negative_effect=False) == pytest.approx(1.8181818181818181)


def test_curves_of_causalml_where_a_side_has_no_row_yet_lie_on_a_line():
    gain = [0, 10 / 3, 40 / 3, 30, 80 / 3, 100 / 3, 20, 35 / 3, 64 / 3, 31.5, 25, 33, 20]
    qini = [0, 20 / 3, 40 / 3, 20, 20, 20, 10, 20 / 3, 40 / 3, 17.5, 15, 18, 10]
    assert causalml_gain_curve(MONEY, UNTIED, TREATED).gain == pytest.approx(gain)
    assert causalml_qini_curve(MONEY, UNTIED, TREATED).gain == pytest.approx(qini)


def test_areas_of_causalml():
    assert causalml_auuc(MONEY, UNTIED, TREATED) == pytest.approx(1.0352564102564101)
    assert causalml_qini(MONEY, UNTIED, TREATED) == pytest.approx(0.8115384615384615)
    assert causalml_qini(MONEY, UNTIED, TREATED, normalize=False) == pytest.approx(8.115384615384615)


def _loops(y, score, treated):
    """Return both curves of scikit-uplift, target by target."""
    bounds = sorted(set(score), reverse=True)
    uplift, qini = [0.0], [0.0]
    for bound in bounds:
        on = [y[i] for i in range(len(y)) if score[i] >= bound and treated[i] == 1]
        off = [y[i] for i in range(len(y)) if score[i] >= bound and treated[i] == 0]
        means = [sum(side) / len(side) if side else 0.0 for side in (on, off)]
        uplift.append((means[0] - means[1]) * (len(on) + len(off)))
        qini.append(sum(on) - (sum(off) * len(on) / len(off) if off else 0.0))
    return uplift, qini


def test_curves_equal_a_plain_loop():
    rng = np.random.default_rng(0)
    score, treated = np.round(rng.normal(size=200), 1), (rng.random(200) < 0.3).astype(int)
    outcome = (rng.random(200) < 0.3 + 0.2 * treated).astype(int)
    uplift, qini = _loops(outcome, score, treated)
    assert sklift_uplift_curve(outcome, score, treated).gain == pytest.approx(uplift)
    assert sklift_qini_curve(outcome, score, treated).gain == pytest.approx(qini)


@pytest.mark.parametrize(("metric", "expected"), [("qini", 0.0544046712901349), ("toc", 0.13701928529690371)])
def test_coefficients_of_econml(metric, expected):
    i = np.arange(60)
    measured, score, train = np.sin(i) + 0.3 * np.cos(1.7 * i), np.cos(1.7 * i), np.cos(2.3 * np.arange(40))
    assert econml_coefficient(measured, score, train_score=train, metric=metric) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["qini", "toc"])
def test_coefficient_of_econml_equals_a_plain_loop(metric):
    rng = np.random.default_rng(0)
    score, train, measured = rng.normal(size=300), rng.normal(size=200), rng.normal(size=300)
    percentiles = [10, 30, 60, 90]
    gains = []
    for percentile in percentiles:
        bound = np.percentile(train, percentile)
        above = [effect for effect, said in zip(measured, score, strict=True) if said >= bound]
        more = sum(above) / len(above) - measured.mean()
        gains.append(more * len(above) / 300 if metric == "qini" else more)
    options = {"train_score": train, "metric": metric, "percentiles": percentiles}
    assert econml_curve(measured, score, **options).gain == pytest.approx(gains)
    assert econml_coefficient(measured, score, **options) == pytest.approx(
        0.2 * gains[0] + 0.3 * gains[1] + 0.3 * gains[2]
    )


def test_the_order_of_tied_rows_does_not_matter_to_scikit_uplifts_curve():
    shuffled = np.random.default_rng(1).permutation(12)
    again = sklift_qini_curve(OUTCOME[shuffled], TIED[shuffled], TREATED[shuffled])
    assert again.gain == pytest.approx(sklift_qini_curve(OUTCOME, TIED, TREATED).gain)


def test_what_a_definition_does_not_know_is_refused():
    with pytest.raises(SchemaError, match=r"outcome: must be 0 or 1; 5 of 12 rows are not \(first: row 0 has 10\)"):
        sklift_qini_auc(MONEY, TIED, TREATED)
    with pytest.raises(SchemaError, match="treated: must be 0 or 1"):
        causalml_qini(MONEY, TIED, TREATED + 1)
    with pytest.raises(SchemaError, match="one kind only"):
        causalml_qini(MONEY, TIED, np.ones(12))
    with pytest.raises(SchemaError, match="metric: must be 'qini' or 'toc'; it is 'area'"):
        econml_curve([1.0], [1.0], train_score=[1.0], metric="area")
