"""What contacting customers at risk costs and earns: it decides from which probability that pays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cxml.config.base import Part

Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CostsConfig(Part):
    """What a retention campaign earns and costs a customer, in the currency of the company."""

    clv: Money | None = None
    """What a customer is worth who stays; by default the mean of `value`; needed where `labels.value` learns that."""
    offer: Money
    """Cost of the incentive, for whoever stays."""
    contact: Money
    """Cost of contacting a customer."""

    @model_validator(mode="after")
    def _earns(self) -> CostsConfig:
        if self.clv is not None and self.clv <= self.offer:
            raise ValueError(f"offer must be below clv, {self.clv:g}: an offer worth more than the customer never pays")
        if self.offer + self.contact <= 0:
            raise ValueError("offer or contact must be above 0: what costs nothing needs no threshold")
        return self
