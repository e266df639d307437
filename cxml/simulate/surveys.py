"""Who is asked, who answers (the unhappy and the extreme, more often), and with which score."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from cxml.simulate.answers import CES_THRESHOLDS, CSAT_THRESHOLDS, NPS_THRESHOLDS, answer
from cxml.simulate.columns import customer_ids, labels, order_by_customer, times
from cxml.simulate.comments import COMMENTS, TOUCHPOINTS, comment_codes
from cxml.simulate.mood import Mood
from cxml.simulate.timeline import Floats, Ints
from cxml.simulate.touchpoints import Contacts, Deliveries, Window

INSTRUMENTS = ("nps", "csat", "ces")
_LOWEST = np.array([0, 1, 1])
_HIGHEST = np.array([10, 5, 7])
_THRESHOLDS = (NPS_THRESHOLDS, CSAT_THRESHOLDS, CES_THRESHOLDS)

INSTRUMENT_SHARES = np.array([[0.85, 0.0, 0.15], [0.45, 0.40, 0.15], [1.0, 0.0, 0.0]])
"""Instrument by touchpoint (comments.TOUCHPOINTS). CES is the agreement that the company made it easy: high is good."""

INVITED_AFTER = np.array([0.30, 0.40])
"""Share of deliveries and of contacts followed by an invitation."""

RELATIONAL_EVERY_MONTHS = 6

RESPONSE_INTERCEPT = -1.60
RESPONSE_PER_SATISFACTION = -0.18
RESPONSE_PER_EXTREMITY = 0.55
"""Logit of answering, per unit of satisfaction and of its distance from `INDIFFERENCE`: about 22% answer on average,
and their NPS lies well below everyone's."""

INDIFFERENCE = 0.0


def p_response(satisfaction: Floats) -> Floats:
    """Return P(an invitation is answered | satisfaction)."""
    extremity = np.abs(satisfaction - INDIFFERENCE)
    logit = RESPONSE_INTERCEPT + RESPONSE_PER_SATISFACTION * satisfaction + RESPONSE_PER_EXTREMITY * extremity
    return np.asarray(expit(logit))


@dataclass(frozen=True)
class Invitations:
    """Invitations of a month; ``responded`` and ``score`` are NaN and ``comment`` is -1 where nobody answered."""

    who: Ints
    sent: Ints
    responded: Floats
    instrument: Ints
    touchpoint: Ints
    score: Floats
    comment: Ints


def invitations(
    mood: Mood,
    window: Window,
    brought: Deliveries,
    met: Contacts,
    phase: Ints,
    rng: np.random.Generator,
) -> Invitations:
    """Draw a month's invitations and answers.

    ``phase`` is the month of the half-year in which a customer gets the relational survey. Answers tell the
    satisfaction of the moment of the invitation.
    """
    asked_delivery = rng.random(brought.who.size) < INVITED_AFTER[0]
    asked_contact = rng.random(met.who.size) < INVITED_AFTER[1]
    after = np.concatenate([brought.when[asked_delivery], met.when[asked_contact]])
    present = window.until > window.begin
    due = np.flatnonzero(present & ((window.month + phase) % RELATIONAL_EVERY_MONTHS == 0))
    length = window.until[due] - window.begin[due]
    who = np.concatenate([brought.who[asked_delivery], met.who[asked_contact], due])
    sent = np.concatenate(
        [
            after + rng.integers(3600, 36 * 3600, size=after.size),
            window.begin[due] + (rng.random(due.size) * length).astype(np.int64),
        ]
    )
    touchpoint = np.repeat([0, 1, 2], [int(asked_delivery.sum()), int(asked_contact.sum()), due.size])

    shares = np.cumsum(INSTRUMENT_SHARES, axis=1)[touchpoint, :-1]
    instrument = (rng.random(who.size)[:, None] > shares).sum(axis=1)
    satisfaction = mood.at(who, sent)
    answered = rng.random(who.size) < p_response(satisfaction)
    responded = sent + 60 + rng.exponential(1.5 * 86_400, size=who.size).astype(np.int64)
    score = np.zeros(who.size)
    for code, thresholds in enumerate(_THRESHOLDS):
        asked_this = instrument == code
        score[asked_this] = _LOWEST[code] + answer(satisfaction[asked_this], thresholds, rng)
    position = (score - _LOWEST[instrument]) / (_HIGHEST - _LOWEST)[instrument]
    comment = comment_codes(touchpoint, position, rng)
    return Invitations(
        who=who,
        sent=sent,
        responded=np.where(answered, responded, np.nan),
        instrument=instrument,
        touchpoint=touchpoint,
        score=np.where(answered, score, np.nan),
        comment=np.where(answered, comment, -1),
    )


def surveys_table(months: list[Invitations], left: Ints, as_of: int) -> pd.DataFrame:
    """Return one row per invitation; nothing is sent or answered after a customer ``left`` or after ``as_of``."""
    who = np.concatenate([month.who for month in months])
    sent = np.concatenate([month.sent for month in months])
    order = order_by_customer(who, sent)
    order = order[sent[order] < np.minimum(left[who[order]], as_of)]
    who = who[order]
    responded = np.concatenate([month.responded for month in months])[order]
    silent = ~(responded < np.minimum(left[who], as_of))
    score = np.concatenate([month.score for month in months])[order]
    comment = np.concatenate([month.comment for month in months])[order]
    return pd.DataFrame(
        {
            "customer_id": customer_ids(who),
            "sent_time": times(sent[order]),
            "response_time": times(np.where(silent, np.nan, responded)),
            "instrument": labels(INSTRUMENTS, np.concatenate([month.instrument for month in months])[order]),
            "score": np.where(silent, np.nan, score),
            "comment": labels(COMMENTS, np.where(silent, -1, comment)),
            "touchpoint": labels(TOUCHPOINTS, np.concatenate([month.touchpoint for month in months])[order]),
        }
    )
