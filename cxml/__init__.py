"""Customer-experience machine learning: tables become features, features predictions, predictions actions.

The names below load when they are first used, so that ``import cxml.predict`` stays light in a service.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxml.config import CompanyConfig, load_config
    from cxml.descriptive.indicators import nps, nps_class
    from cxml.errors import CxmlError
    from cxml.pipeline import (
        check,
        check_policy,
        compare,
        customer,
        evaluate,
        evaluate_policy,
        histories,
        indicators,
        kpi,
        learn_policy,
        mature_outcomes,
        maturity,
        measure_policy,
        population_nps,
        record_outcomes,
        score,
        simulate_policy,
        train,
    )
    from cxml.predictive.models import NpsClassifier, RenewalClassifier

__version__ = "0.1.0"

_HOMES = {
    "CompanyConfig": "cxml.config",
    "CxmlError": "cxml.errors",
    "NpsClassifier": "cxml.predictive.models",
    "RenewalClassifier": "cxml.predictive.models",
    "check": "cxml.pipeline",
    "check_policy": "cxml.pipeline",
    "compare": "cxml.pipeline",
    "customer": "cxml.pipeline",
    "evaluate": "cxml.pipeline",
    "evaluate_policy": "cxml.pipeline",
    "histories": "cxml.pipeline",
    "indicators": "cxml.pipeline",
    "kpi": "cxml.pipeline",
    "learn_policy": "cxml.pipeline",
    "load_config": "cxml.config",
    "mature_outcomes": "cxml.pipeline",
    "maturity": "cxml.pipeline",
    "measure_policy": "cxml.pipeline",
    "nps": "cxml.descriptive.indicators",
    "nps_class": "cxml.descriptive.indicators",
    "population_nps": "cxml.pipeline",
    "record_outcomes": "cxml.pipeline",
    "score": "cxml.pipeline",
    "simulate_policy": "cxml.pipeline",
    "train": "cxml.pipeline",
}

__all__ = [
    "CompanyConfig",
    "CxmlError",
    "NpsClassifier",
    "RenewalClassifier",
    "check",
    "check_policy",
    "compare",
    "customer",
    "evaluate",
    "evaluate_policy",
    "histories",
    "indicators",
    "kpi",
    "learn_policy",
    "load_config",
    "mature_outcomes",
    "maturity",
    "measure_policy",
    "nps",
    "nps_class",
    "population_nps",
    "record_outcomes",
    "score",
    "simulate_policy",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cxml' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
