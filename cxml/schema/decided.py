"""The words in which a recommendation says what decided, and what stood against each option: written and read alike."""

from __future__ import annotations

from typing import Final

HELD_OUT: Final = "held out: gets no action, so that the others can be compared"
EXPLORED: Final = "drawn by chance among the actions that the customer may get, to learn from"
NOTHING_FIRED: Final = "no action may be recommended"
NOTHING_PAYS: Final = "no eligible action is worth more than it costs"
LIMITED: Final = "worth less than what it would take of the limits"
"""What stands in `rule` where no rule of the policy decided."""

STATES: Final = ("fired", "not_met", "not_applicable", "suppressed")
"""What an option is to a customer, the keys of `why`: a list of options, then options with what stood against each."""

WORTH_UNKNOWN: Final = "cost, use or worth unknown"
"""What `why` says of an option that every rule allowed and nothing held back, and that still could not be weighed."""
