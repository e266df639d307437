import numpy as np
import pytest

from cxml.errors import SchemaError, TrainingError
from cxml.predictive.members import TrainingRows
from cxml.predictive.trees import Trees
from cxml.predictive.uplift.experiment import Experiment
from cxml.predictive.uplift.learning import learnt_effects


def experiment(outcome, action, propensity, matrix, *, customers=None, actions=("call",)):
    n = len(outcome)
    return Experiment(
        rows=TrainingRows(matrix, {}, np.ones(n)),
        action=np.asarray(action, dtype=np.intp),
        actions=actions,
        outcome=np.asarray(outcome, dtype=np.float64),
        propensity=np.broadcast_to(np.asarray(propensity, dtype=np.float64), n).copy(),
        customers=np.arange(n) if customers is None else customers,
    )


def planted(n, *, seed=0, money=False):
    """Return an experiment whose first action helps by .3 where a feature is above 0, and whose second by .1 always."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 6))
    action = rng.choice(3, size=n, p=[0.4, 0.3, 0.3])
    true = np.column_stack([np.zeros(n), np.where(matrix[:, 0] > 0, 0.3, 0.0), np.full(n, 0.1)])
    p = 0.3 + 0.1 * (matrix[:, 1] > 0) + true[np.arange(n), action]
    outcome = (rng.random(n) < p).astype(float)
    if money:
        outcome *= rng.gamma(2, 10, size=n)
    logged = np.array([0.4, 0.3, 0.3])[action]
    return experiment(outcome, action, logged, matrix, actions=("call", "letter")), true


@pytest.fixture(scope="module")
def learnt():
    tried, true = planted(6_000, seed=2)
    return tried, true, learnt_effects(tried, "renewal", n_jobs=1)


def test_planted_effects_are_found_where_they_are(learnt):
    tried, true, (call, letter) = learnt
    assert call.heterogeneous
    assert call.learner != "average"
    said = call.effects(tried.rows.matrix)
    assert np.corrcoef(said, true[:, 1])[0, 1] > 0.85
    assert abs(said - true[:, 1]).mean() < 0.06
    assert call.low < true[:, 1].mean() < call.high
    assert letter.low < 0.1 < letter.high


def test_where_all_are_alike_everybody_is_given_the_average(learnt):
    _, _, (_, letter) = learnt
    assert not letter.heterogeneous
    assert letter.learner == "average"
    assert letter.p_heterogeneity > 0.05
    assert set(letter.scores) == {"average", "t", "linear", "t+linear"}
    assert letter.scores["average"] == (0, 0, 0)
    (group,) = letter.groups
    assert group.measured == group.predicted == letter.average


def test_the_average_of_a_yes_or_no_is_one_change_of_log_odds(learnt):
    tried, _, (_, letter) = learnt
    said = letter.effects(tried.rows.matrix)
    assert said.mean() == pytest.approx(letter.average, rel=0.02)  # exactly so by forests that have not seen the rows
    raw = Trees(letter.forests["common"]).raw_scores(tried.rows.matrix)[:, 0]
    treated, untreated = (1 / (1 + np.exp(-(raw + at))) for at in (letter.parts.treated, letter.parts.untreated))
    assert said == pytest.approx(treated - untreated)
    assert np.ptp(np.log(treated / (1 - treated)) - np.log(untreated / (1 - untreated))) < 1e-9
    # the error is as large a part of an effect as of the average, and no smaller than a yes or no's own noise
    part = np.array([0.25, 1, 1.5])
    errors = letter.standard_errors(part * letter.average)
    assert errors == pytest.approx(letter.standard_error * np.array([0.5, 1, 1.5]))


def test_the_average_of_money_is_the_same_for_all():
    tried, _ = planted(2_000, seed=3, money=True)
    alike = experiment(np.random.default_rng(0).gamma(2, 10, 2_000), tried.action, tried.propensity, tried.rows.matrix,
                       actions=tried.actions)  # fmt: skip
    effects = learnt_effects(alike, "value", n_jobs=1)
    assert [one.learner for one in effects] == ["average", "average"]
    for one in effects:
        assert set(one.effects(tried.rows.matrix)) == {one.average}
        assert one.standard_errors(np.array([one.average])).tolist() == [one.standard_error]
        assert one.forests == {}


def test_groups_say_what_is_true_of_fresh_rows(learnt):
    _, _, (call, _) = learnt
    fresh, true = planted(20_000, seed=1)
    said = call.effects(fresh.rows.matrix)
    place = np.searchsorted([group.upto for group in call.groups[:-1]], said)
    for g, group in enumerate(call.groups):  # all rows teach more than those of four folds: about what was measured
        assert true[place == g, 1].mean() == pytest.approx(group.measured, abs=0.1)
        assert group.predicted == pytest.approx(group.measured, abs=0.1)
    assert sum(group.n for group in call.groups) == 6_000
    assert call.groups[-1].upto == float("inf")
    errors = call.standard_errors(said)
    assert errors == pytest.approx([call.groups[g].standard_error for g in place])


def test_money_is_learnt_in_its_own_units():
    tried, true = planted(6_000, seed=2, money=True)
    call, _ = learnt_effects(tried, "value", n_jobs=1)
    assert call.low < 20 * true[:, 1].mean() < call.high
    assert call.heterogeneous
    assert np.corrcoef(call.effects(tried.rows.matrix), true[:, 1])[0, 1] > 0.7


def test_a_confounded_log_without_propensities_is_corrected():
    rng = np.random.default_rng(0)
    n = 8_000
    matrix = rng.normal(size=(n, 4))
    weak = matrix[:, 0] > 0
    action = (rng.random(n) < np.where(weak, 0.7, 0.2)).astype(int)  # those at risk are called
    outcome = (rng.random(n) < np.where(weak, 0.3, 0.7) + 0.1 * action).astype(float)
    (call,) = learnt_effects(experiment(outcome, action, np.nan, matrix), "renewal", n_jobs=1)
    naive = outcome[action == 1].mean() - outcome[action == 0].mean()
    assert naive < 0
    assert call.low < 0.1 < call.high
    assert call.overlap.estimated
    assert 0.1 < call.overlap.lowest_propensity < 0.35
    assert call.average == pytest.approx(0.1, abs=0.04)


def test_without_overlap_there_is_no_effect():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(3_000, 3))
    action = (matrix[:, 0] > 0).astype(int)
    tried = experiment(rng.integers(0, 2, 3_000), action, np.nan, matrix)
    (call,) = learnt_effects(tried, "renewal", n_jobs=1)
    assert "could have had it or nothing" in call.too_little
    assert np.isnan(call.average)
    assert np.isnan(call.effects(matrix)).all()
    assert call.groups == ()


@pytest.mark.parametrize(
    ("n_treated", "n_untreated", "outcome", "why"),
    [
        (49, 500, None, "at least 50 customers with 'call' and a known outcome; there are 49"),
        (500, 0, None, "at least 50 customers with nothing done and a known outcome; there are 0"),
        (500, 500, 1.0, "needs rows with 'call' of different outcomes; all 500 have 1"),
    ],
)
def test_too_little_evidence_says_why(n_treated, n_untreated, outcome, why):
    rng = np.random.default_rng(0)
    n = n_treated + n_untreated
    action = np.repeat([1, 0], [n_treated, n_untreated])
    came = rng.integers(0, 2, n) if outcome is None else np.where(action == 1, outcome, rng.integers(0, 2, n))
    (call,) = learnt_effects(experiment(came, action, 0.5, rng.normal(size=(n, 2))), "renewal")
    assert why in call.too_little
    assert (call.n_treated, call.n_untreated) == (n_treated, n_untreated)


def test_the_number_of_threads_changes_no_digit():
    from threadpoolctl import threadpool_limits

    tried, _ = planted(12_000, seed=3, money=True)
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append([effect.to_json() for effect in learnt_effects(tried, "value", n_jobs=1)])
    assert found[0] == found[1]


def test_the_same_inputs_give_the_same_bytes(learnt):
    tried, _, found = learnt
    again = learnt_effects(tried, "renewal", n_jobs=2)
    for one, other in zip(found, again, strict=True):
        assert one.to_json() == other.to_json()
        assert one.forests == other.forests


def test_rows_of_one_customer_count_once():
    tried, _ = planted(1_000)
    four = experiment(
        np.repeat(tried.outcome, 4), np.repeat(tried.action, 4), np.repeat(tried.propensity, 4),
        np.repeat(tried.rows.matrix, 4, axis=0), customers=np.repeat(np.arange(1_000), 4), actions=tried.actions,
    )  # fmt: skip
    errors = [learnt_effects(one, "renewal", n_jobs=1)[0].standard_error for one in (tried, four)]
    assert errors[1] == pytest.approx(errors[0], rel=0.15)


def test_what_is_wrong_with_an_experiment_is_told_at_once():
    with pytest.raises(SchemaError, match=r"(?s)3 faults.*action: must be 0, or 1 to 1; 1 of 3.*outcome.*propensity"):
        experiment([1.0, np.nan, 0.0], [0, 1, 2], [0.5, 0.0, 0.5], np.zeros((3, 1)))
    with pytest.raises(SchemaError, match=r"one value for each of the 3 rows of features; outcome \(2,\)"):
        Experiment(
            TrainingRows(np.zeros((3, 1)), {}, np.ones(3)), np.zeros(3, dtype=np.intp), ("a",), np.zeros(2),
            np.ones(3), np.arange(3),
        )  # fmt: skip
    with pytest.raises(TrainingError, match="n_folds: must be 2 or more; it is 1"):
        learnt_effects(planted(300)[0], "renewal", n_folds=1)
