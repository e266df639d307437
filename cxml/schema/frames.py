"""The frames that are handed on: features, predictions, items of health, drivers, recommendations, indicators."""

from __future__ import annotations

from dataclasses import replace
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

HEALTH_ITEMS: Final = Schema(
    "health_items",
    (*_KEY, Column(c.ITEM, "category", required=True, nullable=False), _required(c.POINTS, "number")),
    unique=(*c.KEY, c.ITEM),
    extra_columns=False,
    all_null=True,
)

DRIVERS: Final = Schema(
    "drivers",
    (
        *(Column(name, "category", required=True, nullable=False) for name in (c.OF, c.ITEM, c.FEATURE, c.LABEL)),
        *(Column(name, "number", required=True, nullable=False, low=0) for name in (c.POINTS, c.LOW, c.HIGH)),
        _required(c.DIRECTION, "number", -1, 1),
        *(_required(name, "number", 0, 1) for name in (c.SHARE_RAISED, c.SHARE_LOWERED)),
        Column(c.N_CUSTOMERS, "number", required=True, nullable=False, low=1),
    ),
    unique=(c.OF, c.ITEM, c.FEATURE),
    extra_columns=False,
    all_null=True,
)

RECOMMENDATIONS: Final = Schema(
    "recommendations",
    (
        *_KEY,
        Column(c.ACTION, "category", required=True, nullable=False),
        _required(c.CHANNEL, "category"),
        Column(c.CONTACT_TIME, "time", required=True),
        *(
            Column(name, "number", required=True, nullable=False)
            for name in (c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH)
        ),
        Column(c.EFFECT_SOURCE, "category", required=True, nullable=False),
        Column(c.EVIDENCE, "number", required=True, nullable=False, low=0, high=1),
        Column(c.COST, "number", required=True, nullable=False, low=0),
        Column(c.PRIORITY, "number", required=True, nullable=False),
        Column(c.RULE, "text", required=True, nullable=False),
        _required(c.RUNNER_UP, "category"),
        _required(c.MARGIN, "number", 0),
        _required(c.SMALLEST_CHANGE, "text"),
        Column(c.WHY, "text", required=True, nullable=False),
        Column(c.PROPENSITY, "number", required=True, nullable=False, low=0, high=1),
        Column(c.HOLDOUT, "flag", required=True, nullable=False),
        Column(c.EXPLORED, "flag", required=True, nullable=False),
        Column(c.INTENDED, "category", required=True, nullable=False),
        Column(c.POLICY_VERSION, "category", required=True, nullable=False),
        Column(c.MODEL_VERSION, "category", required=True, nullable=False),
        Column(c.DECISION_ID, "key", required=True, nullable=False),
    ),
    unique=(c.DECISION_ID,),
    extra_columns=False,
    all_null=True,
)

DECISIONS: Final = replace(
    RECOMMENDATIONS,
    name="decisions",
    columns=tuple(
        replace(column, required=False, nullable=True) if column.name == c.INTENDED else column
        for column in RECOMMENDATIONS.columns
    ),
    extra_columns=True,
)
"""Recommendations as the ledger keeps them: with every column that they have, whichever version wrote them.

Earlier versions did not tell what the policy intended for whom chance decided."""

DECISION_OUTCOMES: Final = Schema(
    "outcomes",
    (
        Column(c.DECISION_ID, "key", required=True, nullable=False),
        Column(c.OUTCOME, "category", required=True, nullable=False),
        Column(c.OUTCOME_TIME, "time", required=True, nullable=False),
        Column(c.VALUE, "number"),
        Column(c.KNOWN_TIME, "time"),
    ),
    extra_columns=False,
    all_null=True,
)

_FIGURE = (
    Column(c.INDICATOR, "category", required=True, nullable=False),
    Column(c.BY, "category", required=True, nullable=False),
    _required(c.GROUP, "category"),
)
_INTERVAL = (_required(c.LOW, "number"), _required(c.HIGH, "number"))

INDICATORS: Final = Schema(
    "indicators",
    (
        *_FIGURE,
        Column(c.PERIOD, "category", required=True, nullable=False),
        Column(c.UNIT, "category", required=True, nullable=False),
        Column(c.N, "number", required=True, nullable=False, low=0),
        Column(c.N_CUSTOMERS, "number", required=True, nullable=False, low=0),
        _required(c.VALUE, "number"),
        *_INTERVAL,
    ),
    unique=(c.INDICATOR, c.BY, c.GROUP, c.PERIOD),
    extra_columns=False,
    all_null=True,
)

_POINTS: Final = (-100.0, 100.0)

POPULATION_NPS: Final = Schema(
    "population_nps",
    (
        Column(c.BY, "category", required=True, nullable=False),
        _required(c.GROUP, "category"),
        Column(c.AS_OF, "time", required=True, nullable=False),
        Column(c.N, "number", required=True, nullable=False, low=0),
        *(_required(name, "number", *_POINTS) for name in (c.RESPONDENTS_NPS, c.RESPONDENTS_LOW, c.RESPONDENTS_HIGH)),
        Column(c.N_CUSTOMERS, "number", required=True, nullable=False, low=1),
        *(
            Column(name, "number", required=True, nullable=False, low=_POINTS[0], high=_POINTS[1])
            for name in (c.PREDICTED_NPS, c.PREDICTED_LOW, c.PREDICTED_HIGH)
        ),
        _required(c.SHARE_ANSWERED, "number", 0, 1),
        *(Column(name, "number", required=True, nullable=False, low=0) for name in (c.N_LEARNT, c.EFFECTIVE_SIZE)),
        Column(c.CORRECTION, "category", required=True, nullable=False),
    ),
    unique=(c.BY, c.GROUP),
    extra_columns=False,
    all_null=True,
)

COMPARISONS: Final = Schema(
    "comparisons",
    (
        *_FIGURE,
        Column(c.UNIT, "category", required=True, nullable=False),
        *(Column(name, "number", required=True, nullable=False, low=0) for name in (c.N_BEFORE, c.N_AFTER)),
        *(_required(name, "number") for name in (c.VALUE_BEFORE, c.VALUE_AFTER, c.DIFFERENCE)),
        *_INTERVAL,
        *(_required(name, "number", 0, 1) for name in (c.P_VALUE, c.P_HOLM)),
    ),
    unique=(c.INDICATOR, c.BY, c.GROUP),
    extra_columns=False,
    all_null=True,
)

_MODEL = Column(c.MODEL, "category", required=True, nullable=False)
_HEAD = (_MODEL, Column(c.HEAD, "category", required=True, nullable=False))
_COUNT = Column(c.N, "number", required=True, nullable=False, low=0)
_SAID = tuple(_required(name, "number", 0, 1) for name in (c.PREDICTED, c.OBSERVED))
_GROUP = (*_HEAD, Column(c.BY, "category", required=True, nullable=False), _required(c.GROUP, "category"))

MEASURES: Final = Schema(
    "measures",
    (
        _MODEL,
        Column(c.MEASURE, "category", required=True, nullable=False),
        _required(c.VALUE, "number"),
        *_INTERVAL,
        _COUNT,
    ),
    unique=(c.MODEL, c.MEASURE),
    extra_columns=False,
)

CLASS_SKILLS: Final = Schema(
    "classes",
    (
        _MODEL,
        Column(c.CLASS, "category", required=True, nullable=False),
        _COUNT,
        *_SAID,
        _required(c.AUC, "number", 0, 1),
        *_INTERVAL,
    ),
    unique=(c.MODEL, c.CLASS),
    extra_columns=False,
)

CONFUSIONS: Final = Schema(
    "confusions",
    (
        _MODEL,
        *(Column(name, "category", required=True, nullable=False) for name in (c.CLASS, c.NAMED)),
        _COUNT,
    ),
    unique=(c.MODEL, c.CLASS, c.NAMED),
    extra_columns=False,
)

RELIABILITY: Final = Schema(
    "reliability",
    (
        *_GROUP,
        _COUNT,
        *_SAID,
        *_INTERVAL,
        *(_required(name, "number", 0) for name in (c.ECE, c.FLOOR, c.LIMIT)),
        Column(c.INSIDE, "flag", required=True, nullable=False),
    ),
    unique=(c.MODEL, c.HEAD, c.BY, c.GROUP),
    extra_columns=False,
    all_null=True,
)

RELIABILITY_BINS: Final = Schema(
    "reliability_bins",
    (*_GROUP, Column(c.BIN, "number", required=True, nullable=False, low=1), _COUNT, *_SAID, *_INTERVAL),
    unique=(c.MODEL, c.HEAD, c.BY, c.GROUP, c.BIN),
    extra_columns=False,
    all_null=True,
)

GAINS: Final = Schema(
    "gains",
    (
        *_HEAD,
        Column(c.CONTACTED, "number", required=True, nullable=False, low=0, high=1),
        _required(c.FOUND, "number", 0, 1),
        *_INTERVAL,
        _required(c.LIFT, "number", 0),
    ),
    unique=(c.MODEL, c.HEAD, c.CONTACTED),
    extra_columns=False,
)

CALIBRATIONS: Final = Schema(
    "calibrations",
    (
        *_HEAD,
        Column(c.CALIBRATION, "category", required=True, nullable=False),
        *(_required(name, "number") for name in (c.LOG_LOSS, c.GAIN)),
        *_INTERVAL,
        Column(c.CHOSEN, "flag", required=True, nullable=False),
    ),
    unique=(c.MODEL, c.HEAD, c.CALIBRATION),
    extra_columns=False,
)

THRESHOLDS: Final = Schema(
    "thresholds",
    (
        _MODEL,
        Column(c.CHOSEN_BY, "category", required=True, nullable=False),
        _required(c.THRESHOLD, "number", 0),
        *(_required(name, "number", 0, 1) for name in (c.CONTACTED, c.FOUND)),
        _required(c.PROFIT, "number"),
        *_INTERVAL,
    ),
    unique=(c.MODEL, c.CHOSEN_BY),
    extra_columns=False,
    all_null=True,
)
