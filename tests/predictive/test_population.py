"""The NPS of everyone where everyone's is known, whoever answers."""

from dataclasses import replace

import numpy as np
import pytest
from answers import MECHANISMS, answers

from cxml.predictive.population import Population, advocacy, from_answers, from_silence

SEEDS = range(4)


def of(company):
    rows = company.customers, company.codes, company.asked, company.now
    return from_silence(*rows, company.classes, company.p_answer, company.often)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_truth_is_inside_the_interval_whoever_answers(mechanism):
    inside, errors, plain, widths = 0, [], [], []
    for seed in SEEDS:
        company = answers(MECHANISMS[mechanism], seed, n_customers=350)
        found, truth = of(company).nps(), company.truth.mean()
        inside += found.low <= truth <= found.high
        errors.append(abs(found.value - truth))
        plain.append(abs(100 * (company.codes[company.codes >= 0] - 1).mean() - truth))
        widths.append(found.high - found.low)
    assert inside >= 3
    assert np.mean(widths) < 50
    if mechanism in ("the unhappy", "the happy"):
        assert np.mean(errors) < np.mean(plain) / 2


def test_who_is_asked_after_each_complaint_does_not_speak_for_those_who_never_complain():
    inside, errors, blind = 0, [], []
    for seed in SEEDS:
        company = answers(MECHANISMS["at random"], seed, asked_by_mood=0.7)
        found, truth = of(company).nps(), company.truth.mean()
        inside += found.low <= truth <= found.high
        errors.append(found.value - truth)
        blind.append(of(replace(company, often=np.zeros(len(company.now)))).nps().value - truth)
    assert inside >= 3
    assert np.mean(blind) < -5  # the unhappy were asked more often, and that they were is not looked at
    assert abs(np.mean(errors)) < abs(np.mean(blind)) / 2


def test_a_group_that_its_features_do_not_tell_is_drawn_towards_its_answers():
    company = answers(MECHANISMS["at random"], seed=0, n_customers=1_500, in_group=0.3)
    population, there = of(company), company.codes >= 0
    found = population.nps_by_group(company.group[company.now], company.group[there])
    said, untold = [], []
    for group in range(4):
        mine = company.group[company.now] == group
        measure, truth = found[group], company.truth[mine].mean()
        assert measure.low <= truth <= measure.high
        said.append(abs(measure.value - truth))
        untold.append(abs(100 * population.net[mine].mean() - truth))
    assert np.mean(said) < np.mean(untold) / 2


def test_groups_without_a_difference_are_shrunk_and_one_without_an_answer_stays():
    company = answers(MECHANISMS["at random"], seed=1)
    population, there = of(company), company.codes >= 0
    groups = company.group[company.now].astype(object)
    groups[:20] = "nobody answered"
    found = population.nps_by_group(groups, company.group[there].astype(object))
    assert found["nobody answered"].value == pytest.approx(100 * population.net[:20].mean())
    assert found["nobody answered"].high - found["nobody answered"].low > 2 * 1.96 * 3


def of_two(net, own, common):
    """Return a population of two customers who never answered."""
    none = np.zeros(2, dtype=bool)
    moved, rest, by = np.zeros(2), np.zeros(0), np.zeros(0, dtype=np.intp)
    return Population(np.array(net), np.array(own), np.array([common]), none, moved, rest, by)


def test_of_two_customers_mean_and_interval_are_worked_by_hand():
    # Net 0.1 and 0.3; own variances .04 and .12 average out to .16 / 4; a common error of .1 and .3 does not: .2.
    found = of_two([0.1, 0.3], [0.04, 0.12], [0.1, 0.3]).nps()
    assert found.value == pytest.approx(20)
    assert found.high - found.value == pytest.approx(100 * 1.959964 * np.sqrt(0.04 + 0.04), rel=1e-5)


def test_an_interval_ends_with_the_scale():
    wide = of_two([0.9, 0.9], [1.0, 1.0], [1.0, 1.0]).nps()
    assert (wide.low, wide.high) == (-100, 100)


def test_answers_at_random_given_the_features_are_corrected_by_weights():
    inside, errors, plain = 0, [], []
    for seed in SEEDS:
        company = answers(lambda s, y, x, c: 1 / (1 + np.exp(1 + 0.9 * x)), seed, n_customers=800, n_asked=1)
        there, now = company.codes >= 0, company.now
        told = np.zeros(len(now), dtype=bool)
        known = there | now
        fit = type(company.classes)(company.classes.p_by_fold[:, known], company.classes.fold[known])
        p = company.p_answer[known] / (1 + company.p_answer[known])  # odds of an answer among answers and customers
        found = from_answers(company.customers[known], company.codes[known], now[known], told[known], fit, p).nps()
        truth = company.truth.mean()
        inside += found.low <= truth <= found.high
        errors.append(abs(found.value - truth))
        plain.append(abs(100 * (company.codes[there] - 1).mean() - truth))
    assert inside >= 3
    assert np.mean(errors) < np.mean(plain) / 3


def test_an_answer_of_now_stands_for_itself():
    company = answers(MECHANISMS["at random"], seed=3, n_asked=1)
    here = company.asked  # one row each: a snapshot, a third with an answer
    fit = type(company.classes)(company.classes.p_by_fold[:, here], company.classes.fold[here])
    codes, there = company.codes[here], company.codes[here] >= 0
    found = from_answers(company.customers[here], codes, np.ones(here.sum(), bool), there, fit, company.p_answer[here])
    assert found.net[there].tolist() == (codes[there] - 1.0).tolist()
    assert (found.common[:, there] == 0).all()
    assert (found.own_variance > 0).all()


def test_advocacy_orders_customers_as_their_probabilities_do():
    p = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3], [0.1, 0.1, 0.8], [0.0, 0.0, 1.0]])
    found = advocacy(p)
    assert (np.diff(found) > 0).all()
    assert found[2] == pytest.approx(0)
    assert np.isfinite(found).all()
