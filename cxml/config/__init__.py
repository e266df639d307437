"""company.yaml and policy.yaml, parsed into frozen, typed objects; unknown keys are refused with the near miss."""

from cxml.config.company import CompanyConfig
from cxml.config.load import load_config

__all__ = ["CompanyConfig", "load_config"]
