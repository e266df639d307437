"""What customers write beside a score: short English texts by touchpoint and feeling."""

from typing import Final

import numpy as np

from cxml.simulate.timeline import Floats, Ints

_ABOUT: Final = {
    "delivery": (
        (
            "The parcel came days late", "Late again", "The delivery date was not kept", "I waited at home for nothing",
            "Nobody told me about the delay", "The box arrived damaged and late",
        ),
        (
            "The delivery was okay", "It arrived, nothing special", "The parcel came as expected",
            "Delivery fine, tracking could be clearer", "On time but the box was dented", "Average delivery",
        ),
        (
            "Delivered earlier than promised", "Perfect delivery", "Fast and friendly courier",
            "Arrived right on time", "Tracking was excellent", "Great service from the driver",
        ),
    ),
    "contact": (
        (
            "My problem is still not solved", "I had to explain everything three times", "Terrible waiting time",
            "The agent could not help me", "Nobody called me back", "The menu on the phone is a nightmare",
        ),
        (
            "The answer was okay", "Solved, but it took a while", "The agent was polite", "An average call",
            "I got part of the answer", "It worked in the end",
        ),
        (
            "Solved at once", "The agent was wonderful", "Very kind and competent help",
            "Quick and friendly answer", "They really listened to me", "Best support I have had",
        ),
    ),
    "relationship": (
        (
            "Too expensive for what I get", "The competitor is cheaper", "I feel ignored as a customer",
            "Promises are not kept", "I am thinking about leaving", "The price went up and the service went down",
        ),
        (
            "It does what it should", "Neither good nor bad", "Prices are average", "No strong opinion",
            "Mostly fine with small hiccups", "Acceptable value for money",
        ),
        (
            "I have always been happy here", "Great value for money", "I recommend you to all my friends",
            "Everything just works", "A company one can trust", "Love the app and the service",
        ),
    ),
}  # fmt: skip

_ENDINGS: Final = (
    (".", ", very disappointing.", ", I am angry.", ". Please fix this!", ", never again."),
    (".", ", it is fine.", ", could be better.", ", nothing to add.", ", let us see."),
    (".", ", thank you!", ", keep it up.", ", very satisfied.", "!"),
)

TOUCHPOINTS: Final = tuple(_ABOUT)

COMMENTS: Final = tuple(
    text + ending
    for feelings in _ABOUT.values()
    for texts, endings in zip(feelings, _ENDINGS, strict=True)
    for text in texts
    for ending in endings
)

_PER_POOL = len(COMMENTS) // (3 * len(TOUCHPOINTS))

SHARE_WITH_COMMENT = np.array([0.45, 0.20, 0.30])
"""Negative, neutral and positive answers that come with a text."""

SHARE_OFF_TONE = 0.10
"""Texts whose tone is not that of the score: irony, mixed feelings, a slip of the finger."""


def comment_codes(touchpoint: Ints, position: Floats, rng: np.random.Generator) -> Ints:
    """Draw the position in `COMMENTS` of what is written beside an answer, -1 for nothing.

    ``position`` is where the score lies on its scale, 0-1.
    """
    feeling = (position >= 0.65).astype(np.int64) + (position >= 0.85)
    silent = rng.random(position.size) >= SHARE_WITH_COMMENT[feeling]
    tone = np.where(rng.random(position.size) < SHARE_OFF_TONE, rng.integers(0, 3, size=position.size), feeling)
    code = (touchpoint * 3 + tone) * _PER_POOL + rng.integers(0, _PER_POOL, size=position.size)
    return np.where(silent, -1, code)
