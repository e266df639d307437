"""What is learnt from the log of actions: on which outcomes their effects are measured."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from cxml.config.base import Part

Outcome = Literal["renewal", "value", "nps"]
"""What an action may change: whether the customer stays, the money that comes in, the answer to a survey."""


OUTCOMES: Final[tuple[Outcome, ...]] = ("renewal", "value", "nps")


class EffectsConfig(Part):
    """How the effects of actions are learnt from the table `actions`."""

    outcomes: tuple[Outcome, ...] | None = None
    """Those that effects are learnt on: by default each that has a label; an empty list learns none."""
    answer_days: Annotated[int, Field(gt=0)] = 90
    """Days after an action in which an answer to a survey counts as given after it."""
