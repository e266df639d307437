"""What an alarm says: which column, of what kind, why, and with which figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from cxml.predictive.measures import Measure

Kind = Literal["column", "time", "twins", "identifier", "text"]
"""`column`: it nearly decides the label, or knows a part of the rows for certain; `time`: it was written over after the
outcome, or does not hold in the future; `twins`: rows of several customers are the same; `identifier`; `text`."""


@dataclass(frozen=True)
class Alarm:
    """A suspected leak: ``why`` says it in words, ``figures`` in numbers with their intervals.

    ``column`` is empty where no single column is to blame; of twins it is the customer's id.
    """

    kind: Kind
    column: str
    why: str
    figures: tuple[Measure, ...] = ()

    def __str__(self) -> str:
        return f"{self.column or 'features'}: {self.why}"

    def to_json(self) -> dict[str, Any]:
        """Return the alarm as JSON can hold it."""
        return asdict(self)
