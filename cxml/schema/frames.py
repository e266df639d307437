"""The three frames that are handed on: features, predictions and recommendations."""

from __future__ import annotations

from typing import Final

from cxml.schema import columns as c
from cxml.schema.tables import Column, Rule, Schema

_KEY = (
    Column(c.CUSTOMER_ID, "key", required=True, nullable=False),
    Column(c.AS_OF, "time", required=True, nullable=False),
)


def _required(name: str, kind: str, low: float | None = None, high: float | None = None) -> Column:
    return Column(name, kind, required=True, low=low, high=high)  # type: ignore[arg-type]


FEATURES: Final = Schema("features", _KEY, unique=c.KEY, all_null=True)

PREDICTIONS: Final = Schema(
    "predictions",
    (
        *_KEY,
        *(_required(name, "number", 0, 1) for name in c.P_NPS),
        _required(c.NPS_CLASS, "category"),
        _required(c.RENEWAL_RISK, "number", 0, 1),
        _required(c.HEALTH, "number", 0, 100),
        _required(c.VALUE, "number"),
        Column(c.MODEL_VERSION, "category", required=True, nullable=False),
    ),
    unique=c.KEY,
    all_null=True,
    rules=(
        Rule(
            c.P_PROMOTER,
            "must add up to 1 with p_detractor and p_passive",
            "abs({p_detractor} + {p_passive} + {p_promoter} - 1) > 1e-9",
            "The three probabilities of a customer are those of one model; do not edit them apart.",
            c.P_NPS,
        ),
        Rule(
            c.NPS_CLASS,
            f"must be one of {', '.join(c.NPS_CLASSES)}",
            f"{{nps_class}} NOT IN {c.NPS_CLASSES!r}",
            "",
            (c.NPS_CLASS,),
        ),
    ),
)

RECOMMENDATIONS: Final = Schema(
    "recommendations",
    (
        *_KEY,
        Column(c.ACTION, "category", required=True, nullable=False),
        _required(c.CHANNEL, "category"),
        Column(c.EXPECTED_VALUE, "number", required=True, nullable=False),
        Column(c.COST, "number", required=True, nullable=False, low=0),
        Column(c.RULE, "text", required=True, nullable=False),
        _required(c.RUNNER_UP, "category"),
        Column(c.WHY, "text", required=True, nullable=False),
        Column(c.PROPENSITY, "number", required=True, nullable=False, low=0, high=1),
        Column(c.HOLDOUT, "flag", required=True, nullable=False),
        Column(c.POLICY_VERSION, "category", required=True, nullable=False),
        Column(c.MODEL_VERSION, "category", required=True, nullable=False),
        Column(c.DECISION_ID, "key", required=True, nullable=False),
    ),
    unique=(c.DECISION_ID,),
    extra_columns=False,
    all_null=True,
)
