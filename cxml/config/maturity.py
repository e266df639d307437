"""Where features stand in the maturity matrix, where a company knows better than the words of its columns."""

from __future__ import annotations

from pydantic import Field

from cxml.config.base import Part
from cxml.schema.maturity import Place


class MaturityConfig(Part):
    """How `cxml maturity` sorts the features into its matrix of sources and aspects."""

    cells: dict[str, Place] = Field(default_factory=dict)
    """A feature, a column, or a name that conditions compare with (such as an event type) -> its cell, as in
    `{fuel_price: [alternatives, prices]}`; what is not listed is placed by its table and its words."""
