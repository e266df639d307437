"""The model of answers and silence: its likelihood against integration by hand, its parameters against known ones."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import ndtr

from cxml.predictive import shared_parameter as sp
from cxml.predictive.shared_parameter import Invited, expected_net, fitted_parameters

THETA = np.array([-0.4, np.log(0.8), 0.9, np.log(0.6), -1.0, -0.5, 0.15, np.log(0.5), 0.7, 0.1, -0.05, 0.3, -0.2])
ROWS = Invited(
    np.array([0, 0, 0, 1, 2, 2]),
    np.array([0.3, -0.8, 1.1, 0.2, -1.5, 0.4]),
    np.array([0.1, 0.0, -0.3, 0.2, 0.5, -0.1]),
    np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
    np.array([0.6, 0.6, 0.6, -1.2, 0.1, 0.1]),
    np.array([2, -1, 0, -1, 1, -1]),
)


def of_customer(rows, customer, *, tilt):
    """Return the likelihood of one customer's rows by adaptive integration over b and c."""
    low, high = THETA[0], THETA[0] + np.exp(THETA[1])

    def inside(c, b):
        density = np.exp(-(b**2) / 2 - c**2 / 2) / (2 * np.pi)
        for i in np.flatnonzero(rows.customer == customer):
            s = THETA[2] * rows.u[i] + THETA[11] * rows.here[i] + THETA[12] * rows.often[i] + np.exp(THETA[3]) * b
            logit = THETA[4] + THETA[5] * s + THETA[6] * s**2 + THETA[8] * rows.w[i]
            logit += THETA[9] * rows.u[i] + THETA[10] * rows.u[i] ** 2 + np.exp(THETA[7]) * c
            p = 1 / (1 + np.exp(-logit))
            mean = s + tilt * (THETA[5] + 2 * THETA[6] * s)
            classes = [ndtr(low - mean), ndtr(high - mean) - ndtr(low - mean), 1 - ndtr(high - mean)]
            density *= p * classes[rows.answer[i]] if rows.answer[i] >= 0 else 1 - p
        return density

    return dblquad(inside, -7, 7, -7, 7, epsabs=1e-10)[0]


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_the_likelihood_is_that_of_integration_by_hand(tilt):
    found = sp._likelihood(THETA, ROWS, tilt)[0]
    assert np.exp(found) == pytest.approx([of_customer(ROWS, i, tilt=tilt) for i in range(3)], rel=2e-4)


def test_the_score_is_the_slope_of_the_likelihood():
    score = sp._likelihood(THETA, ROWS, 0.3)[2]
    for i, e in enumerate(1e-5 * np.eye(len(THETA))):
        up, down = (sp._likelihood(THETA + sign * e, ROWS, 0.3)[0] for sign in (1, -1))
        assert score[:, i] == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_parts_of_the_rows_hold_each_customer_once(monkeypatch):
    monkeypatch.setattr(sp, "_CHUNK_ROWS", 2)
    parts = list(ROWS.chunks())
    assert [part.customer.tolist() for part in parts] == [[0, 0, 0], [1, 2, 2]]
    assert np.concatenate([part.answer for part in parts]).tolist() == ROWS.answer.tolist()


def test_a_sample_has_all_rows_of_its_customers():
    found = ROWS.sampled(2, random_state=0)
    there = np.unique(found.customer)
    assert len(there) == 2
    assert found.u.tolist() == ROWS.u[np.isin(ROWS.customer, there)].tolist()


def drawn(n_customers, theta, seed):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_customers), 8)
    u, w = rng.normal(size=len(who)), 0.5 * rng.normal(size=len(who))
    here = (np.arange(n_customers) % 3 > 0).astype(float)[who]
    often = rng.normal(size=n_customers)[who]
    s = theta[2] * u + theta[11] * here + theta[12] * often + np.exp(theta[3]) * rng.normal(size=n_customers)[who]
    logit = theta[4] + theta[5] * s + theta[6] * s**2 + theta[8] * w + theta[9] * u + theta[10] * u**2
    logit += np.exp(theta[7]) * rng.normal(size=n_customers)[who]
    y = s + rng.normal(size=len(who))
    code = (y > theta[0]).astype(int) + (y > theta[0] + np.exp(theta[1]))
    answered = rng.random(len(who)) < 1 / (1 + np.exp(-logit))
    return Invited(who, u, w, here, often, np.where(answered, code, -1)), s


def test_known_parameters_are_found_within_their_errors():
    rows, _ = drawn(1_500, THETA, seed=0)
    fit = fitted_parameters(rows, felt_share=0.0)
    errors = np.sqrt(np.diag(fit.covariance))
    assert (np.abs(fit.theta - THETA) / errors < 3).all()
    assert errors.max() < 0.35
    assert list(fit.named())[5] == "q1"


def test_who_left_invitations_unanswered_is_expected_to_be_happier_where_the_unhappy_answer():
    theta = THETA.copy()
    theta[5] = -1.0
    rows = Invited(np.zeros(8, dtype=int), np.zeros(8), np.zeros(8), np.ones(8), np.zeros(8), np.full(8, -1))
    mean, variance = expected_net(theta, 0.0, rows, np.array([0, 7]), np.zeros(2), np.zeros(2))
    assert mean[0] > mean[1] + 0.03  # customer 7 was never asked
    assert (variance > 0).all()


def test_an_answer_moves_what_is_expected_of_its_customer_alone():
    promoter = Invited(np.array([3]), np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1), np.array([2]))
    detractor = Invited(np.array([3]), np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1), np.array([0]))
    who, now = np.array([2, 3, 4]), np.zeros(3)
    high, low = (expected_net(THETA, 0.0, rows, who, now, now)[0] for rows in (promoter, detractor))
    assert high[1] > low[1]
    assert high[[0, 2]].tolist() == low[[0, 2]].tolist()
