"""Where features stand in the maturity matrix, where a company knows better than the words of its columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cxml.config.base import Part

Source = Literal["behaviour", "alternatives", "competitors", "customer"]
"""A source of the customer's world: what happened before, alternatives taken, competitors, who the customer is."""

Aspect = Literal["prices", "interfaces", "social", "environment"]
"""What goes across the sources: prices and portfolio, service interfaces, social network, environment."""


class MaturityConfig(Part):
    """How `cxml maturity` sorts the features into its matrix."""

    cells: dict[str, tuple[Source, Aspect]] = Field(default_factory=dict)
    """A feature, a column, or a name that conditions compare with (such as an event type) -> its cell, as in
    `{fuel_price: [alternatives, prices]}`; what is not listed is placed by its table and its words."""
