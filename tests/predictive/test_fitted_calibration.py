import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from cxml.errors import BundleError, TrainingError
from cxml.predictive.calibration import Calibration
from cxml.predictive.fitted_calibration import _MAPS, fitted_calibration

KINDS = tuple(_MAPS)


def sample(seed, n, log_odds=lambda raw: raw, decimals=9):
    rng = np.random.default_rng(seed)
    raw = (rng.normal(size=n) * 1.5 - 0.5).round(decimals)
    return raw, (rng.random(n) < expit(log_odds(raw))).astype(float), rng.integers(0, 3, n).astype(float)


def loss(p, truth):
    """Return the expected log loss of saying p where the truth is known."""
    return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())


def bent(raw):
    return 0.3 * -np.logaddexp(0, -raw) + 2.0 * np.logaddexp(0, raw) + 0.4


def stepped(raw):
    return np.select([raw < -1, raw < 0.5], [-3.0, -0.5], 1.5)


@pytest.mark.parametrize("slope", [0.4, 1.0, 2.5])
def test_temperature_is_chosen_where_it_suffices_and_finds_the_slope(slope):
    raw, hits, _ = sample(0, 20_000, lambda raw: slope * raw)
    found, trials = fitted_calibration(raw, hits)
    assert found.kind == "temperature" == trials[0].kind
    assert found.parameters[0] == pytest.approx(slope, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_temperature_is_chosen_on_few_rows_whatever_the_others_promise(seed):
    assert fitted_calibration(*sample(seed, 300)[:2])[0].kind == "temperature"


def test_scores_bent_at_the_ends_are_straightened_by_beta():
    raw, hits, _ = sample(1, 20_000, bent)
    found, _ = fitted_calibration(raw, hits)
    unseen = sample(2, 20_000)[0]
    truth = expit(bent(unseen))
    assert found.kind == "beta"
    assert loss(found.probability(unseen), truth) - loss(truth, truth) < 3e-4


def test_steps_are_found_by_a_map_that_has_steps():
    raw, hits, _ = sample(3, 20_000, stepped)
    found, trials = fitted_calibration(raw, hits)
    unseen = sample(4, 20_000)[0]
    truth = expit(stepped(unseen))
    assert found.kind in ("venn_abers", "isotonic")
    assert loss(found.probability(unseen), truth) - loss(truth, truth) < 2e-3
    chosen = next(trial for trial in trials if trial.kind == found.kind)
    assert chosen.low > 0
    assert chosen.log_loss == min(trial.log_loss for trial in trials)


def test_the_log_loss_of_a_trial_is_that_of_rows_not_seen():
    # A map may learn 200 rows by heart; on rows it has not seen, it is no better than the truth but by chance.
    raw, hits, _ = sample(5, 200)
    trials = {trial.kind: trial for trial in fitted_calibration(raw, hits)[1]}
    at_heart = _MAPS["isotonic"](raw, hits, np.ones(200)).probability(raw)
    assert -np.log(np.where(hits == 1, at_heart, 1 - at_heart)).mean() < trials["temperature"].log_loss
    assert trials["isotonic"].log_loss > trials["temperature"].log_loss


def test_customers_that_say_the_same_many_times_convince_no_more_than_once():
    raw, hits, _ = sample(6, 400, bent)
    alone = {trial.kind: trial for trial in fitted_calibration(raw, hits)[1]}["beta"]
    many = np.repeat(np.arange(400), 20)
    known = {trial.kind: trial for trial in fitted_calibration(raw[many], hits[many], customers=many)[1]}["beta"]
    assert known.high - known.low == pytest.approx(alone.high - alone.low, rel=0.3)
    naive = {trial.kind: trial for trial in fitted_calibration(raw[many], hits[many])[1]}["beta"]
    assert naive.high - naive.low < 0.4 * (alone.high - alone.low)


def inner(raw, hits, weight, grid):
    """Return the scores between those where isotonic regression says 0 or 1, for which Laplace cuts its ends."""
    level = IsotonicRegression().fit(raw, hits, sample_weight=weight).predict(raw)
    some = raw[(weight > 0) & (level > 0.01) & (level < 0.99)]
    return grid[(grid >= some.min()) & (grid <= some.max())]


@pytest.mark.parametrize("kind", ["temperature", "beta", "isotonic"])
def test_a_weight_is_the_row_as_often_and_none_is_no_row(kind):
    raw, hits, weight = sample(7, 500, bent)
    often = np.repeat(np.arange(500), weight.astype(int))
    weighted, repeated = _MAPS[kind](raw, hits, weight), _MAPS[kind](raw[often], hits[often], np.ones(len(often)))
    grid = inner(raw, hits, weight, np.linspace(-4, 4, 300))
    np.testing.assert_allclose(weighted.probability(grid), repeated.probability(grid), atol=2e-5)


def test_isotonic_is_scikit_learns_within_what_laplace_grants():
    raw, hits, weight = sample(8, 400, decimals=2)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(raw, hits, sample_weight=weight)
    found = _MAPS["isotonic"](raw, hits, weight)
    grid = inner(raw, hits, weight, np.concatenate([raw, np.linspace(-9, 9, 300)]))
    assert len(grid) > 300
    np.testing.assert_allclose(found.probability(grid), oracle.predict(grid), atol=1e-12)
    n = weight.sum() ** 2 / (weight**2).sum()
    assert found.probability(np.array([-9.0, 9.0])) == pytest.approx([1 / (n + 2), 1 - 1 / (n + 2)])


@pytest.mark.parametrize(("seed", "decimals"), [(0, 9), (1, 1), (2, 0), (3, 1), (4, 0)])
def test_venn_abers_is_two_isotonic_fits_for_every_new_row(seed, decimals):
    raw, hits, weight = sample(seed, 60, decimals=decimals)
    weight = weight if seed % 2 else np.ones(60)
    weight = weight * (weight.sum() / (weight**2).sum())  # as many rows as the weights are worth
    grid = np.concatenate([raw, np.linspace(-8.973, 9.023, 41)])

    def as_defined(new):
        p0, p1 = (
            IsotonicRegression()
            .fit(np.append(raw, new), np.append(hits, label), sample_weight=np.append(weight, 1.0))
            .predict([new])[0]
            for label in (0, 1)
        )
        return p1 / (1 - p0 + p1)

    found = _MAPS["venn_abers"](raw, hits, weight).probability(grid)
    np.testing.assert_allclose(found, [as_defined(new) for new in grid], atol=1e-12)


def test_beta_is_scikit_learns_logistic_regression_on_both_logarithms():
    raw, hits, weight = sample(9, 3_000, bent)
    terms = np.column_stack([-np.logaddexp(0, -raw), np.logaddexp(0, raw)])
    oracle = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(terms, hits, sample_weight=weight)
    assert (oracle.coef_ > 0).all()
    found = _MAPS["beta"](raw, hits, weight)
    np.testing.assert_allclose(found.probability(raw), oracle.predict_proba(terms)[:, 1], atol=1e-5)


def test_beta_stays_monotone_where_the_best_fit_is_not():
    raw, hits, _ = sample(10, 5_000, lambda raw: -0.5 * np.logaddexp(0, -raw) * -1 + 1.5 * np.logaddexp(0, raw))
    a, b, _ = _MAPS["beta"](raw, hits, np.ones(5_000)).parameters
    assert a == 0.0
    assert b > 0


def test_too_few_hits_for_folds_leave_temperature_alone():
    found, trials = fitted_calibration(np.array([-1.0, 0.0, 2.0]), np.array([0, 0, 1]))
    assert found.kind == "temperature"
    assert [trial.kind for trial in trials] == ["temperature"]


@pytest.mark.parametrize(
    ("raw", "hits", "says"),
    [
        ([0.0, np.nan, 1.0], [0, 1, 1], r"1 of 3 rows is not \(first: row 1\)"),
        ([0.0, 1.0], [1, 1], "rows that did not"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(raw, hits, says):
    with pytest.raises(TrainingError, match=says):
        fitted_calibration(raw, hits)


@pytest.fixture(scope="module", params=KINDS)
def map_(request):
    return _MAPS[request.param](*sample(11, 700, bent, decimals=2))


ODDS = st.floats(-50, 50)


@given(scores=st.lists(ODDS, min_size=2, max_size=40))
def test_a_higher_score_never_has_a_lower_probability(map_, scores):
    p = map_.probability(np.sort(scores))
    assert (np.diff(p) >= -1e-15).all()
    assert ((p >= 0) & (p <= 1)).all()


@given(seed=st.integers(0, 10**6), n=st.integers(2, 40), decimals=st.integers(0, 3))
def test_every_map_of_any_rows_is_monotone(seed, n, decimals):
    raw, hits, weight = sample(seed, n, decimals=decimals)
    weight[0] = weight[-1] = 1
    hits[0], hits[-1] = 0, 1
    grid = np.sort(np.concatenate([raw, np.linspace(-8, 8, 33)]))
    for fit in _MAPS.values():
        p = fit(raw, hits, weight).probability(grid)
        assert (np.diff(p) >= -1e-15).all()
        assert ((p >= 0) & (p <= 1)).all()


def test_one_row_has_the_bits_of_many(map_):
    raw = np.concatenate([sample(12, 1_000, decimals=2)[0], [np.inf, -np.inf, np.nan]])
    assert np.array_equal(
        np.concatenate([map_.probability(raw[i : i + 1]) for i in range(1_003)]), map_.probability(raw), equal_nan=True
    )


def test_a_score_that_is_missing_has_no_probability(map_):
    assert np.isnan(map_.probability(np.array([np.nan, 0.0]))).tolist() == [True, False]


def test_a_map_comes_back_from_json_with_its_bits(map_):
    back = Calibration.from_json(json.loads(json.dumps(map_.to_json())))
    raw = sample(13, 500)[0]
    assert back == map_
    assert back.probability(raw).tobytes() == map_.probability(raw).tobytes()


@pytest.mark.parametrize(
    ("altered", "says"),
    [
        ({"kind": "pickle"}, "kind must be one of temperature"),
        ({"parameters": [1.0, 2.0]}, "1 parameters; there are 2"),
        ({"parameters": [-1.0]}, "must not be negative"),
        ({"parameters": [float("nan")]}, "finite"),
        ({"parameters": ["x"]}, "needs kind, parameters"),
        ({"kind": "isotonic", "parameters": []}, "0 knots"),
        ({"kind": "isotonic", "parameters": [], "at": [0, 1], "levels": [0.5, 0.2]}, "must rise"),
        ({"kind": "venn_abers", "parameters": [], "at": [0], "levels": [0.1, 0.2, 1.2]}, "from 0 to 1"),
    ],
)
def test_a_map_that_was_altered_is_refused(altered, says):
    written = {"kind": "temperature", "parameters": [1.0], "at": [], "levels": []} | altered
    with pytest.raises(BundleError, match=says):
        Calibration.from_json(written)


def test_a_map_that_lacks_a_part_is_refused():
    with pytest.raises(BundleError, match="KeyError"):
        Calibration.from_json({"kind": "temperature", "parameters": [1.0]})
