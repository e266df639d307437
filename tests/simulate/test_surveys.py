import numpy as np
import pytest

from cxml.simulate.answers import nps_probabilities
from cxml.simulate.surveys import p_response

SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


@pytest.fixture(scope="module")
def surveys(company):
    return company.tables["surveys"]


def _nps(scores):
    return 100 * ((scores >= 9).mean() - (scores <= 6).mean())


def test_score_and_response_time_are_null_together_and_a_comment_needs_a_score(surveys):
    assert surveys["score"].isna().equals(surveys["response_time"].isna())
    assert surveys.loc[surveys["score"].isna(), "comment"].isna().all()
    assert 0.2 < surveys.loc[surveys["score"].notna(), "comment"].notna().mean() < 0.5


def test_nobody_answers_before_being_asked(surveys):
    answered = surveys.dropna(subset="response_time")
    assert (answered["response_time"] > answered["sent_time"]).all()


@pytest.mark.parametrize("instrument", SCALES)
def test_scores_are_whole_numbers_on_their_scale(surveys, instrument):
    scores = surveys.loc[surveys["instrument"] == instrument, "score"].dropna()
    low, high = SCALES[instrument]
    assert set(scores) == set(range(low, high + 1))


def test_a_fifth_to_a_quarter_answers(surveys):
    assert 0.20 < surveys["score"].notna().mean() < 0.25


def test_relational_surveys_come_about_twice_a_year(company, surveys):
    terms = company.tables["contracts"]
    start = terms["start_time"].clip(lower=terms["start_time"].min().replace(year=2022, month=1, day=1))
    years = (terms["end_time"].clip(upper=company.as_of) - start).dt.days.sum() / 365.25
    relational = (surveys["touchpoint"] == "relationship").sum()
    assert 1.8 < relational / years < 2.2


def test_the_unhappy_and_the_extreme_answer_more_often():
    furious, indifferent, delighted = p_response(np.array([-1.5, 0.0, 1.5]))
    assert furious > delighted > indifferent


def test_respondents_are_unhappier_than_everyone(company, surveys):
    respondents = _nps(surveys.loc[surveys["instrument"] == "nps", "score"].dropna())
    everyone = 100 * (company.truth["p_promoter"] - company.truth["p_detractor"]).mean()
    assert -10 < everyone < 30
    assert respondents < everyone - 4


def test_relational_respondents_are_unhappier_than_those_invited(run, company, surveys):
    relational = surveys[surveys["touchpoint"] == "relationship"]
    satisfaction, month = _satisfaction_at_month_start(run, company, relational)
    known = month >= 0
    p = nps_probabilities(satisfaction[known])
    expected = 100 * (p[:, 2] - p[:, 0])
    answered = relational["score"].notna().to_numpy()[known]
    assert expected[answered].mean() < expected.mean() - 4


def test_scores_follow_the_known_probabilities_whoever_answers(run, company, surveys):
    # Sent in a month's first week: satisfaction has hardly moved since the month's start, where it is known.
    rows = surveys[
        (surveys["touchpoint"] == "relationship") & surveys["score"].notna() & (surveys["sent_time"].dt.day <= 7)
    ]
    satisfaction, month = _satisfaction_at_month_start(run, company, rows)
    scores = rows["score"].to_numpy()[month >= 0]
    p = nps_probabilities(satisfaction[month >= 0])
    observed = np.array([(scores <= 6).mean(), ((scores == 7) | (scores == 8)).mean(), (scores >= 9).mean()])
    assert len(scores) > 500
    assert np.abs(observed - p.mean(axis=0)).max() < 4 * np.sqrt(0.25 / len(scores))
    assert np.corrcoef(scores, satisfaction[month >= 0])[0, 1] > 0.6


def _satisfaction_at_month_start(run, company, rows):
    """Satisfaction at the start of the month of each invitation, and that month (-1: had not joined by then)."""
    who = rows["customer_id"].str[1:].astype(int).to_numpy()
    month = ((rows["sent_time"].dt.year - 2022) * 12 + rows["sent_time"].dt.month - 1).to_numpy()
    deviations = np.stack([run.past_states[m].deviation for m in range(30)])
    joined = run.people.joined_month[who] < month
    return run.people.level[who] + deviations[month, who], np.where(joined, month, -1)
